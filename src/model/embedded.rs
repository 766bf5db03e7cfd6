//! The embedded model as a [`Generator`]: text, memory, controls and networks put together.
//!
//! A live request differs from the one before in one control map. Everything else that a session
//! needs is found in small caches.

mod session;

use std::sync::Arc;

use candle_core::{Device, Tensor};

use self::session::EmbeddedSession;
use super::config::Config;
use super::generator::{
    Condition, ConditionInput, ControlEncoders, ControlTokens, Network, RememberedLatents,
};
use super::inspiration::{Inspirations, Remembered};
use super::recent::Recent;
use super::text::{TextEncoder, TextEncoding};
use super::tokenizer::Tokenizer;
use super::{Generator, ModelError, ModelFiles, Session, device};
use crate::imaging::{ControlMap, RgbaImage};
use crate::params::StrengthCurve;
use crate::protocol::{
    Anchor, Control, EntryId, GenerateRequest, Given, InspiredBy, MemoryRequest, MemorySource,
    ModelInfo, PictureIds,
};

/// Control maps kept encoded; a live sketch changes one layer at a time.
const CONTROL_CACHE_SIZE: usize = 8;
/// What depends on prompts and memory: for the picture on show, and for one more beside it. Few,
/// because the keys and values of a picture take some megabytes.
const CONDITION_CACHE_SIZE: usize = 2;

/// Weights of everything that works on latents; shared with running sessions.
struct Networks {
    config: Config,
    tokenizer: Tokenizer,
    network: Network,
}

/// The loaded model.
pub struct EmbeddedModel {
    info: ModelInfo,
    networks: Arc<Networks>,
    text: TextEncoder,
    controls: ControlEncoders,
    inspirations: Inspirations,
    control_cache: Recent<ControlMap, Tensor>,
    looks: Recent<LookKey, Look>,
    /// What the unconditional rows look at, by the negative prompt.
    null_conditions: Recent<String, Condition>,
    device: Device,
}

/// What decides a [`Look`].
#[derive(Debug, PartialEq)]
struct LookKey {
    prompt: String,
    seeds: Vec<u64>,
    memory: MemoryRequest,
}

/// What the conditional rows look at, all but the controls.
#[derive(Debug, Clone)]
struct Look {
    condition: Condition,
    /// Control tokens of the first slot, with their strength.
    reference: ControlTokens,
    /// Of the first picture of the batch.
    inspired_by: Vec<InspiredBy>,
}

impl EmbeddedModel {
    /// Builds the networks from a model's files.
    ///
    /// # Errors
    /// [`ModelError`] naming the file, field or tensor that does not fit.
    pub fn load(files: &ModelFiles, device: Device) -> Result<Self, ModelError> {
        let config = files.config()?;
        let weights = files.weights()?;
        let vb = weights.var_builder(&device);
        let tokenizer = Tokenizer::load(&config, vb.pp("tokenizer"))?;
        let network = Network::load(&config, tokenizer.codebook(), &vb.pp("generator"))?;
        let controls = ControlEncoders::load(&config, &vb.pp("generator.control"))?;
        let text = TextEncoder::load(&config.text, &files.tokenizer_json()?, vb.pp("text"))?;
        weights.warn_of_unused();
        let memory = files.memory(&config)?;
        let info = ModelInfo {
            name: config.name.clone(),
            device: device::label(&device),
            scales: config.scales.clone(),
            image_size_px: config.image_size,
            control_kinds: controls.kinds().collect(),
            n_memory_slots: config.memory.slots,
            n_memory_entries: memory.len(),
            n_parameters: weights.n_parameters(),
            sampling: config.sampling,
            sha256: None,
            tokenizer_sha256: None,
        };
        Ok(Self {
            info,
            inspirations: Inspirations::new(memory, &config),
            networks: Arc::new(Networks { config, tokenizer, network }),
            text,
            controls,
            control_cache: Recent::new(CONTROL_CACHE_SIZE),
            looks: Recent::new(CONDITION_CACHE_SIZE),
            null_conditions: Recent::new(CONDITION_CACHE_SIZE),
            device,
        })
    }

    fn check(&self, request: &GenerateRequest) -> Result<(), ModelError> {
        let fail = |reason: String| Err(ModelError::Request { reason });
        if request.seeds.is_empty() {
            return fail("a request needs at least one seed".to_owned());
        }
        let n_scales = self.info.scales.len();
        if let Some(stop_at) = request.stop_at.filter(|scale| !(1..=n_scales).contains(scale)) {
            return fail(format!("cannot stop at scale {stop_at}: this model has 1 to {n_scales}"));
        }
        for (idx, Control { map, strength_map, .. }) in request.controls.iter().enumerate() {
            let kind = map.kind();
            if !self.info.control_kinds.contains(&kind) {
                return fail(format!("this model does not know {} controls", kind.name()));
            }
            if request.controls[..idx].iter().any(|other| other.map.kind() == kind) {
                return fail(format!("there are two {} controls; keep one", kind.name()));
            }
            if map.size_px() != self.info.image_size_px {
                return fail(format!(
                    "the {} control is {} px wide; this model needs {} px",
                    kind.name(),
                    map.size_px(),
                    self.info.image_size_px
                ));
            }
            let n_cells = self.networks.config.latent_size().pow(2);
            if let Some(map) = strength_map.as_ref().filter(|map| map.len() != n_cells) {
                return fail(format!("a strength map needs {n_cells} cells, not {}", map.len()));
            }
        }
        if let Some(anchor) = &request.anchor {
            self.check_anchor(anchor, request.seeds.len())?;
        }
        if let Some(given) = &request.given {
            self.check_given(given, request)?;
        }
        self.inspirations.check(&request.memory)
    }

    fn check_anchor(&self, anchor: &Anchor, n_pictures: usize) -> Result<(), ModelError> {
        let fail = |reason: String| Err(ModelError::Request { reason });
        if !(0.0..=Anchor::MAX_HOLD).contains(&anchor.hold) {
            return fail(format!(
                "an earlier picture can be held with 0 to {}, not {}",
                Anchor::MAX_HOLD,
                anchor.hold
            ));
        }
        if anchor.ids.len() != n_pictures {
            return fail(format!(
                "{} earlier pictures cannot be held by {n_pictures}; give one for each seed",
                anchor.ids.len()
            ));
        }
        if anchor.ids.iter().all(|ids| self.fits(ids)) {
            Ok(())
        } else {
            fail("the earlier picture is of another model and cannot be held".to_owned())
        }
    }

    fn check_given(&self, given: &Given, request: &GenerateRequest) -> Result<(), ModelError> {
        let fail = |reason: String| Err(ModelError::Request { reason });
        let (n_given, n_pictures) = (given.n_scales(), request.seeds.len());
        if given.ids.len() != n_pictures {
            return fail(format!(
                "the scales of {} pictures are given for {n_pictures}; give those of one for each \
                 seed",
                given.ids.len()
            ));
        }
        if n_given == 0 || given.ids.iter().any(|ids| ids.len() != n_given) {
            return fail("the same number of scales must be given for each seed".to_owned());
        }
        if !given.ids.iter().all(|ids| self.fits(ids)) {
            return fail("the given scales are of another model and cannot be used".to_owned());
        }
        match request.stop_at {
            Some(stop_at) if stop_at < n_given => {
                fail(format!("cannot stop at scale {stop_at}: {n_given} are given"))
            }
            _ => Ok(()),
        }
    }

    /// Whether the ids can be of a picture of this model, complete or not.
    fn fits(&self, ids: &PictureIds) -> bool {
        let (sides, n_codes) = (&self.info.scales, self.networks.config.tokenizer.codebook_size);
        let is_grid = |(grid, side): (&Vec<u32>, &usize)| {
            grid.len() == side * side && grid.iter().all(|id| (*id as usize) < n_codes)
        };
        ids.len() <= sides.len() && ids.iter().zip(sides).all(is_grid)
    }

    /// Tokens (1, D, G, G) of all controls that have any strength.
    fn control_tokens(&mut self, controls: &[Control]) -> Result<ControlTokens, ModelError> {
        let mut tokens = Vec::with_capacity(controls.len());
        for control in controls.iter().filter(|control| !control.strength.is_zero()) {
            let mut encoded = self.encoded_control(&control.map)?;
            if let Some(map) = &control.strength_map {
                let side = self.networks.config.latent_size();
                let map = Tensor::from_slice(map, (1, 1, side, side), &self.device)?;
                encoded = encoded.broadcast_mul(&map)?;
            }
            tokens.push((encoded, control.strength.clone()));
        }
        Ok(ControlTokens(tokens))
    }

    fn encoded_control(&mut self, map: &ControlMap) -> Result<Tensor, ModelError> {
        let Self { controls, control_cache, device, .. } = self;
        control_cache.find_or_make(
            |cached| cached == map,
            || {
                let shape = (1, map.kind().n_channels(), map.size_px(), map.size_px());
                let pixels = Tensor::from_slice(map.values(), shape, device)?;
                let tokens = controls.encode(map.kind(), &pixels)?;
                Ok((map.clone(), tokens.expect("checked: the kind is one of the model's")))
            },
        )
    }

    fn look(
        &mut self,
        request: &GenerateRequest,
        prompt: &TextEncoding,
    ) -> Result<Look, ModelError> {
        let Self { networks, inspirations, looks, .. } = self;
        let GenerateRequest { prompt: text, seeds, memory, .. } = request;
        looks.find_or_make(
            |cached| cached.prompt == *text && cached.seeds == *seeds && cached.memory == *memory,
            || {
                let key =
                    LookKey { prompt: text.clone(), seeds: seeds.clone(), memory: memory.clone() };
                let Networks { tokenizer, network, .. } = &**networks;
                let pictures = inspirations.choose(memory, &prompt.key, seeds, tokenizer)?;
                let latents = remembered_latents(&pictures)?;
                let mut reference = ControlTokens::default();
                let strength = memory.reference_strength;
                if let Some(latents) = &latents
                    && latents.slots[0] == 0
                    && strength > 0.0
                {
                    let first = latents.latents.narrow(1, 0, 1)?.squeeze(1)?;
                    let tokens = network.reference(&first)?;
                    reference.0.push((tokens, StrengthCurve::Constant(strength)));
                }
                let condition = network.condition(&ConditionInput {
                    text: &prompt.hidden,
                    pooled: &prompt.pooled,
                    memory: latents.as_ref(),
                    control: ControlTokens::default(),
                })?;
                let first = pictures.into_iter().next().unwrap_or_default();
                let inspired_by =
                    first.into_iter().map(|remembered| remembered.inspired_by).collect();
                Ok((key, Look { condition, reference, inspired_by }))
            },
        )
    }

    fn null_condition(
        &mut self,
        negative: &str,
        encoding: &TextEncoding,
    ) -> Result<Condition, ModelError> {
        let Self { networks, null_conditions, .. } = self;
        null_conditions.find_or_make(
            |cached| cached == negative,
            || {
                let condition = networks.network.condition(&ConditionInput {
                    text: &encoding.hidden,
                    pooled: &encoding.pooled,
                    memory: None,
                    control: ControlTokens::default(),
                })?;
                Ok((negative.to_owned(), condition))
            },
        )
    }
}

impl Generator for EmbeddedModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn memory_sources(&self) -> Vec<MemorySource> {
        self.inspirations.sources()
    }

    fn encode_text(&mut self, request: &GenerateRequest) -> Result<(), ModelError> {
        self.text.encode(&request.prompt)?;
        self.text.encode(&request.negative)?;
        Ok(())
    }

    fn start(&mut self, request: &GenerateRequest) -> Result<Box<dyn Session>, ModelError> {
        self.check(request)?;
        let prompt = self.text.encode(&request.prompt)?;
        let null = self.text.encode(&request.negative)?;
        let mut notices = Vec::new();
        for (name, encoding) in [("prompt", &prompt), ("negative prompt", &null)] {
            if encoding.n_dropped > 0 {
                notices.push(format!(
                    "The {name} is too long: this model reads the first {} words or word parts",
                    self.networks.config.text.max_tokens - 2
                ));
            }
        }
        let Look { condition, mut reference, inspired_by } = self.look(request, &prompt)?;
        let control = self.control_tokens(&request.controls)?;
        let unconditional = if request.sampling.guidance > 0.0 {
            let condition = self.null_condition(&request.negative, &null)?;
            Some(condition.with_control(control.clone()))
        } else {
            None
        };
        let mut all_control = control;
        all_control.0.append(&mut reference.0);
        let config = &self.networks.config;
        let latent_shape = (
            request.seeds.len(),
            config.tokenizer.latent_channels,
            config.latent_size(),
            config.latent_size(),
        );
        let mut session = EmbeddedSession {
            networks: Arc::clone(&self.networks),
            conditional: condition.with_control(all_control),
            unconditional,
            sampling: request.sampling.clamped(),
            seeds: request.seeds.clone(),
            anchor: request.anchor.clone().filter(|anchor| anchor.hold > 0.0),
            n_scales: request.stop_at.unwrap_or(config.scales.len()),
            f_hats: vec![Tensor::zeros(latent_shape, super::text::DTYPE, &self.device)?],
            ids: Vec::new(),
            notices,
            inspired_by,
        };
        if let Some(given) = &request.given {
            session.take(given)?;
        }
        Ok(Box::new(session))
    }

    fn thumbnail(&mut self, entry: EntryId) -> Result<Arc<RgbaImage>, ModelError> {
        self.inspirations.thumbnail(entry, &self.networks.tokenizer)
    }
}

/// Stacks the slots of all pictures; all pictures of a request fill the same slots.
fn remembered_latents(
    pictures: &[Vec<Remembered>],
) -> Result<Option<RememberedLatents>, ModelError> {
    let slots: Vec<usize> = pictures[0].iter().map(|entry| entry.inspired_by.slot).collect();
    if slots.is_empty() {
        return Ok(None);
    }
    let rows: Vec<Tensor> = pictures
        .iter()
        .map(|entries| {
            let latents: Vec<&Tensor> = entries.iter().map(|entry| &entry.latent).collect();
            Tensor::cat(&latents, 0) // (slots, Z, G, G)
        })
        .collect::<Result<_, _>>()?;
    Ok(Some(RememberedLatents { slots, latents: Tensor::stack(&rows, 0)? }))
}
