//! Which models there are: on this machine, and published elsewhere. Finds files by what is in
//! them, puts models together of them, says what is missing and what loading takes, downloads what
//! the user asks for, and converts PyTorch files. The window never waits for it.
//!
//! Nothing here connects to anything unless a download is ordered.

mod published;
mod recognise;
mod walk;
mod shelf;
mod scan;
mod encoders;
mod machine;
mod memory;
mod assemble;
pub mod download;
pub mod convert;
mod places;
mod speed;
mod load;
mod thread;

pub use assemble::assemble;
pub use load::{choice, loader};
pub use machine::{free_space, memory};
pub use places::{Places, download_target};
pub use published::{Published, PublishedModel, published};
pub use scan::{Scan, scan};
pub use shelf::Shelf;
pub use thread::CatalogueThread;

pub use crate::model::DeviceChoice;
pub use crate::model::weights::Reading;
