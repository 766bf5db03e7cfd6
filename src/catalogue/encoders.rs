//! Text encoders on this machine, put together of their files, and the vocabulary of each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::recognise::{EncoderPart, Recognised};
use super::scan::{Scan, Scanned};

/// All files of an encoder.
#[derive(Debug, Clone)]
pub(super) struct Encoder<'a> {
    pub(super) files: Vec<&'a Scanned>,
    pub(super) whole: EncoderPart,
}

impl Encoder<'_> {
    fn is_whole(&self) -> bool {
        let EncoderPart { layers, has_words, has_end, .. } = &self.whole;
        let n_layers = layers.last().map_or(0, |last| last + 1);
        *has_words && *has_end && n_layers > 0 && layers.len() == n_layers
    }
}

/// Whole encoders; those that need least memory first.
pub(super) fn encoders(scan: &Scan) -> Vec<Encoder<'_>> {
    let mut single = Vec::new();
    // Files that belong together lie together and have the same ending.
    let mut groups: BTreeMap<(PathBuf, String), Encoder<'_>> = BTreeMap::new();
    for scanned in &scan.files {
        let Recognised::TextEncoder(part) = &scanned.what else { continue };
        let alone = Encoder { files: vec![scanned], whole: part.clone() };
        if alone.is_whole() {
            single.push(alone);
            continue;
        }
        let path = &scanned.file.path;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let group = groups
            .entry((folder, ending))
            .or_insert_with(|| Encoder { files: Vec::new(), whole: EncoderPart::default() });
        group.files.push(scanned);
        group.whole.add(part);
    }
    let mut all = single;
    all.extend(groups.into_values().filter(Encoder::is_whole));
    all.sort_by_key(|encoder| encoder.whole.memory());
    all
}

impl EncoderPart {
    fn add(&mut self, other: &Self) {
        self.dim = self.dim.or(other.dim);
        self.layers.extend(&other.layers);
        self.has_words |= other.has_words;
        self.has_end |= other.has_end;
        self.n_bytes += other.n_bytes;
        self.n_parameters += other.n_parameters;
    }
}

/// The vocabulary that lies nearest to a file.
pub(super) fn tokenizer<'a>(scan: &'a Scan, near: Option<&Path>) -> Option<&'a Scanned> {
    let is_tokenizer = |scanned: &&Scanned| {
        // Flan-T5 has 32,100 words; small ones are for tests.
        matches!(scanned.what, Recognised::TextTokenizer { n_words } if n_words <= 32_128)
    };
    let tokenizers = scan.files.iter().filter(is_tokenizer);
    tokenizers.max_by_key(|scanned| near.map_or(0, |near| closeness(near, &scanned.file.path)))
}

/// Folders that two paths have in common.
pub(super) fn closeness(one: &Path, other: &Path) -> usize {
    one.components().zip(other.components()).take_while(|(a, b)| a == b).count()
}
