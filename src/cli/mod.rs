//! The command line: pictures without a window, for people and for programs.
//!
//! Results go to standard output, everything else to standard error. This module and `main` are
//! the only places that print.

mod args;
mod console;
mod depth;
mod destination;
mod error;
mod generate;
mod go_on;
mod info;
mod loading;
mod inspiration_args;
mod inspiring;
mod memory;
mod models;
mod own_memories;
mod painting;
mod report;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::protocol::{DecodingOrder, ModelInfo};
pub use args::{
    Args, Command, ContinueArgs, GenerateArgs, InfoArgs, ModelArgs, PrecisionChoice, Strength,
};
pub use depth::depth_source;
pub use error::CliError;
pub use inspiration_args::{InspirationArgs, Pin, PinnedPicture};
pub use memory::{MemoryArgs, MemoryCommand};
pub use models::{ModelsArgs, ModelsCommand};
pub use report::{
    FileReport, GenerateReport, InfoReport, InspirationReport, ModelReport, PictureReport,
    PictureTimes, RecalledReport,
};

/// Reads the arguments. Help, version and mistakes are printed; the exit code is then returned.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Args, ExitCode> {
    Args::try_parse_from(arguments).map_err(|error| {
        if let ErrorKind::DisplayHelp | ErrorKind::DisplayVersion = error.kind() {
            // A reader that has seen enough may close the pipe.
            error.print().ok();
            ExitCode::SUCCESS
        } else {
            console::print_line(&one_line(&error.to_string()));
            ExitCode::from(CliError::USAGE_CODE)
        }
    })
}

/// Carries out a command; what goes wrong is printed.
pub fn run(command: &Command, args: &Args) -> ExitCode {
    let done = match command {
        _ if args.save_dir.is_some() => {
            Err(CliError::Usage("--save-dir is for the window; leave it out".to_owned()))
        }
        _ if args.file.is_some() => {
            Err(CliError::Usage("a file to open is for the window; leave it out".to_owned()))
        }
        Command::Generate(generate) => generate::run(generate, &args.model),
        Command::Continue(go_on) => go_on::run(go_on, &args.model),
        Command::Info(info) => info::run(info, &args.model),
        Command::Memory(memory) => memory::run(memory, &args.model),
        Command::Models(models) => models::run(models, &args.model),
    };
    exit_code(done, args.verbose)
}

/// What a model draws one after the other.
fn unit(model: &ModelInfo) -> &'static str {
    match model.order {
        DecodingOrder::NextScale => "scales",
        DecodingOrder::Raster => "rows",
    }
}

/// Prints what went wrong, if anything, and gives the code to exit with.
pub fn exit_code(done: Result<(), CliError>, verbose: bool) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::print_error(&error, verbose);
            ExitCode::from(error.exit_code())
        }
    }
}

/// What clap says over several lines, in one: the message, then its tips. The usage follows in
/// `--help`.
fn one_line(message: &str) -> String {
    let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paragraphs = message.split("\n\n");
    let mut line = joined(paragraphs.next().unwrap_or_default());
    for tip in paragraphs.map(joined).filter(|text| text.starts_with("tip:")) {
        line.push_str("; ");
        line.push_str(&tip);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_in_one_line() {
        let message = |arguments: &[&str]| {
            one_line(&Args::try_parse_from(arguments).unwrap_err().to_string())
        };
        assert_eq!(
            message(&["underpaint", "generate"]),
            "error: the following required arguments were not provided: <PROMPT>"
        );
        let typo = message(&["underpaint", "generate", "cat", "--line", "a.png"]);
        assert!(typo.starts_with("error: unexpected argument '--line' found; tip:"), "{typo}");
        assert!(typo.contains("'--lines'"), "{typo}");
    }
}
