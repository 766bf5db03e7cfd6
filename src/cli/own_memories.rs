//! The user's memories, as `generate` looks into them and `continue` looks for what was used.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::CliError;
use crate::app;
use crate::library::FILE_NAME;
use crate::library::memory::{MemoryError, MemoryStore};
use crate::protocol::{InspiredBy, MemoryModel, OwnMemory};

/// The memories of these names as the model reads them, each once, and remarks on them.
///
/// # Errors
/// [`CliError::Memory`] if there is no memory of a name, or the database cannot be read.
pub(super) fn open(
    names: &[String],
    model: &MemoryModel,
    library: Option<&Path>,
) -> Result<(Vec<Arc<OwnMemory>>, Vec<String>), CliError> {
    let (mut memories, mut remarks) = (Vec::new(), Vec::new());
    if names.is_empty() {
        return Ok((memories, remarks));
    }
    let unknown = |name: &String| MemoryError::Unknown { name: name.clone() };
    let Some(database) = database(library) else { return Err(unknown(&names[0]).into()) };
    let opened = MemoryStore::open(&database)?;
    if let Some(warning) = opened.warning {
        remarks.push(format!("{}: {}", warning.headline, warning.details));
    }
    for name in names {
        let id = opened.store.find(name)?.ok_or_else(|| unknown(name))?;
        if memories.iter().any(|known: &Arc<OwnMemory>| known.memory == id) {
            continue;
        }
        let memory = opened.store.snapshot(id, model)?;
        if memory.entries.is_empty() {
            remarks.push(format!(
                "the memory “{}” has no pictures for this model; add some with `underpaint memory \
                 add`",
                memory.name
            ));
        }
        memories.push(memory);
    }
    Ok((memories, remarks))
}

/// Whether the memory that a picture was found in still has it. One that cannot be looked into
/// has nothing.
pub(super) fn still_holds(used: &InspiredBy, model: &MemoryModel, library: Option<&Path>) -> bool {
    let Some(database) = database(library) else { return false };
    let holds = || -> Result<bool, MemoryError> {
        let store = MemoryStore::open(&database)?.store;
        let Some(id) = store.find(&used.memory)? else { return Ok(false) };
        let memory = store.snapshot(id, model)?;
        Ok(memory.entries.iter().any(|entry| entry.entry == used.entry))
    };
    holds().unwrap_or(false)
}

/// The database, if there is one: looking for something must not make it.
fn database(library: Option<&Path>) -> Option<PathBuf> {
    let database = match library {
        Some(database) => database.to_owned(),
        None => app::default_data_dir()?.join(FILE_NAME),
    };
    database.is_file().then_some(database)
}
