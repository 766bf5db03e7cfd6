//! Changes that concern picture files which tell how their picture was made. A file of ours becomes
//! a node of the branch tree: decoded from its tokens, never drawn again.

use std::sync::Arc;

use super::{Effect, add_inspiration, import, nodes, remembered, sheet, timeline};
use crate::document::{Document, Edit, LayerImage, Plane};
use crate::imaging::RgbaImage;
use crate::imaging::metadata::{PictureRecord, Recalled};
use crate::params::Sampling;
use crate::protocol::{self, Anchor, EntryId, InspiredBy, JobId, ModelInfo, Timings};
use crate::state::branches::About;
use crate::state::opened::{OpenChoice, Opened};
use crate::state::{
    AppState, Banned, Engine, Job, Made, NewNode, Order, Origin, Phase, Recipe, Still,
};
use crate::ui::OpenCommand;

/// Carries out a wish; `now` is the window's time in seconds.
pub(super) fn command(state: &mut AppState, command: OpenCommand, now: f64) -> Option<Effect> {
    match command {
        OpenCommand::Choose(choice) => {
            state.opened.as_mut()?.choice = Some(choice);
            return due(state, now);
        }
        OpenCommand::Cancel => state.opened = None,
    }
    None
}

/// Takes over a file that was read. It waits on a card if nobody has said yet what to do with it.
pub(super) fn opened(state: &mut AppState, opened: Opened, now: f64) -> Option<Effect> {
    import::cancel(state);
    state.export = None;
    let cancel = sheet::close(state);
    state.notices.dismiss_done();
    state.opened = Some(opened);
    due(state, now).or(cancel)
}

/// Does what was chosen, as soon as the model is there that it needs.
pub(in crate::app) fn due(state: &mut AppState, now: f64) -> Option<Effect> {
    let choice = state.opened.as_ref()?.choice?;
    let needs_model = matches!(choice, OpenChoice::Everything | OpenChoice::Inspiration);
    if needs_model && matches!(state.engine, Engine::Loading) {
        return None;
    }
    let opened = state.opened.take()?;
    match choice {
        OpenChoice::Everything => match opened.record.clone() {
            Some(record) => restore(state, &opened, &record, now),
            None => take_settings(state, &opened, now),
        },
        OpenChoice::Settings => take_settings(state, &opened, now),
        OpenChoice::Control => {
            import::opened(state, opened.picture?, None, 1, now);
            None
        }
        OpenChoice::Inspiration => {
            add_inspiration::of_opened(state, opened.record.as_deref(), opened.picture?, now)
        }
    }
}

/// Brings a picture of ours back, with all that its file holds.
fn restore(
    state: &mut AppState,
    opened: &Opened,
    record: &Arc<PictureRecord>,
    now: f64,
) -> Option<Effect> {
    let mut lost = opened.recalled.ignored.clone();
    let inspirations = remembered::of_record(state, opened, record, &mut lost);
    let missing = inspirations.missing;
    let made = Made {
        recipe: recipe_of(state, record),
        banned: banned_of(state, record),
        chosen: inspirations.chosen,
        sketch: sketch_of(state, opened, record, &mut lost),
    };
    let name = opened.name();
    let kept = match state.model() {
        Some(model) => protocol::Kept::from_record(record, model).map_err(|e| e.to_string()),
        None => Err("there is no model to decode the picture with".to_owned()),
    };
    let effect = match kept {
        Ok(kept) => {
            let new = node_of(state, opened, record, kept, made)?;
            let effect = nodes::add(state, new, "opening");
            tell(state, format!("Opened “{name}” with everything that made it"), &lost, now);
            effect
        }
        Err(reason) => {
            let effect = show_pixels(state, opened, record, made);
            let headline = format!("Settings restored, the picture stays as it is: {reason}");
            state.notices.warning(headline, joined(&lost));
            effect
        }
    };
    remembered::tell_missing(state, &missing, now);
    state.settings.remember_prompt();
    effect
}

/// Takes prompt, seed and settings; picture and sketch stay.
fn take_settings(state: &mut AppState, opened: &Opened, now: f64) -> Option<Effect> {
    let mut lost = opened.recalled.ignored.clone();
    if let Some(record) = &opened.record {
        state.settings.recipe = recipe_of(state, record);
        state.settings.banned = banned_of(state, record);
        tell(state, format!("Prompt and settings of “{}”", opened.name()), &lost, now);
    } else {
        let recalled = &opened.recalled;
        take_foreign(state, recalled, &mut lost);
        tell(state, foreign_headline(recalled), &lost, now);
    }
    state.recall = None;
    state.timeline.is_setting_changed = true;
    state.settings.remember_prompt();
    None
}

/// As far as another application's settings mean the same here.
fn take_foreign(state: &mut AppState, recalled: &Recalled, lost: &mut Vec<String>) {
    let sampling = state.sampling();
    let recipe = &mut state.settings.recipe;
    recipe.prompt.clone_from(&recalled.prompt);
    recipe.negative.clone_from(&recalled.negative);
    recipe.seed = recalled.seed.unwrap_or(recipe.seed);
    if let Some(guidance) = recalled.cfg {
        recipe.sampling = Some(Sampling { guidance: guidance as f32, ..sampling }.clamped());
    }
    let size = recalled.size_px.map(|(width, height)| format!("{width}×{height}"));
    let others = [
        ("steps", recalled.steps.map(|steps| steps.to_string())),
        ("sampler", recalled.sampler.clone()),
        ("size", size),
        ("model", recalled.model.clone()),
        ("model hash", recalled.model_hash.clone()),
    ];
    let told = others.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?)));
    lost.splice(0..0, told);
}

/// What was taken, and of whose picture.
fn foreign_headline(recalled: &Recalled) -> String {
    let mut taken = vec!["prompt"];
    if !recalled.negative.is_empty() {
        taken.push("what to avoid");
    }
    if recalled.seed.is_some() {
        taken.push("seed");
    }
    if recalled.cfg.is_some() {
        taken.push("guidance");
    }
    let last = taken.pop().unwrap_or_default();
    let list =
        if taken.is_empty() { last.to_owned() } else { format!("{} and {last}", taken.join(", ")) };
    let list = list[..1].to_uppercase() + &list[1..];
    format!("{list} taken from a picture of {}", recalled.app)
}

fn tell(state: &mut AppState, headline: String, lost: &[String], now: f64) {
    if lost.is_empty() {
        state.notices.done(now, headline, None);
    } else {
        let n_lost = lost.len();
        let things = if n_lost == 1 { "1 thing".to_owned() } else { format!("{n_lost} things") };
        let headline = format!("{headline}; {things} in the file could not be used");
        state.notices.told(now, headline, joined(lost));
    }
}

fn joined(lost: &[String]) -> Option<String> {
    (!lost.is_empty()).then(|| format!("Not used: {}", lost.join("; ")))
}

fn recipe_of(state: &AppState, record: &PictureRecord) -> Recipe {
    let of_model = state.model().map(|model| model.sampling);
    let sampling = record.sampling.clamped();
    let strength = record.memory.reference_strength;
    Recipe {
        prompt: record.prompt.clone(),
        negative: record.negative.clone(),
        seed: record.seeds.last().copied().unwrap_or(state.settings.recipe.seed),
        // A habit of the user's, no part of the picture.
        new_seed_each_time: state.settings.recipe.new_seed_each_time,
        sampling: (of_model != Some(sampling)).then_some(sampling),
        memory_on: record.memory.retrieval,
        reference_strength: if strength.is_finite() { strength.clamp(0.0, 2.0) } else { 1.0 },
        closed_slots: record.memory.closed_slots.clone(),
    }
    .checked()
}

/// Captions are not in the file, so that of a ban which is known here is taken.
fn banned_of(state: &AppState, record: &PictureRecord) -> Vec<Banned> {
    let known = |entry: EntryId| {
        let banned = state.settings.banned.iter().find(|banned| banned.entry == entry);
        banned.map_or_else(|| format!("Picture {:x}", entry.0), |banned| banned.caption.clone())
    };
    let entries = record.memory.banned.iter().filter_map(|text| entry_of(text));
    entries.map(|entry| Banned { entry, caption: known(entry) }).collect()
}

fn entry_of(text: &str) -> Option<EntryId> {
    u64::from_str_radix(text, 16).ok().map(EntryId)
}

/// The control layers of the picture; one that is not in the file but on the canvas stays.
fn sketch_of(
    state: &mut AppState,
    opened: &Opened,
    record: &PictureRecord,
    lost: &mut Vec<String>,
) -> Document {
    let present = state.request().controls;
    let size_px = state.sketch.document().size_px();
    let mut sketch = Document::new(size_px).expect("a sketch of this size is open");
    for (control, found) in record.controls.iter().zip(&opened.controls) {
        let same = present.iter().find(|present| control.is_map_of(present));
        let map = match (found, same) {
            (_, Some(present)) => &present.map,
            (Ok(found), None) => &found.map,
            (Err(problem), None) => {
                lost.push(problem.clone());
                continue;
            }
        };
        if map.size_px() != size_px {
            let kind = control.kind.name();
            lost.push(format!("the {kind} map, which is not {size_px} pixels wide"));
            continue;
        }
        let strength =
            Edit::SetStrength { layer: control.kind, strength: control.strength.clone() };
        for edit in [Edit::Import(LayerImage::from_map(map)), strength] {
            sketch.apply(&edit).expect("the map has the size of the sketch");
        }
        if let Some(cells) = &control.strength_map
            && let Some(bytes) = weakening(cells, size_px)
        {
            sketch
                .restore_plane(Plane::Strength(control.kind), &bytes)
                .expect("one byte per pixel of the sketch");
        }
    }
    if let Some(lock) = &record.lock {
        let is_turned = state.settings.tools.regenerates_painted;
        let painted = |level: u8| if is_turned { u8::MAX - level } else { level };
        match lock.coverage() {
            Ok((side, coverage)) if side == size_px => {
                let bytes: Vec<u8> = coverage.into_iter().map(painted).collect();
                sketch.restore_plane(Plane::Lock, &bytes).expect("it has the size of the sketch");
            }
            _ => lost.push("what was locked".to_owned()),
        }
    }
    sketch
}

/// Painted strength of which the cells have the given means, to the last bit: what is too much for
/// all pixels of a cell alike goes to its first ones.
fn weakening(cells: &[f32], size_px: usize) -> Option<Vec<u8>> {
    let n_cells = cells.len().isqrt();
    if n_cells == 0 || n_cells * n_cells != cells.len() || size_px < n_cells {
        return None;
    }
    let mut bytes = vec![0; size_px * size_px];
    let span = |cell: usize| cell * size_px / n_cells..(cell + 1) * size_px / n_cells;
    for (cell, factor) in cells.iter().enumerate() {
        let (rows, columns) = (span(cell / n_cells), span(cell % n_cells));
        let n_pixels = rows.len() * columns.len();
        let missing = (1.0 - f64::from(factor.clamp(0.0, 1.0))) * (255 * n_pixels) as f64;
        let missing = if missing.is_nan() { 0 } else { missing.round() as usize };
        let (each, n_more) = (missing / n_pixels, missing % n_pixels);
        let pixels = rows.flat_map(|row| columns.clone().map(move |column| row * size_px + column));
        for (idx, pixel) in pixels.enumerate() {
            bytes[pixel] = (each + usize::from(idx < n_more)) as u8;
        }
    }
    Some(bytes)
}

fn node_of(
    state: &AppState,
    opened: &Opened,
    record: &Arc<PictureRecord>,
    kept: protocol::Kept,
    made: Made,
) -> Option<NewNode> {
    let model = state.model()?;
    let protocol::Kept { ids, lock, seeds } = kept;
    let n_scales = model.scales.len();
    // The scales before the last change of the seed were given.
    let last = seeds.last();
    let n_given = seeds.iter().rposition(|seed| Some(seed) != last).map_or(0, |idx| idx + 1);
    let mut about = About::now(Origin::Opened, made.recipe, seeds);
    about.banned = made.banned;
    about.n_given = n_given.max(record.source.as_ref().map_or(0, |source| source.n_scales));
    about.inspired_by = record.inspirations.iter().map(InspiredBy::from).collect();
    about.is_saved = true;
    let own = own_pixels(opened, model);
    let mut stills = vec![None; ids.len()];
    if let Some(last) = stills.last_mut() {
        last.clone_from(&own);
    }
    let (width, height) = model.size_px();
    let anchor = record.anchor.as_ref().map(|anchor| {
        let ids = anchor.tokens.ids().map(<[u32]>::to_vec).collect();
        Anchor { ids: Arc::new(vec![ids]), hold: anchor.hold }
    });
    Some(NewNode {
        parent: None,
        about,
        chosen: made.chosen,
        ids: Arc::new(ids),
        n_scales,
        sketch: made.sketch,
        anchor,
        lock,
        record: Some(Arc::clone(record)),
        // Until it is decoded, if the file has no pixels of this size.
        picture: own.unwrap_or_else(|| Arc::new(RgbaImage::new(width as u32, height as u32))),
        stills,
    })
}

/// The pixels of the file, unless it was scaled.
fn own_pixels(opened: &Opened, model: &ModelInfo) -> Option<Arc<RgbaImage>> {
    let (width, height) = model.size_px();
    let dimensions = (width as u32, height as u32);
    opened.pixels.clone().filter(|pixels| pixels.dimensions() == dimensions)
}

/// Shows the file's own pixels, of which no other scale is known. Live mode waits for a change.
fn show_pixels(
    state: &mut AppState,
    opened: &Opened,
    record: &Arc<PictureRecord>,
    made: Made,
) -> Option<Effect> {
    timeline::settle(state);
    nodes::restore(state, &made);
    state.sketch.replace(&made.sketch, "opening").expect("it has the size of the sketch");
    timeline::note_steps(state);
    let image = Arc::clone(opened.pixels.as_ref()?);
    let was_drawing = state.is_drawing();
    let n_scales = state.model().map_or(1, |model| model.scales.len());
    state.steering.kept = None;
    state.steering.is_held = false;
    let request = state.request();
    let serial = state.next_serial();
    let mut job = Job::new(Order {
        id: JobId::RECALLED,
        request,
        n_scales,
        sketch_revision: state.sketch.revision(),
        made,
        origin: Origin::Opened,
        parent: None,
    });
    job.phase = Phase::Finished(Timings::default());
    job.recall = Some(serial);
    job.record = Some(Arc::clone(record));
    if let Some(last) = job.stills.last_mut() {
        *last = Some(Still { image, serial, elapsed: None });
    }
    state.job = Some(job);
    state.next.clear();
    state.earlier = None;
    state.scrubbed_to = None;
    state.branches.current = None;
    state.finished_ids = None;
    was_drawing.then_some(Effect::Cancel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn painted_strength_comes_back_to_the_bit() {
        let cells: Vec<f32> = (0..256).map(|cell| 1.0 - cell as f32 / (255 * 17) as f32).collect();
        let bytes = weakening(&cells, 256).unwrap();
        let mut document = Document::new(256).unwrap();
        let layer = crate::params::ControlKind::Depth;
        document.restore_plane(Plane::Strength(layer), &bytes).unwrap();
        let once = document.layer(layer).strength_cells(16).unwrap();
        let bytes_again = weakening(&once, 256).unwrap();
        assert_eq!(bytes_again, bytes);
        for (found, meant) in once.iter().zip(&cells) {
            assert!((found - meant).abs() < 1e-5);
        }
        assert_eq!(weakening(&cells[..255], 256), None);
    }
}
