//! `underpaint memory`: the user's own pictures, without a window. The database is the window's, and
//! both may be open at once.

mod args;
mod report;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

pub use args::{MemoryArgs, MemoryCommand};

use super::{CliError, ModelArgs, console};
use crate::app::default_data_dir;
use crate::library::FILE_NAME;
use crate::library::memory::{self, Access, AddKind, Adder, MemoryError, MemoryStore};
use crate::model;
use crate::protocol::{
    AddPictures, AddProblem, AddProgress, AddReport, Captions, EntryId, EntryQuery, MemoryId,
};

/// Of a memory that files are added to without a name.
const NAME: &str = "My pictures";

/// # Errors
/// [`CliError`]; what was done until then stays done.
pub(super) fn run(args: &MemoryArgs, model: &ModelArgs) -> Result<(), CliError> {
    let mut desk = Desk { store: open_store(model.library.as_deref())?, args, model };
    match &args.command {
        MemoryCommand::Add { paths, to, captions, keep_background } => {
            desk.add(paths, to.as_deref(), captions, *keep_background)
        }
        MemoryCommand::List { name: None } => desk.list(),
        MemoryCommand::List { name: Some(name) } => desk.list_entries(name, ""),
        MemoryCommand::Search { name, words } => desk.list_entries(name, &words.join(" ")),
        MemoryCommand::Remove { name, entries, gone } => desk.remove(name, entries, *gone),
        MemoryCommand::Export { name, file } => desk.export(name, file),
        MemoryCommand::Import { file } => desk.import(file),
        MemoryCommand::Rescan { name } => {
            let memory = find(&desk.store, name)?;
            desk.read_files(memory, AddKind::Rescan)
        }
    }
}

/// The database of the memories: the given one, or the window's. What is wrong with it is told.
///
/// # Errors
/// [`CliError::Usage`] if there is no folder for it.
fn open_store(library: Option<&Path>) -> Result<MemoryStore, CliError> {
    let path: Option<PathBuf> =
        library.map(Path::to_owned).or_else(|| Some(default_data_dir()?.join(FILE_NAME)));
    let path = path.ok_or_else(|| {
        CliError::Usage("there is no home folder; name a database with --library".to_owned())
    })?;
    let opened = MemoryStore::open(&path)?;
    if let Some(warning) = opened.warning {
        console::print_line(&format!("warning: {}", warning.headline));
        for line in warning.details.lines() {
            console::print_line(&format!("warning: {line}"));
        }
    }
    Ok(opened.store)
}

/// # Errors
/// [`MemoryError::Unknown`] if no memory has this name.
fn find(store: &MemoryStore, name: &str) -> Result<MemoryId, MemoryError> {
    store.find(name)?.ok_or_else(|| MemoryError::Unknown { name: name.to_owned() })
}

struct Desk<'a> {
    store: MemoryStore,
    args: &'a MemoryArgs,
    model: &'a ModelArgs,
}

impl Desk<'_> {
    fn add(
        &mut self,
        paths: &[PathBuf],
        to: Option<&str>,
        captions: &Captions,
        keep_background: bool,
    ) -> Result<(), CliError> {
        memory::check_captions(captions).map_err(MemoryError::from)?;
        if let Some(missing) = paths.iter().find(|path| !path.exists()) {
            return Err(CliError::Usage(format!(
                "there is no such file or folder; check the name: {}",
                missing.display()
            )));
        }
        let folder = paths.iter().find(|path| path.is_dir());
        let folder_name = folder.and_then(|path| {
            let path = std::path::absolute(path).ok()?;
            Some(path.file_name()?.to_string_lossy().into_owned())
        });
        let name = to.map(ToOwned::to_owned).or(folder_name).unwrap_or_else(|| NAME.to_owned());
        let memory = match self.store.find(&name)? {
            Some(memory) => memory,
            None => self.store.create(&name)?,
        };
        self.store.note_jobs(&AddPictures {
            memory,
            paths: paths.to_vec(),
            captions: captions.clone(),
            removes_background: !keep_background,
        })?;
        self.read_files(memory, AddKind::Noted)
    }

    /// Adds what is noted, or looks through the folders again.
    fn read_files(&mut self, memory: MemoryId, kind: AddKind) -> Result<(), CliError> {
        let name = self.store.name(memory)?;
        let mut encoder = model::load(&self.model.load_options()?)?;
        let bar = self.bar();
        let mut progress = |AddProgress { n_done, n_total, .. }: AddProgress| {
            match n_total {
                Some(n_total) => bar.set_length(n_total as u64),
                None => bar.set_message("looking for pictures"),
            }
            if n_total.is_some() {
                bar.set_message("");
            }
            bar.set_position(n_done as u64);
        };
        let started = Instant::now();
        let adder = Adder {
            store: &mut self.store,
            encoder: &mut encoder,
            stop: &|| None,
            progress: &mut progress,
        };
        let report = adder.run(memory, kind);
        // Captions that were changed, and entries of another model.
        let renewed = report
            .and_then(|report| Ok((self.store.renew(&mut encoder, &|| None, &mut || {})?, report)));
        bar.finish_and_clear();
        let (n_renewed, report) = renewed?;
        tracing::debug!("{n_renewed} entries were made anew for this model");
        self.tell(name, &report, started)
    }

    fn bar(&self) -> ProgressBar {
        let target = if self.args.quiet || self.args.json {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} files {eta} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::with_draw_target(Some(0), target).with_style(style)
    }

    fn tell(&self, name: String, report: &AddReport, started: Instant) -> Result<(), CliError> {
        if self.args.json {
            return console::print_json(&report::Added::new(name, report, started.elapsed()));
        }
        if !self.args.quiet {
            for AddProblem { path, reason } in report.problems.iter().chain(&report.remarks) {
                console::print_line(&format!("note: {}: {}", reason, path.display()));
            }
            for duplicate in &report.duplicates {
                console::print_line(&format!(
                    "note: It looks like “{}”, which is there: {}",
                    duplicate.of,
                    duplicate.path.display()
                ));
            }
        }
        let mut text = format!("{} added to “{name}”", pictures(report.n_added));
        for (n, what) in [
            (report.n_renewed, "changed"),
            (report.n_renamed, "renamed"),
            (report.n_gone, "without their file now"),
            (report.duplicates.len(), "there already"),
            (report.problems.len(), "not readable"),
        ] {
            if n > 0 {
                write!(text, ", {n} {what}").expect("a string takes all");
            }
        }
        console::print_result(&text)
    }

    fn list(&self) -> Result<(), CliError> {
        let memories = self.store.memories(None)?;
        if self.args.json {
            let memories: Vec<report::Memory> = memories.into_iter().map(Into::into).collect();
            return console::print_json(&json!({ "memories": memories }));
        }
        if memories.is_empty() {
            return console::print_result("There are no memories; make one with “memory add DIR”");
        }
        let width = memories.iter().map(|known| known.name.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for known in memories {
            let state = if known.is_on { "on " } else { "off" };
            write!(text, "{:<width$}  {state}  {}", known.name, pictures(known.n_entries))
                .expect("a string takes all");
            for (n, what) in [
                (known.n_waiting, "still to add"),
                (known.n_gone, "without their file"),
                (known.n_problems, "files not readable"),
            ] {
                if n > 0 {
                    write!(text, ", {n} {what}").expect("a string takes all");
                }
            }
            text.push('\n');
        }
        console::print_result(text.trim_end())
    }

    fn list_entries(&self, name: &str, text: &str) -> Result<(), CliError> {
        let memory = find(&self.store, name)?;
        let query = EntryQuery { memory: Some(memory), text: text.to_owned(), gone_only: false };
        let entries = self.store.list(&query)?.entries;
        if self.args.json {
            let entries: Vec<report::Remembered> = entries.into_iter().map(Into::into).collect();
            return console::print_json(&json!({ "memory": name, "entries": entries }));
        }
        let mut lines = String::new();
        for entry in entries {
            let gone = if entry.is_gone { "  (the file is gone)" } else { "" };
            let path = crate::imaging::io::one_line(&entry.path.display().to_string());
            writeln!(lines, "{:016x}  {}  {path}{gone}", entry.entry.0, entry.caption)
                .expect("a string takes all");
        }
        let nothing = if text.is_empty() { "The memory is empty" } else { "Nothing was found" };
        console::print_result(if lines.is_empty() { nothing } else { lines.trim_end() })
    }

    fn remove(&mut self, name: &str, entries: &[EntryId], gone: bool) -> Result<(), CliError> {
        let memory = find(&self.store, name)?;
        if entries.is_empty() && !gone {
            self.store.delete(memory)?;
            return self.told(&json!({ "removed_memory": name }), &format!("“{name}” removed"));
        }
        let mut ids = Vec::new();
        if gone {
            let query = EntryQuery { memory: Some(memory), text: String::new(), gone_only: true };
            ids.extend(self.store.list(&query)?.entries.into_iter().map(|entry| entry.id));
        }
        for entry in entries {
            let found = self.store.find_entries(memory, *entry)?;
            if found.is_empty() {
                return Err(CliError::Usage(format!(
                    "there is no picture {:016x} in “{name}”; see “memory list {name}”",
                    entry.0
                )));
            }
            ids.extend(found.into_iter().map(|entry| entry.id));
        }
        let n_removed = self.store.remove(&ids)?;
        let text = format!("{} removed from “{name}”", pictures(n_removed));
        self.told(&json!({ "memory": name, "n_removed": n_removed }), &text)
    }

    fn export(&self, name: &str, file: &Path) -> Result<(), CliError> {
        let n_entries = memory::export(&self.store, find(&self.store, name)?, file)?;
        let text = format!("{} written to {}", pictures(n_entries), file.display());
        self.told(&json!({ "path": file.display().to_string(), "n_entries": n_entries }), &text)
    }

    fn import(&mut self, file: &Path) -> Result<(), CliError> {
        if self.store.access() != Access::Full {
            // Says why.
            self.store.purge()?;
        }
        let memory = memory::import(&mut self.store, file)?;
        let name = self.store.name(memory)?;
        let memories = self.store.memories(None)?;
        let n_entries =
            memories.iter().find(|known| known.memory == memory).map_or(0, |known| known.n_entries);
        let text = format!("“{name}” made of {}", pictures(n_entries));
        self.told(&json!({ "memory": name, "n_entries": n_entries }), &text)
    }

    fn told(&self, json: &serde_json::Value, text: &str) -> Result<(), CliError> {
        if self.args.json { console::print_json(json) } else { console::print_result(text) }
    }
}

fn pictures(n: usize) -> String {
    if n == 1 { "1 picture".to_owned() } else { format!("{n} pictures") }
}
