//! Files with the lists of published models and no numbers in them: sparse, so that gigabytes take no
//! room.

#![allow(dead_code, reason = "each test crate uses another part of it")]

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use serde_json::json;
use underpaint::model::controlar::config::{
    ControlConfig, ControlResize, LlamaGenConfig, T5Config, Vq16Config,
};
use underpaint::model::controlar::names;
use underpaint::model::weights::Wanted;

/// A safetensors file of zeros with these tensors.
pub(crate) fn write(path: &Path, tensors: &[Wanted]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut fields = serde_json::Map::new();
    let mut end = 0;
    for Wanted { name, shape } in tensors {
        let start = end;
        end += 4 * shape.iter().product::<usize>() as u64;
        let field = json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] });
        fields.insert(name.clone(), field);
    }
    let header = serde_json::Value::Object(fields).to_string();
    let mut file = File::create(path).unwrap();
    file.write_all(&(header.len() as u64).to_le_bytes()).unwrap();
    file.write_all(header.as_bytes()).unwrap();
    file.set_len(8 + header.len() as u64 + end).unwrap();
}

pub(crate) fn controlar(is_base: bool, grid_side: usize) -> Vec<Wanted> {
    let config = LlamaGenConfig::xl_text(grid_side);
    let mut tensors = names::llamagen(&config);
    let control = ControlConfig::published(is_base, ControlResize::Nearest);
    tensors.extend(names::control(&control, config.dim));
    tensors.push(Wanted::new("condition_embeddings.weight", [16_384, 1280]));
    tensors.push(Wanted::new("condition_mlp.uncond_embedding", [grid_side * grid_side, 1280]));
    tensors.push(Wanted::new(
        "adapter.model.embeddings.mask_token",
        [1, if is_base { 768 } else { 384 }],
    ));
    tensors
}

pub(crate) fn classes() -> Vec<Wanted> {
    names::llamagen(&LlamaGenConfig::class(12, 12, 768, 24))
}

pub(crate) fn picture_tokenizer() -> Vec<Wanted> {
    let mut tensors = names::vq16(&Vq16Config::published());
    tensors.push(Wanted::new("quantize.codebook_used", [65_536]));
    tensors
}

/// Two files, as flan-t5-xl is published.
pub(crate) fn write_t5(folder: &Path) {
    let mut tensors = names::t5(&T5Config::flan_xl());
    tensors.push(Wanted::new("decoder.final_layer_norm.weight", [2048]));
    let (one, two) = tensors.split_at(100);
    write(&folder.join("model-00001-of-00002.safetensors"), one);
    write(&folder.join("model-00002-of-00002.safetensors"), two);
    write_words(folder);
}

pub(crate) fn write_words(folder: &Path) {
    let words: Vec<_> = (0..32_100).map(|i| json!([i.to_string(), 0.0])).collect();
    let json = json!({ "version": "1.0", "model": { "type": "Unigram", "vocab": words } });
    fs::write(folder.join("tokenizer.json"), json.to_string()).unwrap();
}

/// The layout that ControlAR's own page recommends.
pub(crate) fn write_readme_layout(root: &Path) {
    let checkpoints = root.join("checkpoints");
    write(&checkpoints.join("t2i/canny/canny_MR.safetensors"), &controlar(false, 48));
    write(&checkpoints.join("vq/vq_ds16_t2i.pt"), &picture_tokenizer());
    write(&checkpoints.join("vq/vq_ds16_c2i.pt"), &picture_tokenizer());
    write_t5(&checkpoints.join("t5-ckpt/flan-t5-xl"));
}
