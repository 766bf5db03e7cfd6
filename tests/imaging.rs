//! Picture files of every kind and state: what is read, what is refused and in which words.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageBuffer, ImageFormat, Luma, Rgba, RgbaImage};
use underpaint::imaging::io::{
    MAX_SIDE_PX, PictureError, check_can_save, decode_picture, open_picture, save_new_png, save_png,
};

const RED: [u8; 4] = [208, 32, 16, 255];
const BLUE: [u8; 4] = [16, 48, 192, 255];

/// Blue on the left, red on the right.
fn two_colours() -> RgbaImage {
    RgbaImage::from_fn(24, 16, |x, _| Rgba(if x < 12 { BLUE } else { RED }))
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("the format can be written");
    bytes.into_inner()
}

fn assert_close(found: Rgba<u8>, expected: [u8; 4], tolerance: u8) {
    for (a, b) in found.0.iter().zip(expected) {
        assert!(a.abs_diff(b) <= tolerance, "{found:?} is not {expected:?}");
    }
}

fn message(bytes: &[u8], name: &str) -> String {
    let error = decode_picture(bytes, name).expect_err("must be refused");
    let message = error.to_string();
    assert!(!message.contains('\n'), "one line: {message}");
    assert!(message.ends_with(name), "the name comes last: {message}");
    message
}

const FORMATS: [(ImageFormat, u8); 9] = [
    (ImageFormat::Png, 0),
    (ImageFormat::Bmp, 0),
    (ImageFormat::Gif, 8),
    (ImageFormat::Ico, 0),
    (ImageFormat::Pnm, 0),
    (ImageFormat::Qoi, 0),
    (ImageFormat::Tiff, 0),
    (ImageFormat::WebP, 0),
    (ImageFormat::Jpeg, 12),
];

fn sample(format: ImageFormat) -> Vec<u8> {
    let opaque = DynamicImage::ImageRgba8(two_colours());
    match format {
        ImageFormat::Jpeg | ImageFormat::Pnm => encoded(&opaque.to_rgb8().into(), format),
        _ => encoded(&opaque, format),
    }
}

#[test]
fn every_format_is_told_by_its_content() {
    for (format, tolerance) in FORMATS {
        // The name lies; the content counts.
        let picture = decode_picture(&sample(format), "picture.txt").unwrap();
        assert_eq!(picture.pixels.dimensions(), (24, 16), "{format:?}");
        assert_close(*picture.pixels.get_pixel(4, 8), BLUE, tolerance);
        assert_close(*picture.pixels.get_pixel(20, 8), RED, tolerance);
        assert_eq!(picture.note, None, "{format:?}");
    }
    // TGA has no signature, so its name must tell.
    let tga = encoded(&DynamicImage::ImageRgba8(two_colours()), ImageFormat::Tga);
    assert!(decode_picture(&tga, "old.tga").is_ok());
    assert!(message(&tga, "old.txt").contains("not a picture"));
}

#[test]
fn every_kind_of_pixel_becomes_rgba() {
    let grey = ImageBuffer::from_fn(3, 2, |x, _| Luma([(x * 100) as u8]));
    let png = encoded(&DynamicImage::ImageLuma8(grey), ImageFormat::Png);
    assert_eq!(decode_picture(&png, "g").unwrap().pixels.get_pixel(2, 0).0, [200, 200, 200, 255]);
    let deep = ImageBuffer::from_pixel(2, 2, Rgba([65535_u16, 257 * 7, 0, 257 * 128]));
    let png = encoded(&DynamicImage::ImageRgba16(deep), ImageFormat::Png);
    assert_eq!(decode_picture(&png, "d").unwrap().pixels.get_pixel(1, 1).0, [255, 7, 0, 128]);
    let palette = include_bytes!("fixtures/pictures/palette.png");
    let pixels = decode_picture(palette, "p").unwrap().pixels;
    assert_eq!((pixels.get_pixel(2, 2).0, pixels.get_pixel(20, 2).0[3]), (RED, 0));
    let cmyk = include_bytes!("fixtures/pictures/cmyk.jpg");
    let pixels = decode_picture(cmyk, "c").unwrap().pixels;
    assert_close(*pixels.get_pixel(4, 8), BLUE, 24);
    assert_close(*pixels.get_pixel(20, 8), RED, 24);
}

#[test]
fn of_animations_the_first_frame_is_taken() {
    let mut gif = Vec::new();
    let frames = [RED, BLUE].map(|c| Frame::new(RgbaImage::from_pixel(8, 8, Rgba(c))));
    GifEncoder::new(&mut gif).encode_frames(frames).unwrap();
    let picture = decode_picture(&gif, "a.gif").unwrap();
    assert_close(*picture.pixels.get_pixel(0, 0), RED, 8);
    assert_eq!(picture.note.unwrap(), "The GIF is animated; its first frame is used");
    let webp = include_bytes!("fixtures/pictures/animated.webp");
    let picture = decode_picture(webp, "a.webp").unwrap();
    assert_close(*picture.pixels.get_pixel(0, 0), [255, 0, 0, 255], 2);
    assert!(picture.note.unwrap().contains("WebP is animated"));
    let png =
        with_chunk_after_header(&sample(ImageFormat::Png), *b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]);
    let picture = decode_picture(&png, "a.png").unwrap();
    assert_close(*picture.pixels.get_pixel(0, 0), BLUE, 0);
    assert!(picture.note.unwrap().contains("PNG is animated"));
}

/// A PNG with one more chunk behind its header.
fn with_chunk_after_header(png: &[u8], kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(&kind);
    crc.update(data);
    let mut bytes = png[..33].to_vec();
    bytes.extend((data.len() as u32).to_be_bytes());
    bytes.extend(kind);
    bytes.extend(data);
    bytes.extend(crc.sum().to_be_bytes());
    bytes.extend(&png[33..]);
    bytes
}

#[test]
fn pictures_from_cameras_stand_upright() {
    let jpeg = sample(ImageFormat::Jpeg);
    // Orientation 6: turn a quarter clockwise; the blue left side comes on top.
    let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let mut turned = jpeg[..2].to_vec();
    turned.extend([0xFF, 0xE1]);
    turned.extend((exif.len() as u16 + 2).to_be_bytes());
    turned.extend(exif);
    turned.extend(&jpeg[2..]);
    let pixels = decode_picture(&turned, "camera.jpg").unwrap().pixels;
    assert_eq!(pixels.dimensions(), (16, 24));
    assert_close(*pixels.get_pixel(8, 4), BLUE, 12);
    assert_close(*pixels.get_pixel(8, 20), RED, 12);
}

#[test]
fn files_cut_off_anywhere_are_refused_or_whole() {
    for (format, _) in FORMATS {
        let whole = sample(format);
        for length in [1, 2, 5, 17, whole.len() / 2, whole.len() * 3 / 4] {
            let message = message(&whole[..length], "cut");
            let known = ["damaged or cut off", "not a picture", "not read"];
            assert!(known.iter().any(|text| message.contains(text)), "{format:?}: {message}");
        }
        // Missing trailers may pass, but then the picture is all there.
        for length in 0..whole.len() {
            if let Ok(picture) = decode_picture(&whole[..length], "cut") {
                assert_close(*picture.pixels.get_pixel(23, 15), RED, 12);
            }
        }
    }
}

#[test]
fn flipped_bytes_never_panic() {
    for (format, _) in FORMATS {
        let whole = sample(format);
        for at in 0..whole.len().min(400) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0xFF;
            if let Err(error) = decode_picture(&bytes, "x") {
                assert!(error.to_string().ends_with(": x"), "{error}");
            }
        }
    }
}

#[test]
fn what_is_no_picture_is_named() {
    assert!(message(b"", "a.png").contains("empty (0 bytes)"));
    assert!(message(b"Dear diary", "a.png").contains("not a picture; give a PNG, JPEG"));
    assert!(message(b"<?xml version='1.0'?><svg/>", "a.png").contains("SVG"));
    assert!(message(b"\0\0\0\x18ftypheic\0\0\0\0", "a.jpg").contains("HEIC"));
    assert!(message(b"%PDF-1.7", "a.png").contains("PDF"));
    assert!(message(b"v/1\x01aaaaaaaaaaaa", "a.exr").contains("save it as PNG"));
    let error = decode_picture(b"x", "two\nlines\u{1b}[31m").unwrap_err().to_string();
    assert!(error.ends_with("two\\nlines\\u{1b}[31m"), "{error}");
}

/// A PNG header that declares a size, with correct checksum and no pixels.
fn png_of_size(width: u32, height: u32) -> Vec<u8> {
    let png = sample(ImageFormat::Png);
    let mut header = [&width.to_be_bytes()[..], &height.to_be_bytes()].concat();
    header.extend([8, 6, 0, 0, 0]);
    let mut bytes = with_chunk_after_header(&png, *b"IHDR", &header);
    bytes.drain(8..33);
    bytes
}

#[test]
fn sizes_out_of_bounds_are_told_before_decoding() {
    let text = message(&png_of_size(20000, 20000), "big.png");
    assert!(text.contains("20000×20000 pixels and 16384×16384 is the limit"), "{text}");
    assert!(message(&png_of_size(0, 0), "none.png").contains("no pixels (0×0)"));
    assert!(message(&png_of_size(u32::MAX, 7), "b").contains("4294967295×7"));
    // Such a file says 256 MB of deep pixels plus their conversion; nothing of it is allocated.
    let mut deep =
        b"P7\nWIDTH 16384\nHEIGHT 16384\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n".to_vec();
    assert!(message(&deep, "b").contains("more than 1024 MB of memory"));
    deep = format!("P6\n{} 2\n255\n", MAX_SIDE_PX + 1).into_bytes();
    assert!(message(&deep, "b").contains("16385×2"));
    let gif = b"GIF89a\0\0\0\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\0\0\0\0\0\x02\0;";
    assert!(message(gif, "b").contains("no pixels (0×0)"));
    let bmp_header = [&b"BM"[..], &[0; 8], &54_u32.to_le_bytes(), &40_u32.to_le_bytes()].concat();
    let bmp = [&bmp_header[..], &30000_u32.to_le_bytes(), &30000_u32.to_le_bytes()].concat();
    let bmp = [&bmp[..], &[1, 0, 24, 0], &[0; 40]].concat();
    assert!(message(&bmp, "b").contains("30000×30000"));
}

#[test]
fn files_and_folders_are_opened_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.png");
    fs::write(&path, sample(ImageFormat::Png)).unwrap();
    assert_eq!(open_picture(&path).unwrap().pixels, two_colours());
    let error = open_picture(folder.path()).unwrap_err();
    assert!(error.to_string().starts_with("this is a folder"), "{error}");
    let missing = folder.path().join("missing.png");
    let error = open_picture(&missing).unwrap_err();
    assert!(matches!(error, PictureError::Missing { .. }));
    assert!(error.to_string().ends_with("missing.png"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn devices_without_end_are_refused_at_once() {
    let error = open_picture(Path::new("/dev/zero")).unwrap_err().to_string();
    assert!(error.contains("not a picture"), "{error}");
    let error = open_picture(Path::new("/dev/null")).unwrap_err().to_string();
    assert!(error.contains("empty"), "{error}");
}

#[test]
fn saved_pictures_come_back_and_replace_old_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.png");
    let see_through = RgbaImage::from_pixel(5, 3, Rgba([1, 2, 3, 77]));
    save_png(&path, &two_colours()).unwrap();
    save_png(&path, &see_through).unwrap();
    assert_eq!(open_picture(&path).unwrap().pixels, see_through);
    check_can_save(&path).unwrap();
    assert_eq!(names(folder.path()), ["out.png"]);
}

#[test]
fn new_names_never_overwrite() {
    let folder = tempfile::tempdir().unwrap();
    let picture = two_colours();
    let saved: Vec<_> = (0..3)
        .map(|_| save_new_png(folder.path(), "cat-1", &picture).unwrap())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(saved, ["cat-1.png", "cat-1-2.png", "cat-1-3.png"]);
    assert_eq!(names(folder.path()).len(), 3);
}

#[test]
fn unwritable_places_are_named_and_left_clean() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path, words: &str| {
        for error in [
            check_can_save(path).unwrap_err().to_string(),
            save_png(path, &two_colours()).unwrap_err().to_string(),
        ] {
            assert!(error.contains(words), "{error}");
            assert!(error.contains(&folder.path().display().to_string()), "{error}");
        }
    };
    refused(&folder.path().join("no/such/a.png"), "folder does not exist");
    refused(folder.path(), "this is a folder");
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    refused(&file.join("a.png"), "cannot be written");
    let kept = folder.path().join("kept.png");
    fs::write(&kept, b"old").unwrap();
    let mut permissions = fs::metadata(&kept).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&kept, permissions).unwrap();
    refused(&kept, "read-only");
    assert_eq!(fs::read(&kept).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["file", "kept.png"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_devices_spared() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real.png"), folder.path().join("link.png"));
    fs::write(&real, b"old").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    save_png(&link, &two_colours()).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(open_picture(&real).unwrap().pixels, two_colours());
    let error = save_png(Path::new("/dev/null"), &two_colours()).unwrap_err().to_string();
    assert!(error.starts_with("this is a device"), "{error}");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
