//! What the window wants of the memories. Of questions only the newest counts; orders are all
//! carried out, in their order.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::imaging::RgbaImage;
use crate::protocol::{AddPictures, AddReport, EntryQuery, MemoryId, MemoryModel, RememberedId};

/// Something that the front does: short work on the database.
#[derive(Debug)]
pub(super) enum Order {
    Create(String),
    Rename(MemoryId, String),
    Switch(MemoryId, bool),
    Delete(MemoryId),
    Restore(MemoryId),
    Remove(Vec<RememberedId>),
    PutBack(Vec<RememberedId>),
    SetCaption(RememberedId, String),
    Snapshot(MemoryId),
    Problems(MemoryId),
    Export(MemoryId, PathBuf),
    Import(PathBuf),
    /// News of the other threads.
    News(News),
}

/// What happened on another thread of the memories.
#[derive(Debug)]
pub(super) enum News {
    /// The model answered.
    Model(MemoryModel),
    /// Entries were written; the counts and lists are out of date.
    Changed,
    Report(Box<AddReport>),
    Imported(MemoryId),
}

/// Something that needs the encoder.
#[derive(Debug)]
pub(super) enum Chore {
    Add(AddPictures),
    AddPicture {
        memory: MemoryId,
        picture: Arc<RgbaImage>,
        caption: String,
    },
    Rescan(MemoryId),
    /// There may be captions without keys, or entries of another model.
    Refresh,
}

/// All that came since the last look.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) query: Option<EntryQuery>,
    /// Entries to show, the first most urgent.
    pub(super) wanted: Option<Vec<RememberedId>>,
    /// Bounded by what a person can click, and by the batches of the other thread.
    pub(super) orders: VecDeque<Order>,
    pub(super) is_begun: bool,
    pub(super) is_closed: bool,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.query.is_none()
            && self.wanted.is_none()
            && self.orders.is_empty()
            && !self.is_begun
            && !self.is_closed
    }
}

/// The slot between the window and the front.
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

    pub(super) fn order(&self, order: Order) {
        self.send(|pending| pending.orders.push_back(order));
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
