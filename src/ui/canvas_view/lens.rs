//! The circle around the pointer in which the controls are seen.

use egui::{Painter, Pos2, Rect, Response, Stroke, Visuals};

use crate::ui::theme::Palette;

/// Where the lens is; it stays where the pointer left it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lens {
    centre_in_ui: Option<Pos2>,
}

impl Lens {
    /// Points.
    pub(super) const RADIUS: f32 = 110.0;

    pub(super) fn follow(&mut self, canvas: &Response) {
        let pointer = canvas.interact_pointer_pos().or_else(|| canvas.hover_pos());
        self.centre_in_ui = pointer.or(self.centre_in_ui);
    }

    /// In the middle of the picture until the pointer has been over the canvas.
    pub(super) fn centre_in_ui(&self, picture_in_ui: Rect) -> Pos2 {
        self.centre_in_ui.unwrap_or_else(|| picture_in_ui.center())
    }

    /// The rim: a light ring on a dark one, to be seen on any picture.
    pub(super) fn paint_rim(painter: &Painter, visuals: &Visuals, centre_in_ui: Pos2) {
        let palette = Palette::of(visuals);
        painter.circle_stroke(centre_in_ui, Self::RADIUS, Stroke::new(3.0, palette.scrim));
        painter.circle_stroke(centre_in_ui, Self::RADIUS, Stroke::new(1.0, palette.on_scrim));
    }
}
