//! The controls that egui has not, or not like this: buttons with icons, chips, switches, folds,
//! sliders with a caption. Each is named for screen readers, works by keyboard and shows focus.

use egui::{
    Align2, CornerRadius, Rect, Response, RichText, Role, Sense, Slider, Stroke, StrokeKind, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

use super::{icons, theme};

pub const CHIP_HEIGHT: f32 = 24.0;

/// A button with an icon, a text or both.
#[must_use = "it is shown by `show`"]
pub struct Button<'a> {
    icon: Option<&'static str>,
    text: Option<&'a str>,
    /// What a screen reader says.
    label: &'a str,
    look: Look,
    is_enabled: bool,
    selected: Option<bool>,
    /// Its state for screen readers, where the icon alone shows it to others.
    toggled: Option<bool>,
    size: Vec2,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// The one button that matters most.
    Primary,
    Plain,
    /// Nothing but its content until hovered.
    Quiet,
}

impl<'a> Button<'a> {
    /// Only an icon; `label` is for those who do not see it.
    pub fn icon(icon: &'static str, label: &'a str) -> Self {
        let size = theme::ICON_BUTTON;
        Self {
            icon: Some(icon),
            text: None,
            label,
            look: Look::Quiet,
            is_enabled: true,
            selected: None,
            toggled: None,
            size,
        }
    }

    pub fn text(text: &'a str) -> Self {
        let size = vec2(0.0, theme::CONTROL_HEIGHT);
        Self {
            icon: None,
            text: Some(text),
            label: text,
            look: Look::Plain,
            is_enabled: true,
            selected: None,
            toggled: None,
            size,
        }
    }

    pub fn with_icon(mut self, icon: &'static str) -> Self {
        self.icon = Some(icon);
        self
    }

    pub fn labelled(mut self, label: &'a str) -> Self {
        self.label = label;
        self
    }

    pub fn primary(mut self) -> Self {
        self.look = Look::Primary;
        self
    }

    pub fn quiet(mut self) -> Self {
        self.look = Look::Quiet;
        self
    }

    pub fn enabled(mut self, is_enabled: bool) -> Self {
        self.is_enabled = is_enabled;
        self
    }

    /// Makes it a toggle.
    pub fn selected(mut self, is_selected: bool) -> Self {
        self.selected = Some(is_selected);
        self
    }

    /// Makes it a toggle whose icon tells its state.
    pub fn toggled(mut self, is_on: bool) -> Self {
        self.toggled = Some(is_on);
        self
    }

    /// At least this large; the text may need more width.
    pub fn min_size(mut self, size: Vec2) -> Self {
        self.size = size;
        self
    }

    pub fn show(self, ui: &mut Ui) -> Response {
        const ICON_SIZE: f32 = 16.0;
        let palette = theme::palette(ui);
        let is_primary = self.look == Look::Primary;
        let font = if is_primary { theme::strong() } else { theme::body() };
        let galley =
            self.text.map(|text| ui.painter().layout_no_wrap(text.to_owned(), font, palette.text));
        let text_width = galley.as_ref().map_or(0.0, |galley| galley.size().x);
        let icon_width = if self.icon.is_some() { ICON_SIZE } else { 0.0 };
        let gap = if self.icon.is_some() && galley.is_some() { theme::SPACE_XS + 2.0 } else { 0.0 };
        let content_width = icon_width + gap + text_width;
        let padding = if galley.is_some() { 2.0 * (theme::SPACE_S + 2.0) } else { 0.0 };
        let size = vec2(self.size.x.max(content_width + padding), self.size.y);

        let sense = if self.is_enabled { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(size, sense);
        let is_enabled = self.is_enabled && ui.is_enabled();
        response.widget_info(|| match self.selected.or(self.toggled) {
            Some(is_selected) => {
                WidgetInfo::selected(Role::Button, is_enabled, is_selected, self.label)
            }
            None => WidgetInfo::labeled(Role::Button, is_enabled, self.label),
        });
        if !ui.is_rect_visible(rect) {
            return response;
        }

        let is_selected = self.selected == Some(true);
        let is_down = response.is_pointer_button_down_on();
        let is_hovered = response.hovered() && is_enabled;
        let fill = match self.look {
            Look::Primary if is_hovered => palette.accent_hover,
            Look::Primary => palette.accent,
            _ if is_selected => palette.accent_soft,
            _ if is_down => palette.control_press,
            _ if is_hovered => palette.control_hover,
            Look::Plain => palette.control,
            Look::Quiet => egui::Color32::TRANSPARENT,
        };
        let ink = match self.look {
            Look::Primary => palette.on_accent,
            _ if is_selected => palette.accent_text,
            Look::Quiet if !is_hovered => palette.text_soft,
            Look::Plain | Look::Quiet => palette.text,
        };
        let mut painter = ui.painter().clone();
        if !is_enabled {
            painter.multiply_opacity(ui.visuals().disabled_alpha);
        }
        painter.rect_filled(rect, theme::RADIUS, fill);
        if self.look == Look::Plain {
            painter.rect_stroke(
                rect,
                theme::RADIUS,
                Stroke::new(1.0, palette.line),
                StrokeKind::Inside,
            );
        }
        let left = rect.center().x - content_width / 2.0;
        if let Some(icon) = self.icon {
            let centre = pos2(left + icon_width / 2.0, rect.center().y);
            painter.text(centre, Align2::CENTER_CENTER, icon, theme::icon(ICON_SIZE), ink);
        }
        if let Some(galley) = galley {
            let top = rect.center().y - galley.size().y / 2.0;
            let pos = pos2(left + icon_width + gap, top);
            painter.galley_with_override_text_color(pos, galley, ink);
        }
        focus_ring(ui, &response, theme::RADIUS);
        response
    }
}

/// A small round toggle that stands in a row of its kind.
pub fn chip(ui: &mut Ui, text: &str, label: &str, is_selected: bool) -> Response {
    let palette = theme::palette(ui);
    let galley = ui.painter().layout_no_wrap(text.to_owned(), theme::small(), palette.text);
    let size = vec2(galley.size().x + 2.0 * (theme::SPACE_S + 1.0), CHIP_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response
        .widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), is_selected, label));
    let radius = CornerRadius::same((CHIP_HEIGHT / 2.0) as u8);
    let (fill, edge, ink) = match (is_selected, response.hovered()) {
        (true, _) => (palette.accent_soft, palette.accent_text, palette.accent_text),
        (false, true) => (palette.control_hover, palette.line_strong, palette.text),
        (false, false) => (palette.control, palette.line, palette.text_soft),
    };
    ui.painter().rect(rect, radius, fill, Stroke::new(1.0, edge), StrokeKind::Inside);
    let pos = rect.center() - galley.size() / 2.0;
    ui.painter().galley_with_override_text_color(pos, galley, ink);
    focus_ring(ui, &response, radius);
    response
}

/// On or off.
pub fn switch(ui: &mut Ui, label: &str, is_on: bool) -> Response {
    const SIZE: Vec2 = vec2(30.0, 18.0);
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(SIZE, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Switch, ui.is_enabled(), is_on, label));
    let how_on = ui.ctx().animate_bool_responsive(response.id, is_on);
    let radius = CornerRadius::same((SIZE.y / 2.0) as u8);
    let (fill, edge) = if is_on {
        (palette.accent, palette.accent)
    } else {
        (palette.control, palette.line_strong)
    };
    ui.painter().rect(rect, radius, fill, Stroke::new(1.0, edge), StrokeKind::Inside);
    let knob_x = egui::lerp((rect.left() + 9.0)..=(rect.right() - 9.0), how_on);
    let knob = if is_on { palette.on_accent } else { palette.text_soft };
    ui.painter().circle_filled(pos2(knob_x, rect.center().y), 6.0, knob);
    focus_ring(ui, &response, radius);
    response
}

/// A title that shows or hides what follows. Closed at first; the window remembers.
pub fn fold(ui: &mut Ui, title: &str, add_contents: impl FnOnce(&mut Ui)) {
    let id = ui.make_persistent_id(title);
    let mut is_open = ui.data(|data| data.get_temp(id)).unwrap_or(false);
    let size = vec2(ui.available_width(), 24.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    if response.clicked() {
        is_open = !is_open;
        ui.data_mut(|data| data.insert_temp(id, is_open));
    }
    response.widget_info(|| WidgetInfo::labeled(Role::DisclosureTriangle, ui.is_enabled(), title));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_expanded(is_open));
    let palette = theme::palette(ui);
    let ink = if response.hovered() { palette.text } else { palette.text_soft };
    let icon = if is_open { icons::CHEVRON_DOWN } else { icons::CHEVRON_RIGHT };
    let middle = rect.left_center();
    let painter = ui.painter();
    painter.text(middle, Align2::LEFT_CENTER, icon, theme::icon(14.0), ink);
    painter.text(middle + vec2(18.0, 0.0), Align2::LEFT_CENTER, title, theme::body(), ink);
    focus_ring(ui, &response, theme::RADIUS);
    if is_open {
        add_contents(ui);
    }
}

/// The title of a part of the panel.
pub fn section(ui: &mut Ui, title: &str) -> Response {
    let text = RichText::new(title).font(theme::strong()).color(theme::palette(ui).text);
    ui.label(text)
}

/// One line of text that ends in … where it is wider than `width` points.
pub fn elided(
    ui: &Ui,
    text: &str,
    font: egui::FontId,
    width: f32,
    ink: egui::Color32,
) -> std::sync::Arc<egui::Galley> {
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width);
    ui.painter().layout_job(job)
}

/// Text beside a control.
pub fn caption(ui: &mut Ui, text: &str) -> Response {
    ui.label(RichText::new(text).color(theme::palette(ui).text_soft))
}

/// A number between two bounds.
pub struct SliderRow<'a> {
    pub label: &'a str,
    pub explanation: &'a str,
    pub value: f32,
    /// What the slider spans.
    pub range: std::ops::RangeInclusive<f32>,
    /// What may be typed.
    pub max: f32,
    pub decimals: usize,
}

/// What the user did to a [`SliderRow`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliderChange {
    /// The new value, if there is one.
    pub value: Option<f32>,
    /// The slider or the number has been let go or left.
    pub is_over: bool,
}

impl SliderRow<'_> {
    /// The new value, if the user changed it.
    pub fn show(self, ui: &mut Ui) -> Option<f32> {
        self.show_drag(ui).value
    }

    /// The same for settings that must know where a drag ends.
    pub fn show_drag(self, ui: &mut Ui) -> SliderChange {
        let is_over = |response: &Response| response.drag_stopped() || response.lost_focus();
        let mut value = self.value;
        let palette = theme::palette(ui);
        let step = 10_f64.powi(-(self.decimals as i32));
        let row = ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let title = ui.horizontal(|ui| {
                let title = caption(ui, self.label);
                let number =
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        ui.spacing_mut().interact_size = vec2(40.0, 22.0);
                        let number = egui::DragValue::new(&mut value)
                            .range(*self.range.start()..=self.max)
                            .speed(step)
                            .fixed_decimals(self.decimals);
                        is_over(&ui.add(number).labelled_by(title.id))
                    });
                (title.id, number.inner)
            });
            ui.spacing_mut().interact_size.y = 20.0;
            ui.spacing_mut().slider_width = ui.available_width();
            let visuals = ui.visuals_mut();
            visuals.selection.bg_fill = palette.accent;
            visuals.widgets.inactive.fg_stroke = Stroke::new(1.5, palette.accent);
            visuals.widgets.hovered.fg_stroke = Stroke::new(1.5, palette.accent_hover);
            visuals.widgets.active.fg_stroke = Stroke::new(2.0, palette.accent_text);
            let slider = Slider::new(&mut value, self.range.clone())
                .clamping(egui::SliderClamping::Edits)
                .step_by(step)
                .show_value(false);
            let (title, is_number_over) = title.inner;
            is_over(&ui.add(slider).labelled_by(title)) || is_number_over
        });
        row.response.on_hover_text(self.explanation);
        SliderChange { value: (value != self.value).then_some(value), is_over: row.inner }
    }
}

/// Shows where the keyboard is.
pub fn focus_ring(ui: &Ui, response: &Response, radius: CornerRadius) {
    if response.has_focus() {
        ring(ui, response.rect, radius);
    }
}

fn ring(ui: &Ui, rect: Rect, radius: CornerRadius) {
    let stroke = Stroke::new(1.5, theme::palette(ui).accent_text);
    ui.painter().rect_stroke(rect.expand(2.0), radius + 2, stroke, StrokeKind::Inside);
}
