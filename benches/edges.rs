//! What it costs to take control maps from a picture of the fixtures, at the sizes of maps.
//!
//! `cargo bench --bench edges`. The time on the graphics device includes upload and read-back.

use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use criterion::{Criterion, criterion_group, criterion_main};
use eframe::wgpu;
use image::imageops::{FilterType, resize};
use image::{GrayImage, RgbaImage};
use underpaint::imaging::blocks::BlockSize;
use underpaint::imaging::edges::{CannyOptions, SoftEdgeOptions, canny};
use underpaint::imaging::extract::{Extractor, Fitted, extract};
use underpaint::imaging::inflate::InflateOptions;
use underpaint::render::EdgeFinder;

const SHARP: CannyOptions = CannyOptions { low: 100, high: 200, blur_sigma_px: 0.0 };
const BLURRED: CannyOptions = CannyOptions { low: 50, high: 150, blur_sigma_px: 1.4 };

fn astronaut(side: u32) -> RgbaImage {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/canny");
    let picture = image::open(folder.join("astronaut.png")).expect("the fixture is there");
    resize(&picture.to_rgba8(), side, side, FilterType::CatmullRom)
}

fn on_cpu(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cpu");
    for side in [256, 512] {
        let picture = astronaut(side);
        group.bench_function(format!("canny/{side}x{side}"), |bencher| {
            bencher.iter(|| canny(&picture, SHARP));
        });
        group.bench_function(format!("canny_blurred/{side}x{side}"), |bencher| {
            bencher.iter(|| canny(&picture, BLURRED));
        });
        let fitted = Fitted::new(&picture, side as usize);
        for (name, extractor) in [
            ("lines", Extractor::Canny(SHARP)),
            ("soft_lines", Extractor::SoftEdges(SoftEdgeOptions::default())),
            ("depth", Extractor::Inflate(InflateOptions::default())),
            ("colour", Extractor::ColourBlocks(BlockSize::Px16)),
        ] {
            group.bench_function(format!("{name}_of_fitted/{side}x{side}"), |bencher| {
                bencher.iter(|| fitted.extract(&extractor));
            });
        }
    }
    let large = astronaut(2048);
    group.bench_function("lines/2048x2048_to_256x256", |bencher| {
        bencher.iter(|| extract(&large, &Extractor::Canny(SHARP), 256));
    });
    group.finish();
}

fn on_device(criterion: &mut Criterion) {
    let instance = wgpu::Instance::default();
    let adapters = ready(instance.enumerate_adapters(wgpu::Backends::all()));
    let Some(adapter) = adapters.first() else { return };
    let required_limits = wgpu::Limits::downlevel_defaults();
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    let (device, queue) = ready(adapter.request_device(&descriptor)).expect("a device");
    let finder = EdgeFinder::new(&device, &queue).expect("the adapter can compute");
    let mut group = criterion.benchmark_group(adapter.get_info().name);
    for side in [256, 512] {
        let picture = astronaut(side);
        for (name, options) in [("canny", SHARP), ("canny_blurred", BLURRED)] {
            group.bench_function(format!("{name}/{side}x{side}"), |bencher| {
                bencher.iter(|| found(&finder, &picture, options));
            });
        }
    }
    group.finish();
}

fn found(finder: &EdgeFinder, picture: &RgbaImage, options: CannyOptions) -> GrayImage {
    let mut job = finder.start(picture, options).expect("the picture is small enough");
    loop {
        if let Poll::Ready(edges) = job.poll() {
            return edges.expect("the device works");
        }
        std::thread::yield_now();
    }
}

/// Runs a future that has nothing to wait for, as those of native wgpu.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("wgpu made us wait"),
    }
}

criterion_group!(benches, on_cpu, on_device);
criterion_main!(benches);
