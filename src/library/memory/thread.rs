//! The window's end of the user's memories. Three threads stand behind it: the front lists and
//! changes, the encoder's thread adds pictures, and a thread of its own reads or writes each file
//! of a whole memory. Each has a connection to the database; none waits for another.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::chores::ChoreBox;
use super::mailbox::{Chore, Mailbox, Order};
use super::{chores, front};
use crate::imaging::RgbaImage;
use crate::protocol::{
    AddPictures, EntryQuery, MemoryEncoder, MemoryEvent, MemoryId, RememberedId,
};

/// Events that may wait for the window.
const CAPACITY: usize = 64;
/// Time to finish what is being done when the window closes. A batch that is lost then is made
/// again at the next start.
const CLOSE_LIMIT: Duration = Duration::from_millis(1500);

/// Where the memories are.
#[derive(Debug, Clone, Default)]
pub struct MemoryOptions {
    /// The database, the same as the gallery's; `None` keeps memories for this run only.
    pub database: Option<PathBuf>,
}

/// The window's end of the threads. No call waits.
#[derive(Debug)]
pub struct MemoryThread {
    mailbox: Arc<Mailbox>,
    chores: Arc<ChoreBox>,
    events: Receiver<MemoryEvent>,
    threads: Vec<JoinHandle<()>>,
    /// Closed when the threads are done.
    done: Receiver<()>,
}

impl MemoryThread {
    /// Starts the threads, which sleep until something is wanted. `wake` is called when there is
    /// news.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn spawn(
        options: MemoryOptions,
        encoder: Box<dyn MemoryEncoder>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let chores = Arc::new(ChoreBox::default());
        let (events_in, events) = bounded(CAPACITY);
        let (done_in, done) = bounded::<()>(0);
        let outbox = Outbox { events: events_in, wake: Arc::new(wake) };
        let place = super::Place::of(options.database)?;
        let encoder_thread = {
            let (place, outbox, done_in) = (place.clone(), outbox.clone(), done_in.clone());
            let (inbox, mailbox) = (Arc::clone(&chores), Arc::clone(&mailbox));
            let work = move || {
                chores::run(&place, encoder, &inbox, &mailbox, &outbox);
                drop(done_in);
            };
            Builder::new().name("memory encoder".to_owned()).spawn(work)?
        };
        let front_thread = {
            let (inbox, chores) = (Arc::clone(&mailbox), Arc::clone(&chores));
            let work = move || {
                front::run(place, &inbox, &chores, &outbox);
                drop(done_in);
            };
            Builder::new().name("memories".to_owned()).spawn(work)?
        };
        Ok(Self { mailbox, chores, events, threads: vec![front_thread, encoder_thread], done })
    }

    /// Opens the database, tells the memories and what the generator may look at, and goes on with
    /// adding that was interrupted. To be called once, when the window is shown; every other call
    /// does it too.
    pub fn begin(&self) {
        self.mailbox.send(|pending| pending.is_begun = true);
    }

    /// Lists what fits, from now on and whenever something changes.
    pub fn list(&self, query: EntryQuery) {
        self.mailbox.send(|pending| pending.query = Some(query));
    }

    /// Small pictures to find, the first most urgent; replaces what was wanted before.
    pub fn want(&self, ids: Vec<RememberedId>) {
        self.mailbox.send(|pending| pending.wanted = Some(ids));
    }

    /// A new memory, switched on; [`MemoryEvent::Created`] tells its number.
    pub fn create(&self, name: String) {
        self.mailbox.order(Order::Create(name));
    }

    pub fn rename(&self, memory: MemoryId, name: String) {
        self.mailbox.order(Order::Rename(memory, name));
    }

    /// Whether the generator looks into it.
    pub fn switch(&self, memory: MemoryId, is_on: bool) {
        self.mailbox.order(Order::Switch(memory, is_on));
    }

    /// Takes a memory away. It can be restored until the program ends.
    pub fn delete(&self, memory: MemoryId) {
        self.chores.cancel(memory);
        self.mailbox.order(Order::Delete(memory));
    }

    pub fn restore(&self, memory: MemoryId) {
        self.mailbox.order(Order::Restore(memory));
    }

    /// Adds files and folders; goes on after the next start if the program ends before.
    pub fn add(&self, pictures: AddPictures) {
        self.chores.order(Chore::Add(pictures));
        self.begin();
    }

    /// Adds a picture that is in no file, straight alpha, of any size.
    pub fn add_picture(&self, memory: MemoryId, picture: Arc<RgbaImage>, caption: String) {
        self.chores.order(Chore::AddPicture { memory, picture, caption });
        self.begin();
    }

    /// Ends adding to this memory, within a batch. What was added stays.
    pub fn cancel(&self, memory: MemoryId) {
        self.chores.cancel(memory);
    }

    /// Compares a memory with its folders: new and changed files are added, those that are gone are
    /// marked. Ends in [`MemoryEvent::Added`].
    pub fn rescan(&self, memory: MemoryId) {
        self.chores.order(Chore::Rescan(memory));
        self.begin();
    }

    /// Another caption; prompts find the picture by it as soon as the model has read it.
    pub fn set_caption(&self, id: RememberedId, caption: String) {
        self.mailbox.order(Order::SetCaption(id, caption));
    }

    /// Takes entries away; their files are not touched. They can be put back until the program
    /// ends.
    pub fn remove(&self, ids: Vec<RememberedId>) {
        self.mailbox.order(Order::Remove(ids));
    }

    pub fn put_back(&self, ids: Vec<RememberedId>) {
        self.mailbox.order(Order::PutBack(ids));
    }

    /// A memory as the generator reads it, also if it is switched off.
    pub fn snapshot(&self, memory: MemoryId) {
        self.mailbox.order(Order::Snapshot(memory));
    }

    /// Files of a memory that could not be read; [`MemoryEvent::Problems`] tells them.
    pub fn problems(&self, memory: MemoryId) {
        self.mailbox.order(Order::Problems(memory));
    }

    /// Writes a memory into one file, which is replaced if it exists.
    pub fn export(&self, memory: MemoryId, path: PathBuf) {
        self.mailbox.order(Order::Export(memory, path));
    }

    /// Reads a memory from a file that was exported; [`MemoryEvent::Created`] tells its number.
    pub fn import(&self, path: PathBuf) {
        self.mailbox.order(Order::Import(path));
    }

    /// What has come since the last call.
    pub fn drain(&self) -> Vec<MemoryEvent> {
        self.events.try_iter().collect()
    }
}

impl Drop for MemoryThread {
    fn drop(&mut self) {
        // The threads must not wait for room in a channel that nobody reads any more.
        let (_, closed) = bounded(0);
        self.events = closed;
        self.mailbox.close();
        self.chores.close();
        // A model or disk that does not answer must not keep the window open.
        let is_done = self.done.recv_timeout(CLOSE_LIMIT) == Err(RecvTimeoutError::Disconnected);
        if is_done {
            for thread in self.threads.drain(..) {
                thread.join().ok();
            }
        }
    }
}

/// Where events go.
#[derive(Clone)]
pub(super) struct Outbox {
    events: Sender<MemoryEvent>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Outbox {
    pub(super) fn send(&self, event: MemoryEvent) {
        // Nobody listens any more when the window has closed; then nothing is lost.
        self.events.send(event).ok();
        (self.wake)();
    }

    pub(super) fn fail(&self, headline: impl Into<String>, details: impl Into<String>) {
        let (headline, details) = (headline.into(), details.into());
        self.send(MemoryEvent::Failed { headline, details });
    }
}
