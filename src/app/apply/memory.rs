//! Changes that concern *My memory*. The page shows a switch, a caption or a removal at once; the
//! thread follows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Effect, open_dialog, style};
use crate::protocol::{
    AddPictures, AddReport, Captions, EntryQuery, Failure, Inspiration, KnownEntry, MemoryEvent,
    MemoryId, OwnMemory, RememberedId, RememberedPicture,
};
use crate::state::memories::{Memories, RemovedWhat};
use crate::state::{AppState, NoticeAction};
use crate::ui::MemoryCommand;

/// Of memories that are made without being named.
const NAME: &str = "My pictures";
/// Longer names are cut.
const MAX_NAME_CHARS: usize = 60;

/// What the memories need beside a change of the state.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app) enum MemoryEffect {
    Orders(Vec<MemoryOrder>),
    AskForFiles,
    AskForFolder,
    AskForTable,
    AskWhereToExport { memory: MemoryId, stem: String },
    AskWhatToImport,
    Reveal(PathBuf),
}

/// What the thread of the memories is to do. None of it waits; what comes of it are
/// [`MemoryEvent`]s.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app) enum MemoryOrder {
    /// Tells the memories and what the generator may look at, from now on.
    Begin,
    /// Lists what fits, from now on and whenever something changes.
    List(EntryQuery),
    /// Looks for source files that have changed or gone.
    Rescan(MemoryId),
    /// Small pictures to find, the first most urgent.
    Want(Vec<RememberedId>),
    Create(String),
    Rename(MemoryId, String),
    Switch(MemoryId, bool),
    Delete(MemoryId),
    Restore(MemoryId),
    Add(AddPictures),
    Stop(MemoryId),
    SetCaption(RememberedId, String),
    Remove(Vec<RememberedId>),
    PutBack(Vec<RememberedId>),
    /// Tells which files could not be read when they were last tried.
    Problems(MemoryId),
    /// Tells all of a memory, switched on or not.
    Snapshot(MemoryId),
    Export(MemoryId, PathBuf),
    Import(PathBuf),
}

/// What dialogs answer.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::app) enum MemoryAnswer {
    /// Files and folders to add.
    Pictures(Vec<PathBuf>),
    /// A table of captions.
    Table(PathBuf),
    ExportTo {
        memory: MemoryId,
        path: PathBuf,
    },
    Import(PathBuf),
}

/// Opens or closes the page.
pub(super) fn toggle(state: &mut AppState) -> Option<Effect> {
    let memories = &mut state.memories;
    memories.is_open = !memories.is_open;
    if !memories.is_open {
        return None;
    }
    state.gallery.is_open = false;
    state.models.is_open = false;
    let list = MemoryOrder::List(memories.query.clone());
    match memories.chosen {
        Some(id) => orders([MemoryOrder::Begin, list, look_again(memories, id)]),
        // Choosing one asks for all of this.
        None => orders([MemoryOrder::Begin]),
    }
}

/// Carries out a wish; `now` is the window's time in seconds.
pub(super) fn command(state: &mut AppState, command: MemoryCommand, now: f64) -> Option<Effect> {
    let memories = &mut state.memories;
    match command {
        MemoryCommand::Close => {
            memories.is_open = false;
            None
        }
        MemoryCommand::Choose(id) => {
            if memories.chosen == Some(id) {
                return None;
            }
            memories.choose(Some(id));
            show(memories)
        }
        MemoryCommand::LookAgain => {
            let id = memories.chosen?;
            memories.quiet.retain(|quiet| *quiet != id);
            orders([MemoryOrder::Rescan(id)])
        }
        MemoryCommand::Create => {
            memories.names_next = true;
            orders([MemoryOrder::Create(memories.free_name(NAME))])
        }
        MemoryCommand::Rename { memory, name } => rename(state, memory, &name),
        MemoryCommand::NameAsked => {
            memories.to_rename = None;
            None
        }
        MemoryCommand::Switch { memory, is_on } => {
            let mut known = memories.known.iter_mut().flatten();
            known.find(|known| known.memory == memory)?.is_on = is_on;
            orders([MemoryOrder::Switch(memory, is_on)])
        }
        MemoryCommand::Delete(memory) => delete(state, memory, now),
        MemoryCommand::Restore(serial) => restore(state, serial),
        MemoryCommand::AskForFiles => ask(state, MemoryEffect::AskForFiles),
        MemoryCommand::AskForFolder => ask(state, MemoryEffect::AskForFolder),
        MemoryCommand::AskForTable => ask(state, MemoryEffect::AskForTable),
        MemoryCommand::Add(paths) => add(memories, paths),
        MemoryCommand::SetCaptions(captions) => {
            memories.captions = captions;
            None
        }
        MemoryCommand::KeepBackground(keeps) => {
            memories.keeps_background = keeps;
            None
        }
        MemoryCommand::StopAdding(memory) => orders([MemoryOrder::Stop(memory)]),
        MemoryCommand::Search(text) => {
            memories.query.text = text;
            list(memories)
        }
        MemoryCommand::GoneOnly(gone_only) => {
            memories.query.gone_only = gone_only;
            list(memories)
        }
        MemoryCommand::Select(id) => {
            memories.selected = id;
            None
        }
        MemoryCommand::Show { on_screen, missing } => {
            memories.thumbnails.touch(&on_screen);
            orders([MemoryOrder::Want(missing)])
        }
        MemoryCommand::SetCaption { id, caption } => set_caption(memories, id, &caption),
        MemoryCommand::Remove(id) => {
            memories.entry(id)?;
            let list = remove(state, vec![id], now)?;
            orders([MemoryOrder::Remove(vec![id]), list])
        }
        MemoryCommand::RemoveGone => {
            // The list of all of them is looked at first.
            memories.query =
                EntryQuery { memory: Some(memories.chosen?), text: String::new(), gone_only: true };
            memories.removes_gone = true;
            list(memories)
        }
        MemoryCommand::Inspire(id) => inspire(state, id, now),
        MemoryCommand::ShowInFolder(path) => Some(Effect::Memory(MemoryEffect::Reveal(path))),
        MemoryCommand::Export(memory) => {
            let stem = file_stem(&memories.get(memory)?.name);
            ask(state, MemoryEffect::AskWhereToExport { memory, stem })
        }
        MemoryCommand::Import => ask(state, MemoryEffect::AskWhatToImport),
        MemoryCommand::ReadReport(memory) => {
            memories.open_report = memory;
            None
        }
        MemoryCommand::ReadProblems(memory) => orders([MemoryOrder::Problems(memory)]),
        MemoryCommand::DismissReport(memory) => {
            memories.reports.retain(|report| report.memory != memory);
            memories.open_report = None;
            None
        }
    }
}

/// Takes over what a dialog says.
pub(super) fn answer(state: &mut AppState, answer: MemoryAnswer) -> Option<Effect> {
    match answer {
        MemoryAnswer::Pictures(paths) => add(&mut state.memories, paths),
        MemoryAnswer::Table(path) => {
            state.memories.captions = Captions::Table(path);
            None
        }
        MemoryAnswer::ExportTo { memory, path } => orders([MemoryOrder::Export(memory, path)]),
        MemoryAnswer::Import(path) => orders([MemoryOrder::Import(path)]),
    }
}

/// Takes over what the thread says.
pub(in crate::app) fn event(state: &mut AppState, event: MemoryEvent, now: f64) -> Option<Effect> {
    let memories = &mut state.memories;
    match event {
        MemoryEvent::Memories(known) => {
            if memories.take_known(known) && memories.is_open {
                return show(memories);
            }
        }
        MemoryEvent::Snapshots(snapshots) => memories.snapshots = snapshots,
        // A newer query is under way.
        MemoryEvent::Entries(listing) if listing.query != memories.query => {}
        MemoryEvent::Entries(listing) => {
            memories.take_listing(*listing);
            if std::mem::take(&mut memories.removes_gone) {
                let ids: Vec<_> = memories.entries().iter().map(|entry| entry.id).collect();
                let list = remove(state, ids.clone(), now)?;
                return orders([MemoryOrder::Remove(ids), list]);
            }
        }
        MemoryEvent::Thumbnail { id, result } => memories.thumbnails.insert(id, result),
        MemoryEvent::Snapshot(snapshot) => {
            let wanted = memories.to_inspire.take_if(|entry| snapshot.holds(entry));
            if let Some(entry) = wanted {
                return take_as_inspiration(state, &snapshot, &entry, now);
            }
            return style::snapshot(state, &snapshot);
        }
        MemoryEvent::Problems { memory, problems } => {
            memories.reports.retain(|report| report.memory != memory);
            memories.reports.push(AddReport { problems, ..AddReport::nothing(memory) });
            memories.open_report = Some(memory);
        }
        MemoryEvent::Created(id) => return created(memories, id),
        MemoryEvent::Restored(id) => {
            memories.comes_back.take_if(|awaited| *awaited == id);
        }
        MemoryEvent::Adding(progress) => {
            match memories.adding.iter_mut().find(|adding| adding.memory == progress.memory) {
                Some(adding) => *adding = progress,
                None => memories.adding.push(progress),
            }
        }
        MemoryEvent::Added(report) => added(state, *report, now),
        MemoryEvent::Exported { path, n_entries } => {
            let headline = match n_entries {
                1 => "Exported 1 picture".to_owned(),
                n => format!("Exported {n} pictures"),
            };
            state.notices.saved(now, headline, path);
        }
        MemoryEvent::Failed { headline, details } => {
            memories.names_next = false;
            memories.to_add.clear();
            // A memory that was asked for does not come.
            memories.to_inspire = None;
            memories.comes_back = None;
            if state.style_sheet.as_ref().is_some_and(|sheet| sheet.snapshot.is_none()) {
                state.style_sheet = None;
            }
            state.notices.error(&Failure { headline, details });
        }
        MemoryEvent::Trouble(trouble) => {
            // The page has a place for it.
            if let Some((headline, details)) = trouble.clone().filter(|_| !memories.is_open) {
                state.notices.warning(headline, Some(details));
            }
            state.memories.trouble = trouble;
        }
    }
    None
}

#[expect(clippy::unnecessary_wraps, reason = "every wish is answered by an effect or none")]
fn orders<const N: usize>(orders: [MemoryOrder; N]) -> Option<Effect> {
    Some(Effect::Memory(MemoryEffect::Orders(orders.into())))
}

/// Lists the chosen memory and looks after its files, once per session without being asked.
fn show(memories: &mut Memories) -> Option<Effect> {
    let list = MemoryOrder::List(memories.query.clone());
    let has_files = |id: &MemoryId| memories.get(*id).is_some_and(|known| known.n_entries > 0);
    let is_due = |id: &MemoryId| !memories.looked_after.contains(id) && has_files(id);
    match memories.chosen.filter(is_due) {
        Some(id) => orders([list, look_again(memories, id)]),
        None => orders([list]),
    }
}

fn look_again(memories: &mut Memories, id: MemoryId) -> MemoryOrder {
    if memories.looked_after.contains(&id) {
        return MemoryOrder::Begin;
    }
    memories.looked_after.push(id);
    memories.quiet.push(id);
    MemoryOrder::Rescan(id)
}

fn list(memories: &Memories) -> Option<Effect> {
    orders([MemoryOrder::List(memories.query.clone())])
}

fn ask(state: &mut AppState, effect: MemoryEffect) -> Option<Effect> {
    open_dialog(state).then_some(Effect::Memory(effect))
}

fn rename(state: &mut AppState, memory: MemoryId, name: &str) -> Option<Effect> {
    let memories = &mut state.memories;
    let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let name: String = name.chars().take(MAX_NAME_CHARS).collect();
    let before = memories.get(memory)?.name.clone();
    if name.is_empty() || name == before {
        return None;
    }
    if memories.all().iter().any(|known| known.memory != memory && known.name == name) {
        let details = String::new();
        let headline = format!("Another memory is called “{name}”; choose a different name");
        state.notices.error(&Failure { headline, details });
        return None;
    }
    let mut known = memories.known.iter_mut().flatten();
    known.find(|known| known.memory == memory)?.name.clone_from(&name);
    orders([MemoryOrder::Rename(memory, name)])
}

fn delete(state: &mut AppState, memory: MemoryId, now: f64) -> Option<Effect> {
    let memories = &mut state.memories;
    let name = memories.get(memory)?.name.clone();
    let left = memories.all().iter().filter(|known| known.memory != memory).cloned().collect();
    memories.reports.retain(|report| report.memory != memory);
    let has_changed = memories.take_known(left);
    let serial = memories.remember_removed(RemovedWhat::Memory(memory));
    let action = NoticeAction::PutBack(serial);
    state.notices.undoable(now, format!("Deleted the memory “{name}”"), action);
    let delete = MemoryOrder::Delete(memory);
    if has_changed {
        return orders([delete, MemoryOrder::List(state.memories.query.clone())]);
    }
    orders([delete])
}

fn restore(state: &mut AppState, serial: u64) -> Option<Effect> {
    state.notices.dismiss_action(&NoticeAction::PutBack(serial));
    let memories = &mut state.memories;
    let place = memories.removed.iter().position(|removed| removed.serial == serial)?;
    match memories.removed.remove(place).what {
        RemovedWhat::Entries { memory, ids } => {
            let selected = ids.first().copied();
            if memories.chosen == Some(memory) && memories.selected.is_none() {
                memories.selected = selected;
            }
            orders([MemoryOrder::PutBack(ids)])
        }
        RemovedWhat::Memory(memory) => {
            memories.choose(Some(memory));
            memories.comes_back = Some(memory);
            let list = MemoryOrder::List(memories.query.clone());
            orders([MemoryOrder::Restore(memory), list])
        }
    }
}

/// Pictures go into the chosen memory; the first ones make it.
fn add(memories: &mut Memories, paths: Vec<PathBuf>) -> Option<Effect> {
    let Some(memory) = memories.chosen else {
        let name = memories.free_name(&folder_name(&paths).unwrap_or_else(|| NAME.to_owned()));
        memories.to_add.extend(paths);
        return orders([MemoryOrder::Create(name)]);
    };
    if paths.is_empty() {
        return None;
    }
    memories.reports.retain(|report| report.memory != memory);
    orders([MemoryOrder::Add(AddPictures {
        memory,
        paths,
        captions: memories.captions.clone(),
        removes_background: !memories.keeps_background,
    })])
}

/// Puts an entry into a place of *Inspired by*; what the model looks at is asked for if it is not
/// there.
fn inspire(state: &mut AppState, id: RememberedId, now: f64) -> Option<Effect> {
    let entry = state.memories.entry(id)?.clone();
    let memory = state.memories.chosen?;
    if let Some(Ok(pixels)) = state.memories.thumbnails.get(id) {
        state.thumbnails.insert(entry.entry, Arc::clone(pixels));
    }
    let known = state.memories.snapshots.iter().find(|snapshot| snapshot.memory == memory);
    if let Some(snapshot) = known.filter(|snapshot| snapshot.holds(&entry)).cloned() {
        return take_as_inspiration(state, &snapshot, &entry, now);
    }
    state.memories.to_inspire = Some(entry);
    orders([MemoryOrder::Snapshot(memory)])
}

fn take_as_inspiration(
    state: &mut AppState,
    snapshot: &OwnMemory,
    entry: &KnownEntry,
    now: f64,
) -> Option<Effect> {
    let picture = RememberedPicture::of(snapshot, entry.entry)?;
    state.memories.is_open = false;
    let recipe = &mut state.settings.recipe;
    let is_free =
        |slot_idx: &usize| recipe.is_open(*slot_idx) && state.slots[*slot_idx].chosen.is_none();
    let slot_idx = (0..state.slots.len()).find(is_free).unwrap_or(0);
    recipe.set_open(slot_idx, true);
    state.slots.get_mut(slot_idx)?.chosen = Some(Inspiration::Remembered(Arc::new(picture)));
    state.timeline.is_setting_changed = true;
    let headline = format!("“{}” inspires the next pictures", entry.caption);
    state.notices.info(now, headline);
    Some(Effect::Draw)
}

fn created(memories: &mut Memories, id: MemoryId) -> Option<Effect> {
    memories.choose(Some(id));
    if std::mem::take(&mut memories.names_next) {
        memories.to_rename = Some(id);
    }
    let list = MemoryOrder::List(memories.query.clone());
    let paths = std::mem::take(&mut memories.to_add);
    match add(memories, paths) {
        Some(Effect::Memory(MemoryEffect::Orders(mut orders))) => {
            orders.insert(0, list);
            Some(Effect::Memory(MemoryEffect::Orders(orders)))
        }
        _ => orders([list]),
    }
}

fn set_caption(memories: &mut Memories, id: RememberedId, caption: &str) -> Option<Effect> {
    let caption = caption.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut entries = memories.listing.iter_mut().flat_map(|listing| &mut listing.entries);
    let entry = entries.find(|entry| entry.id == id)?;
    if caption.is_empty() || entry.caption == caption {
        return None;
    }
    entry.caption.clone_from(&caption);
    orders([MemoryOrder::SetCaption(id, caption)])
}

/// Takes entries off the list and offers them back; the list that comes is of the same query.
fn remove(state: &mut AppState, ids: Vec<RememberedId>, now: f64) -> Option<MemoryOrder> {
    let memories = &mut state.memories;
    let memory = memories.chosen?;
    let headline = match ids.as_slice() {
        [] => return None,
        [id] => match memories.entry(*id) {
            Some(entry) => format!("Removed “{}”", entry.caption),
            None => "Removed 1 picture".to_owned(),
        },
        ids => format!("Removed {} pictures", ids.len()),
    };
    memories.remove(&ids);
    if memories.query.gone_only && memories.entries().is_empty() {
        memories.query.gone_only = false;
    }
    let serial = memories.remember_removed(RemovedWhat::Entries { memory, ids });
    state.notices.undoable(now, headline, NoticeAction::PutBack(serial));
    Some(MemoryOrder::List(state.memories.query.clone()))
}

fn added(state: &mut AppState, report: AddReport, now: f64) {
    let memories = &mut state.memories;
    memories.adding.retain(|adding| adding.memory != report.memory);
    let was_quiet = memories.quiet.contains(&report.memory);
    memories.quiet.retain(|quiet| *quiet != report.memory);
    if was_quiet && report.is_void() {
        return;
    }
    memories.reports.retain(|other| other.memory != report.memory);
    if !memories.is_open {
        let name = memories.get(report.memory).map_or("", |known| &known.name);
        let headline = format!("{} in “{name}”", report.headline());
        state.notices.done(now, headline, None);
    }
    state.memories.reports.push(report);
}

/// Of the folder that pictures come from, if it is one.
fn folder_name(paths: &[PathBuf]) -> Option<String> {
    let [path] = paths else { return None };
    // A folder has no ending; to look at the disk would be to wait for it.
    if path.extension().is_some() {
        return None;
    }
    let name = path.file_name()?.to_string_lossy();
    let name = name.split(|c: char| c.is_control() || c.is_whitespace() || c == '_');
    let name = name.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let name: String = name.chars().take(MAX_NAME_CHARS).collect();
    (!name.is_empty()).then_some(name)
}

/// A memory's name as that of a file.
fn file_stem(name: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '_' };
    let stem: String = name.chars().map(kept).collect();
    let stem = stem.trim_matches('_').to_owned();
    if Path::new(&stem).file_name().is_none() { "memory".to_owned() } else { stem }
}

#[cfg(test)]
mod tests;
