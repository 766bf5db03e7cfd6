//! How pictures leave the program: what is remembered of it, and the export panel while it is open.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::keepsake::Keepsake;
use crate::imaging::RgbaImage;
use crate::imaging::io::FileFormat;

/// A format to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    #[default]
    Png,
    Jpeg,
    WebP,
    Svg,
}

/// What the user chose about files. Kept from one export to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExportSettings {
    pub format: ExportFormat,
    /// Of JPEG, 1–100.
    pub quality: u8,
    /// Prompt and settings go into exported files. Pictures saved at once always have them.
    pub with_record: bool,
    /// The control maps go into PNG files too, exported or saved at once. Off at first: a sketch
    /// may hold more of the user than the picture shows.
    pub with_sketch: bool,
    /// 1, 2 or 4 times as large.
    pub scale: u32,
}

impl ExportSettings {
    pub const SCALES: [u32; 3] = [1, 2, 4];

    /// The same settings with every value in its range.
    #[must_use]
    pub fn checked(self) -> Self {
        let scale = if Self::SCALES.contains(&self.scale) { self.scale } else { 1 };
        Self { quality: self.quality.clamp(1, 100), scale, ..self }
    }

    /// How *Save picture* writes.
    #[must_use]
    pub fn at_once(self) -> Self {
        Self { format: ExportFormat::Png, with_record: true, scale: 1, ..self }
    }

    /// The same settings in the format that a file name asks for, if it asks for one.
    #[must_use]
    pub fn for_path(self, path: &Path) -> Self {
        let format = match FileFormat::from_path(path) {
            Some(FileFormat::Png) => ExportFormat::Png,
            Some(FileFormat::Jpeg { .. }) => ExportFormat::Jpeg,
            Some(FileFormat::WebP) => ExportFormat::WebP,
            Some(FileFormat::Svg { .. }) => ExportFormat::Svg,
            None => self.format,
        };
        Self { format, ..self }
    }

    pub fn file_format(self) -> FileFormat {
        match self.format {
            ExportFormat::Png => FileFormat::Png,
            ExportFormat::Jpeg => FileFormat::Jpeg { quality: self.quality },
            ExportFormat::WebP => FileFormat::WebP,
            ExportFormat::Svg => FileFormat::Svg { scale: self.scale },
        }
    }

    /// Whether the file holds the control maps.
    pub fn embeds_sketch(self) -> bool {
        self.with_record && self.with_sketch && self.format == ExportFormat::Png
    }
}

impl Default for ExportSettings {
    fn default() -> Self {
        Self {
            format: ExportFormat::Png,
            quality: 92,
            with_record: true,
            with_sketch: false,
            scale: 1,
        }
    }
}

impl ExportFormat {
    pub const ALL: [Self; 4] = [Self::Png, Self::Jpeg, Self::WebP, Self::Svg];
}

/// The panel while it is open.
#[derive(Debug, Clone)]
pub struct Export {
    /// As the picture was when the panel was opened: a live one goes on behind it.
    pub keepsake: Keepsake,
    /// Rises with every panel, so that an answer for an earlier one is known as such.
    pub serial: u64,
    pub tracing: Tracing,
}

/// What an SVG file will show.
#[derive(Debug, Clone, Default)]
pub enum Tracing {
    #[default]
    NotAsked,
    Waiting,
    Done(Traced),
    Failed(String),
}

/// The shapes of the picture, painted.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced {
    pub image: Arc<RgbaImage>,
    pub n_shapes: usize,
    pub n_bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sketches_stay_at_home_unless_allowed() {
        let settings = ExportSettings::default();
        assert!(!settings.embeds_sketch());
        let allowed = ExportSettings { with_sketch: true, ..settings };
        assert!(allowed.embeds_sketch() && allowed.at_once().embeds_sketch());
        let bare = ExportSettings { with_record: false, ..allowed };
        assert!(!bare.embeds_sketch());
        let jpeg = allowed.for_path(Path::new("a.jpg"));
        assert!(!jpeg.embeds_sketch());
        assert_eq!(jpeg.file_format(), FileFormat::DEFAULT_JPEG);
    }

    #[test]
    fn wild_values_are_tamed() {
        let wild = ExportSettings { quality: 0, scale: 99, ..ExportSettings::default() };
        assert_eq!((wild.checked().quality, wild.checked().scale), (1, 1));
    }
}
