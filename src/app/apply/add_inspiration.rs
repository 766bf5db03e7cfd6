//! Changes that concern pictures on their way into *Inspired by*. What stands on a transparent
//! ground, or is a picture of ours, goes straight in; for others the panel opens. Whatever goes in
//! is one step that can be taken back.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Effect, import, inspired, sheet, timeline};
use crate::app::inspiring::{CutJob, InspireJob, InspireSource};
use crate::imaging::cutout::is_cut_out;
use crate::imaging::metadata::PictureRecord;
use crate::protocol::{self, Inspiration, RememberedPicture};
use crate::state::add_inspiration::{
    AddSettings, Adding, CanvasPart, Cut, CutAsked, CutFound, CutViews, Offer, Replaced,
    caption_of, remembered,
};
use crate::state::import::ImportPicture;
use crate::state::{AppState, NO_MEMORY, NodeId, NoticeAction, Slot};
use crate::ui::{Action, AddInspirationCommand, InspiredCommand, SketchCommand, UiCommand};

/// Carries out a wish; `now` is the window's time in seconds.
pub(super) fn command(
    state: &mut AppState,
    command: AddInspirationCommand,
    now: f64,
) -> Option<Effect> {
    match command {
        AddInspirationCommand::Open { slot_idx, paths } => {
            return open_files(state, slot_idx, paths, now);
        }
        AddInspirationCommand::Paste { slot_idx } => {
            let size_px = size_px(state, now)?;
            return import::paste_for(state, Some((slot_idx, size_px)));
        }
        AddInspirationCommand::MoreLikeFile(path) => {
            let size_px = size_px(state, now)?;
            state.gallery.is_open = false;
            return Some(inspire(None, InspireSource::File(path), size_px));
        }
        AddInspirationCommand::MoreLikeNode(node) => return more_like_node(state, node, now),
        AddInspirationCommand::TakePart(is_taking) => {
            if is_taking && state.shown().is_none() {
                let text = "There is no picture to take a part of yet; Generate draws one";
                state.notices.info(now, text);
                return None;
            }
            state.adding.is_taking_part = is_taking;
        }
        AddInspirationCommand::UsePart(part) => return use_part(state, part, now),
        AddInspirationCommand::Set(settings) => {
            if let Some(adding) = &mut state.adding.open {
                adding.settings = *settings;
                adding.is_accepted = false;
            }
        }
        AddInspirationCommand::Accept => {
            size_px(state, now)?;
            state.adding.open.as_mut()?.is_accepted = true;
            return finish(state, now);
        }
        AddInspirationCommand::Cancel => {
            state.adding.open = None;
            return open_next(state);
        }
        AddInspirationCommand::Restore(serial) => return restore(state, serial, now),
    }
    None
}

/// Whether the user turns to something else than the part of the canvas to take.
pub(super) fn ends_part(command: &UiCommand) -> bool {
    matches!(
        command,
        UiCommand::Run(
            Action::BrushTool
                | Action::EraserTool
                | Action::AirbrushTool
                | Action::ShapeTool
                | Action::FillTool
                | Action::PickerTool
                | Action::LockTool
                | Action::PanTool
                | Action::ToggleGallery
                | Action::ContactSheet
        ) | UiCommand::Sketch(SketchCommand::SetTools(_) | SketchCommand::BeginStroke(_))
    )
}

/// Takes over a picture that was read.
pub(super) fn offered(state: &mut AppState, offer: Offer, now: f64) -> Option<Effect> {
    if let Some(note) = &offer.picture.note {
        state.notices.info(now, note.clone());
    }
    let slot_idx = offer.slot_idx;
    if let Some(record) = offer.record.as_deref()
        && let Some(picture) = of_kept(state, record, &offer.picture.name)
    {
        show_at_once(state, &picture, &offer.picture);
        return put_remembered(state, slot_idx, picture, now);
    }
    let size_px = size_px(state, now)?;
    if offer.look.is_cut_out && offer.look.size_px == size_px {
        let name = offer.picture.name.clone();
        let pixels = offer.look.views.after;
        return put(state, slot_idx, Inspiration::Picture { name, pixels }, now);
    }
    state.adding.waiting.push_back(offer);
    if state.adding.open.is_none() { open_next(state) } else { None }
}

/// A picture file that was opened for something else becomes an inspiration.
pub(super) fn of_opened(
    state: &mut AppState,
    record: Option<&PictureRecord>,
    picture: Arc<ImportPicture>,
    now: f64,
) -> Option<Effect> {
    if let Some(record) = record
        && let Some(remembered) = of_kept(state, record, &picture.name)
    {
        show_at_once(state, &remembered, &picture);
        return put_remembered(state, None, remembered, now);
    }
    let size_px = size_px(state, now)?;
    Some(inspire(None, InspireSource::Picture(picture), size_px))
}

/// What to look for now, if that has changed.
pub(in crate::app) fn cutout_due(state: &mut AppState) -> Option<CutJob> {
    let size_px = state.model()?.image_size_px;
    let adding = state.adding.open.as_ref()?;
    let cut = adding.settings.cut;
    if adding.asked.is_some_and(|asked| (asked.cut, asked.size_px) == (cut, size_px)) {
        return None;
    }
    let asked = CutAsked { serial: state.adding.next_serial(), cut, size_px };
    let adding = state.adding.open.as_mut()?;
    adding.asked = Some(asked);
    Some(CutJob { asked, picture: Arc::clone(&adding.picture) })
}

/// Takes over what was found, unless something else is wanted by now.
pub(in crate::app) fn cutout_found(
    state: &mut AppState,
    found: CutFound,
    now: f64,
) -> Option<Effect> {
    let adding = state.adding.open.as_mut()?;
    if adding.asked.is_none_or(|asked| asked.serial != found.serial) {
        return None;
    }
    // Accepted blindly: there is nothing to take, so the panel stays and says why.
    adding.is_accepted &= found.result.is_ok();
    adding.found = Some(found);
    finish(state, now)
}

/// Puts a picture into a place of *Inspired by*, as a step that can be taken back. Without a place
/// the first free one is taken, unless the picture is in one already.
pub(super) fn put(
    state: &mut AppState,
    slot_idx: Option<usize>,
    inspiration: Inspiration,
    now: f64,
) -> Option<Effect> {
    let is_there = |slot: &Slot| slot.chosen.as_ref().is_some_and(|c| is_same(c, &inspiration));
    if slot_idx.is_none()
        && let Some(place) = state.slots.iter().position(is_there)
    {
        let text = format!("This picture is in place {} already", place + 1);
        state.notices.info(now, text);
        return None;
    }
    let slot_idx = slot_idx.unwrap_or_else(|| state.free_slot());
    let before = state.slots.get(slot_idx)?.chosen.clone();
    let drawn = inspired::put(state, slot_idx, inspiration.clone())?;
    let caption = caption_of(state.slots[slot_idx].caption().unwrap_or_default());
    let headline = if caption.is_empty() {
        format!("The picture is in place {} now", slot_idx + 1)
    } else {
        format!("“{caption}” is in place {} now", slot_idx + 1)
    };
    take_back_offers(state, slot_idx);
    let serial = state.adding.next_serial();
    let step = state.timeline.top();
    let project = state.project.serial;
    state.adding.remember(Replaced { serial, slot_idx, before, after: inspiration, step, project });
    state.notices.undoable(now, headline, NoticeAction::RestoreInspiration(serial));
    Some(drawn)
}

/// What was in a place before last is not offered any more: Undo still has it.
fn take_back_offers(state: &mut AppState, slot_idx: usize) {
    for serial in state.adding.forget_place(slot_idx) {
        state.notices.dismiss_action(&NoticeAction::RestoreInspiration(serial));
    }
}

/// Whether the model sees the same in both.
fn is_same(a: &Inspiration, b: &Inspiration) -> bool {
    match (a, b) {
        (Inspiration::Remembered(a), Inspiration::Remembered(b)) => a.ids == b.ids,
        (Inspiration::Picture { pixels: a, .. }, Inspiration::Picture { pixels: b, .. }) => a == b,
        _ => a == b,
    }
}

fn put_remembered(
    state: &mut AppState,
    slot_idx: Option<usize>,
    picture: RememberedPicture,
    now: f64,
) -> Option<Effect> {
    put(state, slot_idx, Inspiration::Remembered(Arc::new(picture)), now)
}

/// Brings back what was in a place before.
fn restore(state: &mut AppState, serial: u64, now: f64) -> Option<Effect> {
    state.notices.dismiss_action(&NoticeAction::RestoreInspiration(serial));
    let replaced = state.adding.take_replaced(serial)?;
    if replaced.project != state.project.serial {
        state.notices.info(now, "Another project is open now");
        return None;
    }
    timeline::settle(state);
    if state.timeline.top() == replaced.step {
        // Nothing came in between: the picture of before comes back as well.
        return timeline::undo(state);
    }
    let Replaced { slot_idx, before, after, .. } = replaced;
    if state.slots.get(slot_idx)?.chosen.as_ref() != Some(&after) {
        state.notices.info(now, format!("Place {} has changed since", slot_idx + 1));
        return None;
    }
    match before {
        Some(before) => inspired::put(state, slot_idx, before),
        None => inspired::command(state, InspiredCommand::Release(slot_idx), now),
    }
}

fn open_files(
    state: &mut AppState,
    slot_idx: usize,
    paths: Vec<PathBuf>,
    now: f64,
) -> Option<Effect> {
    let size_px = size_px(state, now)?;
    let (n_files, n_places) = (paths.len(), state.slots.len().saturating_sub(slot_idx));
    if n_files > n_places {
        let used = if n_places == 1 { "the first is used" } else { "the first ones are used" };
        state.notices.info(now, format!("{n_files} files came together; {used}"));
    }
    let job = |(slot_idx, path)| InspireJob {
        slot_idx: Some(slot_idx),
        source: InspireSource::File(path),
        size_px,
    };
    Some(Effect::Inspire((slot_idx..state.slots.len()).zip(paths).map(job).collect()))
}

fn more_like_node(state: &mut AppState, id: NodeId, now: f64) -> Option<Effect> {
    let size_px = size_px(state, now)?;
    let node = state.branches.get(id)?.clone();
    state.gallery.is_open = false;
    let prompt = &node.about.recipe.prompt;
    let name = if prompt.trim().is_empty() { "A picture of yours" } else { prompt };
    if let Some(picture) = remembered(&node.ids, state.model()?, name, "Your pictures") {
        if !node.is_reduced {
            state.thumbnails.insert(picture.entry, Arc::clone(&node.picture));
        }
        return put_remembered(state, None, picture, now);
    }
    let pixels = Arc::clone(&node.picture);
    let is_cut_out = is_cut_out(&pixels);
    let source = InspireSource::Pixels { name: caption_of(name), pixels, is_cut_out };
    Some(inspire(None, source, size_px))
}

/// Takes the picture on the canvas, or a part of it.
fn use_part(state: &mut AppState, part: Option<CanvasPart>, now: f64) -> Option<Effect> {
    state.adding.is_taking_part = false;
    let size_px = size_px(state, now)?;
    let shown = state.shown()?;
    let image = Arc::clone(&shown.still.image);
    let prompt = caption_of(&shown.job.request.prompt);
    let is_final = shown.scale_idx + 1 == shown.job.stills.len();
    let ids = shown.job.first_ids().filter(|_| is_final).cloned();
    let is_cut_out = is_cut_out(&image);
    let Some(part) = part.filter(CanvasPart::is_meant) else {
        let name = if prompt.is_empty() { "The picture on the canvas".to_owned() } else { prompt };
        let model = state.model()?;
        let whole = ids.and_then(|ids| remembered(&ids, model, &name, "Your pictures"));
        if let Some(picture) = whole {
            state.thumbnails.insert(picture.entry, image);
            return put_remembered(state, None, picture, now);
        }
        let source = InspireSource::Pixels { name, pixels: image, is_cut_out };
        return Some(inspire(None, source, size_px));
    };
    let canvas_px = state.sketch.document().size_px();
    let pixels =
        part.in_picture(canvas_px, image.dimensions()).map(|[left, top, width, height]| {
            image::imageops::crop_imm(image.as_ref(), left, top, width, height).to_image()
        });
    let Some(pixels) = pixels.filter(|pixels| pixels.pixels().any(|pixel| pixel.0[3] > 8)) else {
        let text = "There is nothing to see in this part; drag over another one";
        state.notices.info(now, text);
        state.adding.is_taking_part = true;
        return None;
    };
    let name = if prompt.is_empty() { "the picture" } else { &prompt };
    let source = InspireSource::Pixels {
        name: format!("Part of {name}"),
        pixels: Arc::new(pixels),
        is_cut_out,
    };
    Some(inspire(None, source, size_px))
}

/// Opens the panel with the next picture that waits for it.
fn open_next(state: &mut AppState) -> Option<Effect> {
    let offer = state.adding.waiting.pop_front()?;
    import::cancel(state);
    state.export = None;
    state.candidates = None;
    state.gallery.is_open = false;
    state.adding.is_taking_part = false;
    let effect = sheet::close(state);
    let Offer { slot_idx, picture, look, .. } = offer;
    let cut = Cut { removes_background: look.is_convincing, ..Cut::default() };
    let slot_idx = slot_idx.unwrap_or_else(|| state.free_slot());
    let settings = AddSettings { slot_idx, name: picture.name.clone(), cut };
    let serial = state.adding.next_serial();
    let asked = Some(CutAsked { serial, cut, size_px: look.size_px });
    let found = Some(CutFound { serial, result: Ok(look.views) });
    let adding = Adding { picture, settings, asked, found, is_accepted: false };
    state.adding.open = Some(adding);
    effect
}

/// Puts the picture in, once it is accepted and as its newest settings want it.
fn finish(state: &mut AppState, now: f64) -> Option<Effect> {
    let size_px = state.model()?.image_size_px;
    let adding = state.adding.open.as_ref()?;
    let is_ready = adding.is_accepted
        && !adding.is_working()
        && adding
            .asked
            .is_some_and(|asked| (asked.cut, asked.size_px) == (adding.settings.cut, size_px));
    let found = adding.found.as_ref().filter(|_| is_ready)?;
    let CutViews { after, .. } = found.result.as_ref().ok()?.clone();
    let adding = state.adding.open.take()?;
    let AddSettings { slot_idx, name, .. } = adding.settings;
    let name = if name.trim().is_empty() { adding.picture.name.clone() } else { caption_of(&name) };
    let drawn = put(state, Some(slot_idx), Inspiration::Picture { name, pixels: after }, now);
    open_next(state);
    drawn
}

/// A picture of this model, whole.
fn of_kept(state: &AppState, record: &PictureRecord, file: &str) -> Option<RememberedPicture> {
    let model = state.model()?;
    let kept = protocol::Kept::from_record(record, model).ok()?;
    let caption = if record.prompt.trim().is_empty() { file } else { &record.prompt };
    remembered(&kept.ids, model, caption, file)
}

/// Until the model tells what it looks like.
fn show_at_once(state: &mut AppState, picture: &RememberedPicture, file: &ImportPicture) {
    let thumbnail = Arc::clone(&file.thumbnail);
    state.thumbnails.entry(picture.entry).or_insert(thumbnail);
}

fn inspire(slot_idx: Option<usize>, source: InspireSource, size_px: usize) -> Effect {
    Effect::Inspire(vec![InspireJob { slot_idx, source, size_px }])
}

/// Of the model's pictures; says so if there is no model yet, or one that looks at no pictures.
fn size_px(state: &mut AppState, now: f64) -> Option<usize> {
    let text = match state.model() {
        Some(model) if model.n_memory_slots > 0 => return Some(model.image_size_px),
        Some(_) => NO_MEMORY,
        None => "The model is still loading; add the picture again in a moment",
    };
    state.notices.info(now, text);
    None
}
