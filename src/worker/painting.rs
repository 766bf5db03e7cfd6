//! A session with what was decoded of it: kept after its job, so that the next one can go on.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::imaging::RgbaImage;
use crate::model::{ModelError, Session};
use crate::protocol::{GenerateRequest, PictureIds};

pub(super) struct Painting {
    request: GenerateRequest,
    pub(super) session: Box<dyn Session>,
    /// By scale and place in the batch. Bounded by the model's scales and the request's seeds.
    decoded: BTreeMap<(usize, usize), Arc<RgbaImage>>,
}

impl Painting {
    /// `session` must have been started with `request`.
    pub(super) fn new(request: GenerateRequest, session: Box<dyn Session>) -> Self {
        Self { request, session, decoded: BTreeMap::new() }
    }

    /// Whether the scales of `request` are those of this painting, as far as both have them.
    pub(super) fn is_of(&self, request: &GenerateRequest) -> bool {
        self.request.is_same_picture(request) || self.is_gone_on_with_by(request)
    }

    /// Goes on for a request that it [is of](Self::is_of).
    pub(super) fn go_on_for(&mut self, request: &GenerateRequest) {
        self.request = request.clone();
    }

    /// Whether the request is given just the scales that are done here and differs in nothing else.
    /// Where scales are drawn in parts, what is done of the next one need not be drawn again.
    fn is_gone_on_with_by(&self, request: &GenerateRequest) -> bool {
        let Some(given) = &request.given else { return false };
        let is_done = |(batch_idx, ids): (usize, &PictureIds)| *ids == self.session.ids(batch_idx);
        let as_begun = GenerateRequest { given: self.request.given.clone(), ..request.clone() };
        self.session.progress().is_some()
            && given.n_scales() == self.session.n_done()
            && self.request.is_same_picture(&as_begun)
            && given.ids.len() == request.seeds.len()
            && given.ids.iter().enumerate().all(is_done)
    }

    /// A picture after a scale that is done, if it was decoded before.
    pub(super) fn decoded(&self, scale_idx: usize, batch_idx: usize) -> Option<&Arc<RgbaImage>> {
        self.decoded.get(&(scale_idx, batch_idx))
    }

    /// Decodes a draft of the first picture after the last scale that is done. Not kept: whoever
    /// goes on with this painting wants the picture itself.
    pub(super) fn draft(&self) -> Result<Arc<RgbaImage>, ModelError> {
        Ok(Arc::new(self.session.render_draft(0)?))
    }

    /// Decodes a picture after a scale that is done, and keeps it.
    pub(super) fn decode(
        &mut self,
        scale_idx: usize,
        batch_idx: usize,
    ) -> Result<Arc<RgbaImage>, ModelError> {
        let image = Arc::new(self.session.render_scale(scale_idx, batch_idx)?);
        self.decoded.insert((scale_idx, batch_idx), Arc::clone(&image));
        Ok(image)
    }
}
