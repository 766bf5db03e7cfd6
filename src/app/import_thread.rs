//! The threads that make layers from pictures while the user tries settings. Each does one job at a
//! time; a newer one replaces the one that waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use eframe::egui_wgpu::RenderState;
use eframe::wgpu;
use image::GrayImage;

use super::depth::{DepthEstimation, DepthSource};
use super::newest::Newest;
use crate::document::LayerImage;
use crate::imaging::control::ControlFromPicture;
use crate::imaging::edges::CannyOptions;
use crate::imaging::extract::{Extractor, Fitted};
use crate::render::{EdgeFinder, EdgesError};
use crate::state::import::{Asked, Found, FoundDrawing, FoundLayer, ImportPicture, Wanted};

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

/// The application's end of the threads. Dropping it waits for what is quickly done.
pub(super) struct ImportThreads {
    quick: Lane,
    /// Networks need seconds: other settings do not wait for them.
    depth: Option<Lane>,
    quick_thread: Option<JoinHandle<()>>,
}

/// One thread: what it shall do, and what it has found.
#[derive(Default, Clone)]
struct Lane {
    jobs: Arc<Newest<ExtractJob>>,
    found: Arc<Newest<Found>>,
}

impl Lane {
    fn spawn(
        &self,
        name: &str,
        wake: impl Fn() + Send + 'static,
        mut carry_out: impl FnMut(&ExtractJob, &Newest<ExtractJob>) -> Option<Found> + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        let Self { jobs, found } = self.clone();
        let work = move || {
            while let Some(job) = jobs.wait() {
                if let Some(answer) = carry_out(&job, &jobs) {
                    found.put(answer);
                    wake();
                }
            }
        };
        Builder::new().name(name.to_owned()).spawn(work)
    }
}

impl ImportThreads {
    /// `wake` is called when there is something to take.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(super) fn spawn(
        device: Option<EdgeDevice>,
        depth: &DepthSource,
        wake: impl Fn() + Send + Clone + 'static,
    ) -> std::io::Result<Self> {
        let quick = Lane::default();
        let mut extraction = Extraction { edges: Edges::new(device), fitted: None };
        let carry_out = move |job: &ExtractJob, inbox: &Newest<_>| extraction.carry_out(job, inbox);
        let quick_thread = quick.spawn("import", wake.clone(), carry_out)?;
        let mut threads = Self { quick, depth: None, quick_thread: Some(quick_thread) };
        if let DepthSource::Found(load) = depth {
            let lane = threads.depth.insert(Lane::default());
            let mut estimation = DepthEstimation::new(Arc::clone(load));
            let carry_out = move |job: &ExtractJob, _: &Newest<_>| Some(estimation.carry_out(job));
            // Not joined: closing the window does not wait for a network.
            lane.spawn("depth", wake, carry_out)?;
        }
        Ok(threads)
    }

    /// Never waits.
    pub(super) fn ask(&self, job: ExtractJob) {
        let lane = match job.asked.wanted {
            Wanted::Extract(_) => Some(&self.quick),
            Wanted::DepthNetwork => self.depth.as_ref(),
        };
        match lane {
            Some(lane) => lane.jobs.put(job),
            None => self.quick.found.put(Found {
                serial: job.asked.serial,
                result: Err("There is no depth network; take the silhouette instead".to_owned()),
            }),
        }
    }

    /// What was found since the last call.
    pub(super) fn drain(&self) -> impl Iterator<Item = Found> {
        [Some(&self.quick), self.depth.as_ref()]
            .into_iter()
            .flatten()
            .filter_map(|lane| lane.found.take())
    }
}

impl Drop for ImportThreads {
    fn drop(&mut self) {
        if let Some(depth) = &self.depth {
            depth.jobs.close();
        }
        self.quick.jobs.close();
        if let Some(thread) = self.quick_thread.take() {
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
        let Asked { serial, wanted, size_px } = job.asked;
        let Wanted::Extract(extractor) = wanted else { return None };
        // A defect in an extractor must not end the thread: other settings may do.
        let layer = catch_unwind(AssertUnwindSafe(|| {
            self.layer((&job.picture, size_px), extractor, inbox)
        }));
        let result = match layer {
            Ok(layer) => Ok(layer?),
            Err(_panic) => {
                self.fitted = None;
                Err("This did not work on the picture; try other settings".to_owned())
            }
        };
        Some(Found { serial, result })
    }

    fn layer(
        &mut self,
        (picture, size_px): (&Arc<ImportPicture>, usize),
        extractor: Extractor,
        inbox: &Newest<ExtractJob>,
    ) -> Option<FoundLayer> {
        let is_known = |known: &FittedPicture| {
            Arc::ptr_eq(&known.picture, picture) && known.size_px == size_px
        };
        if !self.fitted.as_ref().is_some_and(is_known) {
            self.fitted = None;
        }
        let FittedPicture { fitted, .. } = self.fitted.get_or_insert_with(|| FittedPicture {
            picture: Arc::clone(picture),
            size_px,
            fitted: Fitted::new(&picture.pixels, size_px),
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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use image::{Rgba, RgbaImage};

    use super::*;
    use crate::imaging::edges::canny;

    /// Runs a future that has nothing to wait for, as those of native wgpu.
    fn ready<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("wgpu made us wait"),
        }
    }

    /// Any device that can compute, software ones too.
    fn device() -> Option<EdgeDevice> {
        let required_limits = wgpu::Limits::downlevel_defaults();
        let instance = wgpu::Instance::default();
        let adapters = ready(instance.enumerate_adapters(wgpu::Backends::all()));
        let can_compute =
            |adapter: &&wgpu::Adapter| required_limits.check_limits(&adapter.limits());
        let adapter = adapters.iter().find(can_compute)?;
        let descriptor = wgpu::DeviceDescriptor {
            required_limits: required_limits.clone(),
            ..Default::default()
        };
        let (device, queue) = ready(adapter.request_device(&descriptor)).ok()?;
        Some(EdgeDevice { device, queue })
    }

    fn picture() -> RgbaImage {
        RgbaImage::from_fn(80, 60, |x, y| Rgba([(x * y) as u8, (x / 9 * 90) as u8, y as u8, 255]))
    }

    #[test]
    fn the_device_finds_the_same_edges_unless_they_are_outdated() {
        let Some(device) = device() else { return };
        let options = CannyOptions::default();
        let mut edges = Edges::new(Some(device));
        let found = edges.find(&picture(), options, || false);
        assert!(matches!(edges, Edges::Device(_)));
        assert_eq!(found, Some(canny(&picture(), options)));
        // A device that were done at once would not ask.
        let found = edges.find(&picture(), options, || true);
        assert!(found.is_none_or(|found| found == canny(&picture(), options)));
    }

    #[test]
    fn without_a_device_the_processor_finds_them() {
        let options = CannyOptions::default();
        let found = Edges::new(None).find(&picture(), options, || true);
        assert_eq!(found, Some(canny(&picture(), options)));
    }
}
