//! The thread that lists the memories and changes them for the window. Counts, lists and snapshots
//! are made anew when something has changed, and the longer that takes, the less often.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::Builder;
use std::time::{Duration, Instant};

use super::chores::ChoreBox;
use super::mailbox::{Chore, Mailbox, News, Order, Pending};
use super::snapshot::Kept;
use super::thread::Outbox;
use super::{Access, MemoryError, MemoryStore, OpenedStore, Place};
use crate::library::LibraryWarning;
use crate::protocol::{
    AddReport, EntryQuery, Failure, MemoryEvent, MemoryId, MemoryModel, RememberedId,
};

/// Before a database that another program holds is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(2);
/// While something changes all the time, lists are made anew this often, at most.
const LIST_PAUSE: Duration = Duration::from_millis(300);
const SNAPSHOT_PAUSE: Duration = Duration::from_secs(2);
/// Share of the time that may go into lists.
const LIST_SHARE: u32 = 8;
const LOST: &str = "The picture is lost";

/// Serves the window until it closes.
pub(super) fn run(place: Place, mailbox: &Arc<Mailbox>, chores: &ChoreBox, outbox: &Outbox) {
    let mut front = Front {
        place,
        mailbox,
        chores,
        outbox,
        store: None,
        retry_at: None,
        model: None,
        version: 0,
        query: None,
        last_serial: 0,
        wanted: Vec::new(),
        memories: Due::new(LIST_PAUSE),
        listing: Due::new(LIST_PAUSE),
        snapshots: Due::new(SNAPSHOT_PAUSE),
        kept: HashMap::new(),
        told: None,
        reports: Vec::new(),
    };
    loop {
        let Some(pending) = mailbox.take(front.patience()) else { return };
        if front.store.is_none() || front.retry_at.is_some_and(|at| Instant::now() >= at) {
            front.open();
        }
        if let Err(error) = front.work(pending) {
            front.recover(&error);
        }
    }
}

/// Something that is to be made anew, but not all the time.
#[derive(Debug)]
struct Due {
    is_stale: bool,
    not_before: Option<Instant>,
    pause: Duration,
}

impl Due {
    fn new(pause: Duration) -> Self {
        Self { is_stale: false, not_before: None, pause }
    }

    /// How long to wait; `None` if nothing is to be done.
    fn wait(&self) -> Option<Duration> {
        let until = |at: Instant| at.saturating_duration_since(Instant::now());
        self.is_stale.then(|| self.not_before.map_or(Duration::ZERO, until))
    }

    fn is_now(&self) -> bool {
        self.wait() == Some(Duration::ZERO)
    }

    /// At once, whatever was done before.
    fn hurry(&mut self) {
        (self.is_stale, self.not_before) = (true, None);
    }

    fn done(&mut self, started_at: Instant) {
        self.is_stale = false;
        let now = Instant::now();
        self.not_before = Some(now + self.pause.max((now - started_at) * LIST_SHARE));
    }
}

struct Front<'a> {
    place: Place,
    mailbox: &'a Arc<Mailbox>,
    chores: &'a ChoreBox,
    outbox: &'a Outbox,
    store: Option<MemoryStore>,
    /// The database is held by another program.
    retry_at: Option<Instant>,
    model: Option<MemoryModel>,
    /// Of the database, as far as other connections write.
    version: i64,
    query: Option<EntryQuery>,
    last_serial: u64,
    /// Entries whose pictures are to be sent, the most urgent last.
    wanted: Vec<RememberedId>,
    memories: Due,
    listing: Due,
    snapshots: Due,
    kept: HashMap<MemoryId, Kept>,
    /// The snapshots that the window has.
    told: Option<Vec<MemoryId>>,
    /// Told after the lists that show what came of it.
    reports: Vec<AddReport>,
}

impl Front<'_> {
    fn patience(&self) -> Option<Duration> {
        if !self.wanted.is_empty() && self.store.is_some() {
            return Some(Duration::ZERO);
        }
        let retry = self.retry_at.map(|at| at.saturating_duration_since(Instant::now()));
        let snapshots = self.snapshots.wait().filter(|_| self.model.is_some());
        [retry, self.memories.wait(), self.listing.wait(), snapshots].into_iter().flatten().min()
    }

    fn open(&mut self) {
        let had_trouble = self.retry_at.take().is_some();
        match MemoryStore::open(self.place.path()) {
            Ok(OpenedStore { store, warning }) => {
                let is_full = store.access() == Access::Full;
                let was_read = self.store.as_ref().is_some_and(|s| s.access() == store.access());
                if !is_full && store.is_held() {
                    self.retry_at = Some(Instant::now() + RETRY_PAUSE);
                }
                if had_trouble && !is_full && was_read {
                    return;
                }
                self.store = Some(store);
                match warning {
                    Some(warning) => self.trouble(warning),
                    None if had_trouble => self.outbox.send(MemoryEvent::Trouble(None)),
                    None => {}
                }
            }
            Err(error) => {
                let Failure { headline, details } = error.told();
                self.outbox.send(MemoryEvent::Trouble(Some((headline, details))));
                self.retry_at = Some(Instant::now() + RETRY_PAUSE);
                return;
            }
        }
        self.all_due();
        self.chores.order(Chore::Refresh);
    }

    fn trouble(&self, LibraryWarning { headline, details }: LibraryWarning) {
        self.outbox.send(MemoryEvent::Trouble(Some((headline.to_owned(), details))));
    }

    fn all_due(&mut self) {
        self.memories.hurry();
        self.snapshots.hurry();
        if self.query.is_some() {
            self.listing.hurry();
        }
    }

    fn changed(&mut self) {
        self.memories.is_stale = true;
        self.snapshots.is_stale = true;
        self.listing.is_stale = self.query.is_some();
    }

    fn work(&mut self, pending: Pending) -> Result<(), MemoryError> {
        let Pending { query, wanted, orders, .. } = pending;
        if let Some(wanted) = wanted {
            self.wanted = wanted;
            self.wanted.reverse();
        }
        if let Some(query) = query {
            self.query = Some(query);
            self.listing.hurry();
        }
        for order in orders {
            if let Err(error) = self.carry_out(order) {
                if error.is_damage() {
                    return Err(error);
                }
                let Failure { headline, details } = error.told();
                self.outbox.fail(headline, details);
                // The window may have shown already what did not happen.
                self.all_due();
            }
        }
        let Some(store) = &self.store else { return Ok(()) };
        let version = store.version_of_others()?;
        if self.version != version {
            self.version = version;
            self.changed();
        }
        self.tell()?;
        self.send_thumbnails()
    }

    fn carry_out(&mut self, order: Order) -> Result<(), MemoryError> {
        let Some(store) = &mut self.store else { return Ok(()) };
        match order {
            Order::Create(name) => {
                let memory = store.create(&name)?;
                self.outbox.send(MemoryEvent::Memories(store.memories(self.model.as_ref())?));
                self.outbox.send(MemoryEvent::Created(memory));
            }
            Order::Rename(memory, name) => store.rename(memory, &name)?,
            Order::Switch(memory, is_on) => store.switch(memory, is_on)?,
            Order::Delete(memory) => store.delete(memory)?,
            Order::Restore(memory) => {
                store.restore(memory)?;
                self.outbox.send(MemoryEvent::Restored(memory));
                self.chores.order(Chore::Refresh);
            }
            Order::Remove(ids) => {
                store.remove(&ids)?;
            }
            Order::PutBack(ids) => {
                store.put_back(&ids)?;
            }
            Order::SetCaption(id, caption) => {
                store.set_caption(id, &caption)?;
                self.chores.order(Chore::Refresh);
            }
            Order::Snapshot(memory) => {
                if let Some(model) = &self.model {
                    let kept = store.renewed_snapshot(memory, model, self.kept.get(&memory))?;
                    self.outbox.send(MemoryEvent::Snapshot(Arc::clone(&kept.memory)));
                    self.kept.insert(memory, kept);
                } else {
                    // There is nothing to look at before there is a model that looks.
                    self.outbox.fail("The model is not ready; try again in a moment", "");
                }
                return Ok(());
            }
            Order::Problems(memory) => {
                let problems = store.problems(memory)?;
                self.outbox.send(MemoryEvent::Problems { memory, problems });
                return Ok(());
            }
            Order::Export(memory, path) => {
                self.on_a_thread(FileWork::Export(memory, path));
                return Ok(());
            }
            Order::Import(path) => {
                self.on_a_thread(FileWork::Import(path));
                return Ok(());
            }
            Order::News(news) => {
                self.hear(news);
                return Ok(());
            }
        }
        self.all_due();
        Ok(())
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Model(model) => {
                if self.model.as_ref() != Some(&model) {
                    self.kept.clear();
                    self.model = Some(model);
                    self.all_due();
                }
            }
            News::Changed => self.changed(),
            News::Report(report) => {
                self.reports.push(*report);
                self.all_due();
            }
            News::Imported(memory) => {
                self.all_due();
                self.memories.hurry();
                self.outbox.send(MemoryEvent::Created(memory));
                self.chores.order(Chore::Refresh);
            }
        }
    }

    /// Tells what is due.
    fn tell(&mut self) -> Result<(), MemoryError> {
        let Some(store) = &self.store else { return Ok(()) };
        let now = Instant::now();
        if self.memories.is_now() {
            let memories = store.memories(self.model.as_ref())?;
            self.memories.done(now);
            self.outbox.send(MemoryEvent::Memories(memories));
        }
        let now = Instant::now();
        if self.listing.is_now()
            && let Some(query) = &self.query
        {
            let mut listing = store.list(query)?;
            self.last_serial += 1;
            listing.serial = self.last_serial;
            self.listing.done(now);
            self.outbox.send(MemoryEvent::Entries(Box::new(listing)));
        }
        for report in std::mem::take(&mut self.reports) {
            self.outbox.send(MemoryEvent::Added(Box::new(report)));
        }
        self.tell_snapshots()
    }

    fn tell_snapshots(&mut self) -> Result<(), MemoryError> {
        let (Some(store), Some(model)) = (&self.store, &self.model) else { return Ok(()) };
        if !self.snapshots.is_now() {
            return Ok(());
        }
        let started_at = Instant::now();
        let memories = store.memories(Some(model))?;
        let is_known = |memory: &MemoryId| memories.iter().any(|known| known.memory == *memory);
        self.kept.retain(|memory, _| is_known(memory));
        let on: Vec<_> = memories.iter().filter(|memory| memory.is_on).collect();
        let mut is_new = self.told.as_deref()
            != Some(&*on.iter().map(|memory| memory.memory).collect::<Vec<_>>());
        let mut snapshots = Vec::with_capacity(on.len());
        for memory in on {
            let before = self.kept.get(&memory.memory);
            let kept = match store.renewed_snapshot(memory.memory, model, before) {
                // Another program has just taken it away.
                Err(MemoryError::Gone) => continue,
                kept => kept?,
            };
            is_new |= before.is_none_or(|before| !Arc::ptr_eq(&before.memory, &kept.memory));
            snapshots.push(Arc::clone(&kept.memory));
            self.kept.insert(memory.memory, kept);
        }
        self.snapshots.done(started_at);
        if is_new {
            self.told = Some(snapshots.iter().map(|snapshot| snapshot.memory).collect());
            self.outbox.send(MemoryEvent::Snapshots(snapshots));
        }
        Ok(())
    }

    /// Sends pictures for a moment.
    fn send_thumbnails(&mut self) -> Result<(), MemoryError> {
        const STEP: Duration = Duration::from_millis(10);
        let until = Instant::now() + STEP;
        while Instant::now() < until {
            let (Some(store), Some(id)) = (&self.store, self.wanted.pop()) else { break };
            let result = store.thumbnail(id)?.map(Arc::new).ok_or_else(|| LOST.to_owned());
            self.outbox.send(MemoryEvent::Thumbnail { id, result });
        }
        Ok(())
    }

    /// Reads or writes the file of a whole memory, which may take long.
    fn on_a_thread(&self, work: FileWork) {
        let (place, outbox) = (self.place.clone(), self.outbox.clone());
        let mailbox = Arc::clone(self.mailbox);
        let work = move || match work.carry_out(&place) {
            Ok(Done::Exported { path, n_entries }) => {
                outbox.send(MemoryEvent::Exported { path, n_entries });
            }
            Ok(Done::Imported(memory)) => mailbox.order(Order::News(News::Imported(memory))),
            Err(error) => {
                let Failure { headline, details } = error.told();
                outbox.fail(headline, details);
            }
        };
        // Not joined: a slow disk must not hold up the end of the program.
        if let Err(error) = Builder::new().name("memory file".to_owned()).spawn(work) {
            self.outbox
                .fail("The system has no thread to give; close other programs", error.to_string());
        }
    }

    /// After an error: a damaged database is replaced; the rest is told.
    fn recover(&mut self, error: &MemoryError) {
        let MemoryError::Library(cause) = error else {
            let Failure { headline, details } = error.told();
            self.outbox.fail(headline, details);
            return;
        };
        if !cause.is_damage() {
            let Failure { headline, details } = error.told();
            // What is due is tried again later.
            self.memories.done(Instant::now());
            self.listing.done(Instant::now());
            self.snapshots.done(Instant::now());
            self.outbox.fail(headline, details);
            return;
        }
        self.kept.clear();
        let replaced = self.store.take().map(|store| store.replace(self.place.path(), cause));
        match replaced {
            Some(Ok(OpenedStore { store, warning })) => {
                self.store = Some(store);
                if let Some(warning) = warning {
                    self.trouble(warning);
                }
                self.all_due();
                self.chores.order(Chore::Refresh);
            }
            Some(Err(error)) => {
                let Failure { headline, details } = error.told();
                self.outbox.send(MemoryEvent::Trouble(Some((headline, details))));
                self.retry_at = Some(Instant::now() + RETRY_PAUSE);
            }
            None => {}
        }
    }
}

enum FileWork {
    Export(MemoryId, PathBuf),
    Import(PathBuf),
}

enum Done {
    Exported { path: PathBuf, n_entries: usize },
    Imported(MemoryId),
}

impl FileWork {
    fn carry_out(self, place: &Place) -> Result<Done, MemoryError> {
        let mut store = MemoryStore::open(place.path())?.store;
        Ok(match self {
            Self::Export(memory, path) => {
                let n_entries = super::export(&store, memory, &path)?;
                Done::Exported { path, n_entries }
            }
            Self::Import(path) => Done::Imported(super::import(&mut store, &path)?),
        })
    }
}
