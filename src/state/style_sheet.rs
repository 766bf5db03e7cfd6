//! The style sheet: one prompt with a memory and without, the same seeds column by column, to see
//! what the memory does.

use std::sync::Arc;

use super::job::Made;
use crate::imaging::RgbaImage;
use crate::protocol::{GenerateRequest, InspiredBy, JobId, MemoryId, OwnMemory, PictureIds};

/// Which of the two rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StyleRow {
    Without,
    With,
}

impl StyleRow {
    pub const ALL: [Self; 2] = [Self::Without, Self::With];

    pub fn idx(self) -> usize {
        match self {
            Self::Without => 0,
            Self::With => 1,
        }
    }
}

/// The sheet while it is open. Its runs are its own: the picture on the canvas knows nothing of
/// them.
#[derive(Debug, Clone)]
pub struct StyleSheet {
    pub memory: MemoryId,
    pub name: String,
    /// The memory as the generator reads it; `None` until that is known.
    pub snapshot: Option<Arc<OwnMemory>>,
    /// As it stands in the field; what is on show may be of another one.
    pub prompt: String,
    /// Prompts to try.
    pub suggestions: Vec<String>,
    /// Pictures in a row, from the next drawing on.
    pub n_columns: usize,
    /// Scales of each picture, from the next drawing on; from 1.
    pub n_scales: usize,
    /// It is to be drawn as soon as the memory is known.
    pub is_wanted: bool,
    /// What is drawn or being drawn.
    pub drawn: Option<StyleDrawing>,
    /// The batch under way.
    pub batch: Option<StyleBatch>,
}

/// Two rows of pictures of one prompt.
#[derive(Debug, Clone)]
pub struct StyleDrawing {
    /// What all pictures were asked for, but for seeds and memory.
    pub request: GenerateRequest,
    pub made: Made,
    /// One per column.
    pub seeds: Vec<u64>,
    pub rows: [StyleCells; 2],
}

/// The pictures of a row.
#[derive(Debug, Clone, Default)]
pub struct StyleCells {
    /// One per column; `None` until it is drawn.
    pub cells: Vec<Option<StyleCell>>,
    /// What the generator looked at, the same for all.
    pub inspired_by: Vec<InspiredBy>,
}

#[derive(Debug, Clone)]
pub struct StyleCell {
    pub image: Arc<RgbaImage>,
    pub ids: PictureIds,
}

/// Some pictures of a row that one run draws.
#[derive(Debug, Clone)]
pub struct StyleBatch {
    pub row: StyleRow,
    /// In the order of the run's seeds.
    pub columns: Vec<usize>,
    /// `None` until it is sent.
    pub job: Option<JobId>,
}

impl StyleSheet {
    pub const COLUMNS: [usize; 3] = [4, 6, 8];
    /// Pictures that are drawn in one run: a few, so that the first come soon.
    pub const BATCH: usize = 4;

    /// Whether a run of this number is one of the sheet's.
    pub fn is_of(&self, job: JobId) -> bool {
        self.batch.as_ref().is_some_and(|batch| batch.job == Some(job))
    }

    pub fn is_busy(&self) -> bool {
        self.batch.is_some() || self.is_wanted
    }

    /// The pictures to draw next: four of one row, then the same seeds of the other.
    pub fn next_batch(&self) -> Option<StyleBatch> {
        let drawn = self.drawn.as_ref()?;
        let columns: Vec<usize> = (0..drawn.seeds.len()).collect();
        columns.chunks(Self::BATCH).find_map(|columns| {
            StyleRow::ALL.into_iter().find_map(|row| {
                let cells = &drawn.rows[row.idx()].cells;
                let missing: Vec<usize> =
                    columns.iter().copied().filter(|column| cells[*column].is_none()).collect();
                (!missing.is_empty()).then_some(StyleBatch { row, columns: missing, job: None })
            })
        })
    }
}

impl StyleDrawing {
    pub fn cell(&self, row: StyleRow, column: usize) -> Option<&StyleCell> {
        self.rows[row.idx()].cells.get(column)?.as_ref()
    }

    pub fn n_drawn(&self) -> usize {
        self.rows.iter().flat_map(|row| &row.cells).flatten().count()
    }

    pub fn n_cells(&self) -> usize {
        2 * self.seeds.len()
    }
}

/// Prompts to try on a memory: what the user draws now and drew last, and things that the memory
/// does not show, where a style is seen best.
pub fn suggestions(current: &str, history: &[String], memory: Option<&OwnMemory>) -> Vec<String> {
    const THINGS: [&str; 12] = [
        "red apple",
        "sailing boat",
        "teapot",
        "owl",
        "bicycle",
        "little house",
        "cactus in a pot",
        "rocket",
        "umbrella",
        "guitar",
        "mushroom",
        "turtle",
    ];
    const MAX: usize = 8;
    let current = current.trim();
    let earlier = history.iter().rev().map(|prompt| prompt.trim()).take(3);
    let is_known = |thing: &&str| {
        memory.is_some_and(|memory| {
            let captions = memory.entries.iter().map(|entry| &entry.caption);
            captions.take(MAX_LOOKED_AT).any(|caption| caption.to_lowercase().contains(thing))
        })
    };
    let others = THINGS.into_iter().filter(|thing| !is_known(thing));
    let mut found: Vec<String> = Vec::new();
    for prompt in std::iter::once(current).chain(earlier).chain(others) {
        if !prompt.is_empty() && !found.iter().any(|known| known == prompt) {
            found.push(prompt.to_owned());
        }
    }
    found.truncate(MAX);
    found
}

/// Captions that are looked at for suggestions.
const MAX_LOOKED_AT: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{EntryId, OwnEntry};

    #[test]
    fn suggestions_are_of_the_user_and_of_what_the_memory_does_not_show() {
        let memory = OwnMemory {
            memory: MemoryId(1),
            name: String::new(),
            entries: vec![OwnEntry {
                entry: EntryId(1),
                caption: "A Red Apple".to_owned(),
                source: String::new(),
                licence: String::new(),
            }],
            keys: vec![0],
            key_dim: 1,
            ids: vec![0],
            n_tokens: 1,
        };
        let history = ["green cat".to_owned(), "blue dog".to_owned()];
        let found = suggestions(" blue dog ", &history, Some(&memory));
        assert_eq!(found[..3], ["blue dog", "green cat", "sailing boat"]);
        assert_eq!(found.len(), 8);
        assert_eq!(suggestions("", &[], None)[0], "red apple");
    }
}
