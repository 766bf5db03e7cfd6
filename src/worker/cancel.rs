//! Cancellation as a value that is handed to a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared between a job and whoever may end it early. Once cancelled, it stays so; every job
/// gets a token of its own.
#[derive(Debug, Clone, Default)]
pub(super) struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// What the caller did before this is visible to whoever sees the token cancelled.
    pub(super) fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// One atomic read, cheap enough to ask between any two pieces of work.
    pub(super) fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_sees_the_cancellation_and_a_new_token_does_not() {
        let token = CancelToken::default();
        let held_by_job = token.clone();
        assert!(!held_by_job.is_cancelled());
        token.cancel();
        token.cancel();
        assert!(held_by_job.is_cancelled());
        assert!(!CancelToken::default().is_cancelled());
    }
}
