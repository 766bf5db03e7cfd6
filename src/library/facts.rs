//! What one file tells, without decoding its pixels.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use image::ImageReader;

use super::thumbnail;
use super::walk::FoundFile;
use crate::imaging::io::{self, MAX_SIDE_PX, MetadataError, PictureError};
use crate::imaging::metadata::{RecallError, Recalled};

/// Prompts are cut off after this many characters: some files hold novels.
const MAX_PROMPT_CHARS: usize = 4000;
const MAX_NAME_CHARS: usize = 200;

/// A row of the index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IndexedFile {
    /// Relative to its folder.
    pub path: PathBuf,
    pub n_bytes: i64,
    /// Nanoseconds since 1970.
    pub modified_ns: i64,
    pub size_px: Option<(u32, u32)>,
    pub prompt: String,
    pub seed: Option<u64>,
    pub model: Option<String>,
    pub software: Option<String>,
    pub problem: Option<String>,
}

impl IndexedFile {
    /// Reads what a file tells. What cannot be read becomes a problem, never an error.
    pub(super) fn read(folder: &Path, found: &FoundFile) -> Self {
        let mut file = Self {
            path: found.path.clone(),
            n_bytes: found.n_bytes,
            modified_ns: found.modified_ns,
            ..Self::default()
        };
        let path = folder.join(&found.path);
        match io::read_metadata(&path) {
            Ok(facts) => {
                file.size_px = facts.size_px;
                if let Some(recalled) = facts.recalled {
                    file.take(recalled);
                }
            }
            Err(MetadataError::Picture(error)) => {
                if matches!(error, PictureError::Open { .. } | PictureError::Missing { .. }) {
                    // Looked at again in every scan.
                    file.n_bytes = -1;
                }
                file.problem = Some(described(&error));
            }
            Err(MetadataError::Recall { source: RecallError::Format, .. }) => {
                file.problem = Some("It is no PNG, JPEG or WebP picture".to_owned());
            }
            // The picture may be fine even if its settings are not.
            Err(MetadataError::Recall { .. }) => file.size_px = size_of(&path),
        }
        if file.problem.is_none() {
            file.problem = match file.size_px {
                None => Some("The picture is damaged".to_owned()),
                Some((0, _) | (_, 0)) => Some("The picture has no pixels".to_owned()),
                Some((width, height)) if width.max(height) > MAX_SIDE_PX => {
                    Some(format!("The picture is too large to show ({width} × {height})"))
                }
                Some(_) => None,
            };
        }
        file
    }

    fn take(&mut self, recalled: Recalled) {
        self.prompt = text(&recalled.prompt, MAX_PROMPT_CHARS);
        self.seed = recalled.seed;
        self.model = recalled.model.map(|model| text(&model, MAX_NAME_CHARS));
        let software = match recalled.app_version {
            Some(version) => format!("{} {version}", recalled.app),
            None => recalled.app.to_string(),
        };
        self.software = Some(text(&software, MAX_NAME_CHARS));
    }
}

fn described(error: &PictureError) -> String {
    match error {
        PictureError::Empty { .. } => "The file is empty",
        PictureError::Missing { .. } => thumbnail::GONE,
        PictureError::Open { .. } => thumbnail::CLOSED,
        _ => "It is no picture that can be read",
    }
    .to_owned()
}

fn size_of(path: &Path) -> Option<(u32, u32)> {
    // Decoders are hardened against hostile files, yet a defect there must not end the thread.
    let read = || ImageReader::open(path).ok()?.with_guessed_format().ok()?.into_dimensions().ok();
    catch_unwind(AssertUnwindSafe(read)).ok().flatten()
}

/// Without characters that have no picture, and not longer than that.
fn text(text: &str, max_chars: usize) -> String {
    let is_shown = |c: &char| !c.is_control() || *c == '\n';
    text.trim().chars().filter(is_shown).take(max_chars).collect()
}
