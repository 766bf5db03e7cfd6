//! The network that sees depth in pictures, as far as the application knows of one: `main` says
//! where it comes from, for the application itself knows no networks.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::import_thread::ExtractJob;
use crate::document::LayerImage;
use crate::imaging::{ControlMap, RgbaImage};
use crate::protocol::Failure;
use crate::state::import::{Found, FoundLayer, ImportPicture};

/// Makes a depth map of a picture, as wide and high as the number says. May take seconds.
pub type EstimateDepth = Box<dyn FnMut(&RgbaImage, usize) -> Result<ControlMap, Failure> + Send>;
/// Reads the network's weights.
pub type LoadDepth = dyn Fn() -> Result<EstimateDepth, Failure> + Send + Sync;

/// Whether there is such a network.
#[derive(Clone, Default)]
pub enum DepthSource {
    /// Nobody looked for one, so nobody is told of it.
    #[default]
    Unknown,
    /// The advice says which file to put where, in one sentence without a full stop.
    Missing { advice: String },
    /// It is loaded when somebody wants it.
    Found(Arc<LoadDepth>),
}

impl fmt::Debug for DepthSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => formatter.write_str("Unknown"),
            Self::Missing { advice } => write!(formatter, "Missing({advice:?})"),
            Self::Found(_) => formatter.write_str("Found"),
        }
    }
}

/// Answers questions for depth on a thread of its own.
pub(super) struct DepthEstimation {
    load: Arc<LoadDepth>,
    network: Option<EstimateDepth>,
    /// The newest answer: it takes so long that nobody should wait for it twice.
    newest: Option<Estimate>,
}

struct Estimate {
    picture: Arc<ImportPicture>,
    size_px: usize,
    layer: FoundLayer,
}

impl DepthEstimation {
    pub(super) fn new(load: Arc<LoadDepth>) -> Self {
        Self { load, network: None, newest: None }
    }

    pub(super) fn carry_out(&mut self, job: &ExtractJob) -> Found {
        // A defect in the network must not end the thread.
        let result = catch_unwind(AssertUnwindSafe(|| self.layer(job))).unwrap_or_else(|_panic| {
            self.network = None;
            Err("The depth network gave up; take the silhouette instead".to_owned())
        });
        Found { serial: job.asked.serial, result }
    }

    fn layer(&mut self, job: &ExtractJob) -> Result<FoundLayer, String> {
        let size_px = job.asked.size_px;
        if let Some(known) = &self.newest
            && Arc::ptr_eq(&known.picture, &job.picture)
            && known.size_px == size_px
        {
            return Ok(known.layer.clone());
        }
        let network = match &mut self.network {
            Some(network) => network,
            None => self.network.insert((self.load)().map_err(|failure| told(&failure))?),
        };
        let map = network(&job.picture.pixels, size_px).map_err(|failure| told(&failure))?;
        let image = LayerImage::from_map(&map);
        let layer = FoundLayer { image, notes: Vec::new(), drawing: None };
        let picture = Arc::clone(&job.picture);
        self.newest = Some(Estimate { picture, size_px, layer: layer.clone() });
        Ok(layer)
    }
}

fn told(failure: &Failure) -> String {
    tracing::warn!(details = failure.details, "{}", failure.headline);
    failure.headline.clone()
}
