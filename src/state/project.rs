//! The project that is open: its file, what of it is saved, and unsaved work of earlier sessions.

mod convert;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use convert::NodeCache;

use super::AppState;
use crate::document::Document;
use crate::imaging::RgbaImage;
use crate::project::{self, Change, Project};

/// What people call a project that has no file yet.
const UNTITLED: &str = "Untitled";
/// Projects that the menu remembers.
const MAX_RECENT: usize = 8;

/// The open project, beside what is in it.
#[derive(Debug)]
pub struct OpenProject {
    /// Its file, if it has one.
    pub path: Option<PathBuf>,
    /// What people call it: the name of its file without ending; empty before it has one.
    pub name: String,
    /// Why its file must not be written over, if so.
    pub guard: Option<Guard>,
    /// As it is in its file, or as it was begun.
    pub saved: Project,
    /// There is work that is not in the file.
    pub is_unsaved: bool,
    pub is_saving: bool,
    /// Times that it was saved since it was opened or begun.
    pub n_saves: u64,
    /// Steps of the sketch that a session before left unsaved.
    pub n_strokes_before: usize,
    /// Rises whenever another project is opened or begun.
    pub serial: u64,
    /// The session whose work this is; its journal goes once this one's is written.
    pub recovered_from: Option<String>,
}

/// Why a file is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// A newer version wrote it, and something of it may not be understood.
    Newer,
    /// Not all of it could be read.
    Damaged,
}

/// Unsaved work of earlier sessions.
#[derive(Debug, Clone, Default)]
pub struct Recovery {
    /// Newest first.
    pub offers: Vec<Offer>,
    /// The list is on show.
    pub is_open: bool,
    /// The list was on show once, or is not to be shown by itself any more.
    pub was_offered: bool,
}

/// The work of a session that ended without saving.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    pub id: String,
    /// Empty if it never had a file.
    pub name: String,
    /// Seconds since it was worked on, when the list was made.
    pub age_secs: u64,
    /// `None` if nothing of it can be read.
    pub content: Option<OfferContent>,
    /// It is being opened or deleted.
    pub is_busy: bool,
}

/// What there is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct OfferContent {
    /// Steps of the sketch that are in no file.
    pub n_strokes: usize,
    pub n_pictures: usize,
    pub thumbnail: Arc<RgbaImage>,
}

impl OpenProject {
    /// A project that was just begun.
    pub fn untitled(saved: Project) -> Self {
        Self {
            path: None,
            name: String::new(),
            guard: None,
            saved,
            is_unsaved: false,
            is_saving: false,
            n_saves: 0,
            n_strokes_before: 0,
            serial: 0,
            recovered_from: None,
        }
    }

    /// What it is called in the window.
    pub fn title(&self) -> &str {
        if self.name.is_empty() { UNTITLED } else { &self.name }
    }

    /// Whether *Save* knows where to write.
    pub fn can_save_in_place(&self) -> bool {
        self.path.is_some() && self.guard.is_none()
    }
}

impl Offer {
    pub fn title(&self) -> &str {
        match &self.content {
            None => "Damaged",
            Some(_) if self.name.is_empty() => UNTITLED,
            Some(_) => &self.name,
        }
    }

    /// When it was worked on, in words.
    pub fn age(&self) -> String {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;
        let some = |n: u64, what: &str| {
            if n == 1 { format!("1 {what} ago") } else { format!("{n} {what}s ago") }
        };
        match self.age_secs {
            secs if secs < MINUTE => "just now".to_owned(),
            secs if secs < HOUR => some(secs / MINUTE, "minute"),
            secs if secs < DAY => some(secs / HOUR, "hour"),
            secs if secs < 2 * DAY => "yesterday".to_owned(),
            secs => some(secs / DAY, "day"),
        }
    }

    /// What there is in it, in words.
    pub fn summary(&self) -> String {
        let Some(OfferContent { n_strokes, n_pictures, .. }) = &self.content else {
            return "nothing of it can be read".to_owned();
        };
        let some = |n: usize, what: &str| {
            let ending = if n == 1 { "" } else { "s" };
            (n > 0).then(|| format!("{n} {what}{ending}"))
        };
        let parts = [some(*n_strokes, "stroke"), some(*n_pictures, "picture")];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "settings".to_owned() } else { parts.join(", ") }
    }
}

/// The name of a file as people call it.
pub fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Puts a project first in the list of those that were used.
pub fn remember_recent(recent: &mut Vec<PathBuf>, path: &Path) {
    recent.retain(|known| known != path);
    recent.insert(0, path.to_owned());
    recent.truncate(MAX_RECENT);
}

/// Whether these changes are work that somebody would miss. The first picture of a project without
/// a file is drawn by itself, and what is looked at is no work.
pub fn is_work(saved: &Project, changes: &[Change]) -> bool {
    let is_first = |change: &&Change| {
        saved.nodes.is_empty() && matches!(change, Change::Node(node) if node.parent.is_none())
    };
    let n_first = changes.iter().filter(is_first).count();
    let counts = |change: &Change| match change {
        Change::View(_) | Change::Current(_) => false,
        // Another model has another number of places.
        Change::Slots(slots) => slots.iter().chain(&saved.slots).any(Option::is_some),
        // What the model has found in it is none of the user's doing.
        Change::Source(source) => {
            let chosen = |source: &project::Source| project::Source { ids: None, ..source.clone() };
            source.as_ref().map(chosen) != saved.source.as_ref().map(chosen)
        }
        Change::Node(_) => n_first != 1 || !is_first(&change),
        _ => true,
    };
    changes.iter().any(counts)
}

impl AppState {
    /// Begins a project with an empty canvas. The prompt and all settings stay.
    pub fn begin_project(&mut self) {
        let of_model = self.model().map(|model| model.image_size_px);
        let size_px = of_model.unwrap_or(self.sketch.document().size_px());
        let mut project = self.to_project(&mut NodeCache::default());
        project.sketch = Document::new(size_px).unwrap_or_else(|_too_large| {
            Document::new(Document::DEFAULT_SIZE_PX).expect("the default size is allowed")
        });
        project.nodes.clear();
        project.current = None;
        project.slots.fill(None);
        project.source = None;
        self.take_project(&project);
        self.set_open_project(OpenProject::untitled(project));
    }

    /// Puts a project that was read in the place of the open one. Says what of it cannot be used,
    /// as fragments of a sentence.
    pub fn open_project(
        &mut self,
        project: &Project,
        path: Option<PathBuf>,
        guard: Option<Guard>,
    ) -> Vec<String> {
        let remarks = self.take_project(project);
        let saved = self.to_project(&mut NodeCache::default()).without_pictures();
        let name = path.as_deref().map(name_of).unwrap_or_default();
        self.set_open_project(OpenProject { path, name, guard, ..OpenProject::untitled(saved) });
        remarks
    }

    fn set_open_project(&mut self, project: OpenProject) {
        let serial = self.project.serial + 1;
        self.project = OpenProject { serial, ..project };
    }
}

/// Whether a file is a project by its name.
pub fn is_project_name(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case(project::FILE_ENDING))
}

/// The path with the ending of project files.
pub fn with_project_ending(path: PathBuf) -> PathBuf {
    if is_project_name(&path) {
        return path;
    }
    let mut name = path.into_os_string();
    name.push(".");
    name.push(project::FILE_ENDING);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(age_secs: u64, content: Option<OfferContent>) -> Offer {
        Offer { id: String::new(), name: String::new(), age_secs, content, is_busy: false }
    }

    #[test]
    fn ages_and_contents_are_told_in_words() {
        for (secs, words) in [
            (5, "just now"),
            (60, "1 minute ago"),
            (7_300, "2 hours ago"),
            (90_000, "yesterday"),
            (86_400 * 30, "30 days ago"),
        ] {
            assert_eq!(offer(secs, None).age(), words);
        }
        let content = |n_strokes, n_pictures| OfferContent {
            n_strokes,
            n_pictures,
            thumbnail: Arc::default(),
        };
        for (n_strokes, n_pictures, words) in
            [(1, 0, "1 stroke"), (3, 1, "3 strokes, 1 picture"), (0, 0, "settings")]
        {
            assert_eq!(offer(0, Some(content(n_strokes, n_pictures))).summary(), words);
        }
        assert!(offer(0, None).summary().contains("nothing"));
    }

    #[test]
    fn recent_projects_are_few_and_different() {
        let mut recent = Vec::new();
        for n in 0..20 {
            remember_recent(&mut recent, Path::new(&format!("{}.underpaint", n % 12)));
        }
        assert_eq!(recent.len(), MAX_RECENT);
        assert_eq!(recent[0], Path::new("7.underpaint"));
        let path = with_project_ending("a/cat.v2".into());
        assert_eq!(path, Path::new("a/cat.v2.underpaint"));
        assert_eq!(with_project_ending(path.clone()), path);
        assert_eq!(name_of(&path), "cat.v2");
    }
}
