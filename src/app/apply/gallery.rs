//! Changes that concern the gallery. The list shows a star or a removal at once; the index follows.

use std::path::PathBuf;

use super::{Effect, export, timeline};
use crate::protocol::{Failure, LibraryEvent, PictureId, PictureQuery};
use crate::state::gallery::Trashed;
use crate::state::timeline::StepKind;
use crate::state::{AppState, NodeId, NoticeAction};
use crate::ui::GalleryCommand;

/// What the gallery needs beside a change of the state.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app) enum GalleryEffect {
    /// Lists what fits and brings the index in line with the disk.
    Open(PictureQuery),
    List(PictureQuery),
    Want(Vec<PictureId>),
    Preview(PictureId),
    Star {
        id: PictureId,
        is_starred: bool,
    },
    /// A file is new or back.
    Index {
        path: PathBuf,
        is_starred: bool,
    },
    /// The user must be asked first if it could not be brought back.
    Trash {
        id: PictureId,
        path: PathBuf,
        is_starred: bool,
        may_ask: bool,
    },
    Forget(PictureId),
    Restore(Trashed),
    Reveal(PathBuf),
}

/// What came of moving files to the trash and back.
#[derive(Debug)]
pub(in crate::app) enum TrashAnswer {
    Moved {
        id: PictureId,
        path: PathBuf,
        is_starred: bool,
    },
    /// The file is where it was.
    NotMoved {
        id: PictureId,
        failure: Failure,
    },
    Restored {
        path: PathBuf,
        is_starred: bool,
    },
}

/// Carries out a wish; `now` is the window's time in seconds.
pub(super) fn command(state: &mut AppState, command: GalleryCommand, now: f64) -> Option<Effect> {
    let gallery = &mut state.gallery;
    let effect = match command {
        GalleryCommand::Close => {
            gallery.is_open = false;
            return None;
        }
        GalleryCommand::Search(query) => {
            gallery.query.clone_from(&query);
            GalleryEffect::List(query)
        }
        GalleryCommand::Select(id) => {
            gallery.selected = id;
            gallery.selected_node = None;
            gallery.picture(id?).filter(|picture| picture.problem.is_none())?;
            GalleryEffect::Preview(id?)
        }
        GalleryCommand::SelectNode(node) => {
            gallery.selected = None;
            gallery.selected_node = Some(node);
            return None;
        }
        GalleryCommand::SaveNode(node) => return export::save_node(state, node, now),
        GalleryCommand::PutBack => return put_back(state),
        GalleryCommand::Show { on_screen, missing } => {
            gallery.thumbnails.touch(&on_screen);
            GalleryEffect::Want(missing)
        }
        GalleryCommand::Star { id, is_starred } => {
            gallery.show_star(id, is_starred);
            GalleryEffect::Star { id, is_starred }
        }
        GalleryCommand::Trash(id) => {
            // A key that is held down means one picture.
            let picture = gallery.picture(id).filter(|_| !gallery.trashing.contains(&id))?;
            let (path, is_starred) = (picture.path.clone(), picture.is_starred);
            GalleryEffect::Trash { id, path, is_starred, may_ask: !gallery.may_trash }
        }
        GalleryCommand::AnswerTrash { is_allowed } => {
            let id = gallery.trash_question.take().filter(|_| is_allowed)?;
            gallery.may_trash = true;
            return self::command(state, GalleryCommand::Trash(id), now);
        }
        GalleryCommand::Restore(serial) => {
            state.notices.dismiss_action(&NoticeAction::Restore(serial));
            let place = gallery.trashed.iter().position(|trashed| trashed.serial == serial)?;
            GalleryEffect::Restore(gallery.trashed.remove(place))
        }
        GalleryCommand::Open(path) => {
            gallery.is_open = false;
            return Some(Effect::OpenFile(path));
        }
        GalleryCommand::UsePrompt(prompt) => {
            gallery.is_open = false;
            state.settings.recipe.prompt = prompt;
            state.recall = None;
            return None;
        }
        GalleryCommand::ShowInFolder(path) => GalleryEffect::Reveal(path),
    };
    Some(Effect::Gallery(effect))
}

/// A picture that is in no file is about to leave the list of those: what takes its place is
/// selected.
pub(super) fn before_leaving(state: &mut AppState, node: NodeId) {
    if state.gallery.selected_node != Some(node) {
        return;
    }
    let pictures = state.unsaved_pictures();
    let place = pictures.iter().position(|picture| picture.id == node);
    let next = place.and_then(|place| {
        let before = || pictures.get(place.checked_sub(1)?);
        pictures.get(place + 1).or_else(before).map(|picture| picture.id)
    });
    state.gallery.selected_node = next;
}

/// A picture of the tree is about to be taken off it.
pub(super) fn before_deletion(state: &mut AppState, node: NodeId) {
    before_leaving(state, node);
    let is_listed = state.branches.get(node).is_some_and(|node| node.is_listed);
    if state.gallery.is_open && is_listed {
        state.gallery.taken_off.push(node);
    }
}

/// A picture of the tree is about to be starred or not.
pub(super) fn before_star(state: &mut AppState, node: NodeId, is_starred: bool) {
    if state.gallery.query.starred_only && !is_starred {
        before_leaving(state, node);
    }
}

/// Puts back what was last taken off the list.
fn put_back(state: &mut AppState) -> Option<Effect> {
    let node = state.gallery.taken_off.pop()?;
    let top = state.timeline.get(state.timeline.top());
    let is_last_step = top.is_some_and(|place| place.kind == StepKind::Deleted(node));
    let effect = if is_last_step {
        timeline::undo(state)
    } else {
        // A picture was drawn in between, which stays.
        state.branches.set_listed(node, true);
        None
    };
    state.gallery.selected = None;
    state.gallery.selected_node = Some(node);
    effect
}

/// Opens or closes the gallery.
pub(super) fn toggle(state: &mut AppState) -> Option<Effect> {
    let gallery = &mut state.gallery;
    gallery.is_open = !gallery.is_open;
    if !gallery.is_open {
        return None;
    }
    gallery.taken_off.clear();
    state.memories.is_open = false;
    // The list of last time is shown until the new one comes.
    Some(Effect::Gallery(GalleryEffect::Open(gallery.query.clone())))
}

/// Nobody has been asked yet, and the trash gives nothing back.
pub(in crate::app) fn ask_before_trash(state: &mut AppState, id: PictureId) {
    state.gallery.trash_question = Some(id);
}

/// The file thread has been asked to move a picture.
pub(in crate::app) fn trash_begins(state: &mut AppState, id: PictureId) {
    state.gallery.trashing.push(id);
}

/// Takes over what the file thread did with the trash.
pub(super) fn trash_answer(state: &mut AppState, answer: TrashAnswer, now: f64) -> Option<Effect> {
    let effect = match answer {
        TrashAnswer::NotMoved { id, failure } => {
            state.gallery.trashing.retain(|trashing| *trashing != id);
            state.notices.error(&failure);
            return None;
        }
        TrashAnswer::Moved { id, path, is_starred } => {
            state.gallery.trashing.retain(|trashing| *trashing != id);
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            state.gallery.remove(id);
            let serial = state.gallery.remember_trashed(path, is_starred);
            let headline = format!("Moved {name} to the trash");
            state.notices.undoable(now, headline, NoticeAction::Restore(serial));
            GalleryEffect::Forget(id)
        }
        TrashAnswer::Restored { path, is_starred } => GalleryEffect::Index { path, is_starred },
    };
    Some(Effect::Gallery(effect))
}

/// Takes over what the index says.
pub(in crate::app) fn library_event(state: &mut AppState, event: LibraryEvent) -> Option<Effect> {
    let gallery = &mut state.gallery;
    match event {
        // A newer query is under way.
        LibraryEvent::Listed(listing) if listing.query != gallery.query => {}
        LibraryEvent::Listed(listing) => {
            let before = gallery.selected;
            gallery.take_listing(*listing);
            if let Some(id) = gallery.selected.filter(|_| gallery.selected != before) {
                return Some(Effect::Gallery(GalleryEffect::Preview(id)));
            }
        }
        LibraryEvent::Indexing(progress) => gallery.progress = Some(progress),
        LibraryEvent::Scanned(report) => {
            gallery.progress = None;
            gallery.scanned = Some(report);
        }
        LibraryEvent::Thumbnail { id, result } => gallery.thumbnails.insert(id, result),
        LibraryEvent::Preview { id, result } => {
            if gallery.selected == Some(id) {
                gallery.preview = Some((id, result));
            }
        }
        LibraryEvent::Warning { headline, details } => {
            state.notices.warning(headline, Some(details));
        }
    }
    None
}
