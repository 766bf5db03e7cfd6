//! File dialogs of the system. Each waits on a thread of its own.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Builder, Thread};
use std::time::{Duration, Instant};

use super::files::{Answer, FileAnswer};
use crate::imaging::io::FileFormat;
use crate::project::FILE_ENDING;

/// A dialog that is gone sooner was never there: nobody cancels that fast. The system's dialogs
/// do not say whether they were cancelled or could not be shown.
const TOO_FAST: Duration = Duration::from_millis(250);

/// What became of a dialog.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice<T = PathBuf> {
    Chosen(T),
    Cancelled,
    /// This system cannot show one.
    Unavailable,
}

/// Endings of the formats that can be opened.
const PICTURES: [&str; 12] =
    ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "qoi", "tga", "ico", "ppm"];

/// Asks where to save; `then` says what to make of the choice, on the dialog's thread. Call this on
/// the window's thread: some systems make dialogs nowhere else.
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn ask_where_to_save(
    parent: &eframe::Frame,
    stem: &str,
    format: FileFormat,
    answer: Answer,
    then: impl FnOnce(Choice) -> Option<FileAnswer> + Send + 'static,
) -> std::io::Result<()> {
    let dialog = rfd::AsyncFileDialog::new()
        .set_title("Export the picture")
        .set_file_name(format!("{stem}.{}", format.ending()))
        .add_filter(format.name(), &[format.ending()])
        .set_parent(parent);
    wait_for_one(dialog.save_file(), answer, then)
}

/// Asks for a picture to open; otherwise like [`ask_where_to_save`].
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn ask_for_picture(
    parent: &eframe::Frame,
    answer: Answer,
    then: impl FnOnce(Choice) -> Option<FileAnswer> + Send + 'static,
) -> std::io::Result<()> {
    let dialog = rfd::AsyncFileDialog::new()
        .set_title("Choose a picture")
        .add_filter("Pictures", &PICTURES)
        .set_parent(parent);
    wait_for_one(dialog.pick_file(), answer, then)
}

/// Asks for pictures, several at once; otherwise like [`ask_where_to_save`].
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn ask_for_pictures(
    parent: &eframe::Frame,
    answer: Answer,
    then: impl FnOnce(Choice<Vec<PathBuf>>) -> Option<FileAnswer> + Send + 'static,
) -> std::io::Result<()> {
    let dialog = rfd::AsyncFileDialog::new()
        .set_title("Choose pictures to add")
        .add_filter("Pictures", &PICTURES)
        .set_parent(parent);
    let dialog = dialog.pick_files();
    wait(async { dialog.await.map(|files| files.iter().map(path_of).collect()) }, answer, then)
}

/// Asks for folders, several at once; otherwise like [`ask_where_to_save`].
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn ask_for_folders(
    parent: &eframe::Frame,
    answer: Answer,
    then: impl FnOnce(Choice<Vec<PathBuf>>) -> Option<FileAnswer> + Send + 'static,
) -> std::io::Result<()> {
    let dialog = rfd::AsyncFileDialog::new()
        .set_title("Choose a folder of pictures to add")
        .set_parent(parent)
        .pick_folders();
    wait(async { dialog.await.map(|files| files.iter().map(path_of).collect()) }, answer, then)
}

/// Asks for one file with one of these endings; otherwise like [`ask_where_to_save`].
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn ask_for_file(
    parent: &eframe::Frame,
    (title, kind, endings): (&str, &str, &[&str]),
    answer: Answer,
    then: impl FnOnce(Choice) -> Option<FileAnswer> + Send + 'static,
) -> std::io::Result<()> {
    let dialog =
        rfd::AsyncFileDialog::new().set_title(title).add_filter(kind, endings).set_parent(parent);
    wait_for_one(dialog.pick_file(), answer, then)
}

/// Asks where to write a file with this ending; otherwise like [`ask_where_to_save`].
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn ask_where_to_write(
    parent: &eframe::Frame,
    (title, kind, ending): (&str, &str, &str),
    stem: &str,
    answer: Answer,
    then: impl FnOnce(Choice) -> Option<FileAnswer> + Send + 'static,
) -> std::io::Result<()> {
    let dialog = rfd::AsyncFileDialog::new()
        .set_title(title)
        .set_file_name(format!("{stem}.{ending}"))
        .add_filter(kind, &[ending])
        .set_parent(parent);
    wait_for_one(dialog.save_file(), answer, then)
}

/// Asks for a project or picture to open; otherwise like [`ask_where_to_save`].
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn ask_what_to_open(
    parent: &eframe::Frame,
    answer: Answer,
    then: impl FnOnce(Choice) -> Option<FileAnswer> + Send + 'static,
) -> std::io::Result<()> {
    let all: Vec<_> = [FILE_ENDING].into_iter().chain(PICTURES).collect();
    let dialog = rfd::AsyncFileDialog::new()
        .set_title("Open a project or picture")
        .add_filter("Projects and pictures", &all)
        .add_filter("Projects", &[FILE_ENDING])
        .add_filter("Pictures", &PICTURES)
        .set_parent(parent);
    wait_for_one(dialog.pick_file(), answer, then)
}

/// Asks where to save the project; otherwise like [`ask_where_to_save`].
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn ask_where_to_save_project(
    parent: &eframe::Frame,
    stem: &str,
    answer: Answer,
    then: impl FnOnce(Choice) -> Option<FileAnswer> + Send + 'static,
) -> std::io::Result<()> {
    let dialog = rfd::AsyncFileDialog::new()
        .set_title("Save the project")
        .set_file_name(format!("{stem}.{FILE_ENDING}"))
        .add_filter("Underpaint project", &[FILE_ENDING])
        .set_parent(parent);
    wait_for_one(dialog.save_file(), answer, then)
}

fn wait_for_one(
    dialog: impl Future<Output = Option<rfd::FileHandle>> + Send + 'static,
    answer: Answer,
    then: impl FnOnce(Choice) -> Option<FileAnswer> + Send + 'static,
) -> std::io::Result<()> {
    wait(async { dialog.await.as_ref().map(path_of) }, answer, then)
}

fn path_of(file: &rfd::FileHandle) -> PathBuf {
    file.path().to_owned()
}

fn wait<T: 'static>(
    dialog: impl Future<Output = Option<T>> + Send + 'static,
    answer: Answer,
    then: impl FnOnce(Choice<T>) -> Option<FileAnswer> + Send + 'static,
) -> std::io::Result<()> {
    let work = move || {
        let opened_at = Instant::now();
        let choice = match block_on(dialog) {
            Some(chosen) => Choice::Chosen(chosen),
            None if opened_at.elapsed() < TOO_FAST => Choice::Unavailable,
            None => Choice::Cancelled,
        };
        if let Some(come_of_it) = then(choice) {
            answer.send(come_of_it);
        }
        answer.send(FileAnswer::DialogClosed);
    };
    Builder::new().name("dialog".to_owned()).spawn(work).map(|_not_joined| ())
}

/// Waits for a future on this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            // A wake that came before this leaves a token, so none is missed.
            Poll::Pending => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_when_another_thread_wakes_it() {
        let (sender, receiver) = crossbeam_channel::bounded::<Waker>(1);
        let waker_thread = Builder::new()
            .spawn(move || receiver.recv().expect("a waker").wake())
            .expect("a thread");
        let mut n_polls = 0;
        let value = block_on(std::future::poll_fn(|context| {
            n_polls += 1;
            if n_polls > 1 {
                return Poll::Ready(n_polls);
            }
            sender.send(context.waker().clone()).expect("received");
            Poll::Pending
        }));
        assert_eq!(value, 2);
        waker_thread.join().expect("no panic");
    }
}
