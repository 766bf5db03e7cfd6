//! Where the picture lies on the screen: pure geometry, no input and no drawing.

use egui::emath::TSTransform;
use egui::{Pos2, Rect, Vec2, pos2, vec2};

/// Maps between `ui` (points), `screen` (pixels) and `canvas` (pixels of the picture).
///
/// The part of the picture at the centre of the area is what is remembered, so that it stays there
/// when the window is resized.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CanvasTransform {
    /// The part of the window that shows the canvas.
    area_in_ui: Rect,
    pixels_per_point: f32,
    /// What is seen at the centre of the area.
    centre_in_canvas: Pos2,
    /// Screen pixels per picture pixel; 1 is 100 %.
    zoom: f32,
    /// From the area to a second one that shows the same part beside it; zero if there is none.
    second_area_offset_in_ui: Vec2,
}

impl CanvasTransform {
    pub const MIN_ZOOM: f32 = 0.05;
    pub const MAX_ZOOM: f32 = 64.0;
    /// Space that [`Self::fit`] keeps around the picture, in points.
    const FIT_MARGIN: f32 = 24.0;
    /// Points of the picture that stay inside the area however far it is panned.
    const KEPT_IN_AREA: f32 = 48.0;

    /// The whole picture, as large as fits with a margin, in the centre of the area.
    #[must_use]
    pub fn fit(area_in_ui: Rect, pixels_per_point: f32, size_in_canvas: Vec2) -> Self {
        let room_in_ui = (area_in_ui.size() - Vec2::splat(2.0 * Self::FIT_MARGIN)).max(Vec2::ZERO);
        let zoom = (room_in_ui * pixels_per_point / size_in_canvas).min_elem();
        Self {
            area_in_ui,
            pixels_per_point,
            centre_in_canvas: (size_in_canvas / 2.0).to_pos2(),
            zoom: clamped_zoom(zoom),
            second_area_offset_in_ui: Vec2::ZERO,
        }
    }

    pub fn area_in_ui(&self) -> Rect {
        self.area_in_ui
    }

    pub fn pixels_per_point(&self) -> f32 {
        self.pixels_per_point
    }

    /// A position over the second area, as the one over the first that shows the same; all others
    /// as they are. Between the two counts as the nearer one.
    pub fn in_first_area(&self, pos_in_ui: Pos2) -> Pos2 {
        let offset = self.second_area_offset_in_ui;
        let is_nearer_second = pos_in_ui.x - self.area_in_ui.center().x > offset.x / 2.0;
        if offset != Vec2::ZERO && is_nearer_second { pos_in_ui - offset } else { pos_in_ui }
    }

    /// Screen pixels per picture pixel, from [`Self::MIN_ZOOM`] to [`Self::MAX_ZOOM`].
    pub fn zoom(&self) -> f32 {
        self.zoom
    }

    /// The top left corner of the picture falls on a whole screen pixel, so that at 100 %, 200 %, …
    /// every edge is sharp.
    pub fn ui_from_canvas(&self) -> TSTransform {
        let exact = self.exact_ui_from_canvas();
        let origin_in_screen = (exact.translation * self.pixels_per_point).round();
        TSTransform::new(origin_in_screen / self.pixels_per_point, exact.scaling)
    }

    pub fn canvas_from_ui(&self) -> TSTransform {
        self.ui_from_canvas().inverse()
    }

    /// The picture's rectangle on the screen, in pixels from the top left of the window.
    pub fn picture_in_screen(&self, size_in_canvas: Vec2) -> Rect {
        let min_in_ui = self.ui_from_canvas() * Pos2::ZERO;
        let min_in_screen = (min_in_ui.to_vec2() * self.pixels_per_point).round().to_pos2();
        Rect::from_min_size(min_in_screen, size_in_canvas * self.zoom)
    }

    /// Multiplies the zoom, within its limits, and keeps what is at `pos_in_ui` where it is.
    #[must_use]
    pub fn zoomed_at(&self, pos_in_ui: Pos2, factor: f32) -> Self {
        let pos_in_ui = self.in_first_area(pos_in_ui);
        // Not the rounded transform: its error would add up over a long scroll.
        let pos_in_canvas = self.exact_ui_from_canvas().inverse() * pos_in_ui;
        let zoomed = self.with_zoom(self.zoom * factor);
        let offset_in_ui = pos_in_ui - self.area_in_ui.center();
        Self { centre_in_canvas: pos_in_canvas - offset_in_ui / zoomed.ui_scale(), ..zoomed }
    }

    /// The same view in another place or size, or on another screen.
    #[must_use]
    pub fn in_area(&self, area_in_ui: Rect, pixels_per_point: f32) -> Self {
        Self { area_in_ui, pixels_per_point, ..*self }
    }

    /// The same view in another area too, beside the first.
    #[must_use]
    pub fn with_second_area(&self, second_area_offset_in_ui: Vec2) -> Self {
        Self { second_area_offset_in_ui, ..*self }
    }

    /// The same centre at another zoom, moved into its limits.
    #[must_use]
    pub fn with_zoom(&self, zoom: f32) -> Self {
        Self { zoom: clamped_zoom(zoom), ..*self }
    }

    /// Moves the picture by `delta_in_ui`.
    #[must_use]
    pub fn panned(&self, delta_in_ui: Vec2) -> Self {
        Self { centre_in_canvas: self.centre_in_canvas - delta_in_ui / self.ui_scale(), ..*self }
    }

    /// Moved back as far as needed for a piece of the picture to stay in the area.
    #[must_use]
    pub fn kept_in_area(&self, size_in_canvas: Vec2) -> Self {
        let half_area = self.area_in_ui.size() / 2.0;
        let slack = (half_area - Vec2::splat(Self::KEPT_IN_AREA)).max(Vec2::ZERO) / self.ui_scale();
        let clamp = |centre: f32, slack: f32, size: f32| centre.clamp(-slack, size + slack);
        let centre_in_canvas = pos2(
            clamp(self.centre_in_canvas.x, slack.x, size_in_canvas.x),
            clamp(self.centre_in_canvas.y, slack.y, size_in_canvas.y),
        );
        Self { centre_in_canvas, ..*self }
    }

    fn ui_scale(&self) -> f32 {
        self.zoom / self.pixels_per_point
    }

    fn exact_ui_from_canvas(&self) -> TSTransform {
        let scale = self.ui_scale();
        let origin_in_ui = self.area_in_ui.center() - self.centre_in_canvas.to_vec2() * scale;
        TSTransform::new(origin_in_ui.to_vec2(), scale)
    }
}

impl Default for CanvasTransform {
    /// An empty area, until the first frame says where the canvas is.
    fn default() -> Self {
        Self {
            area_in_ui: Rect::from_min_size(Pos2::ZERO, vec2(0.0, 0.0)),
            pixels_per_point: 1.0,
            centre_in_canvas: Pos2::ZERO,
            zoom: 1.0,
            second_area_offset_in_ui: Vec2::ZERO,
        }
    }
}

fn clamped_zoom(zoom: f32) -> f32 {
    if zoom.is_nan() {
        return 1.0;
    }
    zoom.clamp(CanvasTransform::MIN_ZOOM, CanvasTransform::MAX_ZOOM)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn transforms() -> impl Strategy<Value = CanvasTransform> {
        let area = (-50.0..800.0f32, -50.0..800.0f32, 1.0..2000.0f32, 1.0..2000.0f32);
        let view = (-100.0..600.0f32, -100.0..600.0f32, -4.4..6.1f32);
        let densities = prop::sample::select(vec![1.0, 1.25, 1.5, 2.0, 3.0]);
        (area, densities, view).prop_map(|(area, pixels_per_point, view)| CanvasTransform {
            area_in_ui: Rect::from_min_size(pos2(area.0, area.1), vec2(area.2, area.3)),
            pixels_per_point,
            centre_in_canvas: pos2(view.0, view.1),
            zoom: clamped_zoom(view.2.exp2()),
            second_area_offset_in_ui: Vec2::ZERO,
        })
    }

    fn points() -> impl Strategy<Value = Pos2> {
        (-100.0..2000.0f32, -100.0..2000.0f32).prop_map(|(x, y)| pos2(x, y))
    }

    proptest! {
        #[test]
        fn canvas_and_back_is_where_it_was(transform in transforms(), pos_in_ui in points()) {
            let pos_in_canvas = transform.canvas_from_ui() * pos_in_ui;
            let back_in_ui = transform.ui_from_canvas() * pos_in_canvas;
            prop_assert!((back_in_ui - pos_in_ui).length() < 0.05, "{back_in_ui} {pos_in_ui}");
        }

        #[test]
        fn zooming_keeps_what_is_under_the_pointer(
            transform in transforms(),
            pos_in_ui in points(),
            steps in prop::collection::vec(0.5..2.0f32, 1..30),
        ) {
            let pos_in_canvas = transform.canvas_from_ui() * pos_in_ui;
            let zoomed = steps.iter().fold(transform, |t, step| t.zoomed_at(pos_in_ui, *step));
            let moved_in_screen = ((zoomed.ui_from_canvas() * pos_in_canvas) - pos_in_ui)
                * transform.pixels_per_point;
            // Rounding the origin to whole pixels moves the picture by up to half a pixel, before
            // and after; before, that is magnified with the picture.
            let bound = 0.8 + 0.8 * zoomed.zoom() / transform.zoom();
            prop_assert!(moved_in_screen.length() < bound, "{moved_in_screen} > {bound}");
        }

        #[test]
        fn zoom_never_leaves_its_limits(transform in transforms(), factor in any::<f32>()) {
            let zoom = transform.zoomed_at(Pos2::ZERO, factor).zoom();
            prop_assert!((CanvasTransform::MIN_ZOOM..=CanvasTransform::MAX_ZOOM).contains(&zoom));
        }

        #[test]
        fn the_picture_can_not_be_lost(
            transform in transforms(),
            delta_in_ui in (-1e5..1e5f32, -1e5..1e5f32),
            size in (1.0..1024.0f32, 1.0..1024.0f32),
        ) {
            let size_in_canvas = vec2(size.0, size.1);
            let panned = transform.panned(delta_in_ui.into()).kept_in_area(size_in_canvas);
            let picture_in_ui =
                panned.ui_from_canvas() * Rect::from_min_size(Pos2::ZERO, size_in_canvas);
            prop_assert!(picture_in_ui.expand(1.0).intersects(panned.area_in_ui));
            let seen = picture_in_ui.intersect(panned.area_in_ui).size();
            let expected = Vec2::splat(CanvasTransform::KEPT_IN_AREA)
                .min(picture_in_ui.size())
                .min(panned.area_in_ui.size() / 2.0) - Vec2::splat(1.0);
            prop_assert!(seen.x >= expected.x && seen.y >= expected.y, "{seen} < {expected}");
        }

        #[test]
        fn fit_shows_everything_with_a_margin(
            width in 200.0..2000.0f32,
            height in 200.0..2000.0f32,
            size in (16.0..2000.0f32, 16.0..2000.0f32),
        ) {
            let area_in_ui = Rect::from_min_size(pos2(7.0, 5.0), vec2(width, height));
            let size_in_canvas = vec2(size.0, size.1);
            let fit = CanvasTransform::fit(area_in_ui, 1.0, size_in_canvas);
            let picture_in_ui =
                fit.ui_from_canvas() * Rect::from_min_size(Pos2::ZERO, size_in_canvas);
            let inner = area_in_ui.shrink(CanvasTransform::FIT_MARGIN);
            prop_assert!(inner.expand(0.6).contains_rect(picture_in_ui));
        }
    }

    #[test]
    fn picture_starts_on_a_whole_pixel() {
        let area_in_ui = Rect::from_min_size(pos2(0.3, 0.3), vec2(101.0, 77.0));
        let transform = CanvasTransform::fit(area_in_ui, 1.5, vec2(32.0, 32.0)).with_zoom(2.0);
        let picture = transform.picture_in_screen(vec2(32.0, 32.0));
        assert_eq!(picture.min, picture.min.round());
        assert_eq!(picture.size(), vec2(64.0, 64.0));
    }

    #[test]
    fn no_room_is_no_reason_to_panic() {
        let nothing = Rect::from_min_size(Pos2::ZERO, Vec2::ZERO);
        let fit = CanvasTransform::fit(nothing, 1.0, vec2(256.0, 256.0));
        assert_eq!(fit.zoom(), CanvasTransform::MIN_ZOOM);
        assert_eq!(fit.kept_in_area(vec2(256.0, 256.0)).centre_in_canvas, pos2(128.0, 128.0));
    }
}
