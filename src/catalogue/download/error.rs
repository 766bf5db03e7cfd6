//! Why a file could not be had, in words that say what to do.

use std::io;
use std::path::PathBuf;

use crate::protocol::{Failure, bytes_text};

/// What ended a download. Whatever came is kept for going on, unless it turned out to be wrong.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// It was wanted.
    #[error("the download was stopped; what came is kept")]
    Stopped,
    #[error("{host} cannot be reached; check the network and try again")]
    NoNetwork { host: String, reason: String },
    #[error(
        "{host} does not prove that it is {host}; check the clock and the network, and try again"
    )]
    Tls { host: String, reason: String },
    #[error(
        "{host} wants to know who asks ({status}); open the model's page, agree to its terms and \
         download the file by hand: {url}"
    )]
    Forbidden { host: String, status: u16, url: String },
    #[error("{host} does not have the file any more (404); look on the model's page: {url}")]
    Gone { host: String, url: String },
    #[error("{host} has too many requests (429); try again {}", when(*.seconds))]
    TooMany { host: String, seconds: Option<u64> },
    #[error("{host} is out of order ({status}); try again later")]
    OutOfOrder { host: String, status: u16 },
    #[error("{host} answers in a way that is not understood ({reason}); try again later")]
    Confused { host: String, reason: String },
    #[error("the connection broke off after {}; try again to go on from there", bytes_text(*.n_bytes))]
    BrokeOff { n_bytes: u64, reason: String },
    #[error(
        "there is not enough room: {} are needed and {} are free; make room or choose another folder: \
         {}", bytes_text(*.n_needed), bytes_text(*.n_free), folder.display()
    )]
    NoRoom { n_needed: u64, n_free: u64, folder: PathBuf },
    #[error(
        "the file that came is not the published one (SHA-256 {found} and not {expected}), so it was \
         removed; try again"
    )]
    WrongHash { expected: String, found: String },
    #[error("there is a file of this name already; move it away: {}", path.display())]
    Exists { path: PathBuf },
    #[error("the file cannot be written: {}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

fn when(seconds: Option<u64>) -> String {
    match seconds {
        None => "in a few minutes".to_owned(),
        Some(seconds @ 0..=90) => format!("in {seconds} seconds"),
        Some(seconds) => format!("in {} minutes", seconds.div_ceil(60)),
    }
}

impl DownloadError {
    /// Whether trying again at once may help.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::BrokeOff { .. })
    }

    /// For showing.
    pub fn to_failure(&self) -> Failure {
        let mut headline = self.to_string();
        if let Some(first) = headline.get(..1) {
            let first = first.to_uppercase();
            headline.replace_range(..1, &first);
        }
        let details = match self {
            Self::NoNetwork { reason, .. }
            | Self::Tls { reason, .. }
            | Self::BrokeOff { reason, .. } => reason.clone(),
            Self::Write { source, .. } => source.to_string(),
            _ => headline.clone(),
        };
        Failure { headline, details }
    }
}
