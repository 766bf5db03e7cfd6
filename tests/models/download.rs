//! Downloads: resumed, checked, stopped, and what is said when something is wrong.

use std::cell::Cell;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use tempfile::{TempDir, tempdir};
use underpaint::catalogue::download::{DownloadError, Downloaded, Order, Progress, download};
use underpaint::imaging::metadata::sha256_hex;

use crate::server::{Server, file, head};

const TAG: &str = "\"one\"";

fn content() -> Vec<u8> {
    (0..700_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

struct Place {
    folder: TempDir,
    order: Order,
}

impl Place {
    fn new(server: &Server, sha256: &str) -> Self {
        let folder = tempdir().unwrap();
        let target = folder.path().join("sub/model.pt");
        let order = Order { url: server.url("/model.pt"), target, sha256: sha256.to_owned() };
        Self { folder, order }
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("sub/model.pt.part")
    }

    fn get(&self) -> Result<Downloaded, DownloadError> {
        download(&self.order, &|| true, &mut |_| {})
    }

    /// Stops once so many bytes have come.
    fn get_until(&self, n_bytes: u64) -> Result<Downloaded, DownloadError> {
        let n_done = Cell::new(0);
        download(&self.order, &|| n_done.get() < n_bytes, &mut |progress| {
            n_done.set(progress.n_done);
        })
    }

    #[track_caller]
    fn assert_whole(&self) {
        assert!(fs::read(&self.order.target).unwrap() == content(), "other bytes");
        assert!(!self.part().exists() && !self.part().with_extension("part.json").exists());
    }
}

#[test]
fn a_file_comes_whole_and_its_hash_is_checked() {
    let hash = sha256_hex(&content());
    let server = Server::new(|request, stream| file(request, stream, &content(), TAG));
    let place = Place::new(&server, &hash[..8]);
    let mut seen: Vec<Progress> = Vec::new();
    let done = download(&place.order, &|| true, &mut |progress| seen.push(progress)).unwrap();
    assert_eq!((done.sha256, done.is_checked, done.n_bytes), (hash, true, 700_000));
    assert_eq!(seen.last(), Some(&Progress { n_done: 700_000, n_total: Some(700_000) }));
    place.assert_whole();
    let error = place.get().unwrap_err();
    assert!(matches!(error, DownloadError::Exists { .. }), "{error}");
    assert_eq!(server.asked(), [None]);
}

#[test]
fn what_was_stopped_goes_on_where_it_was() {
    let server = Server::new(|request, stream| {
        // The rest of the first answer never comes.
        if request.n == 1 {
            head(stream, "200 OK", &format!("ETag: {TAG}\r\nContent-Length: 700000\r\n"));
            stream.write_all(&content()[..300_000]).ok();
            let _gone = stream.peek(&mut [0; 1]);
        } else {
            file(request, stream, &content(), TAG);
        }
    });
    let place = Place::new(&server, &sha256_hex(&content()));
    let error = place.get_until(300_000).unwrap_err();
    assert!(matches!(error, DownloadError::Stopped), "{error}");
    assert_eq!(fs::metadata(place.part()).unwrap().len(), 300_000);
    assert!(!place.order.target.exists());
    place.get().unwrap();
    place.assert_whole();
    assert_eq!(server.asked(), [None, Some(300_000)]);
    let tag = server.requests.lock().unwrap()[1].if_range.clone();
    assert_eq!(tag.as_deref(), Some(TAG));
}

#[test]
fn a_connection_that_breaks_off_is_tried_again() {
    let server = Server::new(|request, stream| match request.n {
        1 => {
            head(stream, "200 OK", &format!("ETag: {TAG}\r\nContent-Length: 700000\r\n"));
            stream.write_all(&content()[..100_000]).ok();
        }
        _ => file(request, stream, &content(), TAG),
    });
    let place = Place::new(&server, "");
    assert!(!place.get().unwrap().is_checked);
    place.assert_whole();
    assert_eq!(server.asked(), [None, Some(100_000)]);
}

#[test]
fn a_file_that_has_changed_begins_anew() {
    let server = Server::new(|request, stream| file(request, stream, &content(), "\"two\""));
    let place = Place::new(&server, "");
    fs::create_dir_all(place.part().parent().unwrap()).unwrap();
    fs::write(place.part(), [9; 5000]).unwrap();
    let note = serde_json::json!({ "url": place.order.url, "version": TAG, "n_total": 700_000 });
    fs::write(place.folder.path().join("sub/model.pt.part.json"), note.to_string()).unwrap();
    place.get().unwrap();
    place.assert_whole();
    assert_eq!(server.asked(), [Some(5000)]);
}

#[test]
fn servers_without_parts_send_all_again() {
    let server = Server::new(|_, stream| {
        head(stream, "200 OK", "Content-Length: 700000\r\n");
        stream.write_all(&content()).ok();
    });
    let place = Place::new(&server, "");
    fs::create_dir_all(place.part().parent().unwrap()).unwrap();
    fs::write(place.part(), [9; 5000]).unwrap();
    let note = serde_json::json!({ "url": place.order.url });
    fs::write(place.folder.path().join("sub/model.pt.part.json"), note.to_string()).unwrap();
    place.get().unwrap();
    place.assert_whole();
}

#[test]
fn what_nobody_knows_of_is_not_gone_on_with() {
    let server = Server::new(|request, stream| file(request, stream, &content(), TAG));
    let place = Place::new(&server, "");
    fs::create_dir_all(place.part().parent().unwrap()).unwrap();
    fs::write(place.part(), [9; 5000]).unwrap();
    place.get().unwrap();
    place.assert_whole();
    assert_eq!(server.asked(), [None]);
}

#[test]
fn a_part_that_is_whole_already_is_accepted_and_one_that_is_too_long_is_not() {
    for (n_more, asked) in [(0, vec![Some(700_000)]), (3, vec![Some(700_003), None])] {
        let server = Server::new(|request, stream| file(request, stream, &content(), TAG));
        let place = Place::new(&server, &sha256_hex(&content()));
        let mut bytes = content();
        bytes.resize(700_000 + n_more, 0);
        fs::create_dir_all(place.part().parent().unwrap()).unwrap();
        fs::write(place.part(), bytes).unwrap();
        let note = serde_json::json!({ "url": place.order.url, "version": TAG });
        fs::write(place.folder.path().join("sub/model.pt.part.json"), note.to_string()).unwrap();
        place.get().unwrap();
        place.assert_whole();
        assert_eq!(server.asked(), asked);
    }
}

#[test]
fn a_file_with_another_hash_is_removed() {
    let server = Server::new(|request, stream| file(request, stream, &content(), TAG));
    let place = Place::new(&server, "00ff");
    let error = place.get().unwrap_err();
    assert!(error.to_string().contains("SHA-256"), "{error}");
    assert!(!place.part().exists() && !place.order.target.exists());
}

#[test]
fn redirects_are_followed_and_what_the_hub_says_is_believed() {
    let hub = |stated: String| {
        move |request: &crate::server::Request, stream: &mut std::net::TcpStream| {
            if request.path == "/model.pt" {
                let headers = format!(
                    "Location: /elsewhere\r\nX-Linked-ETag: \"{stated}\"\r\nX-Linked-Size: 700000\r\n\
                     Content-Length: 0\r\n"
                );
                head(stream, "302 Found", &headers);
            } else {
                file(request, stream, &content(), TAG);
            }
        }
    };
    let right = sha256_hex(&content());
    let server = Server::new(hub(right.clone()));
    let place = Place::new(&server, "");
    assert!(place.get().unwrap().is_checked);
    place.assert_whole();
    let server = Server::new(hub(right.replace(|_: char| true, "0")));
    let error = Place::new(&server, "").get().unwrap_err();
    assert!(matches!(error, DownloadError::WrongHash { .. }), "{error}");
}

#[test]
fn endless_redirects_end() {
    let server = Server::new(|_, stream| {
        head(stream, "302 Found", "Location: /model.pt\r\nContent-Length: 0\r\n");
    });
    let error = Place::new(&server, "").get().unwrap_err();
    assert!(error.to_string().contains("on and on"), "{error}");
}

#[test]
fn every_refusal_says_what_to_do() {
    for (status, more, words) in [
        ("401 Unauthorized", "", "agree to its terms"),
        ("403 Forbidden", "", "by hand"),
        ("404 Not Found", "", "model's page"),
        ("429 Too Many Requests", "Retry-After: 120\r\n", "in 2 minutes"),
        ("503 Service Unavailable", "", "out of order"),
        ("418 I'm a teapot", "", "status 418"),
    ] {
        let server = Server::new(move |_, stream| {
            head(stream, status, &format!("{more}Content-Length: 0\r\n"));
        });
        let place = Place::new(&server, "");
        let error = place.get().unwrap_err();
        assert!(error.to_string().contains(words), "{status}: {error}");
        assert!(!error.to_string().contains('\n') && !place.order.target.exists());
        let failure = error.to_failure();
        assert!(
            failure.headline.starts_with(char::is_uppercase) || failure.headline.starts_with('1')
        );
    }
}

#[test]
fn without_a_network_it_is_said() {
    // A port that nobody listens on any more.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempdir().unwrap();
    let target = folder.path().join("model.pt");
    let order = Order { url: format!("http://{gone}/x"), target, sha256: String::new() };
    let error = download(&order, &|| true, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("cannot be reached"), "{error}");
}

#[test]
fn a_disk_without_room_is_noticed_before_anything_is_written() {
    let server = Server::new(|_, stream| {
        head(stream, "200 OK", &format!("Content-Length: {}\r\n", 1_u64 << 60));
    });
    let place = Place::new(&server, "");
    let error = place.get().unwrap_err();
    // Where the system tells of no room, the connection breaks off instead.
    let is_told = matches!(error, DownloadError::NoRoom { .. } | DownloadError::BrokeOff { .. });
    assert!(is_told, "{error}");
    if cfg!(target_os = "linux") {
        assert!(error.to_string().contains("not enough room"), "{error}");
    }
}
