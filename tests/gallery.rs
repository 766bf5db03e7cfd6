//! The index of the user's pictures: through real files, real databases, several connections.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use image::{Rgba, RgbaImage};
use rusqlite::Connection;
use tempfile::TempDir;
use underpaint::imaging::io::{self, Export, FileFormat};
use underpaint::imaging::metadata::PictureRecord;
use underpaint::library::{
    IndexedFile, Kept, Library, LibraryOptions, LibraryThread, Scan, THUMBNAIL_PX,
};
use underpaint::protocol::{
    KnownPicture, LibraryEvent, Listing, PictureId, PictureQuery, ScanReport,
};

const TIME_LIMIT: Duration = Duration::from_mins(1);

/// A folder of pictures and a place for the database.
struct Shelf {
    folder: TempDir,
}

impl Shelf {
    fn new() -> Self {
        let shelf = Self { folder: tempfile::tempdir().expect("it works") };
        fs::create_dir(shelf.pictures()).expect("it works");
        shelf
    }

    fn pictures(&self) -> PathBuf {
        self.folder.path().join("pictures")
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("data/library.sqlite")
    }

    /// A picture that tells its prompt, in a colour of its own.
    fn add(&self, name: &str, prompt: &str) -> PathBuf {
        let path = self.pictures().join(name);
        fs::create_dir_all(path.parent().expect("it works")).expect("it works");
        let format = FileFormat::from_path(&path).expect("a known ending");
        let record = record(prompt);
        let shade = prompt.len() as u8;
        let picture = RgbaImage::from_pixel(40, 20, Rgba([shade, 200, 90, 200]));
        io::save_picture(&path, &picture, &Export { format, record: Some(&record) })
            .expect("it works");
        path
    }

    fn open(&self) -> Library {
        let opened = Library::open(Some(&self.database())).expect("it works");
        assert_eq!(opened.warning, None);
        assert_eq!(opened.kept, Kept::InFile);
        opened.library
    }

    fn scan(&self, library: &mut Library) -> ScanReport {
        Scan::start(&self.pictures()).finish(library).expect("it works")
    }

    fn list(&self, library: &Library, text: &str) -> Listing {
        let query = PictureQuery { text: text.to_owned(), starred_only: false };
        library.list(&self.pictures(), &query).expect("it works")
    }

    fn names(&self, library: &Library, text: &str) -> Vec<String> {
        let mut names: Vec<_> =
            self.list(library, text).pictures.iter().map(KnownPicture::file_name).collect();
        names.sort();
        names
    }

    fn find(&self, library: &Library, name: &str) -> KnownPicture {
        let listing = self.list(library, "");
        listing.pictures.into_iter().find(|picture| picture.file_name() == name).expect(name)
    }
}

fn record(prompt: &str) -> PictureRecord {
    PictureRecord { prompt: prompt.to_owned(), seeds: vec![u64::MAX], ..PictureRecord::default() }
}

#[test]
fn files_of_all_kinds_tell_what_they_are() {
    let shelf = Shelf::new();
    for name in ["a.png", "2026-11-23/b.jpg", "deep/er/c.WEBP"] {
        shelf.add(name, &format!("prompt of {name}"));
    }
    fs::write(shelf.pictures().join("notes.txt"), "no picture").unwrap();
    fs::write(shelf.pictures().join(".hidden.png"), "no picture").unwrap();
    let mut library = shelf.open();
    let report = shelf.scan(&mut library);
    assert_eq!((report.n_files, report.n_read, report.n_gone), (3, 3, 0));
    let listing = shelf.list(&library, "");
    assert_eq!((listing.pictures.len(), listing.n_known, listing.n_problems), (3, 3, 0));
    let jpeg = shelf.find(&library, "b.jpg");
    assert_eq!(jpeg.prompt, "prompt of 2026-11-23/b.jpg");
    assert_eq!(jpeg.path, shelf.pictures().join("2026-11-23/b.jpg"));
    assert_eq!(jpeg.seed, Some(u64::MAX), "all 64 bits");
    assert_eq!(jpeg.size_px, Some((40, 20)));
    assert_eq!(jpeg.day(), listing.today);
    assert!(jpeg.software.unwrap().starts_with("Underpaint"));
    assert_eq!(jpeg.n_bytes, fs::metadata(&jpeg.path).unwrap().len());
}

#[test]
fn words_are_found_by_their_beginnings_whatever_their_case_and_accents() {
    let shelf = Shelf::new();
    shelf.add("1.png", "A red apple, 3d style");
    shelf.add("2.png", "Crème brûlée with apples");
    shelf.add("3.png", "赤い桜の木");
    shelf.add("boat-1234.png", "50% of a \"boat\"");
    let mut library = shelf.open();
    shelf.scan(&mut library);
    let found = |text: &str| shelf.names(&library, text);
    assert_eq!(found("app"), ["1.png", "2.png"]);
    assert_eq!(found("APPLE red"), ["1.png"]);
    assert_eq!(found("creme BRULEE"), ["2.png"]);
    assert_eq!(found("crèm"), ["2.png"]);
    assert_eq!(found("桜"), ["3.png"]);
    assert_eq!(found("1234"), ["boat-1234.png"]);
    assert_eq!(found("\"boat\" *"), ["boat-1234.png"]);
    assert_eq!(found("pple"), [""; 0], "not from the middle of a word");
    assert_eq!(found("apple boat"), [""; 0]);
    assert_eq!(found("   ").len(), 4);
    for hostile in ["\"", "*", "AND", "NEAR(", "a OR b", "col:x", "%", "_", "\\", "'; DROP", "\0"] {
        found(hostile);
    }
}

#[test]
fn stars_outlive_the_program_and_changes_of_their_files() {
    let shelf = Shelf::new();
    let path = shelf.add("a.png", "first");
    shelf.add("b.png", "second");
    let mut library = shelf.open();
    shelf.scan(&mut library);
    let starred = shelf.find(&library, "a.png").id;
    library.set_starred(starred, true).unwrap();
    drop(library);

    shelf.add("a.png", "another prompt, so another size");
    let mut library = shelf.open();
    assert_eq!(shelf.scan(&mut library).n_read, 1);
    let query = PictureQuery { text: String::new(), starred_only: true };
    let listing = library.list(&shelf.pictures(), &query).unwrap();
    assert_eq!(listing.pictures.len(), 1);
    assert_eq!(listing.pictures[0].prompt, "another prompt, so another size");
    assert_eq!((listing.pictures[0].id, &listing.pictures[0].path), (starred, &path));
    assert_eq!(listing.n_known, 2);
}

#[test]
fn what_is_known_is_not_read_again_and_renamed_files_keep_their_stars() {
    let shelf = Shelf::new();
    for name in ["a.png", "b.png", "c.png"] {
        shelf.add(name, &format!("prompt {name}"));
    }
    let mut library = shelf.open();
    assert_eq!(shelf.scan(&mut library).n_read, 3);
    assert_eq!(shelf.scan(&mut library).n_read, 0);
    let starred = shelf.find(&library, "a.png").id;
    library.set_starred(starred, true).unwrap();
    library.put_thumbnail(starred, b"small").unwrap();

    fs::create_dir(shelf.pictures().join("kept")).unwrap();
    let place = |name: &str| shelf.pictures().join(name);
    fs::rename(place("a.png"), place("kept/better name.png")).unwrap();
    fs::remove_file(place("b.png")).unwrap();
    let report = shelf.scan(&mut library);
    assert_eq!((report.n_read, report.n_renamed, report.n_gone), (0, 1, 1));
    let renamed = shelf.find(&library, "better name.png");
    assert_eq!((renamed.id, renamed.is_starred), (starred, true));
    assert_eq!(library.thumbnail(starred).unwrap().unwrap(), b"small");
    assert_eq!(shelf.names(&library, "better"), ["better name.png"]);
    assert_eq!(shelf.names(&library, ""), ["better name.png", "c.png"]);
}

#[test]
fn broken_files_are_counted_and_shown_as_such() {
    let shelf = Shelf::new();
    let good = shelf.add("good.png", "fine");
    let place = |name: &str| shelf.pictures().join(name);
    fs::write(place("empty.png"), "").unwrap();
    fs::write(place("text.png"), "this is no picture").unwrap();
    let bytes = fs::read(&good).unwrap();
    fs::write(place("head.png"), &bytes[..20]).unwrap();
    let mut huge = bytes.clone();
    huge[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
    fs::write(place("huge.png"), &huge).unwrap();
    let mut damaged = bytes.clone();
    let at = damaged.windows(5).position(|window| window == b"fine\n").unwrap_or(60);
    damaged[at] ^= 0xff;
    fs::write(place("settings damaged.png"), &damaged).unwrap();
    let mut library = shelf.open();
    let report = shelf.scan(&mut library);
    assert_eq!(report.n_read, 6);
    let listing = shelf.list(&library, "");
    assert_eq!((listing.n_known, listing.n_problems), (6, 4));
    let problem = |name: &str| shelf.find(&library, name).problem;
    assert_eq!(problem("good.png"), None);
    assert_eq!(problem("settings damaged.png"), None, "its pixels are fine");
    assert_eq!(problem("empty.png").unwrap(), "The file is empty");
    assert!(problem("text.png").unwrap().contains("no PNG, JPEG or WebP"));
    assert!(problem("huge.png").unwrap().contains("65536 × 65536"));
    assert!(problem("head.png").is_some());
    assert_eq!(shelf.scan(&mut library).n_read, 0, "they are not read again and again");
}

#[cfg(unix)]
#[test]
fn strange_names_links_and_closed_folders_do_no_harm() {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let shelf = Shelf::new();
    let good = shelf.add("good.png", "fine");
    let place = |name: &str| shelf.pictures().join(name);
    let strange = shelf.pictures().join(std::ffi::OsStr::from_bytes(b"not \xff\xfe utf-8.png"));
    fs::copy(&good, &strange).unwrap();
    symlink(shelf.pictures(), place("loop")).unwrap();
    symlink(place("loop2.png"), place("loop2.png")).unwrap();
    symlink(&good, place("link.png")).unwrap();
    symlink("/dev/zero", place("device.png")).unwrap();
    shelf.add("closed/inside.png", "behind a door");
    let mut library = shelf.open();
    assert_eq!(shelf.scan(&mut library).n_files, 4);
    let listing = shelf.list(&library, "");
    assert!(listing.pictures.iter().any(|picture| picture.path == strange));

    // Root may look anywhere; for others what is behind the door stays known.
    fs::set_permissions(place("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let is_closed = fs::read_dir(place("closed")).is_err();
    let report = shelf.scan(&mut library);
    fs::set_permissions(place("closed"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(report.n_unreadable_folders, usize::from(is_closed));
    assert_eq!((report.n_gone, shelf.list(&library, "").n_known), (0, 4));
}

#[test]
fn a_folder_that_is_missing_forgets_nothing() {
    let shelf = Shelf::new();
    shelf.add("a.png", "on a disk that can be unplugged");
    let mut library = shelf.open();
    shelf.scan(&mut library);
    let away = shelf.folder.path().join("away");
    fs::rename(shelf.pictures(), &away).unwrap();
    let report = shelf.scan(&mut library);
    assert_eq!((report.n_gone, report.n_unreadable_folders), (0, 1));
    assert_eq!(shelf.list(&library, "").n_known, 1);
    fs::rename(&away, shelf.pictures()).unwrap();
    assert_eq!(shelf.scan(&mut library).n_read, 0);
}

/// A database with one starred picture among many, closed again.
fn filled(shelf: &Shelf) -> Vec<u8> {
    shelf.add("a.png", "starred");
    let mut library = shelf.open();
    shelf.scan(&mut library);
    let folder = library.folder(Path::new("/elsewhere")).expect("it works");
    let files: Vec<_> = (0..3000)
        .map(|n| IndexedFile {
            path: format!("{n}.png").into(),
            prompt: format!("filler {n}"),
            ..IndexedFile::default()
        })
        .collect();
    library.put(folder, &files).expect("it works");
    library.set_starred(shelf.find(&library, "a.png").id, true).expect("it works");
    drop(library);
    fs::read(shelf.database()).expect("it works")
}

#[test]
fn a_damaged_database_is_set_aside_and_made_anew() {
    let whole = {
        let shelf = Shelf::new();
        filled(&shelf)
    };
    let mut holed = whole.clone();
    holed[..100].fill(7);
    let damages: [(&str, Vec<u8>); 5] = [
        ("no database", b"this is just a text file, but quite a long one".repeat(100)),
        ("cut off", whole[..whole.len() / 2].to_vec()),
        ("cut off within the first page", whole[..1000].to_vec()),
        ("header overwritten", holed),
        ("tables missing", {
            let shelf = Shelf::new();
            fs::create_dir_all(shelf.database().parent().unwrap()).unwrap();
            let connection = Connection::open(shelf.database()).unwrap();
            connection.pragma_update(None, "user_version", 1).unwrap();
            connection.execute_batch("CREATE TABLE other (a)").unwrap();
            drop(connection);
            fs::read(shelf.database()).unwrap()
        }),
    ];
    for (name, bytes) in damages {
        let shelf = Shelf::new();
        let picture = shelf.add("a.png", "still there");
        let before = fs::read(&picture).unwrap();
        fs::create_dir_all(shelf.database().parent().unwrap()).unwrap();
        fs::write(shelf.database(), &bytes).unwrap();
        let mut opened = Library::open(Some(&shelf.database())).unwrap();
        let warning = opened.warning.take().expect(name);
        assert!(warning.headline.contains("damaged"), "{name}: {warning:?}");
        assert!(warning.details.contains("library.sqlite.damaged"), "{name}: {warning:?}");
        assert_eq!(opened.kept, Kept::InFile, "{name}");
        shelf.scan(&mut opened.library);
        assert_eq!(shelf.names(&opened.library, "still"), ["a.png"], "{name}");
        let aside = shelf.folder.path().join("data/library.sqlite.damaged");
        assert!(fs::read(aside).unwrap() == bytes, "{name}");
        assert!(fs::read(&picture).unwrap() == before, "{name}: pictures are never touched");
        drop(opened);
        shelf.open();
    }
}

#[test]
fn stars_are_saved_from_a_database_that_is_cut_off() {
    let shelf = Shelf::new();
    let whole = filled(&shelf);
    let page = u16::from_be_bytes([whole[16], whole[17]]) as usize;
    fs::write(shelf.database(), &whole[..whole.len() - page]).unwrap();
    let mut opened = Library::open(Some(&shelf.database())).unwrap();
    let details = opened.warning.unwrap().details;
    assert!(details.contains("1 stars were saved"), "{details}");
    assert_eq!(shelf.scan(&mut opened.library).n_read, 1);
    let picture = shelf.find(&opened.library, "a.png");
    assert_eq!((picture.is_starred, picture.prompt.as_str()), (true, "starred"));
}

#[test]
fn a_newer_database_is_left_alone() {
    let shelf = Shelf::new();
    shelf.add("a.png", "seen all the same");
    fs::create_dir_all(shelf.database().parent().unwrap()).unwrap();
    let connection = Connection::open(shelf.database()).unwrap();
    connection.execute_batch("CREATE TABLE pictures (future); PRAGMA user_version = 99").unwrap();
    drop(connection);
    let before = fs::read(shelf.database()).unwrap();
    let mut opened = Library::open(Some(&shelf.database())).unwrap();
    assert_eq!(opened.kept, Kept::InMemory);
    let warning = opened.warning.take().unwrap();
    assert!(warning.headline.contains("newer Underpaint"), "{warning:?}");
    assert!(warning.details.contains("99"), "{warning:?}");
    shelf.scan(&mut opened.library);
    assert_eq!(shelf.names(&opened.library, "seen"), ["a.png"]);
    drop(opened);
    assert!(fs::read(shelf.database()).unwrap() == before);
}

#[test]
fn a_database_that_another_process_holds_is_used_from_memory() {
    let shelf = Shelf::new();
    shelf.add("a.png", "held");
    fs::create_dir_all(shelf.database().parent().unwrap()).unwrap();
    let holder = Connection::open(shelf.database()).unwrap();
    holder
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE x (a)")
        .unwrap();
    let mut opened = Library::open(Some(&shelf.database())).unwrap();
    assert_eq!(opened.kept, Kept::InMemory);
    assert!(opened.warning.take().unwrap().headline.contains("Another program"));
    shelf.scan(&mut opened.library);
    assert_eq!(shelf.names(&opened.library, ""), ["a.png"]);
    holder.execute_batch("ROLLBACK").unwrap();
    drop(holder);
    shelf.open();
}

#[test]
fn a_place_that_cannot_be_written_keeps_what_is_known_for_this_run() {
    // A file where the folder should be stops even root.
    let shelf = Shelf::new();
    shelf.add("a.png", "seen");
    fs::write(shelf.folder.path().join("data"), "a file").unwrap();
    let mut opened = Library::open(Some(&shelf.database())).unwrap();
    assert_eq!(opened.kept, Kept::InMemory);
    assert!(opened.warning.take().unwrap().headline.contains("cannot be written"));
    shelf.scan(&mut opened.library);
    assert_eq!(shelf.names(&opened.library, ""), ["a.png"]);
    // A folder where the file should be.
    let shelf = Shelf::new();
    fs::create_dir_all(shelf.database()).unwrap();
    let opened = Library::open(Some(&shelf.database())).unwrap();
    assert!(opened.warning.unwrap().headline.contains("cannot be written"));
}

#[cfg(unix)]
#[test]
fn a_read_only_database_still_gives_its_stars() {
    use std::os::unix::fs::PermissionsExt as _;

    let shelf = Shelf::new();
    filled(&shelf);
    let data = shelf.database().parent().unwrap().to_owned();
    fs::set_permissions(shelf.database(), fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o555)).unwrap();
    let is_root = fs::write(data.join("probe"), "").is_ok();
    let opened = Library::open(Some(&shelf.database())).unwrap();
    let is_starred = shelf.find(&opened.library, "a.png").is_starred;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(is_starred);
    if !is_root {
        assert_eq!(opened.kept, Kept::InMemory);
        assert!(opened.warning.unwrap().headline.contains("cannot be written"));
    }
}

#[test]
fn two_programs_share_a_database() {
    let shelf = Shelf::new();
    for n in 0..40 {
        shelf.add(&format!("{n}.png"), &format!("prompt {n}"));
    }
    let mut libraries = [shelf.open(), shelf.open()];
    let reports: Vec<_> = std::thread::scope(|scope| {
        let scan = |library| scope.spawn(|| Scan::start(&shelf.pictures()).finish(library));
        let threads: Vec<_> = libraries.iter_mut().map(scan).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for report in reports {
        assert_eq!(report.unwrap().n_files, 40);
    }
    let [one, other] = libraries;
    let id = shelf.find(&one, "7.png").id;
    one.set_starred(id, true).unwrap();
    assert!(shelf.find(&other, "7.png").is_starred);
    assert_eq!(shelf.list(&other, "").n_known, 40, "each file once");
}

#[test]
fn ten_thousand_pictures_are_listed_and_searched_at_once() {
    const WORDS: [&str; 8] = ["red", "green", "apple", "boat", "cat", "dragon", "glossy", "flat"];
    let mut library = Library::open(None).unwrap().library;
    let root = Path::new("/pictures");
    let folder = library.folder(root).unwrap();
    let word = |n: usize| WORDS[n % WORDS.len()];
    let files: Vec<_> = (0..10_000)
        .map(|n: usize| IndexedFile {
            path: format!("2026-11-{:02}/{n:05}-7.png", n % 28 + 1).into(),
            n_bytes: 1000,
            modified_ns: n as i64 * 60_000_000_000,
            size_px: Some((256, 256)),
            prompt: format!("{} {} {}, {} style", word(n), word(n / 3), word(n / 7), word(n / 11)),
            ..IndexedFile::default()
        })
        .collect();
    library.put(folder, &files).unwrap();
    let list = |text: &str| {
        let started_at = Instant::now();
        let query = PictureQuery { text: text.to_owned(), starred_only: false };
        let n_found = library.list(root, &query).unwrap().pictures.len();
        (n_found, started_at.elapsed())
    };
    assert_eq!(list("").0, 10_000);
    for (text, limit_ms) in [("", 300), ("drag", 300), ("red apple cat", 100), ("zebra", 50)] {
        let (n_found, elapsed) = list(text);
        eprintln!("{text:?}: {n_found} of 10000 in {elapsed:?}");
        assert!(elapsed < Duration::from_millis(limit_ms), "{text:?} took {elapsed:?}");
    }
    let newest = library.list(root, &PictureQuery::default()).unwrap();
    assert!(newest.pictures.is_sorted_by_key(|picture| -picture.written_at_secs));
}

/// A thread and everything that it has said.
struct Watched {
    thread: LibraryThread,
    news: Arc<(Mutex<bool>, Condvar)>,
    listing: Option<Listing>,
    reports: Vec<ScanReport>,
    thumbnails: BTreeMap<PictureId, Result<Arc<RgbaImage>, String>>,
    previews: BTreeMap<PictureId, Result<Arc<RgbaImage>, String>>,
    warnings: Vec<String>,
}

impl Watched {
    fn new(shelf: &Shelf) -> Self {
        let news = Arc::new((Mutex::new(false), Condvar::new()));
        let told = Arc::clone(&news);
        let options =
            LibraryOptions { database: Some(shelf.database()), folder: Some(shelf.pictures()) };
        let wake = move || {
            *told.0.lock().expect("it works") = true;
            told.1.notify_all();
        };
        let thread = LibraryThread::spawn(options, wake).expect("it works");
        Self {
            thread,
            news,
            listing: None,
            reports: Vec::new(),
            thumbnails: BTreeMap::new(),
            previews: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }

    fn wait_until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let started_at = Instant::now();
        loop {
            for event in self.thread.drain() {
                match event {
                    LibraryEvent::Listed(listing) => self.listing = Some(*listing),
                    LibraryEvent::Indexing(progress) => {
                        assert!(progress.n_done < progress.n_total);
                    }
                    LibraryEvent::Scanned(report) => self.reports.push(report),
                    LibraryEvent::Thumbnail { id, result } => {
                        self.thumbnails.insert(id, result);
                    }
                    LibraryEvent::Preview { id, result } => {
                        self.previews.insert(id, result);
                    }
                    LibraryEvent::Warning { headline, .. } => self.warnings.push(headline),
                }
            }
            if is_so(self) {
                return;
            }
            assert!(started_at.elapsed() < TIME_LIMIT, "{what}: {:?}", self.warnings);
            let mut has_news = self.news.0.lock().expect("it works");
            while !*has_news {
                let waited = self.news.1.wait_timeout(has_news, TIME_LIMIT).expect("it works");
                assert!(!waited.1.timed_out(), "{what}: nothing happens; {:?}", self.warnings);
                has_news = waited.0;
            }
            *has_news = false;
        }
    }

    fn n_listed(&self) -> usize {
        self.listing.as_ref().map_or(usize::MAX, |listing| listing.pictures.len())
    }

    fn id(&self, name: &str) -> PictureId {
        let listing = self.listing.as_ref().expect("it works");
        listing.pictures.iter().find(|picture| picture.file_name() == name).expect(name).id
    }
}

#[test]
fn the_thread_lists_at_once_and_reads_in_the_background() {
    let shelf = Shelf::new();
    shelf.add("a.png", "first");
    let broken = shelf.add("b.png", "second");
    let bytes = fs::read(&broken).unwrap();
    fs::write(&broken, &bytes[..bytes.len() - 40]).unwrap();
    let mut watched = Watched::new(&shelf);
    assert!(!shelf.database().exists(), "nothing is opened before it is needed");
    watched.thread.list(PictureQuery::default());
    watched.thread.scan();
    watched.wait_until("both are listed", |watched| watched.n_listed() == 2);
    watched.wait_until("the scan ends", |watched| watched.reports.len() == 1);

    let (good, broken) = (watched.id("a.png"), watched.id("b.png"));
    watched.thread.want(vec![broken, good]);
    watched.thread.preview(good);
    watched.wait_until("pictures come", |watched| {
        watched.thumbnails.len() == 2 && watched.previews.len() == 1
    });
    let small = watched.thumbnails[&good].as_ref().unwrap();
    assert!(small.dimensions() == (40, 20) && THUMBNAIL_PX >= 40);
    assert!(watched.thumbnails[&broken].as_ref().unwrap_err().contains("damaged"));

    // Saved, starred, removed.
    let new = shelf.add("c.png", "third");
    watched.thread.index(new.clone(), true);
    watched.wait_until("it appears", |watched| watched.n_listed() == 3);
    let id = watched.id("c.png");
    watched.thread.star(good, true);
    watched.thread.list(PictureQuery { text: String::new(), starred_only: true });
    watched.wait_until("both stars", |watched| watched.n_listed() == 2);
    fs::remove_file(&new).unwrap();
    watched.thread.forget(id);
    watched.thread.list(PictureQuery::default());
    watched.wait_until("it is gone", |watched| watched.n_listed() == 2);
    let elsewhere = shelf.folder.path().join("elsewhere.png");
    fs::copy(shelf.pictures().join("a.png"), &elsewhere).unwrap();
    watched.thread.index(elsewhere, false);
    watched.wait_until("files from anywhere", |watched| watched.n_listed() == 3);
    assert_eq!(watched.listing.as_ref().unwrap().n_problems, 1);
    drop(watched);

    // Small pictures are kept.
    let library = shelf.open();
    assert!(library.thumbnail(good).unwrap().is_some());
    assert!(shelf.find(&library, "b.png").problem.is_some());
}

#[test]
fn a_database_that_breaks_while_it_is_used_is_replaced() {
    let shelf = Shelf::new();
    let whole = filled(&shelf);
    // The middle of the tables, with a header that is in order.
    let mut bytes = whole;
    let n_bytes = bytes.len();
    bytes[4096 * 3..n_bytes].fill(0x55);
    fs::write(shelf.database(), &bytes).unwrap();
    let mut watched = Watched::new(&shelf);
    watched.thread.list(PictureQuery::default());
    watched.thread.scan();
    watched.wait_until("it starts afresh", |watched| {
        !watched.reports.is_empty() && watched.n_listed() == 1
    });
    assert!(watched.warnings[0].contains("damaged"), "{:?}", watched.warnings);
    drop(watched);
    assert!(shelf.folder.path().join("data/library.sqlite.damaged").exists());
    assert_eq!(shelf.names(&shelf.open(), "starred"), ["a.png"]);
}
