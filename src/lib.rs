//! Underpaint: type a prompt, sketch, and watch the picture come up through its layers.
//!
//! The library behind the `underpaint` program. Modules are listed from the lowest layer to the
//! highest; each imports only what stands above it here (`tests/architecture.rs` keeps that).
//! `ARCHITECTURE.md` is the map.

pub mod params;
pub mod imaging;
pub mod protocol;
pub mod library;
pub mod document;
pub mod project;
pub mod model;
pub mod worker;
pub mod catalogue;
pub mod render;
pub mod state;
pub mod ui;
pub mod app;
pub mod cli;
