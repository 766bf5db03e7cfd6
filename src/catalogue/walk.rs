//! Finding files that may be models in a folder and all folders in it: layouts of ControlAR, of
//! ComfyUI and A1111, the cache of the Hugging Face hub, or any other.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Folders in folders beyond this are left out.
const MAX_DEPTH: usize = 12;
/// More files than this are not taken in.
const MAX_FILES: usize = 20_000;
const ENDINGS: [&str; 6] = ["safetensors", "pt", "pth", "bin", "ckpt", "gguf"];
/// Beside those: the vocabulary of a text encoder.
const TOKENIZER: &str = "tokenizer.json";
/// Folders that hold everything but models, and `blobs`, whose files are linked to by their names.
const LEFT_OUT: [&str; 7] =
    ["node_modules", "site-packages", "venv", "__pycache__", "blobs", "target", "custom_nodes"];
/// What tells a folder `models` of other programs.
const MODEL_FOLDERS: [&str; 7] =
    ["checkpoints", "vae", "text_encoders", "clip", "stable-diffusion", "diffusion_models", "unet"];

/// A file and which version of it there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) path: PathBuf,
    /// Where links lead.
    pub(super) real_path: PathBuf,
    pub(super) n_bytes: u64,
    /// Nanoseconds since 1970.
    pub(super) modified_ns: u64,
}

/// Collects candidates, each file once however many links lead to it. `on_folder` is told of every
/// folder and says whether to go on.
pub(super) fn candidates(
    roots: &[PathBuf],
    on_folder: &mut dyn FnMut(&Path) -> bool,
) -> Vec<Candidate> {
    let mut walk =
        Walk { found: Vec::new(), seen_files: HashSet::new(), seen_folders: HashSet::new() };
    for root in roots {
        if !walk.folder(&start_of(root), 0, on_folder) {
            break;
        }
    }
    walk.found
}

/// Of ComfyUI and A1111 only the models are looked at.
fn start_of(root: &Path) -> PathBuf {
    let models = root.join("models");
    let is_model_folder = |entry: fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().to_lowercase();
        MODEL_FOLDERS.contains(&name.as_str())
    };
    let has_models = fs::read_dir(&models)
        .is_ok_and(|entries| entries.filter_map(Result::ok).any(is_model_folder));
    if has_models { models } else { root.to_owned() }
}

struct Walk {
    found: Vec<Candidate>,
    seen_files: HashSet<PathBuf>,
    seen_folders: HashSet<PathBuf>,
}

impl Walk {
    /// Whether to go on.
    fn folder(
        &mut self,
        folder: &Path,
        depth: usize,
        on_folder: &mut dyn FnMut(&Path) -> bool,
    ) -> bool {
        // Links may lead round in circles.
        let is_new = fs::canonicalize(folder).is_ok_and(|real| self.seen_folders.insert(real));
        if !is_new || depth > MAX_DEPTH {
            return true;
        }
        if !on_folder(folder) {
            return false;
        }
        // Folders that cannot be read have nothing for us.
        let Ok(entries) = fs::read_dir(folder) else { return true };
        let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            if name.starts_with('.') || self.found.len() >= MAX_FILES {
                continue;
            }
            if path.is_dir() {
                let is_left_out = LEFT_OUT.contains(&name.as_str());
                if !is_left_out && !self.folder(&path, depth + 1, on_folder) {
                    return false;
                }
            } else if name == TOKENIZER || has_ending(&path) {
                self.file(&path);
            }
        }
        true
    }

    fn file(&mut self, path: &Path) {
        let found = Candidate::of(path);
        self.found.extend(found.filter(|file| self.seen_files.insert(file.real_path.clone())));
    }
}

impl Candidate {
    /// The version of a file that there is; `None` if there is no file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let since = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        Some(Self {
            path: path.to_owned(),
            real_path: fs::canonicalize(path).ok()?,
            n_bytes: metadata.len(),
            modified_ns: since.map_or(0, |since| since.as_nanos() as u64),
        })
    }
}

fn has_ending(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}
