//! The networks. Stepped by their caller; they know no thread, channel, clock or window.
//!
//! [`Generator`] is a loaded model, [`Session`] one run of it. The worker and the command line
//! drive sessions scale by scale; tests drive a fake.

pub mod config;
pub mod device;
pub mod error;
mod bytes;
pub mod weights;
pub mod assets;
pub mod ops;
pub mod text;
pub mod tokenizer;
pub mod memory;
pub mod generator;
pub mod sampling;
mod recent;
mod fit;
mod mark;
mod redraw;
mod joining;
mod inspiration;
mod embedded;
mod memory_encoder;
pub mod depth_network;
pub mod controlar;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use assets::ModelFiles;
pub use config::Config;
pub use controlar::raster::{RasterChoice, RasterFiles, RasterModel, RasterOptions};
pub use device::DeviceChoice;
pub use embedded::EmbeddedModel;
pub use error::{ModelError, WeightsError};
pub use weights::Reading;

use crate::imaging::RgbaImage;
use crate::protocol::{
    EntryId, GenerateRequest, InspiredBy, Lock, MemoryModel, MemoryRequest, MemorySource,
    ModelInfo, PictureIds, Progress,
};

/// Which model to load, and where it computes.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    pub model: ModelChoice,
    pub device: DeviceChoice,
}

/// Which model to load.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ModelChoice {
    /// The one inside the program.
    #[default]
    Embedded,
    /// A folder with another model of the same kind.
    Folder(PathBuf),
    /// A published model that draws token by token.
    Raster(Box<RasterChoice>),
}

impl ModelChoice {
    /// What is at a path: a folder in our own layout, or else a raster model, whose other files are
    /// looked for around it ([`RasterFiles::find`]). Reads no more than lists of tensors.
    ///
    /// # Errors
    /// Those of [`RasterFiles::find`]. What is wrong with a folder in our own layout is told by
    /// [`load`].
    pub fn at(path: &Path, options: RasterOptions) -> Result<Self, ModelError> {
        let is_own = path.join("config.json").is_file() || path.join("tokenizer.json").is_file();
        if is_own || !path.exists() {
            return Ok(Self::Folder(path.to_owned()));
        }
        let files = RasterFiles::find(path)?;
        Ok(Self::Raster(Box::new(RasterChoice { files, options })))
    }
}

/// Loads a model.
///
/// # Errors
/// [`ModelError`] naming the file, field or tensor that does not fit, or the device.
pub fn load(options: &LoadOptions) -> Result<Box<dyn Generator>, ModelError> {
    load_watched(options, &Arc::default())
}

/// Like [`load`], watched and perhaps stopped by another thread. Models in our own layout are there
/// in a moment and tell nothing.
///
/// # Errors
/// Those of [`load`], and [`WeightsError::Stopped`] within [`ModelError::Weights`].
pub fn load_watched(
    options: &LoadOptions,
    reading: &Arc<Reading>,
) -> Result<Box<dyn Generator>, ModelError> {
    let files = match &options.model {
        ModelChoice::Embedded => ModelFiles::embedded(),
        ModelChoice::Folder(folder) => ModelFiles::open(folder)?,
        ModelChoice::Raster(choice) => {
            return Ok(Box::new(RasterModel::load(choice, options.device.open()?, reading)?));
        }
    };
    Ok(Box::new(EmbeddedModel::load(&files, options.device.open()?)?))
}

/// A loaded model. Owns its weights and caches; not shared between threads. It is used again
/// after a panic, so a cache entry is written only when it is complete.
pub trait Generator: Send {
    fn info(&self) -> &ModelInfo;

    /// Where the remembered pictures come from, most first.
    fn memory_sources(&self) -> Vec<MemorySource> {
        Vec::new()
    }

    /// Encodes the prompts and keeps them, so that [`Self::start`] finds them ready. Optional: a
    /// way for the caller to time the two apart.
    ///
    /// # Errors
    /// What the computation reports.
    fn encode_text(&mut self, request: &GenerateRequest) -> Result<(), ModelError> {
        let _ = request;
        Ok(())
    }

    /// Encodes the prompt, controls and remembered pictures; draws nothing yet.
    ///
    /// # Errors
    /// [`ModelError::Request`] if the request does not fit this model; otherwise what the
    /// computation reports.
    fn start(&mut self, request: &GenerateRequest) -> Result<Box<dyn Session>, ModelError>;

    /// Finds the ids of a picture with straight alpha: of the model's size as it is, of any other
    /// size fitted like the pictures that the model knows.
    ///
    /// # Errors
    /// [`ModelError::Request`] if nothing of it is visible; otherwise what the computation reports.
    fn encode(&mut self, picture: &RgbaImage) -> Result<PictureIds, ModelError>;

    /// Decodes ids as they were after scale `scale_idx`, straight alpha: the very bytes of
    /// [`Session::render_scale`] in the session that drew them, if it had the same lock.
    ///
    /// # Errors
    /// [`ModelError::Request`] if they are of another model or have no such scale; otherwise what
    /// the computation reports.
    fn decode(
        &mut self,
        ids: &PictureIds,
        lock: Option<&Lock>,
        scale_idx: usize,
    ) -> Result<RgbaImage, ModelError>;

    /// What a picture of the model's memory, or one that the user gave lately, looks like, straight
    /// alpha.
    ///
    /// # Errors
    /// [`ModelError::UnknownEntry`] if it is neither.
    fn thumbnail(&mut self, entry: EntryId) -> Result<Arc<RgbaImage>, ModelError>;

    /// What any remembered picture looks like, straight alpha: its ids are enough.
    ///
    /// # Errors
    /// [`ModelError::UnknownEntry`] if its ids are not of this model and no memory of the model
    /// holds it.
    fn remembered(&mut self, picture: &InspiredBy) -> Result<Arc<RgbaImage>, ModelError> {
        self.thumbnail(picture.entry)
    }

    /// The `n` remembered pictures that fit a text best, of the request's own memories and the
    /// model's: most similar first, of equals those of the user first, none that is banned. Slots
    /// mean nothing: they count from 0.
    ///
    /// # Errors
    /// [`ModelError::Request`] if a memory of the request was made for another model; otherwise what
    /// the computation reports.
    fn candidates(
        &mut self,
        text: &str,
        memory: &MemoryRequest,
        n: usize,
    ) -> Result<Vec<InspiredBy>, ModelError>;

    /// What pictures of the user's memories must be made for. The first call may take some tens of
    /// milliseconds.
    fn memory_model(&self) -> MemoryModel;

    /// Key of a caption in a memory: 127 × the L2-normalised text vector, rounded.
    ///
    /// # Errors
    /// What the computation reports.
    fn key(&mut self, caption: &str) -> Result<Vec<i8>, ModelError>;

    /// [`Self::key`] of several captions, which may take much less time than one by one.
    ///
    /// # Errors
    /// What the computation reports.
    fn keys(&mut self, captions: &[String]) -> Result<Vec<Vec<i8>>, ModelError> {
        captions.iter().map(|caption| self.key(caption)).collect()
    }
}

/// How a step came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// One more scale is done.
    Done,
    /// More of it is done, but not all: the next call goes on there.
    Part,
    /// The caller did not want to go on; nothing has changed.
    Abandoned,
}

/// One run of a model: a batch of pictures, all at the same scale.
pub trait Session {
    /// Remarks for the user, such as a shortened prompt.
    fn notices(&self) -> &[String];

    /// The remembered pictures in use, by slot; those of the first picture of a batch.
    fn inspired_by(&self) -> &[InspiredBy];

    /// Number of scales that this run will have when it is complete.
    fn n_scales(&self) -> usize;

    /// Number of scales done so far.
    fn n_done(&self) -> usize;

    /// Makes the run end elsewhere than the request said. Scales that are done stay as they are,
    /// and the others will be what they would have been.
    ///
    /// # Errors
    /// [`ModelError::Request`] if `n_scales` is less than what is done or more than the model has.
    fn set_n_scales(&mut self, n_scales: usize) -> Result<(), ModelError>;

    /// Predicts the next scale of every picture in the batch, or a part of it. Must not be called
    /// when `n_done() == n_scales()`.
    ///
    /// `go_on` is asked several times within the step, at moments a few milliseconds apart where
    /// stopping is cheap. Once it says no, the step is abandoned, and the session is as before it.
    ///
    /// # Errors
    /// What the computation reports; the session is then of no further use.
    fn step(&mut self, go_on: &dyn Fn() -> bool) -> Result<Step, ModelError>;

    /// How far the run is, for models that draw a scale in parts.
    fn progress(&self) -> Option<Progress> {
        None
    }

    /// What there is to see of picture `batch_idx` within a scale, in a millisecond or two: for
    /// models that draw a scale in parts.
    ///
    /// # Errors
    /// What the computation reports.
    fn glimpse(&self, batch_idx: usize) -> Result<Option<RgbaImage>, ModelError> {
        let _ = batch_idx;
        Ok(None)
    }

    /// Token ids of picture `batch_idx`: a grid per scale that is done, row by row.
    fn ids(&self, batch_idx: usize) -> PictureIds;

    /// Decodes picture `batch_idx` as it was after scale `scale_idx`, straight alpha. That scale
    /// must be done; later ones do not show.
    ///
    /// # Errors
    /// What the computation reports.
    fn render_scale(&self, scale_idx: usize, batch_idx: usize) -> Result<RgbaImage, ModelError>;

    /// Decodes the scales done so far of picture `batch_idx`: at least one.
    ///
    /// # Errors
    /// What the computation reports.
    fn render(&self, batch_idx: usize) -> Result<RgbaImage, ModelError> {
        let scale_idx = self.n_done().checked_sub(1).expect("a picture is decoded after a step");
        self.render_scale(scale_idx, batch_idx)
    }

    /// Like [`Self::render`] in much less time, but softer: for a picture that is about to be
    /// replaced. A model that knows no such way renders in full.
    ///
    /// # Errors
    /// What the computation reports.
    fn render_draft(&self, batch_idx: usize) -> Result<RgbaImage, ModelError> {
        self.render(batch_idx)
    }
}
