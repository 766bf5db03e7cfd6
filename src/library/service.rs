//! The thread that owns the index. It is opened when it is first needed, so that a window without a
//! gallery pays nothing for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::database::{Library, LibraryError, LibraryWarning, Opened};
use super::mailbox::{Mailbox, Order, Pending};
use super::makers::{self, MAX_MAKING, Made, MakeJob, MakeKind};
use super::scan::{self, Scan, ScanStep};
use super::thumbnail;
use crate::protocol::{LibraryEvent, PictureId, PictureQuery};

/// Events that may wait for the window.
const CAPACITY: usize = 64;
/// While files are being read the list is shown anew this often, at most.
const LISTING_PAUSE: Duration = Duration::from_millis(400);
/// Before a step that another process was in the way of is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
const MAX_RETRIES: u32 = 5;
/// Time to finish what is being done when the window closes.
const CLOSE_LIMIT: Duration = Duration::from_millis(1500);

/// Where the index and the pictures are.
#[derive(Debug, Clone, Default)]
pub struct LibraryOptions {
    /// The database; `None` keeps the index in memory.
    pub database: Option<PathBuf>,
    /// The folder of the user's pictures; `None` knows only single files.
    pub folder: Option<PathBuf>,
}

/// The window's end of the thread. No call waits.
#[derive(Debug)]
pub struct LibraryThread {
    mailbox: Arc<Mailbox<Pending>>,
    events: Receiver<LibraryEvent>,
    thread: Option<JoinHandle<()>>,
    /// Closed when the thread is done.
    done: Receiver<()>,
}

impl LibraryThread {
    /// Starts the thread, which sleeps until something is wanted. `wake` is called when there is
    /// news.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn spawn(
        options: LibraryOptions,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let mailbox = Arc::new(Mailbox::default());
        let (events_in, events) = bounded(CAPACITY);
        let (done_in, done) = bounded::<()>(0);
        let inbox = Arc::clone(&mailbox);
        let makers = makers::spawn(Arc::clone(&mailbox))?;
        let work = move || {
            let outbox = Outbox { events: events_in, wake: Box::new(wake) };
            Service::new(options, outbox, makers).run(&inbox);
            drop(done_in);
        };
        let thread = Builder::new().name("library".to_owned()).spawn(work)?;
        Ok(Self { mailbox, events, thread: Some(thread), done })
    }

    /// Lists what fits, from now on and whenever something changes.
    pub fn list(&self, query: PictureQuery) {
        self.mailbox.send(|pending| pending.query = Some(query));
    }

    /// Brings the index in line with the disk.
    pub fn scan(&self) {
        self.mailbox.send(|pending| pending.wants_scan = true);
    }

    /// Small pictures to make or find, the first most urgent; replaces what was wanted before.
    pub fn want(&self, ids: Vec<PictureId>) {
        self.mailbox.send(|pending| pending.wanted = Some(ids));
    }

    /// A larger picture of one.
    pub fn preview(&self, id: PictureId) {
        self.mailbox.send(|pending| pending.preview = Some(id));
    }

    pub fn star(&self, id: PictureId, is_starred: bool) {
        self.order(Order::Star { id, is_starred });
    }

    /// A file is gone.
    pub fn forget(&self, id: PictureId) {
        self.order(Order::Forget(id));
    }

    /// A file is new, or back with the star that it had.
    pub fn index(&self, path: PathBuf, is_starred: bool) {
        self.order(Order::Index { path, is_starred });
    }

    /// What has come since the last call.
    pub fn drain(&self) -> Vec<LibraryEvent> {
        self.events.try_iter().collect()
    }

    fn order(&self, order: Order) {
        self.mailbox.send(|pending| pending.orders.push_back(order));
    }
}

impl Drop for LibraryThread {
    fn drop(&mut self) {
        // The thread must not wait for room in a channel that nobody reads any more.
        let (_, closed) = bounded(0);
        self.events = closed;
        self.mailbox.close();
        // A disk that does not answer must not keep the window open; the database survives that.
        let is_done = self.done.recv_timeout(CLOSE_LIMIT)
            == Err(crossbeam_channel::RecvTimeoutError::Disconnected);
        if let Some(thread) = self.thread.take().filter(|_| is_done) {
            thread.join().ok();
        }
    }
}

struct Outbox {
    events: Sender<LibraryEvent>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Outbox {
    fn send(&self, event: LibraryEvent) {
        // Nobody listens any more when the window has closed; then nothing is lost.
        self.events.send(event).ok();
        (self.wake)();
    }

    fn warn(&self, headline: impl Into<String>, details: impl Into<String>) {
        let (headline, details) = (headline.into(), details.into());
        self.send(LibraryEvent::Warning { headline, details });
    }
}

struct Service {
    options: LibraryOptions,
    outbox: Outbox,
    makers: Sender<MakeJob>,
    library: Option<Library>,
    /// A database was given up in this run; a second time it stays in memory.
    has_given_up: bool,
    query: Option<PictureQuery>,
    last_serial: u64,
    listed_at: Option<Instant>,
    /// What is shown is out of date.
    is_listing_due: bool,
    scan: Option<Scan>,
    n_retries: u32,
    retry_at: Option<Instant>,
    /// Small pictures to send, the most urgent last.
    wanted: Vec<PictureId>,
    n_making: usize,
}

impl Service {
    fn new(mut options: LibraryOptions, outbox: Outbox, makers: Sender<MakeJob>) -> Self {
        if let Some(folder) = &mut options.folder
            && let Ok(absolute) = std::path::absolute(&*folder)
        {
            *folder = absolute;
        }
        Self {
            options,
            outbox,
            makers,
            library: None,
            has_given_up: false,
            query: None,
            last_serial: 0,
            listed_at: None,
            is_listing_due: false,
            scan: None,
            n_retries: 0,
            retry_at: None,
            wanted: Vec::new(),
            n_making: 0,
        }
    }

    fn run(mut self, mailbox: &Mailbox<Pending>) {
        loop {
            let Some(pending) = mailbox.take(self.patience()) else { return };
            if self.library.is_none() && !self.open() {
                return;
            }
            if let Err(error) = self.work(pending) {
                self.recover(&error);
            }
        }
    }

    /// How long to wait for news when there is nothing else to do.
    fn patience(&self) -> Option<Duration> {
        let has_thumbnail_to_send = !self.wanted.is_empty() && self.n_making < MAX_MAKING;
        if has_thumbnail_to_send {
            return Some(Duration::ZERO);
        }
        let until = |at: Instant| at.saturating_duration_since(Instant::now());
        let scan = self.scan.as_ref().map(|_| self.retry_at.map_or(Duration::ZERO, until));
        let listing = self.is_listing_due.then(|| {
            self.listed_at.map_or(Duration::ZERO, |listed_at| until(listed_at + LISTING_PAUSE))
        });
        [scan, listing].into_iter().flatten().min()
    }

    fn work(&mut self, pending: Pending) -> Result<(), LibraryError> {
        let Pending { query, wants_scan, wanted, preview, orders, .. } = pending;
        if let Some(wanted) = wanted {
            self.wanted = wanted;
            self.wanted.reverse();
        }
        if wants_scan && self.scan.is_none() {
            self.start_scan();
        }
        if query.is_some() {
            self.query = query;
            self.is_listing_due = true;
            self.listed_at = None;
        }
        // All of them, even if one fails.
        let mut result = Ok(());
        for order in orders {
            let done = self.carry_out(order);
            result = result.and(done);
        }
        result?;
        if let Some(id) = preview {
            self.make(id, MakeKind::Preview)?;
        }
        self.list_if_due()?;
        self.scan_on()?;
        self.send_thumbnails()
    }

    fn open(&mut self) -> bool {
        match Library::open(self.options.database.as_deref()) {
            Ok(Opened { library, warning, .. }) => {
                self.library = Some(library);
                if let Some(LibraryWarning { headline, details }) = warning {
                    self.outbox.warn(headline, details);
                }
                true
            }
            Err(error) => {
                self.outbox.warn("The gallery cannot be used", error.to_string());
                false
            }
        }
    }

    /// After an error: a damaged database is replaced and filled anew; the rest is told.
    fn recover(&mut self, error: &LibraryError) {
        if !error.is_damage() {
            let headline = if error.is_busy() {
                "Another program holds the index of your pictures; close it and try again"
            } else {
                "The index of your pictures could not be written"
            };
            self.outbox.warn(headline, error.to_string());
            return;
        }
        tracing::warn!("the index of pictures is given up: {error}");
        // Opening sets it aside only if the damage shows at once.
        let path = self.options.database.take().filter(|_| !self.has_given_up);
        let era = self.library.take().map(|library| library.era());
        let replaced = path.as_deref().zip(era);
        match replaced.map(|(path, era)| Library::replace(path, error, era)) {
            Some(Ok(Opened { library, warning, .. })) => {
                self.library = Some(library);
                self.options.database = path;
                if let Some(LibraryWarning { headline, details }) = warning {
                    self.outbox.warn(headline, details);
                }
            }
            Some(Err(error)) => self.outbox.warn("The gallery cannot be used", error.to_string()),
            // Opened in memory at the next turn.
            None => {}
        }
        self.has_given_up = true;
        self.scan = None;
        self.start_scan();
        self.is_listing_due = self.query.is_some();
    }

    fn start_scan(&mut self) {
        self.scan = self.options.folder.as_deref().map(Scan::start);
        self.n_retries = 0;
        self.retry_at = None;
    }

    fn carry_out(&mut self, order: Order) -> Result<(), LibraryError> {
        let Some(library) = &mut self.library else { return Ok(()) };
        match order {
            // The window shows both already; a list made just before would bring back what was.
            Order::Star { id, is_starred } => {
                library.set_starred(id, is_starred)?;
                self.is_listing_due = self.query.is_some();
            }
            Order::Forget(id) => {
                library.forget(&[id])?;
                self.is_listing_due = self.query.is_some();
            }
            Order::Index { path, is_starred } => {
                let path = std::path::absolute(&path).unwrap_or(path);
                let root = self.options.folder.as_deref().unwrap_or(Path::new(""));
                let id = scan::index_file(library, root, &path)?;
                if let Some(id) = id.filter(|_| is_starred) {
                    library.set_starred(id, true)?;
                }
                self.is_listing_due = self.query.is_some();
                self.listed_at = None;
            }
            Order::Made(made) => return self.made(made),
        }
        Ok(())
    }

    fn made(&mut self, Made { id, kind, result, encoded }: Made) -> Result<(), LibraryError> {
        self.n_making -= 1;
        let failed = result.as_ref().err().cloned();
        self.outbox.send(match kind {
            MakeKind::Thumbnail => LibraryEvent::Thumbnail { id, result },
            MakeKind::Preview => LibraryEvent::Preview { id, result },
        });
        let Some(library) = &self.library else { return Ok(()) };
        let kept = match (encoded, failed) {
            (Some(encoded), _) => library.put_thumbnail(id, &encoded),
            (None, Some(problem)) if ![thumbnail::GONE, thumbnail::CLOSED].contains(&&*problem) => {
                library.set_problem(id, &problem)
            }
            (None, _) => Ok(()),
        };
        match kept {
            // It is made again next time.
            Err(error) if !error.is_damage() => {
                tracing::debug!("a small picture is not kept: {error}");
                Ok(())
            }
            kept => kept,
        }
    }

    fn list_if_due(&mut self) -> Result<(), LibraryError> {
        let (Some(library), Some(query)) = (&self.library, &self.query) else { return Ok(()) };
        let is_early = self.listed_at.is_some_and(|at| at.elapsed() < LISTING_PAUSE);
        if !self.is_listing_due || is_early {
            return Ok(());
        }
        let root = self.options.folder.as_deref().unwrap_or(Path::new(""));
        let mut listing = library.list(root, query)?;
        self.last_serial += 1;
        listing.serial = self.last_serial;
        self.outbox.send(LibraryEvent::Listed(Box::new(listing)));
        self.listed_at = Some(Instant::now());
        self.is_listing_due = false;
        Ok(())
    }

    fn scan_on(&mut self) -> Result<(), LibraryError> {
        let (Some(library), Some(scan)) = (&mut self.library, &mut self.scan) else {
            return Ok(());
        };
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return Ok(());
        }
        match scan.step(library) {
            Ok(ScanStep::Walking) => {}
            Ok(ScanStep::Reading(progress)) => {
                self.is_listing_due = self.query.is_some();
                self.outbox.send(LibraryEvent::Indexing(progress));
            }
            Ok(ScanStep::Done(report)) => {
                self.scan = None;
                if report.n_read + report.n_renamed + report.n_gone > 0 {
                    self.is_listing_due = self.query.is_some();
                    self.listed_at = None;
                    // The last list comes before the news that it is the last.
                    self.list_if_due()?;
                }
                self.outbox.send(LibraryEvent::Scanned(report));
            }
            Err(error) if error.is_busy() && self.n_retries < MAX_RETRIES => {
                self.n_retries += 1;
                self.retry_at = Some(Instant::now() + RETRY_PAUSE);
                return Ok(());
            }
            Err(error) => {
                self.scan = None;
                self.outbox.send(LibraryEvent::Scanned(crate::protocol::ScanReport::default()));
                return Err(error);
            }
        }
        (self.n_retries, self.retry_at) = (0, None);
        Ok(())
    }

    /// Sends what is kept, and has the rest made, for a moment.
    fn send_thumbnails(&mut self) -> Result<(), LibraryError> {
        const STEP: Duration = Duration::from_millis(10);
        let until = Instant::now() + STEP;
        while self.n_making < MAX_MAKING && Instant::now() < until {
            let (Some(library), Some(id)) = (&self.library, self.wanted.pop()) else { break };
            let kept = library.thumbnail(id)?.and_then(|encoded| thumbnail::decode(&encoded));
            match kept {
                Some(picture) => {
                    let result = Ok(Arc::new(picture));
                    self.outbox.send(LibraryEvent::Thumbnail { id, result });
                }
                None => self.make(id, MakeKind::Thumbnail)?,
            }
        }
        Ok(())
    }

    fn make(&mut self, id: PictureId, kind: MakeKind) -> Result<(), LibraryError> {
        let Some(library) = &self.library else { return Ok(()) };
        let root = self.options.folder.as_deref().unwrap_or(Path::new(""));
        let Some(picture) = library.picture(root, id)? else { return Ok(()) };
        // Waits only for a preview while two small pictures are being made.
        if self.makers.send(MakeJob { id, path: picture.path, kind }).is_ok() {
            self.n_making += 1;
        }
        Ok(())
    }
}
