//! Paints prompts in the style of a folder of pictures: what the command line does with a memory,
//! in one process and without a database. For trying how memories are looked at.
//!
//! `cargo run --release --example draw_in_style -- PROMPTS OUT_DIR [PICTURES_DIR]`, with one prompt
//! per line. Pictures are PNG files, their names are captions; without them, the model's own memory
//! alone is looked at. Prints what each picture was inspired by.

#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use underpaint::imaging::fit;
use underpaint::model::{self, Generator, LoadOptions};
use underpaint::protocol::{
    EntryId, Failure, GenerateRequest, MemoryEncoder as _, MemoryId, OwnEntry, OwnMemory,
};

const FIRST_SEED: u64 = 1000;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    anyhow::ensure!(matches!(arguments.len(), 2 | 3), "name a file of prompts and a folder");
    let mut generator = model::load(&LoadOptions::default())?;
    let prompts = std::fs::read_to_string(&arguments[0])?;
    std::fs::create_dir_all(&arguments[1])?;
    let own = arguments.get(2).map(|folder| remember(&mut generator, folder)).transpose()?;
    for (idx, prompt) in prompts.lines().enumerate() {
        let mut request = GenerateRequest::new(prompt, FIRST_SEED + idx as u64);
        request.sampling = generator.info().sampling;
        request.memory.own = own.iter().cloned().collect();
        let start = Instant::now();
        let mut session = generator.start(&request)?;
        let started = start.elapsed();
        while session.n_done() < session.n_scales() {
            session.step(&|| true)?;
        }
        session.render(0)?.save(arguments[1].join(format!("{prompt}.png")))?;
        let looked_at: Vec<String> = session
            .inspired_by()
            .iter()
            .map(|used| format!("{}/{}{}", used.caption, used.style, used.memory))
            .collect();
        println!(
            "{prompt}: {} (start {:.0} ms, all {:.0} ms)",
            looked_at.join(", "),
            started.as_secs_f64() * 1e3,
            start.elapsed().as_secs_f64() * 1e3
        );
    }
    Ok(())
}

fn remember(generator: &mut Box<dyn Generator>, folder: &Path) -> Result<Arc<OwnMemory>> {
    let mut files: Vec<PathBuf> = Vec::new();
    for file in std::fs::read_dir(folder)? {
        files.push(file?.path());
    }
    files.sort();
    let model = generator.model().map_err(failed)?;
    let (mut entries, mut ids, mut captions) = (Vec::new(), Vec::new(), Vec::new());
    for file in &files {
        let caption = file.file_stem().context("a file has a name")?.to_string_lossy();
        let caption = caption.replace('-', " ");
        let picture = fit::fit_square(&image::open(file)?.into_rgba8(), model.image_size_px);
        let encoded = generator.ids(&[Arc::new(picture)]).map_err(failed)?.remove(0);
        entries.push(OwnEntry {
            entry: EntryId::of(encoded.iter().copied()),
            caption: caption.clone(),
            source: String::new(),
            licence: String::new(),
        });
        ids.extend_from_slice(&encoded);
        captions.push(caption);
    }
    Ok(Arc::new(OwnMemory {
        memory: MemoryId(1),
        name: folder.file_name().context("a folder has a name")?.to_string_lossy().into_owned(),
        entries,
        keys: generator.keys(&captions).map_err(failed)?.concat(),
        key_dim: model.key_dim,
        ids,
        n_tokens: model.n_tokens,
    }))
}

fn failed(failure: Failure) -> anyhow::Error {
    anyhow::anyhow!(failure.headline)
}
