//! Inspirations of pictures that come back from files and from the tree: what was chosen is chosen
//! again, what was retrieved is left to the memory if that still has it, and is otherwise kept by
//! the ids that came with the picture.

use std::sync::Arc;

use crate::imaging::RgbaImage;
use crate::imaging::metadata::{InspirationRecord, PictureRecord};
use crate::protocol::{self, Inspiration, InspiredBy, Kept, KeptError};
use crate::state::inspiration::pinned;
use crate::state::{AppState, NodeId, Opened};

/// What a picture looked at, as it is put into the slots again.
#[derive(Debug, Default)]
pub(super) struct Restored {
    /// By slot index.
    pub(super) chosen: Vec<(usize, Inspiration)>,
    /// What no memory has any more, and whose ids are used instead.
    pub(super) missing: Vec<InspiredBy>,
}

/// The slots of a picture in a file; what cannot be had is added to `lost`.
pub(super) fn of_record(
    state: &AppState,
    opened: &Opened,
    record: &PictureRecord,
    lost: &mut Vec<String>,
) -> Restored {
    let mut restored = Restored::default();
    let has_our_ids = has_ids_of_model(state, record);
    for (inspiration, pixels) in record.inspirations.iter().zip(&opened.inspirations) {
        let used = InspiredBy::from(inspiration);
        let is_missing = !inspiration.entry.is_empty() && state.has_lost(&used);
        let stays_retrieved = !inspiration.chosen && used.memory.is_empty() && !is_missing;
        if stays_retrieved {
            continue;
        }
        if let Some(chosen) = chosen(state, inspiration, pixels.as_ref(), has_our_ids) {
            let is_by_ids = matches!(chosen, Inspiration::Remembered(_));
            restored.chosen.push((inspiration.slot, chosen));
            if is_missing && is_by_ids {
                restored.missing.push(used);
            }
        } else {
            let name = &inspiration.caption;
            lost.push(format!("the inspiration “{name}”, which is not in the file"));
        }
    }
    restored
}

/// Keeps what a picture of the tree looked at and no memory has any more. Returns what that is.
pub(super) fn repair_node(state: &mut AppState, id: NodeId) -> Vec<InspiredBy> {
    let Some(node) = state.branches.get(id) else { return Vec::new() };
    let is_lost = |used: &&InspiredBy| {
        let is_chosen = node.chosen.iter().any(|(slot_idx, _)| *slot_idx == used.slot);
        !is_chosen && !used.ids.is_empty() && state.has_lost(used)
    };
    let lost: Vec<_> = node.about.inspired_by.iter().filter(is_lost).cloned().collect();
    for used in &lost {
        state.branches.choose(id, used.slot, pinned(used));
    }
    lost
}

/// Says what is not in the memory any more, in one notice.
pub(super) fn tell_missing(state: &mut AppState, missing: &[InspiredBy], now: f64) {
    let names: Vec<_> = missing.iter().map(|used| format!("“{}”", used.caption)).collect();
    let headline = match &names[..] {
        [] => return,
        [name] => format!("{name} is not in the memory any more; it is used as the file has it"),
        [names @ .., last] => {
            let names = names.join(", ");
            format!(
                "{names} and {last} are not in the memory any more; they are used as the file has \
                 them"
            )
        }
    };
    state.notices.told(now, headline, None);
}

fn chosen(
    state: &AppState,
    inspiration: &InspirationRecord,
    pixels: Option<&Arc<RgbaImage>>,
    has_our_ids: bool,
) -> Option<Inspiration> {
    let model = state.model()?;
    let size_px = model.image_size_px as u32;
    if let Some(pixels) = pixels.filter(|pixels| pixels.dimensions() == (size_px, size_px)) {
        let name = inspiration.caption.clone();
        return Some(Inspiration::Picture { name, pixels: Arc::clone(pixels) });
    }
    match protocol::inspiration_from(inspiration).ok()? {
        // Ids of another model say nothing to this one.
        Inspiration::Remembered(picture) if !has_our_ids => {
            model.holds(picture.entry).then_some(Inspiration::Entry(picture.entry))
        }
        Inspiration::Entry(entry) => model.holds(entry).then_some(Inspiration::Entry(entry)),
        Inspiration::Picture { .. } => None,
        chosen @ Inspiration::Remembered(_) => Some(chosen),
    }
}

fn has_ids_of_model(state: &AppState, record: &PictureRecord) -> bool {
    let Some(model) = state.model() else { return false };
    let of_model = Kept::from_record(record, model);
    !matches!(of_model, Err(KeptError::OtherModel { .. } | KeptError::OtherWeights { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::apply::tests::ready;
    use crate::imaging::metadata::{ModelRecord, Recalled, SourceApp, TokenPyramid};
    use crate::protocol::EntryId;
    use crate::state::Engine;

    /// The name of a picture that has this id everywhere.
    fn entry(id: u16) -> EntryId {
        EntryId::of([id; 30])
    }

    fn inspiration(slot: usize, id: u16, memory: &str, is_chosen: bool) -> InspirationRecord {
        let ids = (1..=4).map(|side| vec![u32::from(id); side * side]).collect();
        InspirationRecord {
            slot,
            entry: format!("{:016x}", entry(id).0),
            caption: format!("picture {id}"),
            memory: memory.to_owned(),
            chosen: is_chosen,
            tokens: TokenPyramid::new(&[1, 2, 3, 4], ids).ok(),
            ..InspirationRecord::default()
        }
    }

    fn record(inspirations: Vec<InspirationRecord>) -> PictureRecord {
        let tokens = (1..=4).map(|side| vec![0; side * side]).collect();
        PictureRecord {
            model: ModelRecord { name: "test".to_owned(), ..ModelRecord::default() },
            tokens: TokenPyramid::new(&[1, 2, 3, 4], tokens).ok(),
            inspirations,
            ..PictureRecord::default()
        }
    }

    fn recalled() -> Recalled {
        Recalled {
            app: SourceApp::Underpaint,
            app_version: None,
            place: String::new(),
            prompt: String::new(),
            negative: String::new(),
            seed: None,
            steps: None,
            cfg: None,
            sampler: None,
            size_px: None,
            model: None,
            model_hash: None,
            extra: Vec::new(),
            record: None,
            ignored: Vec::new(),
        }
    }

    fn restored(record: &PictureRecord) -> (Restored, Vec<String>) {
        let opened = Opened {
            path: "a.png".into(),
            picture: None,
            pixels: None,
            recalled: recalled(),
            record: None,
            controls: Vec::new(),
            inspirations: vec![None; record.inspirations.len()],
            choice: None,
        };
        let mut lost = Vec::new();
        let mut state = ready();
        let mut info = state.model().expect("it is ready").clone();
        let mut held: Vec<_> = (1..=9).map(entry).collect();
        held.sort_unstable();
        info.memory_entries = held.into();
        state.engine = Engine::Ready(info);
        let restored = of_record(&state, &opened, record, &mut lost);
        (restored, lost)
    }

    fn slots(restored: &Restored) -> Vec<usize> {
        restored.chosen.iter().map(|(slot_idx, _)| *slot_idx).collect()
    }

    #[test]
    fn what_was_chosen_is_chosen_and_what_the_memory_has_is_left_to_it() {
        let record = record(vec![inspiration(0, 3, "", false), inspiration(1, 4, "", true)]);
        let (restored, lost) = restored(&record);
        assert_eq!((slots(&restored), restored.missing.len(), lost), (vec![1], 0, Vec::new()));
        let [(1, Inspiration::Remembered(picture))] = &restored.chosen[..] else {
            panic!("{restored:?}")
        };
        assert_eq!((picture.entry, picture.ids.len()), (entry(4), 30));
    }

    #[test]
    fn what_no_memory_has_comes_back_by_its_ids_and_is_told() {
        let record = record(vec![
            inspiration(0, 99, "", false),
            inspiration(1, 98, "", true),
            inspiration(2, 97, "My cats", false),
        ]);
        let (restored, lost) = restored(&record);
        assert_eq!((slots(&restored), lost), (vec![0, 1, 2], Vec::new()));
        let missing: Vec<_> = restored.missing.iter().map(|used| used.entry).collect();
        assert_eq!(missing, [entry(99), entry(98)], "the user's own are not known yet");
        let mut state = ready();
        tell_missing(&mut state, &restored.missing, 0.0);
        let told = state.notices.iter().last().map(|notice| notice.headline.clone());
        let told = told.unwrap_or_default();
        assert!(told.starts_with("“picture 99” and “picture 98” are not in the memory"), "{told}");
    }

    #[test]
    fn ids_of_another_model_are_not_used() {
        let mut record = record(vec![inspiration(0, 4, "", true), inspiration(1, 99, "", true)]);
        record.model.name = "another".to_owned();
        let (restored, lost) = restored(&record);
        assert_eq!(restored.chosen, [(0, Inspiration::Entry(entry(4)))]);
        assert_eq!(lost.len(), 1);
    }

    #[test]
    fn damaged_records_are_told_of() {
        let mut nothing = inspiration(0, 99, "", true);
        nothing.tokens = None;
        nothing.entry = "no number".to_owned();
        let (restored, lost) = restored(&record(vec![nothing]));
        assert!(restored.chosen.is_empty());
        assert_eq!(lost, ["the inspiration “picture 99”, which is not in the file"]);
    }
}
