//! A slot between two threads in which the newest value replaces the one before.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Holds at most one value. The sender never waits; the receiver may.
#[derive(Debug)]
pub(super) struct Newest<T> {
    slot: Mutex<Slot<T>>,
    has_news: Condvar,
}

#[derive(Debug)]
struct Slot<T> {
    value: Option<T>,
    is_closed: bool,
}

impl<T> Newest<T> {
    pub(super) fn put(&self, value: T) {
        let replaced = self.slot().value.replace(value);
        self.has_news.notify_all();
        // After the lock: freeing pixels must not hold up the other side.
        drop(replaced);
    }

    /// The newest value, once.
    pub(super) fn take(&self) -> Option<T> {
        self.slot().value.take()
    }

    /// Waits for a value; `None` once the slot is closed.
    pub(super) fn wait(&self) -> Option<T> {
        let is_idle = |slot: &mut Slot<T>| slot.value.is_none() && !slot.is_closed;
        let mut slot =
            self.has_news.wait_while(self.slot(), is_idle).unwrap_or_else(PoisonError::into_inner);
        if slot.is_closed { None } else { slot.value.take() }
    }

    /// Waits a moment, or until there is something to [`Self::wait`] for; says whether there is.
    pub(super) fn has_news_within(&self, limit: Duration) -> bool {
        let is_idle = |slot: &mut Slot<T>| slot.value.is_none() && !slot.is_closed;
        let (slot, _) = self
            .has_news
            .wait_timeout_while(self.slot(), limit, is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        slot.value.is_some() || slot.is_closed
    }

    /// Ends the wait of the receiver for good.
    pub(super) fn close(&self) {
        self.slot().is_closed = true;
        self.has_news.notify_all();
    }

    fn slot(&self) -> MutexGuard<'_, Slot<T>> {
        // Nothing that can panic runs under the lock, and any content is a whole value.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self { slot: Mutex::new(Slot { value: None, is_closed: false }), has_news: Condvar::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_is_taken_once_and_closing_ends_the_wait() {
        let slot = Newest::default();
        slot.put(1);
        slot.put(2);
        assert!(slot.has_news_within(Duration::ZERO));
        assert_eq!(slot.wait(), Some(2));
        assert_eq!(slot.take(), None);
        assert!(!slot.has_news_within(Duration::ZERO));
        slot.put(3);
        slot.close();
        assert_eq!(slot.wait(), None);
    }
}
