//! What the pen draws with: nib, ink and how pressure changes them.

use serde::{Deserialize, Serialize};

/// What the pen carries. One-channel layers take `level`, the colour layer `colour`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ink {
    /// Ink coverage, nearness, or strength where strength is painted: 0–255 for 0–1.
    pub level: u8,
    /// Straight sRGB.
    pub colour: [u8; 3],
}

impl Default for Ink {
    fn default() -> Self {
        Self { level: 255, colour: [0; 3] }
    }
}

/// Whether a tool adds ink or takes it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Paint,
    /// Back to nothing; on painted strength, back to full strength.
    Erase,
}

/// What happens where the stamps of one stroke overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildUp {
    /// The strongest stamp counts, so a stroke never exceeds its opacity.
    #[default]
    Capped,
    /// Each stamp adds `flow` of what is missing, up to the opacity: an airbrush.
    Accumulating,
}

/// How a value follows the pressure of the pen: `least + (1 - least) · (p + bend · p · (1 - p))`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PressureCurve {
    /// Share that is left at no pressure, 0–1; 1 ignores pressure.
    pub least: f32,
    /// −1 to 1: above 0 light pressure already gives much, below 0 only strong pressure does.
    pub bend: f32,
}

impl PressureCurve {
    /// Pressure changes nothing.
    pub const OFF: Self = Self { least: 1.0, bend: 0.0 };

    /// Share in [0, 1] at a pressure in [0, 1].
    pub fn at(self, pressure: f32) -> f32 {
        let bent = pressure + self.bend * pressure * (1.0 - pressure);
        self.least + (1.0 - self.least) * bent
    }

    fn clamped(self) -> Self {
        Self { least: within(self.least, 0.0, 1.0, 1.0), bend: within(self.bend, -1.0, 1.0, 0.0) }
    }
}

/// A round brush, eraser or airbrush.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Brush {
    pub mode: Mode,
    pub build_up: BuildUp,
    pub ink: Ink,
    /// Diameter in canvas pixels, 0.5–1024.
    pub size_px: f32,
    /// 1 has an antialiased edge, 0 fades from the middle; range 0–1.
    pub hardness: f32,
    /// The most a stroke covers, 0–1.
    pub opacity: f32,
    /// What one stamp of an accumulating brush adds, 0–1.
    pub flow: f32,
    /// Distance between stamps as a share of the diameter, 0.02–1.
    pub spacing: f32,
    /// Seconds by which the drawn line lags behind the pen, which evens out a shaky hand; 0–0.5.
    pub smoothing_secs: f32,
    pub size_by_pressure: PressureCurve,
    pub opacity_by_pressure: PressureCurve,
}

impl Brush {
    pub const MAX_SIZE_PX: f32 = 1024.0;

    pub fn eraser() -> Self {
        Self { mode: Mode::Erase, size_px: 24.0, ..Self::default() }
    }

    /// Soft and accumulating, for depth.
    pub fn airbrush() -> Self {
        Self {
            build_up: BuildUp::Accumulating,
            size_px: 60.0,
            hardness: 0.0,
            flow: 0.12,
            size_by_pressure: PressureCurve::OFF,
            opacity_by_pressure: PressureCurve { least: 0.0, bend: 0.0 },
            ..Self::default()
        }
    }

    /// The same brush with every value moved into its range; NaN becomes the default.
    #[must_use]
    pub fn clamped(self) -> Self {
        let default = Self::default();
        Self {
            size_px: within(self.size_px, 0.5, Self::MAX_SIZE_PX, default.size_px),
            hardness: within(self.hardness, 0.0, 1.0, default.hardness),
            opacity: within(self.opacity, 0.0, 1.0, default.opacity),
            flow: within(self.flow, 0.0, 1.0, default.flow),
            spacing: within(self.spacing, 0.02, 1.0, default.spacing),
            smoothing_secs: within(self.smoothing_secs, 0.0, 0.5, default.smoothing_secs),
            size_by_pressure: self.size_by_pressure.clamped(),
            opacity_by_pressure: self.opacity_by_pressure.clamped(),
            ..self
        }
    }
}

impl Default for Brush {
    /// A pen for lines.
    fn default() -> Self {
        Self {
            mode: Mode::Paint,
            build_up: BuildUp::Capped,
            ink: Ink::default(),
            size_px: 4.0,
            hardness: 0.9,
            opacity: 1.0,
            flow: 0.2,
            spacing: 0.1,
            smoothing_secs: 0.02,
            size_by_pressure: PressureCurve { least: 0.3, bend: 0.3 },
            opacity_by_pressure: PressureCurve::OFF,
        }
    }
}

fn within(value: f32, least: f32, most: f32, default: f32) -> f32 {
    if value.is_nan() { default } else { value.clamp(least, most) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_rises_from_the_least_to_one() {
        for bend in [-1.0, -0.4, 0.0, 0.7, 1.0] {
            let curve = PressureCurve { least: 0.2, bend };
            let values: Vec<f32> = (0..=20).map(|step| curve.at(step as f32 / 20.0)).collect();
            assert!((values[0] - 0.2).abs() < 1e-6 && (values[20] - 1.0).abs() < 1e-6);
            assert!(values.is_sorted(), "{values:?}");
        }
        assert_eq!(PressureCurve::OFF.at(0.3), 1.0);
    }

    #[test]
    fn wild_brushes_are_tamed() {
        let wild = Brush { size_px: f32::NAN, opacity: 7.0, spacing: 0.0, ..Brush::default() };
        let tame = wild.clamped();
        assert_eq!((tame.size_px, tame.opacity, tame.spacing), (4.0, 1.0, 0.02));
        for brush in [Brush::default(), Brush::eraser(), Brush::airbrush()] {
            assert_eq!(brush.clamped(), brush);
        }
    }
}
