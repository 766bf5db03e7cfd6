//! A document with its history and with what is being drawn at the moment.

use super::edit::{Edit, Pen};
use super::history::{Budget, History, StepId};
use super::live_stroke::{LiveStroke, StrokeInProgress};
use super::stroke::PenPoint;
use super::{Document, DocumentError};

/// A document being edited: the only way in which the window changes one.
///
/// Whatever is pending (a stroke under the pen, a draft) is part of [`Editor::document`], but not
/// of the history. It is finished or discarded before anything else happens.
#[derive(Debug)]
pub struct Editor {
    document: Document,
    history: History,
    pending: Option<Pending>,
    revision: u64,
    n_strokes: u64,
}

#[derive(Debug)]
enum Pending {
    Stroke(Box<LiveStroke>),
    /// An edit that is shown until it is accepted: a shape under the mouse, an import.
    Draft(Box<Draft>),
}

#[derive(Debug)]
struct Draft {
    edit: Edit,
    before: Document,
}

impl Editor {
    pub fn new(document: Document, budget: Budget) -> Self {
        Self { document, history: History::new(budget), pending: None, revision: 0, n_strokes: 0 }
    }

    /// The document as it is to be seen, with what is pending.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The document without what is pending: what the finished steps made.
    pub fn settled(&self) -> &Document {
        match &self.pending {
            None => &self.document,
            Some(Pending::Stroke(stroke)) => stroke.before(),
            Some(Pending::Draft(draft)) => &draft.before,
        }
    }

    /// Begins anew with another document and nothing to undo.
    pub fn restart(&mut self, document: Document) {
        self.pending = None;
        self.history = History::new(self.history.budget());
        self.document = document;
        self.revision += 1;
    }

    pub fn history(&self) -> &History {
        &self.history
    }

    /// Rises whenever the document may have changed.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn is_drawing(&self) -> bool {
        matches!(self.pending, Some(Pending::Stroke(_)))
    }

    /// Whether a stroke or a draft is still being made.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// The edit that is shown without being a step.
    pub fn draft(&self) -> Option<&Edit> {
        match &self.pending {
            Some(Pending::Draft(draft)) => Some(&draft.edit),
            Some(Pending::Stroke(_)) | None => None,
        }
    }

    /// The stroke under the pen. It is in [`Self::document`] already; who draws it by other means
    /// starts from the document before it.
    pub fn stroke_in_progress(&self) -> Option<StrokeInProgress<'_>> {
        match &self.pending {
            Some(Pending::Stroke(stroke)) => Some(stroke.in_progress()),
            _ => None,
        }
    }

    /// Carries out a command as a step. A stroke under the pen is ended first, a draft discarded.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), DocumentError> {
        self.settle();
        let before = self.document.clone();
        self.document.apply(edit)?;
        if self.history.record(&before, &self.document, edit) {
            self.revision += 1;
        }
        Ok(())
    }

    /// Ends a drag of a slider: the next change of it is a step of its own.
    pub fn end_drag(&mut self) {
        self.history.seal();
    }

    pub fn undo(&mut self) -> bool {
        self.settle();
        let taken = self.history.undo(&mut self.document);
        self.revision += u64::from(taken.is_some_and(|taken| taken.changed_document));
        taken.is_some()
    }

    pub fn redo(&mut self) -> bool {
        self.settle();
        let taken = self.history.redo(&mut self.document);
        self.revision += u64::from(taken.is_some_and(|taken| taken.changed_document));
        taken.is_some()
    }

    /// Makes a step of something that happened beside the document, such as a new picture, so that
    /// it is taken back in its turn.
    pub fn mark(&mut self, label: &'static str) -> StepId {
        self.settle();
        self.history.record_mark(&self.document, &self.document, label)
    }

    /// Puts another document in place of this one, as a step.
    ///
    /// # Errors
    /// [`DocumentError::CanvasSize`] if it is not of the same size; then nothing has changed.
    pub fn replace(
        &mut self,
        document: &Document,
        label: &'static str,
    ) -> Result<StepId, DocumentError> {
        let size_px = document.size_px();
        if size_px != self.document.size_px() {
            return Err(DocumentError::CanvasSize { size_px });
        }
        self.settle();
        let before = self.document.clone();
        if before != *document {
            self.document.become_like(document);
            self.revision += 1;
        }
        Ok(self.history.record_mark(&before, &self.document, label))
    }

    /// The pen touches down. Follow with [`Self::extend_stroke`].
    pub fn begin_stroke(&mut self, pen: Pen) {
        self.settle();
        self.n_strokes += 1;
        let stroke = LiveStroke::begin(self.n_strokes, pen, &self.document);
        self.pending = Some(Pending::Stroke(Box::new(stroke)));
    }

    /// Draws on to the given points; nothing if no stroke has begun.
    pub fn extend_stroke(&mut self, points: &[PenPoint]) {
        if let Some(Pending::Stroke(stroke)) = &mut self.pending {
            stroke.extend(points, &mut self.document);
            self.revision += 1;
        }
    }

    /// The pen lifts: the stroke becomes a step. Gives the command that draws it again, or `None`
    /// if no stroke was begun or it changed nothing.
    pub fn end_stroke(&mut self) -> Option<Edit> {
        let pending = self.pending.take_if(|pending| matches!(pending, Pending::Stroke(_)))?;
        let Pending::Stroke(stroke) = pending else { return None };
        let before = stroke.before().clone();
        let edit = stroke.into_edit();
        self.history.record(&before, &self.document, &edit).then_some(edit)
    }

    /// Shows an edit without making it a step; replaces the draft before it.
    pub fn show_draft(&mut self, edit: Edit) -> Result<(), DocumentError> {
        if !matches!(self.pending, Some(Pending::Draft(_))) {
            self.settle();
        }
        self.discard();
        let before = self.document.clone();
        self.document.apply(&edit)?;
        self.pending = Some(Pending::Draft(Box::new(Draft { edit, before })));
        self.revision += 1;
        Ok(())
    }

    /// Makes the draft a step. Gives the command, or `None` if there was none or it changed
    /// nothing.
    pub fn accept_draft(&mut self) -> Option<Edit> {
        let pending = self.pending.take_if(|pending| matches!(pending, Pending::Draft(_)))?;
        let Pending::Draft(draft) = pending else { return None };
        let Draft { edit, before } = *draft;
        self.history.record(&before, &self.document, &edit).then_some(edit)
    }

    /// Drops the stroke or draft that is pending, as if it had never begun.
    pub fn discard(&mut self) {
        let before = match self.pending.take() {
            None => return,
            Some(Pending::Stroke(stroke)) => stroke.before().clone(),
            Some(Pending::Draft(draft)) => draft.before,
        };
        self.document = before;
        self.revision += 1;
    }

    /// Ends what is pending. A stroke was meant, a draft was not yet: strokes are never lost.
    pub fn settle(&mut self) {
        if self.is_drawing() {
            self.end_stroke();
        } else {
            self.discard();
        }
    }
}
