//! The index of the user's pictures: what each file tells, which are starred, and small pictures of
//! them, in one SQLite database in the data folder.
//!
//! The index can be lost without loss: everything but the stars is read from the files again, and
//! no picture file is ever written by this module. [`Library`] is the database, [`Scan`] brings it
//! in line with a folder, [`LibraryThread`] does both away from the window. Other tables may live in
//! the same database: each adds its migration to the list in `schema`.

mod damage;
mod database;
mod facts;
mod mailbox;
mod makers;
pub mod memory;
mod query;
mod scan;
mod schema;
mod service;
mod stored_path;
mod thumbnail;
mod walk;

pub use database::{Era, FolderId, Kept, Library, LibraryError, LibraryWarning, Opened};
pub use facts::IndexedFile;
pub use scan::{Scan, ScanStep};
pub use service::{LibraryOptions, LibraryThread};
pub use thumbnail::THUMBNAIL_PX;

/// Name of the database in the data folder.
pub const FILE_NAME: &str = "library.sqlite";
