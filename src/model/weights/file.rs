//! A weight file that stays on disk: only what is asked for is read.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// An open file of known length. Reading moves its one cursor, hence the lock.
#[derive(Debug)]
pub(super) struct WeightsFileReader {
    file: Mutex<File>,
    len: u64,
}

impl WeightsFileReader {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self { file: Mutex::new(file), len })
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
        let mut bytes = vec![0; n_bytes];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| format!("reading failed: {error}"))?;
        Ok(bytes)
    }
}
