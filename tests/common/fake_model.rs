//! A model without weights: as fast as nothing, as slow as the test wants, and it fails on demand.
//!
//! Its pictures are discs whose colour follows from prompt, seed and scale
//! ([`colour_of`]), so a test can tell which picture it got. Prompt and seed make the ids, and the
//! ids the colour, so given scales show whose they are, and decoding gives the same bytes.
//!
//! ```ignore
//! let model = FakeModel::new().with_fault("bad", Point::Step(2), Fault::Panic);
//! let (model, gate) = model.gated(|point| matches!(point, Point::Step(_)));
//! let mut worker = WorkerHandle::spawn(model.into_loader(), || {})?;
//! worker.generate(GenerateRequest::new("apple", 1));
//! // The worker is held before each step until the test drops what it got.
//! let held = gate.wait();
//! assert_eq!(held.point, Point::Step(0));
//! drop(held);
//! ```
//!
//! [`FakeModel::raster`] draws in raster order: one token per step, each a cell of [`CELL_PX`] pixels in
//! the colour of its row ([`colour_of`] with the row for the scale); what is not drawn is transparent.
//!
//! A gate must go before its worker, which waits for it (`Rig` in `worker_rig.rs` sees to that).

#![allow(dead_code, reason = "each test crate uses another part of it")]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, never};
use image::Rgba;
use underpaint::imaging::RgbaImage;
use underpaint::model::{Generator, ModelError, Session, Step};
use underpaint::params::{ControlKind, Sampling};
use underpaint::protocol::{
    DecodingOrder, EntryId, GenerateRequest, Given, Inspiration, InspiredBy, Lock, MemoryModel,
    MemoryRequest, ModelInfo, PictureIds, Progress,
};

/// How long a test waits for what must happen; far more than it takes on a busy machine.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Pixels of a cell of the raster fake, along a side.
pub(crate) const CELL_PX: usize = 4;

/// A place where a fault can strike and where a gate can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Point {
    Load,
    Start,
    /// In the step to this scale, before the worker is asked whether to go on.
    Step(usize),
    /// Of the raster fake in place of [`Self::Step`]: row and column of the token.
    Token(usize, usize),
    /// Of the raster fake, before it shows an unfinished row: the row, and its tokens that are drawn.
    Glimpse(usize, usize),
    /// Before decoding this scale of this picture of the batch.
    Render(usize, usize),
    Thumbnail(EntryId),
    Encode,
    /// Before comparing a text with all entries.
    Candidates,
    /// Before making the key of a caption.
    Key,
    /// Before decoding this scale for an errand.
    Decode(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Error,
    Panic,
}

/// Size of the keys that the fake makes.
const KEY_DIM: usize = 4;

/// Something that was asked of the model. The prompt is empty where none is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) point: Point,
    pub(crate) prompt: String,
}

/// Builder of a model and the model itself.
pub(crate) struct FakeModel {
    info: ModelInfo,
    entries: Vec<EntryId>,
    /// A shortened prompt would be one.
    notices: Vec<String>,
    place: Place,
}

/// What all parts of the fake share: whom to tell and ask at each point.
#[derive(Clone, Default)]
struct Place {
    faults: Vec<(Call, Fault)>,
    guard: Option<Guard>,
    calls: Calls,
}

/// The model's side of a [`Gate`].
#[derive(Clone)]
struct Guard {
    holds: fn(Point) -> bool,
    gate: Sender<Held>,
}

/// The calls so far, in order; a clone sees the same list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<Call>>>);

/// The test's side of a gated model. Opened or dropped, it holds nothing any more.
pub(crate) struct Gate(Receiver<Held>);

/// The worker stands at a point until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) point: Point,
    pub(crate) prompt: String,
    _release: Sender<()>,
}

impl FakeModel {
    /// Four scales, pictures of 16×16 pixels, three memory slots over six entries.
    pub(crate) fn new() -> Self {
        let info = ModelInfo {
            name: "Fake model".to_owned(),
            device: "CPU, 1 thread".to_owned(),
            order: DecodingOrder::NextScale,
            scales: vec![1, 2, 4, 8],
            image_size_px: 16,
            control_kinds: ControlKind::ALL.to_vec(),
            class_names: Arc::default(),
            styles: underpaint::state::prompt::STYLES.map(str::to_owned).into(),
            n_memory_slots: 3,
            n_memory_entries: 6,
            memory_entries: (1..=6).map(EntryId).collect(),
            n_parameters: 0,
            sha256: None,
            tokenizer_sha256: None,
            sampling: Sampling::default(),
        };
        Self {
            info,
            entries: (1..=6).map(EntryId).collect(),
            notices: Vec::new(),
            place: Place::default(),
        }
    }

    /// A model that draws token by token, `rows` of `columns` tokens, and knows no memory.
    pub(crate) fn raster(rows: usize, columns: usize) -> Self {
        let mut model = Self::new();
        model.entries.clear();
        model.info = ModelInfo {
            name: "Fake raster model".to_owned(),
            order: DecodingOrder::Raster,
            scales: vec![columns; rows],
            image_size_px: CELL_PX * rows.max(columns),
            n_memory_slots: 0,
            n_memory_entries: 0,
            memory_entries: Arc::default(),
            sampling: Sampling {
                guidance: 7.5,
                temperature: 1.0,
                top_k: 1000,
                ..Sampling::default()
            },
            ..model.info
        };
        model
    }

    #[must_use]
    pub(crate) fn with_scales(mut self, n_scales: usize) -> Self {
        self.info.scales = (1..=n_scales).collect();
        self
    }

    #[must_use]
    pub(crate) fn with_image_size(mut self, size_px: usize) -> Self {
        self.info.image_size_px = size_px;
        self
    }

    /// Draws these classes instead of prompts.
    #[must_use]
    pub(crate) fn with_classes(mut self, names: &[&str]) -> Self {
        self.info.class_names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Reads only these layers.
    #[must_use]
    pub(crate) fn with_control_kinds(mut self, kinds: &[ControlKind]) -> Self {
        self.info.control_kinds = kinds.to_vec();
        self
    }

    /// What every run remarks.
    #[must_use]
    pub(crate) fn with_notice(mut self, notice: &str) -> Self {
        self.notices.push(notice.to_owned());
        self
    }

    /// Strikes at `point`, for jobs with this prompt; the prompt is empty for `Load` and
    /// `Thumbnail`.
    #[must_use]
    pub(crate) fn with_fault(mut self, prompt: &str, point: Point, fault: Fault) -> Self {
        self.place.faults.push((Call { point, prompt: prompt.to_owned() }, fault));
        self
    }

    /// Holds the worker at each point that `holds` names.
    pub(crate) fn gated(mut self, holds: fn(Point) -> bool) -> (Self, Gate) {
        // Without room, so that nothing stays in the channel when the gate is dropped.
        let (sender, receiver) = bounded(0);
        self.place.guard = Some(Guard { holds, gate: sender });
        (self, Gate(receiver))
    }

    pub(crate) fn info(&self) -> &ModelInfo {
        &self.info
    }

    pub(crate) fn calls(&self) -> Calls {
        self.place.calls.clone()
    }

    /// For [`underpaint::worker::WorkerHandle::spawn`].
    pub(crate) fn into_loader(
        self,
    ) -> impl FnOnce() -> Result<Box<dyn Generator>, ModelError> + Send + 'static {
        move || {
            self.place.pass(Point::Load, "")?;
            Ok(Box::new(self))
        }
    }
}

impl Generator for FakeModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn start(&mut self, request: &GenerateRequest) -> Result<Box<dyn Session>, ModelError> {
        self.place.pass(Point::Start, &request.prompt)?;
        let n_scales = request.stop_at.unwrap_or(self.info.scales.len());
        if !(1..=self.info.scales.len()).contains(&n_scales) {
            let reason =
                format!("There is no scale {n_scales}, choose 1–{}", self.info.scales.len());
            return Err(ModelError::Request { reason });
        }
        Ok(Box::new(FakeSession {
            prompt: request.prompt.clone(),
            seeds: request.seeds.clone(),
            n_scales,
            n_done: request.given.as_ref().map_or(0, Given::n_scales),
            n_part: 0,
            given: request.given.clone(),
            info: self.info.clone(),
            notices: self.notices.clone(),
            inspired_by: inspired_by(request, &self.entries, self.info.n_memory_slots),
            place: self.place.clone(),
        }))
    }

    fn encode(&mut self, picture: &RgbaImage) -> Result<PictureIds, ModelError> {
        self.place.pass(Point::Encode, "")?;
        let Rgba([red, green, ..]) = middle(picture);
        let id = u32::from_be_bytes([0, 0, red, green]);
        Ok(grids(&self.info, self.info.scales.len(), id))
    }

    fn decode(
        &mut self,
        ids: &PictureIds,
        _lock: Option<&Lock>,
        scale_idx: usize,
    ) -> Result<RgbaImage, ModelError> {
        self.place.pass(Point::Decode(scale_idx), "")?;
        let Some(grid) = ids.get(scale_idx) else {
            return Err(ModelError::Request { reason: format!("There is no scale {scale_idx}") });
        };
        Ok(match self.info.order {
            DecodingOrder::NextScale => {
                disc(self.info.image_size_px, colour_of_id(grid[0], scale_idx))
            }
            DecodingOrder::Raster => cells(&self.info, &ids[..=scale_idx]),
        })
    }

    fn thumbnail(&mut self, entry: EntryId) -> Result<Arc<RgbaImage>, ModelError> {
        self.place.pass(Point::Thumbnail(entry), "")?;
        if !self.entries.contains(&entry) {
            return Err(ModelError::UnknownEntry { entry });
        }
        Ok(Arc::new(disc(self.info.image_size_px, colour_of("", entry.0, 0))))
    }

    fn remembered(&mut self, picture: &InspiredBy) -> Result<Arc<RgbaImage>, ModelError> {
        if self.entries.contains(&picture.entry) {
            return self.thumbnail(picture.entry);
        }
        self.place.pass(Point::Thumbnail(picture.entry), "")?;
        let Some(id) = picture.ids.first() else {
            return Err(ModelError::UnknownEntry { entry: picture.entry });
        };
        Ok(Arc::new(disc(self.info.image_size_px, colour_of_id(u32::from(*id), 0))))
    }

    /// All entries in order, those of the user first.
    fn candidates(
        &mut self,
        text: &str,
        memory: &MemoryRequest,
        n: usize,
    ) -> Result<Vec<InspiredBy>, ModelError> {
        self.place.pass(Point::Candidates, text)?;
        let entries = retrievable(memory, &self.entries).take(n).enumerate();
        Ok(entries.map(|(rank, found)| InspiredBy { slot: rank, ..found }).collect())
    }

    fn memory_model(&self) -> MemoryModel {
        MemoryModel {
            mark: "fake".to_owned(),
            image_size_px: self.info.image_size_px,
            n_tokens: self.info.n_tokens().sum(),
            codebook_size: 1 << 16,
            key_dim: KEY_DIM,
        }
    }

    fn key(&mut self, caption: &str) -> Result<Vec<i8>, ModelError> {
        self.place.pass(Point::Key, caption)?;
        Ok(id_of(caption, 0).to_be_bytes().map(|byte| (byte >> 1) as i8).to_vec())
    }
}

struct FakeSession {
    prompt: String,
    seeds: Vec<u64>,
    n_scales: usize,
    n_done: usize,
    /// Tokens of the unfinished row.
    n_part: usize,
    given: Option<Given>,
    info: ModelInfo,
    notices: Vec<String>,
    inspired_by: Vec<InspiredBy>,
    place: Place,
}

impl Session for FakeSession {
    fn notices(&self) -> &[String] {
        &self.notices
    }

    fn inspired_by(&self) -> &[InspiredBy] {
        &self.inspired_by
    }

    fn n_scales(&self) -> usize {
        self.n_scales
    }

    fn n_done(&self) -> usize {
        self.n_done
    }

    fn set_n_scales(&mut self, n_scales: usize) -> Result<(), ModelError> {
        assert!(n_scales >= self.n_done, "the worker keeps what is done");
        self.n_scales = n_scales;
        Ok(())
    }

    fn step(&mut self, go_on: &dyn Fn() -> bool) -> Result<Step, ModelError> {
        assert!(self.n_done < self.n_scales, "the worker steps beyond the last scale");
        let is_raster = self.info.order == DecodingOrder::Raster;
        let (row, column) = (self.n_done, self.n_part);
        let point = if is_raster { Point::Token(row, column) } else { Point::Step(row) };
        self.place.pass(point, &self.prompt)?;
        if !go_on() {
            return Ok(Step::Abandoned);
        }
        if is_raster && column + 1 < self.info.scales[row] {
            self.n_part += 1;
            return Ok(Step::Part);
        }
        self.n_part = 0;
        self.n_done += 1;
        Ok(Step::Done)
    }

    fn progress(&self) -> Option<Progress> {
        (self.info.order == DecodingOrder::Raster).then(|| {
            let n_tokens = |n_rows: usize| self.info.scales[..n_rows].iter().sum::<usize>();
            Progress {
                n_tokens: n_tokens(self.n_done) + self.n_part,
                n_wanted: n_tokens(self.n_scales),
            }
        })
    }

    fn glimpse(&self, batch_idx: usize) -> Result<Option<RgbaImage>, ModelError> {
        if self.info.order == DecodingOrder::NextScale {
            return Ok(None);
        }
        self.place.pass(Point::Glimpse(self.n_done, self.n_part), &self.prompt)?;
        let mut ids = self.ids(batch_idx);
        ids.push(vec![id_of(&self.prompt, self.seeds[batch_idx]); self.n_part]);
        Ok(Some(cells(&self.info, &ids)))
    }

    fn ids(&self, batch_idx: usize) -> PictureIds {
        let id = id_of(&self.prompt, self.seeds[batch_idx]);
        let mut ids = grids(&self.info, self.n_done, id);
        if let Some(given) = &self.given {
            ids[..given.n_scales()].clone_from_slice(&given.ids[batch_idx]);
        }
        ids
    }

    fn render_scale(&self, scale_idx: usize, batch_idx: usize) -> Result<RgbaImage, ModelError> {
        assert!(scale_idx < self.n_done, "the worker decodes after the step");
        self.place.pass(Point::Render(scale_idx, batch_idx), &self.prompt)?;
        let ids = self.ids(batch_idx);
        Ok(match self.info.order {
            DecodingOrder::NextScale => {
                disc(self.info.image_size_px, colour_of_id(ids[scale_idx][0], scale_idx))
            }
            DecodingOrder::Raster => cells(&self.info, &ids[..=scale_idx]),
        })
    }
}

impl Place {
    fn pass(&self, point: Point, prompt: &str) -> Result<(), ModelError> {
        let call = Call { point, prompt: prompt.to_owned() };
        self.calls.0.lock().unwrap_or_else(PoisonError::into_inner).push(call.clone());
        if let Some(Guard { holds, gate }) = &self.guard
            && holds(point)
        {
            let (release, released) = bounded(0);
            let held = Held { point, prompt: prompt.to_owned(), _release: release };
            // Both fail, which is to go on, when the test has dropped its end.
            gate.send(held).ok();
            released.recv().ok();
        }
        match self.faults.iter().find(|(at, _)| *at == call) {
            Some((_, Fault::Panic)) => panic!("fake panic at {point:?}"),
            Some((_, Fault::Error)) => {
                Err(ModelError::Memory { reason: format!("fake error at {point:?}") })
            }
            None => Ok(()),
        }
    }
}

impl Gate {
    /// Waits until the worker stands at a point.
    pub(crate) fn wait(&self) -> Held {
        self.0.recv_timeout(TIME_LIMIT).expect("the worker must reach a gated point")
    }

    /// Lets everything pass from now on, but for what is held already.
    pub(crate) fn open(&mut self) {
        self.0 = never();
    }

    /// The channel, for selecting over it and others.
    pub(crate) fn arrivals(&self) -> &Receiver<Held> {
        &self.0
    }
}

impl Calls {
    pub(crate) fn count(&self, counts: impl Fn(&Call) -> bool) -> usize {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.iter().filter(|call| counts(call)).count()
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Colour of the middle of a picture. Differs between any two scales, and, but for chance, between
/// prompts and seeds.
pub(crate) fn colour_of(prompt: &str, seed: u64, scale_idx: usize) -> Rgba<u8> {
    colour_of_id(id_of(prompt, seed), scale_idx)
}

fn colour_of_id(id: u32, scale_idx: usize) -> Rgba<u8> {
    Rgba([(id >> 8) as u8, id as u8, (scale_idx * 24) as u8, 255])
}

/// The code at every place of a picture: 16 bits.
fn id_of(prompt: &str, seed: u64) -> u32 {
    // FNV-1a, because snapshots must not change with the standard library's hasher.
    let bytes = prompt.bytes().chain(seed.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    ((hash >> 48) as u32 & 0xff) << 8 | (hash >> 32) as u32 & 0xff
}

/// The first `n_scales` alone: some tests have models of many thousands.
fn grids(info: &ModelInfo, n_scales: usize, id: u32) -> PictureIds {
    info.n_tokens().take(n_scales).map(|n_tokens| vec![id; n_tokens]).collect()
}

/// The rows so far of a raster picture, the last of them perhaps unfinished.
fn cells(info: &ModelInfo, rows: &[Vec<u32>]) -> RgbaImage {
    let (width, height) = info.size_px();
    RgbaImage::from_fn(width as u32, height as u32, |x, y| {
        let (row, column) = (y as usize / CELL_PX, x as usize / CELL_PX);
        let id = rows.get(row).and_then(|row| row.get(column));
        id.map_or(Rgba([0; 4]), |id| colour_of_id(*id, row))
    })
}

/// Colour of the middle of a picture that the fake made.
pub(crate) fn middle(picture: &RgbaImage) -> Rgba<u8> {
    *picture.get_pixel(picture.width() / 2, picture.height() / 2)
}

fn disc(size_px: usize, colour: Rgba<u8>) -> RgbaImage {
    let centre = size_px as f32 / 2.0;
    RgbaImage::from_fn(size_px as u32, size_px as u32, |x, y| {
        let from_centre = (x as f32 + 0.5 - centre).hypot(y as f32 + 0.5 - centre);
        if from_centre < centre { colour } else { Rgba([0; 4]) }
    })
}

/// All entries that are not banned, those of the user first.
fn retrievable(memory: &MemoryRequest, entries: &[EntryId]) -> impl Iterator<Item = InspiredBy> {
    let own = memory.own.iter().flat_map(|own| {
        own.entries.iter().enumerate().map(|(entry_idx, entry)| InspiredBy {
            caption: entry.caption.clone(),
            source: entry.source.clone(),
            licence: entry.licence.clone(),
            memory: own.name.clone(),
            ids: own.ids_of(entry_idx).into(),
            ..about(entry.entry)
        })
    });
    let of_model = entries.iter().map(|entry| about(*entry));
    own.chain(of_model).filter(|found| !memory.banned.contains(&found.entry))
}

/// An entry of the fake's memory.
fn about(entry: EntryId) -> InspiredBy {
    InspiredBy {
        slot: 0,
        entry,
        caption: format!("entry {}", entry.0),
        style: "flat".to_owned(),
        source: "Fake pictures".to_owned(),
        licence: "CC0".to_owned(),
        similarity: Some(0.9),
        memory: String::new(),
        provenance: underpaint::protocol::Provenance::Entry,
        ids: Arc::default(),
    }
}

fn inspired_by(request: &GenerateRequest, entries: &[EntryId], n_slots: usize) -> Vec<InspiredBy> {
    let memory = &request.memory;
    let is_chosen = |entry| {
        memory.chosen.iter().any(|(_, chosen)| match chosen {
            Inspiration::Entry(chosen) => *chosen == entry,
            Inspiration::Remembered(picture) => picture.entry == entry,
            Inspiration::Picture { .. } => false,
        })
    };
    let mut retrieved = retrievable(memory, entries).filter(|found| !is_chosen(found.entry));
    let mut used = Vec::new();
    for slot in (0..n_slots).filter(|slot| !memory.closed_slots.contains(slot)) {
        let chosen = memory.chosen.iter().find(|(chosen_slot, _)| *chosen_slot == slot);
        let found = match chosen {
            Some((_, Inspiration::Entry(entry))) => {
                let known = retrievable(memory, &[]).find(|found| found.entry == *entry);
                InspiredBy { similarity: None, ..known.unwrap_or_else(|| about(*entry)) }
            }
            Some((_, Inspiration::Remembered(picture))) => InspiredBy {
                caption: picture.caption.clone(),
                source: picture.source.clone(),
                licence: picture.licence.clone(),
                memory: picture.memory.clone(),
                ids: Arc::clone(&picture.ids),
                similarity: None,
                ..about(picture.entry)
            },
            Some((_, Inspiration::Picture { name, .. })) => {
                InspiredBy { caption: name.clone(), similarity: None, ..about(EntryId(1000)) }
            }
            None if memory.retrieval => match retrieved.next() {
                Some(found) => found,
                None => continue,
            },
            None => continue,
        };
        used.push(InspiredBy { slot, ..found });
    }
    used
}
