//! The page *Models* as the window shows it: which models there are, which one is loaded, what is
//! being loaded, downloaded, converted or checked, and what is asked.

use std::path::Path;

use crate::protocol::{
    Failure, KnownModel, MemoryNeed, ModelKey, ModelList, ModelState, ScanProgress, Transfer,
    TransferKind,
};

use super::inspiration::Slot;

/// Of pictures, where a model leaves the choice.
const USUAL_SIDE_PX: usize = 512;

/// What the page shows.
#[derive(Debug)]
pub struct Models {
    pub is_open: bool,
    /// `None` before the first scan.
    pub list: Option<Box<ModelList>>,
    /// The scan, while there is one.
    pub scanning: Option<ScanProgress>,
    /// The model whose details are shown.
    pub chosen: ModelKey,
    /// How the weights of the chosen model are to be held; `None` as it fits best.
    pub precision: Option<&'static str>,
    /// Which side its square pictures are to have; `None` as it is published.
    pub side_px: Option<usize>,
    /// The model that draws.
    pub loaded: Loaded,
    /// The model that is on its way.
    pub loading: Option<Loading>,
    /// Downloads, conversions and checks.
    pub transfers: Vec<Transfer>,
    /// What went wrong last, by model, until it is put away.
    pub failures: Vec<(ModelKey, Failure)>,
    pub question: Option<Question>,
    /// Places of *Inspired by* that the user filled, while a model without such is loaded.
    pub slots_aside: Vec<Slot>,
    /// The model that is loaded once it is known how much memory is free.
    pub to_weigh: Option<(ModelKey, Option<&'static str>)>,
}

/// A model that draws, and how it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    pub key: ModelKey,
    pub title: String,
    pub precision: Option<&'static str>,
    /// Of its square pictures, if there is a choice.
    pub side_px: Option<usize>,
}

/// A model that is being loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loading {
    pub model: Loaded,
    /// Bytes that were read, and those that are to be; 0 until known.
    pub progress: (u64, u64),
    /// It only comes back because another one could not be loaded.
    pub is_return: bool,
}

/// Something that the user must decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Whether to connect to the server for these many bytes, as far as they are known.
    Download { model: ModelKey },
    /// There is not enough memory.
    Memory { model: ModelKey, precision: &'static str },
}

impl Default for Models {
    fn default() -> Self {
        let title = "Underpaint".to_owned();
        let loaded = Loaded { key: ModelKey::BuiltIn, title, precision: None, side_px: None };
        Self {
            is_open: false,
            list: None,
            scanning: None,
            chosen: ModelKey::BuiltIn,
            precision: None,
            side_px: None,
            loaded,
            loading: None,
            transfers: Vec::new(),
            failures: Vec::new(),
            question: None,
            slots_aside: Vec::new(),
            to_weigh: None,
        }
    }
}

impl Models {
    /// The program was started with another model.
    pub fn begin_with(&mut self, path: &Path) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let stem = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        self.loaded =
            Loaded { key: ModelKey::Path(path), title: stem, precision: None, side_px: None };
        self.chosen = self.loaded.key.clone();
    }

    pub fn all(&self) -> &[KnownModel] {
        self.list.as_ref().map_or(&[], |list| &list.models)
    }

    pub fn get(&self, key: &ModelKey) -> Option<&KnownModel> {
        self.all().iter().find(|model| model.key == *key)
    }

    pub fn chosen_model(&self) -> Option<&KnownModel> {
        self.get(&self.chosen)
    }

    /// Bytes of memory that a model may take: what is free, and what the loaded one gives back.
    pub fn available(&self) -> Option<u64> {
        let free = self.list.as_ref()?.memory.available?;
        let given_back = self.loaded.precision.and_then(|precision| {
            let need = self.get(&self.loaded.key)?.need(precision)?;
            Some(need.weights)
        });
        Some(free + given_back.unwrap_or(0))
    }

    /// How the weights of a model would be held: as the user chose, or as it fits best.
    pub fn precision_of(&self, model: &KnownModel) -> Option<&'static str> {
        let chosen = self.precision.filter(|_| model.key == self.chosen);
        chosen
            .filter(|precision| model.need(precision).is_some())
            .or_else(|| model.best_need(self.available()).map(|need| need.precision))
    }

    /// Which side the square pictures of a model would have: as the user chose, as it draws now, or
    /// 512 px, on which all but the smallest were trained. `None` if there is no choice.
    pub fn side_of(&self, model: &KnownModel) -> Option<usize> {
        let chosen = self.side_px.filter(|_| model.key == self.chosen);
        let of_loaded = self.loaded.side_px.filter(|_| model.key == self.loaded.key);
        let is_offered = |side: &usize| model.sides_px.contains(side);
        chosen.or(of_loaded).or(Some(USUAL_SIDE_PX)).filter(is_offered)
    }

    /// Whether there is memory for a model that is held so. Without figures there is.
    pub fn fits(&self, model: &KnownModel, precision: &str) -> bool {
        let need = model.need(precision).map(MemoryNeed::peak);
        need.zip(self.available()).is_none_or(|(need, available)| need <= available)
    }

    /// A more frugal way to hold a model for which there is memory, or else the most frugal one.
    pub fn smaller(&self, model: &KnownModel, precision: &str) -> Option<&'static str> {
        let below = model.needs.iter().take_while(|need| need.precision != precision);
        let below: Vec<_> = below.map(|need| need.precision).collect();
        let fitting = below.iter().rev().find(|precision| self.fits(model, precision));
        fitting.or_else(|| below.first()).copied()
    }

    /// Another model on this machine that takes less: the largest for which there is memory, or the
    /// built-in one, which always fits.
    pub fn instead_of(&self, model: &KnownModel) -> Option<&KnownModel> {
        let peak = |model: &KnownModel| model.needs.first().map_or(0, MemoryNeed::peak);
        let is_smaller = |other: &&KnownModel| {
            other.key != model.key
                && matches!(other.state, ModelState::Ready)
                && peak(other) < peak(model)
                && self.available().is_none_or(|available| peak(other) <= available)
        };
        let smaller = self.all().iter().filter(is_smaller).max_by_key(|other| peak(other));
        smaller.or_else(|| self.get(&ModelKey::BuiltIn))
    }

    pub fn transfer(&self, key: &ModelKey, kind: TransferKind) -> Option<&Transfer> {
        self.transfers.iter().find(|transfer| transfer.model == *key && transfer.kind == kind)
    }

    pub fn download(&self) -> Option<&Transfer> {
        self.transfers.iter().find(|transfer| transfer.kind == TransferKind::Download)
    }

    pub fn failure(&self, key: &ModelKey) -> Option<&Failure> {
        self.failures.iter().find(|(of, _)| of == key).map(|(_, failure)| failure)
    }

    pub fn fail(&mut self, key: ModelKey, failure: Failure) {
        self.failures.retain(|(of, _)| *of != key);
        self.failures.push((key, failure));
    }

    /// Takes over a list; what is chosen stays so if it is there, or follows what has come of it.
    pub fn take_list(&mut self, list: ModelList) {
        let name = self.chosen_model().map(|model| model.name.clone());
        let was_known = self.list.is_some();
        self.list = Some(Box::new(list));
        if self.get(&self.chosen).is_some() {
            return;
        }
        // A published model has come, or its file was moved.
        let same = self.all().iter().find(|model| Some(&model.name) == name.as_ref());
        self.chosen = same.map_or(ModelKey::BuiltIn, |model| model.key.clone());
        if was_known {
            self.precision = None;
        }
    }
}

impl Loading {
    /// From 0 to 1, if it is known.
    pub fn share(&self) -> Option<f32> {
        let (n_done, n_total) = self.progress;
        (n_total > 0).then(|| (n_done as f64 / n_total as f64).clamp(0.0, 1.0) as f32)
    }
}
