//! Where pictures are saved, and under which names.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::imaging::io::FileFormat;
use crate::protocol::Day;

/// The path with an ending of the format that is written.
pub(super) fn with_ending(path: PathBuf, format: FileFormat) -> PathBuf {
    let is_of = |other: FileFormat| other.ending() == format.ending();
    if FileFormat::from_path(&path).is_some_and(is_of) {
        return path;
    }
    let mut name = path.into_os_string();
    name.push(".");
    name.push(format.ending());
    name.into()
}

/// `Pictures/Underpaint/YYYY-MM-DD`, by the clock in UTC; the home folder stands in for a missing
/// pictures folder. `None` if there is no home either.
pub(super) fn folder_of_today() -> Option<PathBuf> {
    Some(pictures_dir()?.join(date(SystemTime::now())))
}

/// `Pictures/Underpaint`, with a folder for each day.
pub(super) fn pictures_dir() -> Option<PathBuf> {
    let dirs = directories::UserDirs::new()?;
    let pictures = dirs.picture_dir().unwrap_or(dirs.home_dir());
    Some(pictures.join("Underpaint"))
}

/// `Documents/Underpaint`; the home folder stands in for a missing documents folder.
pub(super) fn documents_folder() -> Option<PathBuf> {
    let dirs = directories::UserDirs::new()?;
    Some(dirs.document_dir().unwrap_or(dirs.home_dir()).join("Underpaint"))
}

/// `NNNNN-<seed>`, numbered after what is in the folder.
pub(super) fn numbered_stem(folder: &Path, seed: u64) -> String {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let number = |name: &OsStr| name.to_str()?.split_once('-')?.0.parse::<u32>().ok();
    let newest = entries.filter_map(|entry| number(&entry.file_name())).max().unwrap_or(0);
    format!("{:05}-{seed}", newest.saturating_add(1))
}

/// `YYYY-MM-DD` of a moment, in UTC.
fn date(moment: SystemTime) -> String {
    let secs = moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = Day::of_secs(secs as i64).civil();
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates_are_right_around_leap_days() {
        let at = |secs: u64| date(UNIX_EPOCH + Duration::from_secs(secs));
        assert_eq!(at(0), "1970-01-01");
        assert_eq!(at(951_782_400), "2000-02-29");
        assert_eq!(at(951_868_800), "2000-03-01");
        assert_eq!(at(1_709_164_799), "2024-02-28");
        assert_eq!(at(4_102_444_800), "2100-01-01");
    }

    #[test]
    fn names_get_their_ending_and_number() {
        let named = |path: &str, format| with_ending(path.into(), format);
        assert_eq!(named("a/b.PNG", FileFormat::Png), PathBuf::from("a/b.PNG"));
        assert_eq!(named("a/v1.2", FileFormat::Png), PathBuf::from("a/v1.2.png"));
        assert_eq!(named("b.jpeg", FileFormat::DEFAULT_JPEG), PathBuf::from("b.jpeg"));
        assert_eq!(named("b.png", FileFormat::WebP), PathBuf::from("b.png.webp"));
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(numbered_stem(folder.path(), 7), "00001-7");
        fs::write(folder.path().join("00041-3.png"), "").expect("written");
        fs::write(folder.path().join("notes.txt"), "").expect("written");
        assert_eq!(numbered_stem(folder.path(), 7), "00042-7");
    }
}
