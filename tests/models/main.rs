//! The catalogue of models: what is found in folders, what is missing, downloads from a server of the
//! test's own, and conversion. Nothing outside this machine is asked.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod cli;
mod convert;
mod download;
mod files;
mod scan;
mod server;
mod thread;
