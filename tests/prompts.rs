//! Prompts to rows: every form of T5's files, and what is kept of them on disk.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

#[path = "common/torch_file.rs"]
mod torch_file;

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use tempfile::TempDir;
use underpaint::model::ModelError;
use underpaint::model::controlar::t5::{T5Weights, encode_in_passing};
use underpaint::model::controlar::{
    EncodedPrompt, Probe, PromptCache, PromptEncoder, T5Config, T5Encoder, T5Files, config,
};
use underpaint::model::weights::Weights;

/// As many rows as the published transformers have.
const MAX_TOKENS: usize = 120;
const DIM: usize = 64;
const PROMPT: &str = "A Photo of a red cat, f/1.8";

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/controlar/t5").join(name)
}

fn t5_config() -> T5Config {
    config::parse(&fs::read_to_string(fixture("config.json")).unwrap()).unwrap()
}

fn tensors() -> Vec<(String, Tensor)> {
    let weights = Weights::read(&fixture("weights.safetensors")).unwrap();
    let vb = weights.var_builder(&Device::Cpu);
    weights.tensors().map(|(name, shape)| (name.to_owned(), vb.get(shape, name).unwrap())).collect()
}

/// Words with their scores, by id.
fn pieces() -> Vec<(String, f32)> {
    let mut pieces: Vec<(String, f32)> =
        ["<pad>", "</s>", "<unk>"].iter().map(|name| ((*name).to_owned(), 0.0)).collect();
    for word in ["▁a", "▁photo", "▁of", "▁red", "▁cat", "▁", ","] {
        pieces.push((word.to_owned(), -2.0));
    }
    pieces.extend("abcdefghijklmnopqrstuvwxyz0123456789.".chars().map(|c| (c.to_string(), -6.0)));
    pieces
}

fn tokenizer_json() -> String {
    let vocab: Vec<(String, f32)> = pieces();
    serde_json::json!({
        "version": "1.0",
        "added_tokens": [],
        "normalizer": null,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "WhitespaceSplit"},
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
        ]},
        "post_processor": null,
        "decoder": null,
        "model": {"type": "Unigram", "unk_id": 2, "vocab": vocab, "byte_fallback": false},
    })
    .to_string()
}

/// The same words as SentencePiece writes them.
fn spiece_model() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (id, (text, score)) in pieces().iter().enumerate() {
        let mut piece = vec![0x0a, text.len() as u8];
        piece.extend_from_slice(text.as_bytes());
        piece.push(0x15);
        piece.extend_from_slice(&score.to_le_bytes());
        let kind = [3, 3, 2].get(id).copied().unwrap_or(1);
        piece.extend_from_slice(&[0x18, kind]);
        bytes.extend_from_slice(&[0x0a, piece.len() as u8]);
        bytes.extend_from_slice(&piece);
    }
    // A trainer that says unigram, and a normalizer without a table.
    bytes.extend_from_slice(&[0x12, 2, 0x18, 1, 0x1a, 4, 0x0a, 2, b'n', b'f']);
    bytes
}

/// A folder with an encoder, as it is published.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("weights.safetensors"), folder.path().join("model.safetensors")).unwrap();
    fs::copy(fixture("config.json"), folder.path().join("config.json")).unwrap();
    fs::write(folder.path().join("tokenizer.json"), tokenizer_json()).unwrap();
    folder
}

fn encoder(folder: &Path, cache: Option<PromptCache>) -> PromptEncoder {
    let files = T5Files::find(folder).unwrap();
    PromptEncoder::new(files, (MAX_TOKENS, DIM), Device::Cpu, cache)
}

fn encode(encoder: &mut PromptEncoder, prompt: &str) -> Result<EncodedPrompt, ModelError> {
    encoder.encode(prompt, &|| true, &mut |_| {}).map(|encoded| encoded.expect("not abandoned"))
}

fn rows(encoded: &EncodedPrompt) -> Vec<f32> {
    encoded.rows.flatten_all().unwrap().to_vec1().unwrap()
}

fn rows_of(folder: &Path) -> Vec<f32> {
    rows(&encode(&mut encoder(folder, None), PROMPT).unwrap())
}

fn cache(folder: &TempDir) -> PromptCache {
    PromptCache::new(folder.path().join("prompts"), 1 << 20)
}

fn cache_files(cache: &PromptCache) -> Vec<PathBuf> {
    let files = fs::read_dir(cache.folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().unwrap() == "rows").collect();
    files.sort();
    files
}

#[track_caller]
fn assert_close(actual: &[f32], expected: &[f32], share: f32) {
    assert_eq!(actual.len(), expected.len());
    let norm = |values: &[f32]| values.iter().map(|v| v * v).sum::<f32>().sqrt();
    let difference: Vec<f32> = actual.iter().zip(expected).map(|(a, b)| a - b).collect();
    let error = norm(&difference) / norm(expected);
    assert!(error <= share, "{error} of the rows, allowed {share}");
    assert!(error > 0.0, "the same numbers to the bit");
}

#[test]
fn a_prompt_is_cleaned_split_and_encoded_block_by_block() {
    let folder = folder();
    let mut encoder = encoder(folder.path(), None);
    let told = Cell::new(Vec::new());
    let mut progress = |share: f32| {
        let mut all = told.take();
        all.push(share);
        told.set(all);
    };
    let encoded = encoder.encode(PROMPT, &|| true, &mut progress).unwrap().unwrap();
    assert_eq!(told.take(), [0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]);
    // "a photo of a red cat, f 1.8" and its end.
    let ids = [3, 4, 5, 3, 6, 7, 9, 8, 15, 8, 37, 46, 44, 1];
    assert_eq!((encoded.n_visible(), encoded.n_dropped), (ids.len(), 0));
    let weights = Weights::read(&fixture("weights.safetensors")).unwrap();
    let whole = T5Encoder::load(t5_config(), &weights.var_builder(&Device::Cpu)).unwrap();
    let expected = whole.encode(&ids, &mut Probe::none()).unwrap();
    let expected: Vec<f32> = expected.flatten_all().unwrap().to_vec1().unwrap();
    let rounded: Vec<f32> = expected.iter().map(|v| half::f16::from_f32(*v).to_f32()).collect();
    assert_eq!(rows(&encoded), rounded);
    let padded = encoded.left_padded(MAX_TOKENS).unwrap();
    assert_eq!(padded.dims(), [MAX_TOKENS, DIM]);
    // The empty prompt is its end alone; a long one is cut and says so.
    assert_eq!(encode(&mut encoder, "").unwrap().n_visible(), 1);
    let long = encode(&mut encoder, &"cat ".repeat(200)).unwrap();
    assert_eq!((long.n_visible(), long.n_dropped), (MAX_TOKENS, 200 - 119));
}

#[test]
fn every_form_of_the_files_gives_the_same_rows() {
    let expected = rows_of(folder().path());
    let tensors = tensors();

    let words = folder();
    fs::remove_file(words.path().join("tokenizer.json")).unwrap();
    fs::write(words.path().join("spiece.model"), spiece_model()).unwrap();
    assert_eq!(rows_of(words.path()), expected, "spiece.model");

    let torch = folder();
    fs::remove_file(torch.path().join("model.safetensors")).unwrap();
    let bytes = torch_file::torch_file(&tensors);
    fs::write(torch.path().join("pytorch_model.bin"), bytes).unwrap();
    assert_eq!(rows_of(torch.path()), expected, "PyTorch");

    let parts = folder();
    fs::remove_file(parts.path().join("model.safetensors")).unwrap();
    let mut map = serde_json::Map::new();
    for (i, half) in tensors.chunks(tensors.len() / 2 + 1).enumerate() {
        let name = format!("model-{i}-of-2.safetensors");
        candle_core::safetensors::save(&half.iter().cloned().collect(), parts.path().join(&name))
            .unwrap();
        map.extend(half.iter().map(|(tensor, _)| (tensor.clone(), name.clone().into())));
    }
    let index = serde_json::json!({"metadata": {}, "weight_map": map}).to_string();
    fs::write(parts.path().join("model.safetensors.index.json"), index).unwrap();
    assert_eq!(rows_of(parts.path()), expected, "parts with an index");
    fs::remove_file(parts.path().join("model-1-of-2.safetensors")).unwrap();
    let error = T5Files::find(parts.path()).unwrap_err().to_string();
    assert!(error.contains("model-1-of-2.safetensors"), "{error}");
}

/// A GGUF file with all matrices in blocks.
fn gguf(tensors: &[(String, Tensor)], format: GgmlDType) -> Vec<u8> {
    let quantised: Vec<(String, QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| {
            let fits = tensor.rank() == 2 && tensor.dims()[1].is_multiple_of(format.block_size());
            let format = if fits { format } else { GgmlDType::F32 };
            (name.clone(), QTensor::quantize(tensor, format).unwrap())
        })
        .collect();
    let architecture = Value::String("t5".to_owned());
    let named: Vec<_> = quantised.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut file = std::io::Cursor::new(Vec::new());
    gguf_file::write(&mut file, &[("general.architecture", &architecture)], &named).unwrap();
    file.into_inner()
}

fn gguf_folder(bytes: &[u8]) -> TempDir {
    let folder = folder();
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    fs::write(folder.path().join("model-flan.gguf"), bytes).unwrap();
    folder
}

fn llama_cpp(name: &str) -> String {
    let pairs = [
        ("shared", "token_embd"),
        ("encoder.final_layer_norm", "enc.output_norm"),
        ("encoder.block", "enc.blk"),
        ("layer.0.SelfAttention.relative_attention_bias", "attn_rel_b"),
        ("layer.0.SelfAttention.", "attn_"),
        ("layer.0.layer_norm", "attn_norm"),
        ("layer.1.DenseReluDense.wi_0", "ffn_gate"),
        ("layer.1.DenseReluDense.wi_1", "ffn_up"),
        ("layer.1.DenseReluDense.wo", "ffn_down"),
        ("layer.1.layer_norm", "ffn_norm"),
    ];
    pairs.iter().fold(name.to_owned(), |name, (from, to)| name.replace(from, to))
}

#[test]
fn quantised_files_give_nearly_the_same_rows() {
    let expected = rows_of(folder().path());
    let tensors = tensors();
    for (format, share) in
        [(GgmlDType::Q8_0, 0.05), (GgmlDType::Q5_0, 0.25), (GgmlDType::Q4_0, 0.5)]
    {
        let folder = gguf_folder(&gguf(&tensors, format));
        let rows = rows_of(folder.path());
        assert_close(&rows, &expected, share);
        // By the names of llama.cpp, the very same.
        let renamed: Vec<_> =
            tensors.iter().map(|(name, tensor)| (llama_cpp(name), tensor.clone())).collect();
        let theirs = gguf_folder(&gguf(&renamed, format));
        assert_eq!(rows_of(theirs.path()), rows);
    }
}

#[test]
fn weights_in_blocks_stay_so() {
    let folder = gguf_folder(&gguf(&tensors(), GgmlDType::Q8_0));
    let files = T5Files::find(folder.path()).unwrap();
    let weights = T5Weights::open(&files.weights, &Device::Cpu).unwrap();
    assert!(weights.check(&t5_config()).unwrap().unexpected.is_empty());
    let encoder = T5Encoder::load(t5_config(), &weights).unwrap();
    assert!(format!("{encoder:?}").contains("Quantised"));
    let ids = vec![3, 4, 1];
    let whole = encoder.encode(&ids, &mut Probe::none()).unwrap();
    let passing =
        encode_in_passing(&t5_config(), &weights, &[ids], &|| true, &mut |_| {}).unwrap().unwrap();
    // Rows of the table alone, or all of it first: the same numbers.
    let difference = (whole - &passing[0]).unwrap().abs().unwrap().max_all().unwrap();
    assert_eq!(difference.to_scalar::<f32>().unwrap(), 0.0);
}

#[test]
fn what_was_encoded_once_needs_no_encoder() {
    let (folder, kept) = (folder(), tempfile::tempdir().unwrap());
    let mut first = encoder(folder.path(), Some(cache(&kept)));
    let expected = rows(&encode(&mut first, PROMPT).unwrap());
    assert_eq!(cache_files(&cache(&kept)).len(), 1);
    let mut second = encoder(folder.path(), Some(cache(&kept)));
    for name in ["model.safetensors", "tokenizer.json"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    let go_on = || panic!("the encoder is read");
    let again = second.encode(PROMPT, &go_on, &mut |_| panic!("it takes time")).unwrap().unwrap();
    assert_eq!(rows(&again), expected);
    // Another spelling of the same prompt is the same prompt.
    let same = encode(&mut second, "a photo of a  red cat, f 1.8").unwrap();
    assert_eq!(rows(&same), expected);
    let error = encode(&mut second, "another prompt").unwrap_err().to_string();
    assert!(error.contains("cannot be read"), "{error}");
}

#[test]
fn another_encoder_has_prompts_of_its_own() {
    let (ours, kept) = (folder(), tempfile::tempdir().unwrap());
    let expected = rows(&encode(&mut encoder(ours.path(), Some(cache(&kept))), PROMPT).unwrap());
    let other = folder();
    let changed: Vec<_> = tensors()
        .into_iter()
        .map(|(name, tensor)| (name, tensor.affine(1.01, 0.0).unwrap()))
        .collect();
    let path = other.path().join("model.safetensors");
    candle_core::safetensors::save(&changed.into_iter().collect(), path).unwrap();
    let mut other = encoder(other.path(), Some(cache(&kept)));
    assert_ne!(rows(&encode(&mut other, PROMPT).unwrap()), expected);
    assert_eq!(cache_files(&cache(&kept)).len(), 2);
    // A file that changes in its place is another one too.
    let mut changing = encoder(ours.path(), Some(cache(&kept)));
    encode(&mut changing, PROMPT).unwrap();
    let mut words = tokenizer_json();
    words.push('\n');
    fs::write(ours.path().join("tokenizer.json"), words).unwrap();
    encode(&mut changing, PROMPT).unwrap();
    assert_eq!(cache_files(&cache(&kept)).len(), 3);
}

#[test]
fn damaged_and_foreign_cache_files_are_made_again() {
    let (folder, kept) = (folder(), tempfile::tempdir().unwrap());
    let cache = cache(&kept);
    let fresh = || encoder(folder.path(), Some(cache.clone()));
    let expected = rows(&encode(&mut fresh(), PROMPT).unwrap());
    let path = cache_files(&cache).remove(0);
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[100] ^= 1;
    // The rows of another prompt under this one's name.
    encode(&mut fresh(), "a cat").unwrap();
    let other = cache_files(&cache).into_iter().find(|other| *other != path).unwrap();
    let other = fs::read(other).unwrap();
    let cut = whole[..whole.len() / 2].to_vec();
    for broken in [Vec::new(), cut, flipped, other, b"not ours at all".repeat(100)] {
        fs::write(&path, &broken).unwrap();
        assert_eq!(rows(&encode(&mut fresh(), PROMPT).unwrap()), expected);
        assert_eq!(fs::read(&path).unwrap(), whole, "it is not replaced");
    }
}

#[test]
fn the_oldest_make_room_and_strangers_stay() {
    let (folder, kept) = (folder(), tempfile::tempdir().unwrap());
    // Each of these prompts takes 2 rows of 64 halves and its frame: 340 bytes.
    let cache = PromptCache::new(kept.path().to_owned(), 1000);
    fs::write(kept.path().join("holiday.rows"), vec![0; 5000]).unwrap();
    let mut encoder = encoder(folder.path(), Some(cache.clone()));
    for (age, prompt) in ["red", "cat"].iter().enumerate() {
        encode(&mut encoder, prompt).unwrap();
        for path in cache_files(&cache) {
            let then = std::time::SystemTime::now() - std::time::Duration::from_secs(1000);
            if path.file_name().unwrap() != "holiday.rows" && age == 0 {
                fs::File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
            }
        }
    }
    assert_eq!(cache_files(&cache).len(), 3);
    let oldest = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    let first = cache_files(&cache).into_iter().min_by_key(oldest).unwrap();
    encode(&mut encoder, "photo").unwrap();
    assert!(!first.exists(), "the oldest is still there");
    assert_eq!(cache_files(&cache).len(), 3);
    assert!(kept.path().join("holiday.rows").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_no_obstacle() {
    let (folder, kept) = (folder(), tempfile::tempdir().unwrap());
    let expected = rows_of(folder.path());
    let blocked = kept.path().join("file");
    fs::write(&blocked, "in the way").unwrap();
    let cache = PromptCache::new(blocked.join("prompts"), 1 << 20);
    let mut encoder = encoder(folder.path(), Some(cache));
    assert_eq!(rows(&encode(&mut encoder, PROMPT).unwrap()), expected);
    // In memory it is kept all the same.
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    assert_eq!(rows(&encode(&mut encoder, PROMPT).unwrap()), expected);
}

#[test]
fn encoding_can_be_abandoned() {
    let (folder, kept) = (folder(), tempfile::tempdir().unwrap());
    let mut encoder = encoder(folder.path(), Some(cache(&kept)));
    let asked = Cell::new(0);
    let go_on = || {
        asked.set(asked.get() + 1);
        asked.get() < 3
    };
    assert!(encoder.encode(PROMPT, &go_on, &mut |_| {}).unwrap().is_none());
    assert_eq!(asked.get(), 3);
    assert!(cache_files(&cache(&kept)).is_empty());
    assert_eq!(rows(&encode(&mut encoder, PROMPT).unwrap()), rows_of(folder.path()));
}

#[test]
fn files_that_cannot_be_used_say_what_to_do() {
    let fails = |change: &dyn Fn(&Path), words: &str| {
        let folder = folder();
        change(folder.path());
        let result = T5Files::find(folder.path()).and_then(|files| {
            let mut encoder = PromptEncoder::new(files, (MAX_TOKENS, DIM), Device::Cpu, None);
            encode(&mut encoder, PROMPT)
        });
        let failure = result.map(|_| ()).unwrap_err().to_failure();
        assert!(failure.details.contains(words), "{}", failure.details);
        assert!(!failure.headline.contains('\n'), "more than a line: {}", failure.headline);
    };
    let write = |name: &'static str, bytes: Vec<u8>| {
        move |folder: &Path| fs::write(folder.join(name), &bytes).unwrap()
    };
    let remove =
        |name: &'static str| move |folder: &Path| fs::remove_file(folder.join(name)).unwrap();
    fails(&remove("model.safetensors"), "google/flan-t5-xl");
    fails(&remove("tokenizer.json"), "google/flan-t5-xl");
    fails(&write("tokenizer.json", b"garbage".to_vec()), "get tokenizer.json");
    fails(&write("tokenizer.json", b"{\"model\": 7}".to_vec()), "get tokenizer.json");
    fails(&write("tokenizer.json", vec![b'['; 100_000]), "get tokenizer.json");
    let nested = format!("{{\"a\": {}", "[".repeat(100_000));
    fails(&write("tokenizer.json", nested.into_bytes()), "get tokenizer.json");
    let cut = spiece_model()[..100].to_vec();
    fails(&write("tokenizer.json", cut), "cut off");
    // A table of characters that claims 4 GiB.
    let table = r#""normalizer": {"type": "Precompiled", "precompiled_charsmap": "/////wAA"}"#;
    let bomb = tokenizer_json().replace("\"normalizer\":null", table);
    assert!(bomb.contains("/////"));
    fails(&write("tokenizer.json", bomb.into_bytes()), "table of characters");
    // One whose branches lead nowhere: the tokenizer's own code does not look.
    let table = r#""normalizer": {"type": "Precompiled", "precompiled_charsmap": "BAAAAP////8="}"#;
    let lost = tokenizer_json().replace("\"normalizer\":null", table);
    fails(&write("tokenizer.json", lost.into_bytes()), "damaged");
    let no_end = tokenizer_json().replace("</s>", "</t>");
    fails(&write("tokenizer.json", no_end.into_bytes()), "</s>");
    fails(&write("config.json", b"{}".to_vec()), "not valid");
    fails(&remove("config.json"), "2048 values");
    let small = fs::read_to_string(fixture("config.json")).unwrap().replace("600", "40");
    fails(&write("config.json", small.into_bytes()), "47 words");
    let page = b"<!DOCTYPE html><html><body>Not found</body></html>".to_vec();
    fails(&write("model.safetensors", page), "model.safetensors");
    let mut wrong = tensors();
    wrong.retain(|(name, _)| !name.contains("block.2"));
    let wrong = torch_file::torch_file(&wrong);
    fails(&write("model.safetensors", wrong), "tensors are missing");
}
