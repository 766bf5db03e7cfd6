//! A checkpoint in several files, as large models are published: one list of tensors over all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::quantized::QTensor;
use candle_core::{Device, Tensor};
use serde::Deserialize;

use super::WeightsError;
use super::checkpoint::Checkpoint;
use super::inventory::{Inventory, Wanted};

/// An index of far more tensors than any model has.
const MAX_INDEX_BYTES: u64 = 16 << 20;

/// Open checkpoints that belong together; one file is the usual case.
#[derive(Debug, Clone)]
pub struct Shards {
    parts: Vec<Checkpoint>,
    /// Part by name of tensor.
    places: BTreeMap<String, usize>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Shards {
    /// Opens the files and reads what they hold.
    ///
    /// # Errors
    /// Those of [`Checkpoint::open`], or [`WeightsError::Damaged`] if two files hold the same tensor.
    pub fn open(paths: &[impl AsRef<Path>]) -> Result<Self, WeightsError> {
        let parts = paths.iter().map(|path| Checkpoint::open(path.as_ref()));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let mut places = BTreeMap::new();
        for (part_idx, part) in parts.iter().enumerate() {
            for (name, _) in part.tensors() {
                if places.insert(name.to_owned(), part_idx).is_some() {
                    return Err(WeightsError::Damaged {
                        path: part.path().to_owned(),
                        reason: format!("tensor {name} is in another of its files too"),
                    });
                }
            }
        }
        Ok(Self { parts, places })
    }

    /// The files that an index (`….index.json`) names, which lie beside it. Whether they are there
    /// is not looked at.
    ///
    /// # Errors
    /// [`WeightsError::Read`], or [`WeightsError::Damaged`] if it is no index or points elsewhere.
    pub fn files_of_index(index: &Path) -> Result<Vec<PathBuf>, WeightsError> {
        let read = |source| WeightsError::Read {
            what: "the index of the weights",
            path: index.to_owned(),
            source,
        };
        let damaged = |reason| WeightsError::Damaged { path: index.to_owned(), reason };
        if std::fs::metadata(index).map_err(read)?.len() > MAX_INDEX_BYTES {
            return Err(damaged("it is too long for an index".to_owned()));
        }
        let Index { weight_map } = serde_json::from_slice(&std::fs::read(index).map_err(read)?)
            .map_err(|error| damaged(format!("it is no index: {error}")))?;
        let mut names: Vec<String> = weight_map.into_values().collect();
        names.sort();
        names.dedup();
        if let Some(name) = names.iter().find(|name| !is_plain(name)) {
            return Err(damaged(format!("it names the file {name:?}, which is not beside it")));
        }
        let folder = index.parent().unwrap_or(Path::new("."));
        Ok(names.iter().map(|name| folder.join(name)).collect())
    }

    /// Like [`Checkpoint::check`], over all files.
    ///
    /// # Errors
    /// [`WeightsError::Inventory`].
    pub fn check(&self, wanted: &[Wanted], ignored: &[&str]) -> Result<Inventory, WeightsError> {
        let found = self.parts.iter().flat_map(Checkpoint::found).collect();
        let inventory = Inventory::new(&found, wanted, ignored);
        if inventory.is_complete() {
            return Ok(inventory);
        }
        let path = self.parts.first().map_or_else(PathBuf::new, |part| part.path().to_owned());
        Err(WeightsError::Inventory { inventory: Box::new(inventory), path })
    }

    pub fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// Like asking [`Checkpoint::var_builder`] for it.
    ///
    /// # Errors
    /// A missing, mis-shaped or unreadable tensor.
    pub fn tensor(
        &self,
        name: &str,
        shape: &[usize],
        device: &Device,
    ) -> Result<Tensor, candle_core::Error> {
        self.part(name)?.var_builder(device).get(shape, name)
    }

    /// Like [`Checkpoint::quantised`].
    ///
    /// # Errors
    /// A missing, mis-shaped or unreadable tensor.
    pub fn quantised(
        &self,
        name: &str,
        shape: &[usize],
        device: &Device,
    ) -> Result<Option<QTensor>, candle_core::Error> {
        self.part(name)?.quantised(name, shape, device)
    }

    /// Like [`Checkpoint::rows`].
    ///
    /// # Errors
    /// A missing, mis-shaped or unreadable tensor, or a row that it does not have.
    pub fn rows(
        &self,
        name: &str,
        shape: [usize; 2],
        ids: &[u32],
        device: &Device,
    ) -> Result<Tensor, candle_core::Error> {
        self.part(name)?.rows(name, shape, ids, device)
    }

    fn part(&self, name: &str) -> Result<&Checkpoint, WeightsError> {
        let place = self.places.get(name).copied();
        let place = place.or((!self.parts.is_empty()).then_some(0));
        // Without it, the first file says that it is missing.
        place
            .map(|idx| &self.parts[idx])
            .ok_or_else(|| WeightsError::Missing { name: name.to_owned(), path: PathBuf::new() })
    }
}

/// Whether it names a file in the same folder.
fn is_plain(name: &str) -> bool {
    Path::new(name).file_name().is_some_and(|file| file == name) && !name.contains('\\')
}
