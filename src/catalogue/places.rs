//! Where models are looked for and kept.

use std::path::{Path, PathBuf};

use super::published::published;
use super::shelf::Shelf;
use crate::protocol::{MachineMemory, PublishedFile};

/// The hub where the published models are.
const SERVER: &str = "https://huggingface.co";
/// The variable with which other programs name a mirror of it.
const SERVER_VARIABLE: &str = "HF_ENDPOINT";
const SHELF: &str = "models.json";
const FOLDER: &str = "models";
/// Where models are looked for and kept, and where downloads come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Folders and findings; `None` forgets them.
    pub shelf_path: Option<PathBuf>,
    /// Where downloads go, which is looked through too.
    pub download_folder: Option<PathBuf>,
    /// The cache of the hub's own programs, if it is looked into.
    pub hub_cache: Option<PathBuf>,
    /// Such as `https://huggingface.co`.
    pub server: String,
    /// Taken for what the machine has, whatever that says: for tests.
    pub memory: Option<MachineMemory>,
}

impl Places {
    /// Those of the user. `data_dir` is where the program keeps its data.
    pub fn of_user(data_dir: Option<&Path>) -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let hub_cache = variable("HF_HUB_CACHE").map(PathBuf::from).or_else(|| {
            let home = variable("HF_HOME").map(PathBuf::from);
            let home = home.or_else(|| {
                let dirs = directories::BaseDirs::new()?;
                Some(dirs.home_dir().join(".cache").join("huggingface"))
            });
            Some(home?.join("hub"))
        });
        let server = std::env::var(SERVER_VARIABLE).ok();
        let server = server.filter(|url| url.starts_with("http://") || url.starts_with("https://"));
        Self {
            shelf_path: data_dir.map(|folder| folder.join(SHELF)),
            download_folder: data_dir.map(|folder| folder.join(FOLDER)),
            hub_cache,
            server: server.unwrap_or_else(|| SERVER.to_owned()),
            memory: None,
        }
    }

    /// Only what is in a data folder, for tests: nothing of the user's is looked at.
    pub fn only(data_dir: &Path, server: &str) -> Self {
        Self { hub_cache: None, server: server.to_owned(), ..Self::of_user(Some(data_dir)) }
    }

    /// What the machine has now.
    pub fn memory(&self) -> MachineMemory {
        self.memory.unwrap_or_else(super::memory)
    }

    /// All folders to look through: those that the user named first.
    pub fn roots(&self, shelf: &Shelf) -> Vec<PathBuf> {
        let mut roots = shelf.folders.clone();
        roots.extend(self.download_folder.clone());
        if let Some(cache) = &self.hub_cache {
            roots.extend(published().repositories().map(|name| cache.join(hub_folder(name))));
        }
        roots
    }
}

/// The folder of a repository in the cache of the hub's own programs.
fn hub_folder(repository: &str) -> String {
    format!("models--{}", repository.replace('/', "--"))
}

/// Where a published file goes: a folder per repository, so that equal names do not meet.
pub fn download_target(folder: &Path, file: &PublishedFile) -> PathBuf {
    let repository = file.repository.replace(['/', '\\'], "--");
    folder.join(repository).join(file.name())
}
