//! What ends a command, and with which exit code.

use std::io;

use crate::app::WindowError;
use crate::catalogue::convert::ConvertError;
use crate::catalogue::download::DownloadError;
use crate::imaging::io::{MetadataError, PictureError, SaveError};
use crate::library::memory::MemoryError;
use crate::model::ModelError;
use crate::protocol::KeptError;

/// Why a command was not carried out: one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The arguments contradict each other or the model.
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// A picture that is not one of ours.
    #[error("{0}")]
    NotOurs(String),
    /// A saved picture that this model cannot go on with.
    #[error(transparent)]
    Kept(#[from] KeptError),
    #[error(transparent)]
    Save(#[from] SaveError),
    #[error("{}", model_sentence(.0))]
    Model(#[from] ModelError),
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error(transparent)]
    Download(#[from] DownloadError),
    #[error(transparent)]
    Convert(#[from] ConvertError),
    #[error(transparent)]
    Window(#[from] WindowError),
    #[error("the result cannot be printed: {0}")]
    Print(#[from] io::Error),
}

impl CliError {
    /// Exit code of a mistake in the arguments.
    pub const USAGE_CODE: u8 = 2;

    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Usage(_)) { Self::USAGE_CODE } else { 1 }
    }

    /// The errors beneath this one, in one line; empty if there are none.
    pub fn causes(&self) -> String {
        let mut causes = Vec::new();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            causes.push(cause.to_string().replace('\n', " "));
            source = cause.source();
        }
        causes.join(": ")
    }
}

/// What is wrong with weights is the tensor or file that the cause names.
fn model_sentence(error: &ModelError) -> String {
    match error {
        ModelError::Weights(cause) => format!("{error}: {cause}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WeightsError;

    #[test]
    fn weights_errors_name_the_tensor() {
        let missing =
            WeightsError::Missing { name: "head.weight".to_owned(), path: "model.gguf".into() };
        let error = CliError::from(ModelError::from(missing));
        assert!(error.to_string().contains("tensor head.weight is missing"), "{error}");
        assert_eq!(error.exit_code(), 1);
        assert!(error.causes().starts_with("the model's weights"), "{}", error.causes());
    }
}
