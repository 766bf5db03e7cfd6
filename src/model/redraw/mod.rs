//! Redraws remembered pictures in another style, the user's or one of the memory that a prompt names:
//! every cell of a latent is replaced by the cell, of pictures in that style, that shows most nearly
//! the same.
//!
//! Why: the network takes shape *and* look from what it remembers. Pictures of other things alone
//! cost the subject, pictures of the subject alone the style. A picture of the subject that is put
//! together of cells of pictures in the style has both.

mod cells;
mod probe;

use std::sync::{Arc, OnceLock, Weak};

use candle_core::Tensor;
use rayon::prelude::*;

use self::probe::Probe;
use super::ModelError;
use super::memory::{OwnKeys, PictureMemory};
use super::recent::Recent;
use super::tokenizer::Tokenizer;
use crate::protocol::{EntryId, OwnMemory};

/// Pictures in the style that cells are taken from, evenly among all. More make no visible
/// difference and take longer to search.
const N_PICTURES: usize = 64;
/// Styles whose cells are kept, at a few megabytes each.
const N_PALETTES: usize = 3;
/// Redrawn pictures kept, a kilobyte each.
const CACHE_SIZE: usize = 64;

/// Who draws: whose pictures the cells are taken from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hand<'a> {
    /// The user, of whose memories these are.
    User(&'a [OwnKeys]),
    /// Those whose pictures in the model's memory are in this style.
    Style(&'a str),
}

impl Hand<'_> {
    /// As the window names it.
    pub(super) fn name(self) -> String {
        match self {
            Self::User(own) => {
                let names: Vec<&str> = own.iter().map(|own| own.memory.name.as_str()).collect();
                names.join(", ")
            }
            Self::Style(style) => format!("{style} style"),
        }
    }

    /// Whether an entry of the model's memory in this style is drawn by this hand.
    pub(super) fn drew(self, style: &str) -> bool {
        matches!(self, Self::Style(own) if own == style)
    }
}

/// A [`Hand`] as caches know it.
#[derive(Debug)]
enum KnownHand {
    /// By allocation, as a snapshot never changes.
    User(Vec<Weak<OwnMemory>>),
    Style(String),
}

impl KnownHand {
    fn of(hand: Hand<'_>) -> Self {
        match hand {
            Hand::User(own) => {
                Self::User(own.iter().map(|own| Arc::downgrade(&own.memory)).collect())
            }
            Hand::Style(style) => Self::Style(style.to_owned()),
        }
    }

    fn is(&self, hand: Hand<'_>) -> bool {
        match (self, hand) {
            (Self::User(known), Hand::User(own)) => {
                known.len() == own.len()
                    && known
                        .iter()
                        .zip(own)
                        .all(|(known, own)| known.as_ptr() == Arc::as_ptr(&own.memory))
            }
            (Self::Style(known), Hand::Style(style)) => known == style,
            _ => false,
        }
    }
}

/// Makes a remembered picture look as another hand would draw it.
#[derive(Debug)]
pub(super) struct Redraw {
    image_size_px: usize,
    /// Fitted when it is first needed; `None` within if this model has none.
    probe: OnceLock<Option<Arc<Probe>>>,
    palettes: Recent<KnownHand, Arc<Palette>>,
    n_palettes: u64,
    redrawn: Recent<(EntryId, u64), Arc<[u16]>>,
}

/// Cells of the pictures in a style.
#[derive(Debug)]
struct Palette {
    /// Tells palettes apart.
    number: u64,
    /// Descriptions, one column per cell: (features, cells).
    described: Tensor,
    /// Half the squared length of each description.
    half_squares: Vec<f32>,
    /// Latents of the cells: (cells, Z).
    latents: Tensor,
}

impl Redraw {
    pub(super) fn new(image_size_px: usize) -> Self {
        Self {
            image_size_px,
            probe: OnceLock::new(),
            palettes: Recent::new(N_PALETTES),
            n_palettes: 0,
            redrawn: Recent::new(CACHE_SIZE),
        }
    }

    /// Ids of an entry of the model's memory as `hand` would draw it; its own ids if there is
    /// nothing to go by. The same pictures give the same ids.
    ///
    /// # Errors
    /// What the computation reports.
    pub(super) fn ids(
        &mut self,
        entry_idx: usize,
        memory: &PictureMemory,
        hand: Hand<'_>,
        tokenizer: &Tokenizer,
    ) -> Result<Arc<[u16]>, ModelError> {
        let Some(palette) = self.palette(memory, hand, tokenizer)? else {
            return Ok(memory.shared_ids(entry_idx));
        };
        let key = (memory.id(entry_idx), palette.number);
        if let Some(ids) = self.redrawn.find(|known| *known == key) {
            return Ok(ids);
        }
        let latent = tokenizer.f_hat_from_ids(&[memory.ids(entry_idx)])?;
        let probe = self.probe(memory, tokenizer)?.expect("a palette was described by it");
        let redrawn = palette.redraw(&latent, &probe)?;
        let ids = tokenizer.quantize(&redrawn)?.into_iter().flatten().flatten();
        let ids: Arc<[u16]> = ids.map(|id| id as u16).collect();
        self.redrawn.put(key, Arc::clone(&ids));
        Ok(ids)
    }

    fn probe(
        &mut self,
        memory: &PictureMemory,
        tokenizer: &Tokenizer,
    ) -> Result<Option<Arc<Probe>>, ModelError> {
        if let Some(probe) = self.probe.get() {
            return Ok(probe.clone());
        }
        let probe = Probe::fit(memory, self.image_size_px, tokenizer)?.map(Arc::new);
        Ok(self.probe.get_or_init(|| probe).clone())
    }

    fn palette(
        &mut self,
        memory: &PictureMemory,
        hand: Hand<'_>,
        tokenizer: &Tokenizer,
    ) -> Result<Option<Arc<Palette>>, ModelError> {
        if let Some(palette) = self.palettes.find(|known| known.is(hand)) {
            return Ok(Some(palette));
        }
        let pictures = match hand {
            Hand::User(own) => {
                let all = own.iter().flat_map(|own| {
                    (0..own.memory.entries.len()).map(|entry_idx| own.memory.ids_of(entry_idx))
                });
                evenly(&all.collect::<Vec<_>>())
                    .map(|ids| ids.iter().map(|id| u32::from(*id)).collect())
                    .collect()
            }
            Hand::Style(style) => {
                let all: Vec<usize> = memory.in_style(style).collect();
                evenly(&all).map(|entry_idx| memory.ids(*entry_idx)).collect()
            }
        };
        let Some(probe) = self.probe(memory, tokenizer)? else { return Ok(None) };
        let Some(palette) = Palette::of(pictures, self.n_palettes, &probe, tokenizer)? else {
            return Ok(None);
        };
        self.n_palettes += 1;
        let palette = Arc::new(palette);
        self.palettes.put(KnownHand::of(hand), Arc::clone(&palette));
        Ok(Some(palette))
    }
}

/// Up to [`N_PICTURES`] of all, as far apart as they can be.
fn evenly<T>(all: &[T]) -> impl Iterator<Item = &T> {
    let n = all.len().min(N_PICTURES);
    (0..n).map(move |i| &all[i * all.len() / n])
}

impl Palette {
    /// `None` if there are no pictures.
    fn of(
        pictures: Vec<Vec<u32>>,
        number: u64,
        probe: &Probe,
        tokenizer: &Tokenizer,
    ) -> Result<Option<Self>, ModelError> {
        if pictures.is_empty() {
            return Ok(None);
        }
        let latents = tokenizer.f_hat_from_ids(&pictures)?;
        let described = probe.describe(&latents)?;
        let squares: Vec<f32> = described.sqr()?.sum(1)?.to_vec1()?;
        let (_, channels, _, _) = latents.dims4()?;
        let latents = latents.permute((0, 2, 3, 1))?.contiguous()?.reshape(((), channels))?;
        Ok(Some(Self {
            number,
            described: described.t()?.contiguous()?,
            half_squares: squares.into_iter().map(|square| 0.5 * square).collect(),
            latents,
        }))
    }

    /// (1, Z, G, G) → the same shape.
    fn redraw(&self, latent: &Tensor, probe: &Probe) -> Result<Tensor, ModelError> {
        // The nearest has the largest q·d − |d|²/2.
        let products = probe.describe(latent)?.matmul(&self.described)?.to_vec2::<f32>()?;
        let nearest = |products: &Vec<f32>| {
            let scores = products.iter().zip(&self.half_squares).map(|(dot, half)| dot - half);
            let best = scores.enumerate().fold((0, f32::NEG_INFINITY), |best, (idx, score)| {
                if score > best.1 { (idx, score) } else { best }
            });
            best.0 as u32
        };
        let cells: Vec<u32> = products.par_iter().map(nearest).collect();
        let (_, channels, height, width) = latent.dims4()?;
        let cells = Tensor::from_vec(cells, height * width, latent.device())?;
        let drawn = self.latents.index_select(&cells, 0)?;
        Ok(drawn.reshape((1, height, width, channels))?.permute((0, 3, 1, 2))?.contiguous()?)
    }
}
