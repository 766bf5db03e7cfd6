//! The ZIP around a PyTorch checkpoint: where its entries lie in the file.
//!
//! PyTorch stores entries as they are, so that tensors can be read in place. Nothing is inflated
//! here: a compressed entry is an error, which also is all there is to say to a ZIP bomb.

use std::collections::BTreeMap;
use std::ops::Range;

use super::file::WeightsFileReader;
use super::short;
use crate::model::bytes::{ByteReader, EndsEarly};

/// The end record and the longest comment behind it.
const MAX_TAIL: u64 = 22 + 65_535;
const END: &[u8] = b"PK\x05\x06";
const END_64_LOCATOR: u32 = 0x0706_4b50;
const END_64: u32 = 0x0606_4b50;
const DIRECTORY_ENTRY: u32 = 0x0201_4b50;
const LOCAL_HEADER: u32 = 0x0403_4b50;
const LOCAL_HEADER_LEN: u64 = 30;
/// A directory of far more tensors than any model has.
const MAX_DIRECTORY_BYTES: u64 = 16 << 20;
/// Extra field with the 64-bit sizes of an entry.
const EXTRA_64: u16 = 1;

/// Entries by name, as ranges of the file.
///
/// # Errors
/// The reason why this is not a whole ZIP file of stored entries.
pub(super) fn entries(file: &WeightsFileReader) -> Result<BTreeMap<String, Range<u64>>, String> {
    let (start, len) = directory(file)?;
    if len > MAX_DIRECTORY_BYTES {
        return Err(format!("its directory claims {len} bytes"));
    }
    let bytes =
        file.read(start..start.checked_add(len).ok_or("its directory is beyond its end")?)?;
    let mut reader = ByteReader::new(&bytes);
    let mut entries = BTreeMap::new();
    while reader.remaining() > 0 {
        let (name, header, size) = entry(&mut reader).or(Err("its directory is cut off"))??;
        let start = content_start(file, header)?;
        let end = start.checked_add(size).filter(|end| *end <= file.len());
        let end = end.ok_or_else(|| format!("its part {} is cut off", short(&name)))?;
        entries.insert(name, start..end);
    }
    Ok(entries)
}

/// Where the directory starts, and its length.
fn directory(file: &WeightsFileReader) -> Result<(u64, u64), String> {
    let tail_start = file.len().saturating_sub(MAX_TAIL);
    let tail = file.read(tail_start..file.len())?;
    let end = tail.windows(END.len()).rposition(|window| window == END);
    let end = end.ok_or("its end is missing")?;
    let mut reader = ByteReader::new(&tail[end..]);
    let (len, start) = (|| {
        reader.take(12)?;
        Ok((reader.u32()?, reader.u32()?))
    })()
    .map_err(|EndsEarly| "its end is cut off")?;
    if len != u32::MAX && start != u32::MAX {
        return Ok((u64::from(start), u64::from(len)));
    }
    // Large files say so in a second record, found through a third right before the end.
    let locator = end.checked_sub(20).ok_or("its large directory is missing")?;
    let mut reader = ByteReader::new(&tail[locator..end]);
    let at = (|| {
        let (magic, _, at) = (reader.u32()?, reader.u32()?, reader.u64()?);
        Ok((magic == END_64_LOCATOR).then_some(at))
    })();
    let at = at.map_err(|EndsEarly| "its large directory is cut off")?;
    let at = at.ok_or("its large directory is missing")?;
    let record = file.read(at..at.checked_add(56).ok_or("its large directory is missing")?)?;
    let mut reader = ByteReader::new(&record);
    let (magic, len, start) = (|| {
        let magic = reader.u32()?;
        reader.take(36)?;
        Ok((magic, reader.u64()?, reader.u64()?))
    })()
    .map_err(|EndsEarly| "its large directory is cut off")?;
    if magic == END_64 {
        Ok((start, len))
    } else {
        Err("its large directory is missing".to_owned())
    }
}

/// Name, start of the header and size of the next entry of the directory.
fn entry(reader: &mut ByteReader<'_>) -> Result<Result<(String, u64, u64), String>, EndsEarly> {
    if reader.u32()? != DIRECTORY_ENTRY {
        return Ok(Err("its directory is damaged".to_owned()));
    }
    reader.take(6)?;
    let method = reader.u16()?;
    reader.take(8)?;
    let (packed, size) = (reader.u32()?, reader.u32()?);
    let (name_len, extra_len) = (reader.u16()?, reader.u16()?);
    let comment_len = reader.u16()?;
    reader.take(8)?;
    let header = reader.u32()?;
    let name = String::from_utf8_lossy(reader.take(name_len.into())?).into_owned();
    let extra = reader.take(extra_len.into())?;
    reader.take(comment_len.into())?;
    if method != 0 {
        return Ok(Err(format!(
            "its part {} is compressed, which PyTorch does not do",
            short(&name)
        )));
    }
    // What does not fit 32 bits stands in the extra field, in this order.
    let mut large = ByteReader::new(large_sizes(extra)?);
    let mut full = |value: u32| {
        if value == u32::MAX { large.u64() } else { Ok(u64::from(value)) }
    };
    let size = full(size)?;
    full(packed)?;
    Ok(Ok((name, full(header)?, size)))
}

fn large_sizes(extra: &[u8]) -> Result<&[u8], EndsEarly> {
    let mut reader = ByteReader::new(extra);
    while reader.remaining() >= 4 {
        let (id, len) = (reader.u16()?, reader.u16()?);
        let field = reader.take(len.into())?;
        if id == EXTRA_64 {
            return Ok(field);
        }
    }
    Ok(&[])
}

/// Content follows the header in front of it, which has its own extra field.
fn content_start(file: &WeightsFileReader, header: u64) -> Result<u64, String> {
    let end = header.checked_add(LOCAL_HEADER_LEN).ok_or("a part is beyond its end")?;
    let bytes = file.read(header..end)?;
    let mut reader = ByteReader::new(&bytes);
    let lens = (|| {
        let magic = reader.u32()?;
        reader.take(22)?;
        Ok::<_, EndsEarly>((magic, reader.u16()?, reader.u16()?))
    })();
    match lens {
        Ok((LOCAL_HEADER, name_len, extra_len)) => {
            Ok(end + u64::from(name_len) + u64::from(extra_len))
        }
        _ => Err("a part has no header".to_owned()),
    }
}
