//! The program: the command line.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;
use underpaint::cli;

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
        None => cli::print_help(),
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
