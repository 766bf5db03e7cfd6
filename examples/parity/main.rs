//! Holds the raster models against a folder of recorded numbers: each tensor's largest error and
//! whether it is within the tolerance of that kind of fixture.
//!
//! `cargo run --release --example parity -- DIR [DIR …]`. The kind of a folder is recognised by its
//! files, its sizes are read from `config.json`; a folder of folders is checked whole. Exits with 1
//! if anything is off, missing or not looked at. `tests/controlar.rs` makes the same checks.

#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

mod checks;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

fn main() -> Result<ExitCode> {
    let folders: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    anyhow::ensure!(!folders.is_empty(), "name a folder of fixtures");
    let mut n_failed = 0;
    for folder in folders {
        for report in checks::check_tree(&folder)? {
            println!("{} ({})", report.folder.display(), report.kind);
            for line in &report.lines {
                println!("  {line}");
            }
            let failed = report.lines.iter().filter(|line| !line.passed).count();
            let verdict = if failed == 0 { "PASS" } else { "FAIL" };
            println!("{verdict} {}: {failed} of {} failed", report.kind, report.lines.len());
            n_failed += failed;
        }
    }
    Ok(if n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
