//! Settings in the EXIF data of JPEG and WebP files: the same text as in PNG, under
//! `UserComment`.
//!
//! Tags are those of the EXIF specification (CIPA DC-008), laid out as TIFF 6.0. A1111 writes
//! `UserComment` as big-endian UTF-16 behind `UNICODE`; Fooocus adds its scheme as `MakerNote`;
//! ComfyUI puts its graph into `Model`.

use std::io::{self, BufRead, Read as _, Seek};

use super::png_text::MAX_INFLATED_BYTES;
use super::recall::{Carrier, TextFound};

const MODEL: u16 = 0x0110;
const SOFTWARE: u16 = 0x0131;
const EXIF_FOLDER: u16 = 0x8769;
const MAKER_NOTE: u16 = 0x927C;
const USER_COMMENT: u16 = 0x9286;

const ASCII: u16 = 2;
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;

/// Marks UTF-16 in `UserComment`.
const UNICODE: &[u8; 8] = b"UNICODE\0";
/// Precedes EXIF data in JPEG, and in WebP files of some applications.
const JPEG_PREFIX: &[u8] = b"Exif\0\0";
/// Entries of a folder that are looked at.
const MAX_ENTRIES: usize = 512;

/// EXIF data with two texts: `Software` and `UserComment`.
pub(super) fn build(software: &str, comment: &str) -> Vec<u8> {
    // Header, a folder of two entries, a folder of one entry, then the values.
    const FIRST_FOLDER: u32 = 8;
    const SECOND_FOLDER: u32 = FIRST_FOLDER + 2 + 2 * 12 + 4;
    const VALUES: u32 = SECOND_FOLDER + 2 + 12 + 4;
    let mut software: Vec<u8> =
        software.bytes().filter(|byte| byte.is_ascii_graphic() || *byte == b' ').collect();
    // Values of up to four bytes would have to stand in the entry itself.
    software.resize(software.len().max(4) + 1, 0);
    // Values begin at even offsets.
    software.resize(software.len().next_multiple_of(2), 0);
    let mut user_comment = UNICODE.to_vec();
    user_comment.extend(comment.encode_utf16().flat_map(u16::to_be_bytes));
    let mut data = b"MM\0\x2a".to_vec();
    data.extend(FIRST_FOLDER.to_be_bytes());
    let mut folder = |entries: &[(u16, u16, usize, u32)]| {
        data.extend((entries.len() as u16).to_be_bytes());
        for (tag, kind, count, value) in entries {
            data.extend(tag.to_be_bytes());
            data.extend(kind.to_be_bytes());
            data.extend((*count as u32).to_be_bytes());
            data.extend(value.to_be_bytes());
        }
        // No further folder in this chain.
        data.extend(0_u32.to_be_bytes());
    };
    folder(&[(SOFTWARE, ASCII, software.len(), VALUES), (EXIF_FOLDER, LONG, 1, SECOND_FOLDER)]);
    folder(&[(USER_COMMENT, UNDEFINED, user_comment.len(), VALUES + software.len() as u32)]);
    data.extend(software);
    data.extend(user_comment);
    data
}

/// Texts in EXIF data, under the keys that they would have in PNG.
pub(super) fn parse(data: &[u8]) -> Vec<TextFound> {
    let data = data.strip_prefix(JPEG_PREFIX).unwrap_or(data);
    let Some(tiff) = Tiff::new(data) else { return Vec::new() };
    let mut texts = Vec::new();
    let mut add = |key: &str, text: String| {
        let carrier = Carrier::Exif;
        texts.push(TextFound { key: key.to_owned(), text, carrier, after_pixels: false });
    };
    let first = tiff.u32_at(4).map(|at| tiff.folder(at)).unwrap_or_default();
    let second = first.iter().find(|(tag, _)| *tag == EXIF_FOLDER);
    let second = second.and_then(|(_, at)| tiff.u32_at(*at)).map(|at| tiff.folder(at));
    for (tag, entry_at) in first.iter().chain(second.iter().flatten()) {
        let Some(value) = tiff.value(*entry_at).filter(|v| v.len() <= MAX_INFLATED_BYTES) else {
            continue;
        };
        match *tag {
            USER_COMMENT => add("parameters", tiff.comment(value)),
            MAKER_NOTE => {
                // Cameras write their secrets here.
                let scheme = plain(value);
                if matches!(&*scheme, "fooocus" | "a1111") {
                    add("fooocus_scheme", scheme);
                }
            }
            SOFTWARE => add("Software", plain(value)),
            MODEL => {
                if let Some(graph) = plain(value).strip_prefix("prompt:") {
                    add("prompt", graph.to_owned());
                }
            }
            _ => {}
        }
    }
    texts
}

/// EXIF data of a JPEG file; the reader stands at its start.
pub(super) fn find_in_jpeg(reader: &mut (impl BufRead + Seek)) -> io::Result<Option<Vec<u8>>> {
    const START_OF_SCAN: u8 = 0xDA;
    const APP1: u8 = 0xE1;
    reader.seek_relative(2)?;
    loop {
        let Some([0xFF, marker, high, low]) = read_array(reader)? else { return Ok(None) };
        let length = u16::from_be_bytes([high, low]).saturating_sub(2);
        match marker {
            START_OF_SCAN => return Ok(None),
            APP1 => {
                let mut data = Vec::new();
                reader.by_ref().take(u64::from(length)).read_to_end(&mut data)?;
                // APP1 also carries XMP.
                if data.starts_with(JPEG_PREFIX) {
                    return Ok(Some(data));
                }
            }
            _ => reader.seek_relative(i64::from(length))?,
        }
    }
}

/// EXIF data of a WebP file; the reader stands at its start.
pub(super) fn find_in_webp(reader: &mut (impl BufRead + Seek)) -> io::Result<Option<Vec<u8>>> {
    reader.seek_relative(12)?;
    loop {
        let Some(kind) = read_array::<4>(reader)? else { return Ok(None) };
        let Some(length) = read_array(reader)? else { return Ok(None) };
        let length = u32::from_le_bytes(length);
        if &kind == b"EXIF" && length as usize <= 2 * MAX_INFLATED_BYTES {
            let mut data = Vec::new();
            reader.by_ref().take(u64::from(length)).read_to_end(&mut data)?;
            return Ok(Some(data));
        }
        // Chunks are padded to an even length.
        reader.seek_relative(i64::from(length) + i64::from(length % 2))?;
    }
}

fn read_array<const N: usize>(reader: &mut impl BufRead) -> io::Result<Option<[u8; N]>> {
    let mut bytes = Vec::with_capacity(N);
    reader.by_ref().take(N as u64).read_to_end(&mut bytes)?;
    Ok(bytes.try_into().ok())
}

/// Text up to a zero byte.
fn plain(value: &[u8]) -> String {
    let text = value.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).trim().to_owned()
}

/// TIFF data of either byte order. Offsets are not to be trusted.
struct Tiff<'a> {
    data: &'a [u8],
    is_big_endian: bool,
}

impl<'a> Tiff<'a> {
    fn new(data: &'a [u8]) -> Option<Self> {
        let is_big_endian = match data.get(..4)? {
            b"MM\0\x2a" => true,
            b"II\x2a\0" => false,
            _ => return None,
        };
        Some(Self { data, is_big_endian })
    }

    fn bytes<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.data.get(at..)?.first_chunk::<N>().copied()
    }

    fn u16_at(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes(at)?;
        Some(if self.is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32_at(&self, at: usize) -> Option<usize> {
        let bytes = self.bytes(at)?;
        let number =
            if self.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        Some(number as usize)
    }

    /// Tags of a folder and where the value field of each entry stands.
    fn folder(&self, at: usize) -> Vec<(u16, usize)> {
        let n_entries = usize::from(self.u16_at(at).unwrap_or(0)).min(MAX_ENTRIES);
        let entry_at = |idx: usize| at + 2 + idx * 12;
        (0..n_entries)
            .map_while(|idx| Some((self.u16_at(entry_at(idx))?, entry_at(idx) + 8)))
            .collect()
    }

    /// The bytes of a text-like entry whose value field stands at `at`.
    fn value(&self, at: usize) -> Option<&'a [u8]> {
        let kind = self.u16_at(at - 6)?;
        let count = self.u32_at(at - 4)?;
        if !matches!(kind, 1 | ASCII | UNDEFINED) {
            return None;
        }
        let start = if count <= 4 { at } else { self.u32_at(at)? };
        self.data.get(start..start.checked_add(count)?)
    }

    /// The text of `UserComment` behind the eight bytes that name its encoding.
    fn comment(&self, value: &[u8]) -> String {
        let Some((encoding, text)) = value.split_first_chunk::<8>() else { return plain(value) };
        if encoding != UNICODE {
            let known = encoding == b"ASCII\0\0\0" || encoding == &[0; 8];
            return plain(if known { text } else { value });
        }
        let (pairs, _odd) = text.as_chunks::<2>();
        // Writers disagree about the byte order. Most of any text is ASCII or at least has more
        // zero bytes in the upper half.
        let n_zeros = |half: usize| pairs.iter().filter(|pair| pair[half] == 0).count();
        let is_big_endian = match n_zeros(0).cmp(&n_zeros(1)) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => self.is_big_endian,
        };
        let units = pairs.iter().map(|pair| {
            if is_big_endian { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) }
        });
        let text: String =
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        text.trim_end_matches('\0').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(data: &[u8]) -> Vec<(String, String)> {
        parse(data).into_iter().map(|found| (found.key, found.text)).collect()
    }

    #[test]
    fn what_is_built_is_read() {
        for text in ["a cat\nSteps: 8", "桜 🐈", ""] {
            let expected = [
                ("Software".to_owned(), "Underpaint 0.1.0".to_owned()),
                ("parameters".to_owned(), text.to_owned()),
            ];
            let data = build("Underpaint 0.1.0", text);
            assert_eq!(found(&data), expected);
            assert_eq!(found(&[JPEG_PREFIX, &data].concat()), expected);
        }
    }

    #[test]
    fn the_other_byte_order_is_read() {
        // One folder with `UserComment` right in it, 18 bytes at offset 26.
        let mut data =
            b"II\x2a\0\x08\0\0\0\x01\0\x86\x92\x07\0\x12\0\0\0\x1a\0\0\0\0\0\0\0".to_vec();
        data.extend(b"UNICODE\0h\0e\0l\0l\0o\0");
        assert_eq!(found(&data), [("parameters".to_owned(), "hello".to_owned())]);
    }

    #[test]
    fn nonsense_is_no_exif() {
        let data = build("Underpaint", "a text");
        for length in 0..data.len() {
            found(&data[..length]);
        }
        for at in 0..data.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut broken = data.clone();
                broken[at] = value;
                found(&broken);
            }
        }
        assert!(found(b"MM\0\x2a\xff\xff\xff\xff").is_empty());
    }
}
