//! Everything the window shows, as plain data: the recipe of the next picture, the newest job,
//! the remembered pictures in use, notices. Changed by `app::apply` alone; drawn by `ui`.

pub mod add_inspiration;
pub mod branches;
pub mod candidates;
pub mod costs;
pub mod export;
pub mod gallery;
pub mod growing;
pub mod import;
pub mod inspiration;
pub mod job;
pub mod keepsake;
pub mod live;
pub mod lock;
pub mod memories;
pub mod models;
pub mod notice;
pub mod opened;
pub mod project;
pub mod prompt;
pub mod sample;
pub mod settings;
pub mod sheet;
pub mod source;
pub mod steering;
pub mod style_sheet;
pub mod timeline;
pub mod tools;
pub mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub use add_inspiration::{AddInspirations, Adding};
pub use branches::{Branches, NewNode, Node, NodeId, Origin};
pub use candidates::Candidates;
pub use costs::Costs;
pub use export::{Export, ExportSettings};
pub use gallery::Gallery;
pub use growing::{Growing, Pace, Rows};
pub use import::{Import, Imports};
pub use inspiration::Slot;
pub use job::{Job, Made, Order, Phase, Still};
pub use keepsake::Keepsake;
pub use live::LiveStats;
pub use lock::Locking;
pub use memories::Memories;
pub use models::Models;
pub use notice::{Notice, NoticeAction, NoticeKind, Notices};
pub use opened::Opened;
pub use project::{NodeCache, OpenProject, Recovery};
pub use sample::Sample;
pub use settings::{Banned, Recipe, Settings, ThemeChoice};
pub use sheet::Sheet;
pub use source::Source;
pub use steering::{Kept, Steering};
pub use style_sheet::StyleSheet;
pub use timeline::Timeline;
pub use tools::{InkPair, Tool, Tools};
pub use view::{Comparison, ViewSettings};

use crate::document::{Budget, ControlCache, ControlSize, Document, Editor};
use crate::imaging::RgbaImage;
use crate::params::Sampling;
use crate::project::Project;
use crate::protocol::{
    Control, DecodingOrder, EntryId, Failure, GenerateRequest, Inspiration, MemoryRequest,
    ModelInfo, OwnMemory, PictureIds, Previews,
};

/// Why no picture can inspire a model that has no places for one.
pub const NO_MEMORY: &str =
    "This model has no picture memory; load the built-in model to be inspired by pictures";
/// Slots shown until the model says how many it has.
const DEFAULT_SLOTS: usize = 3;

/// What the window shows.
#[derive(Debug)]
pub struct AppState {
    pub settings: Settings,
    /// The control layers and their history.
    pub sketch: Editor,
    /// The sample sketch, until it made room for another prompt.
    pub sample: Option<Sample>,
    /// The layers as the last request carried them.
    control_cache: ControlCache,
    pub engine: Engine,
    /// The newest run.
    pub job: Option<Job>,
    /// The tokens of the last picture that was finished, which a live one stays close to.
    pub finished_ids: Option<Arc<Vec<PictureIds>>>,
    /// Runs asked for after the newest that is known to have begun, oldest first. The worker
    /// takes up the last that it finds and leaves those before it out.
    pub next: VecDeque<Job>,
    /// The run before it: shown until the newest has something to show.
    pub earlier: Option<Job>,
    /// The scale that the user looks at; `None` follows the newest.
    pub scrubbed_to: Option<usize>,
    /// One per memory slot of the model.
    pub slots: Vec<Slot>,
    /// More pictures for one of them, while they are on show.
    pub candidates: Option<Candidates>,
    pub live: LiveStats,
    /// How fast the tokens of a raster model come.
    pub pace: Pace,
    /// What remembered pictures look like, as far as the model has sent them.
    pub thumbnails: BTreeMap<EntryId, Arc<RgbaImage>>,
    /// Of which of them that was asked for, beside what a run sends.
    pub looked_at: BTreeSet<EntryId>,
    pub notices: Notices,
    /// Every picture that was made.
    pub branches: Branches,
    /// Which of them stood at each step that can be taken back.
    pub timeline: Timeline,
    pub steering: Steering,
    /// What the painted lock holds.
    pub locking: Locking,
    /// The picture that the next ones start from.
    pub source: Option<Source>,
    /// What drawing takes on this machine.
    pub costs: Costs,
    /// The file that all this is in, or not yet.
    pub project: OpenProject,
    /// Unsaved work of earlier sessions.
    pub recovery: Recovery,
    /// Pictures on their way into the sketch.
    pub imports: Imports,
    /// Pictures on their way into *Inspired by*.
    pub adding: AddInspirations,
    /// The export panel, while it is open.
    pub export: Option<Export>,
    /// The contact sheet, while it is open.
    pub sheet: Option<Sheet>,
    /// A picture file that was read and waits: for an answer of the user, or for the model.
    pub opened: Option<Opened>,
    /// The pictures on the disk.
    pub gallery: Gallery,
    /// The user's own memories.
    pub memories: Memories,
    /// Which models there are, and which one draws.
    pub models: Models,
    /// What one of them does, while that is looked at.
    pub style_sheet: Option<StyleSheet>,
    /// Where the user is in the prompt history, and the text that was there before.
    pub recall: Option<Recall>,
    /// The graphics adapter that paints the window, for people.
    pub adapter: Option<String>,
    /// A file dialog is open; a second one would only confuse.
    pub dialog_open: bool,
    /// Rises with every new still, so that the canvas knows when to fade.
    pub last_serial: u64,
}

/// Whether there is a model to draw with.
#[expect(clippy::large_enum_variant, reason = "there is one, and it is nearly always ready")]
#[derive(Debug, Clone)]
pub enum Engine {
    Loading,
    Ready(ModelInfo),
    Failed(Failure),
}

/// A picture and where it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    pub job: &'a Job,
    pub scale_idx: usize,
    pub still: &'a Still,
}

impl<'a> Shown<'a> {
    fn newest_of(job: &'a Job) -> Option<Self> {
        let (scale_idx, still) = job.newest()?;
        Some(Self { job, scale_idx, still })
    }
}

/// A walk through the prompt history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recall {
    /// Index into `Settings::history`.
    pub history_idx: usize,
    /// The prompt as it was before the walk began.
    pub draft: String,
}

impl AppState {
    /// Nothing drawn yet; with the sample sketch where the prompt is still the sample's.
    pub fn new(settings: Settings) -> Self {
        let is_new = settings.recipe.prompt == sample::PROMPT;
        let sketch = if is_new {
            Editor::new(sample::document(), Budget::default())
        } else {
            empty_sketch(Document::DEFAULT_SIZE_PX)
        };
        let sample = is_new.then(|| Sample::on(sketch.revision()));
        let begun = Project::new(sketch.document().clone());
        let mut state = Self {
            settings,
            sketch,
            sample,
            control_cache: ControlCache::default(),
            engine: Engine::Loading,
            job: None,
            next: VecDeque::new(),
            finished_ids: None,
            earlier: None,
            scrubbed_to: None,
            slots: vec![Slot::default(); DEFAULT_SLOTS],
            candidates: None,
            live: LiveStats::default(),
            pace: Pace::default(),
            thumbnails: BTreeMap::new(),
            looked_at: BTreeSet::new(),
            notices: Notices::default(),
            branches: Branches::default(),
            timeline: Timeline::default(),
            steering: Steering::default(),
            locking: Locking::default(),
            source: None,
            costs: Costs::default(),
            project: OpenProject::untitled(begun),
            recovery: Recovery::default(),
            imports: Imports::default(),
            adding: AddInspirations::default(),
            export: None,
            sheet: None,
            opened: None,
            gallery: Gallery::default(),
            memories: Memories::default(),
            models: Models::default(),
            style_sheet: None,
            recall: None,
            adapter: None,
            dialog_open: false,
            last_serial: 0,
        };
        state.project.saved = state.to_project(&mut NodeCache::default());
        state
    }

    pub fn model(&self) -> Option<&ModelInfo> {
        match &self.engine {
            Engine::Ready(info) => Some(info),
            Engine::Loading | Engine::Failed(_) => None,
        }
    }

    /// The styles that prompts can name: those of the model, or of the embedded one before it is there.
    pub fn styles(&self) -> Vec<&str> {
        match self.model() {
            Some(model) => model.styles.iter().map(String::as_str).collect(),
            None => prompt::STYLES.to_vec(),
        }
    }

    /// In which order the model draws, and so what its scales are called.
    pub fn order(&self) -> DecodingOrder {
        self.model().map_or(DecodingOrder::NextScale, |model| model.order)
    }

    /// Whether these are ids of the model's first scales.
    pub fn fits(&self, ids: &[Vec<u32>]) -> bool {
        self.model().is_some_and(|model| model.fits(ids))
    }

    /// Whether every change is drawn at once: as the user has it, with a model that is fast enough.
    pub fn is_live(&self) -> bool {
        self.settings.live && self.can_be_live()
    }

    /// Whether pictures come fast enough to follow a hand. Those of a raster model take minutes, and
    /// their upper rows alone say nothing of a change further down.
    pub fn can_be_live(&self) -> bool {
        self.order() == DecodingOrder::NextScale
    }

    /// The user's sampling, or what looks best on the model.
    pub fn sampling(&self) -> Sampling {
        let of_model = self.model().map_or_else(Sampling::default, |info| info.sampling);
        self.settings.recipe.sampling.unwrap_or(of_model)
    }

    pub fn is_drawing(&self) -> bool {
        !self.next.is_empty() || self.job.as_ref().is_some_and(Job::is_running)
    }

    /// What is on the canvas: the scale that the user scrubbed to if it is there, otherwise the
    /// newest. While a new run has nothing to show yet, the picture before it stays.
    pub fn shown(&self) -> Option<Shown<'_>> {
        let job = self.job.as_ref();
        let scrubbed_to = self.scrubbed_to.and_then(|scale_idx| {
            Some(Shown { job: job?, scale_idx, still: job?.still(scale_idx)? })
        });
        scrubbed_to
            .or_else(|| job.and_then(Shown::newest_of))
            .or_else(|| self.earlier.as_ref().and_then(Shown::newest_of))
    }

    /// What there is of the scale that is being drawn, or was when the run was stopped, unless the
    /// user looks at an earlier one.
    pub fn growing(&self) -> Option<&Growing> {
        let job = self.job.as_ref()?;
        let is_scrubbed = self.scrubbed_to.is_some_and(|scale_idx| job.still(scale_idx).is_some());
        job.growing.as_ref().filter(|_| !is_scrubbed)
    }

    /// How much is there of the picture on the canvas, if it is drawn row by row and not complete.
    pub fn shown_rows(&self) -> Option<Rows> {
        let model = self.model().filter(|model| model.order == DecodingOrder::Raster)?;
        let n_rows = model.scales.len();
        let (n_done, n_in_row) = if let Some(growing) = self.growing() {
            (growing.scale_idx, growing.n_in_row(model))
        } else {
            // A picture of another model has rows of its own, or none.
            let shown = self.shown().filter(|shown| shown.job.stills.len() == n_rows)?;
            (shown.scale_idx + 1, 0)
        };
        let n_columns = model.scales.get(n_done).copied()?;
        let is_newest = self.scrubbed_to.is_none();
        let is_drawing = is_newest && self.job.as_ref().is_some_and(Job::is_running);
        Some(Rows { n_rows, n_done, n_columns, n_in_row, is_drawing })
    }

    /// Everything that determines the next picture. Layers that did not change since the last call
    /// give the very same control maps.
    pub fn request(&mut self) -> GenerateRequest {
        let controls = self.controls();
        let lock = self.lock();
        let recipe = &self.settings.recipe;
        // Scales of another model are none of this one.
        let kept = self.steering.kept.as_ref();
        let kept = kept.filter(|kept| kept.given.ids.iter().all(|ids| self.fits(ids)));
        GenerateRequest {
            prompt: recipe.prompt.clone(),
            negative: recipe.negative.clone(),
            seeds: vec![recipe.seed],
            sampling: self.sampling().clamped(),
            stop_at: None,
            previews: Previews::default(),
            anchor: kept.and_then(|kept| kept.anchor.clone()),
            given: kept.map(|kept| kept.given.clone()),
            lock: lock.or_else(|| kept.and_then(|kept| kept.lock.clone())),
            controls,
            memory: self.memory_request(),
        }
    }

    /// The request that a node's picture answers, with all of its scales.
    pub fn request_of(&mut self, node: &Node) -> GenerateRequest {
        let recipe = &node.about.recipe;
        let model_sampling = self.model().map_or_else(Sampling::default, |info| info.sampling);
        // Without the cache, which is for what is being drawn.
        let controls = if node.sketch == *self.sketch.document() {
            self.controls()
        } else {
            self.controls_of(&node.sketch, &mut ControlCache::default())
        };
        GenerateRequest {
            prompt: recipe.prompt.clone(),
            negative: recipe.negative.clone(),
            seeds: vec![recipe.seed],
            sampling: recipe.sampling.unwrap_or(model_sampling).clamped(),
            stop_at: None,
            previews: Previews::default(),
            anchor: node.anchor.clone(),
            given: node.given(),
            lock: node.lock.clone(),
            controls,
            memory: MemoryRequest {
                own: self.own_memories(recipe),
                ..inspiration::memory_request(recipe, &node.about.banned, node.chosen.clone())
            },
        }
    }

    /// Which remembered pictures the next request may look at.
    pub fn memory_request(&self) -> MemoryRequest {
        let Settings { recipe, banned, .. } = &self.settings;
        MemoryRequest {
            own: self.own_memories(recipe),
            ..inspiration::memory_request(recipe, banned, self.chosen_slots())
        }
    }

    /// The user's memories that a picture of this recipe looks into. None if nothing is looked up:
    /// then switching them changes no picture.
    fn own_memories(&self, recipe: &Recipe) -> Vec<Arc<OwnMemory>> {
        if recipe.memory_on { self.memories.for_requests() } else { Vec::new() }
    }

    /// What the next request is made from.
    pub fn made_from(&self) -> Made {
        Made {
            recipe: self.settings.recipe.clone(),
            banned: self.settings.banned.clone(),
            chosen: self.chosen_slots(),
            sketch: self.sketch.document().clone(),
        }
    }

    /// The slots that were chosen by hand, by slot index.
    pub fn chosen_slots(&self) -> Vec<(usize, Inspiration)> {
        let chosen = |(slot_idx, slot): (usize, &Slot)| Some((slot_idx, slot.chosen.clone()?));
        self.slots.iter().enumerate().filter_map(chosen).collect()
    }

    /// The layers that say something to the model, of the kinds that it knows.
    fn controls(&mut self) -> Vec<Control> {
        let mut cache = std::mem::take(&mut self.control_cache);
        let controls = self.controls_of(self.sketch.document(), &mut cache);
        self.control_cache = cache;
        controls
    }

    fn controls_of(&self, document: &Document, cache: &mut ControlCache) -> Vec<Control> {
        let Engine::Ready(model) = &self.engine else { return Vec::new() };
        let size = ControlSize { size_px: model.image_size_px, n_cells: model.n_cells() };
        document.to_sized_controls(&model.control_kinds, size, cache)
    }

    /// A number for a new still, larger than all before.
    pub fn next_serial(&mut self) -> u64 {
        self.last_serial += 1;
        self.last_serial
    }
}

/// An editor with nothing drawn and nothing to undo.
///
/// # Panics
/// If no canvas can be `size_px` wide, see [`Document::new`].
pub fn empty_sketch(size_px: usize) -> Editor {
    let document = Document::new(size_px).expect("models have pictures of a sane size");
    Editor::new(document, Budget::default())
}
