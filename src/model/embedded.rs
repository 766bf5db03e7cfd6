//! The embedded model as a [`Generator`]: text, memory, controls and networks put together.
//!
//! The whole state of a half-made picture is its latent `f_hat` and the number of scales done.

use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::config::Config;
use super::generator::{
    Condition, ConditionInput, ControlEncoders, ControlTokens, Network, RememberedLatents,
};
use super::inspiration::{Inspirations, Remembered};
use super::sampling::{NoisePlace, draw};
use super::text::TextEncoder;
use super::tokenizer::Tokenizer;
use super::{Generator, ModelError, ModelFiles, Session, Step, device};
use crate::imaging::{ControlMap, RgbaImage, planes};
use crate::params::{Sampling, StrengthCurve};
use crate::protocol::{Control, EntryId, GenerateRequest, InspiredBy, MemorySource, ModelInfo};

/// Control maps kept encoded; a live sketch changes one layer at a time.
const CONTROL_CACHE_SIZE: usize = 8;

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
    /// Most recently used last.
    control_cache: Vec<(ControlMap, Tensor)>,
    device: Device,
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
        };
        Ok(Self {
            info,
            inspirations: Inspirations::new(memory, &config),
            networks: Arc::new(Networks { config, tokenizer, network }),
            text,
            controls,
            control_cache: Vec::new(),
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
        self.inspirations.check(&request.memory)
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
        let cache = &mut self.control_cache;
        if let Some(position) = cache.iter().position(|(cached, _)| cached == map) {
            let entry = cache.remove(position);
            let tokens = entry.1.clone();
            cache.push(entry);
            return Ok(tokens);
        }
        let shape = (1, map.kind().n_channels(), map.size_px(), map.size_px());
        let pixels = Tensor::from_slice(map.values(), shape, &self.device)?;
        let tokens = self.controls.encode(map.kind(), &pixels)?;
        let tokens = tokens.expect("checked: the kind is one of the model's");
        if cache.len() == CONTROL_CACHE_SIZE {
            cache.remove(0);
        }
        cache.push((map.clone(), tokens.clone()));
        Ok(tokens)
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
        let Networks { config, tokenizer, .. } = &*self.networks;
        let pictures =
            self.inspirations.choose(&request.memory, &prompt.key, &request.seeds, tokenizer)?;
        let memory = remembered_latents(&pictures)?;
        let networks = Arc::clone(&self.networks);
        let n_scales = request.stop_at.unwrap_or(config.scales.len());
        let latent_shape = (
            request.seeds.len(),
            config.tokenizer.latent_channels,
            config.latent_size(),
            config.latent_size(),
        );
        let f_hat = Tensor::zeros(latent_shape, super::text::DTYPE, &self.device)?;

        let control = self.control_tokens(&request.controls)?;
        let network = &networks.network;
        let unconditional = if request.sampling.guidance > 0.0 {
            Some(network.condition(&ConditionInput {
                text: &null.hidden,
                pooled: &null.pooled,
                memory: None,
                control: control.clone(),
            })?)
        } else {
            None
        };
        let mut control = control;
        let strength = request.memory.reference_strength;
        if let Some(memory) =
            memory.as_ref().filter(|memory| memory.slots[0] == 0 && strength > 0.0)
        {
            let reference = network.reference(&memory.latents.narrow(1, 0, 1)?.squeeze(1)?)?;
            control.0.push((reference, StrengthCurve::Constant(strength)));
        }
        let conditional = network.condition(&ConditionInput {
            text: &prompt.hidden,
            pooled: &prompt.pooled,
            memory: memory.as_ref(),
            control,
        })?;
        Ok(Box::new(EmbeddedSession {
            networks,
            conditional,
            unconditional,
            sampling: request.sampling.clamped(),
            seeds: request.seeds.clone(),
            n_scales,
            f_hats: vec![f_hat],
            notices,
            inspired_by: pictures.into_iter().next().map_or_else(Vec::new, |remembered| {
                remembered.into_iter().map(|remembered| remembered.inspired_by).collect()
            }),
        }))
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

/// One run of the embedded model.
struct EmbeddedSession {
    networks: Arc<Networks>,
    conditional: Condition,
    unconditional: Option<Condition>,
    sampling: Sampling,
    seeds: Vec<u64>,
    n_scales: usize,
    /// The latent (B, Z, G, G) before the first scale and after each one that is done: small, and
    /// all that is needed to decode any of them later.
    f_hats: Vec<Tensor>,
    notices: Vec<String>,
    inspired_by: Vec<InspiredBy>,
}

impl EmbeddedSession {
    /// The latent so far.
    fn f_hat(&self) -> &Tensor {
        self.f_hats.last().expect("the empty latent is always there")
    }

    /// Logits of the next scale, guided: (B, T, K); `None` if `go_on` said no.
    fn logits(&self, go_on: &dyn Fn() -> bool) -> Result<Option<Tensor>, ModelError> {
        let Networks { config, tokenizer, network } = &*self.networks;
        let scale_idx = self.n_done();
        let latent = tokenizer.input_for_scale(self.f_hat(), scale_idx)?;
        let conditions: Vec<&Condition> =
            std::iter::once(&self.conditional).chain(&self.unconditional).collect();
        let Some(mut features) = network.features(scale_idx, &latent, &conditions, go_on)? else {
            return Ok(None);
        };
        if self.unconditional.is_some() {
            let rows = features.chunk(2, 0)?;
            let weight = f64::from(self.sampling.guidance) * (scale_idx + 1) as f64
                / config.scales.len() as f64;
            features = ((&rows[0] * (1.0 + weight))? - (&rows[1] * weight)?)?;
        }
        // The largest single product of a step comes next.
        if go_on() { Ok(Some(network.logits(&features)?)) } else { Ok(None) }
    }
}

impl Session for EmbeddedSession {
    fn notices(&self) -> &[String] {
        &self.notices
    }

    fn inspired_by(&self) -> &[InspiredBy] {
        &self.inspired_by
    }

    fn n_scales(&self) -> usize {
        self.n_scales
    }

    fn n_done(&self) -> usize {
        self.f_hats.len() - 1
    }

    fn set_n_scales(&mut self, n_scales: usize) -> Result<(), ModelError> {
        let (n_done, n_model_scales) = (self.n_done(), self.networks.config.scales.len());
        if !(n_done..=n_model_scales).contains(&n_scales) {
            let reason = format!(
                "cannot stop at scale {n_scales}: {n_done} are done and this model has \
                 {n_model_scales}"
            );
            return Err(ModelError::Request { reason });
        }
        self.n_scales = n_scales;
        Ok(())
    }

    fn step(&mut self, go_on: &dyn Fn() -> bool) -> Result<Step, ModelError> {
        let scale_idx = self.n_done();
        let Networks { config, tokenizer, .. } = &*self.networks;
        let side = config.scales[scale_idx];
        let n_codes = config.tokenizer.codebook_size;
        let Some(logits) = self.logits(go_on)? else { return Ok(Step::Abandoned) };
        let logits: Vec<f32> = logits.flatten_all()?.to_vec1()?;
        if logits.iter().any(|logit| !logit.is_finite()) {
            return Err(ModelError::NotFinite { scale: scale_idx + 1 });
        }
        let pictures = logits.chunks_exact(side * side * n_codes).zip(&self.seeds);
        let ids: Vec<u32> = pictures
            .flat_map(|(logits, seed)| {
                draw(logits, n_codes, &self.sampling, NoisePlace { seed: *seed, scale_idx, side })
            })
            .collect();
        let f_hat = tokenizer.add_scale(self.f_hat(), scale_idx, &ids)?;
        self.f_hats.push(f_hat);
        Ok(Step::Done)
    }

    fn render_scale(&self, scale_idx: usize, batch_idx: usize) -> Result<RgbaImage, ModelError> {
        let f_hat = self.f_hats[scale_idx + 1].narrow(0, batch_idx, 1)?;
        let picture = self.networks.tokenizer.decode(&f_hat)?;
        let values: Vec<f32> = picture.flatten_all()?.to_vec1()?;
        let size_px = self.networks.config.image_size;
        Ok(planes::rgba_from_planes(&values, size_px)
            .expect("the decoder makes four planes of the configured size"))
    }
}
