//! What can be given to `underpaint models`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, ClapArgs)]
pub struct ModelsArgs {
    #[command(subcommand)]
    pub command: ModelsCommand,
    /// Print one JSON object.
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress and no remarks, only errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List the models on this machine and those that are published. Nothing is connected to.
    List,
    /// Look for models in a folder and all folders in it.
    Scan {
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Look into it from now on, in the window too.
        #[arg(long)]
        remember: bool,
    },
    /// Tell all about a model: its files, what is missing, the memory it takes.
    Show {
        #[arg(value_name = "NAME|FILE")]
        name: String,
    },
    /// Download the missing files of a published model. What was interrupted is gone on with.
    Get {
        name: String,
        /// Folder to put them into; the window's if not given.
        #[arg(long, value_name = "FOLDER")]
        to: Option<PathBuf>,
    },
    /// Make a safetensors file of a PyTorch file; or, with --precision, a GGUF file of a model's
    /// transformer in few bits, which is smaller and loads in a fraction of the time.
    Convert {
        file: PathBuf,
        /// File to write; beside the other if not given.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Tell what a file is, and its SHA-256.
    Verify { file: PathBuf },
}
