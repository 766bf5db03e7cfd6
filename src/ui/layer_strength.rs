//! How closely the picture follows the layer that is drawn on: at all scales, from layout to
//! detail, and place by place.

use egui::{Align, Align2, Layout, Rect, Sense, Ui, pos2, vec2};

use super::command::UiCommand;
use super::sketch_command::SketchCommand;
use super::theme;
use super::tool_look;
use super::widgets::{self, Button, SliderRow};
use crate::document::{Edit, Plane};
use crate::params::{ControlKind, StrengthCurve};
use crate::protocol::DecodingOrder;
use crate::state::AppState;

const BARS_HEIGHT: f32 = 30.0;
/// Scales that are shown until the model has told its own.
const EXPECTED_SCALES: usize = 8;

pub(super) fn layer_strength_ui(
    ui: &mut Ui,
    state: &AppState,
    kind: ControlKind,
    commands: &mut Vec<UiCommand>,
) {
    let layer = state.sketch.document().layer(kind);
    let n_scales = state.model().map_or(EXPECTED_SCALES, |model| model.scales.len());
    let curve = layer.strength();
    let ends = [curve.at(0, n_scales), curve.at(n_scales.max(1) - 1, n_scales)];
    let mut wish = None;
    let mut is_over = false;

    let mean = f32::midpoint(ends[0], ends[1]);
    let row = SliderRow {
        label: "Strength",
        explanation: "How closely the picture follows this layer; 1 is as learnt, 0 is off",
        value: mean,
        range: 0.0..=StrengthCurve::MAX,
        max: StrengthCurve::MAX,
        decimals: 2,
    };
    let change = row.show_drag(ui);
    is_over |= change.is_over;
    if let Some(value) = change.value {
        wish = Some(scaled(ends, value));
    }

    // Rows are no steps from layout to detail: each is drawn to the end at once.
    let has_scales = state.order() == DecodingOrder::NextScale;
    if has_scales {
        let (bars_wish, is_bars_over) = ends_ui(ui, curve, ends, n_scales);
        wish = bars_wish.or(wish);
        is_over |= is_bars_over;
    }
    painted_ui(ui, state, kind, commands);

    if let Some([layout, detail]) = wish {
        let strength = StrengthCurve::Ends { layout, detail };
        commands.push(SketchCommand::Edit(Edit::SetStrength { layer: kind, strength }).into());
    }
    // After the last change of the drag, which may be of the same frame.
    if is_over {
        commands.push(SketchCommand::EndDrag.into());
    }
}

/// Strength at the coarsest and at the finest scale, and what lies between. Returns both as the user
/// wants them, if that changed, and whether a drag is over.
fn ends_ui(
    ui: &mut Ui,
    curve: &StrengthCurve,
    ends: [f32; 2],
    n_scales: usize,
) -> (Option<[f32; 2]>, bool) {
    let (mut wish, mut is_over) = (None, false);
    widgets::fold(ui, "Layout ↔ Detail", |ui| {
        for (end, label, explanation) in [
            (0, "Layout", "At the coarse scales: where things are, how large"),
            (1, "Detail", "At the fine scales: edges and small forms"),
        ] {
            let row = SliderRow {
                label,
                explanation,
                value: ends[end],
                range: 0.0..=StrengthCurve::MAX,
                max: StrengthCurve::MAX,
                decimals: 2,
            };
            let change = row.show_drag(ui);
            is_over |= change.is_over;
            if let Some(value) = change.value {
                let mut ends = ends;
                ends[end] = value;
                wish = Some(ends);
            }
        }
        bars_ui(ui, curve, n_scales);
    });
    (wish, is_over)
}

/// Both ends moved so that their mean is the wish; their proportion stays where it can.
fn scaled(ends: [f32; 2], mean: f32) -> [f32; 2] {
    let old = f32::midpoint(ends[0], ends[1]);
    if old <= 0.0 {
        return [mean; 2];
    }
    ends.map(|end| (end * mean / old).clamp(0.0, StrengthCurve::MAX))
}

/// One bar per scale, coarse to fine.
fn bars_ui(ui: &mut Ui, curve: &StrengthCurve, n_scales: usize) {
    let palette = theme::palette(ui);
    let size = vec2(ui.available_width(), BARS_HEIGHT + 16.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let bars = rect.with_max_y(rect.top() + BARS_HEIGHT);
    let n_bars = n_scales.max(1);
    let step = bars.width() / n_bars as f32;
    let painter = ui.painter();
    for scale_idx in 0..n_bars {
        let left = bars.left() + scale_idx as f32 * step;
        let room = Rect::from_min_max(
            pos2(left + 1.0, bars.top()),
            pos2(left + step - 1.0, bars.bottom()),
        );
        painter.rect_filled(room, 2.0, palette.field);
        let share = (curve.at(scale_idx, n_scales) / StrengthCurve::MAX).clamp(0.0, 1.0);
        let top = room.bottom() - share * room.height();
        painter.rect_filled(room.with_min_y(top), 2.0, palette.accent);
    }
    for (pos, align, text) in [
        (rect.left_bottom(), Align2::LEFT_BOTTOM, "coarse scales"),
        (rect.right_bottom(), Align2::RIGHT_BOTTOM, "fine scales"),
    ] {
        painter.text(pos, align, text, theme::small(), palette.text_faint);
    }
    response.on_hover_text("How closely each scale of the picture follows the layer");
}

/// Painting where the layer is followed, and taking that back.
fn painted_ui(ui: &mut Ui, state: &AppState, kind: ControlKind, commands: &mut Vec<UiCommand>) {
    let name = tool_look::of_layer(kind).label.to_lowercase();
    ui.horizontal(|ui| {
        let is_on = state.settings.tools.paints_strength;
        let title = widgets::caption(ui, "Paint strength");
        let tip = format!(
            "Draw where the picture follows {name}: fully, partly or not at all. The ink is the \
             strength; the eraser brings it back"
        );
        title.on_hover_text(&tip);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if widgets::switch(ui, "Paint strength", is_on).on_hover_text(tip).clicked() {
                commands.push(SketchCommand::PaintStrength(!is_on).into());
            }
            let is_painted = !state.sketch.document().layer(kind).weakening().is_empty();
            if is_painted {
                let button = Button::text("Clear").quiet().labelled("Clear painted strength");
                let tip = format!("Follow {name} everywhere again");
                if button.show(ui).on_hover_text(tip).clicked() {
                    let edit = Edit::Clear(Plane::Strength(kind));
                    commands.push(SketchCommand::Edit(edit).into());
                }
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slider_moves_both_ends_and_keeps_their_proportion() {
        assert_eq!(scaled([1.0, 1.0], 0.5), [0.5, 0.5]);
        assert_eq!(scaled([1.0, 0.5], 1.5), [2.0, 1.0]);
        assert_eq!(scaled([0.0, 0.0], 0.7), [0.7, 0.7]);
        assert_eq!(scaled([2.0, 0.0], 2.0), [2.0, 0.0]);
    }
}
