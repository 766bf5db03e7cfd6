//! How the slots are shared between the user's memories and the model's. Numbers in, numbers out:
//! what retrieval finds is ranked and drawn elsewhere.

/// How much the user's memories count beside the model's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Policy {
    /// Pictures of the user that fit the prompt less than this leave the slot to the model's
    /// memory. Cosine of two text vectors, −1 to 1.
    pub(super) min_own_similarity: f32,
    /// Free slots that the model's memory fills even if there are enough pictures of the user.
    pub(super) n_model_slots: usize,
}

impl Policy {
    /// What the program does: the user's memories come first.
    pub(super) const DEFAULT: Self = Self { min_own_similarity: -1.0, n_model_slots: 0 };

    /// Whether a picture of the user with this similarity to the prompt is a candidate at all.
    pub(super) fn is_of_use(self, similarity: f32) -> bool {
        similarity >= self.min_own_similarity
    }

    /// How many of `n_free` slots are filled with pictures of the user, given how many candidates
    /// each side has. The model's memory fills the others.
    pub(super) fn n_own_slots(self, n_own: usize, n_model: usize, n_free: usize) -> usize {
        n_own.min(n_free.saturating_sub(self.n_model_slots.min(n_model)))
    }
}

/// The order in which what was drawn takes the free slots. The first slot counts most: it is fused
/// per position as well.
pub(super) fn in_order<T>(own: Vec<T>, model: Vec<T>) -> impl Iterator<Item = T> {
    own.into_iter().chain(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_filled_as_far_as_there_are_pictures() {
        for n_model_slots in 0..=4 {
            let policy = Policy { n_model_slots, ..Policy::DEFAULT };
            for (n_own, n_model, n_free) in [(0, 6, 3), (1, 6, 3), (6, 6, 3), (6, 0, 3), (6, 1, 1)]
            {
                let n_own_slots = policy.n_own_slots(n_own, n_model, n_free);
                assert!(n_own_slots <= n_own.min(n_free));
                let n_filled = n_own_slots + n_model.min(n_free - n_own_slots);
                assert_eq!(n_filled, n_free, "{policy:?}: {n_own} own, {n_model} of the model");
            }
            assert_eq!(policy.n_own_slots(2, 0, 3), 2);
        }
    }

    #[test]
    fn what_fits_too_little_is_of_no_use() {
        let policy = Policy { min_own_similarity: 0.5, ..Policy::DEFAULT };
        assert!(policy.is_of_use(0.5) && !policy.is_of_use(0.4));
    }
}
