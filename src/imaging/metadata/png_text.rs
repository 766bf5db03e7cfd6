//! Text chunks of PNG files: found without decoding a pixel, written before the pixels.
//!
//! Formats are those of the PNG specification, third edition, section 11.3.3
//! (<https://www.w3.org/TR/png-3/#11textinfo>). Files are hostile: what a chunk may hold and what
//! it may inflate to is bounded, and damage costs no more than the chunk that it is in.

use std::io::{self, BufRead, Read as _, Seek};

use flate2::read::ZlibDecoder;

use super::recall::{Carrier, TextFound};

pub(super) const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";
/// Greatest length of a compressed text once it is inflated. Pillow has the same limit.
pub const MAX_INFLATED_BYTES: usize = 1 << 20;
/// Greatest length of a text chunk in the file. A record with all control maps takes much less.
pub const MAX_CHUNK_BYTES: u64 = 16 << 20;
/// Greatest length of all text chunks together; further ones are left alone.
const MAX_TEXT_BYTES: u64 = 64 << 20;
/// Signature, length, type, data and checksum of the header chunk, which comes first.
const HEADER_END: usize = 33;

/// All that the chunks of a PNG file tell.
#[derive(Debug, Default)]
pub(super) struct PngText {
    /// In the order of the file.
    pub texts: Vec<TextFound>,
    pub damages: Vec<Damage>,
    /// The file ends before its last chunk, or chunks cannot be followed to it.
    pub is_cut_off: bool,
}

/// A text chunk that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    /// Empty if not even that is certain.
    pub key: String,
    pub kind: DamageKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DamageKind {
    TooLong,
    Checksum,
    CutOff,
    Format,
}

impl DamageKind {
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::TooLong => "a text that is too long",
            Self::Checksum => "a damaged text (its checksum is wrong)",
            Self::CutOff => "a text that is cut off",
            Self::Format => "a text that is damaged",
        }
    }
}

/// Reads all text chunks from a reader that stands behind the signature.
///
/// # Errors
/// Only those of the reader; a file that ends early is no error.
pub(super) fn read(reader: &mut (impl BufRead + Seek)) -> io::Result<PngText> {
    let mut found = PngText::default();
    let mut is_after_pixels = false;
    let mut n_text_bytes = 0;
    loop {
        let mut head = Vec::with_capacity(8);
        reader.by_ref().take(8).read_to_end(&mut head)?;
        let Some((length, kind)) = chunk_head(&head) else {
            found.is_cut_off = true;
            return Ok(found);
        };
        let is_text = matches!(&kind, b"tEXt" | b"zTXt" | b"iTXt");
        if !is_text {
            if &kind == b"IEND" {
                return Ok(found);
            }
            is_after_pixels |= &kind == b"IDAT";
            reader.seek_relative(i64::from(length) + 4)?;
            continue;
        }
        let length = u64::from(length);
        let is_too_long = length > MAX_CHUNK_BYTES || n_text_bytes + length > MAX_TEXT_BYTES;
        let n_kept = if is_too_long { 100 } else { length };
        let mut data = Vec::new();
        reader.by_ref().take(n_kept).read_to_end(&mut data)?;
        n_text_bytes += data.len() as u64;
        let mut damaged =
            |kind| found.damages.push(Damage { key: keyword(&data).unwrap_or_default(), kind });
        if (data.len() as u64) < n_kept {
            damaged(DamageKind::CutOff);
            found.is_cut_off = true;
            return Ok(found);
        }
        if is_too_long {
            damaged(DamageKind::TooLong);
            reader.seek_relative((length - n_kept + 4) as i64)?;
            continue;
        }
        let mut checksum = Vec::with_capacity(4);
        reader.by_ref().take(4).read_to_end(&mut checksum)?;
        if checksum != checksum_of(kind, &data) {
            damaged(DamageKind::Checksum);
            continue;
        }
        match parse_text(kind, &data, is_after_pixels) {
            Ok(text) => found.texts.push(text),
            Err(kind) => damaged(kind),
        }
    }
}

/// `png` with text chunks right behind its header: tEXt for Latin-1, otherwise iTXt without
/// compression, which is what other readers understand.
pub(super) fn with_text(png: &[u8], texts: &[(&str, String)]) -> Vec<u8> {
    debug_assert_eq!(png.get(12..16), Some(&b"IHDR"[..]), "the header comes first");
    let (header, rest) = png.split_at(HEADER_END);
    let mut out = header.to_vec();
    for (key, text) in texts {
        // Zero bytes end a text for most readers.
        let text = text.replace('\0', "");
        let mut data = key.as_bytes().to_vec();
        let kind = if let Some(latin1) = to_latin1(&text) {
            data.push(0);
            data.extend(latin1);
            *b"tEXt"
        } else {
            // No compression, no language, no translated key.
            data.extend([0, 0, 0, 0, 0]);
            data.extend(text.as_bytes());
            *b"iTXt"
        };
        out.extend((data.len() as u32).to_be_bytes());
        out.extend(kind);
        out.extend(&data);
        out.extend(checksum_of(kind, &data));
    }
    out.extend(rest);
    out
}

/// `None` if the text does not fit, or if its bytes would pass for UTF-8, which some applications
/// write into tEXt.
fn to_latin1(text: &str) -> Option<Vec<u8>> {
    let fits = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a0}'..='\u{ff}');
    let bytes = text.chars().map(|c| fits(c).then_some(c as u8)).collect::<Option<Vec<u8>>>()?;
    (bytes.is_ascii() || str::from_utf8(&bytes).is_err()).then_some(bytes)
}

/// Length and type; `None` at the end of the file or where no chunk begins.
fn chunk_head(head: &[u8]) -> Option<(u32, [u8; 4])> {
    let (length, kind) = head.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length);
    let kind: [u8; 4] = kind.try_into().ok()?;
    let is_chunk = i32::try_from(length).is_ok() && kind.iter().all(u8::is_ascii_alphabetic);
    is_chunk.then_some((length, kind))
}

fn checksum_of(kind: [u8; 4], data: &[u8]) -> [u8; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(&kind);
    crc.update(data);
    crc.sum().to_be_bytes()
}

/// The key at the start of a text chunk: 1 to 79 printable characters.
fn keyword(data: &[u8]) -> Option<String> {
    let len = data.iter().take(80).position(|byte| *byte == 0).filter(|len| *len > 0)?;
    let key: String = data[..len].iter().copied().map(char::from).collect();
    (!key.contains(char::is_control)).then_some(key)
}

fn parse_text(kind: [u8; 4], data: &[u8], after_pixels: bool) -> Result<TextFound, DamageKind> {
    let key = keyword(data).ok_or(DamageKind::Format)?;
    let value = &data[key.chars().count() + 1..];
    let (carrier, text) = match &kind {
        b"tEXt" => (Carrier::Latin1, from_latin1(value)),
        b"zTXt" => {
            let (method, packed) = value.split_first().ok_or(DamageKind::Format)?;
            let inflated = inflate(*method, packed)?;
            (Carrier::Latin1Compressed, from_latin1(&inflated))
        }
        _ => {
            let [is_compressed, method, rest @ ..] = value else { return Err(DamageKind::Format) };
            let mut parts = rest.splitn(3, |byte| *byte == 0);
            let (_language, _key) = (parts.next(), parts.next());
            let text = parts.next().ok_or(DamageKind::Format)?;
            if *is_compressed == 0 {
                (Carrier::Utf8, String::from_utf8_lossy(text).into_owned())
            } else {
                let inflated = inflate(*method, text)?;
                (Carrier::Utf8Compressed, String::from_utf8_lossy(&inflated).into_owned())
            }
        }
    };
    Ok(TextFound { key, text, carrier, after_pixels })
}

/// Some applications write UTF-8 where Latin-1 belongs. Text that is valid UTF-8 beyond ASCII is
/// hardly ever meant as Latin-1.
fn from_latin1(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

fn inflate(method: u8, packed: &[u8]) -> Result<Vec<u8>, DamageKind> {
    if method != 0 {
        return Err(DamageKind::Format);
    }
    let mut inflated = Vec::new();
    let mut decoder = ZlibDecoder::new(packed).take(MAX_INFLATED_BYTES as u64 + 1);
    // What comes before damage is not to be trusted: the checksum is at the end.
    decoder.read_to_end(&mut inflated).map_err(|_error| DamageKind::Format)?;
    if inflated.len() > MAX_INFLATED_BYTES { Err(DamageKind::TooLong) } else { Ok(inflated) }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Signature, header and end.
    fn bare_png() -> Vec<u8> {
        let mut png = SIGNATURE.to_vec();
        for (kind, data) in
            [(*b"IHDR", &[0, 0, 0, 7, 0, 0, 0, 5, 8, 6, 0, 0, 0][..]), (*b"IEND", &[])]
        {
            png.extend((data.len() as u32).to_be_bytes());
            png.extend(kind);
            png.extend(data);
            png.extend(checksum_of(kind, data));
        }
        png
    }

    fn read_bytes(png: &[u8]) -> PngText {
        read(&mut Cursor::new(&png[8..])).unwrap()
    }

    #[test]
    fn texts_are_written_in_the_chunk_that_fits() {
        for (text, carrier) in [
            ("plain, two\nlines", Carrier::Latin1),
            ("café ½", Carrier::Latin1),
            ("桜の木 🐈", Carrier::Utf8),
            // As Latin-1 it would pass for “é”.
            ("Ã©", Carrier::Utf8),
            ("bell \u{7}", Carrier::Utf8),
        ] {
            let png = with_text(&bare_png(), &[("parameters", text.to_owned())]);
            let found = read_bytes(&png);
            assert_eq!((found.damages.len(), found.is_cut_off), (0, false));
            let [read] = found.texts.as_slice() else { panic!("{:?}", found.texts) };
            let expected = ("parameters", text, carrier, false);
            assert_eq!((&*read.key, &*read.text, read.carrier, read.after_pixels), expected);
        }
    }

    #[test]
    fn damage_costs_one_text() {
        let texts = [("a", "one".to_owned()), ("b", "two".to_owned())];
        let mut png = with_text(&bare_png(), &texts);
        let at = png.windows(3).position(|bytes| bytes == b"one").unwrap();
        png[at] ^= 1;
        let found = read_bytes(&png);
        assert_eq!(found.texts.len(), 1);
        assert_eq!(found.texts[0].text, "two");
        let damage = Damage { key: "a".to_owned(), kind: DamageKind::Checksum };
        assert_eq!(found.damages, [damage]);
    }

    #[test]
    fn a_file_that_ends_early_keeps_what_is_there() {
        let texts = [("a", "one".to_owned()), ("b", "two".to_owned())];
        let png = with_text(&bare_png(), &texts);
        let second = png.windows(3).position(|bytes| bytes == b"two").unwrap();
        let found = read_bytes(&png[..=second]);
        assert_eq!(found.texts.len(), 1);
        assert!(found.is_cut_off);
        assert_eq!(found.damages, [Damage { key: "b".to_owned(), kind: DamageKind::CutOff }]);
    }

    #[test]
    fn a_declared_length_is_not_believed() {
        let mut png = bare_png()[..HEADER_END].to_vec();
        png.extend((i32::MAX as u32).to_be_bytes());
        png.extend(b"tEXtparameters\0hi");
        let found = read_bytes(&png);
        assert!(found.is_cut_off);
        assert_eq!(found.damages[0].key, "parameters");
    }
}
