//! What the window wants of the thread. Of questions only the newest counts; orders are all carried
//! out, in their order.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::makers::Made;
use crate::protocol::{PictureId, PictureQuery};

/// Something that must be done.
#[derive(Debug)]
pub(super) enum Order {
    Star {
        id: PictureId,
        is_starred: bool,
    },
    Forget(PictureId),
    /// A file that was just written, or came back.
    Index {
        path: PathBuf,
        is_starred: bool,
    },
    /// A small picture is done.
    Made(Made),
}

/// All that came since the last look.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) query: Option<PictureQuery>,
    pub(super) wants_scan: bool,
    /// Pictures to show, the first most urgent.
    pub(super) wanted: Option<Vec<PictureId>>,
    pub(super) preview: Option<PictureId>,
    /// Bounded by what a person can click, and by the pictures being made.
    pub(super) orders: VecDeque<Order>,
    pub(super) is_closed: bool,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.query.is_none()
            && !self.wants_scan
            && self.wanted.is_none()
            && self.preview.is_none()
            && self.orders.is_empty()
            && !self.is_closed
    }
}

/// The slot between the window and the thread.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    pending: Mutex<Pending>,
    has_news: Condvar,
}

impl Mailbox {
    pub(super) fn send(&self, change: impl FnOnce(&mut Pending)) {
        change(&mut self.pending());
        self.has_news.notify_all();
    }

    /// Takes what there is, after waiting at most `patience` for something; `None` waits for ever.
    pub(super) fn take(&self, patience: Option<Duration>) -> Pending {
        let is_idle = |pending: &mut Pending| pending.is_empty();
        let mut pending = match patience {
            Some(patience) => {
                self.has_news
                    .wait_timeout_while(self.pending(), patience, is_idle)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => self
                .has_news
                .wait_while(self.pending(), is_idle)
                .unwrap_or_else(PoisonError::into_inner),
        };
        let is_closed = pending.is_closed;
        Pending {
            is_closed,
            ..std::mem::replace(&mut *pending, Pending { is_closed, ..Pending::default() })
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // Nothing that can panic runs under the lock, and any content is whole.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
