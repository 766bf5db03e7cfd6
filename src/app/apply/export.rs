//! Changes that concern files of finished pictures: saved at once, or exported from the panel.

use std::path::PathBuf;
use std::sync::Arc;

use super::super::keeping::{Place, SaveJob};
use super::{Effect, nodes, open_dialog};
use crate::imaging::RgbaImage;
use crate::state::export::{Export, ExportFormat, Traced, Tracing};
use crate::state::keepsake::Keepsake;
use crate::state::{AppState, NodeId, prompt};
use crate::ui::ExportCommand;

/// What a file needs beside a change of the state.
#[derive(Debug, PartialEq)]
pub(in crate::app) enum ExportEffect {
    /// Among the user's pictures, without asking.
    SaveAtOnce(Box<Keepsake>),
    Write(Box<SaveJob>),
    /// Ask for a place, or use the one from the command line.
    AskWhere {
        keepsake: Box<Keepsake>,
        stem: String,
    },
    /// Find the shapes of a picture.
    Trace {
        serial: u64,
        picture: Arc<RgbaImage>,
    },
    /// Show a file in the system's file manager.
    Reveal(PathBuf),
}

/// Carries out a wish.
pub(super) fn command(state: &mut AppState, command: ExportCommand) -> Option<Effect> {
    match command {
        ExportCommand::Set(settings) => {
            state.settings.export = settings.checked();
            return trace_due(state);
        }
        ExportCommand::Accept => return accept(state),
        ExportCommand::Cancel => state.export = None,
        ExportCommand::ShowInFolder(path) => {
            return Some(Effect::Export(ExportEffect::Reveal(path)));
        }
    }
    None
}

/// Saves what is on the canvas without asking for a place.
pub(super) fn save_at_once(state: &AppState) -> Option<Effect> {
    let keepsake = Box::new(state.keepsake()?);
    Some(Effect::Export(ExportEffect::SaveAtOnce(keepsake)))
}

/// Saves a picture of the tree without asking for a place; what was made small to save memory is
/// decoded first.
pub(super) fn save_node(state: &mut AppState, id: NodeId, now: f64) -> Option<Effect> {
    let node = state.branches.get(id)?.clone();
    let Some(keepsake) = state.keepsake_of(&node) else {
        state.notices.info(now, "The model is still loading; save the picture again in a moment");
        return None;
    };
    let saving = &mut state.gallery.saving;
    if node.is_reduced {
        if !saving.contains(&id) {
            saving.push(id);
            nodes::decode(state, &node);
        }
        return None;
    }
    saving.retain(|other| *other != id);
    Some(Effect::Export(ExportEffect::SaveAtOnce(Box::new(keepsake))))
}

/// Saves what is on the canvas exactly there, in the format that the name asks for.
pub(super) fn save_to(state: &AppState, path: PathBuf) -> Option<Effect> {
    let settings = state.settings.export.at_once().for_path(&path);
    let job = SaveJob { keepsake: state.keepsake()?, settings, place: Place::Exactly(path) };
    Some(Effect::Export(ExportEffect::Write(Box::new(job))))
}

/// Opens the panel with what is on the canvas, or closes it.
pub(super) fn open(state: &mut AppState) -> Option<Effect> {
    if state.export.take().is_some() {
        return None;
    }
    let keepsake = state.keepsake()?;
    let serial = state.next_serial();
    state.notices.dismiss_done();
    state.export = Some(Export { keepsake, serial, tracing: Tracing::default() });
    trace_due(state)
}

/// Takes over the shapes of a picture, unless the panel shows another by now.
pub(super) fn traced(state: &mut AppState, serial: u64, traced: Result<Traced, String>) {
    if let Some(export) = state.export.as_mut().filter(|export| export.serial == serial) {
        export.tracing = match traced {
            Ok(traced) => Tracing::Done(traced),
            Err(problem) => Tracing::Failed(problem),
        };
    }
}

/// Shapes are looked for once they are wanted.
fn trace_due(state: &mut AppState) -> Option<Effect> {
    let is_wanted = state.settings.export.format == ExportFormat::Svg;
    let export = state.export.as_mut().filter(|_| is_wanted)?;
    if !matches!(export.tracing, Tracing::NotAsked) {
        return None;
    }
    export.tracing = Tracing::Waiting;
    let picture = Arc::clone(&export.keepsake.picture);
    Some(Effect::Export(ExportEffect::Trace { serial: export.serial, picture }))
}

fn accept(state: &mut AppState) -> Option<Effect> {
    if state.export.is_none() || !open_dialog(state) {
        return None;
    }
    let keepsake = Box::new(state.export.take()?.keepsake);
    let stem = format!("{}-{}", prompt::slug(&keepsake.prompt), keepsake.seed);
    Some(Effect::Export(ExportEffect::AskWhere { keepsake, stem }))
}
