//! The weights of a fixture: any file that the program itself would open, with exactly the tensors
//! that the configuration asks for.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use underpaint::model::WeightsError;
use underpaint::model::weights::{Checkpoint, Wanted};

use super::Report;

const ENDINGS: [&str; 5] = ["safetensors", "pt", "pth", "bin", "gguf"];

/// The weight file of a folder.
pub(super) fn find(folder: &Path) -> Option<PathBuf> {
    let files = ENDINGS.iter().map(|ending| folder.join(format!("weights.{ending}")));
    files.into_iter().find(|path| path.is_file())
}

/// Opens the weights and notes every tensor that is missing, mis-shaped, not readable or of no use.
/// `None` if the network cannot be loaded of what is there.
pub(super) fn open(
    folder: &Path,
    wanted: &[Wanted],
    ignored: &[&str],
    report: &mut Report,
) -> Result<Option<Checkpoint>> {
    let path = find(folder).context("there are no weights")?;
    let checkpoint = Checkpoint::open(&path)?;
    let (inventory, is_complete) = match checkpoint.check(wanted, ignored) {
        Ok(inventory) => (inventory, true),
        Err(WeightsError::Inventory { inventory, .. }) => (*inventory, false),
        Err(error) => return Err(error.into()),
    };
    for name in &inventory.missing {
        report.note(format!("weights {name}"), false, "missing".to_owned());
    }
    for tensor in &inventory.misshaped {
        let detail = format!("shape {:?}, expected {:?}", tensor.found, tensor.expected);
        report.note(format!("weights {}", tensor.name), false, detail);
    }
    for (name, stored) in &inventory.undecodable {
        report.note(format!("weights {name}"), false, format!("stored as {stored}"));
    }
    for name in &inventory.unexpected {
        report.note(format!("weights {name}"), false, "of no use".to_owned());
    }
    if is_complete {
        let detail = format!("{} tensors, {} left out", wanted.len(), inventory.ignored.len());
        report.note("weights", true, detail);
    }
    Ok(is_complete.then_some(checkpoint))
}
