//! A small cache of what was asked for lately.

/// Holds the `capacity` most recently used values; found by comparing keys one by one, since there
/// are few.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    capacity: usize,
    /// Most recently used last.
    entries: Vec<(K, V)>,
}

impl<K, V: Clone> Recent<K, V> {
    /// `capacity` is at least 1.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, entries: Vec::with_capacity(capacity) }
    }

    /// The value whose key `matches`.
    pub(super) fn find(&mut self, matches: impl Fn(&K) -> bool) -> Option<V> {
        let position = self.entries.iter().position(|(key, _)| matches(key))?;
        let entry = self.entries.remove(position);
        let value = entry.1.clone();
        self.entries.push(entry);
        Some(value)
    }

    /// Puts a value whose key is not there, in place of the least recently used one.
    pub(super) fn put(&mut self, key: K, value: V) {
        if self.entries.len() == self.capacity {
            self.entries.remove(0);
        }
        self.entries.push((key, value));
    }

    /// What [`Self::find`] gives for a key, or what `make` does, which is then kept.
    pub(super) fn find_or_make<E>(
        &mut self,
        matches: impl Fn(&K) -> bool,
        make: impl FnOnce() -> Result<(K, V), E>,
    ) -> Result<V, E> {
        if let Some(value) = self.find(matches) {
            return Ok(value);
        }
        let (key, value) = make()?;
        self.put(key, value.clone());
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut recent = Recent::new(2);
        recent.put("a", 1);
        recent.put("b", 2);
        assert_eq!(recent.find(|key| *key == "a"), Some(1));
        recent.put("c", 3);
        assert_eq!(recent.find(|key| *key == "b"), None);
        let made: Result<_, ()> = recent.find_or_make(|key| *key == "a", || panic!("it is there"));
        assert_eq!(made, Ok(1));
        assert_eq!(recent.find_or_make(|key| *key == "d", || Err("no")), Err("no"));
        assert_eq!(recent.find(|key| *key == "c"), Some(3), "a failure keeps nothing");
    }
}
