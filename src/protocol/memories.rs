//! What the window and the thread of the user's memories say to each other about them.

use std::path::PathBuf;
use std::sync::Arc;

use super::{EntryId, MemoryId, OwnMemory};
use crate::imaging::RgbaImage;

/// Number of an entry in the database; never given to another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RememberedId(pub i64);

/// One of the user's memories, without its pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownMemory {
    pub memory: MemoryId,
    pub name: String,
    pub is_on: bool,
    pub n_entries: usize,
    /// Entries whose source file was not there at the last look.
    pub n_gone: usize,
    /// Files that were to be added when the program ended, and wait to be.
    pub n_waiting: usize,
    /// Entries that were made for another model and cannot be looked at until they are made anew.
    pub n_outdated: usize,
    /// Files that could not be read when they were last tried.
    pub n_problems: usize,
}

/// One picture of a memory as the page lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownEntry {
    pub id: RememberedId,
    pub entry: EntryId,
    pub caption: String,
    /// The file that it was made from; empty for entries of an imported memory.
    pub path: PathBuf,
    /// Of whom the picture is, for people; empty if unknown.
    pub source: String,
    /// Empty if unknown.
    pub licence: String,
    /// The source file was not there at the last look. The entry works as before.
    pub is_gone: bool,
}

/// Which entries to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntryQuery {
    /// `None` lists nothing.
    pub memory: Option<MemoryId>,
    /// Words of the caption or file name, each at least begun; empty for all.
    pub text: String,
    /// Only those whose source file is gone.
    pub gone_only: bool,
}

/// Entries that fit a query, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EntryListing {
    pub query: EntryQuery,
    pub entries: Vec<KnownEntry>,
    /// Rises with every listing.
    pub serial: u64,
}

/// Where captions of added pictures come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Captions {
    /// `red_apple-02.png` is a red apple.
    #[default]
    FileNames,
    /// `picture.txt` beside `picture.png`; the file name where there is none.
    TextFiles,
    /// A table with the columns *file* and *caption*, and perhaps *source* and *licence*.
    Table(PathBuf),
}

/// Pictures to add to a memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddPictures {
    pub memory: MemoryId,
    /// Files and folders; folders with all that is in them.
    pub paths: Vec<PathBuf>,
    pub captions: Captions,
    /// Takes the plain background of opaque pictures away.
    pub removes_background: bool,
}

/// How far adding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddProgress {
    pub memory: MemoryId,
    /// Files that are dealt with.
    pub n_done: usize,
    /// All that were found so far; `None` while folders are still being looked through.
    pub n_total: Option<usize>,
}

/// What came of adding pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddReport {
    pub memory: MemoryId,
    pub n_added: usize,
    /// Entries whose source file has changed and that were made anew.
    pub n_renewed: usize,
    /// Entries whose source file has another name now.
    pub n_renamed: usize,
    /// Entries whose source file is not there any more. They work as before.
    pub n_gone: usize,
    pub duplicates: Vec<Duplicate>,
    pub problems: Vec<AddProblem>,
    /// What should be known of files that were added, such as that only the first frame was taken.
    pub remarks: Vec<AddProblem>,
    /// The user stopped it before all files were dealt with.
    pub was_cancelled: bool,
}

impl AddReport {
    /// Of a memory to which nothing has happened.
    pub fn nothing(memory: MemoryId) -> Self {
        Self {
            memory,
            n_added: 0,
            n_renewed: 0,
            n_renamed: 0,
            n_gone: 0,
            duplicates: Vec::new(),
            problems: Vec::new(),
            remarks: Vec::new(),
            was_cancelled: false,
        }
    }

    /// What came of it, on one line: `Added 180 pictures · 12 there already`.
    pub fn headline(&self) -> String {
        let mut parts = vec![match self.n_added {
            0 => "Nothing new was added".to_owned(),
            1 => "Added 1 picture".to_owned(),
            n => format!("Added {n} pictures"),
        }];
        for (n, what) in [
            (self.n_renewed, "changed"),
            (self.n_renamed, "renamed"),
            (self.n_gone, "gone"),
            (self.duplicates.len(), "there already"),
        ] {
            if n > 0 {
                parts.push(format!("{n} {what}"));
            }
        }
        match self.problems.len() {
            0 => {}
            1 => parts.push("1 could not be read".to_owned()),
            n => parts.push(format!("{n} could not be read")),
        }
        if self.was_cancelled {
            parts.push("stopped".to_owned());
        }
        parts.join(" · ")
    }

    /// Whether there is more to tell than numbers.
    pub fn has_details(&self) -> bool {
        !self.duplicates.is_empty() || !self.problems.is_empty() || !self.remarks.is_empty()
    }

    /// Whether nothing has changed and nothing is to be told.
    pub fn is_void(&self) -> bool {
        self.n_added + self.n_renewed + self.n_renamed + self.n_gone == 0
            && !self.has_details()
            && !self.was_cancelled
    }
}

/// A picture that looks like one that the memory has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    pub path: PathBuf,
    /// Caption of the entry that is there.
    pub of: String,
}

/// A file that could not be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddProblem {
    pub path: PathBuf,
    /// In a few words.
    pub reason: String,
}

/// What happened in the memories.
#[derive(Debug, Clone)]
pub enum MemoryEvent {
    /// All memories, in the order that the window shows them. Sent whenever one changes.
    Memories(Vec<KnownMemory>),
    /// What the generator may look at: the memories that are switched on, in their order. Sent
    /// when they are read first and whenever one of them changes.
    Snapshots(Vec<Arc<OwnMemory>>),
    Entries(Box<EntryListing>),
    /// A memory that was asked for, whether it is switched on or not.
    Snapshot(Arc<OwnMemory>),
    /// Files that could not be read when they were last tried.
    Problems {
        memory: MemoryId,
        problems: Vec<AddProblem>,
    },
    /// A small picture for the grid, or why there is none.
    Thumbnail {
        id: RememberedId,
        result: Result<Arc<RgbaImage>, String>,
    },
    /// A memory was made, after a wish for a new one or for an import.
    Created(MemoryId),
    /// A memory that was deleted is back: all lists that follow have it.
    Restored(MemoryId),
    Adding(AddProgress),
    Added(Box<AddReport>),
    /// A memory was written into a file.
    Exported {
        path: PathBuf,
        n_entries: usize,
    },
    /// What was asked for could not be done; nothing has changed.
    Failed {
        headline: String,
        details: String,
    },
    /// The memories cannot be used as they should, until told otherwise by `None`: the database is
    /// locked, newer or damaged. A sentence and details.
    Trouble(Option<(String, String)>),
}
