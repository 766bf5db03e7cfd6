//! The window's end: lists, downloads and checks as events.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use tempfile::{TempDir, tempdir};
use underpaint::catalogue::{CatalogueThread, Places};
use underpaint::imaging::metadata::sha256_hex;
use underpaint::protocol::{
    CatalogueEvent, Failure, ModelKey, ModelList, PublishedFile, TransferKind,
};

use crate::files;
use crate::server::{Server, file, head};

const TIME_LIMIT: Duration = Duration::from_mins(1);

struct Rig {
    thread: CatalogueThread,
    woken: Receiver<()>,
    data: TempDir,
}

impl Rig {
    fn new(server: &str) -> Self {
        let data = tempdir().unwrap();
        let (ring, woken) = bounded(1);
        let wake = move || {
            ring.try_send(()).ok();
        };
        let places = Places::only(data.path(), server);
        Self { thread: CatalogueThread::spawn(places, wake).unwrap(), woken, data }
    }

    fn wait<T>(&mut self, what: &str, find: impl Fn(CatalogueEvent) -> Option<T>) -> T {
        let deadline = Instant::now() + TIME_LIMIT;
        loop {
            let events = self.thread.drain();
            if let Some(found) = events.into_iter().find_map(&find) {
                return found;
            }
            assert!(self.woken.recv_deadline(deadline).is_ok(), "still waiting for {what}");
        }
    }

    fn list(&mut self, is_it: impl Fn(&ModelList) -> bool) -> Box<ModelList> {
        self.wait("the list", |event| match event {
            CatalogueEvent::Models(list) if is_it(&list) => Some(list),
            _ => None,
        })
    }

    fn ended(&mut self) -> Option<Result<String, Failure>> {
        self.wait("the end", |event| match event {
            CatalogueEvent::TransferEnded { outcome, .. } => Some(outcome),
            _ => None,
        })
    }
}

fn published(name: &str) -> PublishedFile {
    PublishedFile {
        repository: "some/one".to_owned(),
        file: name.to_owned(),
        n_bytes: Some(5),
        sha256: String::new(),
        licence: "MIT".to_owned(),
    }
}

fn key() -> ModelKey {
    ModelKey::Published("edge_base".to_owned())
}

#[test]
fn folders_are_remembered_and_forgotten() {
    let shelf = tempdir().unwrap();
    files::write(&shelf.path().join("canny_MR.safetensors"), &files::controlar(false, 48));
    let mut rig = Rig::new("http://nowhere");
    rig.thread.add_folder(shelf.path().to_owned());
    let list = rig.list(|list| !list.folders.is_empty());
    assert!(list.models.iter().any(|model| matches!(model.key, ModelKey::Path(_))));
    assert_eq!(list.host, "nowhere");
    let remembered = rig.data.path().join("models.json");
    let deadline = Instant::now() + TIME_LIMIT;
    while !remembered.exists() {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    rig.thread.remove_folder(shelf.path().to_owned());
    let list = rig.list(|list| list.folders.is_empty());
    assert!(!list.models.iter().any(|model| matches!(model.key, ModelKey::Path(_))));
}

#[test]
fn files_come_one_after_the_other_and_are_known_by_their_hash() {
    let server = Server::new(|request, stream| file(request, stream, b"bytes", "\"one\""));
    let mut rig = Rig::new(&server.url(""));
    rig.thread.download(&key(), vec![published("a.json"), published("sub/b.json")]);
    assert_eq!(rig.ended(), Some(Ok("Downloaded 10 bytes".to_owned())));
    let folder = rig.data.path().join("models/some--one");
    assert_eq!(std::fs::read(folder.join("a.json")).unwrap(), b"bytes");
    let paths: Vec<_> =
        server.requests.lock().unwrap().iter().map(|request| request.path.clone()).collect();
    assert_eq!(paths, ["/some/one/resolve/main/a.json", "/some/one/resolve/main/sub/b.json"]);

    rig.thread.verify(&key(), folder.join("b.json"));
    let told = rig.ended().unwrap().unwrap();
    assert!(told.contains(&sha256_hex(b"bytes")), "{told}");
    // What is there already is not asked for again.
    rig.thread.download(&key(), vec![published("a.json")]);
    assert_eq!(rig.ended(), Some(Ok("Downloaded 0 bytes".to_owned())));
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_silent_server_does_not_hold_up_a_stop() {
    let server = Server::new(|_, stream| {
        head(stream, "200 OK", "Content-Length: 5\r\n");
        let _gone = stream.peek(&mut [0; 1]);
    });
    let mut rig = Rig::new(&server.url(""));
    rig.thread.download(&key(), vec![published("a.json")]);
    let id = rig.wait("progress", |event| match event {
        CatalogueEvent::Transfer(transfer) if transfer.kind == TransferKind::Download => {
            Some(transfer.id)
        }
        _ => None,
    });
    let stopped_at = Instant::now();
    rig.thread.stop(id);
    assert_eq!(rig.ended(), None);
    assert!(stopped_at.elapsed() < Duration::from_secs(5), "{:?}", stopped_at.elapsed());
}

#[test]
fn what_goes_wrong_is_told_in_a_sentence() {
    let server = Server::new(|_, stream| head(stream, "404 Not Found", "Content-Length: 0\r\n"));
    let mut rig = Rig::new(&server.url(""));
    rig.thread.download(&key(), vec![published("a.json")]);
    let failure = rig.ended().unwrap().unwrap_err();
    assert!(failure.headline.contains("404"), "{failure:?}");
    assert_eq!(server.asked().len(), 1);
}
