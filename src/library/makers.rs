//! The thread that decodes pictures, so that neither the window nor the index waits for pixels.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::Builder;

use crossbeam_channel::{Sender, bounded};

use super::mailbox::{Mailbox, Order, Pending};
use super::thumbnail::{self, THUMBNAIL_PX};
use crate::imaging::RgbaImage;
use crate::protocol::PictureId;

/// Greatest side of the picture in the details.
const PREVIEW_PX: usize = 640;
/// Few, so that what the user looks at now is never far behind.
pub(super) const MAX_MAKING: usize = 2;

/// A picture to decode.
#[derive(Debug)]
pub(super) struct MakeJob {
    pub(super) id: PictureId,
    pub(super) path: PathBuf,
    pub(super) kind: MakeKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MakeKind {
    Thumbnail,
    Preview,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) id: PictureId,
    pub(super) kind: MakeKind,
    pub(super) result: Result<Arc<RgbaImage>, String>,
    /// A small picture as it is kept.
    pub(super) encoded: Option<Vec<u8>>,
}

/// Starts the thread; it ends when the sender is dropped. Takes at most [`MAX_MAKING`] jobs.
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn spawn(mailbox: Arc<Mailbox<Pending>>) -> std::io::Result<Sender<MakeJob>> {
    let (jobs, inbox) = bounded::<MakeJob>(MAX_MAKING);
    let work = move || {
        for job in &inbox {
            let made = make(&job);
            mailbox.send(|pending| pending.orders.push_back(Order::Made(made)));
        }
    };
    // Not joined: a huge picture must not hold up the end of the program.
    Builder::new().name("thumbnails".to_owned()).spawn(work)?;
    Ok(jobs)
}

fn make(MakeJob { id, path, kind }: &MakeJob) -> Made {
    let side_px = match kind {
        MakeKind::Thumbnail => THUMBNAIL_PX,
        MakeKind::Preview => PREVIEW_PX,
    };
    let result = thumbnail::opened_at(path, side_px).map(Arc::new);
    let encoded = match (&result, kind) {
        (Ok(picture), MakeKind::Thumbnail) => thumbnail::encode(picture),
        _ => None,
    };
    Made { id: *id, kind: *kind, result, encoded }
}
