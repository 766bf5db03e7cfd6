//! How the canvas shows the controls beside the result: part of what is remembered.

use serde::{Deserialize, Serialize};

/// How the controls and the result are seen together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// The controls lie over the result.
    #[default]
    Overlay,
    /// The controls on paper to the left, the result to the right.
    SideBySide,
    /// The result, with the controls inside a circle around the pointer.
    Lens,
}

impl Comparison {
    pub const ALL: [Self; 3] = [Self::Overlay, Self::SideBySide, Self::Lens];
}

/// What the user chose about the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewSettings {
    pub comparison: Comparison,
    /// Of the controls over the result; range 0–1.
    pub controls_opacity: f32,
    /// Whether the pictures made so far are listed beside the canvas.
    pub shows_variants: bool,
}

impl ViewSettings {
    /// The same settings with every value in its range; NaN becomes the default.
    #[must_use]
    pub fn checked(self) -> Self {
        let opacity = self.controls_opacity;
        let or_default = if opacity.is_nan() { Self::default().controls_opacity } else { opacity };
        Self { controls_opacity: or_default.clamp(0.0, 1.0), ..self }
    }
}

impl Default for ViewSettings {
    fn default() -> Self {
        Self { comparison: Comparison::default(), controls_opacity: 0.6, shows_variants: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_words_in_files_and_numbers_in_range() {
        let text = r#"{"comparison":"side_by_side","controls_opacity":7.0}"#;
        let settings: ViewSettings = serde_json::from_str(text).expect("valid");
        assert_eq!(settings.comparison, Comparison::SideBySide);
        assert_eq!(settings.checked().controls_opacity, 1.0);
        let wild = ViewSettings { controls_opacity: f32::NAN, ..settings };
        assert_eq!(wild.checked().controls_opacity, 0.6);
        let empty: ViewSettings = serde_json::from_str("{}").expect("valid");
        assert_eq!(empty, ViewSettings::default());
    }
}
