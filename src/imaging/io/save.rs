//! Writing files whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use image::{ImageError, RgbaImage};
use tempfile::NamedTempFile;

use super::export::{self, Export};
use super::one_line;
use crate::imaging::trace::TraceError;

/// Tries of [`save_new_png`] before it gives up finding a free name.
const MAX_NAMES: u32 = 10_000;

/// A file cannot be written. Every message is one sentence that says what to do, the path last.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    #[error("the folder does not exist; create it or choose another: {name}")]
    NoFolder { name: String },
    #[error("the folder cannot be created ({source}); choose another: {name}")]
    Folder { name: String, source: io::Error },
    #[error("this is a folder; give the name of a file in it: {name}")]
    IsFolder { name: String },
    #[error("this is a device or pipe; give the name of a file: {name}")]
    NotAFile { name: String },
    #[error("the file cannot be written ({source}); choose another place: {name}")]
    Write { name: String, source: io::Error },
    #[error("no free name is left; choose another folder: {name}")]
    NoFreeName { name: String },
    #[error("the picture cannot be encoded as {format}; choose another format: {name}")]
    Encode { format: &'static str, name: String, source: ImageError },
    #[error("{source}: {name}")]
    Trace { name: String, source: TraceError },
    #[error("prompt and settings are too long for {format}; save as PNG, or without them: {name}")]
    TooMuchText { format: &'static str, name: String },
}

/// Saves a picture as PNG and replaces a file of that name. At no time does a partial file
/// exist under that name.
///
/// # Errors
/// [`SaveError`]; the old file is then untouched.
pub fn save_png(path: &Path, picture: &RgbaImage) -> Result<(), SaveError> {
    save_picture(path, picture, &Export::PLAIN_PNG)
}

/// Saves a picture in any format that is written, with or without the record of how it was made,
/// and replaces a file of that name. At no time does a partial file exist under that name.
///
/// # Errors
/// [`SaveError`]; the old file is then untouched.
pub fn save_picture(
    path: &Path,
    picture: &RgbaImage,
    export: &Export<'_>,
) -> Result<(), SaveError> {
    replace_file(path, &export::encode(path, picture, export)?)
}

/// Saves a picture as `stem.png` in `folder`, or `stem-2.png` and so on if that exists. Returns
/// the path that was free.
///
/// # Errors
/// [`SaveError`]; no file is then left behind.
pub fn save_new_png(folder: &Path, stem: &str, picture: &RgbaImage) -> Result<PathBuf, SaveError> {
    save_new_picture(folder, stem, picture, &Export::PLAIN_PNG)
}

/// Saves a picture as `stem` with the ending of its format in `folder`, or as `stem-2` and so on
/// if that exists. Returns the path that was free.
///
/// # Errors
/// [`SaveError`]; no file is then left behind.
pub fn save_new_picture(
    folder: &Path,
    stem: &str,
    picture: &RgbaImage,
    export: &Export<'_>,
) -> Result<PathBuf, SaveError> {
    let ending = export.format.ending();
    let mut path = folder.join(format!("{stem}.{ending}"));
    let mut file = write_beside(&path, &export::encode(&path, picture, export)?)?;
    for number in 2..MAX_NAMES {
        match file.persist_noclobber(&path) {
            Ok(_) => {
                sync_folder(folder_of(&path));
                return Ok(path);
            }
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                file = error.file;
                path = folder.join(format!("{stem}-{number}.{ending}"));
            }
            Err(error) => return Err(cannot_write(&path, error.error)),
        }
    }
    Err(SaveError::NoFreeName { name: shown(folder) })
}

/// Writes `bytes` to a temporary file beside `path`, flushes it to the disk and puts it in the
/// place of `path` in one step. A link is followed.
///
/// # Errors
/// [`SaveError`]; the old file is then untouched.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), SaveError> {
    let path = target(path)?;
    let file = write_beside(&path, bytes)?;
    file.persist(&path).map_err(|error| cannot_write(&path, error.error))?;
    sync_folder(folder_of(&path));
    Ok(())
}

/// Like [`replace_file`], for what is too large to be held in memory.
///
/// # Errors
/// [`SaveError`], or what `write` reports; the old file is then untouched.
pub fn replace_file_with<E: From<SaveError>>(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), E>,
) -> Result<(), E> {
    let path = target(path)?;
    let mut file = create_beside(&path)?;
    write(file.as_file_mut())?;
    file.as_file().sync_all().map_err(|error| cannot_write(&path, error))?;
    file.persist(&path).map_err(|error| cannot_write(&path, error.error))?;
    sync_folder(folder_of(&path));
    Ok(())
}

/// Like [`replace_file`], but what was there stays beside it as [`previous_version`].
///
/// # Errors
/// [`SaveError`]; the old file is then untouched.
pub fn replace_file_and_keep(path: &Path, bytes: &[u8]) -> Result<(), SaveError> {
    let path = target(path)?;
    let file = write_beside(&path, bytes)?;
    if path.exists() {
        keep(&path, &previous_version(&path))?;
    }
    file.persist(&path).map_err(|error| cannot_write(&path, error.error))?;
    sync_folder(folder_of(&path));
    Ok(())
}

/// Where [`replace_file_and_keep`] keeps what it replaces: `name.bak`.
pub fn previous_version(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".bak");
    name.into()
}

/// Gives the content of a file a second name, replacing what had it. Where a file cannot have two
/// names, it is copied.
fn keep(path: &Path, previous: &Path) -> Result<(), SaveError> {
    let failed = |source| cannot_write(previous, source);
    let folder = tempfile::Builder::new()
        .prefix(".underpaint-")
        .tempdir_in(folder_of(path))
        .map_err(failed)?;
    let second = folder.path().join("previous");
    if fs::hard_link(path, &second).is_err() {
        fs::copy(path, &second).map_err(failed)?;
        File::open(&second).and_then(|file| file.sync_all()).map_err(failed)?;
    }
    fs::rename(&second, previous).map_err(failed)
}

/// Whether a file could be saved under this name now, found out by trying; leaves nothing behind.
///
/// # Errors
/// What [`replace_file`] would report.
pub fn check_can_save(path: &Path) -> Result<(), SaveError> {
    create_beside(&target(path)?).map(|_removed_when_dropped| ())
}

/// Whether new files could be saved in `folder` now, found out by trying; leaves nothing behind.
///
/// # Errors
/// [`SaveError`] if not.
pub fn check_can_save_in(folder: &Path) -> Result<(), SaveError> {
    create_beside(&folder.join("new.png")).map(|_removed_when_dropped| ())
}

/// Creates a folder and those above it, as far as they are missing.
///
/// # Errors
/// [`SaveError::Folder`].
pub fn create_folder(folder: &Path) -> Result<(), SaveError> {
    fs::create_dir_all(folder).map_err(|source| SaveError::Folder { name: shown(folder), source })
}

/// The file itself, behind any link, and certainly something that may be replaced.
fn target(path: &Path) -> Result<PathBuf, SaveError> {
    let found = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(path.to_owned()),
        Err(error) => return Err(cannot_write(path, error)),
    };
    if found.is_dir() {
        return Err(SaveError::IsFolder { name: shown(path) });
    }
    if !found.is_file() {
        return Err(SaveError::NotAFile { name: shown(path) });
    }
    // Renaming over a read-only file would succeed; its owner did not mean that.
    if found.permissions().readonly() {
        return Err(cannot_write(path, io::Error::other("it is read-only")));
    }
    fs::canonicalize(path).map_err(|error| cannot_write(path, error))
}

fn write_beside(path: &Path, bytes: &[u8]) -> Result<NamedTempFile, SaveError> {
    let mut file = create_beside(path)?;
    file.write_all(bytes)
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| cannot_write(path, error))?;
    Ok(file)
}

fn create_beside(path: &Path) -> Result<NamedTempFile, SaveError> {
    let folder = folder_of(path);
    if path.file_name().is_none() {
        return Err(SaveError::IsFolder { name: shown(path) });
    }
    if !folder.is_dir() {
        return Err(SaveError::NoFolder { name: shown(folder) });
    }
    builder().tempfile_in(folder).map_err(|error| cannot_write(path, error))
}

/// Temporary files get the permissions of ordinary new files, for they become such.
fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".underpaint-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder
}

/// A rename lasts only once its folder is on the disk. Not every file system can do that; the
/// file itself is whole either way.
fn sync_folder(folder: &Path) {
    if cfg!(unix)
        && let Err(error) = File::open(folder).and_then(|folder| folder.sync_all())
    {
        tracing::debug!("cannot flush the folder {}: {error}", folder.display());
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn cannot_write(path: &Path, source: io::Error) -> SaveError {
    SaveError::Write { name: shown(path), source }
}

pub(super) fn shown(path: &Path) -> String {
    one_line(&path.display().to_string())
}
