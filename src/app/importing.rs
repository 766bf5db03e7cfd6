//! Makes a picture ready for the import panel, on whichever thread it was read.

use std::path::Path;
use std::sync::Arc;

use crate::imaging::RgbaImage;
use crate::imaging::extract::Fitted;
use crate::imaging::io::{self, PictureError};
use crate::imaging::resample::at_most;
use crate::state::import::ImportPicture;

/// Size at which a picture is judged.
const JUDGED_PX: usize = 256;

/// Reads a picture file.
///
/// # Errors
/// [`PictureError`] naming what is wrong with the file.
pub(super) fn open(path: &Path) -> Result<ImportPicture, PictureError> {
    let opened = io::open_picture(path)?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(prepared(&name, opened.pixels, opened.note))
}

/// Reduces the picture to what an import needs of it.
pub(super) fn prepared(name: &str, pixels: RgbaImage, note: Option<String>) -> ImportPicture {
    let (width, height) = pixels.dimensions();
    let pixels = at_most(pixels, ImportPicture::MAX_SIDE_PX);
    let thumbnail = Arc::new(at_most(pixels.clone(), ImportPicture::THUMBNAIL_PX));
    let is_likely_drawing = Fitted::new(&pixels, JUDGED_PX).is_likely_drawing();
    let name = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    ImportPicture { name, width, height, pixels, thumbnail, is_likely_drawing, note }
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn what_is_large_is_reduced_and_its_size_remembered() {
        let wide = RgbaImage::from_pixel(16384, 1, Rgba([9, 90, 200, 255]));
        let picture = prepared("a\nb", wide, None);
        assert_eq!((picture.width, picture.height), (16384, 1));
        assert_eq!(picture.pixels.dimensions(), (2048, 1));
        assert_eq!(picture.thumbnail.dimensions(), (128, 1));
        assert_eq!(picture.pixels.get_pixel(1000, 0).0, [9, 90, 200, 255]);
        assert_eq!(picture.name, "a b");
        let dot = prepared("", RgbaImage::from_pixel(1, 1, Rgba([1, 2, 3, 4])), None);
        assert_eq!((dot.pixels.dimensions(), dot.thumbnail.dimensions()), ((1, 1), (1, 1)));
    }
}
