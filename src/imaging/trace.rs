//! From pixels to flat shapes: SVG files that stay sharp at any size.
//!
//! What is more than half transparent is left open, the rest is opaque: shapes have no soft edges.
//! The shapes are stacked, each reaching under those above it, so no background shines through
//! where two of them meet. The same picture gives the same shapes.

mod paint;

use std::fmt::Write as _;

use image::RgbaImage;
use vtracer::ir::VectorDoc;
use vtracer::svg::SvgWriter;
use vtracer::{ColorImage, Config};

/// Pixels that are less opaque are left open.
const LEAST_ALPHA: u8 = 128;
/// Side of the largest patch that is taken for a speck, in pixels.
const SPECK_PX: usize = 4;
/// Colours that differ less are one shape.
const SHADE_STEP: i32 = 36;
/// How far a simplified curve may leave the traced one, in pixels.
const TOLERANCE_PX: f64 = 0.8;

/// A picture as shapes.
#[derive(Debug, Clone)]
pub struct Traced {
    doc: VectorDoc,
    width: u32,
    height: u32,
    /// Transparent pixels around the picture that the shapes were traced with.
    margin: u32,
}

/// A picture cannot be traced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the picture cannot be traced ({reason}); export it as PNG")]
pub struct TraceError {
    reason: String,
}

/// What an SVG file tells beside its shapes; texts may hold anything.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub title: &'a str,
    pub description: &'a str,
}

/// Finds the shapes of a picture (straight alpha).
///
/// # Errors
/// [`TraceError`] if it has no pixels.
pub fn trace(picture: &RgbaImage) -> Result<Traced, TraceError> {
    let (width, height) = picture.dimensions();
    let is_open = picture.pixels().any(|pixel| pixel.0[3] < LEAST_ALPHA);
    // With a transparent row at the top, the tracer certainly sees that there is transparency.
    let margin = u32::from(is_open);
    let config = Config {
        filter_speckle: SPECK_PX,
        color_precision: 8,
        layer_difference: SHADE_STEP,
        simplify: Some(TOLERANCE_PX),
        ..Config::default()
    };
    let failed = |error: vtracer::Error| TraceError { reason: error.to_string() };
    let doc = if picture.pixels().all(|pixel| pixel.0[3] < LEAST_ALPHA) && width * height > 0 {
        VectorDoc::new(width, height)
    } else {
        let pipeline = config.build().map_err(failed)?;
        pipeline.run(&hard_edged(picture, margin)).map_err(failed)?
    };
    Ok(Traced { doc, width, height, margin })
}

impl Traced {
    pub fn n_shapes(&self) -> usize {
        self.doc.shapes.len()
    }

    /// The shapes as pixels, as large as the picture was: straight alpha with soft edges.
    pub fn paint(&self) -> RgbaImage {
        paint::paint(&self.doc, self.width, self.height, f64::from(self.margin))
    }

    /// The file. `scale` is how many times as large as the picture it shows itself.
    pub fn to_svg(&self, scale: u32, about: Option<About<'_>>) -> String {
        let writer = SvgWriter { relative: true, shorthands: true, precision: Some(2) };
        let written = writer.write(&self.doc);
        // The tracer's own head knows no view box.
        let body = written.find("<svg").and_then(|at| {
            let end = written[at..].find('>')?;
            written[at + end + 1..].trim_start().strip_suffix("</svg>\n")
        });
        let Self { width, height, margin, .. } = *self;
        let mut svg = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let mut line = |text: std::fmt::Arguments<'_>| {
            svg.write_fmt(text).expect("a string takes all");
            svg.push('\n');
        };
        line(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" \
             viewBox=\"{margin} {margin} {width} {height}\">",
            width * scale,
            height * scale,
        ));
        if let Some(About { title, description }) = about {
            line(format_args!("<title>{}</title>", escaped(title)));
            line(format_args!("<desc>{}</desc>", escaped(description)));
        }
        svg.push_str(body.unwrap_or_default());
        svg.push_str("</svg>\n");
        svg
    }
}

/// Wholly opaque and wholly transparent pixels alone, with a transparent margin.
fn hard_edged(picture: &RgbaImage, margin: u32) -> ColorImage {
    let (width, height) = (picture.width() + 2 * margin, picture.height() + 2 * margin);
    let mut pixels = vec![0; (width * height * 4) as usize];
    for (x, y, pixel) in picture.enumerate_pixels() {
        let [red, green, blue, alpha] = pixel.0;
        if alpha >= LEAST_ALPHA {
            let at = (((y + margin) * width + x + margin) * 4) as usize;
            pixels[at..at + 4].copy_from_slice(&[red, green, blue, 255]);
        }
    }
    ColorImage { pixels, width: width as usize, height: height as usize }
}

/// Text that XML takes as text; characters that it does not allow are left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\n' | '\t' => escaped.push(c),
            '\u{fffe}' | '\u{ffff}' => {}
            _ if c.is_control() => {}
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
