//! Small pictures of what the generator looked at, and of candidates for that: made when there is
//! nothing else to do, one at a time.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::run::{Closed, Outbox, panic_failure};
use crate::imaging::RgbaImage;
use crate::model::Generator;
use crate::protocol::{EntryId, Event, InspiredBy};

/// Pictures kept, at a quarter of a megabyte each, which the window shares: what was shown lately
/// is often shown again.
const CACHE_SIZE: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Thumbnails {
    /// Of the newest job that began; never in `sent`.
    of_job: VecDeque<InspiredBy>,
    /// Of the newest search for candidates.
    of_candidates: VecDeque<InspiredBy>,
    /// Entries of the newest job whose pictures the window has.
    sent: Vec<EntryId>,
    /// Most recent last.
    made: Vec<(EntryId, Arc<RgbaImage>)>,
}

impl Thumbnails {
    /// Replaces what an older job wanted: those pictures are no longer on show.
    pub(super) fn want(&mut self, inspired_by: &[InspiredBy]) {
        self.sent.retain(|sent| inspired_by.iter().any(|used| used.entry == *sent));
        self.of_job.clear();
        for used in inspired_by {
            let is_wanted = self.of_job.iter().any(|wanted| wanted.entry == used.entry);
            if !self.sent.contains(&used.entry) && !is_wanted {
                self.of_job.push_back(used.clone());
            }
        }
    }

    /// Replaces what an older search wanted.
    pub(super) fn want_candidates(&mut self, candidates: &[InspiredBy]) {
        self.of_candidates = candidates.iter().cloned().collect();
    }

    /// Adds to what the newest search wants, first of all.
    pub(super) fn want_too(&mut self, pictures: &[InspiredBy]) {
        for picture in pictures.iter().rev() {
            self.of_candidates.push_front(picture.clone());
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.of_job.is_empty() && self.of_candidates.is_empty()
    }

    /// Makes and sends one. One that cannot be made is logged and left to the next job or search
    /// that wants it.
    pub(super) fn make_next(
        &mut self,
        model: &mut dyn Generator,
        outbox: &Outbox,
    ) -> Result<(), Closed> {
        let (picture, is_of_job) = match self.of_job.pop_front() {
            Some(picture) => (picture, true),
            None => match self.of_candidates.pop_front() {
                Some(picture) => (picture, false),
                None => return Ok(()),
            },
        };
        let entry = picture.entry;
        match self.made(&picture, model) {
            Ok(image) => {
                outbox.send(Event::Thumbnail { entry, image })?;
                if is_of_job {
                    self.sent.push(entry);
                }
            }
            Err(reason) => {
                tracing::warn!(entry = entry.0, reason, "a remembered picture cannot be shown");
            }
        }
        Ok(())
    }

    fn made(
        &mut self,
        picture: &InspiredBy,
        model: &mut dyn Generator,
    ) -> Result<Arc<RgbaImage>, String> {
        let entry = picture.entry;
        if let Some(position) = self.made.iter().position(|(made, _)| *made == entry) {
            let made = self.made.remove(position);
            let image = Arc::clone(&made.1);
            self.made.push(made);
            return Ok(image);
        }
        // Unwind safe: a generator promises to survive a panic.
        let image = catch_unwind(AssertUnwindSafe(|| model.remembered(picture)))
            .map_err(|payload| panic_failure("the model panicked", &*payload).details)
            .and_then(|made| made.map_err(|error| error.to_failure().details))?;
        if self.made.len() == CACHE_SIZE {
            self.made.remove(0);
        }
        self.made.push((entry, Arc::clone(&image)));
        Ok(image)
    }
}
