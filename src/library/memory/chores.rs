//! The thread of the encoder: adds pictures, compares memories with their folders, and makes what is
//! out of date anew. What waits for the model waits here.

use std::collections::{HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::adding::{self, AddKind, Adder, Stop};
use super::mailbox::{Chore, Mailbox, News, Order};
use super::thread::Outbox;
use super::{Access, MemoryError, MemoryStore, Place};
use crate::library::LibraryError;
use crate::protocol::{Failure, MemoryEncoder, MemoryEvent, MemoryId, MemoryModel};

/// Before a database that another program holds is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(2);
/// Tries to write down what is to be added, while another program writes.
const MAX_TRIES: u32 = 20;

/// What the encoder's thread is to do.
#[derive(Debug, Default)]
pub(super) struct ChoreBox {
    waiting: Mutex<Waiting>,
    has_news: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Bounded by what a person can click.
    chores: VecDeque<Chore>,
    /// Memories to which nothing more is to be added, until something is again.
    cancelled: HashSet<MemoryId>,
    is_closed: bool,
}

impl ChoreBox {
    pub(super) fn order(&self, chore: Chore) {
        self.waiting().chores.push_back(chore);
        self.has_news.notify_all();
    }

    /// Also takes back what waits to be added.
    pub(super) fn cancel(&self, memory: MemoryId) {
        self.waiting().cancelled.insert(memory);
        self.has_news.notify_all();
    }

    pub(super) fn close(&self) {
        self.waiting().is_closed = true;
        self.has_news.notify_all();
    }

    /// Why work on `memory` does not go on, if so.
    fn stop(&self, memory: Option<MemoryId>) -> Option<Stop> {
        let waiting = self.waiting();
        if waiting.is_closed {
            return Some(Stop::Close);
        }
        memory.is_some_and(|memory| waiting.cancelled.contains(&memory)).then_some(Stop::Cancel)
    }

    fn has_chores(&self) -> bool {
        !self.waiting().chores.is_empty()
    }

    /// The next chore; `None` when the window closes.
    fn next(&self) -> Option<Chore> {
        let is_idle = |waiting: &mut Waiting| waiting.chores.is_empty() && !waiting.is_closed;
        let mut waiting = self
            .has_news
            .wait_while(self.waiting(), is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        if waiting.is_closed { None } else { waiting.chores.pop_front() }
    }

    /// Waits for a moment; false when the window closes.
    fn pause(&self, patience: Duration) -> bool {
        let is_open = |waiting: &mut Waiting| !waiting.is_closed;
        let waiting = self.has_news.wait_timeout_while(self.waiting(), patience, is_open);
        !waiting.unwrap_or_else(PoisonError::into_inner).0.is_closed
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that can panic runs under the lock, and any content is whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does chores until the window closes.
pub(super) fn run(
    place: &Place,
    mut encoder: Box<dyn MemoryEncoder>,
    inbox: &ChoreBox,
    mailbox: &Mailbox,
    outbox: &Outbox,
) {
    let mut store = None;
    while let Some(chore) = inbox.next() {
        let Some(opened) = opened(&mut store, place, inbox) else { return };
        let mut hands = Hands { store: opened, encoder: encoder.as_mut(), inbox, mailbox, outbox };
        match hands.carry_out(chore) {
            Ok(()) => {}
            Err(MemoryError::Library(error)) if error.is_damage() => {
                // Of the two threads that find it damaged the first one replaces it.
                store = store.take().and_then(|store| replaced(store, place, &error));
                inbox.order(Chore::Refresh);
            }
            Err(error) => {
                let Failure { headline, details } = error.told();
                outbox.fail(headline, details);
            }
        }
        mailbox.order(Order::News(News::Changed));
    }
}

/// The database for writing, as soon as it can be had; the front tells what is in the way. `None`
/// when the window closes.
fn opened<'a>(
    store: &'a mut Option<MemoryStore>,
    place: &Place,
    inbox: &ChoreBox,
) -> Option<&'a mut MemoryStore> {
    while store.is_none() {
        match MemoryStore::open(place.path()) {
            Ok(opened) if opened.store.access() == Access::Full => *store = Some(opened.store),
            Ok(_) => {}
            Err(error) => tracing::debug!("{error}"),
        }
        if store.is_none() && !inbox.pause(RETRY_PAUSE) {
            return None;
        }
    }
    store.as_mut()
}

fn replaced(store: MemoryStore, place: &Place, error: &LibraryError) -> Option<MemoryStore> {
    let opened = store.replace(place.path(), error).ok()?;
    (opened.store.access() == Access::Full).then_some(opened.store)
}

struct Hands<'a> {
    store: &'a mut MemoryStore,
    encoder: &'a mut dyn MemoryEncoder,
    inbox: &'a ChoreBox,
    mailbox: &'a Mailbox,
    outbox: &'a Outbox,
}

impl Hands<'_> {
    fn carry_out(&mut self, chore: Chore) -> Result<(), MemoryError> {
        match chore {
            Chore::Add(add) => {
                self.inbox.waiting().cancelled.remove(&add.memory);
                // A table that cannot be read is told before anything waits for it.
                super::captions::CaptionSource::open(&add.captions)?;
                self.tried(|store| store.note_jobs(&add))?;
                self.add(add.memory, AddKind::Noted)
            }
            Chore::AddPicture { memory, picture, caption } => {
                let picture = std::sync::Arc::unwrap_or_clone(picture);
                let added =
                    adding::add_picture(self.store, self.encoder, memory, picture, &caption)?;
                if let Err(of) = added {
                    let headline = format!("The memory has this picture already: {of}");
                    self.outbox.fail(headline, String::new());
                }
                Ok(())
            }
            Chore::Rescan(memory) => {
                self.inbox.waiting().cancelled.remove(&memory);
                self.add(memory, AddKind::Rescan)
            }
            Chore::Refresh => self.refresh(),
        }
    }

    /// Goes on with what an earlier run left, and makes anew what is out of date.
    fn refresh(&mut self) -> Result<(), MemoryError> {
        let model = self.model()?;
        self.mailbox.order(Order::News(News::Model(model)));
        for memory in self.store.unfinished()? {
            if self.inbox.stop(Some(memory)).is_none() {
                self.add(memory, AddKind::Noted)?;
            }
        }
        let (inbox, mailbox) = (self.inbox, self.mailbox);
        let stop = || inbox.stop(None).or_else(|| inbox.has_chores().then_some(Stop::Cancel));
        self.store.renew(self.encoder, &stop, &mut || mailbox.order(Order::News(News::Changed)))?;
        if inbox.has_chores() {
            // What the user wants comes first.
            inbox.order(Chore::Refresh);
            return Ok(());
        }
        while inbox.stop(None).is_none() && !inbox.has_chores() && self.store.purge()? {}
        Ok(())
    }

    fn model(&mut self) -> Result<MemoryModel, MemoryError> {
        Ok(self.encoder.model()?)
    }

    fn add(&mut self, memory: MemoryId, kind: AddKind) -> Result<(), MemoryError> {
        let (inbox, mailbox, outbox) = (self.inbox, self.mailbox, self.outbox);
        let stop = || inbox.stop(Some(memory));
        let mut progress = |progress| {
            outbox.send(MemoryEvent::Adding(progress));
            mailbox.order(Order::News(News::Changed));
        };
        let adder = Adder {
            store: &mut *self.store,
            encoder: &mut *self.encoder,
            stop: &stop,
            progress: &mut progress,
        };
        let report = match adder.run(memory, kind) {
            // It was taken away meanwhile, and nobody waits for a report.
            Err(MemoryError::Gone) => return Ok(()),
            report => report?,
        };
        if stop() != Some(Stop::Close) {
            // The lists come before the news that it is over.
            self.mailbox.order(Order::News(News::Report(Box::new(report))));
        }
        Ok(())
    }

    /// Writes while another program may hold the database for a while.
    fn tried(
        &mut self,
        mut write: impl FnMut(&mut MemoryStore) -> Result<(), MemoryError>,
    ) -> Result<(), MemoryError> {
        for _ in 1..MAX_TRIES {
            match write(self.store) {
                Err(error) if error.is_busy() && self.inbox.pause(Duration::from_millis(250)) => {}
                done => return done,
            }
        }
        write(self.store)
    }
}
