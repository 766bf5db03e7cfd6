//! Which remembered pictures fit a prompt: the best matches are candidates, and each seed draws
//! its own few of them. Pure; looks at texts only, never at pictures.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use rayon::prelude::*;

use super::PictureMemory;
use crate::model::config::MemoryConfig;
use crate::protocol::{EntryId, Inspiration, MemoryRequest};

/// Keys compared by one task.
const CHUNK: usize = 1024;
/// Fixed point of the prompt's vector. With signed bytes in the keys, products of two vectors of
/// these lengths stay far inside 32 bits.
const PROMPT_ONE: f32 = 32_767.0;

/// The entries that match a prompt best; from these, slots are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidates {
    /// Most similar first.
    matches: Vec<Match>,
    free_slots: Vec<usize>,
    draw_temperature: f32,
}

/// An entry drawn for a slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retrieved {
    pub slot: usize,
    pub entry_idx: usize,
    pub entry: EntryId,
    /// Cosine of the prompt's and the entry's text vectors, −1 to 1.
    pub similarity: f32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Match {
    entry_idx: usize,
    id: EntryId,
    similarity: f32,
}

impl Candidates {
    /// Compares `prompt`, a text vector of the keys' size and any length, with every entry.
    ///
    /// Entries that are banned, chosen by hand already or show the same picture as a better match
    /// are passed over; the next best take their place. There are none if retrieval is off.
    pub fn find(
        memory: &PictureMemory,
        prompt: &[f32],
        config: &MemoryConfig,
        request: &MemoryRequest,
    ) -> Self {
        let is_taken = |slot: &usize| request.chosen.iter().any(|(chosen, _)| chosen == slot);
        let free_slots: Vec<usize> = (0..config.slots).filter(|slot| !is_taken(slot)).collect();
        let mut matches: Vec<Match> = Vec::new();
        if request.retrieval && !free_slots.is_empty() {
            let is_chosen = |id| {
                request.chosen.iter().any(|(_, inspiration)| *inspiration == Inspiration::Entry(id))
            };
            let mut ranking = Ranking::new(&similarities(memory, prompt));
            while matches.len() < config.candidates
                && let Some((entry_idx, similarity)) = ranking.next()
            {
                let id = memory.id(entry_idx);
                let is_repeated = matches.iter().any(|better| better.id == id);
                if !request.banned.contains(&id) && !is_chosen(id) && !is_repeated {
                    matches.push(Match { entry_idx, id, similarity });
                }
            }
        }
        Self { matches, free_slots, draw_temperature: config.draw_temperature }
    }

    /// Draws entries for the free slots without replacement, with probability proportional to
    /// exp(similarity / temperature), and puts them there in order of similarity. Slots stay empty
    /// if there are too few candidates. The same seed draws the same.
    pub fn draw(&self, seed: u64) -> Vec<Retrieved> {
        let best = self.matches.first().map_or(0.0, |best| best.similarity);
        // The highest sums of log-weight and Gumbel noise are a draw without replacement.
        let score = |candidate: &Match| {
            let log_weight = f64::from((candidate.similarity - best) / self.draw_temperature);
            log_weight + gumbel_noise(seed, candidate.id)
        };
        let mut drawn: Vec<(usize, f64)> = if self.draw_temperature > 0.0 {
            self.matches.iter().map(score).enumerate().collect()
        } else {
            self.matches
                .iter()
                .map(|candidate| f64::from(candidate.similarity))
                .enumerate()
                .collect()
        };
        drawn.sort_by(|a, b| b.1.total_cmp(&a.1));
        drawn.truncate(self.free_slots.len());
        drawn.sort_by_key(|(rank, _)| *rank);
        let matches = drawn.iter().map(|(rank, _)| self.matches[*rank]);
        let slots = self.free_slots.iter().zip(matches);
        slots
            .map(|(slot, Match { entry_idx, id, similarity })| Retrieved {
                slot: *slot,
                entry_idx,
                entry: id,
                similarity,
            })
            .collect()
    }
}

/// Cosine of `prompt` with every key; 0 where either has no direction.
///
/// Products are computed in whole numbers, so that every machine ranks alike.
fn similarities(memory: &PictureMemory, prompt: &[f32]) -> Vec<f32> {
    let key_dim = memory.key_dim();
    assert_eq!(prompt.len(), key_dim, "the memory was opened for this model's text encoder");
    let length = prompt.iter().map(|value| value * value).sum::<f32>().sqrt();
    // A vector of zeros or of values that are not numbers becomes zeros here.
    let prompt: Vec<i16> =
        prompt.iter().map(|value| (value / length * PROMPT_ONE).round() as i16).collect();
    let mut similarities = vec![0.0; memory.len()];
    let keys = memory.keys().par_chunks(CHUNK * key_dim);
    let lengths = memory.key_lengths().par_chunks(CHUNK);
    similarities.par_chunks_mut(CHUNK).zip(keys).zip(lengths).for_each(
        |((similarities, keys), lengths)| {
            let keys = keys.chunks_exact(key_dim).zip(lengths);
            for (similarity, (key, length)) in similarities.iter_mut().zip(keys) {
                if *length > 0.0 {
                    let cosine = dot(&prompt, key) as f32 / (PROMPT_ONE * length);
                    *similarity = cosine.clamp(-1.0, 1.0);
                }
            }
        },
    );
    similarities
}

/// Σ a·b. The sum fits into 32 bits (see [`PROMPT_ONE`]); asking for no check of that lets compilers
/// use multiply-add instructions of 16 bits also in builds that check.
fn dot(a: &[i16], b: &[i8]) -> i32 {
    a.iter().zip(b).fold(0_i32, |sum, (a, b)| {
        sum.wrapping_add(i32::from(*a).wrapping_mul(i32::from(i16::from(*b))))
    })
}

/// Standard Gumbel noise that belongs to a seed and a picture: a ban or an edit of the prompt does
/// not change the luck of the other candidates.
fn gumbel_noise(seed: u64, id: EntryId) -> f64 {
    let bits = mix(mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ id.0);
    let uniform = ((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    -(-uniform.ln()).ln()
}

/// The finaliser of SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Entries by falling similarity, of equals the earlier; sorts only as far as it is asked.
struct Ranking {
    heap: BinaryHeap<(Similarity, Reverse<usize>)>,
}

impl Ranking {
    fn new(similarities: &[f32]) -> Self {
        let keyed = similarities.iter().enumerate();
        let entries: Vec<_> =
            keyed.map(|(idx, value)| (Similarity(*value), Reverse(idx))).collect();
        Self { heap: BinaryHeap::from(entries) }
    }
}

impl Iterator for Ranking {
    type Item = (usize, f32);

    fn next(&mut self) -> Option<Self::Item> {
        self.heap.pop().map(|(Similarity(value), Reverse(entry_idx))| (entry_idx, value))
    }
}

#[derive(PartialEq)]
struct Similarity(f32);

impl Eq for Similarity {}

impl Ord for Similarity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Similarity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests;
