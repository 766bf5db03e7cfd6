//! A control in a record: how it was followed, and its map if the user wants it in the file.

use serde::{Deserialize, Serialize};

use super::embedded_png;
use super::sha256::sha256_hex;
use crate::imaging::control::{Control, ControlMap};
use crate::imaging::planes;
use crate::params::{ControlKind, StrengthCurve};

/// One control of a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlRecord {
    pub kind: ControlKind,
    #[serde(default)]
    pub strength: StrengthCurve,
    /// Painted strength, one factor per cell of the finest token grid, row by row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strength_map: Option<Vec<f32>>,
    /// SHA-256 of the map's values as little-endian `f32`: tells whether a map is the same.
    #[serde(default)]
    pub sha256: String,
    /// The map as PNG in Base64: greyscale for lines and depth, straight-alpha RGBA for colour.
    /// Its 8 bits show what the user drew; the model may have seen finer steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<String>,
}

/// The map in a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    #[error("the {} map is not in the file; draw or open it again", kind.name())]
    Absent { kind: ControlKind },
    #[error("the {} map in the file is not a square picture", kind.name())]
    Shape { kind: ControlKind },
    #[error("the {} map in the file is damaged", kind.name())]
    Damaged { kind: ControlKind },
}

impl ControlRecord {
    /// `with_map` puts the map itself into the record, for all who get the file.
    pub fn new(control: &Control, with_map: bool) -> Self {
        let Control { map, strength, strength_map } = control;
        Self {
            kind: map.kind(),
            strength: strength.clone(),
            strength_map: strength_map.as_deref().map(<[f32]>::to_vec),
            sha256: hash(map),
            map: with_map.then(|| encode(map)).flatten(),
        }
    }

    /// The control as it was followed.
    ///
    /// # Errors
    /// [`MapError`] if there is no usable map.
    pub fn control(&self) -> Result<Control, MapError> {
        let kind = self.kind;
        let text = self.map.as_deref().ok_or(MapError::Absent { kind })?;
        let picture = embedded_png::read(text).ok_or(MapError::Damaged { kind })?;
        let size_px = picture.width() as usize;
        if picture.height() as usize != size_px {
            return Err(MapError::Shape { kind });
        }
        let values = match kind {
            ControlKind::Lines | ControlKind::Depth => {
                picture.into_luma8().iter().map(|level| f32::from(*level) / 255.0).collect()
            }
            ControlKind::Colour => planes::planes_from_rgba(&picture.into_rgba8()),
        };
        let map = ControlMap::new(kind, size_px, values).ok_or(MapError::Shape { kind })?;
        let strength_map = self.strength_map.as_deref().map(Into::into);
        Ok(Control { map, strength: self.strength.clone(), strength_map })
    }

    /// Whether a control has the very map that was followed. A map of more than 8 bits loses some
    /// in the file.
    pub fn is_map_of(&self, control: &Control) -> bool {
        self.sha256 == hash(&control.map)
    }
}

fn hash(map: &ControlMap) -> String {
    let bytes: Vec<u8> = map.values().iter().flat_map(|value| value.to_le_bytes()).collect();
    sha256_hex(&bytes)
}

fn encode(map: &ControlMap) -> Option<String> {
    match map.kind() {
        ControlKind::Lines | ControlKind::Depth => {
            let levels: Vec<u8> = map.values().iter().map(|v| (v * 255.0).round() as u8).collect();
            embedded_png::write_grey(&levels, map.size_px())
        }
        ControlKind::Colour => {
            embedded_png::write_rgba(&planes::rgba_from_planes(map.values(), map.size_px())?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(kind: ControlKind, level: f32) -> Control {
        let mut values = vec![level; kind.n_channels() * 16];
        values[3] = 0.2 * level;
        Control {
            map: ControlMap::new(kind, 4, values).unwrap(),
            strength: StrengthCurve::Ends { layout: 1.0, detail: 0.25 },
            strength_map: Some([0.5, 1.0, 1.0, 0.0].into()),
        }
    }

    #[test]
    fn maps_of_8_bits_survive() {
        for kind in ControlKind::ALL {
            let control = control(kind, 1.0);
            let record = ControlRecord::new(&control, true);
            let json = serde_json::to_string(&record).unwrap();
            let read: ControlRecord = serde_json::from_str(&json).unwrap();
            assert_eq!(read, record);
            assert_eq!(read.control().unwrap(), control);
            assert_eq!(ControlRecord::new(&read.control().unwrap(), false).sha256, record.sha256);
        }
    }

    #[test]
    fn finer_steps_are_told_by_the_hash() {
        let control = control(ControlKind::Depth, 0.3001);
        let record = ControlRecord::new(&control, true);
        let read = record.control().unwrap();
        for (before, after) in control.map.values().iter().zip(read.map.values()) {
            assert!((before - after).abs() <= 0.5 / 255.0);
        }
        assert_ne!(ControlRecord::new(&read, false).sha256, record.sha256);
    }

    #[test]
    fn a_map_that_is_missing_or_damaged_is_told() {
        let mut record = ControlRecord::new(&control(ControlKind::Lines, 1.0), false);
        assert!(record.control().unwrap_err().to_string().contains("lines map is not in the file"));
        record.map = Some("bm8gcGljdHVyZQ==".to_owned());
        assert!(matches!(record.control(), Err(MapError::Damaged { .. })));
        record.map = Some("?".to_owned());
        assert!(matches!(record.control(), Err(MapError::Damaged { .. })));
    }
}
