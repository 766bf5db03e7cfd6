//! Projects to save, and chance to break their files with.

#![allow(dead_code, reason = "each test crate uses another part of it")]

use std::sync::Arc;

use underpaint::document::{Brush, Document, Edit, Ink, Pen, PenPoint, Plane, Symmetry};
use underpaint::imaging::RgbaImage;
use underpaint::imaging::metadata::PictureRecord;
use underpaint::params::{ControlKind, StrengthCurve};
use underpaint::project::{Node, Project, Source};
use underpaint::protocol::{Anchor, EntryId, Inspiration, Lock, LockMask, PictureIds};
use underpaint::state::branches::About;
use underpaint::state::{Origin, Recipe};

/// Random numbers that are the same in every run.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `n`; 0 if there is none.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next() as u8
    }

    fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }
}

/// A stroke somewhere on a canvas 256 px wide, on any plane.
pub(crate) fn stroke(chance: &mut Chance) -> Edit {
    let plane = Plane::ALL[chance.below(6)];
    let colour = [chance.byte(), chance.byte(), chance.byte()];
    let brush = Brush {
        ink: Ink { level: chance.byte() | 1, colour },
        size_px: 2.0 + chance.below(20) as f32,
        ..Brush::default()
    };
    let mut point = |idx: usize| PenPoint {
        pos: [chance.below(256) as f32, chance.below(256) as f32],
        pressure: 1.0,
        secs: idx as f32 * 0.05,
    };
    let points = (0..3).map(&mut point).collect();
    Edit::Stroke { pen: Pen { plane, brush, symmetry: Symmetry::None }, points }
}

/// Ids of the embedded model's shape.
pub(crate) fn ids(chance: &mut Chance, n_scales: usize) -> PictureIds {
    const SIDES: [usize; 8] = [1, 2, 3, 4, 6, 8, 11, 16];
    let grid = |side: usize| (0..side * side).map(|_| chance.below(4096) as u32).collect();
    SIDES[..n_scales].iter().copied().map(grid).collect()
}

/// A soft blob, so that it compresses as pictures do.
pub(crate) fn picture(chance: &mut Chance, side: u32) -> Arc<RgbaImage> {
    let [red, green, blue] = [chance.byte(), chance.byte(), chance.byte()];
    Arc::new(RgbaImage::from_fn(side, side, |x, y| {
        let from_centre = (x as f32 / side as f32 - 0.5).hypot(y as f32 / side as f32 - 0.5);
        let alpha = ((0.45 - from_centre) * 900.0).clamp(0.0, 255.0) as u8;
        let shade = (x * 40 / side + y * 20 / side) as u8;
        let pixel = [red, green, blue].map(|value| value.saturating_sub(shade));
        image::Rgba([pixel[0], pixel[1], pixel[2], alpha])
    }))
}

/// A picture to start from, as the model has seen it.
pub(crate) fn source(chance: &mut Chance) -> Source {
    let name = format!("photo {}", chance.byte());
    let ids = Some(Arc::new(ids(chance, 8)));
    Source { name, picture: picture(chance, 72), n_kept: 1 + chance.below(8), ids }
}

/// A picture of the tree as the model would make it from `document`.
pub(crate) fn node(chance: &mut Chance, id: u64, parent: Option<u64>, document: Document) -> Node {
    let n_scales = 5 + chance.below(4);
    let recipe = Recipe { prompt: format!("a cat, number {id}"), ..Recipe::default() };
    let mut about = About::now(Origin::Generated, recipe, vec![u64::MAX - id; n_scales]);
    // The same in every process, whenever it runs.
    about.created_secs = id;
    Node {
        id,
        parent,
        about: serde_json::to_value(about).expect("plain data"),
        chosen: Vec::new(),
        ids: Arc::new(ids(chance, n_scales)),
        n_scales: 8,
        document,
        anchor: None,
        lock: None,
        record: None,
        picture: Some(picture(chance, 256)),
        is_reduced: false,
    }
}

/// A project with as many pictures, each after another stroke; something of everything.
pub(crate) fn with_nodes(n_nodes: u64) -> Project {
    let mut chance = Chance::new(7);
    let mut sketch = Document::new(256).expect("a sane size");
    sketch.restore_layer(
        ControlKind::Depth,
        false,
        &StrengthCurve::Ends { layout: 0.5, detail: 1.5 },
    );
    for _ in 0..10 {
        sketch.apply(&stroke(&mut chance)).expect("strokes fit");
    }
    let mut project = Project::new(sketch);
    let reference = picture(&mut chance, 64);
    for id in 0..n_nodes {
        let mut node = node(&mut chance, id, id.checked_sub(1), project.sketch.clone());
        if id == 1 {
            let earlier = Arc::clone(&project.nodes[0].ids);
            node.anchor = Some(Anchor { ids: Arc::new(vec![(*earlier).clone()]), hold: 0.25 });
            let mask = Arc::new(LockMask { size_px: 16, coverage: (0..=255).collect() });
            let beneath =
                Lock { ids: Arc::clone(&earlier), mask: Arc::clone(&mask), beneath: None };
            node.lock = Some(Lock { ids: earlier, mask, beneath: Some(Arc::new(beneath)) });
            let told = PictureRecord { prompt: "found".to_owned(), ..PictureRecord::default() };
            node.record = Some(Arc::new(told));
            let pixels = Arc::clone(&reference);
            node.chosen = vec![(2, Inspiration::Picture { name: "mine".to_owned(), pixels })];
        }
        project.nodes.push(Arc::new(node));
        project.sketch.apply(&stroke(&mut chance)).expect("strokes fit");
    }
    let recipe =
        Recipe { prompt: "a “cat”\n2".to_owned(), seed: u64::MAX, ..Recipe::default() };
    project.recipe = serde_json::to_value(recipe).expect("plain data");
    project.slots = vec![
        None,
        Some(Inspiration::Entry(EntryId(u64::MAX))),
        Some(Inspiration::Picture { name: "mine".to_owned(), pixels: reference }),
    ];
    project.source = Some(source(&mut chance));
    project.view = serde_json::json!({"comparison": "overlay"});
    project.current = n_nodes.checked_sub(1);
    project
}
