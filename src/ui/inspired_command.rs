//! What the user can do with *Inspired by* and the grid of candidates.

use super::command::UiCommand;
use crate::protocol::EntryId;

/// A wish that concerns the pictures that the model looks at. Slots and candidates are meant by
/// their index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InspiredCommand {
    /// Never retrieves what is in this slot and takes the next.
    Ban(usize),
    /// Shows what banned pictures look like.
    LookAtBanned,
    /// Lifts a ban.
    Allow(EntryId),
    /// Keeps what is in this slot for the next pictures too.
    Keep(usize),
    /// Gives a slot back to the memory.
    Release(usize),
    /// Exchanges what is in two slots and keeps both.
    Move {
        from: usize,
        to: usize,
    },
    /// Switches a slot on or off.
    SetOpen {
        slot_idx: usize,
        is_open: bool,
    },
    /// Switches all slots on or off.
    SetAllOpen(bool),
    /// Shows more candidates for this slot, or no longer.
    ShowCandidates(usize),
    CloseCandidates,
    /// Looks for other candidates; an empty text looks for the prompt.
    Search(String),
    /// Looks for the same again, after it has failed.
    SearchAgain,
    /// Moves the keyboard to a candidate.
    MoveTo(usize),
    /// Puts a candidate into the slot that the grid is open for.
    Choose {
        candidate_idx: usize,
        and_close: bool,
    },
    /// Bans a candidate, or allows it again.
    ToggleBan(usize),
}

impl From<InspiredCommand> for UiCommand {
    fn from(command: InspiredCommand) -> Self {
        Self::Inspired(command)
    }
}
