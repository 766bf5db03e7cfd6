//! A published checkpoint: safetensors, GGUF or a PyTorch file, left on disk. Only its list of tensors is
//! read when it is opened; each tensor is read and decoded when a network asks for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::VarBuilder;
use candle_nn::var_builder::SimpleBackend;

use super::file::WeightsFileReader;
use super::inventory::{Inventory, Wanted};
use super::pickle::PickledTensor;
use super::reading::Reading;
use super::{Encoding, StoredTensor, WeightsError, blocks, checked_product, decode};
use super::{gguf, pickle, safetensors, short, torch_zip};

/// A safetensors header or a pickle of far more tensors than any model has.
const MAX_LIST_BYTES: u64 = 16 << 20;
/// What tells the kind of a file.
const N_START_BYTES: u64 = 64;
/// Longer than any way to say how numbers are stored.
const MAX_ORDER_BYTES: u64 = 16;
/// What is read of a GGUF file at first.
const FIRST_READ_BYTES: u64 = 1 << 20;

/// An open checkpoint. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    inner: Arc<Inner>,
    reading: Option<Arc<Reading>>,
}

/// A tensor as it lies in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredAs<'a> {
    pub name: &'a str,
    /// `F32`, `F16`, `BF16`, `Q8_0` or other `blocks`; anything else cannot be read.
    pub dtype: &'a str,
    pub shape: &'a [usize],
    /// Of its numbers; 0 if they cannot be read.
    pub n_bytes: u64,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: WeightsFileReader,
    tensors: BTreeMap<String, StoredTensor>,
    key: Option<&'static str>,
}

impl Checkpoint {
    /// Opens a file and reads what it holds. What kind of file it is, its first bytes tell.
    ///
    /// # Errors
    /// [`WeightsError::Read`], or [`WeightsError::Damaged`] with the reason.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let file = WeightsFileReader::open(path).map_err(|source| WeightsError::Read {
            what: "the checkpoint",
            path: path.to_owned(),
            source,
        })?;
        Self::of_file(file, path)
    }

    /// Opens a file that is in memory; `path` is for messages.
    ///
    /// # Errors
    /// [`WeightsError::Damaged`] with the reason.
    pub fn from_bytes(bytes: Vec<u8>, path: &Path) -> Result<Self, WeightsError> {
        Self::of_file(WeightsFileReader::of_bytes(bytes), path)
    }

    fn of_file(file: WeightsFileReader, path: &Path) -> Result<Self, WeightsError> {
        let (tensors, key) = list(&file)
            .map_err(|reason| WeightsError::Damaged { path: path.to_owned(), reason })?;
        let path = path.to_owned();
        let inner = Arc::new(Inner { path, file, tensors, key });
        Ok(Self { inner, reading: None })
    }

    /// Tells `reading` of all that is read from now on, and stops when it says so.
    #[must_use]
    pub fn watched(mut self, reading: &Arc<Reading>) -> Self {
        self.reading = Some(Arc::clone(reading));
        self
    }

    /// Every tensor as it is stored, by name.
    pub fn stored(&self) -> impl Iterator<Item = StoredAs<'_>> {
        self.inner.tensors.iter().map(|(name, tensor)| StoredAs {
            name,
            dtype: match &tensor.encoding {
                Encoding::F32 => "F32",
                Encoding::F16 => "F16",
                Encoding::Bf16 => "BF16",
                Encoding::Q8_0 => "Q8_0",
                Encoding::Blocks(_) => "blocks",
                Encoding::Other(other) => other,
            },
            shape: &tensor.shape,
            n_bytes: tensor.range.len() as u64,
        })
    }

    /// Reads `n` bytes of a tensor's numbers as they are stored, from byte `start` on. For copying
    /// in pieces, whatever the size of the tensor.
    ///
    /// # Errors
    /// [`WeightsError::Missing`] or [`WeightsError::Damaged`].
    pub fn read_stored(&self, name: &str, start: u64, n: u64) -> Result<Vec<u8>, WeightsError> {
        let Inner { path, file, tensors, .. } = &*self.inner;
        let tensor = tensors
            .get(name)
            .ok_or_else(|| WeightsError::Missing { name: name.to_owned(), path: path.clone() })?;
        let damaged = |reason: String| WeightsError::Damaged { path: path.clone(), reason };
        let is_inside = start.checked_add(n).is_some_and(|end| end <= tensor.range.len() as u64);
        if !is_inside {
            return Err(damaged(format!("tensor {name} has no {n} bytes after byte {start}")));
        }
        let start = tensor.range.start as u64 + start;
        file.read(start..start + n).map_err(damaged)
    }

    /// Names and shapes, by name.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.inner.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.shape.as_slice()))
    }

    /// The usual key under which a PyTorch file had its tensors, if there was one.
    pub fn key(&self) -> Option<&'static str> {
        self.inner.key
    }

    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Size of the file.
    pub fn n_bytes(&self) -> u64 {
        self.inner.file.len()
    }

    /// Compares with what a network needs, before anything of it is read. `ignored` are beginnings
    /// of names that no network needs.
    ///
    /// # Errors
    /// [`WeightsError::Inventory`] if a tensor is missing, has another shape or cannot be decoded.
    /// Tensors that nobody wants are told in the inventory.
    pub fn check(&self, wanted: &[Wanted], ignored: &[&str]) -> Result<Inventory, WeightsError> {
        let inventory = Inventory::new(&self.found().collect(), wanted, ignored);
        if inventory.is_complete() {
            Ok(inventory)
        } else {
            let path = self.inner.path.clone();
            Err(WeightsError::Inventory { inventory: Box::new(inventory), path })
        }
    }

    /// Shapes by name, with the stored type where that cannot be decoded.
    pub(super) fn found(&self) -> impl Iterator<Item = (&str, (&[usize], Option<&str>))> {
        self.inner.tensors.iter().map(|(name, tensor)| {
            let other = match &tensor.encoding {
                Encoding::Other(other) => Some(other.as_str()),
                _ => None,
            };
            (name.as_str(), (tensor.shape.as_slice(), other))
        })
    }

    /// Where networks get their tensors from, in F32. Check first: this allocates what is asked.
    pub fn var_builder(&self, device: &Device) -> VarBuilder<'static> {
        let backend: Box<dyn SimpleBackend> = Box::new(self.clone());
        VarBuilder::from_backend(backend, DType::F32, device.clone())
    }

    /// A matrix in the blocks in which a GGUF file holds it; `None` if it is stored value by value,
    /// or its rows are no even number of blocks, which quantised products ask for.
    ///
    /// # Errors
    /// A missing, mis-shaped or unreadable tensor.
    pub fn quantised(
        &self,
        name: &str,
        expected: &[usize],
        device: &Device,
    ) -> candle_core::Result<Option<QTensor>> {
        let tensor = self.find(name, Some(expected))?;
        let Some(format) = tensor.encoding.blocks() else { return Ok(None) };
        let n_columns = expected.last().copied().unwrap_or(0);
        if !n_columns.is_multiple_of(2 * format.block_size()) {
            return Ok(None);
        }
        blocks::quantised(format, &self.read(tensor)?, expected, device).map(Some)
    }

    /// The blocks in which a GGUF file holds a tensor; `None` if it is stored value by value or not
    /// there.
    pub fn blocks_of(&self, name: &str) -> Option<GgmlDType> {
        self.inner.tensors.get(name)?.encoding.blocks()
    }

    /// Single rows of a table (V, D), in F32: (T, D). The rest of it is not read.
    ///
    /// # Errors
    /// A missing, mis-shaped or unreadable tensor, or a row that it does not have.
    pub fn rows(
        &self,
        name: &str,
        expected: [usize; 2],
        ids: &[u32],
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let [n_rows, dim] = expected;
        let tensor = self.find(name, Some(&expected))?;
        let Some(n_row_bytes) = tensor.encoding.n_bytes(dim) else {
            // Its blocks cross the ends of rows.
            let table = self.load(name, Some(&expected))?;
            return table.index_select(&Tensor::new(ids, &Device::Cpu)?, 0)?.to_device(device);
        };
        let Inner { path, file, .. } = &*self.inner;
        let mut values = Vec::with_capacity(ids.len() * dim);
        for id in ids {
            if *id as usize >= n_rows {
                candle_core::bail!("row {id} is not one of {n_rows}");
            }
            let start = (tensor.range.start + *id as usize * n_row_bytes) as u64;
            let stored = file
                .read(start..start + n_row_bytes as u64)
                .map_err(|reason| WeightsError::Damaged { path: path.clone(), reason })?;
            let row = decode::to_f32(&tensor.encoding, &stored, dim);
            values.extend(row.ok_or_else(|| WeightsError::NotFinite {
                name: name.to_owned(),
                path: path.clone(),
            })?);
        }
        Tensor::from_vec(values, (ids.len(), dim), device)
    }

    /// Whether it has a tensor of that name.
    pub fn has(&self, name: &str) -> bool {
        self.inner.tensors.contains_key(name)
    }

    fn find(
        &self,
        name: &str,
        expected: Option<&[usize]>,
    ) -> Result<&StoredTensor, candle_core::Error> {
        let Inner { path, tensors, .. } = &*self.inner;
        let tensor = tensors
            .get(name)
            .ok_or_else(|| WeightsError::Missing { name: name.to_owned(), path: path.clone() })?;
        tensor.used.store(true, Ordering::Relaxed);
        if let Some(expected) = expected
            && expected != tensor.shape
        {
            return Err(WeightsError::Shape {
                name: name.to_owned(),
                expected: expected.to_owned(),
                found: tensor.shape.clone(),
                path: path.clone(),
            }
            .into());
        }
        if let Encoding::Other(found) = &tensor.encoding {
            let (name, found) = (name.to_owned(), found.clone());
            return Err(WeightsError::Encoding { name, found, path: path.clone() }.into());
        }
        Ok(tensor)
    }

    fn read(&self, tensor: &StoredTensor) -> Result<Vec<u8>, WeightsError> {
        let Inner { path, file, .. } = &*self.inner;
        if self.reading.as_ref().is_some_and(|reading| reading.is_stopped()) {
            return Err(WeightsError::Stopped { path: path.clone() });
        }
        let stored = file
            .read(tensor.range.start as u64..tensor.range.end as u64)
            .map_err(|reason| WeightsError::Damaged { path: path.clone(), reason })?;
        if let Some(reading) = &self.reading {
            reading.add(stored.len() as u64);
        }
        Ok(stored)
    }

    fn load(&self, name: &str, expected: Option<&[usize]>) -> Result<Tensor, candle_core::Error> {
        let tensor = self.find(name, expected)?;
        let stored = self.read(tensor)?;
        let values =
            decode::to_f32(&tensor.encoding, &stored, tensor.n_elements()).ok_or_else(|| {
                let path = self.inner.path.clone();
                WeightsError::NotFinite { name: name.to_owned(), path }
            })?;
        Tensor::from_vec(values, tensor.shape.as_slice(), &Device::Cpu)
    }
}

impl SimpleBackend for Checkpoint {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: candle_nn::Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        self.load(name, Some(shape.dims()))?.to_device(device)?.to_dtype(dtype)
    }

    fn get_unchecked(
        &self,
        name: &str,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        self.load(name, None)?.to_device(device)?.to_dtype(dtype)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.inner.tensors.contains_key(name)
    }
}

type List = (BTreeMap<String, StoredTensor>, Option<&'static str>);

fn list(file: &WeightsFileReader) -> Result<List, String> {
    let start = file.read(0..file.len().min(N_START_BYTES))?;
    match *start.as_slice() {
        [b'P', b'K', 3, 4, ..] => list_of_torch(file),
        [b'G', b'G', b'U', b'F', ..] => list_of_gguf(file).map(|tensors| (tensors, None)),
        // A length that begins like another kind of file is a length all the same.
        [_, _, _, _, 0, 0, 0, 0, b'{', ..] => {
            list_of_safetensors(file).map(|tensors| (tensors, None))
        }
        _ => match other_kind(&start) {
            Some(kind) => Err(kind.to_owned()),
            None => list_of_safetensors(file).map(|tensors| (tensors, None)),
        },
    }
}

/// What lies in place of checkpoints now and then, by its beginning.
fn other_kind(start: &[u8]) -> Option<&'static str> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let begins = |words: &[u8]| start.starts_with(words);
    Some(match start {
        [] => "it is empty",
        [0x80, 2..=5, ..] => {
            "it is in the form that PyTorch wrote before version 1.6; save it again with a newer one"
        }
        _ if begins(b"version https://git-lfs") => {
            "it is only a pointer to the file, of Git LFS; git lfs pull gets the file itself"
        }
        _ if text.first() == Some(&b'<') => {
            "it is a web page, such as a server sends in place of a file that needs a login"
        }
        [0x1f, 0x8b, ..]
        | [b'B', b'Z', b'h', ..]
        | [0xfd, b'7', b'z', ..]
        | [b'7', b'z', 0xbc, 0xaf, ..]
        | [b'R', b'a', b'r', b'!', ..]
        | [0x28, 0xb5, 0x2f, 0xfd, ..] => "it is packed; unpack it first",
        [b'P', b'K', ..] => "it is an empty or damaged ZIP file",
        [0x89, b'H', b'D', b'F', ..] => "it is an HDF5 file, of Keras or TensorFlow",
        [0x89, b'P', b'N', b'G', ..] | [0xff, 0xd8, 0xff, ..] => "it is a picture",
        // The length of a safetensors header would be beyond all memory.
        [b'{' | b'[', ..] if start.get(7) != Some(&0) => "it is text, such as a server's message",
        _ => return None,
    })
}

fn list_of_safetensors(file: &WeightsFileReader) -> Result<BTreeMap<String, StoredTensor>, String> {
    let start = file.read(0..8).or(Err("it has no header"))?;
    let n_header = u64::from_le_bytes(start.try_into().or(Err("it has no header"))?);
    if n_header > MAX_LIST_BYTES || n_header + 8 > file.len() {
        return Err(format!("its header claims {n_header} of {} bytes", file.len()));
    }
    let n_bytes = usize::try_from(file.len()).or(Err("it is larger than all memory"))?;
    let json = file.read(8..8 + n_header)?;
    Ok(safetensors::parse_header(&json, n_bytes)?.tensors)
}

/// How long the list is, nobody knows before it is read: the vocabulary may stand in front of it.
fn list_of_gguf(file: &WeightsFileReader) -> Result<BTreeMap<String, StoredTensor>, String> {
    let n_bytes = usize::try_from(file.len()).or(Err("it is larger than all memory"))?;
    let mut n_start = FIRST_READ_BYTES.min(file.len());
    loop {
        let list = gguf::parse_header(&file.read(0..n_start)?, n_bytes);
        let is_all = n_start == file.len() || n_start >= MAX_LIST_BYTES;
        match list {
            Ok(header) => return Ok(header.tensors),
            Err(reason) if is_all => return Err(reason),
            Err(_) => n_start = (4 * n_start).min(file.len()).min(MAX_LIST_BYTES),
        }
    }
}

fn list_of_torch(file: &WeightsFileReader) -> Result<List, String> {
    let entries = torch_zip::entries(file)?;
    let (name, pickle) = entries
        .iter()
        .find(|(name, _)| *name == "data.pkl" || name.ends_with("/data.pkl"))
        .ok_or("it is a ZIP file, but not one of PyTorch")?;
    if pickle.end - pickle.start > MAX_LIST_BYTES {
        return Err(format!("its list of tensors claims {} bytes", pickle.end - pickle.start));
    }
    if let Some(order) = entries.get(&name.replace("data.pkl", "byteorder"))
        && (order.end - order.start > MAX_ORDER_BYTES || file.read(order.clone())? != b"little")
    {
        return Err("its numbers are stored the other way round (big-endian)".to_owned());
    }
    let folder = name.trim_end_matches("data.pkl");
    let pickled = pickle::read(&file.read(pickle.clone())?)?;
    let mut tensors = BTreeMap::new();
    for tensor in pickled.tensors {
        let storage = entries.get(&format!("{folder}data/{}", tensor.key));
        let storage = storage
            .ok_or_else(|| format!("the numbers of tensor {} are missing", short(&tensor.name)))?;
        let stored = locate(&tensor, storage.start, storage.end)?;
        // A name that a wrapper of PyTorch put a word in front of.
        let name = tensor.name.strip_prefix("module.").unwrap_or(&tensor.name);
        if tensors.contains_key(name) {
            return Err(format!("it lists tensor {} twice", short(name)));
        }
        tensors.insert(name.to_owned(), stored);
    }
    Ok((tensors, pickled.key))
}

fn locate(tensor: &PickledTensor, start: u64, end: u64) -> Result<StoredTensor, String> {
    let PickledTensor { name, shape, strides, storage, offset, .. } = tensor;
    let name = short(name);
    let (encoding, size) = match &**storage {
        "FloatStorage" => (Encoding::F32, 4),
        "HalfStorage" => (Encoding::F16, 2),
        "BFloat16Storage" => (Encoding::Bf16, 2),
        other => (Encoding::Other(other.trim_end_matches("Storage").to_owned()), 1),
    };
    let encoding = if is_contiguous(shape, strides) {
        encoding
    } else {
        Encoding::Other("a transposed view".to_owned())
    };
    let stored = |encoding, range| StoredTensor {
        encoding,
        shape: shape.clone(),
        range,
        used: AtomicBool::new(false),
    };
    if matches!(encoding, Encoding::Other(_)) {
        // Nothing is read of it, but its size must be one that can be told.
        checked_product(shape).ok_or_else(|| format!("tensor {name} is larger than all memory"))?;
        return Ok(stored(encoding, 0..0));
    }
    let range = (|| {
        let start = start.checked_add(u64::try_from(offset.checked_mul(size)?).ok()?)?;
        let n_bytes = checked_product(shape)?.checked_mul(size)?;
        let tensor_end = start.checked_add(u64::try_from(n_bytes).ok()?)?;
        (tensor_end <= end).then_some(())?;
        Some(usize::try_from(start).ok()?..usize::try_from(tensor_end).ok()?)
    })();
    let range = range.ok_or_else(|| format!("tensor {name} does not fit into its numbers"))?;
    Ok(stored(encoding, range))
}

fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut step = 1_usize;
    shape.len() == strides.len()
        && shape.iter().zip(strides).rev().all(|(dim, stride)| {
            let is_next = *dim == 1 || *stride == step;
            step = step.saturating_mul(*dim);
            is_next
        })
}
