//! Resizes: `cases.json` lists them.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use candle_core::{DType, Device, Tensor};
use serde::Deserialize;
use underpaint::model::controlar::pillow;
use underpaint::model::controlar::resample::{Method, Size, resample};

use super::{Expected, Report, Tolerance};

#[derive(Deserialize)]
struct Case {
    name: String,
    kind: String,
    out_hw: [usize; 2],
}

pub(super) fn check(folder: &Path, report: &mut Report) -> Result<()> {
    let cases: Vec<Case> = serde_json::from_str(&fs::read_to_string(folder.join("cases.json"))?)?;
    let mut expected = Expected::read(folder, "resample.safetensors")?;
    for Case { name, kind, out_hw: [height, width] } in cases {
        let input = expected.get(&format!("in.{name}"))?.clone();
        let [outer @ .., in_height, in_width] = input.dims() else {
            anyhow::bail!("{name} is no picture");
        };
        let from = Size { height: *in_height, width: *in_width };
        let to = Size { height, width };
        let dims = [outer, &[height, width]].concat();
        let flat = input.flatten_all()?;
        let method = match kind.as_str() {
            "nearest" => Some(Method::Nearest),
            "bilinear" => Some(Method::Bilinear),
            "bicubic" => Some(Method::Bicubic),
            "bicubic_align_corners" => Some(Method::BicubicAlignCorners),
            "area" => Some(Method::Area),
            "pillow_bicubic_u8" => None,
            other => anyhow::bail!("{name} has the unknown method {other}"),
        };
        let (actual, tolerance) = match method {
            None => {
                let bytes = pillow::bicubic(&flat.to_vec1()?, from, to);
                (Tensor::from_vec(bytes, dims, &Device::Cpu)?, Tolerance::EXACT)
            }
            Some(method) => {
                let values: Vec<f32> = if flat.dtype() == DType::U8 {
                    let bytes: Vec<u8> = flat.to_vec1()?;
                    bytes.iter().map(|byte| 2.0 * (f32::from(*byte) / 255.0 - 0.5)).collect()
                } else {
                    flat.to_vec1()?
                };
                let resized = resample(&values, from, to, method);
                let tolerance = if method == Method::Nearest {
                    Tolerance::EXACT
                } else {
                    Tolerance::absolute(1e-5)
                };
                (Tensor::from_vec(resized, dims, &Device::Cpu)?, tolerance)
            }
        };
        let name = format!("exp.{name}");
        expected.get(&name).context("a case without its result")?;
        report.compare(&mut expected, &name, &actual, tolerance)?;
    }
    report.finish(&expected);
    Ok(())
}
