//! Which remembered pictures fit a prompt: the best matches are candidates, and each seed draws
//! its own few of them. Pure; looks at texts only, never at pictures.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use rayon::prelude::*;

use super::PictureMemory;
use super::own::OwnKeys;
use super::policy::{self, Policy};
use crate::model::config::MemoryConfig;
use crate::protocol::{EntryId, MemoryRequest};

/// Keys compared by one task.
const CHUNK: usize = 1024;
/// Fixed point of the prompt's vector. With signed bytes in the keys, products of two vectors of
/// these lengths stay far inside 32 bits.
const PROMPT_ONE: f32 = 32_767.0;

/// Where remembered pictures are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The model's own memory.
    pub memory: &'a PictureMemory,
    /// The user's memories.
    pub own: &'a [OwnKeys],
    /// Entries that are left out.
    pub banned: &'a [EntryId],
    /// Entries that are looked at already, and so are left out as well.
    pub chosen: &'a [EntryId],
}

/// The entries that match a prompt best; from these, slots are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidates {
    /// Of the user's memories, most similar first.
    own: Vec<Match>,
    /// Of the model's memory, most similar first.
    model: Vec<Match>,
    /// How many of the free slots the user's memories fill.
    n_own_slots: usize,
    is_redrawn: bool,
    free_slots: Vec<usize>,
    draw_temperature: f32,
}

/// Where an entry lies. In the order in which equally similar entries are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In a memory of the user.
    Own { memory_idx: usize, entry_idx: usize },
    /// In the model's memory.
    Model { entry_idx: usize },
}

/// Which memories are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Own,
    Model,
}

/// An entry drawn for a slot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retrieved {
    pub slot: usize,
    pub found: Match,
}

/// An entry that was compared with a prompt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    pub place: Place,
    pub entry: EntryId,
    /// Cosine of the prompt's and the entry's text vectors, −1 to 1.
    pub similarity: f32,
}

impl Search<'_> {
    /// The `n` entries most similar to `prompt`, a text vector of the keys' size and any length,
    /// most similar first; of equals those of the user's memories first.
    ///
    /// Entries that are left out or show the same picture as a better match are passed over; the
    /// next best take their place.
    pub fn best(&self, prompt: &[f32], n: usize) -> Vec<Match> {
        self.ranked(Scope::All, &fixed_point(prompt), &[], n)
    }

    /// The same within some of the memories, without those `known` already.
    fn ranked(&self, scope: Scope, prompt: &[i16], known: &[Match], n: usize) -> Vec<Match> {
        let mut entries = Vec::new();
        if scope != Scope::Model {
            for (memory_idx, own) in self.own.iter().enumerate() {
                let similarities = similarities(own.keys(), prompt).into_iter().enumerate();
                entries.extend(similarities.map(|(entry_idx, value)| {
                    (Similarity(value), Reverse(Place::Own { memory_idx, entry_idx }))
                }));
            }
        }
        if scope != Scope::Own {
            let similarities = similarities(self.memory.keys(), prompt).into_iter().enumerate();
            entries.extend(similarities.map(|(entry_idx, value)| {
                (Similarity(value), Reverse(Place::Model { entry_idx }))
            }));
        }
        // Sorts only as far as it is asked.
        let mut ranking = BinaryHeap::from(entries);
        let mut matches: Vec<Match> = Vec::new();
        while matches.len() < n
            && let Some((Similarity(similarity), Reverse(place))) = ranking.pop()
        {
            let entry = self.entry(place);
            let is_left_out = self.banned.contains(&entry) || self.chosen.contains(&entry);
            let is_repeated = known.iter().chain(&matches).any(|better| better.entry == entry);
            if !is_left_out && !is_repeated {
                matches.push(Match { place, entry, similarity });
            }
        }
        matches
    }

    /// Whether an entry shows all `things` that a prompt joins: it fits the prompt well, and better
    /// than any of them. A "cactus, cartoon style" fits "a robot and a cactus, cartoon style" well,
    /// but the cactus still better.
    fn shows_all(&self, found: &Match, things: &[&[f32]]) -> bool {
        let similarity_to = |thing: &&[f32]| {
            let (keys, entry_idx) = match found.place {
                Place::Own { memory_idx, entry_idx } => (self.own[memory_idx].keys(), entry_idx),
                Place::Model { entry_idx } => (self.memory.keys(), entry_idx),
            };
            similarities(keys.only(entry_idx), &fixed_point(thing))[0]
        };
        found.similarity >= Policy::DEFAULT.min_whole
            && things.iter().all(|thing| similarity_to(thing) <= found.similarity)
    }

    /// Pictures of the user.
    fn n_own(&self) -> usize {
        self.own.iter().map(|own| own.memory.entries.len()).sum()
    }

    fn entry(&self, place: Place) -> EntryId {
        match place {
            Place::Own { memory_idx, entry_idx } => {
                self.own[memory_idx].memory.entries[entry_idx].entry
            }
            Place::Model { entry_idx } => self.memory.id(entry_idx),
        }
    }
}

/// What a prompt asks for, as vectors of the keys' size and any length.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub whole: &'a [f32],
    /// The things that it joins; none if it names one only.
    pub things: &'a [&'a [f32]],
    /// The style of the memory that it names.
    pub style: Option<&'a str>,
}

impl Candidates {
    /// Those of the whole prompt or, if it joins things that no entry shows together, of each.
    pub fn of_each(
        search: &Search<'_>,
        asked: Asked<'_>,
        config: &MemoryConfig,
        request: &MemoryRequest,
    ) -> Vec<Self> {
        let of = |prompt: &[f32]| Self::find(search, prompt, config, request);
        let whole = of(asked.whole);
        let found = whole.own.iter().chain(&whole.model);
        let best = found.copied().max_by(|a, b| a.similarity.total_cmp(&b.similarity));
        if asked.things.is_empty() || best.is_some_and(|best| search.shows_all(&best, asked.things))
        {
            vec![whole]
        } else {
            asked.things.iter().map(|thing| of(thing)).collect()
        }
    }

    /// [`Self::draw`] for several things: what each free slot gets, one entry of each thing, none of
    /// them twice in a slot if there are others.
    pub fn draw_each(of_things: &[Self], seed: u64) -> Vec<Vec<Retrieved>> {
        let drawn = of_things.iter().map(|candidates| candidates.draw(seed));
        let drawn: Vec<Vec<Retrieved>> = drawn.filter(|entries| !entries.is_empty()).collect();
        let Some(longest) = drawn.iter().max_by_key(|entries| entries.len()) else {
            return Vec::new();
        };
        let of_slot = |(rank, Retrieved { slot, .. }): (usize, &Retrieved)| {
            let mut chosen: Vec<Retrieved> = Vec::with_capacity(drawn.len());
            for entries in &drawn {
                let mut turns = entries.iter().cycle().skip(rank).take(entries.len());
                let is_new = |entry: &&Retrieved| {
                    chosen.iter().all(|known| known.found.entry != entry.found.entry)
                };
                let next = turns.clone().find(is_new).or_else(|| turns.next());
                chosen.extend(next.map(|entry| Retrieved { slot: *slot, found: entry.found }));
            }
            chosen
        };
        longest.iter().enumerate().map(of_slot).collect()
    }

    /// Finds the best of each kind of memory; `policy` shares the free slots between them. There
    /// are none if retrieval is off. The number of slots that can be filled is the same for every
    /// seed.
    pub fn find(
        search: &Search<'_>,
        prompt: &[f32],
        config: &MemoryConfig,
        request: &MemoryRequest,
    ) -> Self {
        let is_taken = |slot: &usize| request.chosen.iter().any(|(chosen, _)| chosen == slot);
        let is_free = |slot: &usize| !is_taken(slot) && !request.closed_slots.contains(slot);
        let free_slots: Vec<usize> = (0..config.slots).filter(is_free).collect();
        let policy = Policy::DEFAULT;
        let (mut own, mut model, mut n_own_slots) = (Vec::new(), Vec::new(), 0);
        let mut is_redrawn = false;
        if request.retrieval && !free_slots.is_empty() {
            let prompt = fixed_point(prompt);
            let n = config.candidates;
            own = search.ranked(Scope::Own, &prompt, &[], n);
            model = search.ranked(Scope::Model, &prompt, &own, n);
            let best = model.first().map_or(-1.0, |best| best.similarity);
            let n_entries = search.n_own();
            own.retain(|found| policy.is_of_use(found.similarity, best, n_entries));
            n_own_slots = own.len().min(free_slots.len());
            is_redrawn = policy.redraws(n_entries);
        }
        let draw_temperature = config.draw_temperature;
        Self { own, model, n_own_slots, is_redrawn, free_slots, draw_temperature }
    }

    /// Whether the pictures of the model's memory are to be looked at in the style of the user's.
    pub fn is_redrawn(&self) -> bool {
        self.is_redrawn
    }

    /// Draws entries for the free slots without replacement, with probability proportional to
    /// exp(similarity / temperature) among those of one kind of memory, and puts them there, each
    /// kind in order of similarity. Slots stay empty if there are too few candidates. The same seed
    /// draws the same.
    pub fn draw(&self, seed: u64) -> Vec<Retrieved> {
        let own = self.drawn(&self.own, self.n_own_slots, seed);
        let model = self.drawn(&self.model, self.free_slots.len() - own.len(), seed);
        let slots = self.free_slots.iter().zip(policy::in_order(own, model));
        slots.map(|(slot, found)| Retrieved { slot: *slot, found }).collect()
    }

    fn drawn(&self, matches: &[Match], n: usize, seed: u64) -> Vec<Match> {
        let best = matches.first().map_or(0.0, |best| best.similarity);
        // The highest sums of log-weight and Gumbel noise are a draw without replacement.
        let score = |candidate: &Match| {
            if self.draw_temperature > 0.0 {
                let log_weight = (candidate.similarity - best) / self.draw_temperature;
                f64::from(log_weight) + gumbel_noise(seed, candidate.entry)
            } else {
                f64::from(candidate.similarity)
            }
        };
        let mut drawn: Vec<(usize, f64)> = matches.iter().map(score).enumerate().collect();
        drawn.sort_by(|a, b| b.1.total_cmp(&a.1));
        drawn.truncate(n);
        drawn.sort_by_key(|(rank, _)| *rank);
        drawn.into_iter().map(|(rank, _)| matches[rank]).collect()
    }
}

/// The `n` entries of a memory in `style` that are most like entry `entry_idx`, most alike first.
pub fn alike(memory: &PictureMemory, entry_idx: usize, style: &str, n: usize) -> Vec<usize> {
    let keys = memory.keys();
    let start = entry_idx * keys.key_dim;
    let key: Vec<f32> =
        keys.values[start..start + keys.key_dim].iter().map(|value| f32::from(*value)).collect();
    let likeness = similarities(keys, &fixed_point(&key));
    let mut found: Vec<usize> = memory.in_style(style).collect();
    found.sort_by(|a, b| likeness[*b].total_cmp(&likeness[*a]));
    found.truncate(n);
    found
}

/// Keys of a memory, one entry after another, with their Euclidean lengths.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys<'a> {
    pub(super) values: &'a [i8],
    pub(super) lengths: &'a [f32],
    pub(super) key_dim: usize,
}

impl Keys<'_> {
    /// That of one entry.
    fn only(self, entry_idx: usize) -> Self {
        let Self { values, lengths, key_dim } = self;
        let values = &values[entry_idx * key_dim..][..key_dim];
        Self { values, lengths: &lengths[entry_idx..=entry_idx], key_dim }
    }
}

/// Euclidean length of every key: about 127, rounding apart.
pub(super) fn key_lengths(keys: &[i8], key_dim: usize) -> Vec<f32> {
    let length = |key: &[i8]| {
        let squares = key.iter().map(|value| i32::from(*value) * i32::from(*value));
        (squares.fold(0, i32::wrapping_add) as f32).sqrt()
    };
    keys.par_chunks_exact(key_dim).map(length).collect()
}

/// A vector at length [`PROMPT_ONE`]; one of zeros or of values that are not numbers becomes zeros.
fn fixed_point(prompt: &[f32]) -> Vec<i16> {
    let length = prompt.iter().map(|value| value * value).sum::<f32>().sqrt();
    prompt.iter().map(|value| (value / length * PROMPT_ONE).round() as i16).collect()
}

/// Cosine of `prompt`, as [`fixed_point`] made it, with every key; 0 where either has no direction.
///
/// Products are computed in whole numbers, so that every machine ranks alike.
fn similarities(keys: Keys<'_>, prompt: &[i16]) -> Vec<f32> {
    let Keys { values, lengths, key_dim } = keys;
    assert_eq!(prompt.len(), key_dim, "the memory was opened for this model's text encoder");
    let mut similarities = vec![0.0; lengths.len()];
    let keys = values.par_chunks(CHUNK * key_dim);
    let lengths = lengths.par_chunks(CHUNK);
    similarities.par_chunks_mut(CHUNK).zip(keys).zip(lengths).for_each(
        |((similarities, keys), lengths)| {
            let keys = keys.chunks_exact(key_dim).zip(lengths);
            for (similarity, (key, length)) in similarities.iter_mut().zip(keys) {
                if *length > 0.0 {
                    let cosine = dot(prompt, key) as f32 / (PROMPT_ONE * length);
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
