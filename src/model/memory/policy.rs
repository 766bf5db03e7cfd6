//! How the slots are shared between the user's memories and the model's, and when the model's
//! pictures are redrawn. Numbers in, numbers out: what retrieval finds is ranked and drawn elsewhere.

/// How much the user's memories count beside the model's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Policy {
    /// Pictures of the user that fit the prompt at least so well show what it names. Cosine of two
    /// text vectors, −1 to 1.
    pub(super) min_own_similarity: f32,
    /// How much better than the best of the model's memory a picture of the user fits that shows
    /// what is named; keys of the model's hold a style word, so they fit a little less.
    pub(super) margin: f32,
    /// Pictures of the user from which on theirs is a style: then the model's pictures are redrawn
    /// after them. With fewer, they are looked at whatever they show.
    pub(super) min_style: usize,
    /// A picture that fits so well may show all that a prompt names that is joined by an "and". Keys
    /// hold a style word, so the very words without one are at 0.89; of two things that are joined a
    /// picture of one is at 0.7, of the right style at 0.82 or, rarely, more.
    pub(super) min_whole: f32,
}

impl Policy {
    /// What the program does. Measured with 200 pictures of a set that the model never saw and 50
    /// prompts naming other things, half of them but in the last row (`training/runs/openmoji`); progress is from the default look to that
    /// of the set, the subject is what a classifier of real pictures sees first:
    ///
    /// | the slots hold | progress | subject |
    /// |---|---|---|
    /// | the model's pictures | 0 % | 96 % |
    /// | the user's nearest, whatever they show | 61 % | 8 % |
    /// | one of the model's, two of the user's | 6 % | 96 % |
    /// | one of the model's redrawn, two of the user's | 53 % | 72 % |
    /// | two of the model's redrawn, one of the user's | 57 % | 76 % |
    /// | the model's redrawn | 56 % | 88 % |
    /// | the model's redrawn, as the program does it, all prompts | 58 % | 84 % |
    ///
    /// A reference strength of 2 instead of 1 lost 6 points of progress and won no subject.
    pub(super) const DEFAULT: Self =
        Self { min_own_similarity: 0.75, margin: 0.05, min_style: 8, min_whole: 0.85 };

    /// Whether the model's pictures are redrawn in the style of the user's, of which there are
    /// `n_own`.
    pub(super) fn redraws(self, n_own: usize) -> bool {
        n_own >= self.min_style
    }

    /// Whether a picture of the user, one of `n_own`, is a candidate: if it shows what the prompt
    /// names, better than the best of the model's memory (`best_of_model`) or well enough.
    pub(super) fn is_of_use(self, similarity: f32, best_of_model: f32, n_own: usize) -> bool {
        !self.redraws(n_own)
            || similarity >= self.min_own_similarity.min(best_of_model + self.margin)
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
    fn a_few_pictures_are_looked_at_whatever_they_show() {
        let policy = Policy::DEFAULT;
        assert!(!policy.redraws(7) && policy.is_of_use(-0.5, 0.6, 7));
    }

    #[test]
    fn of_a_style_only_what_the_prompt_names_is_looked_at() {
        let policy = Policy::DEFAULT;
        assert!(policy.redraws(8));
        assert!(policy.is_of_use(0.66, 0.6, 8) && !policy.is_of_use(0.6, 0.6, 8));
        assert!(policy.is_of_use(0.75, 1.0, 8) && !policy.is_of_use(0.7, 1.0, 8));
    }
}
