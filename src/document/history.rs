//! Undo and redo: every step as the difference it made, in bounded memory.

use std::collections::VecDeque;

use super::delta::{Direction, PixelDelta};
use super::edit::Edit;
use super::{Document, layer_idx};
use crate::params::{ControlKind, StrengthCurve};

/// How much memory a history may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of uncompressed steps; beyond it the oldest are compressed.
    pub recent: usize,
    /// Bytes of all steps; beyond it the oldest are forgotten. Some ten thousand strokes fit.
    pub total: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { recent: 32 << 20, total: 256 << 20 }
    }
}

/// Number of a step, rising; one that was dropped is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct StepId(pub u64);

/// The steps that led to a document, and those that were taken back.
///
/// A step may change nothing of the document: it marks the place of something that happened beside
/// it, so that all of it has one order.
#[derive(Debug, Default)]
pub struct History {
    steps: VecDeque<Step>,
    /// The last step that was forgotten; 0 before any was.
    base: StepId,
    last_id: StepId,
    /// Steps before it are done, the others undone.
    cursor: usize,
    /// Steps before it are packed.
    n_packed: usize,
    budget: Budget,
    recent_bytes: usize,
    packed_bytes: usize,
    /// Whether the last step may still grow.
    is_open: bool,
}

#[derive(Debug)]
struct Step {
    id: StepId,
    label: &'static str,
    dragged: Option<ControlKind>,
    pixels: PixelDelta,
    settings: Vec<SettingsChange>,
}

/// A step that was taken back or again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepTaken {
    pub id: StepId,
    pub changed_document: bool,
}

/// Visibility and strength of a layer before and after a step.
#[derive(Debug)]
struct SettingsChange {
    layer: ControlKind,
    before: (bool, StrengthCurve),
    after: (bool, StrengthCurve),
}

impl History {
    pub fn new(budget: Budget) -> Self {
        Self { budget, ..Self::default() }
    }

    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// Keeps the step from `before` to `after`, which `edit` was; undone steps are dropped.
    /// `false` if nothing changed: then there is no step, and nothing is dropped.
    ///
    /// Edits of the same slider join into one step until [`Self::seal`].
    pub fn record(&mut self, before: &Document, after: &Document, edit: &Edit) -> bool {
        let mut step = Step::between(before, after, edit.label());
        step.dragged = edit.dragged();
        if step.is_empty() {
            return false;
        }
        self.drop_undone();
        if self.joins(&step) {
            self.join(step);
        } else {
            self.push(step);
        }
        self.is_open = true;
        self.keep_to_budget();
        true
    }

    /// Keeps a step that is no edit, also if `before` and `after` are the same.
    pub fn record_mark(
        &mut self,
        before: &Document,
        after: &Document,
        label: &'static str,
    ) -> StepId {
        self.drop_undone();
        let step = Step::between(before, after, label);
        self.push(step);
        self.seal();
        self.keep_to_budget();
        self.last_id
    }

    /// Ends a drag: the next edit is a step of its own.
    pub fn seal(&mut self) {
        self.is_open = false;
    }

    pub fn can_undo(&self) -> bool {
        self.cursor > 0
    }

    /// The last step that is done; if all were taken back, the last that was forgotten.
    pub fn top(&self) -> StepId {
        let last_done = self.cursor.checked_sub(1).and_then(|idx| self.steps.get(idx));
        last_done.map_or(self.base, |step| step.id)
    }

    /// The step that [`Self::redo`] would take.
    pub fn next(&self) -> Option<StepId> {
        Some(self.steps.get(self.cursor)?.id)
    }

    /// Steps before this one are forgotten.
    pub fn base(&self) -> StepId {
        self.base
    }

    pub fn can_redo(&self) -> bool {
        self.cursor < self.steps.len()
    }

    /// For a menu or button: `Undo brush stroke`.
    pub fn undo_label(&self) -> Option<String> {
        let step = self.steps.get(self.cursor.checked_sub(1)?)?;
        Some(format!("Undo {}", step.label))
    }

    /// For a menu or button: `Redo brush stroke`.
    pub fn redo_label(&self) -> Option<String> {
        Some(format!("Redo {}", self.steps.get(self.cursor)?.label))
    }

    /// Takes the last step back. `document` must be the one that the steps led to. `None` if
    /// there is none.
    pub fn undo(&mut self, document: &mut Document) -> Option<StepTaken> {
        self.seal();
        let step = self.steps.get(self.cursor.checked_sub(1)?)?;
        self.cursor -= 1;
        Some(step.take(document, Direction::Undo))
    }

    /// Takes the next undone step again. `None` if there is none.
    pub fn redo(&mut self, document: &mut Document) -> Option<StepTaken> {
        self.seal();
        let step = self.steps.get(self.cursor)?;
        self.cursor += 1;
        Some(step.take(document, Direction::Redo))
    }

    /// Steps that can be undone or redone.
    pub fn n_steps(&self) -> usize {
        self.steps.len()
    }

    /// Bytes that all steps keep alive, at most.
    pub fn n_bytes(&self) -> usize {
        self.recent_bytes + self.packed_bytes
    }

    fn push(&mut self, mut step: Step) {
        self.last_id.0 += 1;
        step.id = self.last_id;
        self.recent_bytes += step.n_bytes();
        self.steps.push_back(step);
        self.cursor += 1;
    }

    fn joins(&self, step: &Step) -> bool {
        let last = self.steps.back();
        self.is_open && step.dragged.is_some() && last.is_some_and(|l| l.dragged == step.dragged)
    }

    /// A drag that comes back to where it began leaves no step.
    fn join(&mut self, step: Step) {
        let Some(last) = self.steps.back_mut() else { return };
        let old_bytes = last.n_bytes();
        for change in step.settings {
            match last.settings.iter_mut().find(|older| older.layer == change.layer) {
                Some(older) => older.after = change.after,
                None => last.settings.push(change),
            }
        }
        last.settings.retain(|change| change.before != change.after);
        self.recent_bytes = self.recent_bytes + last.n_bytes() - old_bytes;
        if last.is_empty() {
            self.pop_newest();
            self.cursor -= 1;
        }
    }

    fn drop_undone(&mut self) {
        while self.steps.len() > self.cursor {
            self.pop_newest();
            self.seal();
        }
    }

    fn pop_newest(&mut self) {
        let Some(step) = self.steps.pop_back() else { return };
        if self.steps.len() < self.n_packed {
            self.n_packed = self.steps.len();
            self.packed_bytes -= step.n_bytes();
        } else {
            self.recent_bytes -= step.n_bytes();
        }
    }

    /// Packs what is old, forgets what is oldest. The newest step always stays as it is.
    fn keep_to_budget(&mut self) {
        while self.recent_bytes > self.budget.recent && self.n_packed + 1 < self.steps.len() {
            let step = &mut self.steps[self.n_packed];
            self.recent_bytes -= step.n_bytes();
            if let Some(packed) = step.pixels.pack() {
                step.pixels = packed;
            }
            self.packed_bytes += step.n_bytes();
            self.n_packed += 1;
        }
        while self.n_bytes() > self.budget.total && self.n_packed > 0 {
            let Some(step) = self.steps.pop_front() else { return };
            self.packed_bytes -= step.n_bytes();
            self.n_packed -= 1;
            self.cursor -= 1;
            self.base = step.id;
        }
    }
}

impl Step {
    fn between(before: &Document, after: &Document, label: &'static str) -> Self {
        let settings = |document: &Document, layer: ControlKind| {
            let layer = document.layer(layer);
            (layer.visible, layer.strength.clone())
        };
        let settings = ControlKind::ALL
            .into_iter()
            .map(|layer| SettingsChange {
                layer,
                before: settings(before, layer),
                after: settings(after, layer),
            })
            .filter(|change| change.before != change.after)
            .collect();
        let pixels = PixelDelta::between(before, after);
        Self { id: StepId::default(), label, dragged: None, pixels, settings }
    }

    fn is_empty(&self) -> bool {
        self.pixels.is_empty() && self.settings.is_empty()
    }

    fn n_bytes(&self) -> usize {
        let settings = self.settings.len() * size_of::<SettingsChange>();
        size_of::<Self>() + settings + self.pixels.n_bytes()
    }

    fn take(&self, document: &mut Document, direction: Direction) -> StepTaken {
        self.pixels.take(document, direction);
        for change in &self.settings {
            let (visible, strength) = match direction {
                Direction::Undo => &change.before,
                Direction::Redo => &change.after,
            };
            let layer = &mut document.layers[layer_idx(change.layer)];
            layer.visible = *visible;
            layer.strength.clone_from(strength);
        }
        StepTaken { id: self.id, changed_document: !self.is_empty() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Brush, Editor, Pen, PenPoint, Plane, Symmetry};
    use super::*;

    fn editor() -> Editor {
        Editor::new(Document::new(96).unwrap(), Budget::default())
    }

    fn strength(detail: f32) -> Edit {
        let strength = StrengthCurve::Ends { layout: 1.0, detail };
        Edit::SetStrength { layer: ControlKind::Lines, strength }
    }

    fn detail(editor: &Editor) -> f32 {
        match editor.document().layer(ControlKind::Lines).strength() {
            StrengthCurve::Ends { detail, .. } => *detail,
            other => panic!("{other:?}"),
        }
    }

    fn dot(brush: Brush) -> Edit {
        let plane = Plane::Pixels(ControlKind::Lines);
        let pen = Pen { plane, brush, symmetry: Symmetry::None };
        Edit::Stroke { pen, points: vec![PenPoint { pos: [9.0, 9.0], pressure: 1.0, secs: 0.0 }] }
    }

    #[test]
    fn labels_say_what_will_happen() {
        let mut editor = editor();
        assert_eq!((editor.history().undo_label(), editor.history().redo_label()), (None, None));
        editor.apply(&dot(Brush::default())).unwrap();
        editor.apply(&dot(Brush::eraser())).unwrap();
        assert_eq!(editor.history().undo_label().unwrap(), "Undo eraser stroke");
        assert!(editor.undo());
        assert_eq!(editor.history().undo_label().unwrap(), "Undo brush stroke");
        assert_eq!(editor.history().redo_label().unwrap(), "Redo eraser stroke");
        assert!(editor.redo() && !editor.redo());
    }

    #[test]
    fn a_drag_is_one_step() {
        let mut editor = editor();
        for value in [0.9, 0.5, 0.2] {
            editor.apply(&strength(value)).unwrap();
        }
        assert_eq!(editor.history().n_steps(), 1);
        editor.end_drag();
        editor.apply(&strength(0.7)).unwrap();
        assert_eq!(editor.history().n_steps(), 2);
        editor.undo();
        assert_eq!(detail(&editor), 0.2);
        editor.undo();
        assert_eq!(detail(&editor), 1.0);
        editor.redo();
        // After an undo a drag does not grow the step before it.
        editor.apply(&strength(0.3)).unwrap();
        assert_eq!(editor.history().n_steps(), 2);
    }

    #[test]
    fn a_drag_that_comes_back_leaves_no_step() {
        let mut editor = editor();
        editor.apply(&dot(Brush::default())).unwrap();
        let n_bytes = editor.history().n_bytes();
        editor.apply(&strength(0.5)).unwrap();
        editor.apply(&strength(1.0)).unwrap();
        assert_eq!((editor.history().n_steps(), editor.history().n_bytes()), (1, n_bytes));
        assert_eq!(editor.history().undo_label().unwrap(), "Undo brush stroke");
    }

    #[test]
    fn what_changes_nothing_is_no_step_and_keeps_redo() {
        let mut editor = editor();
        editor.apply(&dot(Brush::default())).unwrap();
        editor.undo();
        let revision = editor.revision();
        editor.apply(&dot(Brush::eraser())).unwrap();
        editor.apply(&Edit::Clear(Plane::Pixels(ControlKind::Depth))).unwrap();
        editor.apply(&Edit::SetVisible { layer: ControlKind::Depth, visible: true }).unwrap();
        assert_eq!((editor.history().can_undo(), editor.history().can_redo()), (false, true));
        assert_eq!(editor.revision(), revision);
    }

    #[test]
    fn the_oldest_steps_are_forgotten_beyond_the_budget() {
        let budget = Budget { recent: 20_000, total: 25_000 };
        let mut editor = Editor::new(Document::new(96).unwrap(), budget);
        for step in 0..200_u8 {
            let mut brush = Brush { size_px: 60.0, hardness: 0.3, ..Brush::default() };
            brush.ink.level = step.wrapping_mul(91) | 1;
            editor.apply(&dot(brush)).unwrap();
            assert!(editor.history().n_bytes() <= budget.total);
        }
        let n_steps = editor.history().n_steps();
        assert!((3..200).contains(&n_steps), "{n_steps}");
        let last = editor.document().clone();
        let n_undone = std::iter::from_fn(|| editor.undo().then_some(())).count();
        assert_eq!(n_undone, n_steps);
        while editor.redo() {}
        assert_eq!(editor.document(), &last);
    }
}
