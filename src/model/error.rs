//! What can go wrong with a model, in words a user can act on.

use std::path::PathBuf;

use crate::protocol::{EntryId, Failure};

/// A model cannot be loaded or cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("the model's weights cannot be used")]
    Weights(#[from] WeightsError),
    #[error("the model's configuration is not valid: {reason}")]
    Config { reason: String },
    #[error("the model's vocabulary cannot be read: {reason}")]
    Vocabulary { reason: String },
    #[error("the picture memory cannot be used: {reason}")]
    Memory { reason: String },
    #[error("{reason}")]
    Request { reason: String },
    #[error("the device {device} cannot be used: {reason}")]
    Device { device: String, reason: String },
    #[error("no remembered picture has the number {:016x}", entry.0)]
    UnknownEntry { entry: EntryId },
    #[error("scale {scale} came out as numbers that are not finite; the weights may be damaged")]
    NotFinite { scale: usize },
    #[error("the computation failed")]
    Compute(#[from] candle_core::Error),
}

/// A weight file is missing, damaged or of another model.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("{what} cannot be read: {}", path.display())]
    Read { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the file is damaged or incomplete ({reason}); get it again: {}", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("tensor {name} is missing; the file belongs to another model")]
    Missing { name: String },
    #[error("tensor {name} has shape {found:?}, this configuration needs {expected:?}")]
    Shape { name: String, expected: Vec<usize>, found: Vec<usize> },
    #[error("tensor {name} holds values that are not finite numbers")]
    NotFinite { name: String },
}

impl ModelError {
    /// For showing: the sentence, and the whole chain of causes as details.
    pub fn to_failure(&self) -> Failure {
        let mut details = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            details.push_str(": ");
            details.push_str(&cause.to_string());
            source = cause.source();
        }
        Failure { headline: self.to_string(), details }
    }
}
