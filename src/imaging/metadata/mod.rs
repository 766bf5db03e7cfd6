//! What a picture file tells of how its picture was made: our own record and what other
//! applications write, as text chunks of PNG or EXIF of JPEG and WebP.
//!
//! [`PictureRecord`] holds everything that Underpaint needs to go on with a picture.
//! [`recall()`] reads it back, or as much as can be had from files of A1111, Forge, ComfyUI,
//! InvokeAI, Fooocus, Draw Things, stable-diffusion.cpp and Krita AI Diffusion. Files are opened
//! and saved in [`super::io`]; this module knows bytes only.

pub(crate) mod base64;
mod control_record;
mod embedded_png;
mod exif;
mod json;
mod parameters;
mod png_text;
mod recall;
mod record;
mod sha256;
mod steering_record;
mod tokens;
mod xmp;

pub use control_record::{ControlRecord, MapError};
pub use png_text::{MAX_CHUNK_BYTES, MAX_INFLATED_BYTES};
pub use recall::{Carrier, RecallError, Recalled, SourceApp, TextFound, recall};
pub use record::{
    InspirationRecord, MemoryRecord, ModelRecord, PictureRecord, Provenance, RecordError,
};
pub use sha256::{Sha256, sha256_hex};
pub use steering_record::{AnchorRecord, LockMaskError, LockRecord, SourceRecord};
pub use tokens::{TokenOrder, TokenPyramid, TokensError};

/// Who wrote a file: `Software` in PNG and EXIF.
fn software(app_version: &str) -> String {
    format!("Underpaint {app_version}")
}

/// A PNG file with the record in text chunks before the pixels, which stay as they are.
///
/// In this order: `parameters` (A1111's text, which every gallery reads), `underpaint` (the record
/// as JSON), `Software`, and XMP saying that the picture is generated. `png` must be a complete
/// PNG file.
pub(super) fn png_with_record(png: &[u8], record: &PictureRecord) -> Vec<u8> {
    let texts = [
        ("parameters", parameters::to_text(record)),
        ("underpaint", record.to_json()),
        ("Software", software(&record.app_version)),
        (xmp::KEYWORD, xmp::generated_picture()),
    ];
    png_text::with_text(png, &texts)
}

/// EXIF data with the record as A1111's text, for formats without text chunks.
pub(super) fn exif_with_record(record: &PictureRecord) -> Vec<u8> {
    exif::build(&software(&record.app_version), &parameters::to_text(record))
}

/// The record as A1111's text, for people and for formats that hold no more.
pub fn text_of(record: &PictureRecord) -> String {
    parameters::to_text(record)
}
