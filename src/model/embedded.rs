//! The embedded model as a [`Generator`]: text, memory, controls and networks put together.
//!
//! A live request differs from the one before in one control map. Everything else that a session
//! needs is found in small caches.

mod check;
mod lock;
mod look;
mod session;
mod sought;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use candle_core::{Device, Tensor};

use self::lock::LockedPicture;
pub(super) use self::lock::softened;
use self::look::{Look, LookKey};
use self::session::EmbeddedSession;
use self::sought::Sought;
use super::config::Config;
use super::generator::{
    Condition, ConditionInput, ControlEncoders, ControlTokens, Network, RememberedLatents,
};
use super::inspiration::{Inspirations, Remembered};
use super::memory::{Asked, PictureMemory};
use super::recent::Recent;
use super::text::{TextEncoder, TextEncoding};
use super::tokenizer::Tokenizer;
use super::weights::Weights;
use super::{Generator, ModelError, ModelFiles, Session, device, mark};
use crate::imaging::{ControlMap, RgbaImage, fit, planes};
use crate::params::StrengthCurve;
use crate::protocol::{
    Control, DecodingOrder, EntryId, GenerateRequest, InspiredBy, Lock, MemoryModel, MemoryRequest,
    MemorySource, ModelInfo, PictureIds,
};

/// Control maps kept encoded; a live sketch changes one layer at a time.
const CONTROL_CACHE_SIZE: usize = 8;
/// What depends on prompts and memory: for the picture on show, and for one more beside it. Few,
/// because the keys and values of a picture take some megabytes.
const CONDITION_CACHE_SIZE: usize = 2;
/// Locked pictures kept decoded, at up to a megabyte a scale: that on show, one beside it, and those
/// beneath them.
const LOCK_CACHE_SIZE: usize = 4;

/// What a value of 1 is in a memory's keys.
const KEY_ONE: f32 = 127.0;

/// Weights of everything that works on latents; shared with running sessions.
struct Networks {
    config: Config,
    tokenizer: Tokenizer,
    network: Network,
}

impl Networks {
    /// The latent (1, Z, G, G) of one picture after each of its scales.
    fn f_hats(&self, ids: &PictureIds) -> Result<Vec<Tensor>, ModelError> {
        let Self { config, tokenizer, .. } = self;
        let (channels, side) = (config.tokenizer.latent_channels, config.latent_size());
        let device = tokenizer.codebook().device();
        let mut f_hat = Tensor::zeros((1, channels, side, side), super::text::DTYPE, device)?;
        let mut f_hats = Vec::with_capacity(ids.len());
        for (scale_idx, ids) in ids.iter().enumerate() {
            f_hat = tokenizer.add_scale(&f_hat, scale_idx, ids)?;
            f_hats.push(f_hat.clone());
        }
        Ok(f_hats)
    }

    /// One latent (1, Z, h, w) to four premultiplied planes, one after the other.
    fn decode(&self, f_hat: &Tensor) -> Result<Vec<f32>, ModelError> {
        Ok(self.tokenizer.decode(f_hat)?.flatten_all()?.to_vec1()?)
    }

    /// Four planes of the model's size as a picture.
    fn picture(&self, planes: &[f32]) -> RgbaImage {
        planes::rgba_from_planes(planes, self.config.image_size)
            .expect("the decoder makes four planes of the configured size")
    }
}

/// The loaded model.
pub struct EmbeddedModel {
    info: ModelInfo,
    files: ModelFiles,
    /// See [`mark`]; that of the built-in model is made when it is first asked for.
    mark: OnceLock<String>,
    networks: Arc<Networks>,
    text: TextEncoder,
    controls: ControlEncoders,
    inspirations: Inspirations,
    control_cache: Recent<ControlMap, Tensor>,
    looks: Recent<LookKey, Look>,
    /// What the unconditional rows look at, by the negative prompt.
    null_conditions: Recent<String, Condition>,
    locks: Recent<Lock, Arc<LockedPicture>>,
    device: Device,
}

/// In the order of the alphabet.
fn styles_of(memory: &PictureMemory) -> Arc<[String]> {
    let styles = memory.styles().filter(|style| !style.is_empty()).map(str::to_owned);
    styles.collect::<BTreeSet<_>>().into_iter().collect()
}

/// What is built of the weights.
struct Parts {
    tokenizer: Tokenizer,
    network: Network,
    controls: ControlEncoders,
    text: TextEncoder,
}

impl Parts {
    fn load(
        config: &Config,
        weights: &Weights,
        tokenizer_json: &[u8],
        device: &Device,
    ) -> Result<Self, ModelError> {
        let vb = weights.var_builder(device);
        let tokenizer = Tokenizer::load(config, vb.pp("tokenizer"))?;
        let network = Network::load(config, tokenizer.codebook(), &vb.pp("generator"))?;
        let controls = ControlEncoders::load(config, &vb.pp("generator.control"))?;
        let text = TextEncoder::load(&config.text, tokenizer_json, vb.pp("text"))?;
        Ok(Self { tokenizer, network, controls, text })
    }
}

impl EmbeddedModel {
    /// Builds the networks from a model's files.
    ///
    /// # Errors
    /// [`ModelError`] naming the file, field or tensor that does not fit.
    pub fn load(files: &ModelFiles, device: Device) -> Result<Self, ModelError> {
        let config = files.config()?;
        let weights = files.weights()?;
        let tokenizer_json = files.tokenizer_json()?;
        // The hash of a folder's weights takes about as long as building the networks.
        let (parts, (sha256, memory, mark)) = rayon::join(
            || Parts::load(&config, &weights, &tokenizer_json, &device),
            || {
                let mark = OnceLock::new();
                if !files.is_embedded() {
                    // The files may be others when the mark is asked for.
                    mark.get_or_init(|| mark::mark(&config, &weights, &tokenizer_json));
                }
                (files.weights_sha256(&weights), files.memory(&config), mark)
            },
        );
        let Parts { tokenizer, network, controls, text } = parts?;
        weights.warn_of_unused();
        let memory = memory?;
        let info = ModelInfo {
            name: config.name.clone(),
            device: device::label(&device),
            order: DecodingOrder::NextScale,
            scales: config.scales.clone(),
            image_size_px: config.image_size,
            control_kinds: controls.kinds().collect(),
            class_names: Arc::default(),
            styles: styles_of(&memory),
            n_memory_slots: config.memory.slots,
            n_memory_entries: memory.len(),
            memory_entries: memory.entry_ids(),
            n_parameters: weights.n_parameters(),
            sampling: config.sampling,
            sha256,
            tokenizer_sha256: files.tokenizer_sha256(&tokenizer_json),
        };
        Ok(Self {
            info,
            files: files.clone(),
            mark,
            inspirations: Inspirations::new(memory, &config),
            networks: Arc::new(Networks { config, tokenizer, network }),
            text,
            controls,
            control_cache: Recent::new(CONTROL_CACHE_SIZE),
            looks: Recent::new(CONDITION_CACHE_SIZE),
            null_conditions: Recent::new(CONDITION_CACHE_SIZE),
            locks: Recent::new(LOCK_CACHE_SIZE),
            device,
        })
    }

    /// What is locked, with what was decoded of it for an earlier request. The lock must have been
    /// checked.
    fn locked(&mut self, lock: &Lock) -> Result<Arc<LockedPicture>, ModelError> {
        if let Some(locked) = self.locks.find(|known| known == lock) {
            return Ok(locked);
        }
        let beneath = lock.beneath.as_deref().map(|lock| self.locked(lock)).transpose()?;
        let locked = Arc::new(LockedPicture::new(&self.networks, lock, beneath)?);
        self.locks.put(lock.clone(), Arc::clone(&locked));
        Ok(locked)
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
        negative: &TextEncoding,
    ) -> Result<Look, ModelError> {
        let Self { networks, text, inspirations, looks, .. } = self;
        let Networks { config, tokenizer, network } = &**networks;
        looks.find_or_make(
            |cached| cached.is_of(request),
            || {
                let styles: Vec<&str> = inspirations.styles().collect();
                let sought = Sought::of(&request.prompt, &styles, config.memory.slots, text)?;
                let things: Vec<&[f32]> = sought.things.iter().map(Vec::as_slice).collect();
                let style = sought.style.as_deref();
                let asked = Asked { whole: &sought.whole, things: &things, style };
                let memory = &request.memory;
                let pictures = inspirations.choose(memory, asked, &request.seeds, tokenizer)?;
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
                let condition = |words: &TextEncoding| {
                    network.condition(&ConditionInput {
                        text: &words.hidden,
                        pooled: &words.pooled,
                        memory: latents.as_ref(),
                        control: ControlTokens::default(),
                    })
                };
                let key = LookKey::of(request);
                let has_wordless = key.is_guided && latents.is_some();
                let wordless = has_wordless.then(|| condition(negative)).transpose()?;
                let condition = condition(prompt)?;
                let first = pictures.into_iter().next().unwrap_or_default();
                let inspired_by =
                    first.into_iter().map(|remembered| remembered.inspired_by).collect();
                Ok((key, Look { condition, wordless, reference, inspired_by }))
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
        let negative = self.text.encode(&request.negative)?;
        let mut notices = Vec::new();
        for (name, encoding) in [("prompt", &prompt), ("negative prompt", &negative)] {
            if encoding.n_dropped > 0 {
                notices.push(format!(
                    "The {name} is too long: this model reads the first {} words or word parts",
                    self.networks.config.text.max_tokens - 2
                ));
            }
        }
        let Look { condition, wordless, mut reference, inspired_by } =
            self.look(request, &prompt, &negative)?;
        let control = self.control_tokens(&request.controls)?;
        let is_guided = request.sampling.guidance > 0.0;
        let unconditional = if is_guided {
            let condition = self.null_condition(&request.negative, &negative)?;
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
        let lock = request.lock.as_ref().map(|lock| self.locked(lock)).transpose()?;
        let config = &self.networks.config;
        let mut session = EmbeddedSession {
            networks: Arc::clone(&self.networks),
            wordless: wordless.map(|condition| condition.with_control(all_control.clone())),
            conditional: condition.with_control(all_control),
            unconditional,
            sampling: request.sampling.clamped(),
            seeds: request.seeds.clone(),
            anchor: request.anchor.clone().filter(|anchor| anchor.hold > 0.0),
            lock,
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

    fn encode(&mut self, picture: &RgbaImage) -> Result<PictureIds, ModelError> {
        let size_px = self.info.image_size_px;
        if picture.pixels().all(|pixel| pixel.0[3] == 0) {
            let reason = "the picture has no visible pixels; choose another".to_owned();
            return Err(ModelError::Request { reason });
        }
        let fitted = if picture.dimensions() == (size_px as u32, size_px as u32) {
            Cow::Borrowed(picture)
        } else {
            Cow::Owned(fit::fit_square(picture, size_px))
        };
        self.networks.tokenizer.ids_of(&fitted)
    }

    fn decode(
        &mut self,
        ids: &PictureIds,
        lock: Option<&Lock>,
        scale_idx: usize,
    ) -> Result<RgbaImage, ModelError> {
        self.fit().check_ids(ids, scale_idx)?;
        let f_hats = self.networks.f_hats(ids)?;
        let mut planes = self.networks.decode(&f_hats[scale_idx])?;
        if let Some(lock) = lock {
            self.fit().check_lock(lock)?;
            self.locked(lock)?.lay_over(scale_idx, &mut planes)?;
        }
        Ok(self.networks.picture(&planes))
    }

    fn thumbnail(&mut self, entry: EntryId) -> Result<Arc<RgbaImage>, ModelError> {
        self.inspirations.thumbnail(entry, &[], &self.networks.tokenizer)
    }

    fn remembered(&mut self, picture: &InspiredBy) -> Result<Arc<RgbaImage>, ModelError> {
        self.inspirations.thumbnail(picture.entry, &picture.ids, &self.networks.tokenizer)
    }

    fn candidates(
        &mut self,
        text: &str,
        memory: &MemoryRequest,
        n: usize,
    ) -> Result<Vec<InspiredBy>, ModelError> {
        let styles: Vec<&str> = self.inspirations.styles().collect();
        let key = sought::vector(text, &styles, &mut self.text)?;
        self.inspirations.candidates(&key, memory, n)
    }

    fn memory_model(&self) -> MemoryModel {
        let config = &self.networks.config;
        let mark = self.mark.get_or_init(|| {
            let whole = "the built-in files were opened before";
            let (weights, tokenizer_json) = (self.files.weights(), self.files.tokenizer_json());
            mark::mark(config, &weights.expect(whole), &tokenizer_json.expect(whole))
        });
        MemoryModel {
            mark: mark.clone(),
            image_size_px: config.image_size,
            n_tokens: config.n_tokens(),
            codebook_size: config.tokenizer.codebook_size,
            key_dim: config.text.hidden_size,
        }
    }

    fn key(&mut self, caption: &str) -> Result<Vec<i8>, ModelError> {
        let keys = self.text.keys(&[caption])?;
        Ok(keys.into_iter().flat_map(in_bytes).collect())
    }

    fn keys(&mut self, captions: &[String]) -> Result<Vec<Vec<i8>>, ModelError> {
        let keys = self.text.keys(captions)?.into_iter();
        Ok(keys.map(|key| in_bytes(key).collect()).collect())
    }
}

/// A text vector of length 1 as memories keep it.
fn in_bytes(key: Vec<f32>) -> impl Iterator<Item = i8> {
    key.into_iter().map(|value| (value * KEY_ONE).round() as i8)
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
