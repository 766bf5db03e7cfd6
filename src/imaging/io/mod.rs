//! Picture files: reading any that people have with what they tell of their making, and writing
//! PNG, JPEG, WebP and SVG so that a crash or a full disk never leaves half a file.

mod export;
mod open;
mod read_metadata;
mod save;
mod sniff;

pub use export::{Export, FileFormat, PAPER};
pub use open::{MAX_SIDE_PX, OpenedPicture, PictureError, decode_picture, open_picture};
pub use read_metadata::{FileFacts, MetadataError, decode_metadata, read_metadata};
pub use save::{
    SaveError, check_can_save, check_can_save_in, create_folder, previous_version, replace_file,
    replace_file_and_keep, replace_file_with, save_new_picture, save_new_png, save_picture,
    save_png,
};

/// A path or name on one line, whatever characters it holds.
pub fn one_line(name: &str) -> String {
    let mut line = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}
