//! What is written about the entries of a memory. Inflated, in this order: the tables of styles,
//! sources and licences (number of strings, then length and UTF-8 of each), the entries' indices
//! into each table, the lengths of their captions (all numbers 16 bits), and the captions.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::model::bytes::{ByteReader, EndsEarly};

/// More than any memory has to say: the limit against small files that inflate without end.
const MAX_INFLATED: usize = 1 << 28;
const N_TABLES: usize = 3;

/// Captions and provenance of all entries.
#[derive(Debug)]
pub(super) struct Texts {
    /// Styles, sources, licences.
    tables: [Vec<String>; N_TABLES],
    /// Per table the index of every entry.
    indices: [Vec<u16>; N_TABLES],
    captions: String,
    /// Where each entry's caption starts in `captions`, and the end of the last.
    caption_starts: Vec<usize>,
}

/// The texts of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntryTexts<'a> {
    pub(super) caption: &'a str,
    /// Style, source, licence.
    pub(super) provenance: [&'a str; N_TABLES],
}

impl Texts {
    pub(super) fn empty() -> Self {
        Self {
            tables: Default::default(),
            indices: Default::default(),
            captions: String::new(),
            caption_starts: vec![0],
        }
    }

    /// Texts of entry `entry_idx`, which must exist.
    pub(super) fn entry(&self, entry_idx: usize) -> EntryTexts<'_> {
        let range = self.caption_starts[entry_idx]..self.caption_starts[entry_idx + 1];
        let provenance = std::array::from_fn(|table_idx| {
            let string_idx = self.indices[table_idx][entry_idx];
            self.tables[table_idx][usize::from(string_idx)].as_str()
        });
        EntryTexts { caption: &self.captions[range], provenance }
    }

    /// All styles, each once.
    pub(super) fn styles(&self) -> impl Iterator<Item = &str> {
        self.tables[0].iter().map(String::as_str)
    }

    /// Reads the texts of `n_entries` entries.
    ///
    /// # Errors
    /// The reason why these are not the texts of so many entries.
    pub(super) fn read(
        deflated: &[u8],
        n_inflated: usize,
        n_entries: usize,
    ) -> Result<Self, String> {
        if n_inflated > MAX_INFLATED {
            return Err(format!("its captions claim {n_inflated} bytes"));
        }
        let mut inflated = Vec::new();
        let mut decoder = DeflateDecoder::new(deflated).take(n_inflated as u64 + 1);
        decoder
            .read_to_end(&mut inflated)
            .map_err(|error| format!("its captions cannot be unpacked: {error}"))?;
        if inflated.len() != n_inflated {
            return Err("its captions are incomplete".to_owned());
        }

        let early = |EndsEarly| "its captions are incomplete".to_owned();
        let mut reader = ByteReader::new(&inflated);
        let mut tables: [Vec<String>; N_TABLES] = Default::default();
        for table in &mut tables {
            for _ in 0..reader.u16().map_err(early)? {
                let len = reader.u16().map_err(early)?;
                let string = reader.take(usize::from(len)).map_err(early)?;
                table.push(utf8(string)?.to_owned());
            }
        }
        let mut numbers = || {
            let n_bytes = n_entries.checked_mul(2).ok_or(EndsEarly)?;
            let (pairs, _) = reader.take(n_bytes)?.as_chunks();
            Ok(pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect::<Vec<_>>())
        };
        let mut indices: [Vec<u16>; N_TABLES] = Default::default();
        for (indices, table) in indices.iter_mut().zip(&tables) {
            *indices = numbers().map_err(early)?;
            if indices.iter().any(|idx| usize::from(*idx) >= table.len()) {
                return Err(
                    "an entry names a style, source or licence that is not there".to_owned()
                );
            }
        }
        let mut caption_starts = vec![0];
        let mut end = 0;
        for len in numbers().map_err(early)? {
            end += usize::from(len);
            caption_starts.push(end);
        }
        let captions = utf8(reader.take(reader.remaining()).map_err(early)?)?.to_owned();
        let is_cut_right = captions.len() == end
            && caption_starts.iter().all(|start| captions.is_char_boundary(*start));
        if !is_cut_right {
            return Err("its captions do not fit their lengths".to_owned());
        }
        Ok(Self { tables, indices, captions, caption_starts })
    }
}

/// Deflated texts and their inflated length.
///
/// # Errors
/// The reason if a text or table is too long for the format.
pub(super) fn write(entries: &[EntryTexts<'_>]) -> Result<(Vec<u8>, usize), String> {
    let short = |len: usize, what: &str| {
        let too_long = || format!("{what} is {len} long, at most 65535 are possible");
        u16::try_from(len).ok().ok_or_else(too_long)
    };
    let mut inflated = Vec::new();
    let mut all_indices = Vec::new();
    for table_idx in 0..N_TABLES {
        let strings = entries.iter().map(|entry| entry.provenance[table_idx]);
        let mut table: Vec<&str> = strings.clone().collect();
        table.sort_unstable();
        table.dedup();
        let n_strings = short(table.len(), "the list of styles, sources or licences")?;
        inflated.extend_from_slice(&n_strings.to_le_bytes());
        for string in &table {
            inflated.extend_from_slice(&short(string.len(), "a source or licence")?.to_le_bytes());
            inflated.extend_from_slice(string.as_bytes());
        }
        for string in strings {
            let idx = table.binary_search(&string).expect("the table holds every string");
            all_indices.extend_from_slice(&(idx as u16).to_le_bytes());
        }
    }
    inflated.append(&mut all_indices);
    for entry in entries {
        inflated.extend_from_slice(&short(entry.caption.len(), "a caption")?.to_le_bytes());
    }
    for entry in entries {
        inflated.extend_from_slice(entry.caption.as_bytes());
    }
    if inflated.len() > MAX_INFLATED {
        return Err(format!("its captions take {} bytes", inflated.len()));
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    let deflated = encoder.write_all(&inflated).and_then(|()| encoder.finish());
    Ok((deflated.expect("writing to memory does not fail"), inflated.len()))
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).or(Err("its captions are not text".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> [EntryTexts<'static>; 3] {
        [
            EntryTexts { caption: "red apple", provenance: ["3d", "Fluent", "MIT"] },
            EntryTexts { caption: "", provenance: ["flat", "Noto", "Apache-2.0"] },
            EntryTexts { caption: "café ☕", provenance: ["3d", "Noto", "MIT"] },
        ]
    }

    #[test]
    fn texts_survive_packing() {
        let (deflated, n_inflated) = write(&entries()).unwrap();
        let texts = Texts::read(&deflated, n_inflated, 3).unwrap();
        for (entry_idx, entry) in entries().iter().enumerate() {
            assert_eq!(texts.entry(entry_idx), *entry);
        }
        let (deflated, n_inflated) = write(&[]).unwrap();
        Texts::read(&deflated, n_inflated, 0).unwrap();
    }

    #[test]
    fn broken_texts_are_refused() {
        let (deflated, n_inflated) = write(&entries()).unwrap();
        for len in 0..deflated.len() {
            Texts::read(&deflated[..len], n_inflated, 3).unwrap_err();
        }
        for claimed in [0, n_inflated - 1, n_inflated + 1, MAX_INFLATED + 1, usize::MAX] {
            Texts::read(&deflated, claimed, 3).unwrap_err();
        }
        for n_entries in [0, 2, 4, usize::MAX] {
            Texts::read(&deflated, n_inflated, n_entries).unwrap_err();
        }
        assert!(write(&[EntryTexts { caption: &"x".repeat(70_000), ..entries()[0] }]).is_err());
    }

    #[test]
    fn damage_inside_is_refused_or_harmless() {
        let (deflated, n_inflated) = write(&entries()).unwrap();
        let mut inflated = Vec::new();
        DeflateDecoder::new(&deflated[..]).read_to_end(&mut inflated).unwrap();
        for position in 0..inflated.len() {
            let mut damaged = inflated.clone();
            damaged[position] = 0xff;
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&damaged).unwrap();
            let deflated = encoder.finish().unwrap();
            if let Ok(texts) = Texts::read(&deflated, n_inflated, 3) {
                panic!("0xff at {position} was read as {texts:?}");
            }
        }
    }
}
