//! Loading the model that the arguments name, with a bar for those of several gigabytes.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use indicatif::{ProgressBar, ProgressDrawTarget};

use super::console::style;
use super::{CliError, ModelArgs};
use crate::model::{self, Generator, ModelChoice, Reading};

/// Time between two looks at how far it is.
const TICK: Duration = Duration::from_millis(100);

/// # Errors
/// [`CliError::Model`] naming the file and what does not fit or is missing.
pub(super) fn load(args: &ModelArgs, is_silent: bool) -> Result<Box<dyn Generator>, CliError> {
    let options = args.load_options()?;
    if is_silent || !matches!(options.model, ModelChoice::Raster(_)) {
        return Ok(model::load(&options)?);
    }
    let reading = Arc::<Reading>::default();
    let (done, is_done) = bounded::<()>(0);
    thread::scope(|scope| {
        let watch = || {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr())
                .with_style(style("reading the model {wide_bar} {bytes}/{total_bytes} {eta} left"));
            while is_done.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let (n_bytes, n_wanted) = reading.progress();
                bar.set_length(n_wanted);
                bar.set_position(n_bytes);
            }
            bar.finish_and_clear();
        };
        let watching = thread::Builder::new().name("loading".to_owned()).spawn_scoped(scope, watch);
        let loaded = model::load_watched(&options, &reading);
        // Ends the watch, if there was a thread for it.
        drop(done);
        drop(watching);
        Ok(loaded?)
    })
}
