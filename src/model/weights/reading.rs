//! Watching and stopping the reading of large files.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How much has been read of the files that a model is loaded from, and whether to stop. Shared
/// between who reads and who watches.
#[derive(Debug, Default)]
pub struct Reading {
    n_bytes: AtomicU64,
    n_wanted: AtomicU64,
    is_stopped: AtomicBool,
}

impl Reading {
    /// Adds to what there is to read, in bytes.
    pub fn want(&self, n_bytes: u64) {
        self.n_wanted.fetch_add(n_bytes, Ordering::Relaxed);
    }

    /// Adds to what has been read.
    pub fn add(&self, n_bytes: u64) {
        self.n_bytes.fetch_add(n_bytes, Ordering::Relaxed);
    }

    /// Bytes read so far, and those wanted in all, as far as that is known.
    pub fn progress(&self) -> (u64, u64) {
        (self.n_bytes.load(Ordering::Relaxed), self.n_wanted.load(Ordering::Relaxed))
    }

    /// Makes the next tensor end with [`crate::model::WeightsError::Stopped`].
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
    }

    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }
}
