//! Lays remembered pictures of the things that a prompt joins side by side, for the network to look
//! at as one.
//!
//! Why: shown a cat in one slot and a ball in the next, it paints the first or mixes them. Shown
//! both in one picture it paints both, where they are.

use std::sync::Arc;

use super::ModelError;
use super::inspiration::Remembered;
use super::recent::Recent;
use super::tokenizer::Tokenizer;
use crate::imaging::{RgbaImage, beside};
use crate::protocol::{EntryId, InspiredBy, Provenance, row_of};

/// Joined pictures kept, a kilobyte each.
const CACHE_SIZE: usize = 64;
/// Decoded pictures kept, a quarter of a megabyte each: the candidates of three things.
const N_PICTURES: usize = 24;

/// With caches of what was joined lately.
#[derive(Debug)]
pub(super) struct Joining {
    image_size_px: usize,
    pictures: Recent<EntryId, Arc<RgbaImage>>,
    joined: Recent<Vec<EntryId>, Arc<[u16]>>,
}

impl Joining {
    pub(super) fn new(image_size_px: usize) -> Self {
        let (pictures, joined) = (Recent::new(N_PICTURES), Recent::new(CACHE_SIZE));
        Self { image_size_px, pictures, joined }
    }

    /// `parts`, one per thing and in the order of the prompt, as one picture for their slot.
    ///
    /// # Errors
    /// What the computation reports.
    ///
    /// # Panics
    /// If there are no parts.
    pub(super) fn joined(
        &mut self,
        parts: &[Remembered],
        tokenizer: &Tokenizer,
    ) -> Result<InspiredBy, ModelError> {
        let Self { image_size_px, pictures, joined } = self;
        let names = || parts.iter().map(|part| part.inspired_by.entry);
        let lay = || {
            let mut decoded = Vec::with_capacity(parts.len());
            for Remembered { inspired_by, latent } in parts {
                let decode = || {
                    let picture = tokenizer.picture_of(latent)?;
                    Ok::<_, ModelError>((inspired_by.entry, Arc::new(picture)))
                };
                decoded.push(pictures.find_or_make(|known| *known == inspired_by.entry, decode)?);
            }
            let decoded: Vec<&RgbaImage> = decoded.iter().map(AsRef::as_ref).collect();
            let ids = tokenizer.ids_of(&beside::side_by_side(&decoded, *image_size_px))?;
            Ok::<_, ModelError>((names().collect(), row_of(&ids)))
        };
        let ids = joined.find_or_make(|known| known.iter().copied().eq(names()), lay)?;
        let parts: Vec<&InspiredBy> = parts.iter().map(|part| &part.inspired_by).collect();
        Ok(about(&parts, ids))
    }
}

/// What there is to say of parts that are one picture now.
fn about(parts: &[&InspiredBy], ids: Arc<[u16]>) -> InspiredBy {
    let captions: Vec<&str> = parts.iter().map(|part| part.caption.as_str()).collect();
    let (last, others) = captions.split_last().expect("there are parts");
    let all_of = |text: fn(&InspiredBy) -> &str| {
        let mut texts: Vec<&str> = Vec::with_capacity(parts.len());
        for text in parts.iter().map(|part| text(part)).filter(|text| !text.is_empty()) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    };
    let styles = all_of(|part| &part.style);
    InspiredBy {
        slot: parts[0].slot,
        entry: EntryId::of(ids.iter().copied()),
        caption: format!("{} and {last}", others.join(", ")),
        style: if let [style] = styles[..] { style.to_owned() } else { String::new() },
        source: all_of(|part| &part.source).join("; "),
        licence: all_of(|part| &part.licence).join("; "),
        // As well as the thing that fits least.
        similarity: parts.iter().filter_map(|part| part.similarity).reduce(f32::min),
        memory: all_of(|part| &part.memory).join(", "),
        provenance: Provenance::Joined,
        ids,
    }
}
