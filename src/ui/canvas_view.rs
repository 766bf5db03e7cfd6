//! The canvas: shows the picture, pans and zooms it, and fades from preview to preview.
//!
//! | to do | use |
//! |---|---|
//! | zoom to the pointer | wheel, Ctrl + wheel, pinch; `+` and `-` zoom to the centre |
//! | pan | drag with the left or middle button (Space held or not), trackpad scroll, Shift + wheel, arrow keys |
//! | fit | double-click |
//!
//! The wheel zooms, as in Krita and other painting programs; a trackpad pans, as in Figma. Keys work
//! while the canvas has the focus. The picture comes from the caller; which part of it is seen is
//! the view's own state.

mod fade;
mod fallback;
mod input;
mod placeholder;
mod transform;

use std::sync::Arc;

use eframe::egui_wgpu;
use egui::{
    Color32, Painter, Rect, Response, Role, Sense, Shadow, StrokeKind, Ui, Vec2, Visuals,
    WidgetInfo, vec2,
};

use crate::imaging::RgbaImage;
use crate::render::{CanvasPaint, GpuPresence};

pub use transform::CanvasTransform;

/// What to show. Straight alpha; a picture without pixels counts as none.
#[derive(Debug, Clone)]
pub struct Shown {
    pub image: Arc<RgbaImage>,
    /// Changes whenever the pixels change.
    pub serial: u64,
}

/// Which part of the picture is seen, and how far the newest one has faded in.
#[derive(Default)]
pub struct CanvasView {
    framing: Framing,
    transform: CanvasTransform,
    /// Of the picture in the last frame; zero before the first.
    size_in_canvas: Vec2,
    fade: fade::Fade,
    device: input::LastDevice,
    presence: GpuPresence,
    fallback: fallback::Textures,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Framing {
    /// Follows the size of the window and of the picture.
    #[default]
    Fit,
    /// Stays where the user put it.
    Free,
}

impl CanvasView {
    /// Shows the whole picture, and keeps doing so until the user zooms or pans.
    pub fn fit(&mut self) {
        self.framing = Framing::Fit;
    }

    /// Zooms about the centre of the view. 1.0 is 100 %: one picture pixel is one screen pixel.
    /// Moved into the range 0.05–64.
    pub fn set_zoom(&mut self, factor: f32) {
        self.framing = Framing::Free;
        self.transform = self.transform.with_zoom(factor);
    }

    /// Screen pixels per picture pixel in the last frame.
    pub fn zoom(&self) -> f32 {
        self.transform.zoom()
    }

    /// Whether the view follows the size of the window.
    pub fn is_fit(&self) -> bool {
        self.framing == Framing::Fit
    }

    /// Where the picture lay in the last frame.
    pub fn transform(&self) -> &CanvasTransform {
        &self.transform
    }

    /// Adapts to this frame's window and picture.
    fn frame(&mut self, area_in_ui: Rect, pixels_per_point: f32, size_in_canvas: Vec2) {
        let fit = CanvasTransform::fit(area_in_ui, pixels_per_point, size_in_canvas);
        self.transform = match self.framing {
            Framing::Fit => fit,
            Framing::Free if self.size_in_canvas == size_in_canvas => {
                self.transform.in_area(area_in_ui, pixels_per_point).kept_in_area(size_in_canvas)
            }
            // A picture of another size: its middle is the best guess at what is of interest.
            Framing::Free => fit.with_zoom(self.transform.zoom()),
        };
        self.size_in_canvas = size_in_canvas;
    }

    /// Takes over what the user's hand has done.
    fn moved_to(&mut self, transform: CanvasTransform) {
        self.framing = Framing::Free;
        self.transform = transform.kept_in_area(self.size_in_canvas);
    }
}

/// Draws the canvas in the available space; `description` is read by screen readers, for example
/// "Picture, scale 5 of 8".
pub fn canvas_ui(
    ui: &mut Ui,
    view: &mut CanvasView,
    shown: Option<&Shown>,
    description: &str,
) -> Response {
    let shown = shown.filter(|shown| shown.image.width() > 0 && shown.image.height() > 0);
    let (area_in_ui, response) =
        ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), description));

    ui.input(|input| view.device.observe(input));
    let (now, seen_at) = ui.input(|input| (input.time, input.time + f64::from(input.predicted_dt)));
    view.fade.observe(shown.map(|shown| shown.serial), now);

    let painter = ui.painter_at(area_in_ui);
    if let Some(shown) = shown {
        let size_in_canvas = vec2(shown.image.width() as f32, shown.image.height() as f32);
        view.frame(area_in_ui, ui.pixels_per_point(), size_in_canvas);
        input::apply(ui, view, &response);
        if ui.style().animation_time <= 0.0 {
            view.fade.finish();
        }
        let fade = view.fade.progress(seen_at);
        paint_picture(ui, &painter, view, shown, fade);
        if fade < 1.0 {
            ui.ctx().request_repaint();
        }
    } else {
        placeholder::paint(&painter, ui.visuals(), area_in_ui);
    }
    // Only for those who steer by keyboard: after a click the ring would be noise.
    if response.has_focus() && view.device.is_keyboard {
        let stroke = ui.visuals().selection.stroke;
        painter.rect_stroke(area_in_ui, 0.0, stroke, StrokeKind::Inside);
    }
    response
}

/// The picture over its checkerboard, with a soft shadow and a hairline around it.
fn paint_picture(ui: &Ui, painter: &Painter, view: &mut CanvasView, shown: &Shown, fade: f32) {
    let transform = view.transform;
    let picture_in_screen = transform.picture_in_screen(view.size_in_canvas);
    let picture_in_ui = picture_in_screen / transform.pixels_per_point();
    let visuals = ui.visuals();
    let shadow = Shadow { offset: [0, 3], blur: 18, spread: 0, color: visuals.popup_shadow.color };
    painter.add(shadow.as_shape(picture_in_ui, 0.0));
    painter.rect_stroke(
        picture_in_ui,
        0.0,
        visuals.widgets.noninteractive.bg_stroke,
        StrokeKind::Outside,
    );

    let checker = checker_colours(visuals);
    if !view.presence.is_confirmed() {
        view.fallback.paint(painter, shown, picture_in_ui, checker);
    }
    // Also where no renderer has answered yet: the callback is the question.
    let checker_cell_in_screen = (CHECKER_CELL * transform.pixels_per_point()).round();
    painter.add(egui_wgpu::Callback::new_paint_callback(
        transform.area_in_ui(),
        CanvasPaint {
            picture: Arc::clone(&shown.image),
            serial: shown.serial,
            picture_in_screen,
            fade,
            checker,
            checker_cell_in_screen,
            presence: view.presence.clone(),
        },
    ));
}

/// Side of a checkerboard cell in points, whatever the zoom.
const CHECKER_CELL: f32 = 8.0;

/// Two quiet neighbours of the panel's colour, so that the checkerboard never competes with the
/// picture. In a dark window they are a middle grey on which dark outlines can be seen too.
fn checker_colours(visuals: &Visuals) -> [Color32; 2] {
    let paper = visuals.panel_fill.to_opaque();
    let ink = visuals.text_color().to_opaque();
    let shades = if visuals.dark_mode { [0.24, 0.32] } else { [0.03, 0.10] };
    shades.map(|shade| paper.lerp_to_gamma(ink, shade))
}
