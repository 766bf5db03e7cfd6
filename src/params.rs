//! Settings of a generation: plain data with ranges and defaults. Knows no model and no window.

use serde::{Deserialize, Serialize};

/// How tokens are drawn from the logits.
///
/// Defaults are the model's own (`sampling` in its `config.json`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// Weight of the prompt against the empty prompt; grows over the scales up to this value.
    /// Range 0–20; 0 runs the conditional pass alone and takes half the time.
    pub guidance: f32,
    /// Divides the logits. Range 0–2; 0 takes the most likely code everywhere.
    pub temperature: f32,
    /// Codes kept per position; 0 keeps all.
    pub top_k: usize,
    /// Probability mass kept per position, 0–1; 1 keeps all.
    pub top_p: f32,
    /// Of models that draw token by token.
    #[serde(skip_serializing_if = "Speculation::is_off")]
    pub speculation: Speculation,
}

impl Sampling {
    pub const MAX_GUIDANCE: f32 = 20.0;
    pub const MAX_TEMPERATURE: f32 = 2.0;

    /// The same settings with every value moved into its range; NaN becomes the default.
    #[must_use]
    pub fn clamped(self) -> Self {
        let default = Self::default();
        let or_default = |value: f32, default: f32| if value.is_nan() { default } else { value };
        Self {
            guidance: or_default(self.guidance, default.guidance).clamp(0.0, Self::MAX_GUIDANCE),
            temperature: or_default(self.temperature, default.temperature)
                .clamp(0.0, Self::MAX_TEMPERATURE),
            top_k: self.top_k,
            top_p: or_default(self.top_p, default.top_p).clamp(0.0, 1.0),
            speculation: self.speculation.clamped(),
        }
    }
}

impl Default for Sampling {
    fn default() -> Self {
        let speculation = Speculation::OFF;
        Self { guidance: 4.0, temperature: 0.5, top_k: 300, top_p: 1.0, speculation }
    }
}

/// How a model that draws token by token guesses ahead: several tokens are checked for the price of
/// reading the weights once.
///
/// Part of what determines a picture: another window or relaxation is another picture, as likely.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Speculation {
    /// Tokens that are checked at once. Range 1–64; 1 draws token by token.
    pub window: usize,
    /// How much probability of codes that look like a guess counts for it: 0 draws exactly what the
    /// model says, more accepts more guesses. Range 0–1.
    pub relaxation: f32,
}

impl Speculation {
    /// Token by token.
    pub const OFF: Self = Self { window: 1, relaxation: 0.0 };
    pub const MAX_WINDOW: usize = 64;

    /// Whether tokens are drawn one by one, whatever the relaxation.
    pub fn is_off(&self) -> bool {
        self.window <= 1
    }

    /// The same settings with every value moved into its range; NaN becomes exact.
    #[must_use]
    pub fn clamped(self) -> Self {
        let relaxation = if self.relaxation.is_nan() { 0.0 } else { self.relaxation };
        Self {
            window: self.window.clamp(1, Self::MAX_WINDOW),
            relaxation: relaxation.clamp(0.0, 1.0),
        }
    }
}

impl Default for Speculation {
    fn default() -> Self {
        Self::OFF
    }
}

/// Size of a picture in pixels. As text: `512x384`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PictureSize {
    pub width_px: usize,
    pub height_px: usize,
}

impl std::str::FromStr for PictureSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sides = text.split_once(['x', 'X', '×']);
        let side =
            |text: &str| text.trim().parse().ok().filter(|side| (1..=1 << 16).contains(side));
        let size = sides.and_then(|(width, height)| Some((side(width)?, side(height)?)));
        let (width_px, height_px) =
            size.ok_or_else(|| "write WIDTHxHEIGHT in pixels, such as 512x384".to_owned())?;
        Ok(Self { width_px, height_px })
    }
}

impl std::fmt::Display for PictureSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width_px, self.height_px)
    }
}

/// What a control map says about the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlKind {
    /// Ink coverage: 0 paper, 1 ink. One channel.
    Lines,
    /// Nearness: 1 near, 0 far or empty. One channel.
    Depth,
    /// Premultiplied RGBA; alpha 0 means no hint here. Four channels.
    Colour,
}

impl ControlKind {
    pub const ALL: [Self; 3] = [Self::Lines, Self::Depth, Self::Colour];

    /// Channels of a map of this kind.
    pub const fn n_channels(self) -> usize {
        match self {
            Self::Lines | Self::Depth => 1,
            Self::Colour => 4,
        }
    }

    /// The name in configuration files, tensor names and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Depth => "depth",
            Self::Colour => "colour",
        }
    }
}

/// Strength of a control over the scales. 1 is as trained, 0 is off; range 0–2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrengthCurve {
    Constant(f32),
    /// From `layout` at the coarsest scale to `detail` at the finest, linearly over the scales.
    Ends {
        layout: f32,
        detail: f32,
    },
    /// One value per scale; scales beyond the end take the last value.
    PerScale(Vec<f32>),
}

impl StrengthCurve {
    pub const MAX: f32 = 2.0;

    /// Strength at scale `scale_idx` of `n_scales`.
    pub fn at(&self, scale_idx: usize, n_scales: usize) -> f32 {
        match self {
            Self::Constant(strength) => *strength,
            Self::Ends { layout, detail } => {
                let t = scale_idx as f32 / (n_scales.max(2) - 1) as f32;
                layout + (detail - layout) * t
            }
            Self::PerScale(values) => {
                values.get(scale_idx).or(values.last()).copied().unwrap_or(0.0)
            }
        }
    }

    /// Whether the control has no effect at any scale.
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Constant(strength) => *strength == 0.0,
            Self::Ends { layout, detail } => *layout == 0.0 && *detail == 0.0,
            Self::PerScale(values) => values.iter().all(|value| *value == 0.0),
        }
    }
}

impl Default for StrengthCurve {
    fn default() -> Self {
        Self::Constant(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_runs_from_layout_to_detail() {
        let curve = StrengthCurve::Ends { layout: 1.0, detail: 0.0 };
        assert_eq!(curve.at(0, 8), 1.0);
        assert_eq!(curve.at(7, 8), 0.0);
        assert!((curve.at(3, 8) - 4.0 / 7.0).abs() < 1e-6);
        assert_eq!(StrengthCurve::PerScale(vec![0.2, 0.4]).at(5, 8), 0.4);
        assert_eq!(StrengthCurve::Constant(0.7).at(0, 1), 0.7);
    }

    #[test]
    fn speculation_is_clamped_and_never_nan() {
        let wild = Speculation { window: 0, relaxation: f32::NAN };
        assert_eq!(wild.clamped(), Speculation::OFF);
        let wild = Speculation { window: 1000, relaxation: 7.0 };
        assert_eq!(wild.clamped(), Speculation { window: 64, relaxation: 1.0 });
    }

    #[test]
    fn sizes_are_read_as_they_are_written() {
        let size = PictureSize { width_px: 512, height_px: 384 };
        assert_eq!(size.to_string().parse(), Ok(size));
        assert_eq!("512 × 384".parse(), Ok(size));
        for text in ["512", "512x", "0x9", "-1x5", "axb", "99999999999x1", "100000x1"] {
            assert!(text.parse::<PictureSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn sampling_is_clamped_and_never_nan() {
        let wild = Sampling {
            guidance: f32::NAN,
            temperature: -1.0,
            top_k: 0,
            top_p: 7.0,
            speculation: Speculation { window: 900, relaxation: -1.0 },
        };
        let tame = wild.clamped();
        assert_eq!(tame.guidance, Sampling::default().guidance);
        assert_eq!((tame.temperature, tame.top_p), (0.0, 1.0));
        assert_eq!(tame.speculation, Speculation { window: 64, relaxation: 0.0 });
    }
}
