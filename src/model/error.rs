//! What can go wrong with a model, in words a user can act on.

use std::path::PathBuf;

use super::weights::Inventory;
use crate::protocol::{EntryId, Failure};

/// A model cannot be loaded or cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error(
        "there is no model folder; name one that holds config.json, tokenizer.json and \
         model.safetensors or model.gguf: {}", path.display()
    )]
    NoFolder { path: PathBuf },
    #[error(
        "the model folder has no {missing}; expected config.json, tokenizer.json and \
         model.safetensors or model.gguf: {}", folder.display()
    )]
    MissingFile { missing: &'static str, folder: PathBuf },
    #[error("{what} cannot be read: {}", path.display())]
    Read { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the model's weights cannot be used")]
    Weights(#[from] WeightsError),
    #[error("the model's configuration is not valid: {reason}")]
    Config { reason: String },
    #[error("the model's vocabulary cannot be read: {reason}")]
    Vocabulary { reason: String },
    #[error("the text encoder cannot be used: {reason}")]
    TextEncoder { reason: String },
    #[error("the picture memory cannot be used: {reason}")]
    Memory { reason: String },
    #[error("the depth network cannot be used: {reason}")]
    DepthNetwork { reason: String },
    #[error("{reason}")]
    Request { reason: String },
    #[error("{reason}")]
    RasterFile { reason: String },
    #[error("the device {device} cannot be used: {reason}")]
    Device { device: String, reason: String },
    #[error("no remembered picture has the number {:016x}", entry.0)]
    UnknownEntry { entry: EntryId },
    #[error("scale {scale} came out as numbers that are not finite; the weights may be damaged")]
    NotFinite { scale: usize },
    #[error("the computation failed")]
    Compute(#[source] candle_core::Error),
}

/// A [`WeightsError`] that crossed candle (a network asked for a tensor and did not get it) comes
/// out as what it is; everything else is a failed computation.
impl From<candle_core::Error> for ModelError {
    fn from(error: candle_core::Error) -> Self {
        use candle_core::Error;
        match error {
            Error::WrappedContext { wrapped, context } => {
                match wrapped.downcast::<WeightsError>() {
                    Ok(error) => Self::Weights(*error),
                    Err(wrapped) => Self::Compute(Error::WrappedContext { wrapped, context }),
                }
            }
            Error::Context { inner, context } => match Self::from(*inner) {
                Self::Compute(inner) => {
                    Self::Compute(Error::Context { inner: Box::new(inner), context })
                }
                error => error,
            },
            Error::WithPath { inner, path } => match Self::from(*inner) {
                Self::Compute(inner) => {
                    Self::Compute(Error::WithPath { inner: Box::new(inner), path })
                }
                error => error,
            },
            Error::WithBacktrace { inner, backtrace } => match Self::from(*inner) {
                Self::Compute(inner) => {
                    Self::Compute(Error::WithBacktrace { inner: Box::new(inner), backtrace })
                }
                error => error,
            },
            error => Self::Compute(error),
        }
    }
}

/// A weight file is missing, damaged or of another model.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("{what} cannot be read: {}", path.display())]
    Read { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the file is damaged or incomplete ({reason}); get it again: {}", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error(
        "the file is made for a newer Underpaint (format {found}, this one knows {known}); \
         update Underpaint: {}", path.display()
    )]
    Newer { path: PathBuf, found: u64, known: u64 },
    #[error("tensor {name} is missing; the file belongs to another model: {}", path.display())]
    Missing { name: String, path: PathBuf },
    #[error(
        "tensor {name} has shape {found:?}, this configuration needs {expected:?}: {}",
        path.display()
    )]
    Shape { name: String, expected: Vec<usize>, found: Vec<usize>, path: PathBuf },
    #[error(
        "tensor {name} is stored as {found}; only F32, F16, BF16 and the usual blocks of GGUF can be \
         read: {}",
        path.display()
    )]
    Encoding { name: String, found: String, path: PathBuf },
    #[error("the file does not fit the model ({inventory}): {}", path.display())]
    Inventory { inventory: Box<Inventory>, path: PathBuf },
    #[error("loading was stopped: {}", path.display())]
    Stopped { path: PathBuf },
    #[error(
        "tensor {name} holds values that are not finite numbers; get the file again: {}",
        path.display()
    )]
    NotFinite { name: String, path: PathBuf },
}

/// Lets a network's loading code pass the error on with `?`; [`ModelError`] takes it out again.
impl From<WeightsError> for candle_core::Error {
    fn from(error: WeightsError) -> Self {
        Self::WrappedContext { wrapped: Box::new(error), context: String::new() }
    }
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
