//! What a scale is called: a model that draws token by token has rows, and to speak of scales there
//! would be wrong.

use crate::protocol::DecodingOrder;
use crate::state::AppState;

/// The words for the scales of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Words {
    /// `scale`, inside a sentence.
    pub(super) one: &'static str,
    pub(super) many: &'static str,
    /// `Scale`, at its beginning.
    pub(super) one_first: &'static str,
    pub(super) many_first: &'static str,
    /// Those that are drawn first, and those that come after the shown one.
    pub(super) early: &'static str,
    pub(super) later: &'static str,
}

const SCALES: Words = Words {
    one: "scale",
    many: "scales",
    one_first: "Scale",
    many_first: "Scales",
    early: "coarse scales",
    later: "finer ones",
};

const ROWS: Words = Words {
    one: "row",
    many: "rows",
    one_first: "Row",
    many_first: "Rows",
    early: "upper rows",
    later: "ones below",
};

impl Words {
    pub(super) const fn of(order: DecodingOrder) -> &'static Self {
        match order {
            DecodingOrder::NextScale => &SCALES,
            DecodingOrder::Raster => &ROWS,
        }
    }

    /// For the model in use.
    pub(super) fn of_model(state: &AppState) -> &'static Self {
        Self::of(state.order())
    }

    /// For a picture, whatever model it is of: rows are all as long as the first, which is no scale
    /// of one token.
    pub(super) fn of_ids(ids: &[Vec<u32>]) -> &'static Self {
        Self::of_n_tokens(ids.iter().map(Vec::len))
    }

    /// The same from the number of tokens of each.
    pub(super) fn of_n_tokens(mut n_tokens: impl Iterator<Item = usize>) -> &'static Self {
        let first = n_tokens.next().unwrap_or_default();
        if first > 1 && n_tokens.all(|n| n == first) { &ROWS } else { &SCALES }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_told_apart_by_their_ids() {
        assert_eq!(Words::of_ids(&[]), &SCALES);
        assert_eq!(Words::of_ids(&[vec![0; 1]]), &SCALES);
        assert_eq!(Words::of_ids(&[vec![0; 1], vec![0; 4]]), &SCALES);
        assert_eq!(Words::of_ids(&[vec![0; 32]]), &ROWS);
        assert_eq!(Words::of_ids(&[vec![0; 32], vec![0; 32]]), &ROWS);
    }
}
