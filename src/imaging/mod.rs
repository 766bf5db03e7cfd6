//! Pixel buffers and pure picture maths. Knows no model, no window and no thread.
//!
//! Pictures are straight-alpha sRGB [`RgbaImage`]s; what the model reads and writes is
//! premultiplied, and [`control`] and [`fit`] convert.

pub mod background;
pub mod beside;
pub mod blocks;
pub mod composite;
pub mod control;
mod control_size;
pub mod cutout;
mod drawing;
pub mod edges;
pub mod extract;
pub mod fit;
pub mod inflate;
pub mod io;
pub mod metadata;
pub mod planes;
pub mod polarity;
pub mod resample;
pub mod trace;

pub use control::ControlMap;
pub use image::RgbaImage;
