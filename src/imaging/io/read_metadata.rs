//! What a picture file tells without decoding its pixels: format, size, and how it was made.

use std::io::{self, BufRead, BufReader, Cursor, Read as _, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::ImageReader;

use super::open::open_file;
use super::{PictureError, one_line, sniff};
use crate::imaging::metadata::{self, RecallError, Recalled};

/// What a picture file tells.
#[derive(Debug, Clone, PartialEq)]
pub struct FileFacts {
    /// Width and height of the picture in the file; `None` if its header is damaged.
    pub size_px: Option<(u32, u32)>,
    /// How the picture was made, if it tells.
    pub recalled: Option<Recalled>,
}

/// What a picture file tells cannot be read. Every message is one sentence that says what to do,
/// the name last.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error("{source}: {name}")]
    Recall { name: String, source: RecallError },
}

/// Reads what a PNG, JPEG or WebP file tells. The file is only read.
///
/// # Errors
/// [`MetadataError`] if it is no such file, or tells something that cannot be used.
pub fn read_metadata(path: &Path) -> Result<FileFacts, MetadataError> {
    let (file, metadata, name) = open_file(path)?;
    if !metadata.is_file() {
        let source = io::Error::other("it is a device or pipe, not a file");
        return Err(PictureError::Open { name, source }.into());
    }
    if metadata.len() == 0 {
        return Err(PictureError::Empty { name }.into());
    }
    read(BufReader::new(file), &name)
}

/// Reads what a picture tells that was dropped or pasted; `name` is for messages.
///
/// # Errors
/// As [`read_metadata`].
pub fn decode_metadata(bytes: &[u8], name: &str) -> Result<FileFacts, MetadataError> {
    let name = one_line(name);
    if bytes.is_empty() {
        return Err(PictureError::Empty { name }.into());
    }
    read(Cursor::new(bytes), &name)
}

fn read(mut reader: impl BufRead + Seek, name: &str) -> Result<FileFacts, MetadataError> {
    let recalled = metadata::recall(&mut reader)
        .map_err(|source| MetadataError::Recall { name: name.to_owned(), source })?;
    let failed = |source| PictureError::Open { name: name.to_owned(), source };
    reader.rewind().map_err(failed)?;
    let mut head = Vec::new();
    reader.by_ref().take(sniff::HEAD_LEN).read_to_end(&mut head).map_err(failed)?;
    reader.rewind().map_err(failed)?;
    // Decoders are hardened against hostile files, yet a defect there must not end the program.
    let size_px = catch_unwind(AssertUnwindSafe(|| match sniff::png_size(&head) {
        Some(size_px) => Some(size_px),
        None => ImageReader::new(reader).with_guessed_format().ok()?.into_dimensions().ok(),
    }));
    Ok(FileFacts { size_px: size_px.ok().flatten(), recalled })
}
