//! Changes of the picture to start from: the model finds its tokens, the user says how many of its
//! scales are kept.

use std::sync::Arc;

use super::{Effect, ImportEffect, open_dialog};
use crate::document::Document;
use crate::imaging::resample::{Filter, Region, resize, to_straight};
use crate::imaging::{RgbaImage, composite};
use crate::params::ControlKind;
use crate::protocol::{Errand, Failure, Stills};
use crate::state::import::ImportPicture;
use crate::state::steering::ErrandFor;
use crate::state::{AppState, Source};
use crate::ui::SourceCommand;

/// Carries out a wish; `now` is the window's time in seconds.
pub(super) fn command(state: &mut AppState, command: SourceCommand, now: f64) -> Option<Effect> {
    match command {
        SourceCommand::UseShown => use_shown(state, now),
        SourceCommand::Choose => {
            let ask = ImportEffect::AskForStart;
            return open_dialog(state).then_some(Effect::Import(ask));
        }
        SourceCommand::Keep(n_scales) => keep(state, n_scales),
        SourceCommand::Remove => {
            if state.starts_from_source() {
                state.steering.kept = None;
            }
            state.source = None;
        }
    }
    None
}

/// Starts from a picture; the model has to look at it first.
pub(super) fn begin(state: &mut AppState, name: String, picture: Arc<RgbaImage>, now: f64) {
    let Some(n_scales) = state.model().map(|model| model.scales.len()) else {
        state.notices.info(now, "The model is still loading; start from the picture in a moment");
        return;
    };
    if picture.pixels().all(|pixel| pixel.0[3] == 0) {
        let text = format!("Nothing can be seen in “{name}”; choose another picture");
        state.notices.warning(text, None);
        return;
    }
    let n_kept = state.source.as_ref().map_or(n_scales / 2, |before| before.n_kept);
    ask(state, Errand::Encode { picture: Arc::clone(&picture) });
    state.source = Some(Source { name, picture, n_kept: n_kept.clamp(1, n_scales), stills: None });
}

/// Has the model look at a source that came with a project, as soon as there is a model.
pub(super) fn look_again(state: &mut AppState) {
    let Some(model) = state.model() else { return };
    let n_ids: Vec<_> = model.n_tokens().collect();
    let is_used = state.starts_from_source();
    let Some(source) = state.source.as_mut().filter(|source| source.prefix().is_none()) else {
        return;
    };
    source.n_kept = source.n_kept.clamp(1, n_ids.len().max(1));
    let fits = |stills: &Stills| stills.ids.iter().map(Vec::len).eq(n_ids.iter().copied());
    let ids = source.stills.as_ref().filter(|stills| fits(stills));
    let errand = if let Some(stills) = ids {
        Errand::Decode { ids: Arc::clone(&stills.ids), lock: None }
    } else {
        // Another model has another view of the picture.
        source.stills = None;
        Errand::Encode { picture: Arc::clone(&source.picture) }
    };
    if is_used && source.stills.is_none() {
        state.steering.kept = None;
    }
    ask(state, errand);
}

/// In place of what was asked about the source before.
fn ask(state: &mut AppState, errand: Errand) {
    let steering = &mut state.steering;
    steering.errands_due.retain(|(purpose, _)| *purpose != ErrandFor::Source);
    // An answer about the picture before it would be taken for one about this.
    steering.errands.retain(|_, purpose| *purpose != ErrandFor::Source);
    steering.errands_due.push_back((ErrandFor::Source, errand));
}

/// A picture file was read for it.
pub(super) fn opened(state: &mut AppState, picture: &ImportPicture, now: f64) {
    let ImportPicture { name, pixels, note, .. } = picture;
    if let Some(note) = note {
        state.notices.info(now, note.clone());
    }
    begin(state, name.clone(), Arc::new(pixels.clone()), now);
}

/// Takes over what the model has found for the source.
pub(super) fn found(state: &mut AppState, outcome: Result<Stills, Failure>) {
    match outcome {
        Ok(stills) => {
            let Some(source) = &mut state.source else { return };
            // What a project told of already is only seen now; nothing else changes.
            if source.stills.replace(stills).is_some() {
                return;
            }
            let n_kept = source.n_kept;
            keep(state, n_kept);
        }
        Err(failure) => {
            let Some(source) = &mut state.source else { return };
            if source.stills.take().is_some() {
                // Ids that a project told cannot be decoded: the picture is still there.
                let errand = Errand::Encode { picture: Arc::clone(&source.picture) };
                return ask(state, errand);
            }
            state.source = None;
            state.notices.error(&failure);
        }
    }
}

/// Keeps so many scales of the source, also for the picture that is drawn now in live mode.
fn keep(state: &mut AppState, n_scales: usize) {
    let Some(n_of_model) = state.model().map(|model| model.scales.len()) else { return };
    let Some(source) = &mut state.source else { return };
    source.n_kept = n_scales.clamp(1, n_of_model);
    if let Some(kept) = source.kept() {
        state.steering.kept = Some(kept);
        state.steering.is_held = false;
        state.scrubbed_to = None;
    }
}

/// Starts from the picture on the canvas, with the colours that were painted over it.
fn use_shown(state: &mut AppState, now: f64) {
    let Some(shown) = state.shown() else {
        state.notices.info(now, "There is no picture yet; Generate draws one");
        return;
    };
    let mut picture = RgbaImage::clone(&shown.still.image);
    let is_painted = lay_colours_over(&mut picture, state.sketch.document());
    let name = if is_painted { "Painted picture" } else { "This picture" };
    begin(state, name.to_owned(), Arc::new(picture), now);
}

/// A square picture in another size, straight alpha.
fn resized(picture: &RgbaImage, side_px: usize) -> RgbaImage {
    let pixels = resize(picture, Region::whole(picture), (side_px, side_px), Filter::Area);
    let bytes = pixels.into_iter().flat_map(to_straight).collect();
    let side = side_px as u32;
    RgbaImage::from_raw(side, side, bytes).expect("four bytes per pixel")
}

/// Whether there were any that can be seen.
fn lay_colours_over(picture: &mut RgbaImage, document: &Document) -> bool {
    let layer = document.layer(ControlKind::Colour);
    let size_px = document.size_px() as u32;
    if !layer.is_visible() || layer.pixels().is_empty() {
        return false;
    }
    let mut bytes = layer.pixels().to_bytes();
    for pixel in bytes.chunks_exact_mut(4) {
        let alpha = u32::from(pixel[3]);
        let straight = |value: u8| match alpha {
            0 => 0,
            _ => ((u32::from(value) * 255 + alpha / 2) / alpha).min(255) as u8,
        };
        for channel in &mut pixel[..3] {
            *channel = straight(*channel);
        }
    }
    let colours = RgbaImage::from_raw(size_px, size_px, bytes);
    let colours = colours.expect("a colour layer has four bytes per pixel");
    // The picture fills the canvas, or lies in its middle.
    let (width, height) = picture.dimensions();
    let side = width.max(height);
    let colours = if side == size_px { colours } else { resized(&colours, side as usize) };
    let edge = |length: u32| (i64::from(length) - i64::from(side)) / 2;
    composite::over(picture, &colours, edge(width), edge(height));
    true
}
