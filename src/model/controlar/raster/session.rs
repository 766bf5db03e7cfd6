//! One run of a raster model: a batch of pictures, all at the same token.
//!
//! What was drawn and what the transformer has read of it are kept apart: a step first reads what it
//! has not read yet, then draws one token. So nothing is computed that nobody asked for, given rows
//! are read like drawn ones, and a step that is abandoned has changed nothing.

use std::sync::Arc;

use candle_core::Tensor;

use super::locked::LockedPicture;
use super::parts::Parts;
use crate::imaging::{ControlMap, RgbaImage};
use crate::model::controlar::control::Control;
use crate::model::controlar::llamagen::{Fusion, Prefix, Run};
use crate::model::controlar::probe::Probe;
use crate::model::controlar::prompt_encoder::EncodedPrompt;
use crate::model::controlar::sampler::{Guidance, RasterSampling, argmax};
use crate::model::controlar::speculation::Speculator;
use crate::model::sampling::draw_one;
use crate::model::{ModelError, Session, Step};
use crate::params::StrengthCurve;
use crate::protocol::{Anchor, InspiredBy, PictureIds, Progress};

/// What the pictures are asked to show.
#[derive(Debug, Clone)]
pub(super) enum Asked {
    Prompt { prompt: String, negative: String },
    Class(u32),
}

/// How the pictures follow a drawing.
#[derive(Debug, Clone)]
pub(super) struct Followed {
    pub(super) map: ControlMap,
    pub(super) strength: StrengthCurve,
    /// A factor per token.
    pub(super) strength_map: Option<Arc<[f32]>>,
}

/// A batch of pictures under way.
pub(super) struct RasterSession {
    pub(super) parts: Arc<Parts>,
    pub(super) asked: Asked,
    pub(super) followed: Option<Followed>,
    pub(super) guidance: Guidance,
    pub(super) sampling: RasterSampling,
    /// If several tokens are guessed ahead.
    pub(super) speculator: Option<Speculator>,
    pub(super) seeds: Vec<u64>,
    pub(super) anchor: Option<Anchor>,
    pub(super) lock: Option<Arc<LockedPicture>>,
    pub(super) n_rows_wanted: usize,
    /// Per picture, what was given and drawn so far.
    pub(super) ids: Vec<Vec<u32>>,
    pub(super) notices: Vec<String>,
    pub(super) stage: Stage,
}

/// How far the preparations are, each a step of its own.
pub(super) enum Stage {
    /// Nothing is prepared.
    Asked,
    /// The prompt has been read.
    Read(Prefix),
    /// The drawing has been looked at.
    Looked(Prefix, Option<Arc<Control>>),
    /// The transformer has read the prefix and some of the tokens; logits (R, K) are of the next.
    Running(Box<Run>, Tensor),
}

impl RasterSession {
    fn n_columns(&self) -> usize {
        self.parts.grid.1
    }

    /// Of each picture, given and drawn.
    fn n_tokens(&self) -> usize {
        self.ids[0].len()
    }

    fn is_guided(&self) -> bool {
        self.guidance.is_on()
    }

    /// How strongly control is added to what predicts a token.
    fn strength_at(&self, token_idx: usize) -> f32 {
        let row = token_idx / self.n_columns();
        let strength = self.followed.as_ref().map(|f| f.strength.at(row, self.parts.grid.0));
        strength.unwrap_or(0.0)
    }

    /// One stage further; `false` if `go_on` said no.
    fn prepare(&mut self, go_on: &dyn Fn() -> bool) -> Result<bool, ModelError> {
        let next = match std::mem::replace(&mut self.stage, Stage::Asked) {
            Stage::Asked => match self.prefix(go_on)? {
                Some(prefix) => Stage::Read(prefix),
                None => return Ok(false),
            },
            Stage::Read(prefix) => {
                let followed = self.followed.as_ref().filter(|f| !f.strength.is_zero());
                let control = match followed {
                    Some(followed) => {
                        let control = self.control(followed, go_on)?;
                        if control.is_none() {
                            self.stage = Stage::Read(prefix);
                            return Ok(false);
                        }
                        control
                    }
                    None => None,
                };
                Stage::Looked(prefix, control)
            }
            Stage::Looked(prefix, control) => {
                let strength = self.strength_at(0);
                let fusion = control.clone().map(|control| Fusion { control, strength });
                let started = Run::start_while(
                    &self.parts.transformer,
                    &prefix,
                    self.parts.n_tokens(),
                    self.is_guided(),
                    fusion,
                    go_on,
                    &mut Probe::none(),
                )?;
                let Some((run, logits)) = started else {
                    self.stage = Stage::Looked(prefix, control);
                    return Ok(false);
                };
                Stage::Running(Box::new(run), logits)
            }
            running @ Stage::Running(..) => running,
        };
        self.stage = next;
        Ok(true)
    }

    fn prefix(&self, go_on: &dyn Fn() -> bool) -> Result<Option<Prefix>, ModelError> {
        let transformer = &self.parts.transformer;
        let n_pictures = self.seeds.len();
        let (prompt, negative) = match &self.asked {
            Asked::Class(label) => {
                let labels = vec![*label; n_pictures];
                return Ok(Some(transformer.prefix_of_classes(&labels, self.is_guided())?));
            }
            Asked::Prompt { prompt, negative } => (prompt, negative),
        };
        let mut prompts = self.parts.prompts().ok_or_else(|| ModelError::Request {
            reason: "this model was loaded without its text encoder".to_owned(),
        })?;
        let Some(prompt) = prompts.encode(prompt, go_on, &mut |_| {})? else { return Ok(None) };
        let captions = self.captions(&prompt)?;
        let n_visible = vec![prompt.n_visible(); n_pictures];
        if negative.is_empty() || !self.is_guided() {
            let is_guided = self.is_guided();
            return Ok(Some(transformer.prefix_of_captions(&captions, &n_visible, is_guided)?));
        }
        let Some(negative) = prompts.encode(negative, go_on, &mut |_| {})? else { return Ok(None) };
        // A prompt to stay away from stands where the null prompt would.
        let both = Tensor::cat(&[captions, self.captions(&negative)?], 0)?;
        let n_visible = [n_visible, vec![negative.n_visible(); n_pictures]].concat();
        Ok(Some(transformer.prefix_of_captions(&both, &n_visible, false)?))
    }

    /// (B, P, C): the same prompt for all pictures.
    fn captions(&self, prompt: &EncodedPrompt) -> Result<Tensor, ModelError> {
        let n_rows = self.parts.transformer.config().n_prefix_rows();
        let rows = prompt.left_padded(n_rows)?.unsqueeze(0)?;
        Ok(rows.repeat((self.seeds.len(), 1, 1))?)
    }

    /// What a drawing adds; `None` if `go_on` said no.
    fn control(
        &self,
        followed: &Followed,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<Arc<Control>>, ModelError> {
        let Some(control) = self.parts.control(&followed.map, go_on)? else { return Ok(None) };
        let n_pictures = self.seeds.len();
        let factors = followed.strength_map.as_deref();
        if factors.is_none() && n_pictures == 1 {
            return Ok(Some(control));
        }
        Ok(Some(Arc::new(control.spread(n_pictures, factors)?)))
    }

    /// Has the transformer read a row's worth of the first `n_tokens`, which it has not read yet;
    /// `false` if `go_on` said no.
    fn read(&mut self, n_tokens: usize, go_on: &dyn Fn() -> bool) -> Result<bool, ModelError> {
        let columns = self.n_columns();
        let Stage::Running(run, _) = &self.stage else { return Ok(false) };
        let first = run.n_fed();
        // Within what predicts one row, since the strength may change from row to row.
        let n_new = (n_tokens - first).min(columns - (first + 1) % columns);
        let strength = self.strength_at(first + 1);
        let ids: Vec<u32> =
            self.ids.iter().flat_map(|ids| ids[first..first + n_new].iter().copied()).collect();
        let Stage::Running(run, logits) = &mut self.stage else { return Ok(false) };
        run.set_strength(strength);
        let Some(all) = run.feed_many(&ids, go_on, &mut Probe::none())? else { return Ok(false) };
        *logits = all.narrow(1, n_new - 1, 1)?.squeeze(1)?;
        Ok(true)
    }

    /// Decides one token or more of every picture, guessing ahead; `false` if `go_on` said no.
    fn guess(&mut self, go_on: &dyn Fn() -> bool) -> Result<bool, ModelError> {
        let n_tokens = self.n_tokens();
        let strength = self.strength_at(n_tokens);
        let Self { speculator: Some(speculator), stage: Stage::Running(run, logits), ids, .. } =
            self
        else {
            return Ok(false);
        };
        if n_tokens == 0 {
            let drawn = speculator.drawing().draw_next(logits, 0)?;
            for (ids, id) in ids.iter_mut().zip(drawn) {
                ids.push(id);
            }
            return Ok(true);
        }
        // Nothing is guessed across the end of a row, so one strength is that of all.
        run.set_strength(strength);
        Ok(speculator.advance(run, ids, go_on)?.is_some())
    }

    /// Draws the next token of every picture from logits (R, K).
    fn draw(&self, logits: &Tensor) -> Result<Vec<u32>, ModelError> {
        let token_idx = self.n_tokens();
        let (row, column) = (token_idx / self.n_columns(), token_idx % self.n_columns());
        let logits: Vec<f32> = logits.flatten_all()?.to_vec1()?;
        if logits.iter().any(|logit| !logit.is_finite()) {
            return Err(ModelError::NotFinite { scale: row + 1 });
        }
        let mut guided = self.guidance.combine(&logits, token_idx);
        let n_codes = self.parts.transformer.config().n_codes;
        let pictures = guided.chunks_exact_mut(n_codes).zip(&self.seeds).enumerate();
        Ok(pictures
            .map(|(batch_idx, (logits, seed))| {
                let locked = self.lock.as_ref().and_then(|l| l.code(token_idx, self.n_columns()));
                if let Some(code) = locked {
                    return code;
                }
                self.hold(batch_idx, (row, column), logits);
                if self.sampling.temperature == 0.0 {
                    return argmax(logits);
                }
                draw_one(&self.sampling.filter(logits), *seed, (row, column))
            })
            .collect())
    }

    /// Makes the code of the earlier picture likelier, if there is one to stay close to.
    fn hold(&self, batch_idx: usize, (row, column): (usize, usize), logits: &mut [f32]) {
        let Some(Anchor { ids, hold }) = &self.anchor else { return };
        let earlier = ids.get(batch_idx).and_then(|ids| ids.get(row)?.get(column));
        if let Some(logit) = earlier.and_then(|id| logits.get_mut(*id as usize)) {
            let temperature = self.sampling.temperature;
            *logit += hold * if temperature == 0.0 { 1.0 } else { temperature };
        }
    }
}

impl Session for RasterSession {
    fn notices(&self) -> &[String] {
        &self.notices
    }

    fn inspired_by(&self) -> &[InspiredBy] {
        &[]
    }

    fn n_scales(&self) -> usize {
        self.n_rows_wanted
    }

    fn n_done(&self) -> usize {
        self.n_tokens() / self.n_columns()
    }

    fn set_n_scales(&mut self, n_scales: usize) -> Result<(), ModelError> {
        let (n_begun, n_rows) = (self.n_tokens().div_ceil(self.n_columns()), self.parts.grid.0);
        if !(self.n_done()..=n_rows).contains(&n_scales) {
            let reason = format!(
                "cannot stop at row {n_scales}: {n_begun} are begun and this model has {n_rows}"
            );
            return Err(ModelError::Request { reason });
        }
        self.n_rows_wanted = n_scales;
        Ok(())
    }

    fn step(&mut self, go_on: &dyn Fn() -> bool) -> Result<Step, ModelError> {
        if !go_on() {
            return Ok(Step::Abandoned);
        }
        let Stage::Running(run, _) = &self.stage else {
            let is_further = self.prepare(go_on)?;
            return Ok(if is_further { Step::Part } else { Step::Abandoned });
        };
        // Who guesses ahead feeds the last token together with the guesses.
        let n_unread = usize::from(self.speculator.is_some());
        let n_wanted = self.n_tokens().saturating_sub(n_unread);
        if run.n_fed() < n_wanted && !self.read(n_wanted, go_on)? {
            return Ok(Step::Abandoned);
        }
        let Stage::Running(run, logits) = &self.stage else { return Ok(Step::Part) };
        if run.n_fed() < n_wanted {
            // Given rows that are still to be read.
            return Ok(Step::Part);
        }
        if self.speculator.is_some() {
            if !self.guess(go_on)? {
                return Ok(Step::Abandoned);
            }
        } else {
            let drawn = self.draw(logits)?;
            for (ids, id) in self.ids.iter_mut().zip(drawn) {
                ids.push(id);
            }
        }
        let is_row = self.n_tokens().is_multiple_of(self.n_columns());
        Ok(if is_row { Step::Done } else { Step::Part })
    }

    fn progress(&self) -> Option<Progress> {
        let n_wanted = self.n_rows_wanted * self.n_columns();
        Some(Progress { n_tokens: self.n_tokens(), n_wanted })
    }

    fn glimpse(&self, batch_idx: usize) -> Result<Option<RgbaImage>, ModelError> {
        Ok(Some(self.parts.mosaic(&self.ids[batch_idx])))
    }

    fn ids(&self, batch_idx: usize) -> PictureIds {
        self.parts.rows(&self.ids[batch_idx])
    }

    /// Decodes only the end of the run; above it, a mosaic of the codes' colours.
    fn render_scale(&self, scale_idx: usize, batch_idx: usize) -> Result<RgbaImage, ModelError> {
        let n_ids = (scale_idx + 1) * self.n_columns();
        let ids = &self.ids[batch_idx][..n_ids];
        let n_rows = scale_idx + 1;
        if n_rows != self.parts.grid.0 && n_rows != self.n_rows_wanted {
            return Ok(self.parts.mosaic(ids));
        }
        let mut picture = self.parts.decode(&self.parts.rows(ids))?;
        if let Some(lock) = &self.lock {
            lock.lay_over(&self.parts, &mut picture)?;
        }
        Ok(picture)
    }

    fn render_draft(&self, batch_idx: usize) -> Result<RgbaImage, ModelError> {
        Ok(self.parts.mosaic(&self.ids[batch_idx]))
    }
}
