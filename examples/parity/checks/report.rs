//! Comparing tensors and remembering how it went.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use candle_core::{DType, Device, Tensor};

/// All comparisons of one folder.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) folder: PathBuf,
    pub(crate) kind: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// One comparison.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) passed: bool,
    detail: String,
}

/// How far a value may be off: by `absolute`, or by `relative` of its size if that is more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tolerance {
    absolute: f64,
    relative: f64,
}

/// The recorded tensors of one file, and which of them have been compared.
pub(crate) struct Expected {
    file: String,
    tensors: BTreeMap<String, Tensor>,
    seen: BTreeSet<String>,
}

impl Tolerance {
    pub(crate) const EXACT: Self = Self::absolute(0.0);

    pub(crate) const fn absolute(absolute: f64) -> Self {
        Self { absolute, relative: 0.0 }
    }

    pub(crate) const fn or_relative(self, relative: f64) -> Self {
        Self { relative, ..self }
    }
}

impl Report {
    pub(crate) fn new(folder: &Path, kind: &'static str) -> Self {
        Self { folder: folder.to_owned(), kind, lines: Vec::new() }
    }

    /// Notes whether something that is no tensor is as it should be.
    pub(crate) fn note(&mut self, name: impl Into<String>, passed: bool, detail: String) {
        self.lines.push(Line { name: name.into(), passed, detail });
    }

    /// Compares with a recorded tensor, of whose trimming the name tells. Nothing happens if the
    /// file has no tensor of that name.
    pub(crate) fn compare(
        &mut self,
        expected: &mut Expected,
        name: &str,
        actual: &Tensor,
        tolerance: Tolerance,
    ) -> Result<()> {
        let trimmed = |key: &&String| {
            *key == name
                || key.strip_prefix(name).is_some_and(|rest| {
                    [".ch", ".crop", ".first"].iter().any(|trim| rest.starts_with(trim))
                })
        };
        let Some(key) = expected.tensors.keys().find(trimmed).cloned() else { return Ok(()) };
        let wanted = expected.tensors[&key].clone();
        expected.seen.insert(key.clone());
        let name = format!("{} {key}", expected.file);
        let actual = trim(actual, &key[name_len(&key)..], wanted.dims())?;
        if actual.dims() != wanted.dims() {
            let detail = format!("shape {:?}, expected {:?}", actual.dims(), wanted.dims());
            self.note(name, false, detail);
            return Ok(());
        }
        let (error, passed) = difference(&values(&actual)?, &values(&wanted)?, tolerance);
        let detail = format!("error {error:.1e}, allowed {:.0e}", tolerance.absolute);
        self.note(name, passed, detail);
        Ok(())
    }

    /// Notes each recorded result that nothing was compared with.
    pub(crate) fn finish(&mut self, expected: &Expected) {
        for name in expected.tensors.keys() {
            let is_input = name.starts_with("in.");
            if !is_input && !expected.seen.contains(name) {
                let detail = "not compared".to_owned();
                self.note(format!("{} {name}", expected.file), false, detail);
            }
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.passed { "PASS" } else { "FAIL" };
        write!(f, "{verdict}  {:<58}  {}", self.name, self.detail)
    }
}

impl Expected {
    pub(crate) fn read(folder: &Path, file: &str) -> Result<Self> {
        let tensors = tensors(&folder.join(file))?;
        let file = file.trim_end_matches(".safetensors").to_owned();
        Ok(Self { file, tensors, seen: BTreeSet::new() })
    }

    pub(crate) fn get(&self, name: &str) -> Result<&Tensor> {
        self.tensors.get(name).with_context(|| format!("{} has no tensor {name}", self.file))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }
}

/// All tensors of a file by name.
pub(crate) fn tensors(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let tensors = candle_core::safetensors::load(path, &Device::Cpu)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(tensors.into_iter().collect())
}

/// Values of any type in double precision, row by row.
pub(crate) fn values(tensor: &Tensor) -> Result<Vec<f64>> {
    Ok(tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}

/// Where the trimming starts in a name such as `dec.conv_in.ch0_2`.
fn name_len(key: &str) -> usize {
    [".ch", ".crop", ".first"].iter().filter_map(|trim| key.rfind(trim)).min().unwrap_or(key.len())
}

/// The part of a result that was recorded: `.ch0_2` its first two channels, `.crop64` its central
/// square, `.first48` its first positions. Of a batch, only the first pictures may be there.
fn trim(tensor: &Tensor, trimming: &str, dims: &[usize]) -> Result<Tensor> {
    let mut tensor = tensor.clone();
    let number = |text: &str| text.parse::<usize>().context("a trimming without its number");
    if let Some(range) = trimming.strip_prefix(".ch") {
        let (first, end) = range.split_once('_').context("a trimming without its end")?;
        let (first, end) = (number(first)?, number(end)?);
        ensure!(first < end && end <= tensor.dim(1)?, "there are no channels {first} to {end}");
        tensor = tensor.narrow(1, first, end - first)?;
    } else if let Some(side) = trimming.strip_prefix(".crop") {
        let side = number(side)?;
        let (.., height, width) = tensor.dims4()?;
        ensure!(side <= height && side <= width, "there is no square of {side}");
        tensor =
            tensor.narrow(2, (height - side) / 2, side)?.narrow(3, (width - side) / 2, side)?;
    } else if let Some(count) = trimming.strip_prefix(".first") {
        tensor = tensor.narrow(1, 0, number(count)?)?;
    }
    match (tensor.dims().first(), dims.first()) {
        (Some(ours), Some(wanted)) if ours > wanted => Ok(tensor.narrow(0, 0, *wanted)?),
        _ => Ok(tensor),
    }
}

/// The largest error, and whether all are within the tolerance.
fn difference(actual: &[f64], expected: &[f64], tolerance: Tolerance) -> (f64, bool) {
    let mut largest = 0.0_f64;
    let mut passed = true;
    for (actual, expected) in actual.iter().zip(expected) {
        let error = (actual - expected).abs();
        // Written so that NaN fails.
        let allowed = tolerance.absolute.max(tolerance.relative * expected.abs());
        passed &= error <= allowed;
        if error > largest || error.is_nan() {
            largest = error;
        }
    }
    (largest, passed)
}
