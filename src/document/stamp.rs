//! One print of the nib: where it is, how large, how dark. Comes from the pen by way of the brush.

use super::brush::Brush;
use super::coverage;
use super::symmetry::{Point, distance};

/// Stamps below this radius keep it and become fainter instead, so that hairlines do not break.
const MIN_RADIUS_PX: f32 = 0.5;

/// A round print of a nib. Its coverage at a pixel is `alpha · nib(distance to the centre)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stamp {
    pub centre: Point,
    pub radius_px: f32,
    pub hardness: f32,
    /// 0–1: pressure, and flow for an accumulating brush; the stroke's opacity comes on top.
    pub alpha: f32,
}

impl Stamp {
    /// The print of `brush` at a pressure in [0, 1].
    pub(super) fn new(brush: &Brush, centre: Point, pressure: f32) -> Self {
        let radius = brush.size_px / 2.0 * brush.size_by_pressure.at(pressure);
        let flow = match brush.build_up {
            super::BuildUp::Capped => 1.0,
            super::BuildUp::Accumulating => brush.flow,
        };
        let fade = (radius / MIN_RADIUS_PX).min(1.0);
        Self {
            centre,
            radius_px: radius.max(MIN_RADIUS_PX),
            hardness: brush.hardness,
            alpha: flow * fade * brush.opacity_by_pressure.at(pressure),
        }
    }

    /// Coverage in [0, 1] of the pixel sampled at `at`.
    pub fn coverage(&self, at: Point) -> f32 {
        let distance = distance(at, self.centre);
        self.alpha * coverage::nib(distance, self.radius_px, self.hardness)
    }

    /// Beyond this distance from the centre there is nothing.
    pub fn reach_px(&self) -> f32 {
        self.radius_px + 0.5
    }
}
