//! Tracing: shapes where the picture has them, nothing where it is open.

use image::Rgba;

use super::*;

const RED: [u8; 4] = [210, 40, 30, 255];
const BLUE: [u8; 4] = [30, 60, 200, 255];

/// A red ring around an open middle, a blue square in its lower right.
fn sticker() -> RgbaImage {
    RgbaImage::from_fn(64, 64, |x, y| {
        let from_centre = (x as f32 - 31.5).hypot(y as f32 - 31.5);
        if (44..58).contains(&x) && (44..58).contains(&y) {
            Rgba(BLUE)
        } else if (12.0..26.0).contains(&from_centre) {
            Rgba(RED)
        } else {
            Rgba([0; 4])
        }
    })
}

fn attribute<'a>(svg: &'a str, name: &str) -> &'a str {
    let start = svg.find(&format!(" {name}=\"")).expect("the attribute is there") + name.len() + 3;
    &svg[start..start + svg[start..].find('"').expect("it ends")]
}

/// Tags are balanced and texts escaped.
fn check_xml(svg: &str) {
    let mut open = Vec::new();
    for tag in svg.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect("every tag is closed");
        assert!(!text.contains('>') && !text.contains('\u{0}'), "{text}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') && !tag.starts_with(['?', '!']) {
            open.push(tag.split(' ').next().unwrap_or_default());
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_flat_picture_becomes_few_shapes_that_look_like_it() {
    let picture = sticker();
    let traced = trace(&picture).unwrap();
    assert!((2..=4).contains(&traced.n_shapes()), "{} shapes", traced.n_shapes());
    let painted = traced.paint();
    let at = |x, y| painted.get_pixel(x, y).0;
    assert_eq!([at(0, 0), at(63, 0), at(0, 63), at(32, 32)], [[0; 4]; 4], "open stays open");
    assert_eq!((at(32, 12), at(51, 51)), (RED, BLUE));
    let differs = |(a, b): (&Rgba<u8>, &Rgba<u8>)| {
        let is_far = |channel: usize| a.0[channel].abs_diff(b.0[channel]) > 140;
        is_far(3) || a.0[3].min(b.0[3]) > 128 && (0..3).any(is_far)
    };
    let n_wrong = picture.pixels().zip(painted.pixels()).filter(|pair| differs(*pair)).count();
    assert!(n_wrong < 64, "{n_wrong} of 4096 pixels differ");
}

#[test]
fn neighbours_leave_no_gap() {
    let picture = RgbaImage::from_fn(48, 48, |x, y| Rgba(if x + y < 48 { RED } else { BLUE }));
    let painted = trace(&picture).unwrap().paint();
    assert!(painted.pixels().all(|pixel| pixel.0[3] == 255), "paper shines through");
}

#[test]
fn the_file_has_a_view_box_and_texts_that_are_no_markup() {
    let traced = trace(&sticker()).unwrap();
    let about = About { title: "a <b> & \"c\"\u{0}", description: "Steps: 8\nSeed: 1" };
    let svg = traced.to_svg(4, Some(about));
    check_xml(&svg);
    assert_eq!((attribute(&svg, "width"), attribute(&svg, "height")), ("256", "256"));
    assert_eq!(attribute(&svg, "viewBox"), "1 1 64 64");
    assert!(svg.contains("<title>a &lt;b&gt; &amp; \"c\"</title>"), "{svg}");
    assert!(svg.contains("<desc>Steps: 8\nSeed: 1</desc>"), "{svg}");
    let plain = traced.to_svg(1, None);
    check_xml(&plain);
    assert!(!plain.contains("<title>") && plain.matches("<path").count() <= 4, "{plain}");
    assert_eq!(plain, trace(&sticker()).unwrap().to_svg(1, None), "the same every time");
}

#[test]
fn pictures_without_content_are_files_too() {
    for picture in [RgbaImage::new(8, 8), RgbaImage::from_pixel(1, 1, Rgba(RED))] {
        let traced = trace(&picture).unwrap();
        check_xml(&traced.to_svg(1, None));
        assert_eq!(traced.paint().dimensions(), picture.dimensions());
    }
    assert!(trace(&RgbaImage::new(0, 0)).unwrap_err().to_string().contains("PNG"));
}
