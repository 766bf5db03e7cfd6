//! What steered a picture between its scales, in a record: locked places, the picture that it stayed
//! close to, and the picture that its coarse scales were encoded from.

use serde::{Deserialize, Serialize};

use super::embedded_png;
use super::tokens::TokenPyramid;

/// Places where an earlier picture stayed. The picture in the file is its own tokens decoded, with
/// the earlier ones decoded at the same scale laid over it where the mask says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockRecord {
    /// The earlier picture.
    pub tokens: TokenPyramid,
    /// What was locked, as greyscale PNG in Base64: white is locked.
    pub mask: String,
    /// What was locked when the earlier picture was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beneath: Option<Box<LockRecord>>,
}

/// The mask of a lock in a record cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the lock in the file is damaged; get the file again")]
pub struct LockMaskError;

impl LockRecord {
    /// `coverage` holds `size_px²` levels, 255 where locked; `None` if it does not.
    pub fn new(tokens: TokenPyramid, coverage: &[u8], size_px: usize) -> Option<Self> {
        Some(Self { tokens, mask: embedded_png::write_grey(coverage, size_px)?, beneath: None })
    }

    /// Side of the mask in pixels, and its levels row by row.
    ///
    /// # Errors
    /// [`LockMaskError`] if it is no square picture.
    pub fn coverage(&self) -> Result<(usize, Vec<u8>), LockMaskError> {
        let picture = embedded_png::read(&self.mask).ok_or(LockMaskError)?.into_luma8();
        let (width, height) = picture.dimensions();
        if width != height {
            return Err(LockMaskError);
        }
        Ok((width as usize, picture.into_raw()))
    }
}

/// An earlier picture that this one stayed close to: needed to go on with a picture that is not
/// done; in one that is, the tokens tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnchorRecord {
    pub tokens: TokenPyramid,
    /// How strongly it was held.
    pub hold: f32,
}

/// The picture that the coarsest scales were encoded from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceRecord {
    /// Its file name, or what else it is called.
    pub name: String,
    /// Number of scales that are its own.
    pub n_scales: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_survive_as_json() {
        let tokens = |id| TokenPyramid::new(&[1, 2], vec![vec![id], vec![1, 2, 3, id]]).unwrap();
        let coverage: Vec<u8> = (0..=255).collect();
        let beneath = LockRecord::new(tokens(7), &[255; 4], 2).unwrap();
        let mut record = LockRecord::new(tokens(9), &coverage, 16).unwrap();
        record.beneath = Some(Box::new(beneath));
        let json = serde_json::to_string(&record).unwrap();
        let read: LockRecord = serde_json::from_str(&json).unwrap();
        assert_eq!(read, record);
        assert_eq!(read.coverage().unwrap(), (16, coverage));
    }

    #[test]
    fn a_mask_that_is_no_square_is_refused() {
        let tokens = TokenPyramid::new(&[1], vec![vec![7]]).unwrap();
        assert_eq!(LockRecord::new(tokens.clone(), &[0; 5], 2), None);
        for mask in [String::new(), "?".to_owned(), "AAAA".to_owned()] {
            let record = LockRecord { tokens: tokens.clone(), mask, beneath: None };
            assert!(record.coverage().unwrap_err().to_string().contains("lock in the file"));
        }
        let wide = embedded_png::write_rgba(&image::RgbaImage::new(3, 2)).unwrap();
        assert!(LockRecord { tokens, mask: wide, beneath: None }.coverage().is_err());
    }
}
