//! The token pyramid of a picture: its ids at every scale, packed to as few bits as they need.

use serde::{Deserialize, Serialize};

use super::base64;

/// More scales than any model has.
const MAX_SCALES: usize = 64;
/// More rows than any picture has that is drawn row by row.
const MAX_ROWS: usize = 256;
/// A greater side than any model's grid.
const MAX_SIDE: usize = 256;
/// Bits that an id may take.
const MAX_BITS: u32 = 16;
/// Least bits that an id takes: those of the embedded model's 4096 codes.
const MIN_BITS: u32 = 12;

/// These are not the tokens of a picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokensError {
    #[error("{n_scales} scales are not 1 to {MAX_SCALES}")]
    Scales { n_scales: usize },
    #[error("{n_rows} rows are not 1 to {MAX_ROWS}")]
    Rows { n_rows: usize },
    #[error("the row of {n_wanted} tokens has {n_ids} ids")]
    RowIds { n_wanted: usize, n_ids: usize },
    #[error("the side {side} of a scale is not 1 to {MAX_SIDE}")]
    Side { side: usize },
    #[error("the scale of side {side} has {n_ids} ids, not {}", side * side)]
    Ids { side: usize, n_ids: usize },
    #[error("the id {id} needs more than {MAX_BITS} bits")]
    Id { id: u32 },
    #[error("ids of {bits} bits are not {MIN_BITS} to {MAX_BITS} bits wide")]
    Bits { bits: u32 },
    #[error("the packed ids are not Base64")]
    Encoding,
    #[error("there are {n_bytes} bytes of packed ids, not {n_expected}")]
    Length { n_bytes: usize, n_expected: usize },
}

/// How the ids of a picture are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenOrder {
    /// Square grids, coarse to fine.
    #[default]
    Pyramid,
    /// One grid, row by row: each row counts as a scale.
    Raster,
}

impl TokenOrder {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it by reference")]
    fn is_pyramid(&self) -> bool {
        *self == Self::Pyramid
    }

    /// Ids of a scale, given its side or the length of the row.
    fn n_ids(self, side: usize) -> usize {
        match self {
            Self::Pyramid => side * side,
            Self::Raster => side,
        }
    }
}

/// Token ids of one picture, coarse to fine or row by row. In JSON:
///
/// `{"bits": 12, "scales": [1, 2, 3], "data": "…"}`
///
/// `scales` are the sides of the square grids; with `"order": "raster"` they are the lengths of the
/// rows, from the top. `data` is Base64 of all ids, scale by scale and row
/// by row, each as a big-endian number of `bits` bits, one right after the other; the last byte is
/// filled with zeros.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Packed", into = "Packed")]
pub struct TokenPyramid {
    order: TokenOrder,
    /// Not empty; `(side, ids)` with as many ids below 2¹⁶ as the order says.
    scales: Vec<(usize, Vec<u32>)>,
}

impl TokenPyramid {
    /// `sides` and `ids` belong together scale by scale; the shorter of both ends the pyramid, so
    /// a run that was stopped needs no trimming.
    ///
    /// # Errors
    /// [`TokensError`] if they are not grids of ids.
    pub fn new(sides: &[usize], ids: Vec<Vec<u32>>) -> Result<Self, TokensError> {
        Self::in_order(TokenOrder::Pyramid, sides, ids)
    }

    /// Like [`Self::new`] in either order: `sides` are those of grids, or the lengths of rows.
    ///
    /// # Errors
    /// [`TokensError`] if they are not grids or rows of ids.
    pub fn in_order(
        order: TokenOrder,
        sides: &[usize],
        ids: Vec<Vec<u32>>,
    ) -> Result<Self, TokensError> {
        let scales: Vec<_> = sides.iter().copied().zip(ids).collect();
        check_sides(order, scales.iter().map(|(side, _)| *side))?;
        for (side, ids) in &scales {
            let (side, n_ids) = (*side, ids.len());
            if n_ids != order.n_ids(side) {
                return Err(match order {
                    TokenOrder::Pyramid => TokensError::Ids { side, n_ids },
                    TokenOrder::Raster => TokensError::RowIds { n_wanted: side, n_ids },
                });
            }
            if let Some(id) = ids.iter().find(|id| **id >> MAX_BITS != 0) {
                return Err(TokensError::Id { id: *id });
            }
        }
        Ok(Self { order, scales })
    }

    pub fn order(&self) -> TokenOrder {
        self.order
    }

    /// Sides of the grids, coarse to fine, or lengths of the rows.
    pub fn sides(&self) -> impl ExactSizeIterator<Item = usize> {
        self.scales.iter().map(|(side, _)| *side)
    }

    /// Ids of each scale, row by row. They may be beyond the codebook of the model at hand.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        self.scales.iter().map(|(_, ids)| ids.as_slice())
    }

    pub fn n_scales(&self) -> usize {
        self.scales.len()
    }

    /// The coarsest scales alone, at least one.
    #[must_use]
    pub fn up_to(mut self, n_scales: usize) -> Self {
        self.scales.truncate(n_scales.max(1));
        self
    }

    fn greatest_id(&self) -> u32 {
        self.ids().flatten().copied().max().unwrap_or(0)
    }
}

fn check_sides(
    order: TokenOrder,
    sides: impl ExactSizeIterator<Item = usize>,
) -> Result<(), TokensError> {
    let n = sides.len();
    match order {
        TokenOrder::Pyramid if !(1..=MAX_SCALES).contains(&n) => {
            return Err(TokensError::Scales { n_scales: n });
        }
        TokenOrder::Raster if !(1..=MAX_ROWS).contains(&n) => {
            return Err(TokensError::Rows { n_rows: n });
        }
        _ => {}
    }
    for side in sides {
        if !(1..=MAX_SIDE).contains(&side) {
            return Err(TokensError::Side { side });
        }
    }
    Ok(())
}

#[derive(Serialize, Deserialize)]
struct Packed {
    #[serde(default, skip_serializing_if = "TokenOrder::is_pyramid")]
    order: TokenOrder,
    bits: u32,
    scales: Vec<usize>,
    data: String,
}

impl From<TokenPyramid> for Packed {
    fn from(pyramid: TokenPyramid) -> Self {
        let n_needed = u32::BITS - pyramid.greatest_id().leading_zeros();
        let bits = n_needed.clamp(MIN_BITS, MAX_BITS);
        let mut bytes = Vec::new();
        let mut pending = 0_u32;
        let mut n_pending = 0;
        for id in pyramid.ids().flatten() {
            pending = pending << bits | id;
            n_pending += bits;
            while n_pending >= 8 {
                n_pending -= 8;
                bytes.push((pending >> n_pending) as u8);
                pending &= (1 << n_pending) - 1;
            }
        }
        if n_pending > 0 {
            bytes.push((pending << (8 - n_pending)) as u8);
        }
        let scales = pyramid.sides().collect();
        Self { order: pyramid.order, bits, scales, data: base64::encode(&bytes) }
    }
}

impl TryFrom<Packed> for TokenPyramid {
    type Error = TokensError;

    fn try_from(packed: Packed) -> Result<Self, TokensError> {
        let Packed { order, bits, scales, data } = packed;
        if !(MIN_BITS..=MAX_BITS).contains(&bits) {
            return Err(TokensError::Bits { bits });
        }
        check_sides(order, scales.iter().copied())?;
        let bytes = base64::decode(&data).ok_or(TokensError::Encoding)?;
        let n_ids: usize = scales.iter().map(|side| order.n_ids(*side)).sum();
        let n_expected = (n_ids * bits as usize).div_ceil(8);
        if bytes.len() != n_expected {
            return Err(TokensError::Length { n_bytes: bytes.len(), n_expected });
        }
        let mut bytes = bytes.into_iter();
        let mut pending = 0_u32;
        let mut n_pending = 0;
        let mut next_id = || {
            while n_pending < bits {
                pending = pending << 8 | u32::from(bytes.next().expect("the length was checked"));
                n_pending += 8;
            }
            n_pending -= bits;
            let id = pending >> n_pending;
            pending &= (1 << n_pending) - 1;
            id
        };
        let ids = |side: usize| (side, (0..order.n_ids(side)).map(|_| next_id()).collect());
        Ok(Self { order, scales: scales.into_iter().map(ids).collect() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(json: &str) -> Result<TokenPyramid, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn two_ids_take_three_bytes() {
        let pyramid = TokenPyramid::new(&[1, 2], vec![vec![0xabc], vec![0xdef, 1, 2, 3]]).unwrap();
        // abc def 001 002 003 and four bits of zeros.
        let expected = base64::encode(&[0xab, 0xcd, 0xef, 0x00, 0x10, 0x02, 0x00, 0x30]);
        let json = serde_json::to_string(&pyramid).unwrap();
        assert_eq!(json, format!(r#"{{"bits":12,"scales":[1,2],"data":"{expected}"}}"#));
        assert_eq!(parse(&json), Ok(pyramid));
    }

    #[test]
    fn a_run_that_was_stopped_has_fewer_scales() {
        let pyramid = TokenPyramid::new(&[1, 2, 3], vec![vec![7]]).unwrap();
        assert_eq!((pyramid.n_scales(), pyramid.sides().next()), (1, Some(1)));
        assert!(TokenPyramid::new(&[1], Vec::new()).is_err());
    }

    #[test]
    fn rows_are_kept_as_rows() {
        let ids = vec![vec![1, 2, 3], vec![4, 5, 16_383]];
        let rows = TokenPyramid::in_order(TokenOrder::Raster, &[3; 4], ids.clone()).unwrap();
        let json = serde_json::to_string(&rows).unwrap();
        assert!(json.starts_with(r#"{"order":"raster","bits":14,"scales":[3,3],"#), "{json}");
        let read = parse(&json).unwrap();
        assert_eq!((read.order(), read.n_scales()), (TokenOrder::Raster, 2));
        assert_eq!(read.ids().map(<[u32]>::to_vec).collect::<Vec<_>>(), ids);
        // The largest of several sizes, and what is too large.
        let tall = vec![vec![7; 9]; MAX_ROWS];
        assert!(TokenPyramid::in_order(TokenOrder::Raster, &[9; MAX_ROWS], tall).is_ok());
        let taller = TokenPyramid::in_order(TokenOrder::Raster, &[1; 257], vec![vec![7]; 257]);
        assert_eq!(taller, Err(TokensError::Rows { n_rows: 257 }));
        let short = TokenPyramid::in_order(TokenOrder::Raster, &[2], vec![vec![1]]);
        assert_eq!(short, Err(TokensError::RowIds { n_wanted: 2, n_ids: 1 }));
        assert!(parse(r#"{"order":"spiral","bits":12,"scales":[1],"data":"AAA="}"#).is_err());
    }

    #[test]
    fn what_is_no_pyramid_is_refused() {
        for (json, words) in [
            (r#"{"bits":12,"scales":[1],"data":"AAA="}"#, ""),
            (r#"{"bits":12,"scales":[1],"data":"AA=="}"#, "1 bytes of packed ids, not 2"),
            (r#"{"bits":12,"scales":[],"data":""}"#, "0 scales"),
            (r#"{"bits":12,"scales":[0],"data":""}"#, "side 0"),
            (r#"{"bits":12,"scales":[4000000000],"data":""}"#, "side 4000000000"),
            (r#"{"bits":8,"scales":[1],"data":"AA=="}"#, "8 bits"),
            (r#"{"bits":12,"scales":[1],"data":"!"}"#, "not Base64"),
        ] {
            let parsed = parse(json);
            if words.is_empty() {
                assert!(parsed.is_ok(), "{parsed:?}");
            } else {
                let message = parsed.unwrap_err();
                assert!(message.contains(words), "{message}");
            }
        }
        let wide = TokenPyramid::new(&[1], vec![vec![1 << 16]]);
        assert_eq!(wide, Err(TokensError::Id { id: 1 << 16 }));
        let short = TokenPyramid::new(&[2], vec![vec![1]]);
        assert_eq!(short, Err(TokensError::Ids { side: 2, n_ids: 1 }));
    }

    proptest! {
        #[test]
        fn any_ids_survive(
            sides in prop::collection::vec(1_usize..6, 1..6),
            greatest in 1_u32..65536,
            seed in any::<u32>(),
        ) {
            let mut state = seed;
            let mut id = || {
                state = state.wrapping_mul(1664525).wrapping_add(1013904223);
                (state >> 8) % greatest
            };
            let ids = sides.iter().map(|side| (0..side * side).map(|_| id()).collect()).collect();
            let pyramid = TokenPyramid::new(&sides, ids).unwrap();
            let json = serde_json::to_string(&pyramid).unwrap();
            prop_assert_eq!(parse(&json), Ok(pyramid));
        }
    }
}
