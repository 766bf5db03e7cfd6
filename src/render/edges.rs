//! Edges on the graphics device, partner of `shaders/edges.wgsl`: the same as
//! [`imaging::edges::canny`](crate::imaging::edges::canny) finds, without work for the processor.
//!
//! Nothing here waits: a job is started, and asked in later frames whether it is done.

use std::sync::{Arc, OnceLock};
use std::task::Poll;

use eframe::wgpu;
use image::{GrayImage, RgbaImage};

use super::edges_layout::{EdgeBuffers, Pipelines, bind_group};
use super::gpu_types::EdgeUniforms;
use crate::imaging::edges::{CannyOptions, GaussianKernel};

/// Growth passes between two looks at the result. An edge crosses one tile of 16 pixels per pass;
/// those of most pictures are complete after a few.
const N_GROWTH_PASSES: usize = 8;
const TILE_SIDE_PX: u32 = 16;
/// `STRONG` in the shader.
const STRONG: u32 = 255;

/// Edges cannot be found on the graphics device; [`crate::imaging::edges::canny`] always can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EdgesError {
    #[error("this graphics device cannot compute; find the edges on the processor")]
    NoCompute,
    #[error(
        "a picture of {width}×{height} pixels is too large for this graphics device; \
         find the edges on the processor"
    )]
    TooLarge { width: u32, height: u32 },
    #[error("the graphics device was lost; find the edges on the processor")]
    DeviceLost,
}

/// Finds edges on one device. Make it once; jobs are independent of each other.
///
/// Worth it on real graphics devices. Software ones compute on the processor, where
/// [`crate::imaging::edges::canny`] is many times quicker.
#[derive(Debug, Clone)]
pub struct EdgeFinder {
    device: wgpu::Device,
    queue: wgpu::Queue,
    pipelines: Arc<Pipelines>,
}

impl EdgeFinder {
    /// # Errors
    /// [`EdgesError::NoCompute`] on devices without compute shaders, as those of old OpenGL.
    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Result<Self, EdgesError> {
        let limits = device.limits();
        let can_compute = limits.max_compute_invocations_per_workgroup
            >= TILE_SIDE_PX * TILE_SIDE_PX
            && limits.max_storage_buffers_per_shader_stage >= 4;
        if !can_compute {
            return Err(EdgesError::NoCompute);
        }
        let pipelines = Arc::new(Pipelines::new(device));
        Ok(Self { device: device.clone(), queue: queue.clone(), pipelines })
    }

    /// Starts looking for the edges of an opaque picture; alpha is ignored. Dropping the job
    /// forgets it.
    ///
    /// # Errors
    /// [`EdgesError::TooLarge`] if the picture does not fit into the device's buffers.
    pub fn start(&self, picture: &RgbaImage, options: CannyOptions) -> Result<EdgeJob, EdgesError> {
        let (width, height) = picture.dimensions();
        let limits = self.device.limits();
        let n_pixels = u64::from(width) * u64::from(height);
        let most_bytes = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
        let n_tiles = [width.div_ceil(TILE_SIDE_PX), height.div_ceil(TILE_SIDE_PX)];
        let has_room = EdgeBuffers::greatest_size(n_pixels) <= most_bytes
            && n_tiles.iter().all(|n| *n <= limits.max_compute_workgroups_per_dimension);
        if !has_room {
            return Err(EdgesError::TooLarge { width, height });
        }
        if n_pixels == 0 {
            return Ok(EdgeJob(State::Empty(GrayImage::new(width, height))));
        }
        let kernel = GaussianKernel::new(options.blur_sigma_px);
        let buffers = EdgeBuffers::new(&self.device, n_pixels);
        self.queue.write_buffer(
            &buffers.uniforms,
            0,
            bytemuck::bytes_of(&uniforms(picture, options, kernel.as_ref())),
        );
        self.queue.write_buffer(&buffers.pixels, 0, picture.as_raw());
        let bind_group = bind_group(&self.device, &self.pipelines.layout, &buffers);
        let mut run = Run {
            finder: self.clone(),
            size: (width, height),
            n_tiles,
            buffers,
            bind_group,
            mapped: Arc::default(),
        };
        run.begin(kernel.is_some());
        Ok(EdgeJob(State::Running(Box::new(run))))
    }
}

fn uniforms(
    picture: &RgbaImage,
    options: CannyOptions,
    kernel: Option<&GaussianKernel>,
) -> EdgeUniforms {
    let (low, high) = options.thresholds();
    let weights = kernel.map_or(&[][..], GaussianKernel::weights);
    let mut blur_weights = [[0; 4]; EdgeUniforms::N_WEIGHT_VECTORS];
    for (target, weight) in blur_weights.as_flattened_mut().iter_mut().zip(weights) {
        *target = u32::from(*weight);
    }
    EdgeUniforms {
        size: picture.dimensions().into(),
        low: low.into(),
        high: high.into(),
        blur_radius: weights.len() as u32 / 2,
        padding: [0; 3],
        blur_weights,
    }
}

/// Edges being found.
#[derive(Debug)]
pub struct EdgeJob(State);

#[derive(Debug)]
enum State {
    /// A picture without pixels needs no device.
    Empty(GrayImage),
    Running(Box<Run>),
}

impl EdgeJob {
    /// Looks whether the edges are there, without waiting; call it once per frame. 255 on an edge,
    /// 0 elsewhere. Asked again, a finished job gives the same answer.
    ///
    /// # Errors
    /// [`EdgesError::DeviceLost`] if the device stopped working.
    pub fn poll(&mut self) -> Poll<Result<GrayImage, EdgesError>> {
        match &mut self.0 {
            State::Empty(edges) => Poll::Ready(Ok(edges.clone())),
            State::Running(run) => run.poll(),
        }
    }
}

#[derive(Debug)]
struct Run {
    finder: EdgeFinder,
    size: (u32, u32),
    n_tiles: [u32; 2],
    buffers: EdgeBuffers,
    bind_group: wgpu::BindGroup,
    /// Filled in once the read-back of the passes submitted last can be read.
    mapped: Arc<OnceLock<Result<(), wgpu::BufferAsyncError>>>,
}

impl Run {
    /// Submits all passes up to the first growths.
    fn begin(&mut self, blurs: bool) {
        let mut encoder = self.encoder();
        let pipelines = &self.finder.pipelines;
        let mut pass = begin_pass(&mut encoder, "edges");
        pass.set_bind_group(0, &self.bind_group, &[]);
        if blurs {
            self.dispatch(&mut pass, &pipelines.blur_rows);
            self.dispatch(&mut pass, &pipelines.blur_columns);
        }
        self.dispatch(&mut pass, &pipelines.find_gradients);
        self.dispatch(&mut pass, &pipelines.thin);
        drop(pass);
        self.grow(encoder);
    }

    /// Submits a number of growths and asks for the result.
    fn grow(&mut self, mut encoder: wgpu::CommandEncoder) {
        let grow = &self.finder.pipelines.grow;
        let mut pass = begin_pass(&mut encoder, "edges growth");
        pass.set_bind_group(0, &self.bind_group, &[]);
        for _ in 1..N_GROWTH_PASSES {
            self.dispatch(&mut pass, grow);
        }
        drop(pass);
        // Only the last growth is asked whether it found anything to do.
        encoder.clear_buffer(&self.buffers.has_grown, 0, None);
        let mut pass = begin_pass(&mut encoder, "edges last growth");
        pass.set_bind_group(0, &self.bind_group, &[]);
        self.dispatch(&mut pass, grow);
        drop(pass);
        self.buffers.copy_to_read_back(&mut encoder);
        self.finder.queue.submit([encoder.finish()]);

        let mapped = Arc::new(OnceLock::new());
        self.mapped = Arc::clone(&mapped);
        self.buffers.read_back.map_async(wgpu::MapMode::Read, .., move |result| {
            mapped.set(result).expect("a buffer is mapped once");
        });
    }

    fn poll(&mut self) -> Poll<Result<GrayImage, EdgesError>> {
        if self.finder.device.poll(wgpu::PollType::Poll).is_err() {
            return Poll::Ready(Err(EdgesError::DeviceLost));
        }
        match self.mapped.get() {
            None => return Poll::Pending,
            Some(Err(_)) => return Poll::Ready(Err(EdgesError::DeviceLost)),
            Some(Ok(())) => {}
        }
        let Ok(view) = self.buffers.read_back.get_mapped_range(..) else {
            return Poll::Ready(Err(EdgesError::DeviceLost));
        };
        // The device writes whole words; their bytes are in its order, which is little-endian.
        let (words, _) = view.as_chunks::<4>();
        let (has_grown, states) = words.split_last().expect("the read-back has a word at least");
        if u32::from_le_bytes(*has_grown) == 0 {
            let edge = |word: &[u8; 4]| if u32::from_le_bytes(*word) == STRONG { 255 } else { 0 };
            let edges = states.iter().map(edge).collect();
            let (width, height) = self.size;
            let edges = GrayImage::from_raw(width, height, edges).expect("one state per pixel");
            return Poll::Ready(Ok(edges));
        }
        drop(view);
        self.buffers.read_back.unmap();
        let encoder = self.encoder();
        self.grow(encoder);
        Poll::Pending
    }

    fn encoder(&self) -> wgpu::CommandEncoder {
        let descriptor = wgpu::CommandEncoderDescriptor { label: Some("edges") };
        self.finder.device.create_command_encoder(&descriptor)
    }

    fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>, pipeline: &wgpu::ComputePipeline) {
        pass.set_pipeline(pipeline);
        pass.dispatch_workgroups(self.n_tiles[0], self.n_tiles[1], 1);
    }
}

fn begin_pass<'a>(
    encoder: &'a mut wgpu::CommandEncoder,
    label: &'static str,
) -> wgpu::ComputePass<'a> {
    encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
        label: Some(label),
        timestamp_writes: None,
    })
}
