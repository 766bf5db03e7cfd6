//! Control maps: what a drawing or picture says to the model, as planes of numbers.

use std::sync::Arc;

use crate::params::ControlKind;

/// A control map of one kind: `channels × size × size` values in [0, 1], channel by channel,
/// row by row. The pixels are shared, so a map is cheap to clone and to send.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlMap {
    kind: ControlKind,
    size_px: usize,
    values: Arc<[f32]>,
}

impl ControlMap {
    /// `None` unless `values` holds `kind.n_channels() · size_px²` finite numbers.
    /// Values outside [0, 1] are clamped.
    pub fn new(kind: ControlKind, size_px: usize, mut values: Vec<f32>) -> Option<Self> {
        let complete = size_px > 0 && values.len() == kind.n_channels() * size_px * size_px;
        if !complete || values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        for value in &mut values {
            *value = value.clamp(0.0, 1.0);
        }
        Some(Self { kind, size_px, values: values.into() })
    }

    pub fn kind(&self) -> ControlKind {
        self.kind
    }

    /// Width and height in pixels.
    pub fn size_px(&self) -> usize {
        self.size_px
    }

    /// `channels × size × size` values in [0, 1].
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}
