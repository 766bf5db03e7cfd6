//! The networks of a raster model with what was made by them lately; shared with running sessions.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use candle_core::{Device, Tensor};
use image::RgbaImage;

use super::colours::{CodeColours, picture_of_planes};
use super::controls;
use crate::imaging::ControlMap;
use crate::model::ModelError;
use crate::model::controlar::control::{Control, ControlEncoder};
use crate::model::controlar::llamagen::LlamaGen;
use crate::model::controlar::neighbours::CodeNeighbours;
use crate::model::controlar::probe::Probe;
use crate::model::controlar::prompt_encoder::PromptEncoder;
use crate::model::controlar::resample::Size;
use crate::model::controlar::vq16::Vq16;
use crate::model::recent::Recent;
use crate::protocol::PictureIds;

/// Control maps kept encoded.
const CONTROL_CACHE_SIZE: usize = 4;

/// What draws and decodes.
pub(super) struct Parts {
    pub(super) transformer: Arc<LlamaGen>,
    pub(super) control: Option<ControlEncoder>,
    pub(super) picture_tokenizer: Vq16,
    pub(super) colours: CodeColours,
    /// Rows and columns of a picture.
    pub(super) grid: (usize, usize),
    /// Of models of prompts.
    pub(super) prompts: Option<Mutex<PromptEncoder>>,
    pub(super) device: Device,
    controls: Mutex<Recent<ControlMap, Arc<Control>>>,
    /// Which codes look alike, once that was asked for.
    neighbours: OnceLock<Arc<CodeNeighbours>>,
}

impl Parts {
    pub(super) fn new(
        transformer: Arc<LlamaGen>,
        control: Option<ControlEncoder>,
        (picture_tokenizer, colours): (Vq16, CodeColours),
        grid: (usize, usize),
        prompts: Option<PromptEncoder>,
        device: Device,
    ) -> Self {
        let controls = Mutex::new(Recent::new(CONTROL_CACHE_SIZE));
        let prompts = prompts.map(Mutex::new);
        let neighbours = OnceLock::new();
        Self {
            transformer,
            control,
            picture_tokenizer,
            colours,
            grid,
            prompts,
            device,
            controls,
            neighbours,
        }
    }

    /// Pixels of a cell, along a side.
    pub(super) fn cell_px(&self) -> usize {
        self.picture_tokenizer.config().patch_px()
    }

    pub(super) fn n_tokens(&self) -> usize {
        self.grid.0 * self.grid.1
    }

    /// The encoder of prompts, if this is a model of prompts.
    pub(super) fn prompts(&self) -> Option<MutexGuard<'_, PromptEncoder>> {
        // What it holds is whole after a panic, too: it keeps nothing half made.
        Some(self.prompts.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a control map of this model's kind adds to one picture, made once per map; `None` if
    /// `go_on` said no.
    pub(super) fn control(
        &self,
        map: &ControlMap,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Option<Arc<Control>>, ModelError> {
        let Some(encoder) = &self.control else { return Ok(None) };
        let mut known = self.controls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(control) = known.find(|known| known == map) {
            return Ok(Some(control));
        }
        let (rows, columns) = self.grid;
        let cell = self.cell_px();
        let size = Size { height: rows * cell, width: columns * cell };
        let bytes = controls::picture(map, size);
        let made = encoder.prepare_while(&bytes, 1, size, go_on, &mut Probe::none())?;
        let Some(control) = made.map(Arc::new) else { return Ok(None) };
        known.put(map.clone(), Arc::clone(&control));
        Ok(Some(control))
    }

    /// Decodes the first rows of a picture, at least one and whole ones; what is below is transparent.
    pub(super) fn decode(&self, rows: &[Vec<u32>]) -> Result<RgbaImage, ModelError> {
        let columns = self.grid.1;
        let ids: Vec<u32> = rows.iter().flatten().copied().collect();
        let planes =
            self.picture_tokenizer.decode(&[ids], rows.len(), columns, &mut Probe::none())?;
        let planes: Tensor = planes.squeeze(0)?;
        picture_of_planes(&planes, self.grid.0 * self.cell_px())
    }

    /// Which codes look alike; the first time takes about a second.
    pub(super) fn neighbours(&self) -> Result<Arc<CodeNeighbours>, ModelError> {
        if let Some(neighbours) = self.neighbours.get() {
            return Ok(Arc::clone(neighbours));
        }
        // Those that the transformer draws are the first of the book.
        let n_codes = self.transformer.config().n_codes;
        let codebook = self.picture_tokenizer.codebook().narrow(0, 0, n_codes)?;
        let neighbours = Arc::new(CodeNeighbours::new(&codebook, CodeNeighbours::N)?);
        Ok(Arc::clone(self.neighbours.get_or_init(|| neighbours)))
    }

    /// The codes so far as a mosaic of colours.
    pub(super) fn mosaic(&self, ids: &[u32]) -> RgbaImage {
        self.colours.mosaic(ids, self.grid, self.cell_px())
    }

    /// Flat ids as whole rows.
    pub(super) fn rows(&self, ids: &[u32]) -> PictureIds {
        ids.chunks_exact(self.grid.1).map(<[u32]>::to_vec).collect()
    }
}
