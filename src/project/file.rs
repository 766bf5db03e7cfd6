//! Project files on the disk.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::unpack::{self, Unreadable};
use super::{Project, pack};
use crate::imaging::io::{SaveError, one_line, previous_version, replace_file_and_keep};

/// What the names of project files end with.
pub const FILE_ENDING: &str = "underpaint";
/// Greatest size of a file that is read.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// A project as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    pub project: Project,
    /// What could not be read, as fragments of a sentence; empty if all could.
    pub remarks: Vec<String>,
    /// A newer version wrote it: saving it over the file would lose what is not understood.
    pub is_newer: bool,
}

/// A project cannot be opened. Every message is one sentence that says what to do, the name last.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error("there is no such project; check the name: {name}")]
    Missing { name: String },
    #[error("the project cannot be opened ({source}); check its permissions: {name}")]
    Open { name: String, source: io::Error },
    #[error("this is a folder; give a project file: {name}")]
    Folder { name: String },
    #[error("the project file is empty (0 bytes){}: {name}", hint(previous.as_deref()))]
    Empty { name: String, previous: Option<String> },
    #[error("this is not a project of Underpaint; open it with the program that made it: {name}")]
    NotAProject { name: String },
    #[error("the project is too damaged to be read{}: {name}", hint(previous.as_deref()))]
    Damaged { name: String, previous: Option<String> },
    #[error(
        "the project is larger than {} MB, which is the limit; it cannot be opened: {name}",
        MAX_FILE_BYTES >> 20
    )]
    TooLarge { name: String },
}

/// What to do about a file of which nothing is left.
fn hint(previous: Option<&str>) -> String {
    match previous {
        Some(previous) => format!("; open the version before it, {previous}"),
        None => "; get it again from a copy".to_owned(),
    }
}

/// Opens a project file as far as it can be read. The file is left alone.
///
/// # Errors
/// [`ProjectError`] naming what is wrong with the file.
pub fn open(path: &Path) -> Result<Opened, ProjectError> {
    let name = one_line(&path.display().to_string());
    let failed = |source: io::Error| {
        let name = name.clone();
        match source.kind() {
            io::ErrorKind::NotFound => ProjectError::Missing { name },
            _ => ProjectError::Open { name, source },
        }
    };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(ProjectError::Folder { name });
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ProjectError::TooLarge { name });
    }
    let previous = || {
        let previous = previous_of(path);
        previous
            .is_file()
            .then(|| one_line(&previous.file_name().unwrap_or_default().to_string_lossy()))
    };
    if bytes.is_empty() {
        return Err(ProjectError::Empty { name, previous: previous() });
    }
    unpack::from_bytes(&bytes).map_err(|unreadable| match unreadable {
        Unreadable::NotAProject => ProjectError::NotAProject { name },
        Unreadable::Damaged => ProjectError::Damaged { name, previous: previous() },
    })
}

/// Writes a project file; what was there before stays beside it, see [`previous_of`]. At no time
/// is a file of that name missing that was there, or a partial one.
///
/// # Errors
/// [`SaveError`]; the old file is then untouched.
pub fn save(path: &Path, project: &Project) -> Result<(), SaveError> {
    replace_file_and_keep(path, &pack::to_bytes(project))
}

/// Where the version before the last is kept: `name.underpaint.bak`.
pub fn previous_of(path: &Path) -> PathBuf {
    previous_version(path)
}
