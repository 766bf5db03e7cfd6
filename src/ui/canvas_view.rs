//! The canvas: shows the picture and the controls drawn by the user, pans and zooms them, and fades
//! from preview to preview.
//!
//! | to do | use |
//! |---|---|
//! | draw, fill | left button, one finger, pen; Shift + click draws straight on from the last stroke |
//! | draw a shape | drag; Shift for squares, circles and straight angles, Alt for the centre |
//! | erase | right button, with the brush in hand |
//! | take the ink under the pointer | Alt + click |
//! | drop what is being drawn | Esc |
//! | zoom to the pointer | wheel, Ctrl + wheel, pinch; `+` and `-` zoom to the centre |
//! | pan | middle button, Space + drag, two fingers, trackpad scroll, Shift + wheel, arrow keys; with the hand also the left button |
//! | fit | double-click with the hand |
//!
//! Ctrl + wheel zooms rather than changing the brush, because many trackpads report a pinch so; the
//! brush has `[` and `]`. Alt picks only when it is down before the pointer is: later it constrains.
//! A second finger that lands at once takes the beginning of a stroke back.
//!
//! The wheel zooms, as in Krita and other painting programs; a trackpad pans, as in Figma. Keys work
//! while the canvas has the focus. The picture comes from the caller; which part of it is seen is
//! the view's own state.

mod transform;
mod panes;
mod fade;
mod lens;
mod input;
mod constrain;
mod drawing;
mod cursor;
mod scene;
mod fallback;
mod placeholder;
mod rows;

use std::sync::Arc;

use egui::{Pos2, Rect, Response, Role, Sense, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};

use self::scene::Scene;
use crate::document::{Document, Plane, Point, StrokeInProgress};
use crate::imaging::RgbaImage;
use crate::render::GpuPresence;
use crate::state::{Comparison, Rows};

pub use cursor::{CursorKind, paint_cursor};
pub use drawing::Hand;
pub use panes::{Pane, Panes};
pub(in crate::ui) use rows::hatch;
pub use transform::CanvasTransform;

/// What the canvas shows in a frame. Without picture and sketch it says what to do.
#[derive(Debug, Clone, Copy)]
pub struct Content<'a> {
    pub shown: Option<&'a Shown>,
    pub sketch: Option<SketchView<'a>>,
    /// Read by screen readers, for example "Picture, scale 5 of 8".
    pub description: &'a str,
}

/// The user's drawing, and how it is seen with the picture.
#[derive(Debug, Clone, Copy)]
pub struct SketchView<'a> {
    /// With the stroke under the pen, if there is one.
    pub document: &'a Document,
    pub stroke: Option<StrokeInProgress<'a>>,
    pub comparison: Comparison,
    /// Of the controls where they lie over the picture; range 0–1.
    pub controls_opacity: f32,
    /// The controls are out of sight for now.
    pub is_hidden: bool,
    /// The plane of strength, or the lock, that is shown as well.
    pub mask: Option<Plane>,
}

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
    panes: Panes,
    /// Of the picture in the last frame; zero before the first.
    size_in_canvas: Vec2,
    fade: fade::Fade,
    /// How much of the picture is there, for one that is drawn row by row and not complete.
    pub rows: Option<Rows>,
    /// The same in the last frame.
    had_rows: bool,
    lens: lens::Lens,
    device: input::LastDevice,
    /// The tool in hand, and what it is drawing.
    pub hand: Hand,
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

    /// Where the panes were in the last frame.
    pub fn panes(&self) -> Panes {
        self.panes
    }

    /// What lies under a position in the window: canvas pixels, (0, 0) at the top left corner.
    /// Goes on beyond the picture and the canvas, and works over either pane. `None` before there
    /// is anything to draw on.
    ///
    /// A stroke should stay in the pane where it began: see [`Self::canvas_point_in`].
    pub fn canvas_point(&self, pos_in_ui: Pos2) -> Option<Point> {
        self.canvas_point_in(self.panes.nearest(pos_in_ui), pos_in_ui)
    }

    /// The same as if `pane` went on to wherever the position is.
    pub fn canvas_point_in(&self, pane: Pane, pos_in_ui: Pos2) -> Option<Point> {
        let pos_in_first = pos_in_ui - self.panes.offset(pane);
        let pos_in_canvas = self.transform.canvas_from_ui() * pos_in_first;
        (self.size_in_canvas != Vec2::ZERO).then_some(pos_in_canvas.into())
    }

    /// Where a point of the canvas is seen in a pane.
    pub fn ui_point_in(&self, pane: Pane, pos_in_canvas: Point) -> Pos2 {
        let pos_in_first =
            self.transform.ui_from_canvas() * pos2(pos_in_canvas[0], pos_in_canvas[1]);
        pos_in_first + self.panes.offset(pane)
    }

    /// A picture that grows only becomes more: nothing fades. When it is complete, what it really
    /// looks like comes softly over the mosaic.
    fn fade_speed(&self) -> fade::Speed {
        match (self.rows, self.had_rows) {
            (Some(_), _) => fade::Speed::Cut,
            (None, true) => fade::Speed::Slow,
            (None, false) => fade::Speed::Quick,
        }
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
        self.transform = self.transform.with_second_area(self.panes.offset(Pane::Second));
        self.size_in_canvas = size_in_canvas;
    }

    /// Takes over what the user's hand has done.
    fn moved_to(&mut self, transform: CanvasTransform) {
        self.framing = Framing::Free;
        self.transform = transform.kept_in_area(self.size_in_canvas);
    }
}

/// Draws the canvas in the available space.
pub fn canvas_ui(ui: &mut Ui, view: &mut CanvasView, content: &Content<'_>) -> Response {
    let sketch = content.sketch;
    let shown = content.shown.filter(|shown| shown.image.width() > 0 && shown.image.height() > 0);
    let (area_in_ui, response) =
        ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), content.description));
    view.panes = match sketch.map(|sketch| sketch.comparison) {
        Some(Comparison::SideBySide) => Panes::side_by_side(area_in_ui, ui.pixels_per_point()),
        _ => Panes::one(area_in_ui),
    };
    label_panes(ui, view.panes, &response);

    ui.input(|input| view.device.observe(input));
    let (now, seen_at) = ui.input(|input| (input.time, input.time + f64::from(input.predicted_dt)));
    let speed = view.fade_speed();
    view.fade.observe(shown.map(|shown| shown.serial), now, speed);
    view.had_rows = view.rows.is_some();

    let painter = ui.painter_at(area_in_ui);
    if let Some(size_in_canvas) = size_in_canvas(shown, sketch.as_ref()) {
        view.frame(view.panes.first, ui.pixels_per_point(), size_in_canvas);
        input::apply(ui, view, &response);
        view.lens.follow(&response);
        if ui.style().animation_time <= 0.0 {
            view.fade.finish();
        }
        let fade = view.fade.progress(seen_at);
        scene::paint(&painter, ui.visuals(), view, &Scene { shown, sketch, fade });
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

/// The drawing says how large the canvas is; without one, the picture does.
fn size_in_canvas(shown: Option<&Shown>, sketch: Option<&SketchView<'_>>) -> Option<Vec2> {
    let of_sketch = sketch.map(|sketch| Vec2::splat(sketch.document.size_px() as f32));
    let of_picture = |shown: &Shown| vec2(shown.image.width() as f32, shown.image.height() as f32);
    of_sketch.or_else(|| shown.map(of_picture))
}

/// Two panes are told apart by screen readers too.
fn label_panes(ui: &Ui, panes: Panes, canvas: &Response) {
    let Some(second) = panes.second else { return };
    for (area_in_ui, label) in [(panes.first, "Controls"), (second, "Result")] {
        let pane = ui.interact(area_in_ui, canvas.id.with(label), Sense::hover());
        pane.widget_info(|| WidgetInfo::labeled(Role::Image, ui.is_enabled(), label));
    }
}
