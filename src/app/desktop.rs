//! What the desktop does for us: its trash and its file manager. Both may be slow, so neither is
//! asked on the window's thread.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::Builder;

use super::files::{Answer, FileAnswer};
use crate::protocol::Failure;

type Errand = Arc<dyn Fn(&Path) -> Result<(), String> + Send + Sync>;

/// The system's trash and file manager by default, anything else in tests.
#[derive(Clone)]
pub struct Desktop {
    move_to_trash: Errand,
    /// Brings back what was at this path last; `None` where the trash gives nothing back.
    restore: Option<Errand>,
    reveal: Errand,
}

impl Desktop {
    /// Each function takes a path and says what is wrong if it fails; `restore` takes the path that
    /// the file had.
    pub fn new(
        move_to_trash: impl Fn(&Path) -> Result<(), String> + Send + Sync + 'static,
        restore: Option<impl Fn(&Path) -> Result<(), String> + Send + Sync + 'static>,
        reveal: impl Fn(&Path) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        let restore = restore.map(|restore| -> Errand { Arc::new(restore) });
        Self { move_to_trash: Arc::new(move_to_trash), restore, reveal: Arc::new(reveal) }
    }

    /// Whether what goes to the trash can be brought back from here.
    pub(super) fn can_restore(&self) -> bool {
        self.restore.is_some()
    }

    /// # Errors
    /// A [`Failure`] for the user; the file is then where it was.
    pub(super) fn move_to_trash(&self, path: &Path) -> Result<(), Failure> {
        (self.move_to_trash)(path).map_err(|details| Failure {
            headline: "The picture could not be moved to the trash; delete it in its folder"
                .to_owned(),
            details: format!("{details}: {}", path.display()),
        })
    }

    /// # Errors
    /// A [`Failure`] for the user; the file then stays in the trash.
    pub(super) fn restore(&self, path: &Path) -> Result<(), Failure> {
        let failure = |details: String| Failure {
            headline: "The picture could not be brought back; look into the trash of your system"
                .to_owned(),
            details: format!("{details}: {}", path.display()),
        };
        if path.exists() {
            return Err(failure("another file has its name now".to_owned()));
        }
        let restore = self.restore.as_ref().ok_or_else(|| failure("this system cannot".into()))?;
        restore(path).map_err(failure)
    }
}

impl Default for Desktop {
    fn default() -> Self {
        #[cfg(any(windows, target_os = "linux", target_os = "freebsd"))]
        let restore: Option<Errand> = Some(Arc::new(restore_from_system_trash));
        // Nothing tells what is in the trash.
        #[cfg(not(any(windows, target_os = "linux", target_os = "freebsd")))]
        let restore = None;
        Self {
            move_to_trash: Arc::new(|path| trash::delete(path).map_err(|error| error.to_string())),
            restore,
            reveal: Arc::new(|path| opener::reveal(path).map_err(|error| error.to_string())),
        }
    }
}

impl fmt::Debug for Desktop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Desktop")
    }
}

/// Shows a file in the file manager; answers only if that fails.
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn reveal(desktop: &Desktop, path: PathBuf, answer: Answer) -> std::io::Result<()> {
    let reveal = Arc::clone(&desktop.reveal);
    let work = move || {
        // File managers open the folder of a missing file without a word, or nothing at all.
        let shown = if path.exists() { reveal(&path) } else { Err("the file is gone".to_owned()) };
        if let Err(details) = shown {
            answer.send(FileAnswer::Failed(Failure {
                headline: "The folder cannot be shown; open it in your file manager".to_owned(),
                details: format!("{details}: {}", path.display()),
            }));
        }
    };
    Builder::new().name("reveal".to_owned()).spawn(work).map(|_not_joined| ())
}

#[cfg(any(windows, target_os = "linux", target_os = "freebsd"))]
fn restore_from_system_trash(path: &Path) -> Result<(), String> {
    let items = trash::os_limited::list().map_err(|error| error.to_string())?;
    let is_it = |item: &trash::TrashItem| item.original_path() == path;
    let newest = items.into_iter().filter(is_it).max_by_key(|item| item.time_deleted);
    let item = newest.ok_or("it is no longer in the trash")?;
    trash::os_limited::restore_all([item]).map_err(|error| error.to_string())
}
