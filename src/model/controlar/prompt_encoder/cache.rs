//! Encoded prompts on disk, so that the text encoder is read only for new ones.
//!
//! One file per prompt, named by the SHA-256 of the prompt and of what encodes it. Nothing here is
//! needed: whatever is damaged, foreign or cannot be written is passed over and made again.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use half::f16;
use half::slice::HalfFloatSliceExt as _;

use crate::imaging::metadata::sha256_hex;
use crate::model::bytes::ByteReader;

const MAGIC: &[u8; 8] = b"UPROMPT1";
const ENDING: &str = "rows";
/// In front of the names of files that are being written.
const UNFINISHED: &str = ".unfinished-";
/// Unfinished files of this age are of a program that has crashed.
const ABANDONED: Duration = Duration::from_hours(1);
/// Hexadecimal digits of a key.
const KEY_LEN: usize = 64;
/// Magic, rows, values per row, tokens that did not fit.
const HEAD_LEN: usize = 8 + 3 * 4;
/// Far more than the rows of any prompt.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// A folder of encoded prompts, bounded in size.
#[derive(Debug, Clone)]
pub struct PromptCache {
    folder: PathBuf,
    max_bytes: u64,
}

impl PromptCache {
    /// Room for some hundred long prompts of the published encoder.
    pub const MAX_BYTES: u64 = 128 << 20;

    /// Keeps at most `max_bytes` in `folder`, which is made when it is first needed.
    pub fn new(folder: PathBuf, max_bytes: u64) -> Self {
        Self { folder, max_bytes }
    }

    /// Where programs keep what they can make again; `None` if there is no home folder.
    pub fn of_user() -> Option<Self> {
        let dirs = directories::ProjectDirs::from("", "", "Underpaint")?;
        Some(Self::new(dirs.cache_dir().join("prompts"), Self::MAX_BYTES))
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The rows of a key: (T, D), flattened, and `T`, `D` and the tokens that did not fit.
    pub(super) fn find(&self, key: &str, dim: usize) -> Option<StoredRows> {
        let path = self.path(key);
        let file = File::options().read(true).write(true).open(&path);
        let len = file.as_ref().ok()?.metadata().ok()?.len();
        if len > MAX_FILE_BYTES {
            return None;
        }
        let rows = StoredRows::parse(&fs::read(&path).ok()?, key)?;
        // What is used stays. A folder that cannot be written loses the oldest instead.
        if let Ok(file) = file {
            file.set_modified(SystemTime::now()).ok();
        }
        (rows.dim == dim).then_some(rows)
    }

    /// Keeps the rows of a key, and makes room for them.
    ///
    /// # Errors
    /// What the file system says; nothing half-written is left under the key.
    pub(super) fn keep(&self, key: &str, rows: &StoredRows) -> io::Result<()> {
        self.write(&self.path(key), &rows.to_bytes(key))?;
        self.make_room()
    }

    /// The identity that the files of an encoder had when they were last looked at.
    pub(super) fn identity(&self, files: &str) -> Option<String> {
        let identity = fs::read_to_string(self.identity_path(files)).ok()?;
        is_key(&identity).then_some(identity)
    }

    /// Keeps the identity of files, so that prompts of before are found without them.
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn keep_identity(&self, files: &str, identity: &str) -> io::Result<()> {
        self.write(&self.identity_path(files), identity.as_bytes())
    }

    /// Whole or not at all. Not synced: after a crash of the system the checksum tells what is
    /// missing.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        file.persist(path)?;
        Ok(())
    }

    fn identity_path(&self, files: &str) -> PathBuf {
        self.folder.join(format!("{files}.encoder"))
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.{ENDING}"))
    }

    /// Removes the oldest files until the rest fits. Files of other names are not ours.
    fn make_room(&self) -> io::Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(metadata) = entry.metadata() else { continue };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            if name.starts_with(UNFINISHED) {
                if used.elapsed().is_ok_and(|age| age > ABANDONED) {
                    fs::remove_file(entry.path()).ok();
                }
            } else if is_ours(&name) {
                files.push((used, metadata.len(), entry.path()));
            }
        }
        files.sort();
        let mut n_bytes: u64 = files.iter().map(|(_, len, _)| len).sum();
        // The newest is the one that has just been written.
        for (_, len, path) in files.iter().take(files.len().saturating_sub(1)) {
            if n_bytes <= self.max_bytes {
                break;
            }
            fs::remove_file(path)?;
            n_bytes -= len;
        }
        Ok(())
    }
}

fn is_ours(name: &str) -> bool {
    name.strip_suffix(ENDING).and_then(|name| name.strip_suffix('.')).is_some_and(is_key)
}

fn is_key(text: &str) -> bool {
    text.len() == KEY_LEN && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Rows as they are kept: in 16 bits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StoredRows {
    pub(super) values: Vec<f16>,
    /// Values per row.
    pub(super) dim: usize,
    pub(super) n_dropped: usize,
}

impl StoredRows {
    /// `None` if a value does not fit 16 bits.
    pub(super) fn new(values: &[f32], dim: usize, n_dropped: usize) -> Option<Self> {
        let mut halves = vec![f16::ZERO; values.len()];
        halves.convert_from_f32_slice(values);
        let is_whole = halves.iter().all(|value| value.is_finite());
        is_whole.then_some(Self { values: halves, dim, n_dropped })
    }

    pub(super) fn to_f32(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.values.len()];
        self.values.convert_to_f32_slice(&mut values);
        values
    }

    fn to_bytes(&self, key: &str) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [self.values.len() / self.dim.max(1), self.dim, self.n_dropped] {
            bytes.extend_from_slice(&(number as u32).to_le_bytes());
        }
        bytes.extend(self.values.iter().flat_map(|value| value.to_le_bytes()));
        let sum = checksum(&bytes, key);
        bytes.extend_from_slice(sum.as_bytes());
        bytes
    }

    /// `None` if it is not whole or of another key.
    fn parse(bytes: &[u8], key: &str) -> Option<Self> {
        let (content, sum) = bytes.split_at_checked(bytes.len().checked_sub(KEY_LEN)?)?;
        if sum != checksum(content, key).as_bytes() {
            return None;
        }
        let mut reader = ByteReader::new(content);
        if reader.take(MAGIC.len()) != Ok(MAGIC) {
            return None;
        }
        let mut number = || reader.u32().ok().map(|number| number as usize);
        let (n_rows, dim, n_dropped) = (number()?, number()?, number()?);
        let values = content.get(HEAD_LEN..)?;
        if n_rows == 0 || Some(values.len()) != n_rows.checked_mul(dim)?.checked_mul(2) {
            return None;
        }
        let values = values.as_chunks().0.iter().map(|bytes| f16::from_le_bytes(*bytes));
        Some(Self { values: values.collect(), dim, n_dropped })
    }
}

fn checksum(content: &[u8], key: &str) -> String {
    sha256_hex(&[content, key.as_bytes()].concat())
}
