//! From a project to the bytes of its file.

use std::sync::Arc;

use image::ExtendedColorType;

use super::archive::ArchiveWriter;
use super::blobs::{self, Blobs};
use super::manifest::Manifest;
use super::records::{DocumentRecord, InspirationRecord, NodeRecord, SourceRecord};
use super::{Node, Project};
use crate::document::Document;
use crate::imaging::RgbaImage;
use crate::imaging::composite;
use crate::imaging::resample::{self, Filter, Region};
use crate::params::ControlKind;

/// Names in the file. The manifest comes first, so that a file which is cut off still has it, and
/// once more at the end, for a file that is damaged at its beginning.
pub(super) const MANIFEST: &str = "project.json";
pub(super) const MANIFEST_COPY: &str = "project-copy.json";
const THUMBNAIL: &str = "thumbnail.png";
/// Width and height of the thumbnail, at most.
pub const THUMBNAIL_PX: usize = 128;

/// The name of a blob in the file.
pub(super) fn path_of(name: &str) -> String {
    format!("pixels/{name}.png")
}

/// The whole file. Takes milliseconds per picture: nothing for a window's thread.
pub fn to_bytes(project: &Project) -> Vec<u8> {
    let mut blobs = Blobs::default();
    let manifest = manifest_of(project, &mut blobs).to_json();
    let mut archive = ArchiveWriter::new();
    archive.add_text(MANIFEST, &manifest);
    archive.add_picture(THUMBNAIL, &png(&thumbnail(project)));
    for blob in blobs.take_new() {
        archive.add_picture(&path_of(&blob.name), &blob.png);
    }
    archive.add_text(MANIFEST_COPY, &manifest);
    archive.finish()
}

/// The records of a project. What is needed most is named first: the sketch, then the picture on
/// the canvas.
pub(super) fn manifest_of(project: &Project, blobs: &mut Blobs) -> Manifest {
    let sketch = DocumentRecord::of(&project.sketch, blobs);
    if let Some(picture) = project.picture() {
        blobs.picture(picture);
    }
    let slots = project.slots.iter();
    Manifest {
        schema: Manifest::schema(),
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        recipe: project.recipe.clone(),
        slots: slots
            .map(|slot| slot.as_ref().map(|slot| InspirationRecord::of(slot, blobs)))
            .collect(),
        source: project.source.as_ref().map(|source| SourceRecord::of(source, blobs)),
        view: project.view.clone(),
        sketch,
        current: project.current,
        nodes: nodes(&project.nodes, blobs),
    }
}

fn nodes(nodes: &[Arc<Node>], blobs: &mut Blobs) -> Vec<NodeRecord> {
    nodes.iter().filter_map(|node| NodeRecord::of(node, blobs)).collect()
}

/// What a project looks like in a list: its picture on paper, or its sketch.
pub fn thumbnail(project: &Project) -> RgbaImage {
    const PAPER: [u8; 3] = [255; 3];
    let picture = match project.picture() {
        Some(picture) => composite::over_paper(picture, PAPER),
        None => composite::over_paper(&drawn(&project.sketch), PAPER),
    };
    reduced(&picture, THUMBNAIL_PX)
}

fn png(picture: &RgbaImage) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    blobs::encode(picture.as_raw(), width, height, ExtendedColorType::Rgba8)
}

/// Colours under lines; straight alpha.
fn drawn(sketch: &Document) -> RgbaImage {
    let size_px = sketch.size_px();
    let colours = sketch.layer(ControlKind::Colour).pixels().to_bytes();
    let lines = sketch.layer(ControlKind::Lines).pixels().to_bytes();
    let mut bytes = Vec::with_capacity(colours.len());
    for (pixel, ink) in colours.as_chunks::<4>().0.iter().zip(lines) {
        let below = pixel.map(|value| f32::from(value) / 255.0 * (1.0 - f32::from(ink) / 255.0));
        let alpha = below[3] + f32::from(ink) / 255.0;
        bytes.extend(resample::to_straight([below[0], below[1], below[2], alpha]));
    }
    RgbaImage::from_raw(size_px as u32, size_px as u32, bytes).expect("four bytes per pixel")
}

fn reduced(picture: &RgbaImage, side_px: usize) -> RgbaImage {
    let (width, height) = picture.dimensions();
    if width.max(height) as usize <= side_px {
        return picture.clone();
    }
    let size = resample::fitted_size(width, height, side_px);
    let pixels = resample::resize(picture, Region::whole(picture), size, Filter::Area);
    let bytes = pixels.iter().flat_map(|pixel| resample::to_straight(*pixel)).collect();
    RgbaImage::from_raw(size.0 as u32, size.1 as u32, bytes).expect("four bytes per pixel")
}
