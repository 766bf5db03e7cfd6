//! Where pictures go and what they are called.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use image::ImageFormat;

use super::CliError;
use crate::imaging::RgbaImage;
use crate::imaging::io::{self, Export, FileFormat, SaveError};

/// Characters of a prompt that go into a file name.
const MAX_SLUG_CHARS: usize = 40;

/// Where finished pictures are saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    /// One picture under a given name; an old file is replaced.
    File(PathBuf),
    /// Several under a given name with their seeds; old files are replaced.
    Series(PathBuf),
    /// New files in the current folder, named after the prompt.
    New { slug: String },
}

impl Destination {
    /// # Errors
    /// [`CliError::Usage`] if the name promises a format that is not written or no file at all.
    pub(super) fn new(
        output: Option<&Path>,
        n_pictures: u32,
        prompt: &str,
    ) -> Result<Self, CliError> {
        let Some(path) = output else { return Ok(Self::New { slug: slug(prompt) }) };
        let shown = path.display();
        if shown.to_string().ends_with(std::path::is_separator) || path.file_name().is_none() {
            return Err(CliError::Usage(format!("--output must name a file in a folder: {shown}")));
        }
        if ImageFormat::from_path(path).is_ok() && FileFormat::from_path(path).is_none() {
            return Err(CliError::Usage(format!(
                "pictures are saved as PNG, JPEG, WebP or SVG; end the name of --output in .png, \
                 .jpg, .webp or .svg: {shown}"
            )));
        }
        let path = path.to_owned();
        Ok(if n_pictures == 1 { Self::File(path) } else { Self::Series(path) })
    }

    /// The format that the given name asks for; PNG if it asks for none.
    pub(super) fn format(&self) -> FileFormat {
        let asked = match self {
            Self::File(path) | Self::Series(path) => FileFormat::from_path(path),
            Self::New { .. } => None,
        };
        asked.unwrap_or(FileFormat::Png)
    }

    /// Whether a picture of this seed could be saved now.
    ///
    /// # Errors
    /// What [`Self::save`] would report.
    pub(super) fn check(&self, seed: u64) -> Result<(), SaveError> {
        match self {
            Self::File(path) => io::check_can_save(path),
            Self::Series(path) => io::check_can_save(&with_seed(path, seed)),
            Self::New { .. } => io::check_can_save_in(Path::new("")),
        }
    }

    /// Saves a picture and tells where.
    ///
    /// # Errors
    /// [`SaveError`]; no partial file is left behind.
    pub(super) fn save(
        &self,
        seed: u64,
        picture: &RgbaImage,
        export: &Export<'_>,
    ) -> Result<PathBuf, SaveError> {
        let path = match self {
            Self::File(path) => path.clone(),
            Self::Series(path) => with_seed(path, seed),
            Self::New { slug } => {
                let stem = format!("{slug}-{seed}");
                return io::save_new_picture(Path::new(""), &stem, picture, export);
            }
        };
        io::save_picture(&path, picture, export)?;
        Ok(path)
    }
}

/// A folder that takes a picture after each scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PreviewFolder {
    folder: PathBuf,
    /// Whether names must tell the pictures apart.
    with_seeds: bool,
}

impl PreviewFolder {
    /// Creates the folder if it is missing, and makes sure that it can be written to.
    ///
    /// # Errors
    /// [`SaveError`] if it cannot.
    pub(super) fn create(folder: &Path, n_pictures: u32) -> Result<Self, SaveError> {
        io::create_folder(folder)?;
        io::check_can_save_in(folder)?;
        Ok(Self { folder: folder.to_owned(), with_seeds: n_pictures > 1 })
    }

    /// Saves the picture after scale `number`, counted from 1.
    ///
    /// # Errors
    /// [`SaveError`].
    pub(super) fn save(
        &self,
        seed: u64,
        number: usize,
        picture: &RgbaImage,
    ) -> Result<PathBuf, SaveError> {
        let name = if self.with_seeds {
            format!("{seed}-{number:02}.png")
        } else {
            format!("{number:02}.png")
        };
        let path = self.folder.join(name);
        io::save_png(&path, picture)?;
        Ok(path)
    }
}

/// `apple.png` with seed 7 is `apple-7.png`.
fn with_seed(path: &Path, seed: u64) -> PathBuf {
    let mut name = path.file_stem().map(OsString::from).unwrap_or_default();
    name.push(format!("-{seed}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The letters and digits of a prompt, in lower case, joined by dashes.
fn slug(prompt: &str) -> String {
    let mut slug = String::new();
    let mut n_chars = 0;
    for c in prompt.chars().flat_map(char::to_lowercase) {
        if n_chars == MAX_SLUG_CHARS {
            break;
        }
        if c.is_alphanumeric() {
            slug.push(c);
            n_chars += 1;
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
            n_chars += 1;
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    if slug.is_empty() { "picture".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_become_names() {
        assert_eq!(slug("Red apple, 3d style!"), "red-apple-3d-style");
        assert_eq!(slug("苹果 🍎"), "苹果");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug(""), "picture");
        assert_eq!(slug("🍎\n\0"), "picture");
        assert_eq!(slug(&"long ".repeat(3000)).chars().count(), 39);
        assert!(slug(&"国".repeat(3000)).len() < 200);
    }

    #[test]
    fn given_names_are_checked_and_numbered() {
        let new = |path: &str, n| Destination::new(Some(Path::new(path)), n, "");
        assert_eq!(new("a.png", 1).unwrap(), Destination::File("a.png".into()));
        assert_eq!(new("a", 2).unwrap(), Destination::Series("a".into()));
        assert!(new("a.GIF", 1).unwrap_err().to_string().contains("saved as PNG"));
        assert_eq!(new("a.JPG", 1).unwrap().format(), FileFormat::DEFAULT_JPEG);
        assert_eq!(new("a.v2", 1).unwrap().format(), FileFormat::Png);
        for path in ["folder/", "..", "/"] {
            assert!(new(path, 1).unwrap_err().to_string().contains("must name a file"), "{path}");
        }
        assert_eq!(with_seed(Path::new("x/a.b.png"), 7), Path::new("x/a.b-7.png"));
        assert_eq!(with_seed(Path::new("a"), 7), Path::new("a-7"));
    }
}
