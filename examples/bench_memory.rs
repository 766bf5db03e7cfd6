//! Times what the user's memories ask of the model.
//!
//! `cargo run --release --example bench_memory` prints milliseconds: the mark, a key, the ids of a
//! picture, and looking into 100,000 pictures of the user, first and again.

#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use underpaint::imaging::RgbaImage;
use underpaint::model::{self, LoadOptions};
use underpaint::protocol::{
    EntryId, GenerateRequest, MemoryId, MemoryModel, MemoryRequest, OwnEntry, OwnMemory,
};

const N_ENTRIES: usize = 100_000;
const N_REPEATS: usize = 12;

fn main() -> Result<()> {
    let mut generator = model::load(&LoadOptions::default())?;
    timed("mark", 1, |_| generator.memory_model().mark.len());
    let model = generator.memory_model();

    timed("key", N_REPEATS, |idx| generator.key(&format!("red apple with a leaf {idx}")));
    timed("16 keys", N_REPEATS, |idx| {
        let lengths = ["", " with a leaf", " in a bowl", " and two green pears"];
        let caption = |n: usize| format!("red apple{} {}", lengths[n % 4], 16 * idx + n);
        generator.keys(&(0..16).map(caption).collect::<Vec<_>>())
    });
    let size_px = model.image_size_px as u32;
    timed("ids", N_REPEATS, |idx| {
        let picture = RgbaImage::from_fn(size_px, size_px, |x, y| {
            image::Rgba([x as u8, y as u8, (x * y + 31 * idx as u32) as u8, 255])
        });
        generator.encode(&picture)
    });

    let own = Arc::new(memory(&model));
    let memory = MemoryRequest { own: vec![own], ..MemoryRequest::default() };
    let request = |seed| GenerateRequest {
        memory: memory.clone(),
        ..GenerateRequest::new("red apple, 3d style", seed)
    };
    let plain = |seed| GenerateRequest::new("red apple, 3d style", seed);
    generator.encode_text(&plain(0))?;
    timed("start, model's memory alone", N_REPEATS, |seed| {
        generator.start(&plain(seed as u64)).map(|session| session.n_scales())
    });
    timed("start, first with 100,000 own", 1, |_| {
        generator.start(&request(100)).map(|session| session.n_scales())
    });
    timed("start, 100,000 own", N_REPEATS, |seed| {
        generator.start(&request(seed as u64)).map(|session| session.n_scales())
    });
    timed("candidates, 100,000 own", N_REPEATS, |_| {
        generator.candidates("red apple, 3d style", &memory, 24).map(|found| found.len())
    });
    Ok(())
}

/// Any pictures and any captions: only their number matters.
fn memory(model: &MemoryModel) -> OwnMemory {
    let MemoryModel { n_tokens, codebook_size, key_dim, .. } = *model;
    let mut bits = 7_u64;
    let mut random = || {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (bits >> 33) as u32
    };
    let ids: Vec<u16> =
        (0..N_ENTRIES * n_tokens).map(|_| (random() as usize % codebook_size) as u16).collect();
    let entries = ids.chunks_exact(n_tokens).map(|ids| OwnEntry {
        entry: EntryId::of(ids.iter().copied()),
        caption: "picture".to_owned(),
        source: "picture.png".to_owned(),
        licence: String::new(),
    });
    OwnMemory {
        memory: MemoryId(1),
        name: "Many".to_owned(),
        entries: entries.collect(),
        keys: (0..N_ENTRIES * key_dim).map(|_| (random() % 25) as i8 - 12).collect(),
        key_dim,
        ids: ids.clone(),
        n_tokens,
    }
}

fn timed<R>(name: &str, n: usize, mut work: impl FnMut(usize) -> R) {
    let mut times: Vec<f64> = Vec::with_capacity(n);
    for idx in 0..n {
        let begin = Instant::now();
        std::hint::black_box(work(idx));
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!("{name}: median {:.1} ms, min {:.1} ms", times[n / 2], times[0]);
}
