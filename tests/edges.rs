//! Edges compared with the maps of OpenCV: not a single pixel may differ, whether they are found on
//! the processor or on the graphics device.
//!
//! Runs on any adapter, software ones too; without one, the tests that need it say so and pass.

#![expect(clippy::print_stdout, reason = "a skipped test says so")]

use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use eframe::wgpu;
use image::{GrayImage, Rgba, RgbaImage};
use underpaint::imaging::edges::{CannyOptions, canny};
use underpaint::render::{EdgeFinder, EdgeJob, EdgesError};

const PICTURES: [&str; 6] = ["astronaut", "camera", "chelsea", "coffee", "drawn_shapes", "impulse"];
const THRESHOLDS: [(u16, u16); 3] = [(100, 200), (50, 150), (30, 90)];
const BLURRED: [(&str, f32, u16, u16); 4] = [
    ("astronaut", 0.8, 30, 90),
    ("coffee", 1.4, 30, 90),
    ("drawn_shapes", 3.0, 30, 90),
    ("camera", 8.0, 10, 30),
];

/// A picture of the fixtures, settings, and the map that they must give.
struct Case {
    name: String,
    picture: RgbaImage,
    options: CannyOptions,
    expected: GrayImage,
}

fn fixture(name: &str) -> image::DynamicImage {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/canny");
    image::open(folder.join(format!("{name}.png"))).expect("the fixture is there")
}

fn cases() -> Vec<Case> {
    let case = |picture: &str, blur_sigma_px: f32, low, high| {
        let map = if blur_sigma_px > 0.0 {
            format!("{picture}.blur_{blur_sigma_px:.1}_canny_{low}_{high}")
        } else {
            format!("{picture}.canny_{low}_{high}")
        };
        Case {
            picture: fixture(picture).to_rgba8(),
            options: CannyOptions { low, high, blur_sigma_px },
            expected: fixture(&map).to_luma8(),
            name: map,
        }
    };
    let sharp = PICTURES
        .iter()
        .flat_map(|picture| THRESHOLDS.map(|(low, high)| case(picture, 0.0, low, high)));
    let blurred = BLURRED.map(|(picture, sigma, low, high)| case(picture, sigma, low, high));
    sharp.chain(blurred).collect()
}

#[track_caller]
fn assert_equal(found: &GrayImage, expected: &GrayImage, name: &str) {
    assert_eq!(found.dimensions(), expected.dimensions(), "{name}");
    let pixels = found.enumerate_pixels().zip(expected.pixels());
    let differing: Vec<_> =
        pixels.filter(|((.., a), b)| a != b).map(|((x, y, _), _)| (x, y)).collect();
    let n_pixels = found.as_raw().len();
    let percent = 100.0 * (n_pixels - differing.len()) as f64 / n_pixels as f64;
    let first = differing.iter().take(8).collect::<Vec<_>>();
    assert!(differing.is_empty(), "{name}: {percent:.3} % equal, differs at {first:?}");
}

#[test]
fn every_pixel_is_that_of_opencv() {
    let cases = cases();
    assert_eq!(cases.len(), 22);
    for case in &cases {
        let found = canny(&case.picture, case.options);
        assert_equal(&found, &case.expected, &case.name);
        assert!(case.expected.contains(&255), "{} is empty", case.name);
    }
}

/// Runs a future that has nothing to wait for, as those of native wgpu.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("wgpu made us wait"),
    }
}

/// A device with these limits; `None`, with a message, where there is no adapter.
fn device(required_limits: wgpu::Limits) -> Option<(wgpu::Device, wgpu::Queue)> {
    let instance = wgpu::Instance::default();
    let adapters = ready(instance.enumerate_adapters(wgpu::Backends::all()));
    let can_compute = |adapter: &&wgpu::Adapter| required_limits.check_limits(&adapter.limits());
    let Some(adapter) = adapters.iter().find(can_compute) else {
        println!("skipped: no graphics adapter");
        return None;
    };
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    Some(ready(adapter.request_device(&descriptor)).expect("a device of this adapter"))
}

fn finder() -> Option<EdgeFinder> {
    let (device, queue) = device(wgpu::Limits::downlevel_defaults())?;
    Some(EdgeFinder::new(&device, &queue).expect("the adapter can compute"))
}

/// Asks until the job is done.
fn finished(job: &mut EdgeJob) -> GrayImage {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        match job.poll() {
            Poll::Ready(edges) => return edges.expect("the device works"),
            Poll::Pending => assert!(Instant::now() < deadline, "the edges never came"),
        }
        std::thread::yield_now();
    }
}

fn found_on_device(finder: &EdgeFinder, picture: &RgbaImage, options: CannyOptions) -> GrayImage {
    finished(&mut finder.start(picture, options).expect("the picture is small enough"))
}

#[test]
fn the_device_finds_the_edges_of_opencv() {
    let Some(finder) = finder() else { return };
    for case in cases() {
        let found = found_on_device(&finder, &case.picture, case.options);
        assert_equal(&found, &case.expected, &case.name);
    }
}

fn noise(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, y| {
        let hash = (x + 1).wrapping_mul(73_856_093) ^ (y + 1).wrapping_mul(19_349_663);
        Rgba((hash ^ (hash >> 13)).wrapping_mul(2_654_435_761).to_le_bytes())
    })
}

#[test]
fn both_agree_on_noise_of_any_size_and_setting() {
    let Some(finder) = finder() else { return };
    let sizes = [(0, 0), (3, 0), (1, 1), (1, 90), (90, 1), (2, 3), (16, 16), (17, 33), (101, 64)];
    for (width, height) in sizes {
        let picture = noise(width, height);
        for (low, high, blur_sigma_px) in [
            (0, 0, 0.0),
            (700, 300, 0.0),
            (200, 1200, 0.0),
            (40, 90, 0.7),
            (10, 60, 2.0),
            (1, 9, 8.0),
            (9, 30, f32::NAN),
            (u16::MAX, 0, f32::INFINITY),
        ] {
            let options = CannyOptions { low, high, blur_sigma_px };
            let found = found_on_device(&finder, &picture, options);
            let name = format!("{width}×{height} {options:?}");
            assert_equal(&found, &canny(&picture, options), &name);
        }
    }
}

/// A path that winds through the picture in lanes: its sides are single lines, faint but for the very
/// beginning of the path.
fn winding_path(side: u32, lane: u32) -> RgbaImage {
    let (width, margin) = (lane / 2, 4);
    RgbaImage::from_fn(side, side, |x, y| {
        let (lane_idx, in_lane) = (y / lane, y % lane);
        let turn_x = if lane_idx % 2 == 0 { side - margin - width } else { margin };
        let is_in_lane = in_lane >= lane - width && (margin..side - margin).contains(&x);
        // Turns lead upwards from their lane, the first of them nowhere.
        let is_turn = lane_idx > 0 && (turn_x..turn_x + width).contains(&x);
        let level = match (is_in_lane || is_turn, lane_idx == 0 && x < 2 * margin) {
            (true, true) => 255,
            (true, false) => 40,
            (false, _) => 0,
        };
        Rgba([level, level, level, 255])
    })
}

#[test]
fn an_edge_is_followed_however_far_it_winds() {
    let Some(finder) = finder() else { return };
    let options = CannyOptions { low: 60, high: 300, blur_sigma_px: 0.0 };
    let picture = winding_path(320, 10);
    let expected = canny(&picture, options);
    // 16 pixels per pass at best: far more passes than are submitted at once.
    let n_edges = expected.pixels().filter(|pixel| pixel.0 == [255]).count();
    assert!(n_edges > 8_000, "{n_edges} pixels");
    assert_equal(&found_on_device(&finder, &picture, options), &expected, "winding");
}

#[test]
fn jobs_run_side_by_side_and_may_be_dropped() {
    let Some(finder) = finder() else { return };
    let options = CannyOptions::default();
    let pictures = [noise(64, 48), winding_path(64, 8), noise(30, 70)];
    let mut jobs: Vec<_> =
        pictures.iter().map(|picture| finder.start(picture, options).unwrap()).collect();
    jobs.remove(1);
    for (job, picture) in jobs.iter_mut().zip([&pictures[0], &pictures[2]]) {
        let expected = canny(picture, options);
        assert_equal(&finished(job), &expected, "first answer");
        assert_equal(&finished(job), &expected, "second answer");
    }
}

#[test]
fn a_device_that_cannot_do_it_says_so() {
    let Some((device, queue)) = device(wgpu::Limits::downlevel_webgl2_defaults()) else { return };
    assert_eq!(EdgeFinder::new(&device, &queue).err(), Some(EdgesError::NoCompute));
    let Some(finder) = finder() else { return };
    let huge = RgbaImage::new(16384, 1100);
    let refused = finder.start(&huge, CannyOptions::default()).err();
    assert_eq!(refused, Some(EdgesError::TooLarge { width: 16384, height: 1100 }));
}
