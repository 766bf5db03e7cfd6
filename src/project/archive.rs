//! ZIP files within bounds: writing one, and reading what is left of one.
//!
//! The `zip` crate reads whole files. Where the directory at the end is cut off or damaged, the
//! headers before each entry are looked for instead, so that what is whole can still be had.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write as _};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use flate2::Crc;
use flate2::read::DeflateDecoder;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// More entries than any project has.
const MAX_ENTRIES: usize = 50_000;
/// All entries together, as they are read.
const MAX_INFLATED_BYTES: usize = 1 << 30;
/// What every entry begins with, and its place in the directory.
const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
const DIRECTORY_HEADER: &[u8] = b"PK\x01\x02";
const LOCAL_HEADER_LEN: usize = 30;

/// Builds a ZIP file in memory.
pub(super) struct ArchiveWriter(ZipWriter<Cursor<Vec<u8>>>);

impl ArchiveWriter {
    pub(super) fn new() -> Self {
        Self(ZipWriter::new(Cursor::new(Vec::new())))
    }

    /// A text, which is deflated.
    pub(super) fn add_text(&mut self, name: &str, text: &[u8]) {
        self.add(name, text, CompressionMethod::Deflated);
    }

    /// A picture, which is compressed already.
    pub(super) fn add_picture(&mut self, name: &str, png: &[u8]) {
        self.add(name, png, CompressionMethod::Stored);
    }

    fn add(&mut self, name: &str, bytes: &[u8], method: CompressionMethod) {
        let options = SimpleFileOptions::default().compression_method(method);
        self.0
            .start_file(name, options)
            .map_err(std::io::Error::other)
            .and_then(|()| self.0.write_all(bytes))
            .expect("names differ, and memory takes all that is written");
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0.finish().expect("memory takes all that is written").into_inner()
    }
}

/// A ZIP file as far as it can be read.
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    whole: Option<ZipArchive<Cursor<&'a [u8]>>>,
    /// What was found without the directory; empty until something is missing.
    found: Option<BTreeMap<String, Entry>>,
    n_bytes_left: usize,
}

/// An entry as the header before it tells.
struct Entry {
    is_deflated: bool,
    crc: u32,
    content: Range<usize>,
}

impl<'a> Archive<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let n_entries = occurrences(bytes, DIRECTORY_HEADER).take(MAX_ENTRIES + 1).count();
        // A defect in the reader must not end the program.
        let open = || catch_unwind(|| ZipArchive::new(Cursor::new(bytes)).ok()).ok().flatten();
        let whole = if n_entries <= MAX_ENTRIES { open() } else { None };
        Self { bytes, whole, found: None, n_bytes_left: MAX_INFLATED_BYTES }
    }

    /// The content of an entry of at most `max_bytes`; `None` if it is missing, damaged or larger.
    pub(super) fn read(&mut self, name: &str, max_bytes: usize) -> Option<Vec<u8>> {
        let max_bytes = max_bytes.min(self.n_bytes_left);
        let content = self.read_by_directory(name, max_bytes).or_else(|| {
            let bytes = self.bytes;
            self.found().get(name).and_then(|entry| entry.read(bytes, max_bytes))
        })?;
        self.n_bytes_left -= content.len();
        Some(content)
    }

    fn read_by_directory(&mut self, name: &str, max_bytes: usize) -> Option<Vec<u8>> {
        let whole = self.whole.as_mut()?;
        let read = || read_at_most(whole.by_name(name).ok()?, max_bytes);
        catch_unwind(AssertUnwindSafe(read)).ok().flatten()
    }

    fn found(&mut self) -> &BTreeMap<String, Entry> {
        let bytes = self.bytes;
        self.found.get_or_insert_with(|| {
            let headers = occurrences(bytes, LOCAL_HEADER).take(MAX_ENTRIES);
            headers.filter_map(|start| Entry::at(bytes, start)).collect()
        })
    }
}

impl Entry {
    /// Name and place of the entry whose header begins at `start`.
    fn at(bytes: &[u8], start: usize) -> Option<(String, Self)> {
        let header = bytes.get(start..start + LOCAL_HEADER_LEN)?;
        let u16_at = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let u32_at = |at: usize| u32::from(u16_at(at)) | u32::from(u16_at(at + 2)) << 16;
        let is_deflated = match u16_at(8) {
            0 => false,
            8 => true,
            _ => return None,
        };
        let (name_len, extra_len) = (usize::from(u16_at(26)), usize::from(u16_at(28)));
        let name_start = start + LOCAL_HEADER_LEN;
        let name = bytes.get(name_start..name_start + name_len)?;
        let content_start = name_start + name_len + extra_len;
        let content = content_start..content_start.checked_add(u32_at(18) as usize)?;
        bytes.get(content.clone())?;
        let name = std::str::from_utf8(name).ok()?.to_owned();
        Some((name, Self { is_deflated, crc: u32_at(14), content }))
    }

    fn read(&self, bytes: &[u8], max_bytes: usize) -> Option<Vec<u8>> {
        let content = &bytes[self.content.clone()];
        let content = if self.is_deflated {
            read_at_most(DeflateDecoder::new(content), max_bytes)?
        } else {
            read_at_most(content, max_bytes)?
        };
        let mut crc = Crc::new();
        crc.update(&content);
        (crc.sum() == self.crc).then_some(content)
    }
}

/// All there is to read, unless it is more than `max_bytes` or damaged.
fn read_at_most(reader: impl Read, max_bytes: usize) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    reader.take(max_bytes as u64 + 1).read_to_end(&mut content).ok()?;
    (content.len() <= max_bytes).then_some(content)
}

fn occurrences<'a>(bytes: &'a [u8], what: &'a [u8]) -> impl Iterator<Item = usize> {
    bytes.windows(what.len()).enumerate().filter(move |(_, w)| *w == what).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Vec<u8> {
        let mut writer = ArchiveWriter::new();
        writer.add_text("a.json", &b"hello ".repeat(500));
        writer.add_picture("b.png", b"not really a picture");
        writer.add_text("c.json", b"the end");
        writer.finish()
    }

    #[test]
    fn entries_are_found_without_the_directory() {
        let bytes = example();
        let mut whole = Archive::new(&bytes);
        assert_eq!(whole.read("c.json", 100).as_deref(), Some(&b"the end"[..]));
        assert_eq!(whole.read("a.json", 2999), None, "larger than allowed");
        assert_eq!(whole.read("nothing", 100), None);
        let end = bytes.windows(4).position(|window| window == DIRECTORY_HEADER).unwrap();
        let mut cut = Archive::new(&bytes[..end - 1]);
        assert_eq!(cut.read("a.json", 3000), Some(b"hello ".repeat(500)));
        assert_eq!(cut.read("b.png", 100).as_deref(), Some(&b"not really a picture"[..]));
        assert_eq!(cut.read("c.json", 100), None);
        assert_eq!(Archive::new(b"PK\x03\x04").read("a.json", 3000), None);
        assert_eq!(Archive::new(&[]).read("a.json", 3000), None);
    }

    #[test]
    fn a_flipped_byte_is_noticed() {
        let bytes = example();
        let at = bytes.windows(4).position(|window| window == b"real").unwrap();
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        let mut archive = Archive::new(&flipped);
        assert_eq!(archive.read("b.png", 100), None);
        assert!(archive.read("a.json", 3000).is_some());
    }

    #[test]
    fn many_entries_are_not_even_listed() {
        let mut bytes = DIRECTORY_HEADER.repeat(MAX_ENTRIES + 1);
        bytes.extend(example());
        let mut archive = Archive::new(&bytes);
        assert!(archive.whole.is_none());
        assert!(archive.read("c.json", 100).is_some());
    }
}
