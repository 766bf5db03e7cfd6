//! What the window must know of models: those on this machine, those that are published, what is
//! missing, and what loading one takes. Made by the catalogue, shown by the window.

use std::path::PathBuf;

use crate::params::ControlKind;

/// Names a model in the list.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ModelKey {
    /// The one inside the program.
    BuiltIn,
    /// A file with a transformer, or the folder of a model in our own layout.
    Path(PathBuf),
    /// One that is not on this machine, by its short name.
    Published(String),
}

/// A model and all there is to say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownModel {
    pub key: ModelKey,
    /// For people, such as `ControlAR edges`.
    pub title: String,
    /// For the command line, such as `edge_base`; not always unique.
    pub name: String,
    /// What it is for, in a sentence.
    pub purpose: String,
    /// Which sizes its pictures have.
    pub sizes: String,
    /// Sides of square pictures to choose from, rising; empty if there is but one size.
    pub sides_px: Vec<usize>,
    /// Control kinds that it knows.
    pub controls: Vec<ControlKind>,
    /// What to know of its controls, and why the other kinds are hidden.
    pub about_controls: String,
    pub licence: String,
    /// Where it is published.
    pub page: Option<String>,
    /// The first is the model itself, the others are what it needs beside that.
    pub parts: Vec<ModelPart>,
    /// What loading takes, from the smallest precision to the most exact; empty if that is not known.
    pub needs: Vec<MemoryNeed>,
    /// What else should be known.
    pub remarks: Vec<String>,
    pub state: ModelState,
}

/// Whether a model can be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelState {
    BuiltIn,
    /// All files are there.
    Ready,
    /// Something that it needs is missing.
    Incomplete,
    /// Published, but not on this machine.
    Absent,
    /// Known by name, but not to be had; with the reason.
    Unpublished(String),
    /// On this machine, but it cannot be used; with the reason.
    Unusable(String),
}

/// What a file of a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartRole {
    Transformer,
    PictureTokenizer,
    TextEncoder,
    TextTokenizer,
}

/// Something that a model consists of.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelPart {
    pub role: PartRole,
    /// The files that are there; none if it is missing. A text encoder may have several.
    pub files: Vec<FoundFile>,
    /// Where it is to be had.
    pub published: Vec<PublishedFile>,
    /// What else would do.
    pub alternatives: Vec<PublishedFile>,
}

/// A file on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    pub path: PathBuf,
    pub n_bytes: u64,
    /// `safetensors`, `PyTorch`, `GGUF` or `JSON`.
    pub format: &'static str,
    /// 64 hexadecimal digits, once computed.
    pub sha256: Option<String>,
    /// Whether the hash is the published one; `None` if either is not known.
    pub is_genuine: Option<bool>,
}

/// A file that can be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedFile {
    /// On the Hugging Face hub, such as `wondervictor/ControlAR`.
    pub repository: String,
    /// Path in it.
    pub file: String,
    /// As the page shows it, so not exact; `None` if it is not known.
    pub n_bytes: Option<u64>,
    /// The beginning of its SHA-256, or all of it; empty if it is not known.
    pub sha256: String,
    pub licence: String,
}

/// Memory that a model takes, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryNeed {
    /// How the weights are held: `q4`, `q8`, `bf16` or `f32`.
    pub precision: &'static str,
    /// As long as it is loaded.
    pub weights: u64,
    /// More of it while a new prompt is read.
    pub prompt: u64,
    /// More of it while a picture is drawn and decoded.
    pub drawing: u64,
}

/// Memory of this machine, in bytes; `None` where the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MachineMemory {
    pub total: Option<u64>,
    pub available: Option<u64>,
}

/// A file that looks like a model but cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedFile {
    pub path: PathBuf,
    pub reason: String,
}

/// The whole list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelList {
    pub models: Vec<KnownModel>,
    pub refused: Vec<RefusedFile>,
    /// Folders that the user named, in their order.
    pub folders: Vec<PathBuf>,
    /// Model files that are of no use here, such as those of other programs.
    pub n_others: usize,
    pub memory: MachineMemory,
    /// Where downloads go; `None` if there is no place for them.
    pub download_folder: Option<PathBuf>,
    /// Server that downloads come from.
    pub host: String,
}

/// How far a scan is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanProgress {
    pub n_files: usize,
    /// The folder that is being looked into.
    pub folder: PathBuf,
}

/// What goes on with files, one at a time for each.
#[derive(Debug, Clone, PartialEq)]
pub struct Transfer {
    pub id: TransferId,
    pub kind: TransferKind,
    /// The model that it is for.
    pub model: ModelKey,
    /// Of the file.
    pub name: String,
    /// Its place among all files of the order, from 1, and their number.
    pub place: (usize, usize),
    pub n_done: u64,
    /// `None` until known.
    pub n_total: Option<u64>,
    /// Lately; `None` at first.
    pub bytes_per_second: Option<f64>,
}

/// Number of a download, conversion or check, rising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TransferId(pub u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferKind {
    Download,
    /// To safetensors.
    Convert,
    /// Computing the SHA-256.
    Verify,
}

/// What the thread of the catalogue tells.
#[derive(Debug, Clone, PartialEq)]
pub enum CatalogueEvent {
    Models(Box<ModelList>),
    /// `None` when the scan is over.
    Scanning(Option<ScanProgress>),
    Transfer(Box<Transfer>),
    /// A transfer is over: a sentence on success, or what went wrong. `None` if it was stopped.
    TransferEnded {
        id: TransferId,
        kind: TransferKind,
        model: ModelKey,
        outcome: Option<Result<String, super::Failure>>,
    },
    /// How much memory there is now.
    Memory(MachineMemory),
    Failed(super::Failure),
}

impl KnownModel {
    /// Files that are there, in bytes.
    pub fn n_bytes(&self) -> u64 {
        self.parts.iter().flat_map(|part| &part.files).map(|file| file.n_bytes).sum()
    }

    /// Parts that are not there.
    pub fn missing(&self) -> impl Iterator<Item = &ModelPart> {
        self.parts.iter().filter(|part| part.files.is_empty())
    }

    /// Files to download for it to be complete.
    pub fn to_download(&self) -> Vec<PublishedFile> {
        self.missing().flat_map(|part| part.published.clone()).collect()
    }

    pub fn need(&self, precision: &str) -> Option<&MemoryNeed> {
        self.needs.iter().find(|need| need.precision == precision)
    }

    /// The most exact way to hold the weights for which there is memory, but no more exact than the
    /// 8 bits in which pictures look the same; the smallest if there is none or nothing is known.
    pub fn best_need(&self, available: Option<u64>) -> Option<&MemoryNeed> {
        let fits = |need: &&MemoryNeed| available.is_none_or(|bytes| need.peak() <= bytes);
        let is_usual = |need: &&MemoryNeed| matches!(need.precision, "q4" | "q8");
        let usual = self.needs.iter().rev().find(|need| is_usual(need) && fits(need));
        usual.or_else(|| self.needs.first())
    }
}

impl PartRole {
    /// What it is, in plain words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Transformer => "Model",
            Self::PictureTokenizer => "Picture decoder",
            Self::TextEncoder => "Prompt reader",
            Self::TextTokenizer => "Vocabulary of the prompt reader",
        }
    }
}

impl PublishedFile {
    /// Name of the file without its folder.
    pub fn name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or(&self.file)
    }

    /// The page that shows it.
    pub fn page(&self) -> String {
        format!("https://huggingface.co/{}", self.repository)
    }

    /// The address of the file itself on `server`, such as `https://huggingface.co`.
    pub fn url(&self, server: &str) -> String {
        format!("{}/{}/resolve/main/{}", server.trim_end_matches('/'), self.repository, self.file)
    }
}

impl MemoryNeed {
    /// The most that is taken at once.
    pub fn peak(&self) -> u64 {
        self.weights + self.prompt.max(self.drawing)
    }

    /// How the weights are held, for people.
    pub fn label(&self) -> &'static str {
        match self.precision {
            "q4" => "4 bit",
            "q8" => "8 bit",
            "bf16" => "16 bit",
            _ => "32 bit",
        }
    }
}

impl Transfer {
    /// From 0 to 1, if it is known.
    pub fn share(&self) -> Option<f32> {
        let n_total = self.n_total.filter(|n| *n > 0)?;
        Some((self.n_done as f64 / n_total as f64).clamp(0.0, 1.0) as f32)
    }

    /// Seconds left, if they can be told.
    pub fn seconds_left(&self) -> Option<f64> {
        let left = self.n_total?.checked_sub(self.n_done)?;
        self.bytes_per_second.filter(|speed| *speed > 0.0).map(|speed| left as f64 / speed)
    }
}

/// Bytes for people, in decimal units as download pages have them: `3.58 GB`.
pub fn bytes_text(n_bytes: u64) -> String {
    let n = n_bytes as f64;
    match n_bytes {
        0..1_000 => format!("{n_bytes} bytes"),
        1_000..1_000_000 => format!("{:.0} kB", n / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", n / 1e6),
        1_000_000_000..100_000_000_000 => format!("{:.2} GB", n / 1e9),
        _ => format!("{:.0} GB", n / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        let texts = [12, 34_567, 288_000_000, 3_580_000_000, 123_456_789_012].map(bytes_text);
        assert_eq!(texts, ["12 bytes", "35 kB", "288 MB", "3.58 GB", "123 GB"]);
    }

    #[test]
    fn addresses_are_those_of_the_hub() {
        let file = PublishedFile {
            repository: "a/b".to_owned(),
            file: "sub/c d.pt".to_owned(),
            n_bytes: None,
            sha256: String::new(),
            licence: String::new(),
        };
        assert_eq!(file.url("http://host/"), "http://host/a/b/resolve/main/sub/c d.pt");
        assert_eq!((file.name(), file.page().as_str()), ("c d.pt", "https://huggingface.co/a/b"));
    }
}
