//! A weight file that stays on disk: only what is asked for is read.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// An open file of known length.
#[derive(Debug)]
pub(super) struct WeightsFileReader {
    source: Source,
    len: u64,
}

#[derive(Debug)]
enum Source {
    /// Reading moves its one cursor, hence the lock.
    File(Mutex<File>),
    Bytes(Vec<u8>),
}

impl WeightsFileReader {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // Opening a pipe would wait for its other end.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
        }
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self { source: Source::File(Mutex::new(file)), len })
    }

    /// A file that is in memory.
    pub(super) fn of_bytes(bytes: Vec<u8>) -> Self {
        let len = bytes.len() as u64;
        Self { source: Source::Bytes(bytes), len }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Reads a range, which is checked before memory is taken for it.
    ///
    /// # Errors
    /// The reason: the file is too short, or what the system says.
    pub(super) fn read(&self, range: Range<u64>) -> Result<Vec<u8>, String> {
        let Range { start, end } = range;
        let n_bytes = end.checked_sub(start).filter(|_| end <= self.len);
        let n_bytes = n_bytes.and_then(|n| usize::try_from(n).ok());
        let n_bytes =
            n_bytes.ok_or_else(|| format!("it refers to byte {end}, but has only {}", self.len))?;
        let file = match &self.source {
            Source::Bytes(bytes) => return Ok(bytes[start as usize..end as usize].to_vec()),
            Source::File(file) => file,
        };
        let mut bytes = vec![0; n_bytes];
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| format!("reading failed: {error}"))?;
        Ok(bytes)
    }
}
