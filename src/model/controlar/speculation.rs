//! Drawing the tokens of a run, several per reading of the weights.
//!
//! Speculative Jacobi decoding after Teng et al. 2024 (*Accelerating Auto-regressive Text-to-Image
//! Generation with Training-free Speculative Jacobi Decoding*, arXiv 2410.01699): the next tokens
//! are guessed and fed together with the last one that is decided. That gives, for the price of one
//! token, the distribution of each of them given the guesses in front of it. Guesses stand one after
//! the other with the probability min(1, now / when guessed); the first that falls is drawn from
//! what the new distribution has more than the old one, and what is behind it is guessed anew from
//! the new distributions. What stands is distributed as if it were drawn one by one, whatever the
//! guesses were; without temperature it is the same ids.
//!
//! All noise belongs to its token, and nothing is guessed across the end of a row, so that going on
//! from a whole row gives the same tokens as never having stopped.

use std::ops::Range;
use std::sync::Arc;

use candle_core::{Device, Result, Tensor, bail};

use super::llamagen::Run;
use super::neighbours::CodeNeighbours;
use super::noise::{Noise, Purpose};
use super::probe::Probe;
use super::sampler::{Guidance, RasterSampling, argmax};
use crate::params::Speculation;

/// How the tokens of a run are drawn.
#[derive(Debug, Clone)]
pub struct Drawing {
    pub guidance: Guidance,
    pub sampling: RasterSampling,
    pub speculation: Speculation,
    /// One per picture.
    pub seeds: Vec<u64>,
    /// Tokens of a row of the picture.
    pub n_columns: usize,
    /// Needed if the relaxation is not 0.
    pub neighbours: Option<Arc<CodeNeighbours>>,
}

/// Changes the guided logits of a token before it is drawn: picture, token, logits. What is to be
/// taken as it is has all others at −∞.
pub type Adjust<'a> = dyn Fn(usize, usize, &mut [f32]) + 'a;

/// Draws the tokens of all pictures of a run.
#[derive(Debug)]
pub struct Speculator {
    drawing: Drawing,
    /// Guesses per picture, from the first token that is not decided for all of them.
    guesses: Vec<Vec<Guess>>,
    stats: SpeculationStats,
}

/// How well guessing went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpeculationStats {
    /// Times that the weights were read.
    pub n_feeds: usize,
    /// Tokens that were decided by those, per picture.
    pub n_decided: usize,
}

/// A token that may come.
#[derive(Debug, Clone)]
struct Guess {
    id: u32,
    origin: Origin,
}

#[derive(Debug, Clone)]
enum Origin {
    /// Taken over from its surroundings: nothing else could have been guessed.
    Surroundings,
    /// Drawn from this distribution.
    Drawn(Vec<f32>),
    /// Decided already; other pictures of the batch are behind.
    Decided,
}

impl SpeculationStats {
    /// Tokens decided per reading of the weights; 1 without speculation.
    pub fn tokens_per_feed(&self) -> f32 {
        self.n_decided as f32 / self.n_feeds.max(1) as f32
    }
}

impl Drawing {
    /// The distribution that a token is drawn from, of its guided logits.
    fn probabilities(&self, logits: &[f32]) -> Vec<f32> {
        if self.sampling.temperature == 0.0 {
            // Of several largest, the first.
            let mut probabilities = vec![0.0; logits.len()];
            probabilities[argmax(logits) as usize] = 1.0;
            return probabilities;
        }
        self.sampling.probabilities(logits)
    }

    fn noise(&self, picture_idx: usize, token_idx: usize, purpose: Purpose) -> Noise {
        Noise::new(self.seeds[picture_idx], token_idx, purpose)
    }

    fn draw(&self, probabilities: &[f32], picture_idx: usize, token_idx: usize) -> u32 {
        let noise = self.noise(picture_idx, token_idx, Purpose::Draw);
        noise.pick(probabilities).unwrap_or_else(|| argmax(probabilities))
    }

    /// Draws token `token_idx` of every picture from logits (R, K) of all rows: what
    /// [`Run::start`] predicts.
    ///
    /// # Errors
    /// Another number of rows, or what the device reports.
    pub fn draw_next(&self, logits: &Tensor, token_idx: usize) -> Result<Vec<u32>> {
        self.draw_next_with(logits, token_idx, &|_, _, _| {})
    }

    /// Like [`Self::draw_next`], with logits changed before the draw.
    ///
    /// # Errors
    /// Another number of rows, or what the device reports.
    pub fn draw_next_with(
        &self,
        logits: &Tensor,
        token_idx: usize,
        adjust: &Adjust<'_>,
    ) -> Result<Vec<u32>> {
        let rows = Rows::new(&logits.unsqueeze(1)?, self.seeds.len(), self.guidance)?;
        let draw = |picture_idx| {
            let mut logits = rows.guided(picture_idx, 0, token_idx);
            adjust(picture_idx, token_idx, &mut logits);
            let probabilities = self.probabilities(&logits);
            self.draw(&probabilities, picture_idx, token_idx)
        };
        Ok((0..self.seeds.len()).map(draw).collect())
    }

    /// Whether a guess stands; otherwise what stands in its place.
    fn judge(
        &self,
        guess: &Guess,
        probabilities: &[f32],
        picture_idx: usize,
        token_idx: usize,
    ) -> Verdict {
        let id = guess.id as usize;
        let before = match &guess.origin {
            Origin::Decided => return Verdict::Stands,
            Origin::Surroundings => 1.0,
            Origin::Drawn(before) => before[id],
        };
        let now = match &self.neighbours {
            Some(neighbours) if self.speculation.relaxation > 0.0 => {
                neighbours.relaxed(probabilities, guess.id, self.speculation.relaxation)
            }
            _ => probabilities[id],
        };
        // `before` is not 0: the guess was drawn from it.
        if self.noise(picture_idx, token_idx, Purpose::Accept).uniform() * before < now {
            return Verdict::Stands;
        }
        let mut more = probabilities.to_vec();
        if let Origin::Drawn(before) = &guess.origin {
            more.iter_mut().zip(before).for_each(|(now, before)| *now = (*now - before).max(0.0));
        } else {
            more[id] = 0.0;
        }
        let noise = self.noise(picture_idx, token_idx, Purpose::Redraw);
        // Rounding can leave nothing only where both are the same.
        Verdict::Falls(noise.pick(&more).unwrap_or_else(|| argmax(probabilities)))
    }
}

enum Verdict {
    Stands,
    Falls(u32),
}

impl Speculator {
    pub fn new(drawing: Drawing) -> Self {
        let drawing = Drawing { speculation: drawing.speculation.clamped(), ..drawing };
        let guesses = vec![Vec::new(); drawing.seeds.len()];
        Self { drawing, guesses, stats: SpeculationStats::default() }
    }

    pub fn drawing(&self) -> &Drawing {
        &self.drawing
    }

    pub fn stats(&self) -> SpeculationStats {
        self.stats
    }

    /// Decides the next tokens of a run, at least one and the same number for every picture, and
    /// appends them to `ids`, the tokens that are decided so far. The last of those must not have
    /// been fed yet; afterwards it is so again. Returns how many there are more.
    ///
    /// `go_on` is asked before every block. If it says no, the result is `None`, and nothing has
    /// changed.
    ///
    /// # Errors
    /// Tokens that do not fit the run, or what the computation reports.
    pub fn advance(
        &mut self,
        run: &mut Run,
        ids: &mut [Vec<u32>],
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<usize>> {
        self.advance_with(run, ids, &|_, _, _| {}, go_on)
    }

    /// Like [`Self::advance`], with logits changed before anything is drawn or judged by them.
    ///
    /// # Errors
    /// Tokens that do not fit the run, or what the computation reports.
    pub fn advance_with(
        &mut self,
        run: &mut Run,
        ids: &mut [Vec<u32>],
        adjust: &Adjust<'_>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<usize>> {
        let n_columns = self.drawing.n_columns.max(1);
        let first = ids.first().map_or(0, Vec::len);
        if ids.len() != self.guesses.len() || ids.iter().any(|ids| ids.len() != first) {
            bail!("tokens of {} pictures do not fit {}", ids.len(), self.guesses.len());
        }
        if first == 0 || run.n_fed() + 1 != first {
            bail!("{} of {first} tokens have been fed, not all but the last", run.n_fed());
        }
        if first.is_multiple_of(n_columns) {
            self.guesses.iter_mut().for_each(Vec::clear);
        }
        let row_end = (first / n_columns + 1) * n_columns;
        let n_fed = self.drawing.speculation.window.min(row_end - first);
        let mut fed = Vec::with_capacity(ids.len() * n_fed);
        for (guesses, ids) in self.guesses.iter_mut().zip(&*ids) {
            fill(guesses, ids, n_fed - 1, n_columns);
            fed.push(ids[first - 1]);
            fed.extend(guesses[..n_fed - 1].iter().map(|guess| guess.id));
        }
        let Some(logits) = run.feed_many(&fed, go_on, &mut Probe::none())? else {
            return Ok(None);
        };
        let rows = Rows::new(&logits, ids.len(), self.drawing.guidance)?;
        let mut n_decided = n_fed;
        for picture_idx in 0..ids.len() {
            n_decided = n_decided.min(self.check(&rows, picture_idx, first..first + n_fed, adjust));
        }
        for (guesses, ids) in self.guesses.iter_mut().zip(ids) {
            ids.extend(guesses.drain(..n_decided).map(|guess| guess.id));
        }
        run.truncate(first + n_decided - 1);
        self.stats.n_feeds += 1;
        self.stats.n_decided += n_decided;
        Ok(Some(n_decided))
    }

    /// Checks the guesses of a picture against what was predicted for some tokens. Afterwards there
    /// is a guess for each of them, of which as many as returned are decided.
    fn check(
        &mut self,
        rows: &Rows,
        picture_idx: usize,
        tokens: Range<usize>,
        adjust: &Adjust<'_>,
    ) -> usize {
        let drawing = &self.drawing;
        let guesses = &mut self.guesses[picture_idx];
        let mut n_decided = 0;
        let mut has_fallen = false;
        for (step, token_idx) in tokens.enumerate() {
            if matches!(guesses.get(step), Some(Guess { origin: Origin::Decided, .. })) {
                n_decided = step + 1;
                continue;
            }
            let mut logits = rows.guided(picture_idx, step, token_idx);
            adjust(picture_idx, token_idx, &mut logits);
            let probabilities = drawing.probabilities(&logits);
            if has_fallen {
                // What stands in front has changed: guessed anew, and nothing more.
                let id = drawing.draw(&probabilities, picture_idx, token_idx);
                put(guesses, step, Guess { id, origin: Origin::Drawn(probabilities) });
                continue;
            }
            let id = match guesses.get(step) {
                Some(guess) => match drawing.judge(guess, &probabilities, picture_idx, token_idx) {
                    Verdict::Stands => guess.id,
                    Verdict::Falls(id) => {
                        has_fallen = true;
                        id
                    }
                },
                None => drawing.draw(&probabilities, picture_idx, token_idx),
            };
            put(guesses, step, Guess { id, origin: Origin::Decided });
            n_decided = step + 1;
        }
        n_decided
    }
}

fn put(guesses: &mut Vec<Guess>, place: usize, guess: Guess) {
    guesses.truncate(guesses.len().max(place));
    match guesses.get_mut(place) {
        Some(old) => *old = guess,
        None => guesses.push(guess),
    }
}

/// Adds guesses behind the others until there are `n`, from what is around them: as the row above
/// goes on, if it was like this one up to there, and else as this one has been.
fn fill(guesses: &mut Vec<Guess>, ids: &[u32], n: usize, n_columns: usize) {
    guesses.truncate(n);
    while guesses.len() < n {
        let known = |place: usize| {
            ids.get(place).copied().or_else(|| guesses.get(place - ids.len()).map(|guess| guess.id))
        };
        let place = ids.len() + guesses.len();
        let left = (!place.is_multiple_of(n_columns)).then(|| known(place - 1)).flatten();
        let above = place.checked_sub(n_columns).and_then(known);
        let corner = left.and(place.checked_sub(n_columns + 1)).and_then(known);
        let id = match (left, above) {
            (Some(left), Some(above)) => {
                if corner == Some(left) {
                    above
                } else {
                    left
                }
            }
            (Some(id), None) | (None, Some(id)) => id,
            (None, None) => 0,
        };
        guesses.push(Guess { id, origin: Origin::Surroundings });
    }
}

/// Logits (R, T, K) on the host.
struct Rows {
    values: Vec<f32>,
    n_pictures: usize,
    n_halves: usize,
    n_steps: usize,
    n_codes: usize,
    guidance: Guidance,
}

impl Rows {
    fn new(logits: &Tensor, n_pictures: usize, guidance: Guidance) -> Result<Self> {
        let (n_rows, n_steps, n_codes) = logits.dims3()?;
        let n_halves = if guidance.is_on() { 2 } else { 1 };
        if n_rows != n_pictures * n_halves {
            bail!("logits of {n_rows} rows do not fit {n_pictures} pictures");
        }
        let values: Vec<f32> = logits.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
        if values.iter().any(|value| !value.is_finite()) {
            bail!("tokens came out as numbers that are not finite; the weights may be damaged");
        }
        Ok(Self { values, n_pictures, n_halves, n_steps, n_codes, guidance })
    }

    /// Guided logits of token `token_idx` of a picture, which is number `step` of these.
    fn guided(&self, picture_idx: usize, step: usize, token_idx: usize) -> Vec<f32> {
        let row = |half: usize| {
            let row = half * self.n_pictures + picture_idx;
            &self.values[(row * self.n_steps + step) * self.n_codes..][..self.n_codes]
        };
        let halves: Vec<&[f32]> = (0..self.n_halves).map(row).collect();
        self.guidance.combine(&halves.concat(), token_idx)
    }
}
