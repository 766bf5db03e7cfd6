//! Small memories for the tests of this module.

use std::borrow::Cow;

use super::pack::{self, Dimensions};
use super::texts::{self, EntryTexts};
use super::{Checksum, PictureMemory};
use crate::model::Config;

/// The tiny model's configuration with keys of size 4.
pub(super) fn config() -> Config {
    let json = include_str!("../../../tests/fixtures/embedded_tiny/config.json");
    let mut config = Config::parse(json).unwrap();
    config.text.hidden_size = 4;
    config
}

/// Ids of a picture that only `picture` shows.
pub(super) fn ids(config: &Config, picture: usize) -> Vec<u16> {
    let n_codes = config.tokenizer.codebook_size;
    (0..config.n_tokens())
        .map(|i| ((i * 31 + picture * picture + 5 * picture) % n_codes) as u16)
        .collect()
}

/// The bytes of a memory with one entry per key, each showing the picture of its number.
pub(super) fn packed(config: &Config, entries: &[(usize, [i8; 4])]) -> Vec<u8> {
    let dimensions = Dimensions {
        n_entries: entries.len(),
        n_tokens: config.n_tokens(),
        codebook_size: config.tokenizer.codebook_size,
        key_dim: 4,
    };
    let all_ids: Vec<u16> = entries.iter().flat_map(|(picture, _)| ids(config, *picture)).collect();
    let keys: Vec<i8> = entries.iter().flat_map(|(_, key)| *key).collect();
    let captions: Vec<String> =
        entries.iter().map(|(picture, _)| format!("picture {picture}")).collect();
    let entries: Vec<_> = captions
        .iter()
        .map(|caption| EntryTexts { caption, provenance: ["flat", "Some Set", "MIT"] })
        .collect();
    let (texts, n_inflated) = texts::write(&entries).unwrap();
    pack::write(dimensions, &all_ids, &keys, &texts, n_inflated).unwrap()
}

pub(super) fn memory(config: &Config, entries: &[(usize, [i8; 4])]) -> PictureMemory {
    let bytes = Cow::Owned(packed(config, entries));
    PictureMemory::from_packed(bytes, Checksum::Verify, config).unwrap()
}
