//! What is kept of the user's models between two starts: the folders to look into, and what was
//! found in each file, so that a file is looked at again only when it has changed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::recognise::Recognised;
use super::walk::Candidate;

/// Rises when files must be looked at anew.
const VERSION: u32 = 1;

/// Folders and findings.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shelf {
    version: u32,
    /// In the order in which they were named.
    pub folders: Vec<PathBuf>,
    /// By path, links followed.
    files: BTreeMap<PathBuf, Known>,
}

/// What is known of one version of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Known {
    n_bytes: u64,
    modified_ns: u64,
    /// What it is, or why it cannot be read.
    what: Result<Recognised, String>,
    sha256: Option<String>,
}

impl Shelf {
    /// Reads it; one that is missing or cannot be read is empty, and is made anew by a scan.
    pub fn read(path: &Path) -> Self {
        let shelf = fs::read(path).ok().and_then(|json| serde_json::from_slice::<Self>(&json).ok());
        let mut shelf = shelf.unwrap_or_default();
        if shelf.version != VERSION {
            shelf.files.clear();
        }
        shelf.version = VERSION;
        shelf
    }

    /// Writes it whole or not at all.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        let shelf = Self { version: VERSION, ..self.clone() };
        file.write_all(&serde_json::to_vec_pretty(&shelf)?)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }

    /// Adds a folder; `false` if it is there already.
    pub fn add_folder(&mut self, folder: &Path) -> bool {
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let is_new = !self.folders.contains(&folder);
        if is_new {
            self.folders.push(folder);
        }
        is_new
    }

    pub(super) fn known(&self, file: &Candidate) -> Option<&Result<Recognised, String>> {
        self.entry(file).map(|known| &known.what)
    }

    pub(super) fn sha256(&self, file: &Candidate) -> Option<&str> {
        self.entry(file)?.sha256.as_deref()
    }

    pub(super) fn remember(&mut self, file: &Candidate, what: Result<Recognised, String>) {
        let sha256 = self.sha256(file).map(ToOwned::to_owned);
        let known = Known { n_bytes: file.n_bytes, modified_ns: file.modified_ns, what, sha256 };
        self.files.insert(file.real_path.clone(), known);
    }

    /// Keeps the hash of a file that was looked at, if it is still the same version.
    pub(super) fn remember_sha256(&mut self, file: &Candidate, sha256: &str) {
        let is_same = self.entry(file).is_some();
        if let Some(known) = self.files.get_mut(&file.real_path).filter(|_| is_same) {
            known.sha256 = Some(sha256.to_owned());
        }
    }

    /// Forgets files that are not there any more.
    pub(super) fn retain(&mut self, files: &[Candidate]) {
        let there: std::collections::HashSet<_> =
            files.iter().map(|file| &file.real_path).collect();
        self.files.retain(|path, _| there.contains(path) || path.exists());
    }

    fn entry(&self, file: &Candidate) -> Option<&Known> {
        let known = self.files.get(&file.real_path)?;
        let is_same = (known.n_bytes, known.modified_ns) == (file.n_bytes, file.modified_ns);
        is_same.then_some(known)
    }
}
