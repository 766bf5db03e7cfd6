//! Published raster models as a [`crate::model::Generator`]: LlamaGen with prompts or classes, and
//! ControlAR on top of it.
//!
//! A scale of these models is one row of tokens. [`crate::model::Session::step`] draws one token;
//! what comes before the first (reading the prompt, looking at the control, filling in the prefix
//! and the rows that are given) is done by steps as well, so that it can be stopped like any other.

mod files;
mod geometry;
mod classes;
mod controls;
mod colours;
mod locked;
mod check;
mod parts;
mod model;
mod session;
#[cfg(test)]
mod tests;

pub use classes::{ClassMatch, class_names, find_class};
pub use files::{ControlSort, RasterChoice, RasterFiles, RasterOptions};
pub use geometry::Geometry;
pub use model::RasterModel;
