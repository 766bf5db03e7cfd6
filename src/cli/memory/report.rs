//! What `underpaint memory … --json` prints. Fields may be added; none changes its meaning.

use std::time::Duration;

use serde::Serialize;

use crate::cli::report::ms;
use crate::protocol::{AddProblem, AddReport, Duplicate, KnownEntry, KnownMemory};

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "they are the names in the JSON")]
pub(super) struct Added {
    memory: String,
    n_added: usize,
    n_renewed: usize,
    n_renamed: usize,
    n_gone: usize,
    duplicates: Vec<Copied>,
    problems: Vec<Told>,
    remarks: Vec<Told>,
    /// Without the time to load the model.
    total_ms: f64,
}

#[derive(Debug, Serialize)]
struct Copied {
    path: String,
    /// Caption of the picture that is there.
    of: String,
}

#[derive(Debug, Serialize)]
struct Told {
    path: String,
    reason: String,
}

impl Added {
    pub(super) fn new(memory: String, report: &AddReport, elapsed: Duration) -> Self {
        let told = |problems: &[AddProblem]| {
            let told = |AddProblem { path, reason }: &AddProblem| Told {
                path: path.display().to_string(),
                reason: reason.clone(),
            };
            problems.iter().map(told).collect()
        };
        let copied = |Duplicate { path, of }: &Duplicate| Copied {
            path: path.display().to_string(),
            of: of.clone(),
        };
        Self {
            memory,
            n_added: report.n_added,
            n_renewed: report.n_renewed,
            n_renamed: report.n_renamed,
            n_gone: report.n_gone,
            duplicates: report.duplicates.iter().map(copied).collect(),
            problems: told(&report.problems),
            remarks: told(&report.remarks),
            total_ms: ms(elapsed),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Memory {
    name: String,
    is_on: bool,
    n_entries: usize,
    n_gone: usize,
    n_waiting: usize,
    n_problems: usize,
}

impl From<KnownMemory> for Memory {
    fn from(known: KnownMemory) -> Self {
        let KnownMemory { name, is_on, n_entries, n_gone, n_waiting, n_problems, .. } = known;
        Self { name, is_on, n_entries, n_gone, n_waiting, n_problems }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Remembered {
    /// Hexadecimal.
    entry: String,
    caption: String,
    /// Empty if it was made of no file.
    path: String,
    source: String,
    licence: String,
    is_gone: bool,
}

impl From<KnownEntry> for Remembered {
    fn from(known: KnownEntry) -> Self {
        Self {
            entry: format!("{:016x}", known.entry.0),
            caption: known.caption,
            path: known.path.display().to_string(),
            source: known.source,
            licence: known.licence,
            is_gone: known.is_gone,
        }
    }
}
