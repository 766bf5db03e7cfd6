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
mod inspired;
mod project;
mod raster;
mod sheet;
mod steer;
