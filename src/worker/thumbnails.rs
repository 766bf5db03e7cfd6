//! Small pictures of what the generator looked at: made after the job, one at a time, each sent
//! once in the worker's life.

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::run::{Closed, Outbox, panic_failure};
use crate::model::Generator;
use crate::protocol::{EntryId, Event, InspiredBy};

#[derive(Debug, Default)]
pub(super) struct Thumbnails {
    /// Of the newest job that began; never in `sent`.
    wanted: VecDeque<InspiredBy>,
    sent: HashSet<EntryId>,
}

impl Thumbnails {
    /// Replaces what an older job wanted: those pictures are no longer on show.
    pub(super) fn want(&mut self, inspired_by: &[InspiredBy]) {
        self.wanted.clear();
        for used in inspired_by {
            let is_wanted = self.wanted.iter().any(|wanted| wanted.entry == used.entry);
            if !self.sent.contains(&used.entry) && !is_wanted {
                self.wanted.push_back(used.clone());
            }
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Makes and sends one. One that cannot be made is logged and left to the next job that
    /// wants it.
    pub(super) fn make_next(
        &mut self,
        model: &mut dyn Generator,
        outbox: &Outbox,
    ) -> Result<(), Closed> {
        let Some(used) = self.wanted.pop_front() else { return Ok(()) };
        let entry = used.entry;
        // Unwind safe: a generator promises to survive a panic.
        let made = catch_unwind(AssertUnwindSafe(|| model.remembered(&used)))
            .map_err(|payload| panic_failure("the model panicked", &*payload).details)
            .and_then(|made| made.map_err(|error| error.to_failure().details));
        match made {
            Ok(image) => {
                outbox.send(Event::Thumbnail { entry, image })?;
                self.sent.insert(entry);
            }
            Err(reason) => {
                tracing::warn!(entry = entry.0, reason, "a remembered picture cannot be shown");
            }
        }
        Ok(())
    }
}
