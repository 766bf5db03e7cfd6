//! A picture to start from: its coarse scales are kept and the rest is painted.

use std::sync::Arc;

use super::{AppState, Kept};
use crate::imaging::RgbaImage;
use crate::project;
use crate::protocol::{Given, Stills};

/// The picture that the next ones start from.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: String,
    /// As it came, straight alpha.
    pub picture: Arc<RgbaImage>,
    /// Scales that are kept, from 1.
    pub n_kept: usize,
    /// The picture as the model knows it; `None` until it has looked at it. What comes from a
    /// project has ids, and no images until they are decoded.
    pub stills: Option<Stills>,
}

impl Source {
    /// The picture as it is after the scales that are kept.
    pub fn prefix(&self) -> Option<&Arc<RgbaImage>> {
        self.stills.as_ref()?.images.get(self.n_kept - 1)
    }

    /// A source as a project keeps it.
    pub fn restored(kept: &project::Source) -> Self {
        let images = Vec::new();
        let stills = kept.ids.as_ref().map(|ids| Stills { ids: Arc::clone(ids), images });
        Self {
            name: kept.name.clone(),
            picture: Arc::clone(&kept.picture),
            n_kept: kept.n_kept.max(1),
            stills,
        }
    }

    /// What a project keeps of it: what the ids look like can be had again.
    pub fn to_kept(&self) -> project::Source {
        project::Source {
            name: self.name.clone(),
            picture: Arc::clone(&self.picture),
            n_kept: self.n_kept,
            ids: self.stills.as_ref().map(|stills| Arc::clone(&stills.ids)),
        }
    }

    /// What the next picture takes over.
    pub fn kept(&self) -> Option<Kept> {
        let ids = &self.stills.as_ref()?.ids;
        let given = Given::prefix(ids, self.n_kept).encoded_from(&self.name, self.n_kept);
        Some(Kept { given, anchor: None, lock: None })
    }
}

impl AppState {
    /// What a picture of its own starts with: the scales of the source, if there is one.
    pub fn start(&self) -> Option<Kept> {
        self.source.as_ref().and_then(Source::kept)
    }

    /// Whether the next picture starts with the scales of the source.
    pub fn starts_from_source(&self) -> bool {
        let start = self.start();
        start.is_some() && start == self.steering.kept
    }
}
