//! A style sheet as one picture: the prompt, and two rows with their names.

use std::sync::Arc;

use image::imageops;

use crate::imaging::RgbaImage;
use crate::ui::style_command::Lettering;

const MARGIN: u32 = 24;
const GAP: u32 = 12;
/// Under the prompt, and between the rows.
const WIDE_GAP: u32 = 24;
const PAPER: image::Rgba<u8> = image::Rgba([255; 4]);

/// What is written into the file.
#[derive(Debug, PartialEq)]
pub(super) struct SheetPicture {
    pub(super) lettering: Lettering,
    /// Without and with the memory; as many pictures in both, all of one size.
    pub(super) rows: [Vec<Arc<RgbaImage>>; 2],
}

impl SheetPicture {
    /// All on white paper.
    pub(super) fn composed(&self) -> RgbaImage {
        let Lettering { title, rows: names } = &self.lettering;
        let pictures = || self.rows.iter().flatten();
        let cell_width = pictures().map(|picture| picture.width()).max().unwrap_or(1);
        let cell_height = pictures().map(|picture| picture.height()).max().unwrap_or(1);
        let n_columns = self.rows.iter().map(Vec::len).max().unwrap_or(1).max(1) as u32;
        let of_pictures = n_columns * cell_width + (n_columns - 1) * GAP;
        let of_letters = names.iter().chain([title]).map(|text| text.width()).max().unwrap_or(0);
        let width = of_pictures.max(of_letters) + 2 * MARGIN;
        let of_rows: u32 = names.iter().map(|name| name.height() + GAP + cell_height).sum();
        let height = 2 * MARGIN + title.height() + 2 * WIDE_GAP + of_rows;
        let mut sheet = RgbaImage::from_pixel(width, height, PAPER);
        let mut top = MARGIN;
        let mut lay = |picture: &RgbaImage, left: u32, top: u32| {
            imageops::overlay(&mut sheet, picture, i64::from(left), i64::from(top));
        };
        lay(title, MARGIN, top);
        top += title.height();
        for (name, row) in names.iter().zip(&self.rows) {
            top += WIDE_GAP;
            lay(name, MARGIN, top);
            top += name.height() + GAP;
            for (column, picture) in row.iter().enumerate() {
                lay(picture, MARGIN + column as u32 * (cell_width + GAP), top);
            }
            top += cell_height;
        }
        sheet
    }
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    #[test]
    fn every_picture_has_its_place_under_the_name_of_its_row() {
        let picture = |shade: u8| Arc::new(RgbaImage::from_pixel(4, 4, Rgba([shade, 0, 0, 255])));
        let letters = |height| Arc::new(RgbaImage::from_pixel(10, height, Rgba([0, 0, 0, 255])));
        let sheet = SheetPicture {
            lettering: Lettering { title: letters(6), rows: [letters(3), letters(3)] },
            rows: [vec![picture(1), picture(2)], vec![picture(3), picture(4)]],
        };
        let composed = sheet.composed();
        let width = 2 * MARGIN + 2 * 4 + GAP;
        let row = 3 + GAP + 4;
        assert_eq!(composed.dimensions(), (width, 2 * MARGIN + 6 + 2 * WIDE_GAP + 2 * row));
        let first = MARGIN + 6 + WIDE_GAP + 3 + GAP;
        let second = first + 4 + WIDE_GAP + 3 + GAP;
        let at = |column: u32, top: u32| composed.get_pixel(MARGIN + column * (4 + GAP), top).0[0];
        assert_eq!([at(0, first), at(1, first), at(0, second), at(1, second)], [1, 2, 3, 4]);
        assert_eq!(*composed.get_pixel(0, 0), PAPER);
        assert_eq!(composed.get_pixel(MARGIN, MARGIN).0, [0, 0, 0, 255]);
    }
}
