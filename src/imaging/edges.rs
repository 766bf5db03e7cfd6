//! Lines from pictures: hard edges as OpenCV's Canny finds them, and soft ones that keep how strong
//! an edge is.
//!
//! Works on opaque pictures; [`over_contrast`](super::background::over_contrast) makes one of any.
//! `shaders/edges.wgsl` does what [`canny()`] does; both work in whole numbers and agree exactly.

mod blur;
mod canny;
mod gradient;
mod soft;

pub use blur::{GaussianKernel, blurred};
pub use canny::{CannyOptions, canny};
pub use gradient::MAX_MAGNITUDE;
pub use soft::{SoftEdgeOptions, soft_edges};
