//! What the gallery costs with many pictures: the first look at a folder, later ones, searching,
//! small pictures, memory. `cargo run --release --example bench_gallery -- [FILES]`, 10,000 files by
//! default, in a temporary folder.

#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use image::{Rgba, RgbaImage};
use underpaint::imaging::io::{self, Export};
use underpaint::imaging::metadata::{PictureRecord, TokenPyramid};
use underpaint::library::{LibraryOptions, LibraryThread};
use underpaint::protocol::{LibraryEvent, PictureId, PictureQuery};

const WORDS: [&str; 16] = [
    "red", "green", "golden", "tiny", "apple", "boat", "cat", "dragon", "teapot", "rocket", "owl",
    "castle", "glossy", "flat", "3d", "cartoon",
];

fn main() -> anyhow::Result<()> {
    let n_files = std::env::args().nth(1).map_or(Ok(10_000), |text| text.parse())?;
    let shelf = tempfile::tempdir()?;
    let pictures = shelf.path().join("pictures");
    let started_at = Instant::now();
    make_files(&pictures, n_files)?;
    println!("{n_files} files made in {:.1?}", started_at.elapsed());
    let options = || LibraryOptions {
        database: Some(shelf.path().join("library.sqlite")),
        folder: Some(pictures.clone()),
    };
    println!("memory before: {}", memory());
    for round in ["first open", "second open", "third open"] {
        let thread = LibraryThread::spawn(options(), || {})?;
        let started_at = Instant::now();
        thread.list(PictureQuery::default());
        thread.scan();
        let (mut first, mut ids) = (None, Vec::new());
        let report = 'scan: loop {
            for event in wait(&thread) {
                match event {
                    LibraryEvent::Listed(listing) => {
                        first.get_or_insert_with(|| started_at.elapsed());
                        ids = listing.pictures.iter().map(|picture| picture.id).collect();
                    }
                    LibraryEvent::Scanned(report) => break 'scan report,
                    _ => {}
                }
            }
        };
        println!(
            "{round}: first list after {:.1?}, all {} known after {:.1?}, {} files read; memory {}",
            first.unwrap_or_default(),
            ids.len(),
            started_at.elapsed(),
            report.n_read,
            memory()
        );
        search(&thread);
        small_pictures(&thread, round, &ids[..ids.len().min(60)]);
    }
    Ok(())
}

fn search(thread: &LibraryThread) {
    for text in ["d", "dragon", "red apple cat", "zebra"] {
        let started_at = Instant::now();
        thread.list(PictureQuery { text: text.to_owned(), starred_only: false });
        let n_found = loop {
            let listed = wait(thread).into_iter().find_map(|event| match event {
                LibraryEvent::Listed(listing) if listing.query.text == text => Some(listing),
                _ => None,
            });
            if let Some(listing) = listed {
                break listing.pictures.len();
            }
        };
        println!("    search {text:?}: {n_found} in {:.1?}", started_at.elapsed());
    }
}

fn small_pictures(thread: &LibraryThread, round: &str, ids: &[PictureId]) {
    let started_at = Instant::now();
    thread.want(ids.to_vec());
    let mut n_sent = 0;
    while n_sent < ids.len() {
        let is_small = |event: &LibraryEvent| matches!(event, LibraryEvent::Thumbnail { .. });
        n_sent += wait(thread).iter().filter(|event| is_small(event)).count();
    }
    println!("    {round}: {n_sent} small pictures in {:.1?}", started_at.elapsed());
}

/// Polls, because a benchmark has nothing else to do.
fn wait(thread: &LibraryThread) -> Vec<LibraryEvent> {
    let started_at = Instant::now();
    loop {
        let events = thread.drain();
        if !events.is_empty() || started_at.elapsed() > Duration::from_mins(1) {
            return events;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Pictures of 256 × 256 as the program saves them, over thirty days. Their pixels repeat, their
/// prompts do not.
fn make_files(folder: &Path, n_files: usize) -> anyhow::Result<()> {
    let models: Vec<_> = (0..8)
        .map(|n: u8| {
            RgbaImage::from_fn(256, 256, |x, y| {
                let (dx, dy) = (x as f32 - 128.0, y as f32 - 128.0);
                let inside = dx.hypot(dy) < 70.0 + 6.0 * f32::from(n);
                Rgba([x as u8 ^ n, y as u8, 31 * n, if inside { 255 } else { 0 }])
            })
        })
        .collect();
    let pngs = models
        .iter()
        .map(|picture| {
            let path = folder.join("model.png");
            fs::create_dir_all(folder)?;
            io::save_picture(&path, picture, &Export::PLAIN_PNG)?;
            let png = fs::read(&path)?;
            fs::remove_file(&path)?;
            Ok(png)
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let sides = [1, 2, 3, 4, 6, 8, 11, 16];
    let ids = sides.iter().map(|side| vec![1234; side * side]).collect();
    let tokens = TokenPyramid::new(&sides, ids)?;
    for n in 0..n_files {
        let day = folder.join(format!("2026-11-{:02}", n % 30 + 1));
        if n < 30 {
            fs::create_dir_all(&day)?;
        }
        let word = |step: usize| WORDS[(n / step + n) % WORDS.len()];
        let record = PictureRecord {
            prompt: format!("{} {} {}, {} style", word(1), word(3), word(17), word(71)),
            seeds: vec![n as u64; 8],
            n_scales: 8,
            stop_at: 8,
            width: 256,
            height: 256,
            tokens: Some(tokens.clone()),
            ..PictureRecord::default()
        };
        let png = with_record(&pngs[n % pngs.len()], &record);
        fs::write(day.join(format!("{n:05}-{}.png", n * 7919)), png)?;
    }
    Ok(())
}

/// The file as the program would save it, with as many token ids as a picture has. Encoding ten
/// thousand pictures would take longer than the test.
fn with_record(png: &[u8], record: &PictureRecord) -> Vec<u8> {
    const END_OF_HEADER: usize = 33;
    let json = record.to_json();
    let parameters = format!("{}\nSteps: 8, Seed: 1, Size: 256x256", record.prompt);
    let mut bytes = png[..END_OF_HEADER].to_vec();
    for (key, text) in [("parameters", parameters), ("underpaint", json)] {
        let data = format!("{key}\0{text}");
        let mut crc = flate2::Crc::new();
        crc.update(b"tEXt");
        crc.update(data.as_bytes());
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(b"tEXt");
        bytes.extend(data.as_bytes());
        bytes.extend(crc.sum().to_be_bytes());
    }
    bytes.extend(&png[END_OF_HEADER..]);
    bytes
}

/// What the system counts as this process's, in megabytes.
fn memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = resident.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.map_or_else(|| "unknown".to_owned(), |kb| format!("{} MB", kb / 1024))
}
