//! Packs a model for shipping: `cargo run --release --example pack_model -- IN_DIR OUT_DIR`.
//!
//! Reads `config.json`, `tokenizer.json`, `model.safetensors` and, if it is there, the memory
//! (`memory.safetensors` and `memory.jsonl`) of `IN_DIR`; writes `config.json`, `tokenizer.json`,
//! `model.gguf`, `memory.upmem` and `SHA256SUMS` to `OUT_DIR`, opens them again and reports what was
//! lost.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use candle_core::{Device, Tensor};
use clap::Parser;
use underpaint::imaging::metadata::sha256_hex;
use underpaint::model::assets::ModelFiles;
use underpaint::model::memory::pack_loose;
use underpaint::model::weights::{Weights, to_gguf};

/// Pack a model for shipping
#[derive(Parser)]
struct Arguments {
    /// Folder with the model as training wrote it
    in_dir: PathBuf,
    /// Folder for the packed files
    out_dir: PathBuf,
}

#[expect(clippy::print_stdout, reason = "this program's report is its output")]
fn main() -> Result<()> {
    let Arguments { in_dir, out_dir } = Arguments::parse();
    let source = ModelFiles::open(&in_dir)?;
    let config = source.config()?;
    let weights = Weights::read(&in_dir.join("model.safetensors"))?;
    fs::create_dir_all(&out_dir).with_context(|| format!("creating {}", out_dir.display()))?;

    let write = |name: &str, bytes: &[u8]| {
        let path = out_dir.join(name);
        fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
        println!("{name}: {} bytes", bytes.len());
        anyhow::Ok(())
    };
    write("config.json", &read(&in_dir, "config.json")?)?;
    let tokenizer = source.tokenizer_json()?;
    let gguf = to_gguf(&weights, &config.name)?;
    let sums = [("model.gguf", &*gguf), ("tokenizer.json", &*tokenizer)];
    let sums = sums.map(|(name, bytes)| format!("{}  {name}\n", sha256_hex(bytes))).concat();
    write("tokenizer.json", &tokenizer)?;
    write("model.gguf", &gguf)?;
    write("SHA256SUMS", sums.as_bytes())?;
    if in_dir.join("memory.safetensors").is_file() {
        let tensors = read(&in_dir, "memory.safetensors")?;
        let lines = String::from_utf8(read(&in_dir, "memory.jsonl")?)?;
        write("memory.upmem", &pack_loose(&tensors, &lines, &config)?)?;
    }

    let packed = ModelFiles::open(&out_dir)?;
    println!("pictures remembered: {}", packed.memory(&config)?.len());
    report_losses(&weights, &packed.weights()?)
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>> {
    let path = folder.join(name);
    fs::read(&path).with_context(|| format!("reading {}", path.display()))
}

/// Prints the relative error of the packed weights and the tensors that lost most.
#[expect(clippy::print_stdout, reason = "this program's report is its output")]
fn report_losses(source: &Weights, packed: &Weights) -> Result<()> {
    if source.n_parameters() != packed.n_parameters() {
        bail!("{} of {} weights were packed", packed.n_parameters(), source.n_parameters());
    }
    let source_vb = source.var_builder(&Device::Cpu);
    let packed_vb = packed.var_builder(&Device::Cpu);
    let (mut error, mut total) = (0.0, 0.0);
    let mut losses = Vec::new();
    for (name, shape) in source.tensors() {
        let original = source_vb.get(shape, name)?;
        let difference = (packed_vb.get(shape, name)? - &original)?;
        let (tensor_error, tensor_total) = (energy(&difference)?, energy(&original)?);
        error += tensor_error;
        total += tensor_total;
        losses.push(((tensor_error / tensor_total.max(f64::MIN_POSITIVE)).sqrt(), name));
    }
    println!("parameters: {}", source.n_parameters());
    println!("relative error of all weights: {:.5}", (error / total).sqrt());
    losses.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (loss, name) in losses.iter().take(8) {
        println!("  {loss:.5} {name}");
    }
    Ok(())
}

/// Sum of squares.
fn energy(tensor: &Tensor) -> Result<f64> {
    Ok(f64::from(tensor.sqr()?.sum_all()?.to_scalar::<f32>()?))
}
