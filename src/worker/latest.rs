//! A slot that keeps the newest value only, for what may be skipped but must never be old.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Holds at most one value; a newer one replaces it. Never blocks longer than a move takes.
#[derive(Debug)]
pub(super) struct Latest<T>(Mutex<Option<T>>);

impl<T> Latest<T> {
    pub(super) fn put(&self, value: T) {
        let replaced = self.slot().replace(value);
        // Dropped here, after the lock: freeing pixels must not hold up the other side.
        drop(replaced);
    }

    /// The newest value, once.
    pub(super) fn take(&self) -> Option<T> {
        self.slot().take()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slot().is_none()
    }

    fn slot(&self) -> MutexGuard<'_, Option<T>> {
        // Nothing that can panic runs under the lock, and any content is a whole value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_value_replaces_the_older_and_is_taken_once() {
        let slot = Latest::default();
        assert_eq!(slot.take(), None);
        slot.put(1);
        slot.put(2);
        assert_eq!(slot.take(), Some(2));
        assert_eq!(slot.take(), None);
    }
}
