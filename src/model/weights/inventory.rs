//! What a network needs beside what a file holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A tensor that a network asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    pub shape: Vec<usize>,
}

/// The comparison, name by name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Inventory {
    pub missing: Vec<String>,
    /// In the file, but of no use to the network.
    pub unexpected: Vec<String>,
    pub misshaped: Vec<Misshaped>,
    /// Stored in a way that cannot be decoded: name and what it is.
    pub undecodable: Vec<(String, String)>,
    /// Known and left out.
    pub ignored: Vec<String>,
    /// Numbers in all tensors that were found as they should be.
    pub n_parameters: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshaped {
    pub name: String,
    pub expected: Vec<usize>,
    pub found: Vec<usize>,
}

impl Wanted {
    pub fn new(name: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        Self { name: name.into(), shape: shape.into() }
    }

    /// Numbers in it.
    pub fn n_elements(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Inventory {
    /// `found`: shapes by name, with the stored type where that cannot be decoded.
    pub(super) fn new(
        found: &BTreeMap<&str, (&[usize], Option<&str>)>,
        wanted: &[Wanted],
        ignored: &[&str],
    ) -> Self {
        let mut inventory = Self::default();
        let mut known = BTreeSet::new();
        for Wanted { name, shape } in wanted {
            known.insert(name.as_str());
            match found.get(name.as_str()) {
                None => inventory.missing.push(name.clone()),
                Some((_, Some(other))) => {
                    inventory.undecodable.push((name.clone(), (*other).to_owned()));
                }
                Some((stored, None)) if stored != shape => inventory.misshaped.push(Misshaped {
                    name: name.clone(),
                    expected: shape.clone(),
                    found: stored.to_vec(),
                }),
                Some((stored, None)) => inventory.n_parameters += stored.iter().product::<usize>(),
            }
        }
        for name in found.keys().filter(|name| !known.contains(**name)) {
            let is_ignored = ignored.iter().any(|start| name.starts_with(start));
            let list = if is_ignored { &mut inventory.ignored } else { &mut inventory.unexpected };
            list.push((*name).to_owned());
        }
        inventory
    }

    /// Whether the network can be loaded.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.misshaped.is_empty() && self.undecodable.is_empty()
    }
}

/// One line: how many of each, and the first of them.
impl fmt::Display for Inventory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(first) = self.missing.first() {
            parts.push(format!("{} tensors are missing, such as {first}", self.missing.len()));
        }
        if let Some(Misshaped { name, expected, found }) = self.misshaped.first() {
            let n = self.misshaped.len();
            parts.push(format!(
                "{n} have another shape, such as {name} with {found:?} for {expected:?}"
            ));
        }
        if let Some((name, stored)) = self.undecodable.first() {
            let n = self.undecodable.len();
            parts.push(format!("{n} cannot be decoded, such as {name}, stored as {stored}"));
        }
        if let Some(first) = self.unexpected.first() {
            parts.push(format!("{} are unknown, such as {first}", self.unexpected.len()));
        }
        if parts.is_empty() {
            return f.write_str("all tensors are there");
        }
        f.write_str(&parts.join("; "))
    }
}
