//! The settings as a JSON file: read at the start, written whole or not at all.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::imaging::io::{self, SaveError};
use crate::state::Settings;

/// The settings cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("the folder for settings cannot be made: {}", folder.display())]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("the settings cannot be put into words")]
    Encode(#[from] serde_json::Error),
    #[error(transparent)]
    Save(#[from] SaveError),
}

/// What came of reading.
#[derive(Debug, Default)]
pub struct Loaded {
    pub settings: Settings,
    /// What the user must know: headline and details.
    pub warning: Option<(String, String)>,
    /// Whether the file may be written again; not if it could not be read for reasons that
    /// writing would make worse.
    pub is_writable: bool,
}

/// Where the settings are on this system; `None` if there is no home folder.
pub fn default_path() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "Underpaint")?;
    Some(dirs.config_dir().join("settings.json"))
}

/// Reads the file. A missing one gives the defaults; a damaged one is set aside as
/// `settings.json.corrupt` and gives the defaults with a warning.
pub fn load(path: &Path) -> Loaded {
    let defaults =
        |warning, is_writable| Loaded { settings: Settings::default(), warning, is_writable };
    let text = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return defaults(None, true),
        Err(error) => {
            let headline = "Your settings cannot be read, so changes will not be kept".to_owned();
            return defaults(Some((headline, format!("{error}: {}", path.display()))), false);
        }
    };
    match serde_json::from_slice::<Settings>(&text) {
        Ok(settings) => Loaded { settings: settings.checked(), warning: None, is_writable: true },
        Err(error) => {
            let aside = set_aside(path);
            let is_writable = aside.is_ok();
            let fate = match aside {
                Ok(aside) => format!("The file was set aside: {}", aside.display()),
                Err(error) => format!("It could not be set aside ({error}): {}", path.display()),
            };
            let headline = "Your settings were damaged, so Underpaint starts afresh".to_owned();
            defaults(Some((headline, format!("{error}\n{fate}"))), is_writable)
        }
    }
}

/// Writes the file; makes its folder first.
///
/// # Errors
/// [`SettingsError`]; the old file is then untouched.
pub fn write(path: &Path, settings: &Settings) -> Result<(), SettingsError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .map_err(|source| SettingsError::Folder { folder: folder.to_owned(), source })?;
    }
    let json = serde_json::to_vec_pretty(settings)?;
    io::replace_file(path, &json)?;
    Ok(())
}

fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(".corrupt");
    let aside = PathBuf::from(name);
    fs::rename(path, &aside)?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::ThemeChoice;

    #[test]
    fn settings_come_back() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/settings.json");
        assert!(load(&path).warning.is_none());
        let settings = Settings { theme: ThemeChoice::Light, ..Settings::default() };
        write(&path, &settings).expect("written");
        let loaded = load(&path);
        assert_eq!(loaded.settings, settings);
        assert!(loaded.warning.is_none() && loaded.is_writable);
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("settings.json");
        fs::write(&path, "{\"theme\": \"dar").expect("written");
        let loaded = load(&path);
        assert_eq!(loaded.settings, Settings::default());
        let (headline, details) = loaded.warning.expect("a warning");
        assert!(headline.contains("damaged") && details.contains("settings.json.corrupt"));
        assert!(!path.exists() && folder.path().join("settings.json.corrupt").exists());
    }

    #[test]
    fn a_folder_in_place_of_the_file_is_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let loaded = load(folder.path());
        assert!(loaded.warning.is_some() && !loaded.is_writable);
    }
}
