//! What can be told of a picture file without decoding it, where the decoders tell too little.

use std::io::{self, BufRead};

/// Bytes at the start of a file that [`png_size`] and [`foreign_format`] want to see.
pub(super) const HEAD_LEN: u64 = 256;

/// Width and height that a PNG file declares; the decoder refuses sizes such as 0×0 without
/// naming them.
pub(super) fn png_size(head: &[u8]) -> Option<(u32, u32)> {
    let header = head.strip_prefix(b"\x89PNG\r\n\x1a\n")?.get(4..16)?.strip_prefix(b"IHDR")?;
    let number = |at: usize| header[at..at + 4].iter().fold(0, |sum, b| sum << 8 | u32::from(*b));
    Some((number(0), number(4)))
}

/// Formats that people try and that are not read.
pub(super) fn foreign_format(head: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(head);
    if head.get(4..8) == Some(b"ftyp") {
        Some("an AVIF or HEIC picture")
    } else if text.contains("<svg") {
        Some("an SVG drawing")
    } else if head.starts_with(b"%PDF") {
        Some("a PDF document")
    } else if head.starts_with(b"8BPS") {
        Some("a Photoshop document")
    } else {
        None
    }
}

/// Whether a JPEG stream reaches its end marker. The decoder fills missing parts with grey
/// without a word, so a broken download would pass for a picture.
pub(super) fn jpeg_is_complete(reader: &mut impl BufRead) -> io::Result<bool> {
    const END: u8 = 0xD9;
    const SCAN: u8 = 0xDA;
    let mut in_scan = false;
    while skip_to_marker(reader)? {
        let Some(marker) = next_byte_after_fill(reader)? else { return Ok(false) };
        match marker {
            END => return Ok(true),
            // Stuffed bytes and restart markers within a scan, the start marker, TEM.
            0x00 | 0x01 | 0xD0..=0xD8 => {}
            _ if in_scan && marker != SCAN && marker < 0xC0 => {}
            _ => {
                in_scan = marker == SCAN;
                let (Some(high), Some(low)) = (next_byte(reader)?, next_byte(reader)?) else {
                    return Ok(false);
                };
                let length = u64::from(high) << 8 | u64::from(low);
                skip(reader, length.saturating_sub(2))?;
            }
        }
    }
    Ok(false)
}

/// Moves behind the next 0xFF; false at the end of the file.
fn skip_to_marker(reader: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(false);
        }
        let found = buffer.iter().position(|byte| *byte == 0xFF);
        let n_used = found.map_or(buffer.len(), |at| at + 1);
        reader.consume(n_used);
        if found.is_some() {
            return Ok(true);
        }
    }
}

/// The byte after any run of 0xFF fill bytes.
fn next_byte_after_fill(reader: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        match next_byte(reader)? {
            Some(0xFF) => {}
            other => return Ok(other),
        }
    }
}

fn next_byte(reader: &mut impl BufRead) -> io::Result<Option<u8>> {
    let first = reader.fill_buf()?.first().copied();
    reader.consume(usize::from(first.is_some()));
    Ok(first)
}

fn skip(reader: &mut impl BufRead, n_bytes: u64) -> io::Result<()> {
    let mut left = n_bytes;
    while left > 0 {
        let n_buffered = reader.fill_buf()?.len();
        if n_buffered == 0 {
            break;
        }
        let n_used = left.min(n_buffered as u64);
        reader.consume(n_used as usize);
        left -= n_used;
    }
    Ok(())
}
