//! Strokes drawn by the graphics device compared with those of the document, pixel by pixel.
//!
//! Runs on any adapter, software ones too; without one, the tests say so and pass.

#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use eframe::wgpu;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use underpaint::document::{
    Brush, Budget, BuildUp, Document, Edit, Editor, Ink, Mode, Pen, PenPoint, Plane, PressureCurve,
    Symmetry, TileGrid,
};
use underpaint::render::{NewStamps, StrokeRenderer};

/// No multiple of a tile or of the 256 bytes to which rows of a read-back are aligned.
const SIZE_PX: usize = 150;
const N_STROKES: u32 = 120;

struct Gpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    renderer: StrokeRenderer,
}

/// Runs a future that has nothing to wait for, as those of native wgpu.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("wgpu made us wait"),
    }
}

impl Gpu {
    /// `None`, with a message, where there is no adapter with these features.
    fn new(features: wgpu::Features) -> Option<Self> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let adapters = ready(instance.enumerate_adapters(wgpu::Backends::all()));
        let fitting = |adapter: &&wgpu::Adapter| adapter.features().contains(features);
        let Some(adapter) = adapters.iter().find(fitting) else {
            println!("skipped: no graphics adapter with {features:?}");
            return None;
        };
        let (device, queue) = ready(adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("stroke test"),
            required_features: features,
            required_limits: wgpu::Limits::downlevel_webgl2_defaults(),
            ..Default::default()
        }))
        .expect("a device with the features of its adapter");
        let renderer = StrokeRenderer::new(adapter, &device)?;
        Some(Self { device, queue, renderer })
    }

    /// The plane as a texture.
    fn base(&self, grid: &TileGrid) -> wgpu::Texture {
        let n_channels = grid.n_channels();
        let texture = self.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("base"),
            size: extent(),
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: if n_channels == 1 {
                wgpu::TextureFormat::R8Unorm
            } else {
                wgpu::TextureFormat::Rgba8Unorm
            },
            usage: wgpu::TextureUsages::TEXTURE_BINDING
                | wgpu::TextureUsages::COPY_DST
                | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        self.queue.write_texture(
            texture.as_image_copy(),
            &grid.to_bytes(),
            wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some((SIZE_PX * n_channels) as u32),
                rows_per_image: None,
            },
            extent(),
        );
        texture
    }

    fn draw(&mut self, base: &wgpu::Texture, stamps: &NewStamps) {
        let mut encoder =
            self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.renderer.draw(&self.device, &self.queue, &mut encoder, base, stamps);
        self.queue.submit([encoder.finish()]);
    }

    /// The plane with the stroke: interleaved bytes, row by row.
    fn plane(&self) -> Vec<u8> {
        let texture = self.renderer.plane().expect("a stroke was drawn");
        let n_channels = if texture.format() == wgpu::TextureFormat::R8Unorm { 1 } else { 4 };
        let row = SIZE_PX * n_channels;
        let padded_row = row.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT as usize);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("read-back"),
            size: (padded_row * SIZE_PX) as u64,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let mut encoder =
            self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_texture_to_buffer(
            texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(padded_row as u32),
                    rows_per_image: None,
                },
            },
            extent(),
        );
        self.queue.submit([encoder.finish()]);
        buffer.slice(..).map_async(wgpu::MapMode::Read, |_| {});
        self.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device works");
        let mapped = buffer.slice(..).get_mapped_range().expect("it was mapped");
        mapped.chunks_exact(padded_row).flat_map(|padded| padded[..row].to_vec()).collect()
    }
}

fn extent() -> wgpu::Extent3d {
    let side = SIZE_PX as u32;
    wgpu::Extent3d { width: side, height: side, depth_or_array_layers: 1 }
}

/// Something to draw on: all planes half filled with something uneven.
fn drawn_before() -> Document {
    let mut document = Document::new(SIZE_PX).expect("a usual size");
    for plane in Plane::ALL {
        let ink = Ink { level: 140, colour: [200, 90, 30] };
        let brush = Brush { ink, size_px: 90.0, hardness: 0.0, opacity: 0.8, ..Brush::default() };
        let pen = Pen { plane, brush, symmetry: Symmetry::Vertical };
        let points = vec![at(20.0, 10.0, 0.4, 0.0), at(60.0, 140.0, 1.0, 0.2)];
        document.apply(&Edit::Stroke { pen, points }).expect("strokes always fit");
    }
    document
}

fn at(x: f32, y: f32, pressure: f32, secs: f32) -> PenPoint {
    PenPoint { pos: [x, y], pressure, secs }
}

/// Any pen on any plane.
fn pens() -> impl Strategy<Value = Pen> {
    let symmetry = prop_oneof![
        Just(Symmetry::None),
        Just(Symmetry::Vertical),
        Just(Symmetry::Horizontal),
        Just(Symmetry::Both),
        (2..9u8).prop_map(Symmetry::Radial),
    ];
    let modes = (
        prop::sample::select(vec![Mode::Paint, Mode::Paint, Mode::Erase]),
        prop::sample::select(vec![BuildUp::Capped, BuildUp::Accumulating]),
        prop::sample::select(Plane::ALL.to_vec()),
        symmetry,
    );
    // Sizes evenly over their orders of magnitude: 0.5 to 200 pixels.
    let nib = (-1.0..7.65_f32, 0.0..=1.0_f32, 0.05..=1.0_f32, 0.02..=0.5_f32, 0.05..=1.0_f32);
    let ink = (any::<u8>(), any::<[u8; 3]>(), -1.0..=1.0_f32);
    (modes, nib, ink).prop_map(|((mode, build_up, plane, symmetry), nib, (level, colour, bend))| {
        let (size, hardness, opacity, flow, spacing) = nib;
        let curve = PressureCurve { least: 0.2, bend };
        let brush = Brush {
            mode,
            build_up,
            ink: Ink { level, colour },
            size_px: size.exp2(),
            hardness,
            opacity,
            flow,
            spacing,
            smoothing_secs: 0.01,
            size_by_pressure: curve,
            opacity_by_pressure: curve,
        };
        Pen { plane, brush, symmetry }
    })
}

/// A stroke as it comes, frame by frame; runs over the edges of the canvas.
fn strokes() -> impl Strategy<Value = Vec<Vec<PenPoint>>> {
    let point = (-30.0..180.0_f32, -30.0..180.0_f32, 0.0..=1.0_f32);
    let frames = prop::collection::vec(prop::collection::vec(point, 1..3), 1..5);
    frames.prop_map(|frames| {
        let mut secs = 0.0;
        let mut timed = |(x, y, pressure): &(f32, f32, f32)| {
            secs += 0.02;
            at(*x, *y, *pressure, secs)
        };
        frames.iter().map(|frame| frame.iter().map(&mut timed).collect()).collect()
    })
}

/// Draws a stroke frame by frame on both sides; gives the greatest difference of all frames.
fn greatest_difference(
    gpu: &mut Gpu,
    before: &Document,
    pen: Pen,
    frames: &[Vec<PenPoint>],
) -> Result<u8, TestCaseError> {
    let mut editor = Editor::new(before.clone(), Budget::default());
    editor.begin_stroke(pen);
    gpu.renderer.finish();
    let base = gpu.base(before.plane(pen.plane));
    let mut greatest = 0;
    for points in frames {
        editor.extend_stroke(points);
        let stroke = editor.stroke_in_progress().expect("one was begun");
        let n_drawn = gpu.renderer.drawn().map_or(0, |(_, n_stamps)| n_stamps);
        let stamps = NewStamps::of(&stroke, n_drawn);
        prop_assert_eq!(stamps.n_before, n_drawn, "settled stamps went");
        gpu.draw(&base, &stamps);
        let (found, expected) = (gpu.plane(), editor.document().plane(pen.plane).to_bytes());
        let differences = found.iter().zip(&expected).map(|(a, b)| a.abs_diff(*b));
        greatest = differences.fold(greatest, u8::max);
    }
    let mut applied = before.clone();
    applied.apply(&Edit::Stroke { pen, points: frames.concat() }).expect("strokes always fit");
    prop_assert_eq!(applied.plane(pen.plane), editor.document().plane(pen.plane));
    Ok(greatest)
}

/// Compares random strokes; none may be off by more than `tolerance` levels of 255.
fn compare(features: wgpu::Features, tolerance: u8) {
    let Some(gpu) = Gpu::new(features) else { return };
    // The runner takes no closure that changes what it has captured.
    let gpu = RefCell::new(gpu);
    let before = drawn_before();
    let config = Config { cases: N_STROKES, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&(pens(), strokes()), |(pen, frames)| {
            let greatest = greatest_difference(&mut gpu.borrow_mut(), &before, pen, &frames)?;
            prop_assert!(greatest <= tolerance, "{greatest} levels");
            Ok(())
        })
        .expect("random strokes look alike");
}

#[test]
fn strokes_are_those_of_the_document() {
    // Not 0: the device rounds sums, square roots and bytes in its own way, and where a value lies
    // between two bytes it may take the other one.
    compare(wgpu::Features::FLOAT32_BLENDABLE, 1);
}

#[test]
fn half_precision_comes_close() {
    // A mask of 11 bits loses part of each faint stamp that is added to a strong mask; the strokes
    // here are short, so it is little.
    compare(wgpu::Features::empty(), 3);
}
