//! Captions of added pictures: from file names, from text files beside them, or from a table.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::imaging::io::read_metadata;
use crate::imaging::metadata::SourceApp;
use crate::protocol::Captions;

/// Captions are cut off after so many characters; the model reads some twenty words.
const MAX_CAPTION_CHARS: usize = 500;
const MAX_TEXT_FILE_BYTES: u64 = 64 << 10;
const MAX_TABLE_BYTES: u64 = 64 << 20;
/// Ends of names that say how a picture is drawn or how large, and not what it shows.
const VARIANTS: [&str; 5] = ["flat", "duo", "fill", "outline", "static"];

/// A table of captions that cannot be used. Every message is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum CaptionsError {
    #[error("the table of captions cannot be read ({source}); check its name: {}", path.display())]
    Open { path: PathBuf, source: std::io::Error },
    #[error(
        "the table of captions has more than {} MB; split it: {}",
        MAX_TABLE_BYTES >> 20,
        path.display()
    )]
    TooLarge { path: PathBuf },
    #[error(
        "the first line of the table must name the columns file and caption; add them: {}",
        path.display()
    )]
    NoColumns { path: PathBuf },
    #[error("line {line} of the table of captions {what}; mend it: {}", path.display())]
    Line { path: PathBuf, line: u64, what: String },
}

/// Whether captions can be had: a table is read to its end.
///
/// # Errors
/// [`CaptionsError`] naming the line that is wrong.
pub fn check_captions(captions: &Captions) -> Result<(), CaptionsError> {
    CaptionSource::open(captions).map(|_source| ())
}

/// What is known of a picture besides its pixels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Caption {
    pub(super) text: String,
    pub(super) source: String,
    pub(super) licence: String,
}

/// Where captions are looked up.
#[derive(Debug)]
pub(super) enum CaptionSource {
    FileNames,
    TextFiles,
    Table { folder: PathBuf, rows: HashMap<String, Caption> },
}

impl CaptionSource {
    /// Reads the table, if it is one.
    ///
    /// # Errors
    /// [`CaptionsError`] naming the line that is wrong.
    pub(super) fn open(captions: &Captions) -> Result<Self, CaptionsError> {
        Ok(match captions {
            Captions::FileNames => Self::FileNames,
            Captions::TextFiles => Self::TextFiles,
            Captions::Table(path) => {
                let folder = path.parent().unwrap_or(Path::new("")).to_owned();
                Self::Table { folder, rows: read_table(path)? }
            }
        })
    }

    /// The caption of a file that was found in `root`.
    pub(super) fn of_file(&self, path: &Path, root: &Path) -> Caption {
        let found = match self {
            Self::FileNames => None,
            Self::TextFiles => text_beside(path),
            Self::Table { folder, rows } => {
                let names = [path.strip_prefix(root).ok(), path.strip_prefix(folder).ok()];
                let whole = [Some(path), path.file_name().map(Path::new)];
                names
                    .into_iter()
                    .chain(whole)
                    .flatten()
                    .find_map(|name| rows.get(&table_name(&name.to_string_lossy())))
                    .cloned()
            }
        };
        found.unwrap_or_else(|| {
            let text = prompt_in(path).unwrap_or_else(|| from_name(path));
            Caption { text, ..Caption::default() }
        })
    }
}

/// Without characters that have no picture, on one line, not longer than is useful.
pub(super) fn tidy(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty())
        .collect();
    words.join(" ").chars().take(MAX_CAPTION_CHARS).collect()
}

/// The name of a file as words, the way the captions that the model was trained on were made: lower
/// case, separators as spaces, without numbering, hashes and code points.
pub(super) fn from_name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let is_part = |c: char| c.is_alphanumeric() || c == '\'';
    let stem = stem.to_lowercase().replace("u+", " ");
    let spaced: String = stem.chars().map(|c| if is_part(c) { c } else { ' ' }).collect();
    let mut words: Vec<&str> = spaced.split_whitespace().filter(|word| !is_number(word)).collect();
    while let [_, .., last] = words[..]
        && VARIANTS.contains(&last)
    {
        words.pop();
    }
    if words.is_empty() {
        // A picture without a name can still be found by nothing; at least it is called something.
        return tidy(if spaced.trim().is_empty() { "picture" } else { &spaced });
    }
    tidy(&words.join(" "))
}

/// Numbering, sizes such as `512x512`, code points such as `1f600` and hashes.
fn is_number(word: &str) -> bool {
    let word = word.strip_prefix('u').filter(|rest| is_hex(rest)).unwrap_or(word);
    let has_digit = word.contains(|c: char| c.is_ascii_digit());
    let is_size = || {
        let mut sides = word.split('x');
        sides.clone().count() == 2
            && sides.all(|side| !side.is_empty() && side.bytes().all(|c| c.is_ascii_digit()))
    };
    has_digit && (word.bytes().all(|c| c.is_ascii_digit()) || is_size() || is_hex(word))
        || (word.len() >= 16 && is_hex(word))
}

fn is_hex(word: &str) -> bool {
    word.len() >= 4 && word.bytes().all(|c| c.is_ascii_hexdigit())
}

/// The prompt of a picture that we have made says best what it shows.
fn prompt_in(path: &Path) -> Option<String> {
    let recalled = read_metadata(path).ok()?.recalled?;
    let prompt = tidy(&recalled.prompt);
    (recalled.app == SourceApp::Underpaint && !prompt.is_empty()).then_some(prompt)
}

fn text_beside(path: &Path) -> Option<Caption> {
    let mut bytes = Vec::new();
    let file = File::open(path.with_extension("txt")).ok()?;
    // A pipe of that name would be waited for.
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    file.take(MAX_TEXT_FILE_BYTES).read_to_end(&mut bytes).ok()?;
    let text = tidy(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}'));
    (!text.is_empty()).then(|| Caption { text, ..Caption::default() })
}

fn read_table(path: &Path) -> Result<HashMap<String, Caption>, CaptionsError> {
    let opening = |source| CaptionsError::Open { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(opening)?;
    file.take(MAX_TABLE_BYTES + 1).read_to_end(&mut bytes).map_err(opening)?;
    if bytes.len() as u64 > MAX_TABLE_BYTES {
        return Err(CaptionsError::TooLarge { path: path.to_owned() });
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    parse_table(bytes, path)
}

fn parse_table(bytes: &[u8], path: &Path) -> Result<HashMap<String, Caption>, CaptionsError> {
    let first_line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t'].into_iter().find(|byte| first_line.contains(byte));
    let no_columns = || CaptionsError::NoColumns { path: path.to_owned() };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.ok_or_else(no_columns)?)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let wrong = |line, what: &str| CaptionsError::Line {
        path: path.to_owned(),
        line,
        what: what.to_owned(),
    };
    let header = reader.headers().map_err(|error| malformed(path, &error))?.clone();
    let column = |names: &[&str]| {
        header.iter().position(|name| names.iter().any(|known| name.eq_ignore_ascii_case(known)))
    };
    let file = column(&["file", "filename", "file_name", "path"]).ok_or_else(no_columns)?;
    let caption = column(&["caption", "text"]).ok_or_else(no_columns)?;
    let (source, licence) = (column(&["source", "author"]), column(&["licence", "license"]));
    let mut rows = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| malformed(path, &error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |idx: Option<usize>| tidy(idx.and_then(|idx| record.get(idx)).unwrap_or(""));
        let name = record.get(file).unwrap_or("");
        if name.is_empty() {
            return Err(wrong(line, "names no file"));
        }
        let row =
            Caption { text: field(Some(caption)), source: field(source), licence: field(licence) };
        if row.text.is_empty() {
            return Err(wrong(line, "has no caption"));
        }
        if rows.insert(table_name(name), row).is_some() {
            return Err(wrong(line, "names a file that an earlier line names"));
        }
    }
    Ok(rows)
}

fn malformed(path: &Path, error: &csv::Error) -> CaptionsError {
    let line = match error.kind() {
        csv::ErrorKind::Utf8 { pos, .. } => pos.as_ref().map_or(1, csv::Position::line),
        _ => error.position().map_or(1, csv::Position::line),
    };
    let what = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "is not UTF-8 text".to_owned(),
        _ => format!("cannot be understood ({error})"),
    };
    CaptionsError::Line { path: path.to_owned(), line, what }
}

/// How a file is looked up in a table: with slashes, without `./` in front.
fn table_name(name: &str) -> String {
    let name = name.replace('\\', "/");
    name.strip_prefix("./").unwrap_or(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_captions() {
        for (name, caption) in [
            ("red_apple-02.png", "red apple"),
            ("1f600-grinning-face.png", "grinning face"),
            ("U+1F34E red apple.png", "red apple"),
            ("cat--5b1c2d3e4f5a6b7c.png", "cat"),
            ("Blue.Car_512x512.png", "blue car"),
            ("house-outline.png", "house"),
            ("outline.png", "outline"),
            ("l'été.webp", "l'été"),
            ("苹果.png", "苹果"),
            ("1234.png", "1234"),
            ("--.png", "picture"),
            ("cafe bad face.png", "cafe bad face"),
        ] {
            assert_eq!(from_name(Path::new(name)), caption, "{name}");
        }
    }

    #[test]
    fn tables_are_read_and_their_mistakes_named_by_line() {
        let parse = |text: &str| parse_table(text.as_bytes(), Path::new("t.csv"));
        let rows = parse("File;Caption;License\na.png; red  cat ;MIT\n\"b;1.png\";dog;\n").unwrap();
        assert_eq!(rows["a.png"].text, "red cat");
        assert_eq!(rows["a.png"].licence, "MIT");
        assert_eq!(rows["b;1.png"].text, "dog");
        let rows = parse("file,caption\n./x\\a.png,\"two\nlines\"\n").unwrap();
        assert_eq!(rows["x/a.png"].text, "two lines");
        for (text, words) in [
            ("", "must name the columns"),
            ("name,title\na,b\n", "must name the columns"),
            ("file,caption\na.png,cat\n,dog\n", "line 3 of the table of captions names no file"),
            ("file,caption\na.png\n", "line 2 of the table of captions has no caption"),
            ("file,caption\na.png,x\na.png,y\n", "line 3 of the table of captions names a file"),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(words), "{text}: {message}");
        }
        let broken = parse_table(b"file,caption\na.png,ok\nb.png,\xff\xfe\n", Path::new("t.csv"));
        assert!(broken.unwrap_err().to_string().contains("line 3"), "UTF-8");
    }
}
