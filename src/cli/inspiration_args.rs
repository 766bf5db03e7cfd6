//! Options of `generate` about what a picture is inspired by.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use clap::Args as ClapArgs;

use super::CliError;
use crate::protocol::{EntryId, Inspiration, MemoryRequest, ModelInfo, OwnMemory};

/// Greatest reference strength.
const MAX_STRENGTH: f32 = 2.0;
/// Hexadecimal digits of an entry.
const N_ENTRY_DIGITS: usize = 16;

#[derive(Debug, Clone, Default, ClapArgs)]
pub struct InspirationArgs {
    /// Picture to be inspired by, before those that are remembered; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub inspire: Vec<PathBuf>,
    /// Leave the background of pictures from files; otherwise what goes round most of the picture in
    /// one colour is taken away.
    #[arg(long)]
    pub keep_background: bool,
    /// One of your memories to look into, before the one that comes with the program; may be
    /// repeated. See `underpaint memory`.
    #[arg(long, value_name = "NAME")]
    pub memory: Vec<String>,
    /// Paint without looking for remembered pictures.
    #[arg(long, conflicts_with = "memory")]
    pub no_memory: bool,
    /// Remembered picture that must not be used, by the number that --json tells; may be repeated.
    #[arg(long, value_name = "ENTRY", value_parser = entry)]
    pub ban: Vec<EntryId>,
    /// Picture for one of the places, from 1: a file, or a remembered picture by its number. Such as
    /// 1=cat.png; may be repeated.
    #[arg(long, value_name = "SLOT=ENTRY|FILE")]
    pub pin: Vec<Pin>,
    /// Place, from 1, that stays empty; may be repeated.
    #[arg(long, value_name = "SLOT", value_parser = slot_idx)]
    pub close_slot: Vec<usize>,
    /// How closely the picture in the first place is followed, 0 to 2.
    #[arg(
        long, value_name = "X", value_parser = reference_strength, allow_negative_numbers = true
    )]
    pub reference_strength: Option<f32>,
}

/// `--pin 1=cat.png`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub slot_idx: usize,
    pub picture: PinnedPicture,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinnedPicture {
    Entry(EntryId),
    File(PathBuf),
}

impl FromStr for Pin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (slot, picture) = text
            .split_once('=')
            .filter(|(_, picture)| !picture.is_empty())
            .ok_or_else(|| "write SLOT=FILE or SLOT=ENTRY, such as 1=cat.png".to_owned())?;
        // Nobody names a file like that without an ending, and if so, ./ before it helps.
        let picture = match entry(picture) {
            Ok(entry) => PinnedPicture::Entry(entry),
            Err(_) => PinnedPicture::File(PathBuf::from(picture)),
        };
        Ok(Self { slot_idx: slot_idx(slot)?, picture })
    }
}

impl InspirationArgs {
    /// The files in the order of [`Self::request`]'s pictures.
    pub(super) fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let pinned = self.pin.iter().filter_map(|pin| match &pin.picture {
            PinnedPicture::File(file) => Some(file),
            PinnedPicture::Entry(_) => None,
        });
        pinned.chain(&self.inspire)
    }

    /// That the places exist and are asked for once.
    ///
    /// # Errors
    /// [`CliError::Usage`].
    pub(super) fn check(&self, info: &ModelInfo) -> Result<(), CliError> {
        let usage = |message: String| Err(CliError::Usage(message));
        let n_slots = info.n_memory_slots;
        let pinned = || self.pin.iter().map(|pin| pin.slot_idx);
        if let Some(slot_idx) = pinned().chain(self.close_slot.iter().copied()).max()
            && slot_idx >= n_slots
        {
            return usage(format!(
                "there is no place {}: this model looks at up to {n_slots} pictures",
                slot_idx + 1
            ));
        }
        for (idx, slot_idx) in pinned().enumerate() {
            if pinned().take(idx).any(|other| other == slot_idx) {
                return usage(format!("--pin {} is given twice; keep one", slot_idx + 1));
            }
            if self.close_slot.contains(&slot_idx) {
                return usage(format!(
                    "place {0} is closed by --close-slot {0}; leave out that or the --pin",
                    slot_idx + 1
                ));
            }
        }
        let n_free = self.free_slots(n_slots).count();
        if self.inspire.len() > n_free {
            return usage(format!(
                "--inspire can be given up to {n_free} times with this model{}",
                if n_free < n_slots { " and the places that are taken" } else { "" }
            ));
        }
        Ok(())
    }

    /// What the generator may look at. `pictures` are those of [`Self::files`], `own` the memories
    /// of [`Self::memory`], and the options have been checked.
    pub(super) fn request(
        &self,
        mut pictures: impl Iterator<Item = Inspiration>,
        own: Vec<Arc<OwnMemory>>,
        info: &ModelInfo,
    ) -> MemoryRequest {
        let mut chosen = Vec::new();
        for pin in &self.pin {
            let picture = match pin.picture {
                PinnedPicture::Entry(entry) => Some(Inspiration::Entry(entry)),
                PinnedPicture::File(_) => pictures.next(),
            };
            chosen.extend(picture.map(|picture| (pin.slot_idx, picture)));
        }
        chosen.extend(self.free_slots(info.n_memory_slots).zip(pictures));
        let strength = self.reference_strength;
        MemoryRequest {
            retrieval: !self.no_memory,
            banned: self.ban.clone(),
            chosen,
            reference_strength: strength.unwrap_or(MemoryRequest::default().reference_strength),
            closed_slots: self.close_slot.clone(),
            own,
        }
    }

    /// Places that are neither pinned nor closed.
    fn free_slots(&self, n_slots: usize) -> impl Iterator<Item = usize> {
        let is_pinned = |slot_idx| self.pin.iter().any(|pin| pin.slot_idx == slot_idx);
        (0..n_slots)
            .filter(move |slot_idx| !is_pinned(*slot_idx) && !self.close_slot.contains(slot_idx))
    }
}

fn entry(text: &str) -> Result<EntryId, String> {
    let is_entry = text.len() == N_ENTRY_DIGITS && text.bytes().all(|c| c.is_ascii_hexdigit());
    let entry = is_entry.then(|| u64::from_str_radix(text, 16).ok()).flatten();
    entry.map(EntryId).ok_or_else(|| format!("give the {N_ENTRY_DIGITS} digits of an entry"))
}

fn slot_idx(text: &str) -> Result<usize, String> {
    let number: Option<usize> = text.trim().parse().ok();
    number
        .and_then(|number| number.checked_sub(1))
        .ok_or_else(|| "number the places from 1".to_owned())
}

fn reference_strength(text: &str) -> Result<f32, String> {
    super::args::number(text, MAX_STRENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_name_a_place_and_a_picture() {
        let parse = |text: &str| text.parse::<Pin>();
        let entry = PinnedPicture::Entry(EntryId(0x00ab_cdef_0123_4567));
        assert_eq!(parse("1=00abcdef01234567"), Ok(Pin { slot_idx: 0, picture: entry }));
        let file = PinnedPicture::File(PathBuf::from("a=b.png"));
        assert_eq!(parse("3=a=b.png"), Ok(Pin { slot_idx: 2, picture: file }));
        for (text, words) in [
            ("cat.png", "SLOT=FILE"),
            ("1=", "SLOT=FILE"),
            ("0=a.png", "from 1"),
            ("x=a", "from 1"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(words), "{text}: {message}");
        }
        for text in ["+0abcdef01234567", "00abcdef0123456", "00abcdef0123456g", ""] {
            assert!(super::entry(text).is_err(), "{text}");
        }
    }
}
