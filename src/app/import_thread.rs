//! The thread that makes layers from pictures while the user tries settings. One job at a time; a
//! newer one replaces the one that waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use eframe::egui_wgpu::RenderState;
use eframe::wgpu;
use image::GrayImage;

use super::newest::Newest;
use crate::document::LayerImage;
use crate::imaging::control::ControlFromPicture;
use crate::imaging::edges::CannyOptions;
use crate::imaging::extract::{Extractor, Fitted};
use crate::render::{EdgeFinder, EdgesError};
use crate::state::import::{Asked, Found, FoundDrawing, FoundLayer, ImportPicture};

/// Between two looks at what the graphics device is doing.
const DEVICE_STEP: Duration = Duration::from_micros(200);
/// A device that needs longer does not answer at all.
const DEVICE_LIMIT: Duration = Duration::from_secs(2);

/// A layer to make.
#[derive(Debug)]
pub(super) struct ExtractJob {
    pub(super) asked: Asked,
    pub(super) picture: Arc<ImportPicture>,
}

/// The application's end of the thread. Dropping it waits for the job at hand.
pub(super) struct ImportThread {
    jobs: Arc<Newest<ExtractJob>>,
    found: Arc<Newest<Found>>,
    thread: Option<JoinHandle<()>>,
}

impl ImportThread {
    /// `wake` is called when there is something to take.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(super) fn spawn(
        device: Option<EdgeDevice>,
        wake: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, found) = (Arc::<Newest<ExtractJob>>::default(), Arc::<Newest<Found>>::default());
        let (inbox, outbox) = (Arc::clone(&jobs), Arc::clone(&found));
        let work = move || {
            let mut extraction = Extraction { edges: Edges::new(device), fitted: None };
            while let Some(job) = inbox.wait() {
                if let Some(found) = extraction.carry_out(&job, &inbox) {
                    outbox.put(found);
                    wake();
                }
            }
        };
        let thread = Builder::new().name("import".to_owned()).spawn(work)?;
        Ok(Self { jobs, found, thread: Some(thread) })
    }

    /// Never waits.
    pub(super) fn ask(&self, job: ExtractJob) {
        self.jobs.put(job);
    }

    pub(super) fn take(&self) -> Option<Found> {
        self.found.take()
    }
}

impl Drop for ImportThread {
    fn drop(&mut self) {
        self.jobs.close();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// A graphics device that is worth asking for edges.
#[derive(Debug, Clone)]
pub(super) struct EdgeDevice {
    device: wgpu::Device,
    queue: wgpu::Queue,
}

impl EdgeDevice {
    /// `None` where the processor plays the graphics device: it is quicker without.
    pub(super) fn of(render_state: &RenderState) -> Option<Self> {
        let is_real = render_state.adapter.get_info().device_type != wgpu::DeviceType::Cpu;
        let (device, queue) = (render_state.device.clone(), render_state.queue.clone());
        is_real.then_some(Self { device, queue })
    }
}

/// Finds edges where it is quickest.
enum Edges {
    /// Shaders are compiled for the first edges, not at the start.
    Untried(EdgeDevice),
    Device(EdgeFinder),
    Processor,
}

impl Edges {
    fn new(device: Option<EdgeDevice>) -> Self {
        device.map_or(Self::Processor, Self::Untried)
    }

    /// Edges of an opaque picture; `None` if `is_outdated` says that nobody wants them any more.
    fn find(
        &mut self,
        picture: &image::RgbaImage,
        options: CannyOptions,
        is_outdated: impl Fn() -> bool,
    ) -> Option<GrayImage> {
        if let Self::Untried(EdgeDevice { device, queue }) = self {
            *self = EdgeFinder::new(device, queue).map_or(Self::Processor, Self::Device);
        }
        if let Self::Device(finder) = self {
            match find_on_device(finder, picture, options, is_outdated) {
                Ok(found) => return found,
                Err(error) => {
                    tracing::debug!(%error, "edges are found on the processor from now on");
                    *self = Self::Processor;
                }
            }
        }
        Some(crate::imaging::edges::canny(picture, options))
    }
}

fn find_on_device(
    finder: &EdgeFinder,
    picture: &image::RgbaImage,
    options: CannyOptions,
    is_outdated: impl Fn() -> bool,
) -> Result<Option<GrayImage>, EdgesError> {
    let mut job = finder.start(picture, options)?;
    let started_at = Instant::now();
    loop {
        match job.poll() {
            Poll::Ready(edges) => return edges.map(Some),
            Poll::Pending if started_at.elapsed() > DEVICE_LIMIT => {
                return Err(EdgesError::DeviceLost);
            }
            Poll::Pending if is_outdated() => return Ok(None),
            Poll::Pending => {}
        }
    }
}

struct Extraction {
    edges: Edges,
    /// The picture at the size of the map, for trying several settings.
    fitted: Option<FittedPicture>,
}

struct FittedPicture {
    picture: Arc<ImportPicture>,
    size_px: usize,
    fitted: Fitted,
}

impl Extraction {
    /// `None` if a newer job came in between.
    fn carry_out(&mut self, job: &ExtractJob, inbox: &Newest<ExtractJob>) -> Option<Found> {
        let serial = job.asked.serial;
        // A defect in an extractor must not end the thread: other settings may do.
        let layer = catch_unwind(AssertUnwindSafe(|| self.layer(job, inbox)));
        let result = match layer {
            Ok(layer) => Ok(layer?),
            Err(_panic) => {
                self.fitted = None;
                Err("This did not work on the picture; try other settings".to_owned())
            }
        };
        Some(Found { serial, result })
    }

    fn layer(&mut self, job: &ExtractJob, inbox: &Newest<ExtractJob>) -> Option<FoundLayer> {
        let Asked { extractor, size_px, .. } = job.asked;
        let is_known = |known: &FittedPicture| {
            Arc::ptr_eq(&known.picture, &job.picture) && known.size_px == size_px
        };
        if !self.fitted.as_ref().is_some_and(is_known) {
            self.fitted = None;
        }
        let FittedPicture { fitted, .. } = self.fitted.get_or_insert_with(|| FittedPicture {
            picture: Arc::clone(&job.picture),
            size_px,
            fitted: Fitted::new(&job.picture.pixels, size_px),
        });
        let control = match extractor {
            Extractor::Canny(options) => {
                let is_outdated = || inbox.has_news_within(DEVICE_STEP);
                let edges = self.edges.find(&fitted.opaque(), options, is_outdated)?;
                fitted.lines_from_edges(&edges)
            }
            extractor => fitted.extract(&extractor),
        };
        Some(found_layer(control, fitted))
    }
}

fn found_layer(control: ControlFromPicture, fitted: &Fitted) -> FoundLayer {
    let drawing = control.polarity.map(|polarity| {
        let other = Extractor::Drawing(Some(polarity.ink().other()));
        FoundDrawing { polarity, turned_over: LayerImage::from_map(&fitted.extract(&other).map) }
    });
    FoundLayer { image: LayerImage::from_map(&control.map), notes: control.notes, drawing }
}
