//! The whole window with a fake model, worked as a user would: by key, pointer and by the names that
//! a screen reader reads out. One program for all of it, since linking takes longer than testing.

#[path = "../common/mod.rs"]
mod common;
mod help;

mod add_inspiration;
mod basics;
mod drawing;
mod edit;
mod files;
mod gallery;
mod import;
mod memory;
#[expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#[path = "../models/files.rs"]
mod model_files;
mod models;
mod inspired;
mod project;
mod raster;
#[expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#[path = "../models/server.rs"]
mod server;
mod sheet;
mod steer;
