//! Edges compared with the maps of OpenCV: not a single pixel may differ.

use std::path::PathBuf;

use image::{GrayImage, RgbaImage};
use underpaint::imaging::edges::{CannyOptions, canny};

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
        let found = canny(&case.picture, &case.options);
        assert_equal(&found, &case.expected, &case.name);
        assert!(case.expected.contains(&255), "{} is empty", case.name);
    }
}
