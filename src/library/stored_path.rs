//! Paths in the database. Names that are not Unicode are kept byte for byte where the system has
//! such names as bytes.

use std::path::{Path, PathBuf};

/// `None` if this system's name cannot be kept.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have names that cannot be kept")]
pub(super) fn to_bytes(path: &Path) -> Option<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt as _;
    Some(path.as_os_str().as_bytes().to_vec())
}

/// `None` if this system's name cannot be kept.
#[cfg(not(unix))]
pub(super) fn to_bytes(path: &Path) -> Option<Vec<u8>> {
    path.to_str().map(|text| text.as_bytes().to_vec())
}

#[cfg(unix)]
pub(super) fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
pub(super) fn from_bytes(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}
