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
}

impl Contents for Pending {
    fn is_empty(&self) -> bool {
        self.query.is_none()
            && !self.wants_scan
            && self.wanted.is_none()
            && self.preview.is_none()
            && self.orders.is_empty()
    }
}

/// What can wait in a mailbox.
pub(super) trait Contents: Default {
    fn is_empty(&self) -> bool;
}

/// The slot between the window and a thread.
#[derive(Debug, Default)]
pub(super) struct Mailbox<C> {
    slot: Mutex<Slot<C>>,
    has_news: Condvar,
}

#[derive(Debug, Default)]
struct Slot<C> {
    contents: C,
    is_closed: bool,
}

impl<C: Contents> Mailbox<C> {
    pub(super) fn send(&self, change: impl FnOnce(&mut C)) {
        change(&mut self.slot().contents);
        self.has_news.notify_all();
    }

    /// What waits is still handed out, so that nothing ordered in the last moment is lost.
    pub(super) fn close(&self) {
        self.slot().is_closed = true;
        self.has_news.notify_all();
    }

    /// Takes what there is, after waiting at most `patience` for something, `None` for ever. Gives
    /// `None` once it is closed and empty.
    pub(super) fn take(&self, patience: Option<Duration>) -> Option<C> {
        let is_idle = |slot: &mut Slot<C>| slot.contents.is_empty() && !slot.is_closed;
        let mut slot = match patience {
            Some(patience) => {
                self.has_news
                    .wait_timeout_while(self.slot(), patience, is_idle)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
            None => self
                .has_news
                .wait_while(self.slot(), is_idle)
                .unwrap_or_else(PoisonError::into_inner),
        };
        let is_done = slot.is_closed && slot.contents.is_empty();
        (!is_done).then(|| std::mem::take(&mut slot.contents))
    }

    fn slot(&self) -> MutexGuard<'_, Slot<C>> {
        // Nothing that can panic runs under the lock, and any content is whole.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
