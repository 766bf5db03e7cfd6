//! Pictures on their way into *Inspired by*: the panel that shows what stays of one without its
//! background, those that wait for it, and what was replaced.

use std::collections::VecDeque;
use std::sync::Arc;

use super::AppState;
use super::import::ImportPicture;
use crate::document::{Point, StepId};
use crate::imaging::RgbaImage;
use crate::imaging::background::Ground;
use crate::imaging::cutout::Outcome;
use crate::imaging::metadata::PictureRecord;
use crate::protocol::{EntryId, Inspiration, ModelInfo, Provenance, RememberedPicture};

/// Replaced pictures that can be brought back.
const MAX_REPLACED: usize = 16;
/// Longer ones are no caption any more.
const MAX_CAPTION_CHARS: usize = 120;

/// What of a picture's background goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub removes_background: bool,
    /// How much a colour may differ and still be background, in every channel.
    pub tolerance: u8,
}

impl Default for Cut {
    fn default() -> Self {
        Self { removes_background: false, tolerance: Ground::DEFAULT_TOLERANCE }
    }
}

/// What the panel is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddSettings {
    pub slot_idx: usize,
    /// What is written under the picture.
    pub name: String,
    pub cut: Cut,
}

/// What the next picture was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutAsked {
    pub serial: u64,
    pub cut: Cut,
    /// Of the model's pictures.
    pub size_px: usize,
}

/// A picture as the model will see it.
#[derive(Debug, Clone)]
pub struct CutFound {
    /// That of what was asked.
    pub serial: u64,
    /// Or one sentence without a full stop.
    pub result: Result<CutViews, String>,
}

/// A picture fitted as those that the model was trained on; straight alpha, square.
#[derive(Debug, Clone)]
pub struct CutViews {
    /// With its background.
    pub before: Arc<RgbaImage>,
    /// As it was asked for; the same picture if nothing was taken away.
    pub after: Arc<RgbaImage>,
    /// [`Outcome::Transparent`] if nothing was to be taken away.
    pub outcome: Outcome,
}

/// The panel while it is open.
#[derive(Debug, Clone)]
pub struct Adding {
    pub picture: Arc<ImportPicture>,
    pub settings: AddSettings,
    /// What is being looked for, or was last.
    pub asked: Option<CutAsked>,
    /// What was found last. Not of the newest settings while [`Self::is_working`].
    pub found: Option<CutFound>,
    /// The user has accepted already; it is done once the newest settings are shown.
    pub is_accepted: bool,
}

impl Adding {
    /// Whether the settings have changed since what was found.
    pub fn is_working(&self) -> bool {
        let asked = self.asked.map(|asked| asked.serial);
        asked.is_none() || asked != self.found.as_ref().map(|found| found.serial)
    }
}

/// A picture that was read and looked at.
#[derive(Debug, Clone)]
pub struct Offer {
    /// Where it was dropped; `None` takes the first free place.
    pub slot_idx: Option<usize>,
    pub picture: Arc<ImportPicture>,
    /// What its file tells, if it is one of ours.
    pub record: Option<Arc<PictureRecord>>,
    pub look: FirstLook,
}

/// What a picture looks like with and without its background, before anybody was asked.
#[derive(Debug, Clone)]
pub struct FirstLook {
    pub size_px: usize,
    pub views: CutViews,
    /// It stands on a transparent ground: there is nothing to ask.
    pub is_cut_out: bool,
    /// The background goes round most of it.
    pub is_convincing: bool,
}

/// A part of the canvas: two opposite corners in pixels of the canvas, which may lie outside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CanvasPart {
    pub from: Point,
    pub to: Point,
}

impl CanvasPart {
    /// What is smaller than this was meant as a click.
    pub const MIN_SIDE_PX: f32 = 8.0;

    /// Whether both sides are long enough to be meant.
    pub fn is_meant(&self) -> bool {
        [0, 1].iter().all(|axis| (self.to[*axis] - self.from[*axis]).abs() >= Self::MIN_SIDE_PX)
    }

    /// Left, top, width and height in pixels of a picture that fills the canvas; `None` if nothing
    /// of the picture is in it.
    pub fn in_picture(&self, canvas_px: usize, size: (u32, u32)) -> Option<[u32; 4]> {
        let span = |axis: usize, n_pixels: u32| {
            let scale = n_pixels as f32 / canvas_px.max(1) as f32;
            let (a, b) = (self.from[axis] * scale, self.to[axis] * scale);
            let first = a.min(b).round().clamp(0.0, n_pixels as f32) as u32;
            let end = a.max(b).round().clamp(0.0, n_pixels as f32) as u32;
            (end > first).then_some((first, end - first))
        };
        let ((left, width), (top, height)) = (span(0, size.0)?, span(1, size.1)?);
        Some([left, top, width, height])
    }
}

/// A picture that made room for another one.
#[derive(Debug, Clone)]
pub struct Replaced {
    /// Names it in notices.
    pub serial: u64,
    pub slot_idx: usize,
    pub before: Option<Inspiration>,
    pub after: Inspiration,
    /// The step that it was, in the project of this number.
    pub step: StepId,
    pub project: u64,
}

/// Everything about pictures for *Inspired by* that outlives one.
#[derive(Debug, Clone, Default)]
pub struct AddInspirations {
    /// The panel, while it is open.
    pub open: Option<Adding>,
    /// Pictures that came together with the one in the panel.
    pub waiting: VecDeque<Offer>,
    /// The next drag over the canvas takes a part of the picture.
    pub is_taking_part: bool,
    /// Newest last.
    replaced: Vec<Replaced>,
    last_serial: u64,
}

impl AddInspirations {
    /// A number for a new question or notice, larger than all before.
    pub fn next_serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }

    pub fn remember(&mut self, replaced: Replaced) {
        if self.replaced.len() >= MAX_REPLACED {
            self.replaced.remove(0);
        }
        self.replaced.push(replaced);
    }

    /// Forgets what was replaced in a place; gives the serials of that.
    pub fn forget_place(&mut self, slot_idx: usize) -> Vec<u64> {
        let of_place = |replaced: &&Replaced| replaced.slot_idx == slot_idx;
        let serials = self.replaced.iter().filter(of_place).map(|replaced| replaced.serial);
        let serials = serials.collect();
        self.replaced.retain(|replaced| replaced.slot_idx != slot_idx);
        serials
    }

    /// What was replaced, once.
    pub fn take_replaced(&mut self, serial: u64) -> Option<Replaced> {
        let place = self.replaced.iter().position(|replaced| replaced.serial == serial)?;
        Some(self.replaced.remove(place))
    }
}

impl AppState {
    /// The place of *Inspired by* that the next picture goes to: the first without a picture that
    /// the user chose, if it can be one that is switched on; or the first of all.
    pub fn free_slot(&self) -> usize {
        let is_free = |slot_idx: &usize| self.slots[*slot_idx].chosen.is_none();
        let mut free = (0..self.slots.len()).filter(is_free);
        let is_open = |slot_idx: &usize| self.settings.recipe.is_open(*slot_idx);
        free.clone().find(is_open).or_else(|| free.next()).unwrap_or(0)
    }
}

/// A picture of the model's own making as its ids, so that nothing of it is lost; `None` if the
/// model cannot look at them: they are too few, or of a model of another kind.
pub fn remembered(
    ids: &[Vec<u32>],
    model: &ModelInfo,
    caption: &str,
    source: &str,
) -> Option<RememberedPicture> {
    let n_ids = model.n_tokens();
    if !ids.iter().map(Vec::len).eq(n_ids) {
        return None;
    }
    let ids = ids.iter().flatten().map(|id| u16::try_from(*id).ok());
    let ids: Arc<[u16]> = ids.collect::<Option<_>>()?;
    Some(RememberedPicture {
        entry: EntryId::of(ids.iter().copied()),
        caption: caption_of(caption),
        style: String::new(),
        source: source.to_owned(),
        licence: String::new(),
        memory: String::new(),
        provenance: Provenance::Given,
        ids,
    })
}

/// A text on one line, cut where it is no caption any more.
pub fn caption_of(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_CAPTION_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_canvas_is_cut_at_the_picture() {
        let part = |from, to| CanvasPart { from, to };
        let whole = part([-5.0, -5.0], [400.0, 300.0]);
        assert_eq!(whole.in_picture(256, (256, 256)), Some([0, 0, 256, 256]));
        let back = part([200.5, 100.0], [100.0, 50.2]);
        assert_eq!(back.in_picture(256, (256, 256)), Some([100, 50, 101, 50]));
        assert_eq!(back.in_picture(256, (128, 64)), Some([50, 13, 50, 12]));
        assert_eq!(part([300.0, 0.0], [320.0, 9.0]).in_picture(256, (256, 256)), None);
        assert!(back.is_meant() && !part([3.0, 3.0], [9.0, 90.0]).is_meant());
    }

    #[test]
    fn captions_are_short_and_on_one_line() {
        assert_eq!(caption_of(" a\nred\t apple "), "a red apple");
        let long = "ä".repeat(500);
        assert_eq!(caption_of(&long).chars().count(), MAX_CAPTION_CHARS + 1);
    }

    #[test]
    fn what_was_replaced_is_brought_back_once_and_memory_is_bounded() {
        let mut adding = AddInspirations::default();
        let replaced = |serial| Replaced {
            serial,
            slot_idx: 0,
            before: None,
            after: Inspiration::Entry(EntryId(serial)),
            step: StepId::default(),
            project: 0,
        };
        for _ in 0..40 {
            let serial = adding.next_serial();
            adding.remember(replaced(serial));
        }
        assert!(adding.take_replaced(1).is_none());
        assert_eq!(adding.take_replaced(40).map(|replaced| replaced.serial), Some(40));
        assert!(adding.take_replaced(40).is_none());
    }
}
