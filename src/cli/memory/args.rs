//! What can be given to `underpaint memory`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use crate::protocol::{Captions, EntryId};

#[derive(Debug, ClapArgs)]
pub struct MemoryArgs {
    #[command(subcommand)]
    pub command: MemoryCommand,
    /// Print one JSON object.
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress and no remarks, only errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum MemoryCommand {
    /// Add pictures and folders with all that is in them. What was interrupted is gone on with.
    Add {
        #[arg(value_name = "DIR|FILE", required = true)]
        paths: Vec<PathBuf>,
        /// Memory to add to, made if there is none; named after the first folder if not given.
        #[arg(long, value_name = "NAME")]
        to: Option<String>,
        /// Captions are the file names, text files beside the pictures, or a table with the
        /// columns file and caption, and perhaps source and licence.
        #[arg(long, value_name = "names|sidecar|FILE.csv", default_value = "names",
              value_parser = captions)]
        captions: Captions,
        /// Leave the background; otherwise what goes round most of a picture in one colour is
        /// taken away.
        #[arg(long)]
        keep_background: bool,
    },
    /// List the memories, or the pictures of one.
    List { name: Option<String> },
    /// Take a memory away, or only some of its pictures. No file is touched.
    Remove {
        name: String,
        /// Pictures as “list” names them.
        #[arg(value_parser = entry)]
        entries: Vec<EntryId>,
        /// Take the pictures away whose file is not there any more.
        #[arg(long, conflicts_with = "entries")]
        gone: bool,
    },
    /// Find pictures by words of their captions or file names.
    Search {
        name: String,
        #[arg(required = true)]
        words: Vec<String>,
    },
    /// Write a memory into one file.
    Export { name: String, file: PathBuf },
    /// Make a memory of a file that was exported.
    Import { file: PathBuf },
    /// Look for new, changed, renamed and deleted files in the folders of a memory.
    Rescan { name: String },
}

#[expect(clippy::unnecessary_wraps, reason = "what clap calls")]
fn captions(text: &str) -> Result<Captions, String> {
    Ok(match text {
        "names" => Captions::FileNames,
        "sidecar" => Captions::TextFiles,
        file => Captions::Table(file.into()),
    })
}

fn entry(text: &str) -> Result<EntryId, String> {
    let number = u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
    number
        .map(EntryId)
        .ok_or_else(|| "give 16 hexadecimal digits, as “memory list NAME” shows them".to_owned())
}
