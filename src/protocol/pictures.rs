//! What the gallery's thread tells of the pictures on the disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Day;
use crate::imaging::RgbaImage;

/// Number of a picture in the index; never given to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PictureId(pub i64);

/// A picture file and what it tells, without a pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownPicture {
    pub id: PictureId,
    pub path: PathBuf,
    /// As the file tells it, at most some thousand characters; empty if it does not.
    pub prompt: String,
    pub seed: Option<u64>,
    pub model: Option<String>,
    /// The application that made it, with its version.
    pub software: Option<String>,
    /// Width and height.
    pub size_px: Option<(u32, u32)>,
    pub n_bytes: u64,
    /// When the file was last written, in seconds since 1970 on the clock on the wall.
    pub written_at_secs: i64,
    /// Why the file cannot be shown, in a few words.
    pub problem: Option<String>,
    pub is_starred: bool,
}

impl KnownPicture {
    /// The file name for people.
    pub fn file_name(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// What the picture is called: its prompt on one line, or its file name.
    pub fn title(&self) -> String {
        if self.prompt.is_empty() {
            return self.file_name();
        }
        self.prompt.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub fn day(&self) -> Day {
        Day::of_secs(self.written_at_secs)
    }
}

/// Which pictures to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PictureQuery {
    /// Words of the prompt or file name, each at least begun; empty for all.
    pub text: String,
    pub starred_only: bool,
}

/// Thai, kana, Chinese characters, Hangul: their words are found anywhere in a text.
pub fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{0e00}'..='\u{0e7f}' | '\u{1100}'..='\u{11ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Pictures that fit a query, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    pub query: PictureQuery,
    pub pictures: Vec<KnownPicture>,
    /// All pictures in the index, whether they fit or not.
    pub n_known: usize,
    /// How many of those cannot be shown.
    pub n_problems: usize,
    pub today: Day,
    /// Rises with every listing.
    pub serial: u64,
}

/// How far the index is with the files on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexProgress {
    /// Files read so far, of those that are new or changed.
    pub n_done: usize,
    pub n_total: usize,
}

/// What has come of bringing the index in line with the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScanReport {
    pub n_files: usize,
    /// Files that were read because they are new or changed.
    pub n_read: usize,
    pub n_renamed: usize,
    pub n_gone: usize,
    /// Folders that could not be looked into; what was known of them stays.
    pub n_unreadable_folders: usize,
    pub elapsed: Duration,
}

/// What happened in the index.
#[derive(Debug, Clone)]
pub enum LibraryEvent {
    Listed(Box<Listing>),
    /// New or changed files are being read.
    Indexing(IndexProgress),
    Scanned(ScanReport),
    /// A small picture for the grid, or why there is none.
    Thumbnail {
        id: PictureId,
        result: Result<Arc<RgbaImage>, String>,
    },
    /// A picture for the details.
    Preview {
        id: PictureId,
        result: Result<Arc<RgbaImage>, String>,
    },
    /// Something works less well than it should: a sentence and details.
    Warning {
        headline: String,
        details: String,
    },
}
