//! Tests of what changes the state, without window, model or disk.

use super::jobs::MAX_THUMBNAILS;
use super::*;
use crate::params::Sampling;
use crate::protocol::{
    DecodingOrder, EntryId, Event, Failure, Inspiration, InspiredBy, JobId, ModelInfo, Preview,
    Timings,
};
use crate::state::{NoticeKind, Settings};
use crate::ui::{ExportCommand, InspiredCommand};

const N_SCALES: usize = 4;
pub(super) const N_SLOTS: usize = 2;

pub(super) fn picture(value: u8) -> Arc<RgbaImage> {
    Arc::new(RgbaImage::from_pixel(4, 4, image::Rgba([value; 4])))
}

fn info() -> ModelInfo {
    ModelInfo {
        name: "test".to_owned(),
        device: "CPU".to_owned(),
        order: DecodingOrder::NextScale,
        scales: (1..=N_SCALES).collect(),
        image_size_px: 4,
        control_kinds: Vec::new(),
        class_names: std::sync::Arc::default(),
        styles: std::sync::Arc::default(),
        n_memory_slots: N_SLOTS,
        n_memory_entries: 9,
        memory_entries: (1..10).map(crate::protocol::EntryId).collect(),
        n_parameters: 1,
        sha256: None,
        tokenizer_sha256: None,
        sampling: Sampling { guidance: 2.5, ..Sampling::default() },
    }
}

/// A picture that has one token, which is its number.
pub(super) fn used(slot: usize, entry: u64) -> InspiredBy {
    InspiredBy {
        slot,
        entry: EntryId(entry),
        caption: format!("entry {entry}"),
        style: String::new(),
        source: String::new(),
        licence: String::new(),
        similarity: Some(0.5),
        memory: String::new(),
        provenance: crate::protocol::Provenance::Entry,
        ids: [entry as u16].into(),
    }
}

pub(super) fn ready() -> AppState {
    let mut state = AppState::new(Settings::default());
    event(&mut state, Event::ModelReady(info()), 0.0);
    state
}

pub(super) fn send(state: &mut AppState, number: u64) -> JobId {
    state.settings.recipe.seed = number;
    let request = state.request();
    sent(state, JobId(number), request);
    JobId(number)
}

pub(super) fn draw(state: &mut AppState, job: JobId, n_scales: usize) {
    let inspired_by = vec![used(0, 1), used(1, 2)];
    event(state, Event::Started { job, inspired_by, notices: Vec::new() }, 0.0);
    for scale_idx in 0..n_scales {
        let still = picture(10 * job.0 as u8 + scale_idx as u8);
        let elapsed = std::time::Duration::from_millis(5);
        event(
            state,
            Event::ScaleFinished { job, scale_idx, still, elapsed, timings: Timings::default() },
            0.0,
        );
    }
}

pub(super) fn act(state: &mut AppState, action: Action) -> Option<Effect> {
    command(state, UiCommand::Run(action), 0.0)
}

fn shown_value(state: &AppState) -> Option<u8> {
    state.shown().map(|shown| shown.still.image.get_pixel(0, 0).0[0])
}

#[test]
fn the_model_says_how_many_slots_there_are_and_which_sampling_looks_best() {
    let mut state = ready();
    assert_eq!(state.slots.len(), 2);
    assert_eq!(state.request().sampling.guidance, 2.5);
}

#[test]
fn the_picture_before_stays_until_the_next_has_something_to_show() {
    let mut state = ready();
    let first = send(&mut state, 1);
    draw(&mut state, first, N_SCALES);
    assert_eq!(shown_value(&state), Some(13));
    send(&mut state, 2);
    send(&mut state, 3);
    assert_eq!(shown_value(&state), Some(13), "superseded before it drew anything");
    draw(&mut state, JobId(3), 1);
    assert_eq!(shown_value(&state), Some(30));
}

#[test]
fn stopping_before_the_first_scale_keeps_the_picture_before() {
    let mut state = ready();
    let first = send(&mut state, 1);
    draw(&mut state, first, N_SCALES);
    let second = send(&mut state, 2);
    event(&mut state, Event::Cancelled { job: second, ids: Arc::default() }, 0.0);
    assert_eq!(shown_value(&state), Some(13));
    assert!(!state.is_drawing());
}

#[test]
fn events_and_previews_of_other_jobs_change_nothing() {
    let mut state = ready();
    send(&mut state, 2);
    draw(&mut state, JobId(1), 1);
    preview(
        &mut state,
        Preview { job: JobId(1), scale_idx: 0, image: picture(1), progress: None },
        0.0,
    );
    assert_eq!(shown_value(&state), None);
    assert!(state.slots.iter().all(|slot| slot.used.is_none()));
}

#[test]
fn the_same_pixels_again_are_not_a_new_picture() {
    let mut state = ready();
    let job = send(&mut state, 1);
    preview(&mut state, Preview { job, scale_idx: 0, image: picture(10), progress: None }, 0.0);
    let serial = |state: &AppState| state.shown().map(|shown| shown.still.serial);
    let before = serial(&state);
    draw(&mut state, job, 1);
    assert_eq!(serial(&state), before);
    draw(&mut state, job, 2);
    assert_ne!(serial(&state), before);
}

#[test]
fn scrubbing_walks_over_the_stills_and_follows_again_at_the_end() {
    let mut state = ready();
    act(&mut state, Action::CoarserScale);
    assert_eq!(state.scrubbed_to, None, "nothing to scrub");
    let job = send(&mut state, 1);
    draw(&mut state, job, 3);
    for expected in [Some(1), Some(0), Some(0)] {
        act(&mut state, Action::CoarserScale);
        assert_eq!(state.scrubbed_to, expected);
    }
    for expected in [Some(1), None, None] {
        act(&mut state, Action::FinerScale);
        assert_eq!(state.scrubbed_to, expected);
    }
}

#[test]
fn a_ban_is_asked_for_once_and_can_be_taken_back() {
    let mut state = ready();
    let job = send(&mut state, 1);
    draw(&mut state, job, N_SCALES);
    assert_eq!(command(&mut state, InspiredCommand::Ban(1).into(), 0.0), Some(Effect::Draw));
    command(&mut state, InspiredCommand::Ban(1).into(), 0.0);
    assert_eq!(state.request().memory.banned, [EntryId(2)]);
    assert_eq!(state.notices.iter().count(), 1);
    assert_eq!(
        command(&mut state, InspiredCommand::Allow(EntryId(2)).into(), 0.0),
        Some(Effect::Draw)
    );
    assert!(state.request().memory.banned.is_empty());
    assert!(state.notices.is_empty(), "its offer is void");
    assert_eq!(command(&mut state, InspiredCommand::Ban(7).into(), 0.0), None);
}

#[test]
fn a_kept_slot_is_sent_along_until_it_is_released() {
    let mut state = ready();
    let job = send(&mut state, 1);
    draw(&mut state, job, N_SCALES);
    command(&mut state, InspiredCommand::Keep(1).into(), 0.0);
    let chosen = state.request().memory.chosen;
    assert!(
        matches!(&chosen[..], [(1, Inspiration::Remembered(picture))] if picture.entry == EntryId(2))
    );
    assert_eq!(command(&mut state, InspiredCommand::Release(1).into(), 0.0), Some(Effect::Draw));
    assert!(state.request().memory.chosen.is_empty());
    assert_eq!(command(&mut state, InspiredCommand::Release(1).into(), 0.0), None);
}

#[test]
fn the_history_is_walked_without_losing_what_was_being_written() {
    let mut state = ready();
    for prompt in ["one", "two"] {
        state.settings.recipe.prompt = prompt.to_owned();
        act(&mut state, Action::Generate);
    }
    state.settings.recipe.prompt = "draft".to_owned();
    let mut prompt_after = |action| {
        act(&mut state, action);
        state.settings.recipe.prompt.clone()
    };
    assert_eq!(prompt_after(Action::EarlierPrompt), "two");
    assert_eq!(prompt_after(Action::EarlierPrompt), "one");
    assert_eq!(prompt_after(Action::EarlierPrompt), "one");
    assert_eq!(prompt_after(Action::LaterPrompt), "two");
    assert_eq!(prompt_after(Action::LaterPrompt), "draft");
    assert_eq!(prompt_after(Action::LaterPrompt), "draft");
}

#[test]
fn going_back_skips_the_prompt_that_is_there_already() {
    let mut state = ready();
    for prompt in ["one", "two"] {
        state.settings.recipe.prompt = prompt.to_owned();
        act(&mut state, Action::Generate);
    }
    act(&mut state, Action::EarlierPrompt);
    assert_eq!(state.settings.recipe.prompt, "one");
}

#[test]
fn a_kept_seed_that_changes_nothing_says_so() {
    let mut state = ready();
    state.settings.recipe.new_seed_each_time = false;
    let job = send(&mut state, 1);
    draw(&mut state, job, N_SCALES);
    let timings = Timings::default();
    let finished = Event::Finished { job, images: vec![picture(13)], ids: Arc::default(), timings };
    event(&mut state, finished, 0.0);
    assert_eq!(act(&mut state, Action::Generate), Some(Effect::Draw));
    assert!(state.notices.iter().any(|notice| notice.headline.contains("another seed")));

    let seed = state.settings.recipe.seed;
    state.settings.recipe.new_seed_each_time = true;
    act(&mut state, Action::Generate);
    assert_ne!(state.settings.recipe.seed, seed);
}

#[test]
fn a_failed_model_is_told_again_when_asked_to_draw() {
    let mut state = AppState::new(Settings::default());
    let failure = Failure { headline: "no weights".to_owned(), details: String::new() };
    event(&mut state, Event::ModelFailed(failure), 0.0);
    let id = state.notices.iter().next().map(|notice| notice.id).expect("told at once");
    command(&mut state, UiCommand::DismissNotice(id), 0.0);
    assert_eq!(act(&mut state, Action::Generate), None);
    assert!(state.notices.iter().any(|notice| notice.kind == NoticeKind::Error));
}

#[test]
fn one_dialog_at_a_time() {
    let mut state = ready();
    let job = send(&mut state, 1);
    draw(&mut state, job, 1);
    act(&mut state, Action::ExportPicture);
    let accept = |state: &mut AppState| command(state, ExportCommand::Accept.into(), 0.0);
    let asks = |effect| matches!(effect, Some(Effect::Export(ExportEffect::AskWhere { .. })));
    assert!(asks(accept(&mut state)));
    act(&mut state, Action::ExportPicture);
    assert_eq!(accept(&mut state), None);
    assert_eq!(command(&mut state, UiCommand::ChoosePicture(0), 0.0), None);
    file_answer(&mut state, FileAnswer::DialogClosed, 0.0);
    assert!(asks(accept(&mut state)));
}

#[test]
fn thumbnails_do_not_pile_up() {
    let mut state = ready();
    let job = send(&mut state, 1);
    draw(&mut state, job, 1);
    for entry in 0..1000 {
        event(&mut state, Event::Thumbnail { entry: EntryId(entry), image: picture(0) }, 0.0);
    }
    assert!(state.thumbnails.len() <= MAX_THUMBNAILS + 1);
    assert!(state.thumbnails.contains_key(&EntryId(2)), "still in a slot");
}
