//! What `--json` prints. Fields may be added; none changes its meaning.
//!
//! Times are in milliseconds, memory in bytes. Numbers that a language without 64-bit integers
//! would round (entries of the memory) are hexadecimal strings.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::imaging::io::FileFacts;
use crate::imaging::metadata::{PictureRecord, Recalled, SourceApp};
use crate::model::Generator;
use crate::params::{ControlKind, Sampling};
use crate::protocol::{DecodingOrder, InspiredBy, MemorySource, Provenance};

/// All pictures of one `generate`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GenerateReport {
    /// Version of this program.
    pub version: &'static str,
    pub model: String,
    /// Where it computed, for people.
    pub device: String,
    pub prompt: String,
    pub pictures: Vec<PictureReport>,
    /// Remarks such as a shortened prompt, each once.
    pub notices: Vec<String>,
    /// Time to load the model.
    pub load_ms: f64,
    /// From the start of the program's own work to the last file.
    pub total_ms: f64,
    /// The most resident memory that the process has had; null where the system does not tell.
    pub peak_memory_bytes: Option<u64>,
    /// Why not all pictures were made; those listed are complete.
    pub error: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PictureReport {
    pub path: String,
    pub seed: u64,
    /// One file per scale if previews were asked for.
    pub previews: Vec<String>,
    pub inspired_by: Vec<InspirationReport>,
    pub times_ms: PictureTimes,
}

/// Where the time of one picture went.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PictureTimes {
    /// Prompt to vectors; near zero when remembered from the picture before.
    pub text: f64,
    /// Choosing remembered pictures, encoding controls and all else before the first scale.
    pub retrieval: f64,
    /// `text` and `retrieval` together.
    pub prepare: f64,
    /// One per scale, coarse to fine, without decoding.
    pub scales: Vec<f64>,
    /// All decoding to pixels, previews included.
    pub decode: f64,
    /// Encoding and writing of all files.
    pub save: f64,
    pub total: f64,
}

/// A picture that the generator looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InspirationReport {
    pub slot: usize,
    /// Its number in the memory, hexadecimal.
    pub entry: String,
    pub caption: String,
    pub style: String,
    pub source: String,
    pub licence: String,
    /// Cosine of its caption and the prompt; null if chosen by hand.
    pub similarity: Option<f32>,
    /// Name of the user's memory that it was found in; null for the model's own memory.
    pub memory: Option<String>,
    /// `entry` as it is in a memory, `redrawn` in the look of the user's memory or of a style,
    /// `joined` of several entries side by side, or `given`.
    pub provenance: Provenance,
}

impl From<&InspiredBy> for InspirationReport {
    fn from(inspired_by: &InspiredBy) -> Self {
        Self {
            slot: inspired_by.slot,
            entry: format!("{:016x}", inspired_by.entry.0),
            caption: inspired_by.caption.clone(),
            style: inspired_by.style.clone(),
            source: inspired_by.source.clone(),
            licence: inspired_by.licence.clone(),
            similarity: inspired_by.similarity,
            memory: Some(inspired_by.memory.clone()).filter(|memory| !memory.is_empty()),
            provenance: inspired_by.provenance,
        }
    }
}

/// What `info` tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InfoReport {
    /// Version of this program.
    pub version: &'static str,
    /// Processors that it may use.
    pub n_threads: usize,
    pub model: ModelReport,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelReport {
    pub name: String,
    /// Where it computes, for people.
    pub device: String,
    pub n_parameters: usize,
    /// Side of its control maps, and the longer side of its pictures.
    pub image_size_px: usize,
    pub width_px: usize,
    pub height_px: usize,
    /// `nextscale` or `raster`.
    pub order: DecodingOrder,
    /// Side of each token grid, coarse to fine; of raster models the tokens of each row.
    pub scales: Vec<usize>,
    pub control_kinds: Vec<ControlKind>,
    /// The settings that look best on this model.
    pub sampling: Sampling,
    pub n_memory_slots: usize,
    pub n_memory_entries: usize,
    /// Where the remembered pictures come from, most first.
    pub memory_sources: Vec<MemorySource>,
    pub load_ms: f64,
    /// SHA-256 of the weights and of the text tokenizer.
    pub sha256: Option<String>,
    pub tokenizer_sha256: Option<String>,
}

impl ModelReport {
    pub(super) fn new(generator: &dyn Generator, load: Duration) -> Self {
        let info = generator.info().clone();
        let (width_px, height_px) = info.size_px();
        Self {
            width_px,
            height_px,
            order: info.order,
            name: info.name,
            device: info.device,
            n_parameters: info.n_parameters,
            image_size_px: info.image_size_px,
            scales: info.scales,
            control_kinds: info.control_kinds,
            sampling: info.sampling,
            n_memory_slots: info.n_memory_slots,
            n_memory_entries: info.n_memory_entries,
            memory_sources: generator.memory_sources(),
            load_ms: ms(load),
            sha256: info.sha256,
            tokenizer_sha256: info.tokenizer_sha256,
        }
    }
}

/// What `info FILE` tells.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileReport {
    pub path: String,
    /// Of the picture in the file; null if its header is damaged.
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// Null if the file does not tell how it was made.
    pub recalled: Option<RecalledReport>,
}

impl FileReport {
    pub(super) fn new(path: &Path, facts: FileFacts) -> Self {
        Self {
            path: path.display().to_string(),
            width: facts.size_px.map(|(width, _)| width),
            height: facts.size_px.map(|(_, height)| height),
            recalled: facts.recalled.map(Into::into),
        }
    }
}

/// How a picture was made; null where the file does not say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecalledReport {
    /// Such as `a1111`, for programs.
    pub app: SourceApp,
    /// Such as `A1111`, for people.
    pub app_name: String,
    pub app_version: Option<String>,
    /// Where in the file it was found, such as `iTXt` or `tEXt after IDAT`.
    pub place: String,
    pub prompt: String,
    pub negative: String,
    /// As text, because it may be beyond 2⁵³.
    pub seed: Option<String>,
    pub steps: Option<u64>,
    pub cfg: Option<f64>,
    pub sampler: Option<String>,
    /// Size that was asked for.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub model: Option<String>,
    pub model_hash: Option<String>,
    /// Other settings as they stand in the file.
    pub extra: BTreeMap<String, String>,
    /// What was found and is not understood or not used.
    pub ignored: Vec<String>,
    /// All that Underpaint keeps of its own pictures.
    pub record: Option<Box<PictureRecord>>,
}

impl From<Recalled> for RecalledReport {
    fn from(recalled: Recalled) -> Self {
        Self {
            app: recalled.app,
            app_name: recalled.app.to_string(),
            app_version: recalled.app_version,
            place: recalled.place,
            prompt: recalled.prompt,
            negative: recalled.negative,
            seed: recalled.seed.map(|seed| seed.to_string()),
            steps: recalled.steps,
            cfg: recalled.cfg,
            sampler: recalled.sampler,
            width: recalled.size_px.map(|(width, _)| width),
            height: recalled.size_px.map(|(_, height)| height),
            model: recalled.model,
            model_hash: recalled.model_hash,
            extra: recalled.extra.into_iter().collect(),
            ignored: recalled.ignored,
            record: recalled.record,
        }
    }
}

/// Milliseconds, to a hundredth.
pub(super) fn ms(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e5).round() / 100.0
}

/// The most resident memory that this process has had, in bytes.
pub(super) fn peak_memory_bytes() -> Option<u64> {
    if cfg!(target_os = "linux") {
        peak_in_status(&std::fs::read_to_string("/proc/self/status").ok()?)
    } else {
        None
    }
}

/// `VmHWM:     12345 kB`.
fn peak_in_status(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_memory_is_read() {
        let status = "Name:\tx\nVmPeak:\t 99 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(peak_in_status(status), Some(2048 * 1024));
        assert_eq!(peak_in_status("Name:\tx\n"), None);
        assert_eq!(peak_memory_bytes().is_some(), cfg!(target_os = "linux"));
    }

    #[test]
    fn times_are_milliseconds() {
        assert_eq!(ms(Duration::from_micros(12_345)), 12.35);
    }
}
