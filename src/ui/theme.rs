//! How the window looks: colours, type, spacing, corners, for the dark and the light theme. No
//! other file names a colour.
//!
//! Greys are neutral, because people judge colours beside them. The one accent is ochre, a pigment
//! of underpaintings; it marks what is chosen or happening and nothing else. Every text colour
//! has a contrast of at least 4.5 : 1 on what it stands on (a test computes it).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use egui::epaint::text::VariationCoords;
use egui::style::{
    HandleShape, NumericColorSpace, ScrollStyle, Selection, TextCursorStyle, WidgetVisuals, Widgets,
};
use egui::{
    Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, FontTweak, Frame, Margin,
    Shadow, Stroke, Style, TextStyle, Theme, Ui, Vec2, Visuals, vec2,
};

/// Distances are multiples of four points.
pub const SPACE_XS: f32 = 4.0;
pub const SPACE_S: f32 = 8.0;
pub const SPACE_M: f32 = 12.0;
pub const SPACE_L: f32 = 16.0;
pub const SPACE_XL: f32 = 24.0;

/// Corners of buttons, fields and thumbnails.
pub const RADIUS: CornerRadius = CornerRadius::same(6);
/// Corners of what floats.
pub const RADIUS_LARGE: CornerRadius = CornerRadius::same(10);
/// Height of buttons and fields.
pub const CONTROL_HEIGHT: f32 = 28.0;

const SIZE_SMALL: f32 = 11.5;
const SIZE_BODY: f32 = 13.0;
const SIZE_TITLE: f32 = 15.0;

/// The colours of one theme.
#[derive(Debug, Clone, PartialEq)]
pub struct Palette {
    /// Around the picture.
    pub canvas: Color32,
    /// Panels, toolbar, status bar.
    pub panel: Color32,
    /// What floats over the rest.
    pub floating: Color32,
    /// Text fields and empty cells.
    pub field: Color32,
    /// Buttons at rest, hovered, pressed.
    pub control: Color32,
    pub control_hover: Color32,
    pub control_press: Color32,
    /// Between panels, around fields.
    pub line: Color32,
    /// Edges that must be seen: handles, token grids being drawn.
    pub line_strong: Color32,
    pub text: Color32,
    /// Labels, captions.
    pub text_soft: Color32,
    /// Hints and units; still readable.
    pub text_faint: Color32,
    pub accent: Color32,
    pub accent_hover: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// The accent as text or thin line on a panel.
    pub accent_text: Color32,
    /// Behind what is chosen.
    pub accent_soft: Color32,
    pub error: Color32,
    pub warning: Color32,
    pub ok: Color32,
    /// The two squares of the checkerboard under transparent pictures.
    pub checker: [Color32; 2],
    /// What is drawn on where there is no picture yet.
    pub paper: Color32,
    /// Lines on paper and over pictures.
    pub ink: Color32,
    /// Around the ink, so that it can be read on any picture.
    pub ink_halo: Color32,
    /// Near surfaces: lit, and turned away from the light.
    pub depth: [Color32; 2],
    /// Over what a layer is told to leave alone.
    pub weakened: Color32,
    /// Over what stays of an earlier picture, in stripes.
    pub locked: Color32,
    /// Over the part of a picture that is not drawn yet, and the stripes on it.
    pub to_come: Color32,
    pub to_come_line: Color32,
    /// Over a thumbnail, under what is written on it.
    pub scrim: Color32,
    pub on_scrim: Color32,
    /// Behind a dialog.
    pub backdrop: Color32,
    pub shadow: Color32,
}

/// Colours to draw with: what stickers are made of. The same in every theme.
pub const SWATCHES: [[u8; 3]; 12] = [
    [0x1b, 0x1b, 0x1f],
    [0xff, 0xff, 0xff],
    [0x93, 0x95, 0x9a],
    [0x7d, 0x4d, 0x2e],
    [0xd8, 0x3a, 0x34],
    [0xf4, 0xc3, 0x9c],
    [0xf0, 0x8a, 0x34],
    [0xf7, 0xcf, 0x46],
    [0x4f, 0xa8, 0x52],
    [0x3c, 0x7d, 0xd9],
    [0x86, 0x5a, 0xc4],
    [0xf0, 0x90, 0xb5],
];

const fn grey(value: u8) -> Color32 {
    Color32::from_gray(value)
}

const DARK: Palette = Palette {
    canvas: grey(0x18),
    panel: grey(0x22),
    floating: grey(0x2c),
    field: grey(0x19),
    control: grey(0x31),
    control_hover: grey(0x3c),
    control_press: grey(0x46),
    line: grey(0x36),
    line_strong: grey(0x5c),
    text: grey(0xee),
    text_soft: grey(0xb8),
    text_faint: grey(0x98),
    accent: Color32::from_rgb(0xe3, 0xa8, 0x4f),
    accent_hover: Color32::from_rgb(0xee, 0xb8, 0x66),
    on_accent: Color32::from_rgb(0x22, 0x17, 0x06),
    accent_text: Color32::from_rgb(0xe8, 0xb3, 0x62),
    accent_soft: Color32::from_rgb(0x42, 0x37, 0x25),
    error: Color32::from_rgb(0xf0, 0x82, 0x78),
    warning: Color32::from_rgb(0xe6, 0xb4, 0x4c),
    ok: Color32::from_rgb(0x7f, 0xc0, 0x8a),
    checker: [grey(0x3a), grey(0x30)],
    paper: grey(0x2b),
    ink: grey(0xf2),
    ink_halo: Color32::from_rgba_premultiplied(0x0a, 0x0a, 0x0a, 0x90),
    depth: [
        Color32::from_rgba_premultiplied(0xb0, 0x9a, 0x74, 0xb0),
        Color32::from_rgba_premultiplied(0x54, 0x41, 0x25, 0xb0),
    ],
    weakened: Color32::from_rgba_premultiplied(0x68, 0x1e, 0x1e, 0x90),
    locked: Color32::from_rgba_premultiplied(0x36, 0x90, 0xd0, 0xe0),
    to_come: Color32::from_rgba_premultiplied(0x20, 0x20, 0x20, 0xe8),
    to_come_line: grey(0x38),
    scrim: Color32::from_rgba_premultiplied(0, 0, 0, 0xb0),
    on_scrim: grey(0xf5),
    backdrop: Color32::from_rgba_premultiplied(0, 0, 0, 0x90),
    shadow: Color32::from_rgba_premultiplied(0, 0, 0, 0x70),
};

const LIGHT: Palette = Palette {
    canvas: grey(0xdc),
    panel: grey(0xf3),
    floating: grey(0xfc),
    field: grey(0xff),
    control: grey(0xe4),
    control_hover: grey(0xd9),
    control_press: grey(0xcc),
    line: grey(0xd2),
    line_strong: grey(0x98),
    text: grey(0x1a),
    text_soft: grey(0x4a),
    text_faint: grey(0x64),
    accent: Color32::from_rgb(0x8f, 0x5c, 0x12),
    accent_hover: Color32::from_rgb(0x7c, 0x4f, 0x0d),
    on_accent: grey(0xff),
    accent_text: Color32::from_rgb(0x85, 0x55, 0x10),
    accent_soft: Color32::from_rgb(0xee, 0xe0, 0xc6),
    error: Color32::from_rgb(0xb3, 0x26, 0x1e),
    warning: Color32::from_rgb(0x87, 0x58, 0x00),
    ok: Color32::from_rgb(0x1f, 0x70, 0x35),
    checker: [grey(0xff), grey(0xea)],
    paper: grey(0xfd),
    ink: grey(0x14),
    ink_halo: Color32::from_rgba_premultiplied(0x90, 0x90, 0x90, 0x90),
    depth: [
        Color32::from_rgba_premultiplied(0x88, 0x76, 0x58, 0xa0),
        Color32::from_rgba_premultiplied(0x45, 0x33, 0x1a, 0xa0),
    ],
    weakened: Color32::from_rgba_premultiplied(0x78, 0x20, 0x20, 0x90),
    locked: Color32::from_rgba_premultiplied(0x1c, 0x6c, 0xac, 0xd8),
    to_come: Color32::from_rgba_premultiplied(0xdf, 0xdf, 0xdf, 0xe8),
    to_come_line: grey(0xd8),
    scrim: Color32::from_rgba_premultiplied(0, 0, 0, 0xa0),
    on_scrim: grey(0xff),
    backdrop: Color32::from_rgba_premultiplied(0, 0, 0, 0x60),
    shadow: Color32::from_rgba_premultiplied(0, 0, 0, 0x30),
};

impl Palette {
    /// The colours for a surface whose visuals are known.
    pub fn of(visuals: &Visuals) -> &'static Self {
        if visuals.dark_mode { &DARK } else { &LIGHT }
    }
}

/// The colours of the theme in use.
pub fn palette(ui: &Ui) -> &'static Palette {
    Palette::of(ui.visuals())
}

/// The frame of what floats over the canvas, such as a panel or a notice; without a margin.
pub fn floating_frame(ui: &Ui) -> Frame {
    let palette = palette(ui);
    Frame::new()
        .fill(palette.floating)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(RADIUS_LARGE)
        .shadow(ui.visuals().popup_shadow)
}

/// Ground and ink of the application's icon.
pub fn icon_colours() -> (Color32, Color32) {
    (DARK.panel, DARK.accent)
}

/// Stars on the scrim over a picture, which is dark in every theme.
pub fn star() -> Color32 {
    DARK.accent
}

/// Type for titles and what must stand out.
pub fn strong() -> FontId {
    FontId::new(SIZE_BODY, FontFamily::Name("strong".into()))
}

pub fn title() -> FontId {
    FontId::new(SIZE_TITLE, FontFamily::Name("strong".into()))
}

pub fn body() -> FontId {
    FontId::proportional(SIZE_BODY)
}

pub fn small() -> FontId {
    FontId::proportional(SIZE_SMALL)
}

/// Icons of `icons.rs`, as high as the given number of points.
pub fn icon(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name("icons".into()))
}

/// Installs fonts and both themes; which one is shown is the context's theme preference.
pub fn install(ctx: &egui::Context) {
    ctx.set_fonts(fonts());
    ctx.set_style_of(Theme::Dark, style(&DARK, &Visuals::dark()));
    ctx.set_style_of(Theme::Light, style(&LIGHT, &Visuals::light()));
}

/// Ends all movement that is only for show. For windows that the processor paints: it would paint
/// instead of computing the picture.
pub fn hold_still(ctx: &egui::Context) {
    ctx.all_styles_mut(|style| style.animation_time = 0.0);
}

/// Paints on while something moves, unless the window holds still. Twenty frames a second are
/// enough for a glow.
pub fn keep_moving(ui: &Ui) {
    const STEP: Duration = Duration::from_millis(50);
    if ui.style().animation_time > 0.0 {
        ui.ctx().request_repaint_after(STEP);
    }
}

fn fonts() -> FontDefinitions {
    const INTER: &[u8] = include_bytes!("../../assets/fonts/Inter.ttf");
    const LUCIDE: &[u8] = include_bytes!("../../assets/fonts/Lucide.ttf");

    let weight = |weight: f32| {
        let coords = VariationCoords::new([(b"wght", weight)]);
        Arc::new(FontData::from_static(INTER).tweak(FontTweak { coords, ..FontTweak::default() }))
    };
    let mut fonts = FontDefinitions::default();
    fonts.font_data.insert("inter".to_owned(), weight(420.0));
    fonts.font_data.insert("inter-strong".to_owned(), weight(600.0));
    fonts.font_data.insert("lucide".to_owned(), Arc::new(FontData::from_static(LUCIDE)));

    // What Inter lacks comes from egui's own fonts, in every weight.
    let fallbacks = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let with_fallbacks = |first: &str| {
        let mut names = vec![first.to_owned()];
        names.extend(fallbacks.iter().cloned());
        names
    };
    fonts.families.insert(FontFamily::Name("strong".into()), with_fallbacks("inter-strong"));
    fonts.families.insert(FontFamily::Name("icons".into()), with_fallbacks("lucide"));
    fonts.families.insert(FontFamily::Proportional, with_fallbacks("inter"));
    fonts
}

fn style(palette: &Palette, base: &Visuals) -> Style {
    let text_styles = BTreeMap::from([
        (TextStyle::Small, small()),
        (TextStyle::Body, body()),
        (TextStyle::Button, body()),
        (TextStyle::Heading, title()),
        (TextStyle::Monospace, FontId::monospace(SIZE_SMALL)),
    ]);
    let mut style = Style { text_styles, animation_time: 0.12, ..Style::default() };
    style.visuals = themed(palette, base);

    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(SPACE_S, SPACE_S);
    spacing.button_padding = vec2(SPACE_S, SPACE_XS);
    spacing.window_margin = Margin::same(SPACE_L as i8);
    spacing.menu_margin = Margin::same(SPACE_S as i8);
    spacing.interact_size = vec2(CONTROL_HEIGHT, CONTROL_HEIGHT);
    spacing.slider_rail_height = 4.0;
    spacing.icon_spacing = SPACE_XS;
    spacing.tooltip_width = 320.0;
    spacing.scroll = ScrollStyle { bar_width: 8.0, ..ScrollStyle::floating() };

    let interaction = &mut style.interaction;
    // Labels are not for copying; where text is worth copying there is a button.
    interaction.selectable_labels = false;
    interaction.tooltip_delay = 0.4;
    style
}

fn themed(palette: &Palette, base: &Visuals) -> Visuals {
    let widget = |fill: Color32, edge: Stroke, text: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: edge,
        corner_radius: RADIUS,
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    let line = Stroke::new(1.0, palette.line);
    let widgets = Widgets {
        noninteractive: widget(palette.panel, line, palette.text),
        inactive: widget(palette.control, line, palette.text),
        hovered: widget(palette.control_hover, Stroke::new(1.0, palette.line_strong), palette.text),
        // Also the look of what has the keyboard focus.
        active: widget(palette.control_press, Stroke::new(2.0, palette.accent_text), palette.text),
        open: widget(palette.control_press, line, palette.text),
    };
    let shadow = |blur: u8| Shadow { offset: [0, 4], blur, spread: 0, color: palette.shadow };
    Visuals {
        widgets,
        selection: Selection {
            bg_fill: palette.accent_soft,
            // Whole points: a field must not change its size when it gets the focus.
            stroke: Stroke::new(2.0, palette.accent_text),
        },
        override_text_color: None,
        weak_text_color: Some(palette.text_faint),
        hyperlink_color: palette.accent_text,
        faint_bg_color: palette.control,
        extreme_bg_color: palette.field,
        text_edit_bg_color: Some(palette.field),
        code_bg_color: palette.field,
        warn_fg_color: palette.warning,
        error_fg_color: palette.error,
        window_corner_radius: RADIUS_LARGE,
        menu_corner_radius: RADIUS,
        window_fill: palette.floating,
        window_stroke: line,
        window_shadow: shadow(24),
        popup_shadow: shadow(12),
        panel_fill: palette.panel,
        slider_trailing_fill: true,
        handle_shape: HandleShape::Circle,
        numeric_color_space: NumericColorSpace::GammaByte,
        text_cursor: TextCursorStyle {
            stroke: Stroke::new(1.5, palette.accent_text),
            ..base.text_cursor.clone()
        },
        disabled_alpha: 0.45,
        ..base.clone()
    }
}

/// Room for an icon button.
pub const ICON_BUTTON: Vec2 = vec2(CONTROL_HEIGHT, CONTROL_HEIGHT);

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2 defines it.
    fn luminance(colour: Color32) -> f32 {
        let linear = |byte: u8| {
            let value = f32::from(byte) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    fn contrast(one: Color32, other: Color32) -> f32 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn text_can_be_read_on_everything_it_stands_on() {
        for palette in [&DARK, &LIGHT] {
            let grounds = [palette.panel, palette.floating, palette.field, palette.control];
            let texts = [palette.text, palette.text_soft, palette.text_faint, palette.accent_text];
            for (ground, text) in grounds.iter().flat_map(|g| texts.iter().map(move |t| (g, t))) {
                assert!(contrast(*ground, *text) >= 4.5, "{text:?} on {ground:?}");
            }
            for text in [palette.error, palette.warning, palette.ok] {
                assert!(contrast(palette.floating, text) >= 4.5, "{text:?}");
                assert!(contrast(palette.panel, text) >= 4.5, "{text:?}");
            }
            assert!(contrast(palette.accent, palette.on_accent) >= 4.5);
            assert!(contrast(palette.accent_hover, palette.on_accent) >= 4.5);
            assert!(contrast(palette.accent_soft, palette.text) >= 4.5);
            assert!(contrast(palette.accent_soft, palette.accent_text) >= 4.5);
            // WCAG 1.4.11: the focus ring against what is beside it.
            assert!(contrast(palette.panel, palette.accent_text) >= 3.0);
        }
    }

    #[test]
    fn greys_are_neutral() {
        for palette in [&DARK, &LIGHT] {
            for grey in [palette.canvas, palette.panel, palette.field, palette.checker[0]] {
                assert!(grey.r() == grey.g() && grey.g() == grey.b());
            }
        }
    }
}
