//! The window's end of the catalogue. One thread scans folders and puts the list together; each
//! download, conversion and check has a thread of its own. No call waits.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::convert::{ConvertError, convert, converted_path, sha256_of};
use super::download::{self, DownloadError, download, host_of};
use super::places::{Places, download_target};
use super::shelf::Shelf;
use super::speed::Speed;
use super::walk::Candidate;
use super::{assemble, scan};
use crate::protocol::{
    CatalogueEvent, Failure, MachineMemory, ModelKey, ModelList, PublishedFile, ScanProgress,
    Transfer, TransferId, TransferKind, bytes_text,
};

/// Events that may wait for the window.
const CAPACITY: usize = 256;
/// Progress is told this often.
const PAUSE: Duration = Duration::from_millis(100);

/// Something that was asked for.
#[derive(Debug)]
enum Order {
    Scan,
    AddFolder(PathBuf),
    RemoveFolder(PathBuf),
    Sha256 { path: PathBuf, sha256: String },
}

/// The window's end of the threads.
#[derive(Debug)]
pub struct CatalogueThread {
    shared: Arc<Shared>,
    events: Receiver<CatalogueEvent>,
    thread: Option<JoinHandle<()>>,
}

/// What all threads see.
#[derive(Debug)]
struct Shared {
    places: Places,
    /// Bounded by what a person can click, and by the transfers that end.
    orders: Mutex<VecDeque<Order>>,
    has_orders: Condvar,
    is_closed: AtomicBool,
    stops_scan: AtomicBool,
    transfers: Mutex<Transfers>,
    outbox: Outbox,
}

#[derive(Debug, Default)]
struct Transfers {
    last_id: u64,
    /// Those under way, with their switch.
    running: BTreeMap<TransferId, (ModelKey, TransferKind, Arc<AtomicBool>)>,
}

#[derive(Clone)]
struct Outbox {
    events: Sender<CatalogueEvent>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbox")
    }
}

impl Outbox {
    /// Facts wait for the window; it may be gone.
    fn send(&self, event: CatalogueEvent) {
        self.events.send(event).ok();
        (self.wake)();
    }

    /// What a newer one replaces may be left out.
    fn send_if_room(&self, event: CatalogueEvent) {
        if self.events.len() < CAPACITY / 2 {
            self.send(event);
        }
    }
}

impl CatalogueThread {
    /// Starts the thread, which sleeps until something is asked for. `wake` is called when there is
    /// news.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn spawn(places: Places, wake: impl Fn() + Send + Sync + 'static) -> std::io::Result<Self> {
        let (sender, events) = bounded(CAPACITY);
        let shared = Arc::new(Shared {
            places,
            orders: Mutex::default(),
            has_orders: Condvar::new(),
            is_closed: AtomicBool::new(false),
            stops_scan: AtomicBool::new(false),
            transfers: Mutex::default(),
            outbox: Outbox { events: sender, wake: Arc::new(wake) },
        });
        let of_thread = Arc::clone(&shared);
        let work = move || of_thread.run();
        let thread = Builder::new().name("models".to_owned()).spawn(work)?;
        Ok(Self { shared, events, thread: Some(thread) })
    }

    /// Looks through all folders; the list follows, also of what was known before.
    pub fn scan(&self) {
        self.shared.order(Order::Scan);
    }

    pub fn add_folder(&self, folder: PathBuf) {
        self.shared.order(Order::AddFolder(folder));
    }

    /// Forgets a folder; its files stay where they are.
    pub fn remove_folder(&self, folder: PathBuf) {
        self.shared.order(Order::RemoveFolder(folder));
    }

    /// Ends the scan; what was found stays.
    pub fn stop_scan(&self) {
        self.shared.stops_scan.store(true, Ordering::Release);
    }

    /// Gets files from the server, one after the other.
    pub fn download(&self, model: &ModelKey, files: Vec<PublishedFile>) {
        self.begin(model, TransferKind::Download, move |shared, transfer| {
            shared.download_all(transfer, &files)
        });
    }

    /// Makes a safetensors file beside a PyTorch file.
    pub fn convert(&self, model: &ModelKey, path: PathBuf) {
        self.begin(model, TransferKind::Convert, move |shared, transfer| {
            shared.convert(transfer, &path)
        });
    }

    /// Computes the SHA-256 of a file.
    pub fn verify(&self, model: &ModelKey, path: PathBuf) {
        self.begin(model, TransferKind::Verify, move |shared, transfer| {
            shared.verify(transfer, &path)
        });
    }

    /// Ends a download, conversion or check. What has come of a download is kept.
    pub fn stop(&self, id: TransferId) {
        if let Some((.., is_stopped)) = self.shared.transfers().running.get(&id) {
            is_stopped.store(true, Ordering::Release);
        }
    }

    /// Finds out how much memory is free; [`CatalogueEvent::Memory`] tells.
    pub fn weigh(&self) {
        let shared = Arc::clone(&self.shared);
        let work = move || {
            let memory = shared.places.memory();
            shared.outbox.send(CatalogueEvent::Memory(memory));
        };
        let spawned = Builder::new().name("memory".to_owned()).spawn(work);
        if spawned.is_err() {
            // Nothing is known then.
            self.shared.outbox.send(CatalogueEvent::Memory(MachineMemory::default()));
        }
    }

    /// All events since the last call, oldest first.
    pub fn drain(&mut self) -> Vec<CatalogueEvent> {
        let n_pending = self.events.len();
        self.events.try_iter().take(n_pending).collect()
    }

    fn begin(
        &self,
        model: &ModelKey,
        kind: TransferKind,
        work: impl FnOnce(&Arc<Shared>, &mut Running) -> Outcome + Send + 'static,
    ) {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let id = {
            let mut transfers = self.shared.transfers();
            // Twice at the same time would be in each other's way.
            if transfers.running.values().any(|(other, same, _)| (other, *same) == (model, kind)) {
                return;
            }
            transfers.last_id += 1;
            let id = TransferId(transfers.last_id);
            transfers.running.insert(id, (model.clone(), kind, Arc::clone(&is_stopped)));
            id
        };
        let transfer = Transfer {
            id,
            kind,
            model: model.clone(),
            name: String::new(),
            place: (1, 1),
            n_done: 0,
            n_total: None,
            bytes_per_second: None,
        };
        let outbox = self.shared.outbox.clone();
        let mut running =
            Running { transfer, is_stopped, outbox, speed: Speed::default(), told_at: None };
        let shared = Arc::clone(&self.shared);
        let name = match kind {
            TransferKind::Download => "download",
            TransferKind::Convert => "convert",
            TransferKind::Verify => "verify",
        };
        // Not joined: a slow disk must not hold up the end of the program, and files are whole or
        // can be gone on with.
        let spawned = Builder::new().name(name.to_owned()).spawn(move || {
            let outcome = work(&shared, &mut running);
            shared.transfers().running.remove(&id);
            let Transfer { id, kind, model, .. } = running.transfer;
            if outcome.as_ref().is_some_and(Result::is_ok) {
                shared.order(Order::Scan);
            }
            shared.outbox.send(CatalogueEvent::TransferEnded { id, kind, model, outcome });
        });
        if let Err(error) = spawned {
            self.shared.transfers().running.remove(&id);
            let headline = "The system has no thread to give; close other programs".to_owned();
            let details = error.to_string();
            self.shared.outbox.send(CatalogueEvent::Failed(Failure { headline, details }));
        }
    }
}

impl Drop for CatalogueThread {
    fn drop(&mut self) {
        self.shared.is_closed.store(true, Ordering::Release);
        for (.., is_stopped) in self.shared.transfers().running.values() {
            is_stopped.store(true, Ordering::Release);
        }
        self.shared.has_orders.notify_all();
        // A thread that waits for room is let go.
        let (_, nothing) = bounded(0);
        self.events = nothing;
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread of the models ended by a panic");
        }
    }
}

/// A sentence, a failure, or `None` if it was stopped.
type Outcome = Option<Result<String, Failure>>;

/// A transfer as its thread knows it.
struct Running {
    transfer: Transfer,
    is_stopped: Arc<AtomicBool>,
    outbox: Outbox,
    speed: Speed,
    told_at: Option<Instant>,
}

impl Running {
    fn go_on(&self) -> impl Fn() -> bool + use<> {
        let is_stopped = Arc::clone(&self.is_stopped);
        move || !is_stopped.load(Ordering::Acquire)
    }

    fn begin_file(&mut self, name: &str, place: (usize, usize), n_total: Option<u64>) {
        name.clone_into(&mut self.transfer.name);
        (self.transfer.place, self.transfer.n_total) = (place, n_total);
        self.transfer.n_done = 0;
        self.speed = Speed::default();
        self.told_at = None;
        self.tell(0, n_total);
    }

    fn tell(&mut self, n_done: u64, n_total: Option<u64>) {
        let now = Instant::now();
        self.speed.note(now, n_done);
        let is_last = n_total == Some(n_done);
        if self.told_at.is_some_and(|at| now - at < PAUSE) && !is_last {
            return;
        }
        self.told_at = Some(now);
        self.transfer.n_done = n_done;
        self.transfer.n_total = n_total.or(self.transfer.n_total);
        self.transfer.bytes_per_second = self.speed.per_second();
        let event = CatalogueEvent::Transfer(Box::new(self.transfer.clone()));
        self.outbox.send_if_room(event);
    }
}

impl Shared {
    fn order(&self, order: Order) {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        // One scan does for all that wait.
        if !(matches!(order, Order::Scan) && orders.iter().any(|o| matches!(o, Order::Scan))) {
            orders.push_back(order);
        }
        drop(orders);
        self.has_orders.notify_all();
    }

    fn transfers(&self) -> MutexGuard<'_, Transfers> {
        // Nothing that can panic runs under the lock.
        self.transfers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_order(&self) -> Option<Order> {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |orders: &mut VecDeque<Order>| {
            orders.is_empty() && !self.is_closed.load(Ordering::Acquire)
        };
        let orders = self.has_orders.wait_while(orders, waits);
        let mut orders = orders.unwrap_or_else(PoisonError::into_inner);
        if self.is_closed.load(Ordering::Acquire) { None } else { orders.pop_front() }
    }

    fn run(&self) {
        let mut shelf = self.places.shelf_path.as_deref().map(Shelf::read).unwrap_or_default();
        while let Some(order) = self.next_order() {
            let before = shelf.clone();
            match order {
                Order::Scan => {}
                Order::AddFolder(folder) => {
                    shelf.add_folder(&folder);
                }
                Order::RemoveFolder(folder) => shelf.folders.retain(|known| *known != folder),
                Order::Sha256 { path, sha256 } => {
                    if let Some(file) = Candidate::of(&path) {
                        shelf.remember_sha256(&file, &sha256);
                    }
                }
            }
            self.stops_scan.store(false, Ordering::Release);
            self.scan(&mut shelf);
            if shelf != before
                && let Some(path) = &self.places.shelf_path
                && let Err(error) = shelf.write(path)
            {
                self.outbox.send(CatalogueEvent::Failed(Failure {
                    headline: "The folders of your models cannot be remembered; check the disk"
                        .to_owned(),
                    details: format!("{}: {error}", path.display()),
                }));
            }
        }
    }

    fn scan(&self, shelf: &mut Shelf) {
        let mut told_at = None;
        let mut on_progress = |progress: ScanProgress| {
            let now = Instant::now();
            if told_at.is_none_or(|at: Instant| now - at >= PAUSE) {
                told_at = Some(now);
                self.outbox.send_if_room(CatalogueEvent::Scanning(Some(progress)));
            }
            !self.stops_scan.load(Ordering::Acquire) && !self.is_closed.load(Ordering::Acquire)
        };
        let roots = self.places.roots(shelf);
        let found = scan(&roots, shelf, &mut on_progress);
        self.outbox.send(CatalogueEvent::Models(Box::new(ModelList {
            models: assemble(&found),
            refused: found.refused(),
            folders: shelf.folders.clone(),
            n_others: found.n_others,
            memory: self.places.memory(),
            download_folder: self.places.download_folder.clone(),
            host: host_of(&self.places.server),
        })));
        self.outbox.send(CatalogueEvent::Scanning(None));
    }

    fn download_all(&self, running: &mut Running, files: &[PublishedFile]) -> Outcome {
        let Some(folder) = &self.places.download_folder else {
            return Some(Err(Failure {
                headline: "There is no folder for models; add one and download the files by hand"
                    .to_owned(),
                details: "no home folder".to_owned(),
            }));
        };
        let go_on = running.go_on();
        let mut n_bytes = 0;
        for (idx, file) in files.iter().enumerate() {
            running.begin_file(file.name(), (idx + 1, files.len()), file.n_bytes);
            let order = download::Order {
                url: file.url(&self.places.server),
                target: download_target(folder, file),
                sha256: file.sha256.clone(),
            };
            let told = download(&order, &go_on, &mut |progress| {
                running.tell(progress.n_done, progress.n_total);
            });
            match told {
                Ok(done) => {
                    n_bytes += done.n_bytes;
                    self.order(Order::Scan);
                    self.order(Order::Sha256 { path: done.path, sha256: done.sha256 });
                }
                // It came earlier, whole.
                Err(DownloadError::Exists { .. }) => {}
                Err(DownloadError::Stopped) => return None,
                Err(error) => return Some(Err(error.to_failure())),
            }
        }
        Some(Ok(format!("Downloaded {}", bytes_text(n_bytes))))
    }

    fn convert(&self, running: &mut Running, path: &Path) -> Outcome {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        running.begin_file(&name, (1, 1), None);
        let go_on = running.go_on();
        let to = converted_path(path);
        let done = convert(path, &to, &go_on, &mut |progress| {
            running.tell(progress.n_done, progress.n_total);
        });
        match done {
            Ok(done) => {
                self.order(Order::Scan);
                self.order(Order::Sha256 { path: done.path, sha256: done.sha256 });
                Some(Ok(format!("Converted {name} to safetensors, {}", bytes_text(done.n_bytes))))
            }
            Err(ConvertError::Stopped) => None,
            Err(error) => Some(Err(told(&error))),
        }
    }

    fn verify(&self, running: &mut Running, path: &Path) -> Outcome {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        running.begin_file(&name, (1, 1), None);
        let go_on = running.go_on();
        let hash = sha256_of(path, &go_on, &mut |progress| {
            running.tell(progress.n_done, progress.n_total);
        });
        match hash {
            Ok(Some(sha256)) => {
                let text = format!("SHA-256 of {name}: {sha256}");
                self.order(Order::Sha256 { path: path.to_owned(), sha256 });
                Some(Ok(text))
            }
            Ok(None) => None,
            Err(error) => Some(Err(Failure {
                headline: format!("{name} cannot be read; check the disk"),
                details: error.to_string(),
            })),
        }
    }
}

fn told(error: &ConvertError) -> Failure {
    let mut headline = error.to_string();
    let mut details = headline.clone();
    if let Some(first) = headline.get(..1) {
        let first = first.to_uppercase();
        headline.replace_range(..1, &first);
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        details = format!("{details}: {cause}");
        source = cause.source();
    }
    Failure { headline, details }
}
