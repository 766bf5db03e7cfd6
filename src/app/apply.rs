//! The only place where the state changes: commands of the user, events of the model, answers of
//! the file thread. What must happen outside the state is returned as [`Effect`]s.

mod add_inspiration;
mod export;
mod gallery;
mod import;
mod inspired;
mod jobs;
mod lock;
mod memory;
mod models;
mod nodes;
mod opening;
mod sheet;
mod project;
mod remembered;
mod sample;
mod sketch;
mod source;
mod steer;
mod style;
mod timeline;

use std::path::PathBuf;
use std::sync::Arc;

pub(super) use self::add_inspiration::{cutout_due, cutout_found};
pub(super) use self::export::ExportEffect;
pub(super) use self::gallery::{
    GalleryEffect, TrashAnswer, ask_before_trash, library_event, trash_begins,
};
pub(super) use self::import::{ImportEffect, extraction_due, found};
pub(super) use self::jobs::{event, preview, sent, sent_to_follow};
pub(super) use self::memory::{MemoryAnswer, MemoryEffect, MemoryOrder, event as memory_event};
pub(super) use self::models::{ModelsEffect, event as models_event, loading_progress};
pub(super) use self::nodes::{errand_due, errand_sent};
pub(super) use self::opening::due as open_due;
pub(super) use self::project::{ProjectAnswer, ProjectEffect, model_came, observe, session_facts};
pub(super) use self::sample::due as sample_due;
pub(super) use self::sheet::{due as sheet_due, sent as sheet_sent};
pub(super) use self::style::{due as style_due, sent as style_sent};
use super::files::FileAnswer;
use super::inspiring::InspireJob;
use super::keeping::Place;
use super::sheet_picture::SheetPicture;
use crate::document::Edit;
use crate::imaging::RgbaImage;
use crate::state::{AppState, Engine, Origin, Phase, Recall, ThemeChoice, Tool, prompt, settings};
use crate::ui::{Action, AddInspirationCommand, MemoryCommand, SketchCommand, UiCommand};

/// Seconds that notices stay after somebody has read them.
const HOLD_SECS: f64 = 2.0;

const NEVER_LIVE: &str =
    "This model draws token by token, which takes too long to follow your pen; Generate draws";

/// What the application must do besides changing the state.
#[derive(Debug, PartialEq)]
pub(super) enum Effect {
    /// Send a request as soon as there is a model.
    Draw,
    Cancel,
    SetTheme(ThemeChoice),
    CopyPicture(Arc<RgbaImage>),
    CopyText(String),
    AskForPicture {
        slot_idx: usize,
    },
    /// Read and look at pictures for *Inspired by*.
    Inspire(Vec<InspireJob>),
    Import(ImportEffect),
    Export(ExportEffect),
    /// Read a picture file with all that it tells.
    OpenFile(PathBuf),
    Gallery(GalleryEffect),
    Memory(MemoryEffect),
    Models(ModelsEffect),
    /// Write a style sheet into a file.
    SaveSheet {
        picture: Box<SheetPicture>,
        stem: String,
    },
    WriteSheet {
        picture: Box<SheetPicture>,
        place: Place,
    },
    /// All of them, in order.
    Each(Vec<Effect>),
    Project(ProjectEffect),
}

/// Carries out a wish of the user. `now` is the window's time in seconds.
pub(super) fn command(state: &mut AppState, command: UiCommand, now: f64) -> Option<Effect> {
    state.timeline.is_setting_changed |= changes_settings(&command);
    let effect = carry_out(state, command, now);
    import::show(state, now);
    timeline::note_steps(state);
    effect
}

/// Whether it changes what the next picture is made from, beside the sketch.
fn changes_settings(command: &UiCommand) -> bool {
    matches!(
        command,
        UiCommand::SetPrompt(_)
            | UiCommand::ToggleStyle(_)
            | UiCommand::SetNegative(_)
            | UiCommand::SetSeed(_)
            | UiCommand::SetSampling(_)
            | UiCommand::SetReferenceStrength(_)
            | UiCommand::Memory(MemoryCommand::Switch { .. })
            | UiCommand::Run(Action::EarlierPrompt | Action::LaterPrompt)
    )
}

fn carry_out(state: &mut AppState, command: UiCommand, now: f64) -> Option<Effect> {
    if state.adding.is_taking_part && add_inspiration::ends_part(&command) {
        state.adding.is_taking_part = false;
    }
    let recipe = &mut state.settings.recipe;
    match command {
        UiCommand::Run(action) => return run(state, action, now),
        UiCommand::Sketch(command) => import::sketch_command(state, command, now),
        UiCommand::Import(command) => return import::command(state, command, now),
        UiCommand::Export(command) => return export::command(state, command),
        UiCommand::Sheet(command) => return sheet::command(state, command),
        UiCommand::Open(command) => return opening::command(state, command, now),
        UiCommand::Source(command) => return source::command(state, command, now),
        UiCommand::OpenFile(path) => {
            state.gallery.is_open = false;
            return Some(Effect::OpenFile(path));
        }
        UiCommand::Gallery(command) => return gallery::command(state, command, now),
        UiCommand::AddInspiration(command) => {
            return add_inspiration::command(state, command, now);
        }
        UiCommand::Memory(command) => return memory::command(state, command, now),
        UiCommand::Models(command) => return models::command(state, command),
        UiCommand::Style(command) => return style::command(state, command, now),
        UiCommand::Project(command) => return project::command(state, command),
        UiCommand::SetPrompt(text) => {
            recipe.prompt = text;
            state.recall = None;
        }
        UiCommand::ToggleStyle(style) => {
            let toggled =
                prompt::toggle_style(&state.settings.recipe.prompt, &style, &state.styles());
            state.settings.recipe.prompt = toggled;
        }
        UiCommand::SetNegative(text) => recipe.negative = text,
        UiCommand::SetSeed(seed) => recipe.seed = seed,
        UiCommand::SetNewSeedEachTime(each_time) => recipe.new_seed_each_time = each_time,
        UiCommand::SetSampling(sampling) => recipe.sampling = sampling,
        UiCommand::SetReferenceStrength(strength) => recipe.reference_strength = strength,
        UiCommand::SetMemory(is_on) => return Some(inspired::set_memory(state, is_on)),
        UiCommand::SetView(view) => state.settings.view = view.checked(),
        UiCommand::SetTheme(theme) => {
            state.settings.theme = theme;
            return Some(Effect::SetTheme(theme));
        }
        UiCommand::ScrubTo(scale_idx) => state.scrubbed_to = scale_idx,
        UiCommand::LetGo => return steer::let_go(state),
        UiCommand::ShowNode(node) => {
            let missing = remembered::repair_node(state, node);
            remembered::tell_missing(state, &missing, now);
            return nodes::switch_to(state, node, "change of picture");
        }
        UiCommand::DeleteNode(node) => {
            gallery::before_deletion(state, node);
            return nodes::delete(state, node);
        }
        UiCommand::StarNode { node, is_starred } => {
            gallery::before_star(state, node, is_starred);
            state.branches.set_starred(node, is_starred);
        }
        UiCommand::Inspired(command) => return inspired::command(state, command, now),
        UiCommand::ChoosePicture(slot_idx) => {
            return open_dialog(state).then_some(Effect::AskForPicture { slot_idx });
        }
        UiCommand::OpenPicture { slot_idx, path } => {
            let open = AddInspirationCommand::Open { slot_idx, paths: vec![path] };
            return add_inspiration::command(state, open, now);
        }
        UiCommand::SaveTo(path) => return export::save_to(state, path),
        UiCommand::CopyText(text) => {
            state.notices.done(now, "Copied", None);
            return Some(Effect::CopyText(text));
        }
        UiCommand::DismissNotice(id) => state.notices.dismiss(id),
        UiCommand::HoldNotices => state.notices.hold(now, HOLD_SECS),
    }
    None
}

/// Takes over what the file thread and the dialogs say.
pub(super) fn file_answer(state: &mut AppState, answer: FileAnswer, now: f64) -> Option<Effect> {
    match answer {
        FileAnswer::DialogClosed => state.dialog_open = false,
        FileAnswer::PlaceChosen(job) => return Some(Effect::Export(ExportEffect::Write(job))),
        FileAnswer::SheetPlaceChosen { picture, place } => {
            return Some(Effect::WriteSheet { picture, place });
        }
        FileAnswer::Traced { serial, traced } => export::traced(state, serial, traced),
        FileAnswer::PictureChosen { slot_idx, path } => {
            let open = AddInspirationCommand::Open { slot_idx, paths: vec![path] };
            return add_inspiration::command(state, open, now);
        }
        FileAnswer::InspirationRead(offer) => return add_inspiration::offered(state, *offer, now),
        FileAnswer::ImportChosen { path, onto } => {
            let open = ImportEffect::Open { path, onto, n_files: 1 };
            return Some(Effect::Import(open));
        }
        FileAnswer::StartChosen { path } => {
            return Some(Effect::Import(ImportEffect::OpenStart { path }));
        }
        FileAnswer::StartOpened { picture } => source::opened(state, &picture, now),
        FileAnswer::ImportOpened { picture, onto, n_files } => {
            state.gallery.is_open = false;
            state.memories.is_open = false;
            state.models.is_open = false;
            import::opened(state, picture, onto, n_files, now);
        }
        FileAnswer::FileOpened(opened) => return opening::opened(state, *opened, now),
        FileAnswer::PasteDone => state.imports.is_pasting = false,
        FileAnswer::Saved { path, without_dialog, node } => {
            let is_starred = node
                .and_then(|node| state.branches.get(node))
                .is_some_and(|node| node.about.is_starred);
            if let Some(node) = node {
                gallery::before_leaving(state, node);
                state.branches.mark_saved(node);
            }
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let headline = if without_dialog {
                format!("This system has no file dialog, so {name} was saved in your pictures")
            } else {
                format!("Saved {name}")
            };
            state.notices.saved(now, headline, path.clone());
            // The gallery shows it at once.
            let index = GalleryEffect::Index { path, is_starred };
            return Some(Effect::Gallery(index));
        }
        FileAnswer::Trash(answer) => return gallery::trash_answer(state, answer, now),
        FileAnswer::Memory(answer) => return memory::answer(state, answer),
        FileAnswer::ModelFolders(paths) => return Some(models::folders_chosen(paths)),
        FileAnswer::Project(answer) => return project::answer(state, answer, now),
        FileAnswer::Warning { headline, details } => state.notices.warning(headline, Some(details)),
        FileAnswer::Failed(failure) => state.notices.error(&failure),
    }
    None
}

fn run(state: &mut AppState, action: Action, now: f64) -> Option<Effect> {
    match action {
        Action::NewProject | Action::OpenFile | Action::SaveProject | Action::SaveProjectAs => {
            return project::run(state, action, now);
        }
        Action::Generate => return generate(state, now),
        Action::Stop => return state.is_drawing().then_some(Effect::Cancel),
        Action::StopOrContinue => return steer::stop_or_continue(state, now),
        Action::ReRoll => return steer::re_roll(state, now),
        Action::AnotherSeed => {
            another_seed(state);
            return Some(Effect::Draw);
        }
        Action::EarlierPrompt => recall(state, -1),
        Action::LaterPrompt => recall(state, 1),
        Action::CoarserScale => scrub(state, -1),
        Action::FinerScale => scrub(state, 1),
        Action::ContactSheet => return sheet::toggle(state, now),
        Action::SavePicture => return export::save_at_once(state),
        Action::ExportPicture => return export::open(state),
        Action::CopyPicture => {
            let picture = Arc::clone(&state.shown()?.still.image);
            state.notices.done(now, "Picture copied", None);
            return Some(Effect::CopyPicture(picture));
        }
        Action::PastePicture => return import::paste(state),
        Action::Undo if state.imports.open.is_some() => import::cancel(state),
        Action::Undo => return timeline::undo(state),
        Action::Redo => return timeline::redo(state),
        Action::BrushTool => sketch::take_tool(state, Tool::Brush),
        Action::EraserTool => sketch::take_tool(state, Tool::Eraser),
        Action::AirbrushTool => sketch::take_tool(state, Tool::Airbrush),
        Action::ShapeTool => {
            let next = match state.settings.tools.tool {
                Tool::Line => Tool::Rectangle,
                Tool::Rectangle => Tool::Ellipse,
                _ => Tool::Line,
            };
            sketch::take_tool(state, next);
        }
        Action::FillTool => sketch::take_tool(state, Tool::Fill),
        Action::PickerTool => sketch::take_tool(state, Tool::Picker),
        Action::LockTool => sketch::take_tool(state, Tool::Lock),
        Action::PanTool => sketch::take_tool(state, Tool::Pan),
        Action::SmallerBrush => sketch::resize_brush(state, -1),
        Action::LargerBrush => sketch::resize_brush(state, 1),
        Action::ToggleVariants => {
            let view = &mut state.settings.view;
            view.shows_variants = !view.shows_variants;
        }
        Action::SwapInks => state.settings.tools.swap_inks(),
        Action::DefaultInks => state.settings.tools.reset_inks(),
        Action::ClearLayer => {
            let plane = state.settings.tools.plane();
            sketch::command(state, SketchCommand::Edit(Edit::Clear(plane)), now);
        }
        Action::ToggleLive if !state.can_be_live() => {
            state.notices.info(now, NEVER_LIVE);
        }
        Action::ToggleLive => {
            let is_live = !state.settings.live;
            state.settings.live = is_live;
            if is_live && state.steering.is_held {
                return steer::go_on(state, now);
            }
            return Some(if is_live { Effect::Draw } else { Effect::Cancel });
        }
        Action::ToggleGallery | Action::ToggleMemory | Action::ToggleModels
            if state.style_sheet.is_some() =>
        {
            return style::close(state);
        }
        Action::ToggleGallery => return gallery::toggle(state),
        Action::ToggleMemory => return memory::toggle(state),
        Action::ToggleModels => return models::toggle(state),
        // The window does these by itself.
        Action::FocusPrompt
        | Action::FitView
        | Action::Zoom100
        | Action::Zoom200
        | Action::Zoom400
        | Action::Zoom800
        | Action::ToggleHelp => {}
    }
    None
}

fn generate(state: &mut AppState, now: f64) -> Option<Effect> {
    state.settings.remember_prompt();
    state.recall = None;
    if let Engine::Failed(failure) = &state.engine {
        let failure = failure.clone();
        state.notices.error(&failure);
        return None;
    }
    sample::make_room(state, now);
    let before = state.made_from();
    // A picture of its own: from the first scale on, or from those of the source.
    state.steering.kept = state.start();
    let request = state.request();
    let recipe = &mut state.settings.recipe;
    if recipe.new_seed_each_time {
        // The picture asked for at the start is still to come: it keeps its seed.
        if state.job.is_some() {
            recipe.seed = settings::another_seed(recipe.seed);
        }
    } else if state
        .job
        .as_ref()
        .is_some_and(|job| matches!(job.phase, Phase::Finished(_)) && job.request == request)
    {
        let text = "Nothing has changed, so the picture stays the same; press N for another seed";
        state.notices.info(now, text);
        return Some(Effect::Draw);
    }
    timeline::ask(state, "generation", before, origin(state), None);
    Some(Effect::Draw)
}

fn another_seed(state: &mut AppState) {
    let before = state.made_from();
    let recipe = &mut state.settings.recipe;
    recipe.seed = settings::another_seed(recipe.seed);
    state.settings.remember_prompt();
    state.steering.kept = state.start();
    timeline::ask(state, "another seed", before, origin(state), None);
}

/// Of a picture that is asked for now.
fn origin(state: &AppState) -> Origin {
    if state.steering.kept.is_some() { Origin::Edited } else { Origin::Generated }
}

/// Marks a dialog as open, unless one is.
fn open_dialog(state: &mut AppState) -> bool {
    !std::mem::replace(&mut state.dialog_open, true)
}

/// Goes through the prompts drawn so far; beyond the newest is what was being written.
fn recall(state: &mut AppState, step: isize) {
    let n_prompts = state.settings.history.len();
    let recipe = &mut state.settings.recipe;
    let draft = |recall: &Option<Recall>| {
        recall.as_ref().map_or_else(|| recipe.prompt.clone(), |recall| recall.draft.clone())
    };
    let start = match &state.recall {
        Some(recall) => recall.history_idx,
        // The newest prompt is usually the one that is there already.
        None if state.settings.history.last().is_some_and(|last| *last == recipe.prompt.trim()) => {
            n_prompts.saturating_sub(1)
        }
        None => n_prompts,
    };
    let Some(history_idx) = start.checked_add_signed(step).filter(|idx| *idx <= n_prompts) else {
        return;
    };
    let draft = draft(&state.recall);
    if history_idx == n_prompts {
        recipe.prompt = draft;
        state.recall = None;
    } else {
        recipe.prompt.clone_from(&state.settings.history[history_idx]);
        state.recall = Some(Recall { history_idx, draft });
    }
}

/// Looks at the still before or after the shown one; after the newest, follows again.
fn scrub(state: &mut AppState, step: isize) {
    let Some(job) = &state.job else { return };
    let Some((newest, _)) = job.newest() else { return };
    // Beyond the newest is what there is of an unfinished scale.
    let end = newest + usize::from(job.growing.is_some());
    let shown = state.scrubbed_to.filter(|idx| job.still(*idx).is_some()).unwrap_or(end);
    let Some(wanted) = shown.checked_add_signed(step) else { return };
    if wanted >= end {
        state.scrubbed_to = None;
    } else if job.still(wanted).is_some() {
        state.scrubbed_to = Some(wanted);
    }
}

#[cfg(test)]
mod inspired_tests;
#[cfg(test)]
mod steering_tests;
#[cfg(test)]
pub(super) mod tests;
