//! What steers a picture between its scales: scales that are given, places that are locked, and
//! errands, which turn pictures into ids and back without drawing anything.

use std::sync::Arc;

use super::{InspiredBy, MemoryRequest, PictureIds};
use crate::imaging::RgbaImage;
use crate::imaging::metadata::SourceRecord;

/// Scales that are given, not drawn: what was drawn before a stop, what is kept while the rest is
/// drawn with another seed, or a picture that was encoded.
///
/// Noise belongs to its place, so with the seed and settings of the run that they come from, the
/// scales after them have the bytes of that run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Per seed, coarse to fine; the same number of scales for each, from 1 to all.
    pub ids: Arc<Vec<PictureIds>>,
    /// The seed of each given scale, for the picture's file; those that are missing have the seed
    /// of the run that they are given to.
    pub seeds: Vec<u64>,
    /// The picture that the coarsest of them were encoded from.
    pub source: Option<SourceRecord>,
}

impl Given {
    /// The first `n_scales` of one picture.
    pub fn prefix(ids: &PictureIds, n_scales: usize) -> Self {
        let ids = ids[..n_scales.min(ids.len())].to_vec();
        Self { ids: Arc::new(vec![ids]), seeds: Vec::new(), source: None }
    }

    /// Says which seeds they were drawn with.
    #[must_use]
    pub fn drawn_with(self, seeds: &[u64]) -> Self {
        let seeds = seeds[..seeds.len().min(self.n_scales())].to_vec();
        Self { seeds, ..self }
    }

    /// Says which picture the coarsest `n_scales` were encoded from.
    #[must_use]
    pub fn encoded_from(self, name: &str, n_scales: usize) -> Self {
        let n_scales = n_scales.min(self.n_scales());
        let source = (n_scales > 0).then(|| SourceRecord { name: name.to_owned(), n_scales });
        Self { source, ..self }
    }

    pub fn n_scales(&self) -> usize {
        self.ids.first().map_or(0, Vec::len)
    }
}

/// Places where an earlier picture stays while the rest is drawn anew. Its ids are forced wherever
/// a token touches them, more generously on coarse scales; decoded, both pictures are blended in
/// pixels along the seam.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The earlier picture; scales that it does not have are free.
    pub ids: Arc<PictureIds>,
    pub mask: Arc<LockMask>,
    /// What was locked when the earlier picture was made: its pixels are those that stay.
    pub beneath: Option<Arc<Lock>>,
}

/// How firmly each pixel is locked: 255 wholly, 0 free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockMask {
    pub size_px: usize,
    /// `size_px` × `size_px`, row by row.
    pub coverage: Vec<u8>,
}

/// Number of an errand, rising in the order asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrandId(pub u64);

/// Something small that the model does between two jobs, in the order asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Errand {
    /// Finds the ids of a picture of any size (it is fitted), straight alpha, and decodes them.
    Encode { picture: Arc<RgbaImage> },
    /// Decodes ids at every scale that they have.
    Decode { ids: Arc<PictureIds>, lock: Option<Lock> },
    /// Finds the `n` remembered pictures that fit a text best, in the memories of the request, own
    /// ones included, without those that it bans; slots and what is chosen for them do not matter.
    /// Answered by [`super::Event::Candidates`]; what they look like follows as
    /// [`super::Event::Thumbnail`]s, when there is nothing else to do.
    Candidates { text: String, memory: MemoryRequest, n: usize },
    /// Has what remembered pictures look like sent, as for candidates. Answered like a search that
    /// found just these.
    Look { pictures: Vec<InspiredBy> },
}

/// A picture as ids, and decoded after each of its scales, coarse to fine.
#[derive(Debug, Clone, PartialEq)]
pub struct Stills {
    pub ids: Arc<PictureIds>,
    pub images: Vec<Arc<RgbaImage>>,
}
