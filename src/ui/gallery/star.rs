//! A filled star: the icon font has only outlines.

use egui::{Color32, Mesh, Painter, Pos2, Shape, Stroke, Vec2};

const N_POINTS: usize = 5;
/// Of the corners between the points, as a share of the radius.
const INNER: f32 = 0.45;

pub(super) fn paint(painter: &Painter, centre: Pos2, radius: f32, colour: Color32) {
    let corner = |idx: usize| {
        let angle = std::f32::consts::PI * (idx as f32 / N_POINTS as f32 - 0.5);
        let radius = if idx.is_multiple_of(2) { radius } else { INNER * radius };
        centre + radius * Vec2::angled(angle)
    };
    let corners: Vec<_> = (0..2 * N_POINTS).map(corner).collect();
    let mut mesh = Mesh::default();
    mesh.colored_vertex(centre, colour);
    for pos in &corners {
        mesh.colored_vertex(*pos, colour);
    }
    let n_corners = corners.len() as u32;
    for idx in 0..n_corners {
        mesh.add_triangle(0, 1 + idx, 1 + (idx + 1) % n_corners);
    }
    painter.add(mesh);
    // Smooth edges and rounded points.
    painter.add(Shape::closed_line(corners, Stroke::new(1.5, colour)));
}
