//! Changes that concern pictures on their way into the sketch. What is found in a picture is shown
//! as a draft of the sketch; accepting makes it a step, anything else leaves no trace.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::import_thread::ExtractJob;
use super::{Effect, open_dialog};
use crate::app::inspiring::{InspireJob, InspireSource};
use crate::document::{Edit, LayerImage};
use crate::imaging::polarity::InkTone;
use crate::params::ControlKind;
use crate::state::import::{
    Asked, Found, FoundDrawing, Import, ImportPicture, ImportSettings, ImportTarget, InvertedLines,
    LinesFrom,
};
use crate::state::{AppState, NoticeAction};
use crate::ui::{ImportCommand, SketchCommand};

/// What an import needs beside a change of the state.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app) enum ImportEffect {
    AskForPicture {
        onto: Option<ControlKind>,
    },
    Open {
        path: PathBuf,
        onto: Option<ControlKind>,
        n_files: usize,
    },
    /// Asks for a picture to start from.
    AskForStart,
    OpenStart {
        path: PathBuf,
    },
    /// For a place of *Inspired by* and the size of the model's pictures, or to be asked.
    Paste {
        place: Option<(usize, usize)>,
    },
}

/// Carries out a wish; `now` is the window's time in seconds.
pub(super) fn command(state: &mut AppState, command: ImportCommand, now: f64) -> Option<Effect> {
    match command {
        ImportCommand::Choose { onto } => {
            let ask = ImportEffect::AskForPicture { onto };
            return open_dialog(state).then_some(Effect::Import(ask));
        }
        ImportCommand::Open { paths, onto } => {
            let n_files = paths.len();
            let path = paths.into_iter().next()?;
            return Some(Effect::Import(ImportEffect::Open { path, onto, n_files }));
        }
        ImportCommand::Set(settings) => {
            if let Some(import) = &mut state.imports.open {
                import.settings = *settings;
                import.is_accepted = false;
            }
        }
        ImportCommand::Accept => return accept(state, now),
        ImportCommand::Cancel => cancel(state),
        ImportCommand::TurnOver(id) => turn_over(state, id, now),
    }
    None
}

/// Asks for what is on the clipboard, unless it is being read already.
pub(super) fn paste(state: &mut AppState) -> Option<Effect> {
    paste_for(state, None)
}

/// The same for a place of *Inspired by* and the size of the model's pictures.
pub(super) fn paste_for(state: &mut AppState, place: Option<(usize, usize)>) -> Option<Effect> {
    let is_pasting = std::mem::replace(&mut state.imports.is_pasting, true);
    (!is_pasting).then_some(Effect::Import(ImportEffect::Paste { place }))
}

/// Opens the panel with a picture, instead of the one that is there.
pub(super) fn opened(
    state: &mut AppState,
    picture: Arc<ImportPicture>,
    onto: Option<ControlKind>,
    n_files: usize,
    now: f64,
) {
    cancel(state);
    // One panel at a time.
    state.adding.open = None;
    state.adding.waiting.clear();
    state.adding.is_taking_part = false;
    if n_files > 1 {
        let text = format!("{n_files} files came together; the first, “{}”, is used", picture.name);
        state.notices.info(now, text);
    }
    let layer = state.settings.tools.layer;
    let mut settings = state.imports.settings.unwrap_or(ImportSettings {
        target: ImportTarget::Layer(layer),
        ..ImportSettings::default()
    });
    // What was said of another picture says nothing of this one.
    settings.ink = None;
    if picture.is_likely_drawing {
        settings.lines = LinesFrom::Drawing;
        settings.target = ImportTarget::Layer(ControlKind::Lines);
    } else if settings.lines == LinesFrom::Drawing {
        settings.lines = LinesFrom::default();
    }
    if let Some(kind) = onto {
        settings.target = ImportTarget::Layer(kind);
    }
    state.imports.open = Some(Import::new(picture, settings));
}

/// What to look for now, if that has changed.
pub(in crate::app) fn extraction_due(state: &mut AppState) -> Option<ExtractJob> {
    let size_px = state.sketch.document().size_px();
    let import = state.imports.open.as_ref()?;
    let wanted = import.settings.wanted()?;
    let is_asked = |asked: Asked| (asked.wanted, asked.size_px) == (wanted, size_px);
    if import.asked.is_some_and(is_asked) {
        return None;
    }
    let asked = Asked { serial: state.imports.next_serial(), wanted, size_px };
    let import = state.imports.open.as_mut()?;
    import.asked = Some(asked);
    Some(ExtractJob { asked, picture: Arc::clone(&import.picture) })
}

/// Takes over what was found, unless something else is wanted by now.
pub(in crate::app) fn found(state: &mut AppState, found: Found, now: f64) {
    let Some(import) = &mut state.imports.open else { return };
    if import.asked.is_none_or(|asked| asked.serial != found.serial) {
        return;
    }
    // Accepted blindly: there is nothing to take, so the panel stays and says why.
    import.is_accepted &= found.result.is_ok();
    import.found = Some(found);
    show(state, now);
}

/// Brings the draft in line with what was found. Never while something is being drawn: that would
/// end it.
pub(super) fn show(state: &mut AppState, now: f64) {
    let Some(import) = &state.imports.open else { return };
    let size_px = state.sketch.document().size_px();
    let fits = |image: &&LayerImage| image.size_px() == size_px;
    let wanted = import.layer().map(|layer| &layer.image).filter(fits).cloned();
    let is_ready = import.is_accepted && !import.is_working();
    if is_drawing_other(state) {
        return;
    }
    match (wanted, state.sketch.draft()) {
        (Some(image), Some(Edit::Import(shown))) if *shown == image => {}
        (Some(image), _) => {
            state.sketch.show_draft(Edit::Import(image)).expect("it has the size of the sketch");
        }
        (None, Some(_)) => state.sketch.discard(),
        (None, None) => {}
    }
    if is_ready && state.sketch.draft().is_some() {
        finish(state, now);
    }
}

/// Carries out a wish that concerns the sketch, around the panel: what is on show when the pen
/// touches down is kept, for that is what the user draws on. A stroke or shape that is dropped (two
/// fingers meant to zoom) never was, so the panel comes back.
pub(super) fn sketch_command(state: &mut AppState, command: SketchCommand, now: f64) {
    let is_on_show =
        state.imports.open.is_some() && matches!(state.sketch.draft(), Some(Edit::Import(_)));
    let begins = match command {
        SketchCommand::BeginStroke(_) | SketchCommand::BeginErasing(_) => {
            state.settings.tools.tool.is_brush()
        }
        SketchCommand::ShowShape { .. } | SketchCommand::Fill(_) => true,
        _ => false,
    };
    let ends_shape = matches!(command, SketchCommand::DrawShape | SketchCommand::Abandon);
    if is_on_show && ends_shape {
        // They mean a shape; this draft is none.
        return;
    }
    if is_on_show && begins {
        let layer = state.settings.tools.layer;
        let import = state.imports.open.clone();
        let is_step = finish(state, now);
        state.imports.interrupted = import.map(|import| (import, is_step));
        // The pen goes on where it was.
        state.settings.tools.layer = layer;
    }
    let is_dropped = matches!(command, SketchCommand::Abandon);
    let ends = matches!(
        command,
        SketchCommand::EndStroke | SketchCommand::DrawShape | SketchCommand::Fill(_)
    );
    super::sketch::command(state, command, now);
    if ends {
        state.imports.interrupted = None;
    }
    if is_dropped && let Some((import, is_step)) = state.imports.interrupted.take() {
        if is_step {
            state.sketch.undo();
        }
        if let Some(inverted) = state.imports.inverted.take() {
            state.notices.dismiss_action(&NoticeAction::TurnOver(inverted.id));
        }
        state.imports.open = Some(import);
    }
}

/// Puts the picture away and leaves the sketch as it was.
pub(super) fn cancel(state: &mut AppState) {
    if state.imports.open.take().is_some() && matches!(state.sketch.draft(), Some(Edit::Import(_)))
    {
        state.sketch.discard();
    }
}

fn accept(state: &mut AppState, now: f64) -> Option<Effect> {
    let image_size_px = state.model().map(|model| model.image_size_px);
    let import = state.imports.open.as_mut()?;
    let slot_idx = match import.settings.target {
        ImportTarget::Layer(_) => {
            import.is_accepted = true;
            return None;
        }
        ImportTarget::Start => {
            let import = state.imports.open.take()?;
            state.imports.settings = Some(import.settings);
            super::source::opened(state, &import.picture, now);
            return None;
        }
        ImportTarget::Inspiration { slot_idx } => slot_idx,
    };
    let Some(size_px) = image_size_px else {
        state.notices.info(now, "The model is still loading; accept the picture in a moment");
        return None;
    };
    let import = state.imports.open.take()?;
    state.imports.settings = Some(import.settings);
    let source = InspireSource::Picture(import.picture);
    Some(Effect::Inspire(vec![InspireJob { slot_idx: Some(slot_idx), source, size_px }]))
}

/// Makes the draft a step and closes the panel. Says whether that changed the sketch.
fn finish(state: &mut AppState, now: f64) -> bool {
    let Some(import) = state.imports.open.take() else { return false };
    let taken = match state.sketch.draft() {
        Some(Edit::Import(image)) => image.clone(),
        _ => return false,
    };
    let is_step = state.sketch.accept_draft().is_some();
    state.settings.tools.layer = taken.kind();
    state.settings.tools.paints_strength = false;
    let is_left_to_us = import.settings.ink.is_none();
    let drawing = import.layer().and_then(|layer| layer.drawing.clone());
    state.imports.settings = Some(import.settings);
    if let Some(FoundDrawing { polarity, turned_over }) = drawing.filter(|_| is_left_to_us)
        && let Some(note) = polarity.note()
    {
        offer_to_turn_over(state, taken, turned_over, note, now);
    }
    is_step
}

/// `light` is the drawing with its light parts as ink, `dark` with the dark ones.
fn offer_to_turn_over(
    state: &mut AppState,
    light: LayerImage,
    dark: LayerImage,
    note: &str,
    now: f64,
) {
    let id = state.imports.next_serial();
    state.imports.inverted = Some(InvertedLines { id, light, dark });
    state.notices.undoable(now, note, NoticeAction::TurnOver(id));
}

fn turn_over(state: &mut AppState, id: u64, now: f64) {
    state.notices.dismiss_action(&NoticeAction::TurnOver(id));
    let is_meant = |inverted: &mut InvertedLines| inverted.id == id;
    let Some(InvertedLines { light, dark, .. }) = state.imports.inverted.take_if(is_meant) else {
        return;
    };
    let layer = state.sketch.document().layer(ControlKind::Lines).pixels().to_bytes();
    let (image, ink) = if layer == light.bytes() {
        (dark.clone(), InkTone::Dark)
    } else if layer == dark.bytes() {
        (light.clone(), InkTone::Light)
    } else {
        let text = "The lines have changed since; import the picture again and choose its ink";
        state.notices.info(now, text);
        return;
    };
    state.sketch.apply(&Edit::Import(image)).expect("it had the size of the sketch before");
    let note = match ink {
        InkTone::Dark => "Not inverted: the dark parts are lines now",
        InkTone::Light => "Inverted: the light parts are lines now",
    };
    offer_to_turn_over(state, light, dark, note, now);
}

/// Whether the pen is down or a shape is being drawn.
fn is_drawing_other(state: &AppState) -> bool {
    let draft = state.sketch.draft();
    state.sketch.is_drawing() || draft.is_some_and(|draft| !matches!(draft, Edit::Import(_)))
}
