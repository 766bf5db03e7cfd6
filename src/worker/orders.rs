//! Which jobs are to end, told by their numbers: jobs are numbered in the order of their requests,
//! so one number says it for all that came before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::protocol::JobId;

/// Shared between the handle and all jobs. Orders are never taken back.
#[derive(Debug, Clone, Default)]
pub(super) struct Orders(Arc<Numbers>);

#[derive(Debug, Default)]
struct Numbers {
    /// Jobs below end at once.
    end_below: AtomicU64,
    /// Jobs below end once they have shown something.
    yield_below: AtomicU64,
}

impl Orders {
    /// What the caller did before this is visible to whoever sees the order.
    pub(super) fn end_below(&self, job: JobId) {
        self.0.end_below.fetch_max(job.0, Ordering::Release);
    }

    /// Like [`Self::end_below`], for jobs that have shown something.
    pub(super) fn yield_below(&self, job: JobId) {
        self.0.yield_below.fetch_max(job.0, Ordering::Release);
    }

    /// Two atomic reads, cheap enough to ask between any two pieces of work.
    pub(super) fn must_end(&self, job: JobId, has_shown: bool) -> bool {
        job.0 < self.0.end_below.load(Ordering::Acquire)
            || has_shown && job.0 < self.0.yield_below.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_reach_the_jobs_below_and_stay() {
        let orders = Orders::default();
        let seen_by_job = orders.clone();
        assert!(!seen_by_job.must_end(JobId(1), true));
        orders.end_below(JobId(3));
        orders.end_below(JobId(2));
        assert!(seen_by_job.must_end(JobId(2), false));
        assert!(!seen_by_job.must_end(JobId(3), true));
        orders.yield_below(JobId(4));
        assert!(!seen_by_job.must_end(JobId(3), false));
        assert!(seen_by_job.must_end(JobId(3), true));
        assert!(!seen_by_job.must_end(JobId(4), true));
    }
}
