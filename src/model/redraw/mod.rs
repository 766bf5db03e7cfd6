//! Redraws remembered pictures in another style, the user's or one of the memory that a prompt names:
//! every cell of a latent is replaced by a cell, of pictures in that style, that shows nearly the same
//! and fits those beside it.
//!
//! Why: the network takes shape *and* look from what it remembers. Pictures of other things alone
//! cost the subject, pictures of the subject alone the style. A picture of the subject that is put
//! together of cells of pictures in the style has both.

mod cells;
mod probe;
mod seams;

use std::sync::{Arc, OnceLock, Weak};

use candle_core::Tensor;
use rayon::prelude::*;

use self::probe::Probe;
use self::seams::Cells;
use super::ModelError;
use super::memory::{OwnKeys, PictureMemory, alike};
use super::recent::Recent;
use super::tokenizer::Tokenizer;
use crate::protocol::{EntryId, OwnMemory};

/// Pictures in the style that cells are taken from: evenly among all of the user, the nearest in a
/// style of the memory. More make no visible difference and take longer to search.
const N_PICTURES: usize = 64;
/// Sets of memories of the user whose cells are kept, at a few megabytes each.
const N_PALETTES: usize = 2;
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

/// Makes a remembered picture look as another hand would draw it.
#[derive(Debug)]
pub(super) struct Redraw {
    image_size_px: usize,
    /// Fitted when it is first needed; `None` within if this model has none.
    probe: OnceLock<Option<Arc<Probe>>>,
    /// Of the user, by allocation, as a snapshot never changes.
    palettes: Recent<Vec<Weak<OwnMemory>>, Arc<Palette>>,
    n_palettes: u64,
    redrawn: Recent<(EntryId, By), Arc<[u16]>>,
}

/// Who redrew a picture, as the cache knows it.
#[derive(Debug, PartialEq)]
enum By {
    /// The number of the user's palette.
    User(u64),
    Style(String),
}

/// Cells of the pictures in a style.
#[derive(Debug)]
struct Palette {
    /// Tells those of the user apart.
    number: u64,
    /// Descriptions, one column per cell: (features, cells).
    described: Tensor,
    /// The squared length of each description.
    squares: Vec<f32>,
    cells: Cells,
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
        match hand {
            Hand::User(own) => {
                let Some(palette) = self.palette(memory, own, tokenizer)? else {
                    return Ok(memory.shared_ids(entry_idx));
                };
                let by = By::User(palette.number);
                self.redrawn(entry_idx, memory, by, tokenizer, |_| Ok(Some(palette)))
            }
            Hand::Style(style) => {
                let by = By::Style(style.to_owned());
                self.redrawn(entry_idx, memory, by, tokenizer, |probe| {
                    // Things like the entry have its colours.
                    let alike = alike(memory, entry_idx, style, N_PICTURES).into_iter();
                    let pictures: Vec<Vec<u32>> = alike.map(|alike| memory.ids(alike)).collect();
                    Ok(Palette::of(&pictures, 0, probe, tokenizer)?.map(Arc::new))
                })
            }
        }
    }

    /// Ids of an entry in the cells of a palette, which is asked for if they are not known.
    fn redrawn(
        &mut self,
        entry_idx: usize,
        memory: &PictureMemory,
        by: By,
        tokenizer: &Tokenizer,
        palette: impl FnOnce(&Probe) -> Result<Option<Arc<Palette>>, ModelError>,
    ) -> Result<Arc<[u16]>, ModelError> {
        let key = (memory.id(entry_idx), by);
        if let Some(ids) = self.redrawn.find(|known| *known == key) {
            return Ok(ids);
        }
        let as_it_is = || Ok(memory.shared_ids(entry_idx));
        let Some(probe) = self.probe(memory, tokenizer)? else { return as_it_is() };
        let Some(palette) = palette(&probe)? else { return as_it_is() };
        let latent = tokenizer.f_hat_from_ids(&[memory.ids(entry_idx)])?;
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
        own: &[OwnKeys],
        tokenizer: &Tokenizer,
    ) -> Result<Option<Arc<Palette>>, ModelError> {
        let is_of = |known: &Vec<Weak<OwnMemory>>| {
            known.len() == own.len()
                && known
                    .iter()
                    .zip(own)
                    .all(|(known, own)| known.as_ptr() == Arc::as_ptr(&own.memory))
        };
        if let Some(palette) = self.palettes.find(is_of) {
            return Ok(Some(palette));
        }
        let all: Vec<&[u16]> = own
            .iter()
            .flat_map(|own| (0..own.memory.entries.len()).map(|idx| own.memory.ids_of(idx)))
            .collect();
        let n = all.len().min(N_PICTURES);
        let chosen =
            (0..n).map(|i| all[i * all.len() / n].iter().map(|id| u32::from(*id)).collect());
        let pictures: Vec<Vec<u32>> = chosen.collect();
        let Some(probe) = self.probe(memory, tokenizer)? else { return Ok(None) };
        let Some(palette) = Palette::of(&pictures, self.n_palettes, &probe, tokenizer)? else {
            return Ok(None);
        };
        self.n_palettes += 1;
        let palette = Arc::new(palette);
        let key = own.iter().map(|own| Arc::downgrade(&own.memory)).collect();
        self.palettes.put(key, Arc::clone(&palette));
        Ok(Some(palette))
    }
}

impl Palette {
    /// `None` if there are no pictures.
    fn of(
        pictures: &[Vec<u32>],
        number: u64,
        probe: &Probe,
        tokenizer: &Tokenizer,
    ) -> Result<Option<Self>, ModelError> {
        if pictures.is_empty() {
            return Ok(None);
        }
        let latents = tokenizer.f_hat_from_ids(pictures)?;
        let described = probe.describe(&latents)?;
        let squares: Vec<f32> = described.sqr()?.sum(1)?.to_vec1()?;
        let (_, channels, _, side) = latents.dims4()?;
        let latents = latents.permute((0, 2, 3, 1))?.flatten_all()?.to_vec1()?;
        let cells = Cells { side, channels, latents };
        Ok(Some(Self { number, described: described.t()?.contiguous()?, squares, cells }))
    }

    /// (1, Z, G, G) → the same shape.
    fn redraw(&self, latent: &Tensor, probe: &Probe) -> Result<Tensor, ModelError> {
        let products = probe.describe(latent)?.matmul(&self.described)?.to_vec2::<f32>()?;
        // Squared distances, less what is the same for all cells of the palette.
        let cost = |(product, square): (&f32, &f32)| square - 2.0 * product;
        let costs = |products: &Vec<f32>| products.iter().zip(&self.squares).map(cost).collect();
        let costs: Vec<Vec<f32>> = products.par_iter().map(costs).collect();
        let Cells { side, channels, latents } = &self.cells;
        let chosen = self.cells.arrange(&costs).into_iter();
        let drawn: Vec<f32> =
            chosen.flat_map(|cell| &latents[cell * channels..][..*channels]).copied().collect();
        let drawn = Tensor::from_vec(drawn, (1, *side, *side, *channels), latent.device())?;
        Ok(drawn.permute((0, 3, 1, 2))?.contiguous()?)
    }
}
