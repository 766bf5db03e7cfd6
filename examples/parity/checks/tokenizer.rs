//! VQ-16: pictures to codes and codes to pictures.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use candle_core::{Device, Tensor};
use underpaint::model::controlar::config::parse;
use underpaint::model::controlar::vq16::{Vq16, bytes_from_pictures, pictures_from_bytes};
use underpaint::model::controlar::{Probe, Vq16Config, names};

use super::{Expected, Report, Tolerance, weights};

const LATENT: Tolerance = Tolerance::absolute(1e-4);
const MAP: Tolerance = Tolerance::absolute(1e-4);
const PIXELS: Tolerance = Tolerance::absolute(5e-4);
const BYTES: Tolerance = Tolerance::absolute(1.0);

pub(super) fn check(folder: &Path, report: &mut Report) -> Result<()> {
    let config: Vq16Config = parse(&fs::read_to_string(folder.join("config.json"))?)?;
    let weights = weights::open(folder, &names::vq16(&config), &names::IGNORED_VQ16, report)?;
    let Some(weights) = weights else { return Ok(()) };
    let vq = Vq16::load(config, &weights.var_builder(&Device::Cpu))?;
    for file in super::transformer::files(folder)? {
        if file.starts_with("encode_") || file.starts_with("decode_") {
            let mut expected = Expected::read(folder, &file)?;
            one(&vq, &mut expected, report)?;
            report.finish(&expected);
        }
    }
    Ok(())
}

fn one(vq: &Vq16, expected: &mut Expected, report: &mut Report) -> Result<()> {
    let mut seen: Vec<(String, Tensor)> = Vec::new();
    let mut see = |name: &str, tensor: &Tensor| seen.push((name.to_owned(), tensor.clone()));
    let mut probe = Probe::new(&mut see);
    let mut results = Vec::new();
    let (ids, height, width) = if expected.has("in.image_u8") {
        let pictures = pictures_from_bytes(expected.get("in.image_u8")?)?;
        if let Ok(corner) = expected.get("exp.image_f32_in") {
            let (.., height, width) = corner.dims4()?;
            let ours = pictures.narrow(2, 0, height)?.narrow(3, 0, width)?;
            results.push(("exp.image_f32_in", ours, Tolerance::absolute(1e-6)));
        }
        let encoded = vq.encode(&pictures, &mut probe)?;
        let ids = Tensor::new(encoded.ids.clone(), &Device::Cpu)?;
        results.push(("exp.ids", ids, Tolerance::EXACT));
        (encoded.ids, encoded.height, encoded.width)
    } else {
        let ids: Vec<Vec<i64>> = expected.get("in.ids")?.to_vec2()?;
        let (.., height, width) = expected.get("exp.codebook_entry")?.dims4()?;
        let ids = ids.iter().map(|row| row.iter().map(|id| *id as u32).collect()).collect();
        (ids, height, width)
    };
    let decoded = vq.decode(&ids, height, width, &mut probe)?;
    results.push(("exp.decoded_u8", bytes_from_pictures(&decoded)?, BYTES));
    results.push(("exp.decoded", decoded, PIXELS));
    for (name, tensor, tolerance) in results {
        report.compare(expected, name, &tensor, tolerance)?;
    }
    for (name, tensor) in seen {
        let is_latent = name.contains("latent") || name.ends_with("quant_conv");
        let tolerance = match name.strip_prefix("dec.") {
            _ if is_latent => LATENT,
            // The maps that become pixels, by convolutions in tiles: as near as those have to be.
            Some(_) => PIXELS,
            None => MAP,
        };
        report.compare(expected, &name, &tensor, tolerance).with_context(|| name.clone())?;
    }
    Ok(())
}
