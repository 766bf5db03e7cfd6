//! A raster model as a [`Generator`]: its files put together.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use image::{Rgba, RgbaImage};

use super::classes::{all_names, find_class};
use super::colours::CodeColours;
use super::files::{ControlSort, RasterChoice, RasterFiles};
use super::geometry::Geometry;
use super::locked::LockedPicture;
use super::parts::Parts;
use super::session::{Asked, Followed, RasterSession, Stage};
use crate::imaging::resample::{self, Filter, Region};
use crate::model::controlar::config::{ControlResize, PrefixKind};
use crate::model::controlar::control::ControlEncoder;
use crate::model::controlar::llamagen::LlamaGen;
use crate::model::controlar::names;
use crate::model::controlar::precision::Precision;
use crate::model::controlar::probe::Probe;
use crate::model::controlar::prompt_encoder::{PromptCache, PromptEncoder};
use crate::model::controlar::sampler::{Guidance, RasterSampling};
use crate::model::controlar::speculation::{Drawing, Speculator};
use crate::model::controlar::vq16::{Vq16, pictures_from_bytes};
use crate::model::recent::Recent;
use crate::model::weights::{Checkpoint, Reading};
use crate::model::{Generator, ModelError, Session, device};
use crate::params::{ControlKind, Sampling};
use crate::protocol::{
    DecodingOrder, EntryId, GenerateRequest, InspiredBy, Lock, MemoryModel, MemoryRequest,
    ModelInfo, PictureIds,
};

/// Locked pictures kept decoded.
const LOCK_CACHE_SIZE: usize = 2;
/// No configuration is longer, in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The loaded model.
pub struct RasterModel {
    pub(super) info: ModelInfo,
    pub(super) parts: Arc<Parts>,
    /// What every run remarks.
    notices: Vec<String>,
    locks: Recent<Lock, Arc<LockedPicture>>,
}

impl RasterModel {
    /// Reads the files of a model. `reading` is told how much there is to read and how far that is,
    /// and can stop it.
    ///
    /// # Errors
    /// [`ModelError`] naming the file and what does not fit. Nothing is allocated for a file whose
    /// list of tensors does not fit.
    pub fn load(
        choice: &RasterChoice,
        device: Device,
        reading: &Arc<Reading>,
    ) -> Result<Self, ModelError> {
        let RasterChoice { files, options } = choice;
        let name = files.name();
        let known_sort = files.control.or_else(|| ControlSort::by_name(&name));
        let sort = known_sort.unwrap_or(ControlSort {
            kind: ControlKind::Lines,
            resize: ControlResize::BicubicAlignCorners,
        });
        let checkpoint = Checkpoint::open(&files.transformer)?;
        let tokenizer_file = Checkpoint::open(&files.picture_tokenizer)?;
        let config = files.config.as_deref().map(read_config).transpose()?;
        let geometry =
            Geometry::of_transformer(&checkpoint, &name, sort.resize, config.as_deref())?;
        let tokenizer_config = Geometry::of_tokenizer(&tokenizer_file)?;
        let mut wanted = names::llamagen(&geometry.transformer);
        if let Some(control) = &geometry.control {
            wanted.extend(names::control(control, geometry.transformer.dim));
        }
        let inventory = checkpoint.check(&wanted, &names::IGNORED)?;
        let of_tokenizer =
            tokenizer_file.check(&names::vq16(&tokenizer_config), &names::IGNORED_VQ16)?;
        for unexpected in inventory.unexpected.iter().chain(&of_tokenizer.unexpected) {
            tracing::warn!(name = unexpected, "a tensor of the model is of no use");
        }
        if geometry.transformer.n_codes > tokenizer_config.codebook_size {
            return Err(ModelError::Config {
                reason: format!(
                    "the model draws {} codes and the picture tokenizer knows {}; use the \
                     tokenizer that belongs to it",
                    geometry.transformer.n_codes, tokenizer_config.codebook_size
                ),
            });
        }
        let grid = geometry.grid(options.size)?;
        reading.want(checkpoint.n_bytes() + tokenizer_file.n_bytes());
        let (checkpoint, tokenizer_file) =
            (checkpoint.watched(reading), tokenizer_file.watched(reading));
        // A file in few bits keeps its own.
        let precision = match (options.precision, Precision::of_file(&checkpoint)) {
            (None, Some(own)) if device.is_cpu() => own,
            _ => options.precision_for(inventory.n_parameters, device.is_cpu()),
        };
        let vb = checkpoint.var_builder(&device);
        let Geometry { transformer: config, control, takes_any_size } = geometry;
        let dim = config.dim;
        let transformer = Arc::new(LlamaGen::load(config, &vb, precision)?);
        let has_control = control.is_some();
        let control = control.map(|control| ControlEncoder::load(control, dim, &vb)).transpose()?;
        let picture_tokenizer = Vq16::load(tokenizer_config, &tokenizer_file.var_builder(&device))?;
        let colours = CodeColours::fit(&picture_tokenizer)?;
        let class_names = match transformer.config().prefix {
            PrefixKind::Text { .. } => Arc::default(),
            PrefixKind::Class { n_classes } => all_names(n_classes).into(),
        };
        let prompts = prompt_encoder(files, transformer.config().prefix, &device)?;
        let cell_px = picture_tokenizer.config().patch_px();
        let is_text = prompts.is_some();
        let info = ModelInfo {
            name,
            device: format!("{}, {precision}", device::label(&device)),
            order: DecodingOrder::Raster,
            scales: vec![grid.1; grid.0],
            image_size_px: grid.0.max(grid.1) * cell_px,
            control_kinds: has_control.then_some(sort.kind).into_iter().collect(),
            class_names,
            styles: Arc::default(),
            n_memory_slots: 0,
            n_memory_entries: 0,
            memory_entries: Arc::default(),
            n_parameters: inventory.n_parameters + of_tokenizer.n_parameters,
            sampling: usual_sampling(is_text && !has_control),
            sha256: files.sha256.clone(),
            tokenizer_sha256: None,
        };
        let mut notices = Vec::new();
        if has_control && known_sort.is_none() {
            notices.push(
                "The name of the model does not tell which control it was trained on; lines are \
                 assumed"
                    .to_owned(),
            );
        }
        tracing::debug!(?grid, takes_any_size, %precision, "raster model loaded");
        let tokenizer = (picture_tokenizer, colours);
        let parts = Parts::new(transformer, control, tokenizer, grid, prompts, device);
        Ok(Self { info, parts: Arc::new(parts), notices, locks: Recent::new(LOCK_CACHE_SIZE) })
    }

    /// What is locked, with what was decoded of it for an earlier request. The lock must have been
    /// checked.
    fn locked(&mut self, lock: &Lock) -> Arc<LockedPicture> {
        if let Some(locked) = self.locks.find(|known| known == lock) {
            return locked;
        }
        let locked = Arc::new(LockedPicture::new(&self.parts, lock));
        self.locks.put(lock.clone(), Arc::clone(&locked));
        locked
    }

    /// What the pictures are to show, and what to remark about it.
    fn asked(&self, request: &GenerateRequest) -> Result<(Asked, Option<String>), ModelError> {
        let GenerateRequest { prompt, negative, .. } = request;
        Ok(match self.parts.transformer.config().prefix {
            PrefixKind::Text { .. } => {
                (Asked::Prompt { prompt: prompt.clone(), negative: negative.clone() }, None)
            }
            PrefixKind::Class { n_classes } => {
                let found = find_class(prompt, n_classes)?;
                let unused = "This model draws classes and knows no negative prompt";
                let notice =
                    if negative.trim().is_empty() { None } else { Some(unused.to_owned()) };
                (Asked::Class(found.label), found.notice.or(notice))
            }
        })
    }

    pub(super) fn start_session(
        &mut self,
        request: &GenerateRequest,
    ) -> Result<RasterSession, ModelError> {
        self.check(request)?;
        let (asked, notice) = self.asked(request)?;
        let mut notices = self.notices.clone();
        notices.extend(notice);
        let Sampling { guidance, temperature, top_k, top_p, speculation } =
            request.sampling.clamped();
        let lock = request.lock.as_ref().map(|lock| self.locked(lock));
        let ids = match &request.given {
            Some(given) => given.ids.iter().map(|rows| rows.concat()).collect(),
            None => vec![Vec::new(); request.seeds.len()],
        };
        let followed = request.controls.first().map(|control| Followed {
            map: control.map.clone(),
            strength: control.strength.clone(),
            strength_map: control.strength_map.clone(),
        });
        let guidance = Guidance { scale: guidance, interval: None };
        let sampling = RasterSampling { temperature, top_k, top_p };
        let anchor = request.anchor.clone().filter(|anchor| anchor.hold > 0.0);
        let is_steered = lock.is_some() || anchor.is_some();
        if is_steered && !speculation.is_off() {
            notices.push(
                "Nothing is guessed ahead while places are locked or a picture is held".to_owned(),
            );
        }
        let speculator = if is_steered || speculation.is_off() {
            None
        } else {
            let is_exact = speculation.relaxation == 0.0;
            let neighbours = if is_exact { None } else { Some(self.parts.neighbours()?) };
            let n_columns = self.parts.grid.1;
            let seeds = request.seeds.clone();
            Some(Speculator::new(Drawing {
                guidance,
                sampling,
                speculation,
                seeds,
                n_columns,
                neighbours,
            }))
        };
        Ok(RasterSession {
            parts: Arc::clone(&self.parts),
            asked,
            followed,
            guidance,
            sampling,
            speculator,
            seeds: request.seeds.clone(),
            anchor,
            lock,
            n_rows_wanted: request.stop_at.unwrap_or(self.parts.grid.0),
            ids,
            notices,
            stage: Stage::Asked,
        })
    }
}

impl Generator for RasterModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn encode_text(&mut self, request: &GenerateRequest) -> Result<(), ModelError> {
        let Some(mut prompts) = self.parts.prompts() else { return Ok(()) };
        prompts.encode(&request.prompt, &|| true, &mut |_| {})?;
        if request.sampling.guidance > 1.0 && !request.negative.is_empty() {
            prompts.encode(&request.negative, &|| true, &mut |_| {})?;
        }
        Ok(())
    }

    fn start(&mut self, request: &GenerateRequest) -> Result<Box<dyn Session>, ModelError> {
        Ok(Box::new(self.start_session(request)?))
    }

    fn encode(&mut self, picture: &RgbaImage) -> Result<PictureIds, ModelError> {
        if picture.pixels().all(|pixel| pixel.0[3] == 0) {
            let reason = "the picture has no visible pixels; choose another".to_owned();
            return Err(ModelError::Request { reason });
        }
        let (width, height) = self.info.size_px();
        let bytes = covering(picture, (width, height));
        let bytes = Tensor::from_vec(bytes, (1, 3, height, width), &self.parts.device)?;
        let picture = pictures_from_bytes(&bytes)?;
        let encoded = self.parts.picture_tokenizer.encode(&picture, &mut Probe::none())?;
        let ids = encoded.ids.into_iter().next().unwrap_or_default();
        Ok(self.parts.rows(&ids))
    }

    /// Decodes the last row that the ids have, and rows above it as a mosaic, as a session does.
    fn decode(
        &mut self,
        ids: &PictureIds,
        lock: Option<&Lock>,
        scale_idx: usize,
    ) -> Result<RgbaImage, ModelError> {
        self.fit().check_ids(ids, scale_idx)?;
        if let Some(lock) = lock {
            self.fit().check_lock(lock)?;
        }
        let rows = &ids[..=scale_idx];
        if rows.len() != ids.len() {
            return Ok(self.parts.mosaic(&rows.concat()));
        }
        let mut picture = self.parts.decode(rows)?;
        if let Some(lock) = lock {
            self.locked(lock).lay_over(&self.parts, &mut picture)?;
        }
        Ok(picture)
    }

    fn thumbnail(&mut self, entry: EntryId) -> Result<Arc<RgbaImage>, ModelError> {
        Err(ModelError::UnknownEntry { entry })
    }

    fn candidates(
        &mut self,
        _text: &str,
        _memory: &MemoryRequest,
        _n: usize,
    ) -> Result<Vec<InspiredBy>, ModelError> {
        Ok(Vec::new())
    }

    /// No memory can be made for it: its keys have no values.
    fn memory_model(&self) -> MemoryModel {
        MemoryModel {
            mark: String::new(),
            image_size_px: self.info.image_size_px,
            n_tokens: self.parts.n_tokens(),
            codebook_size: self.parts.transformer.config().n_codes,
            key_dim: 0,
        }
    }

    fn key(&mut self, _caption: &str) -> Result<Vec<i8>, ModelError> {
        let reason =
            "this model has no picture memory; load the built-in model for that".to_owned();
        Err(ModelError::Request { reason })
    }
}

/// What the reference's own scripts use.
fn usual_sampling(follows_prompts_alone: bool) -> Sampling {
    let (guidance, top_k) = if follows_prompts_alone { (7.5, 1000) } else { (4.0, 2000) };
    Sampling { guidance, temperature: 1.0, top_k, top_p: 1.0, ..Sampling::default() }
}

fn prompt_encoder(
    files: &RasterFiles,
    prefix: PrefixKind,
    device: &Device,
) -> Result<Option<PromptEncoder>, ModelError> {
    let PrefixKind::Text { n_rows, caption_dim } = prefix else { return Ok(None) };
    let text = files.text.clone().ok_or_else(|| ModelError::RasterFile {
        reason: format!(
            "the text encoder is missing; get google/flan-t5-xl from huggingface.co and put its \
             files into a folder flan-t5-xl beside the model: {}",
            files.transformer.display()
        ),
    })?;
    let cache = files.prompt_cache.clone();
    let cache = cache.map(|folder| PromptCache::new(folder, PromptCache::MAX_BYTES));
    Ok(Some(PromptEncoder::new(text, (n_rows, caption_dim), device.clone(), cache)))
}

fn read_config(path: &Path) -> Result<String, ModelError> {
    let read = |source| ModelError::Read {
        what: "the model's configuration",
        path: path.to_owned(),
        source,
    };
    if fs::metadata(path).map_err(read)?.len() > MAX_CONFIG_BYTES {
        let reason = format!("it is too long: {}", path.display());
        return Err(ModelError::Config { reason });
    }
    fs::read_to_string(path).map_err(read)
}

/// The middle of a picture, as much as fills `width × height` pixels, over white: red, green and blue
/// planes of bytes.
fn covering(picture: &RgbaImage, (width, height): (usize, usize)) -> Vec<u8> {
    let (from_width, from_height) = picture.dimensions();
    let aspect = width as f64 / height as f64;
    let cut = |side: f64, most: u32| (side.round() as u32).clamp(1, most);
    let cut_width = cut(f64::from(from_height) * aspect, from_width);
    let cut_height = cut(f64::from(from_width) / aspect, from_height);
    let region = Region {
        x: (from_width - cut_width) / 2,
        y: (from_height - cut_height) / 2,
        width: cut_width,
        height: cut_height,
    };
    let is_whole = (from_width as usize, from_height as usize) == (width, height);
    let channel = |pixel: [f32; 4], channel: usize| {
        // Premultiplied, so what is missing is white.
        ((pixel[channel] + 1.0 - pixel[3]).clamp(0.0, 1.0) * 255.0).round() as u8
    };
    let pixels = if is_whole {
        let premultiplied = |Rgba(pixel): &Rgba<u8>| {
            let alpha = f32::from(pixel[3]) / 255.0;
            let part = |i: usize| f32::from(pixel[i]) / 255.0 * alpha;
            [part(0), part(1), part(2), alpha]
        };
        picture.pixels().map(premultiplied).collect()
    } else {
        resample::resize(picture, region, (width, height), Filter::Sharp)
    };
    (0..3).flat_map(|c| pixels.iter().map(move |pixel| channel(*pixel, c))).collect()
}
