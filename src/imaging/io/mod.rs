//! Picture files: reading any that people have, and writing PNG so that a crash or a full disk
//! never leaves half a file.

mod open;
mod save;
mod sniff;

pub use open::{MAX_SIDE_PX, OpenedPicture, PictureError, decode_picture, open_picture};
pub use save::{
    SaveError, check_can_save, check_can_save_in, create_folder, replace_file, save_new_png,
    save_png,
};

/// A path or name on one line, whatever characters it holds.
fn one_line(name: &str) -> String {
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
