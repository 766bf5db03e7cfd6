//! From our control maps to the pictures that ControlAR was trained on.

use crate::imaging::ControlMap;
use crate::model::controlar::resample::Size;
use crate::params::ControlKind;

/// The middle of a map as a picture of `size`: red, green and blue planes of bytes. The map's side
/// is at least as long as both.
///
/// Lines become white on black, what is near becomes bright, and colours lie over black.
pub(super) fn picture(map: &ControlMap, size: Size) -> Vec<u8> {
    let side = map.size_px();
    let (left, top) = ((side - size.width) / 2, (side - size.height) / 2);
    let mut bytes = Vec::with_capacity(3 * size.height * size.width);
    for channel in 0..3 {
        let plane = match map.kind() {
            ControlKind::Lines | ControlKind::Depth => 0,
            // Premultiplied: over black it is what it is.
            ControlKind::Colour => channel,
        };
        let plane = &map.values()[plane * side * side..][..side * side];
        for row in plane.chunks_exact(side).skip(top).take(size.height) {
            let row = &row[left..left + size.width];
            bytes.extend(row.iter().map(|value| (value * 255.0).round() as u8));
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_taken_and_bright_where_there_is_something() {
        let mut values = vec![0.0; 16];
        values[4] = 1.0; // row 1, column 0
        values[11] = 0.5; // row 2, column 3
        let map = ControlMap::new(ControlKind::Lines, 4, values).unwrap();
        let wide = picture(&map, Size { height: 2, width: 4 });
        let plane = [255, 0, 0, 0, 0, 0, 0, 128];
        assert_eq!(wide, [plane, plane, plane].concat());
        let narrow = picture(&map, Size { height: 4, width: 2 });
        assert_eq!(narrow, [0; 24]);
    }

    #[test]
    fn colours_lie_over_black() {
        // One pixel of half a red, and nothing else.
        let mut values = vec![0.0; 16];
        (values[0], values[12]) = (0.5, 0.5);
        let map = ControlMap::new(ControlKind::Colour, 2, values).unwrap();
        let picture = picture(&map, Size { height: 2, width: 2 });
        assert_eq!(picture, [128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
