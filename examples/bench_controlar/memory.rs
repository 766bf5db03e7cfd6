//! Memory of this process, as Linux counts it.

use anyhow::{Context as _, Result};

/// Resident now, in MB (10⁶ bytes).
pub(crate) fn resident_mb() -> Result<f64> {
    status("VmRSS:")
}

/// Most that was ever resident, in MB.
pub(crate) fn peak_mb() -> Result<f64> {
    status("VmHWM:")
}

fn status(name: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("no /proc on this system")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib: f64 = kib.context("no such line in /proc/self/status")?.parse()?;
    Ok(kib * 1024.0 / 1e6)
}
