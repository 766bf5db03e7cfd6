//! One run of the transformer: a batch of pictures, all at the same token.

use std::sync::Arc;

use candle_core::{Result, Tensor, bail};

use super::attend::{Attend, LayerCache};
use super::{LlamaGen, Prefix};
use crate::model::controlar::control::Control;
use crate::model::controlar::probe::Probe;

/// A run: what the transformer remembers of the pictures so far.
#[derive(Debug)]
pub struct Run {
    model: Arc<LlamaGen>,
    layers: Vec<LayerCache>,
    n_visible: Vec<usize>,
    /// Pictures; the batch has as many rows again with guidance.
    n_pictures: usize,
    n_tokens: usize,
    /// Tokens that have been fed.
    n_fed: usize,
    fusion: Option<Fusion>,
}

/// Control of a run.
#[derive(Debug, Clone)]
pub struct Fusion {
    pub control: Arc<Control>,
    /// Factor of what is added; 0 gives the bits of a run without control.
    pub strength: f32,
}

/// Blocks between two questions whether to go on: some milliseconds of the largest models.
const BLOCKS_PER_ASK: usize = 6;

/// What control needs to be added.
#[derive(Clone, Copy)]
struct Fusing<'a> {
    fusion: Option<&'a Fusion>,
    n_pictures: usize,
}

impl Run {
    /// Starts pictures of `n_tokens` tokens each and predicts the first: logits (R, K) of all rows,
    /// those of the pictures before those of the null condition.
    ///
    /// `prefix` has one row per picture or, with guidance, two.
    ///
    /// # Errors
    /// More tokens than the model has places for, control of another grid or another number of
    /// pictures, or what the computation reports.
    pub fn start(
        model: &Arc<LlamaGen>,
        prefix: &Prefix,
        n_tokens: usize,
        is_guided: bool,
        fusion: Option<Fusion>,
        probe: &mut Probe<'_>,
    ) -> Result<(Self, Tensor)> {
        match Self::start_while(model, prefix, n_tokens, is_guided, fusion, &|| true, probe)? {
            Some(started) => Ok(started),
            None => unreachable!("nobody says no"),
        }
    }

    /// Like [`Self::start`]; `go_on` is asked before every block, and once it says no, the result is
    /// `None`.
    ///
    /// # Errors
    /// Those of [`Self::start`].
    pub fn start_while(
        model: &Arc<LlamaGen>,
        prefix: &Prefix,
        n_tokens: usize,
        is_guided: bool,
        fusion: Option<Fusion>,
        go_on: &dyn Fn() -> bool,
        probe: &mut Probe<'_>,
    ) -> Result<Option<(Self, Tensor)>> {
        let n_rows = prefix.n_visible.len();
        let n_halves = if is_guided { 2 } else { 1 };
        if !(1..=model.config.max_tokens()).contains(&n_tokens) {
            bail!("{n_tokens} tokens are not 1 to {}", model.config.max_tokens());
        }
        if n_rows == 0 || !n_rows.is_multiple_of(n_halves) || prefix.rows.dim(0)? != n_rows {
            bail!("a prefix of {:?} does not fit {n_rows} rows", prefix.rows.dims());
        }
        let n_pictures = n_rows / n_halves;
        if let Some(fusion) = &fusion {
            fusion.control.check(n_pictures, n_tokens)?;
        }
        // The last token is drawn, but never fed.
        let cache = |_| model.blocks[0].cache(n_rows, n_tokens - 1, &model.device);
        let layers = (0..model.config.n_layers).map(cache).collect::<Result<_>>()?;
        let n_visible = prefix.n_visible.clone();
        let model = Arc::clone(model);
        let mut run = Self { model, layers, n_visible, n_pictures, n_tokens, n_fed: 0, fusion };
        let logits = run.prefill(&prefix.rows, go_on, probe)?;
        Ok(logits.map(|logits| (run, logits)))
    }

    /// Number of tokens that have been fed; the logits at hand are of the next one.
    pub fn n_fed(&self) -> usize {
        self.n_fed
    }

    /// Changes the strength of the control from the next token on.
    pub fn set_strength(&mut self, strength: f32) {
        if let Some(fusion) = &mut self.fusion {
            fusion.strength = strength;
        }
    }

    /// Feeds one code per picture and predicts the next: logits (R, K).
    ///
    /// # Errors
    /// An unknown code, more than the pictures have, or what the computation reports.
    pub fn feed(&mut self, ids: &[u32], probe: &mut Probe<'_>) -> Result<Tensor> {
        if ids.len() != self.n_pictures {
            bail!("{} codes for {} pictures", ids.len(), self.n_pictures);
        }
        match self.feed_many(ids, &|| true, probe)? {
            Some(logits) => logits.squeeze(1),
            None => unreachable!("nobody says no"),
        }
    }

    /// Feeds T codes per picture at once, (B, T), which reads the weights once, and predicts what
    /// follows each: logits (R, T, K). [`Self::truncate`] takes back those that turn out wrong.
    ///
    /// `go_on` is asked every few blocks. If it says no, the result is `None` and nothing has been
    /// fed.
    ///
    /// # Errors
    /// An unknown code, more than the pictures have, or what the computation reports.
    pub fn feed_many(
        &mut self,
        ids: &[u32],
        go_on: &dyn Fn() -> bool,
        probe: &mut Probe<'_>,
    ) -> Result<Option<Tensor>> {
        let model = Arc::clone(&self.model);
        let n_new = ids.len() / self.n_pictures;
        if n_new == 0 || !ids.len().is_multiple_of(self.n_pictures) {
            bail!("{} codes for {} pictures", ids.len(), self.n_pictures);
        }
        if self.n_fed + n_new >= self.n_tokens {
            bail!("the pictures are complete after {} tokens", self.n_tokens);
        }
        if let Some(id) = ids.iter().find(|id| **id as usize >= model.config.n_codes) {
            bail!("code {id} is not one of {}", model.config.n_codes);
        }
        let n_halves = self.n_visible.len() / self.n_pictures;
        let ids = Tensor::new(ids.repeat(n_halves), &model.device)?;
        let x = model.tok_embeddings.index_select(&ids, 0)?; // (R · T, D)
        let mut x = x.reshape((n_halves * self.n_pictures, n_new, ()))?;
        let attend = Attend { n_visible: &self.n_visible, first: self.n_fed };
        let fusing = Fusing { fusion: self.fusion.as_ref(), n_pictures: self.n_pictures };
        let (first, rotary) = (self.n_fed + 1, &model.rotary);
        let blocks =
            model.blocks.chunks(BLOCKS_PER_ASK).zip(self.layers.chunks_mut(BLOCKS_PER_ASK));
        for (part, (blocks, caches)) in blocks.enumerate() {
            if !go_on() {
                return Ok(None);
            }
            x = within_pool(probe, |probe| {
                let mut x = x.clone();
                for (i, (block, cache)) in blocks.iter().zip(caches).enumerate() {
                    let i = part * BLOCKS_PER_ASK + i;
                    x = fusing.fused(i, &x, first, n_new)?;
                    let mut probe = probe.within(format_args!("block{i}."));
                    probe.see("in", &x);
                    x = block.forward(&x, rotary, &attend, cache, &mut probe)?;
                    probe.see("out", &x);
                }
                Ok(x)
            })?;
        }
        if !go_on() {
            return Ok(None);
        }
        let logits = self.logits(&x, probe)?;
        self.n_fed += n_new;
        Ok(Some(logits))
    }

    /// Forgets all tokens behind the first `n_fed`, as if they had never been fed.
    pub fn truncate(&mut self, n_fed: usize) {
        self.n_fed = self.n_fed.min(n_fed);
    }

    fn prefill(
        &mut self,
        rows: &Tensor,
        go_on: &dyn Fn() -> bool,
        probe: &mut Probe<'_>,
    ) -> Result<Option<Tensor>> {
        let model = Arc::clone(&self.model);
        // Rows that no other row sees are computed only if somebody looks at them.
        let most_visible = self.n_visible.iter().copied().max().unwrap_or(0);
        let n_rows = if probe.is_active() { rows.dim(1)? } else { most_visible };
        let mut x = rows.narrow(1, rows.dim(1)? - n_rows, n_rows)?.contiguous()?;
        let means = prefix_means(&self.n_visible, n_rows, &x)?;
        probe.see("prefix", &x);
        let fusing = Fusing { fusion: self.fusion.as_ref(), n_pictures: self.n_pictures };
        for (i, (block, cache)) in model.blocks.iter().zip(&mut self.layers).enumerate() {
            if !go_on() {
                return Ok(None);
            }
            x = fusing.fused(i, &x, 0, 1)?;
            let mut probe = probe.within(format_args!("block{i}."));
            probe.see("in", &x);
            x = within_pool(&mut probe, |probe| block.prefill(&x, &means, cache, probe))?;
            probe.see("out", &x);
        }
        self.logits(&x.narrow(1, n_rows - 1, 1)?.squeeze(1)?, probe).map(Some)
    }

    /// (…, D) → (…, K).
    fn logits(&self, x: &Tensor, probe: &mut Probe<'_>) -> Result<Tensor> {
        let x = self.model.normed(x)?;
        probe.see("final_norm", &x);
        let logits = within_pool(probe, |_| self.model.output.forward(&x))?;
        probe.see("logits", &logits);
        Ok(logits)
    }
}

impl Fusing<'_> {
    /// Adds to the last `n` of `x` (R, T, D) what control says of as many tokens from token `first`,
    /// before block `block_idx`. The null condition gets nothing.
    fn fused(&self, block_idx: usize, x: &Tensor, first: usize, n: usize) -> Result<Tensor> {
        let Some(Fusion { control, strength }) = self.fusion else { return Ok(x.clone()) };
        if *strength == 0.0 {
            return Ok(x.clone());
        }
        let Some(rows) = control.rows(block_idx, first, n)? else { return Ok(x.clone()) };
        let (n_rows, n_tokens, _) = x.dims3()?;
        let rows = (rows * f64::from(*strength))?; // (B, n, D)
        let last = x.narrow(1, n_tokens - n, n)?;
        let fused = (last.narrow(0, 0, self.n_pictures)? + rows)?;
        let n_null = n_rows - self.n_pictures;
        let last = if n_null == 0 {
            fused
        } else {
            Tensor::cat(&[fused, last.narrow(0, self.n_pictures, n_null)?], 0)?
        };
        if n_tokens == n {
            return Ok(last);
        }
        Tensor::cat(&[x.narrow(1, 0, n_tokens - n)?, last], 1)
    }
}

/// Runs `compute` in the pool of threads that its operations share their work in, if nobody looks:
/// from outside of it, each would have to wake the pool and be woken by it.
fn within_pool<T: Send>(
    probe: &mut Probe<'_>,
    compute: impl FnOnce(&mut Probe<'_>) -> Result<T> + Send,
) -> Result<T> {
    if probe.is_active() { compute(probe) } else { rayon::scope(|_| compute(&mut Probe::none())) }
}

/// Whether a place of the sequence attends to another. The prefix has `n_prefix` rows, of which the
/// last `n_visible` can be seen; one that cannot sees itself.
pub fn sees(n_prefix: usize, n_visible: usize, query: usize, key: usize) -> bool {
    key == query || (key < query && key + n_visible >= n_prefix)
}

/// (R, 1, P, P): what each row of a prefix sees, evenly.
fn prefix_means(n_visible: &[usize], n_rows: usize, like: &Tensor) -> Result<Tensor> {
    let mut means = Vec::with_capacity(n_visible.len() * n_rows * n_rows);
    for n_visible in n_visible {
        for query in 0..n_rows {
            let seen = |key: &usize| sees(n_rows, *n_visible, query, *key);
            let weight = 1.0 / (0..n_rows).filter(seen).count() as f32;
            means.extend((0..n_rows).map(|key| if seen(&key) { weight } else { 0.0 }));
        }
    }
    Tensor::from_vec(means, (n_visible.len(), 1, n_rows, n_rows), like.device())
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    /// Four rows, of which the last two are visible.
    #[test]
    fn rows_of_a_prefix_see_those_before_them() {
        let like = Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap();
        let means = prefix_means(&[2], 4, &like).unwrap().squeeze(0).unwrap().squeeze(0).unwrap();
        let expected = [
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0],
            [0.0, 0.0, 0.5, 0.5],
        ];
        assert_eq!(means.to_vec2::<f32>().unwrap(), expected);
    }
}
