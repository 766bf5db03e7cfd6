//! What a new user finds on the canvas: a prompt, and a sketch that goes with it.

use std::f32::consts::TAU;

use crate::document::{
    Brush, Document, Edit, Pen, PenPoint, Plane, Point, Shape, ShapeKind, Symmetry,
};
use crate::params::ControlKind;

/// What the sketch shows, as prompts call it.
const THING: &str = "mushroom";
/// Seconds without a change after which a prompt is written.
const REST_SECS: f64 = 1.0;

/// What a new user sees being drawn.
pub const PROMPT: &str = "a red and white mushroom, glossy style";

/// The sample on the canvas, as long as nobody has drawn on it.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Of the sketch while it shows the sample and nothing else.
    pub revision: u64,
    /// A prompt for something else, and when it was first seen.
    left_for: Option<(String, f64)>,
}

impl Sample {
    pub fn on(revision: u64) -> Self {
        Self { revision, left_for: None }
    }

    /// Seconds until a prompt for something else counts as written, 0 once it does; `None` if it
    /// asks for what is sketched, or for nothing yet. `now` is the window's time in seconds.
    pub fn left_in(&mut self, prompt: &str, now: f64) -> Option<f64> {
        if !is_left_by(prompt) {
            self.left_for = None;
            return None;
        }
        match &self.left_for {
            Some((seen, since)) if seen == prompt => Some((since + REST_SECS - now).max(0.0)),
            _ => {
                self.left_for = Some((prompt.to_owned(), now));
                Some(REST_SECS)
            }
        }
    }
}

/// Whether the lines of the sample would be in the way of what is asked for.
pub fn is_left_by(prompt: &str) -> bool {
    !prompt.trim().is_empty() && !prompt.to_lowercase().contains(THING)
}

/// A mushroom in a few strokes, on a canvas of [`Document::DEFAULT_SIZE_PX`].
pub fn document() -> Document {
    let mut document =
        Document::new(Document::DEFAULT_SIZE_PX).expect("the default size is allowed");
    for edit in edits() {
        document.apply(&edit).expect("strokes fit on any canvas");
    }
    document
}

fn edits() -> Vec<Edit> {
    let pen = Pen {
        plane: Plane::Pixels(ControlKind::Lines),
        brush: Brush { size_px: 5.0, ..Brush::default() },
        symmetry: Symmetry::None,
    };
    let stroke = |points: Vec<Point>| Edit::Stroke { pen, points: even_pace(&points) };
    let spot = |centre: Point, half: Point| Edit::Shape {
        pen: Pen { brush: Brush { size_px: 4.0, ..pen.brush }, ..pen },
        shape: Shape {
            kind: ShapeKind::Ellipse { filled: false },
            from: [centre[0] - half[0], centre[1] - half[1]],
            to: [centre[0] + half[0], centre[1] + half[1]],
        },
    };
    vec![
        // The cap: half an ellipse, and its rim.
        stroke(arc([128.0, 140.0], [84.0, 98.0], 0.5, 1.0)),
        stroke(arc([128.0, 138.0], [84.0, 22.0], 0.5, 0.0)),
        // The stem, a little wider at the ground.
        stroke(vec![[106.0, 158.0], [104.0, 180.0], [97.0, 206.0], [101.0, 219.0]]),
        stroke(vec![[150.0, 158.0], [152.0, 180.0], [159.0, 206.0], [155.0, 219.0]]),
        stroke(arc([128.0, 217.0], [27.0, 9.0], 0.5, 0.0)),
        spot([128.0, 76.0], [15.0, 13.0]),
        spot([84.0, 108.0], [11.0, 13.0]),
        spot([172.0, 110.0], [11.0, 13.0]),
    ]
}

/// A part of an ellipse; `from` and `to` in turns, 0 at the right and 0.25 at the bottom.
fn arc(centre: Point, half: Point, from: f32, to: f32) -> Vec<Point> {
    const N_POINTS: u16 = 24;
    let point = |idx: u16| {
        let turn = from + (to - from) * f32::from(idx) / f32::from(N_POINTS - 1);
        let (sin, cos) = (turn * TAU).sin_cos();
        [centre[0] + half[0] * cos, centre[1] + half[1] * sin]
    };
    (0..N_POINTS).map(point).collect()
}

/// A hand that needs a twentieth of a second from point to point.
fn even_pace(points: &[Point]) -> Vec<PenPoint> {
    let point = |(idx, pos): (usize, &Point)| PenPoint {
        pos: *pos,
        pressure: 1.0,
        secs: 0.05 * idx as f32,
    };
    points.iter().enumerate().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_prompt_for_something_else_leaves_the_sample() {
        assert!(!is_left_by(PROMPT) && !is_left_by("Two Mushrooms") && !is_left_by("  "));
        let mut sample = Sample::on(0);
        assert_eq!(sample.left_in(PROMPT, 0.0), None);
        assert_eq!(sample.left_in("a c", 10.0), Some(1.0));
        assert_eq!(sample.left_in("a cat", 10.5), Some(1.0), "it is still being written");
        assert_eq!(sample.left_in("a cat", 11.0), Some(0.5));
        assert_eq!(sample.left_in("a cat", 12.0), Some(0.0));
        assert_eq!(sample.left_in(PROMPT, 12.5), None);
        assert_eq!(sample.left_in("a cat", 13.0), Some(1.0));
    }

    #[test]
    fn the_sample_is_a_line_drawing() {
        let document = document();
        let bytes = document.layer(ControlKind::Lines).pixels().to_bytes();
        let share = bytes.iter().filter(|byte| **byte > 127).count() as f32 / bytes.len() as f32;
        assert!((0.01..0.1).contains(&share), "{share}");
        assert!(document.layer(ControlKind::Colour).pixels().is_empty());
    }
}
