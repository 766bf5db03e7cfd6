//! What the window wants of the memories. Of questions only the newest counts; orders are all
//! carried out, in their order.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use crate::imaging::RgbaImage;
use crate::library::mailbox::{self, Contents};
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
}

impl Contents for Pending {
    fn is_empty(&self) -> bool {
        self.query.is_none() && self.wanted.is_none() && self.orders.is_empty() && !self.is_begun
    }
}

/// The slot between the window and the front.
pub(super) type Mailbox = mailbox::Mailbox<Pending>;

impl Mailbox {
    pub(super) fn order(&self, order: Order) {
        self.send(|pending| pending.orders.push_back(order));
    }
}
