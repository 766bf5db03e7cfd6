//! Recognises a picture that a memory has already, whatever its size and format.
//!
//! Two steps, because pictures of one set differ in small things: faces by a mouth, hearts by their
//! colour alone. A perceptual hash over the fitted picture, once of its light on grey paper and once
//! of its transparency, finds the few entries that may be it, among 100,000 in well under a
//! millisecond. Each of those is then compared at [`GRID_PX`] with tolerances that resizing and JPEG
//! keep, and a mouth does not.

use std::collections::HashMap;

use image::{DynamicImage, GrayImage};
use image_hasher::{FilterType, HashAlg, Hasher, HasherConfig};

use crate::imaging::RgbaImage;
use crate::imaging::composite::over_paper;
use crate::imaging::resample::{self, Filter, Premultiplied, Region};
use crate::protocol::RememberedId;

/// Side of each hash, in bits.
const HASH_SIDE: u32 = 16;
/// Of 256 bits, 144 are in use.
const N_HASH_WORDS: usize = (HASH_SIDE * HASH_SIDE / 64) as usize;
const N_WORDS: usize = 2 * N_HASH_WORDS;
/// Bits in which hashes of one picture may differ. This and the tolerances below were measured on
/// 131 pictures of `@iconify-json/openmoji`: fitted from 200, 128 and 72 pixels and from bad
/// JPEG, differ by at most 11, 12, 24 and mostly 10 bits. All copies of 128 pixels are
/// known, of 72 pixels seven in ten, and no two pictures of the set are taken for one another.
const MAX_DISTANCE: u32 = 28;
/// Entries that are compared by their pixels at most, the most alike first.
const MAX_COMPARED: usize = 24;
/// Side at which pictures are compared.
const GRID_PX: usize = 32;
/// Greatest difference of a cell, of 1 for black and white: a copy of 128 pixels has 0.38 at most;
/// of two pictures that are the most alike, a clock at nine and at half past six, it is 0.64 …
const MAX_CELL: f32 = 0.45;
/// … of all cells on average: 0.027 at most, and clocks and faces have as little …
const MAX_MEAN: f32 = 0.03;
/// … and of one colour, where the picture is. Rims cancel out; another tone of skin is 0.05 and more.
const MAX_BIAS: f32 = 0.03;
const GREY: [u8; 3] = [128; 3];

/// What a picture looks like, in few bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint([u64; N_WORDS]);

impl Fingerprint {
    /// As it is stored: words, the low byte first.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        self.0.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let words: &[[u8; 8]; N_WORDS] = bytes.as_chunks().0.try_into().ok()?;
        (bytes.len() == 8 * N_WORDS).then(|| Self(words.map(u64::from_le_bytes)))
    }

    /// Whether both may be of the same picture.
    pub(super) fn is_near(&self, other: &Self) -> bool {
        self.distance(other) <= MAX_DISTANCE
    }

    /// Bits in which two differ.
    pub(super) fn distance(&self, other: &Self) -> u32 {
        self.0.iter().zip(&other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

/// Makes fingerprints.
pub(super) struct Fingerprinter {
    hasher: Hasher<[u8; 32]>,
}

impl Fingerprinter {
    pub(super) fn new() -> Self {
        let hasher = HasherConfig::with_bytes_type::<[u8; 32]>()
            .hash_size(HASH_SIDE, HASH_SIDE)
            .hash_alg(HashAlg::DoubleGradient)
            .resize_filter(FilterType::Triangle)
            .to_hasher();
        Self { hasher }
    }

    /// The fingerprint of a fitted picture, straight alpha.
    pub(super) fn of(&self, fitted: &RgbaImage) -> Fingerprint {
        let light = DynamicImage::ImageRgba8(over_paper(fitted, GREY)).into_luma8();
        let (width, height) = fitted.dimensions();
        let alpha =
            GrayImage::from_fn(width, height, |x, y| image::Luma([fitted.get_pixel(x, y).0[3]]));
        let mut words = [0; N_WORDS];
        for (words, plane) in words.chunks_exact_mut(N_HASH_WORDS).zip([light, alpha]) {
            let hash = self.hasher.hash_image(&plane);
            for (word, bytes) in words.iter_mut().zip(hash.as_bytes().as_chunks().0) {
                *word = u64::from_le_bytes(*bytes);
            }
        }
        Fingerprint(words)
    }
}

/// All fingerprints of a memory.
#[derive(Debug, Default)]
pub(super) struct Fingerprints {
    known: Vec<(RememberedId, Fingerprint)>,
}

impl Fingerprints {
    pub(super) fn push(&mut self, id: RememberedId, fingerprint: Fingerprint) {
        self.known.push((id, fingerprint));
    }

    /// Entries that may be the same picture, the most alike first; for the rest see [`Grid::is_same`].
    pub(super) fn like(&self, fingerprint: &Fingerprint) -> Vec<RememberedId> {
        let mut found: Vec<(u32, RememberedId)> = self
            .known
            .iter()
            .map(|(id, known)| (known.distance(fingerprint), *id))
            .filter(|(distance, _)| *distance <= MAX_DISTANCE)
            .collect();
        found.sort_unstable();
        found.truncate(MAX_COMPARED);
        found.into_iter().map(|(_, id)| id).collect()
    }
}

/// A fitted picture reduced for comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grid(Vec<Premultiplied>);

impl Grid {
    pub(super) fn of(fitted: &RgbaImage) -> Self {
        let size = (GRID_PX, GRID_PX);
        Self(resample::resize(fitted, Region::whole(fitted), size, Filter::Area))
    }

    /// Whether both show the same picture.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let (mut greatest, mut sum) = (0.0_f32, 0.0);
        let (mut bias, mut coverage) = ([0.0_f32; 3], 0.0);
        for (a, b) in self.0.iter().zip(&other.0) {
            for (a, b) in a.iter().zip(b) {
                greatest = greatest.max((a - b).abs());
                sum += (a - b).abs();
            }
            for (bias, (a, b)) in bias.iter_mut().zip(a.iter().zip(b)) {
                *bias += a - b;
            }
            coverage += f32::midpoint(a[3], b[3]);
        }
        let bias = bias.iter().fold(0.0_f32, |most, bias| most.max(bias.abs()));
        greatest <= MAX_CELL
            && sum / ((4 * GRID_PX * GRID_PX) as f32) <= MAX_MEAN
            && bias <= MAX_BIAS * coverage
    }
}

/// Grids of the entries that were compared last, because copies come in bunches.
#[derive(Debug, Default)]
pub(super) struct RecentGrids {
    grids: HashMap<RememberedId, Grid>,
}

impl RecentGrids {
    const MAX: usize = 4096;

    pub(super) fn get(&self, id: RememberedId) -> Option<&Grid> {
        self.grids.get(&id)
    }

    pub(super) fn insert(&mut self, id: RememberedId, grid: Grid) {
        if self.grids.len() >= Self::MAX {
            self.grids.clear();
        }
        self.grids.insert(id, grid);
    }
}
