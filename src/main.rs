//! The program: the command line, or the window if no command is given.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;
use underpaint::app::{self, AppOptions, settings_file};
use underpaint::cli::{self, Args};
use underpaint::model;
use underpaint::worker::WorkerHandle;

/// The variable that says what is logged, such as `underpaint=debug`.
const LOG_VARIABLE: &str = "UNDERPAINT_LOG";
/// Window libraries warn of much that concerns nobody.
const DEFAULT_LOG: &str = "warn,winit=error";

fn main() -> ExitCode {
    let args = match cli::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(exit_code) => return exit_code,
    };
    start_logging();
    match &args.command {
        Some(command) => cli::run(command, &args),
        None => open_window(&args),
    }
}

fn start_logging() {
    let filter = match std::env::var(LOG_VARIABLE) {
        Ok(directives) => EnvFilter::new(directives),
        Err(_unset) => EnvFilter::new(DEFAULT_LOG),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

fn open_window(args: &Args) -> ExitCode {
    let options = AppOptions {
        settings_path: settings_file::default_path(),
        save_dir: args.save_dir.clone(),
        pictures_dir: app::default_pictures_dir(),
        data_dir: app::default_data_dir(),
        file: args.file.clone(),
        depth: cli::depth_source(&args.model),
        device: args.model.device,
        start_model: args.model.path.clone(),
        ..AppOptions::default()
    };
    let model_args = args.model.clone();
    let closed = app::open_window(options, |wake| {
        WorkerHandle::spawn(move || model::load(&model_args.load_options()?), wake)
    });
    cli::exit_code(closed.map_err(Into::into), args.verbose)
}
