//! A number in little room: drag it, click to type, or step it with the arrow keys. A line at its
//! foot shows where it stands in its range.

use egui::{DragValue, Rect, Response, RichText, Ui, pos2, vec2};

use super::theme;

/// A labelled number.
pub(super) struct DragField<'a> {
    pub(super) label: &'a str,
    pub(super) explanation: &'a str,
    pub(super) value: f32,
    pub(super) range: std::ops::RangeInclusive<f32>,
    pub(super) pace: Pace,
    /// After the number, with its space.
    pub(super) unit: &'a str,
}

/// How far a drag of one point goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pace {
    /// Through the range at the same step.
    Even(f64),
    /// By a share of the value, for sizes: fine where it is small.
    Growing,
}

impl DragField<'_> {
    /// The new value, if the user changed it.
    pub(super) fn show(self, ui: &mut Ui) -> (Response, Option<f32>) {
        let mut value = self.value;
        let palette = theme::palette(ui);
        let (speed, decimals) = match self.pace {
            Pace::Even(step) => (step, 0),
            Pace::Growing => (f64::from(value.max(1.0)) * 0.02, 1),
        };
        let label = RichText::new(format!("{} ", self.label)).color(palette.text_soft);
        let field = DragValue::new(&mut value)
            .range(self.range.clone())
            .speed(speed)
            .max_decimals(decimals)
            .prefix(label)
            .suffix(self.unit)
            .min_size(vec2(0.0, theme::CONTROL_HEIGHT));
        let response = ui.add(field).accessible_name(self.label);
        if !response.has_focus() {
            let share = self.share(value);
            let foot = response.rect.shrink2(vec2(6.0, 0.0));
            let right = egui::lerp(foot.x_range(), share);
            let line = Rect::from_min_max(pos2(foot.left(), foot.bottom() - 4.0), foot.max)
                .with_max_x(right)
                .with_max_y(foot.bottom() - 2.0);
            ui.painter().rect_filled(line, 1.0, palette.accent);
        }
        let changed = (value != self.value).then_some(value);
        (response.on_hover_text(self.explanation), changed)
    }

    /// Of the range, 0–1; sizes by their logarithm.
    fn share(&self, value: f32) -> f32 {
        let (least, most) = (*self.range.start(), *self.range.end());
        let share = match self.pace {
            Pace::Even(_) => (value - least) / (most - least),
            Pace::Growing => (value / least).ln() / (most / least).ln(),
        };
        share.clamp(0.0, 1.0)
    }
}
