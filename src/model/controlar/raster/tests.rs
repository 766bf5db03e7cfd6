//! Sessions of the recorded models draw the recorded ids.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use super::session::{RasterSession, Stage};
use super::*;
use crate::imaging::ControlMap;
use crate::model::controlar::ControlResize;
use crate::model::controlar::prompt_encoder::T5Files;
use crate::model::{Generator as _, Session as _, Step};
use crate::params::{ControlKind, PictureSize, Sampling, Speculation, StrengthCurve};
use crate::protocol::{Control, GenerateRequest};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/controlar").join(name)
}

fn tensor(folder: &str, file: &str, name: &str) -> Tensor {
    let file = fixture(&format!("{folder}/{file}.safetensors"));
    candle_core::safetensors::load(file, &Device::Cpu).unwrap()[name].clone()
}

/// The recorded model, whose control pictures have colours of any kind.
fn model(folder: &str, size: Option<PictureSize>) -> RasterModel {
    let files = RasterFiles {
        config: Some(fixture(&format!("{folder}/config.json"))),
        // Never read: the recorded rows take its place.
        text: Some(T5Files { weights: Vec::new(), words: PathBuf::new(), config: None }),
        name: Some("canny_MR".to_owned()).filter(|_| size.is_some()),
        control: Some(ControlSort { kind: ControlKind::Colour, resize: ControlResize::Nearest }),
        ..RasterFiles::new(
            fixture(&format!("{folder}/weights.safetensors")),
            fixture("vq16/weights.safetensors"),
        )
    };
    let options = RasterOptions { size, ..RasterOptions::default() };
    RasterModel::load(&RasterChoice { files, options }, Device::Cpu, &Arc::default()).unwrap()
}

fn greedy(guidance: f32) -> GenerateRequest {
    let sampling = Sampling { guidance, temperature: 0.0, top_k: 0, ..Sampling::default() };
    GenerateRequest { sampling, ..GenerateRequest::new("", 0) }
}

fn finish(session: &mut RasterSession) -> Vec<i64> {
    while session.n_done() < session.n_scales() {
        assert_ne!(session.step(&|| true).unwrap(), Step::Abandoned);
    }
    session.ids(0).concat().into_iter().map(i64::from).collect()
}

fn recorded(folder: &str, file: &str) -> Vec<Vec<i64>> {
    let ids = tensor(folder, file, "exp.tokens");
    ids.to_dtype(DType::I64).unwrap().to_vec2().unwrap()
}

#[test]
fn classes_draw_the_recorded_ids() {
    let mut model = model("llamagen_c2i", None);
    let labels: Vec<f32> = tensor("llamagen_c2i", "inputs", "in.labels")
        .to_dtype(DType::F32)
        .unwrap()
        .to_vec1()
        .unwrap();
    for (file, guidance) in [("greedy_cfg1", 1.0), ("greedy_cfg4", 4.0)] {
        for (label, expected) in labels.iter().zip(recorded("llamagen_c2i", file)) {
            let request = GenerateRequest { prompt: label.to_string(), ..greedy(guidance) };
            let mut session = model.start_session(&request).unwrap();
            assert_eq!(finish(&mut session), expected, "{file}, class {label}");
        }
    }
}

/// Recorded rows in place of a prompt, picture by picture.
#[track_caller]
fn check_prompts(folder: &str, size: Option<PictureSize>, runs: &[(&str, f32, f32)]) {
    let mut model = model(folder, size);
    let rows = tensor(folder, "inputs", "in.caption_embs");
    let mask: Vec<Vec<f32>> =
        tensor(folder, "inputs", "in.emb_mask").to_dtype(DType::F32).unwrap().to_vec2().unwrap();
    let has_control = !model.info().control_kinds.is_empty();
    for (file, guidance, strength) in runs {
        for (idx, expected) in recorded(folder, file).into_iter().enumerate() {
            let mut request = greedy(*guidance);
            if has_control {
                request.controls = vec![Control {
                    map: map(folder, idx, model.info().image_size_px),
                    strength: StrengthCurve::Constant(*strength),
                    strength_map: None,
                }];
            }
            let mut session = model.start_session(&request).unwrap();
            let n_visible = mask[idx].iter().sum::<f32>() as usize;
            let captions = rows.narrow(0, idx, 1).unwrap();
            let is_guided = *guidance > 1.0;
            let prefix =
                model.parts.transformer.prefix_of_captions(&captions, &[n_visible], is_guided);
            session.stage = Stage::Read(prefix.unwrap());
            assert_eq!(finish(&mut session), expected, "{folder}/{file}, picture {idx}");
        }
    }
}

/// A recorded control picture in the middle of a map.
fn map(folder: &str, idx: usize, side: usize) -> ControlMap {
    let picture = tensor(folder, "inputs", "in.control_u8").get(idx).unwrap();
    let (_, height, width) = picture.dims3().unwrap();
    let bytes: Vec<f32> =
        picture.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let mut values = vec![0.0; 4 * side * side];
    let (left, top) = ((side - width) / 2, (side - height) / 2);
    for (i, byte) in bytes.iter().enumerate() {
        let (channel, y, x) = (i / (width * height), i / width % height, i % width);
        values[channel * side * side + (top + y) * side + left + x] = byte / 255.0;
    }
    ControlMap::new(ControlKind::Colour, side, values).unwrap()
}

#[test]
fn prompts_draw_the_recorded_ids() {
    check_prompts("llamagen_t2i", None, &[("greedy_cfg1", 1.0, 1.0), ("greedy_cfg7.5", 7.5, 1.0)]);
}

/// Without temperature, guessing ahead draws the same ids.
#[test]
fn guessing_ahead_draws_the_recorded_ids() {
    let mut model = model("llamagen_c2i", None);
    let expected = &recorded("llamagen_c2i", "greedy_cfg4")[0];
    let labels = tensor("llamagen_c2i", "inputs", "in.labels").to_dtype(DType::F32).unwrap();
    let mut request = greedy(4.0);
    request.prompt = labels.to_vec1::<f32>().unwrap()[0].to_string();
    for window in [2, 5, 64] {
        request.sampling.speculation = Speculation { window, relaxation: 0.0 };
        let mut session = model.start_session(&request).unwrap();
        assert_eq!(finish(&mut session), *expected, "window {window}");
    }
}

#[test]
fn controls_draw_the_recorded_ids() {
    let runs = [
        ("greedy_cfg1_strength1", 1.0, 1.0),
        ("greedy_cfg4_strength1", 4.0, 1.0),
        ("greedy_cfg4_strength0.6", 4.0, 0.6),
        ("greedy_cfg4_strength0", 4.0, 0.0),
    ];
    check_prompts("controlar_square", None, &runs);
    let wide = PictureSize { width_px: 160, height_px: 96 };
    check_prompts("controlar_mr", Some(wide), &runs);
}
