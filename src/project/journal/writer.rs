//! A journal being written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::super::blobs::{Blob, Blobs};
use super::super::manifest::Manifest;
use super::super::pack::manifest_of;
use super::super::records::{DocumentRecord, InspirationRecord, NodeRecord, SourceRecord};
use super::super::{Change, Project};
use super::entry::{
    CHANGE, ChangeEntry, ChangeRecord, SketchEntry, WHOLE, WholeEntry, append_blob, append_json,
    append_sketch,
};
use super::frames::MAGIC;
use super::{JournalError, SessionFacts, patch, reader, shown};
use crate::document::Document;

/// A journal this much larger than at its beginning is written anew.
const MAX_GROWTH: u64 = 8 << 20;

/// The journal of a living session. Dropping it leaves it as it is, like a crash.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    /// Held for as long as the session lives.
    lock: File,
    file: File,
    generation: u32,
    /// Bytes of whole frames; what is beyond failed to be written.
    length: u64,
    /// `length` when the file was begun.
    begun_length: u64,
    /// What a reader would find.
    manifest: Manifest,
    sketch: Document,
    facts: SessionFacts,
    blobs: Blobs,
    /// Where the PNG of each blob stands, and how long it is.
    places: BTreeMap<String, (u64, usize)>,
}

impl Journal {
    /// Begins the first file of a session. `lock` is that of the folder, held already.
    pub(super) fn begin(
        folder: PathBuf,
        lock: File,
        project: &Project,
        facts: SessionFacts,
    ) -> Result<Self, JournalError> {
        let mut blobs = Blobs::default();
        let manifest = manifest_of(project, &mut blobs);
        let mut text = Whole::default();
        for blob in blobs.take_new() {
            text.add(&blob);
        }
        let (generation, sketch) = (1, project.sketch.clone());
        let file = text.write(&folder, generation, &manifest, &facts)?;
        let Whole { bytes, places } = text;
        let length = bytes.len() as u64;
        let begun_length = length;
        Ok(Self {
            folder,
            lock,
            file,
            generation,
            length,
            begun_length,
            manifest,
            sketch,
            facts,
            blobs,
            places,
        })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn facts(&self) -> &SessionFacts {
        &self.facts
    }

    /// Bytes of the file.
    pub fn n_bytes(&self) -> u64 {
        self.length
    }

    /// Appends changes, which bring the project to where there is something unsaved or not.
    ///
    /// # Errors
    /// [`JournalError::Write`]; what was there before is still whole. The same changes may be
    /// tried again.
    pub fn append(&mut self, changes: &[Change], is_unsaved: bool) -> Result<(), JournalError> {
        let mut text = Vec::new();
        let mut records = Vec::new();
        let mut sketch = None;
        let mut n_strokes = 0;
        for change in changes {
            let record = match change {
                Change::Recipe(recipe) => ChangeRecord::Recipe(recipe.clone()),
                Change::View(view) => ChangeRecord::View(view.clone()),
                Change::Slots(slots) => {
                    let blobs = &mut self.blobs;
                    let slots = slots.iter().map(|slot| slot.as_ref());
                    let record = slots.map(|slot| Some(InspirationRecord::of(slot?, blobs)));
                    ChangeRecord::Slots(record.collect())
                }
                Change::Source(source) => {
                    let source = source.as_ref();
                    ChangeRecord::Source(source.map(|it| SourceRecord::of(it, &mut self.blobs)))
                }
                Change::Sketch(newer) => {
                    let before: &Document = sketch.unwrap_or(&self.sketch);
                    let (patch, pixels) = patch::between(before, newer);
                    append_sketch(&mut text, &SketchEntry { is_unsaved, patch }, &pixels);
                    sketch = Some(newer);
                    n_strokes += 1;
                    continue;
                }
                Change::Node(node) => match NodeRecord::of(node, &mut self.blobs) {
                    Some(record) => ChangeRecord::Node(Box::new(record)),
                    None => continue,
                },
                Change::Removed(id) => ChangeRecord::Removed(*id),
                Change::Current(current) => ChangeRecord::Current(*current),
            };
            self.append_new_blobs(&mut text);
            let entry = ChangeEntry { is_unsaved, change: record };
            append_json(&mut text, CHANGE, &entry);
            records.push(entry.change);
        }
        self.write(&text)?;
        for record in records {
            reader::apply(&mut self.manifest, record);
        }
        self.sketch = sketch.unwrap_or(&self.sketch).clone();
        self.facts.n_strokes += n_strokes;
        self.facts.is_unsaved = is_unsaved;
        Ok(())
    }

    /// The project was written to its file; `facts` say what is still unsaved.
    ///
    /// # Errors
    /// [`JournalError::Write`] as for [`Self::append`].
    pub fn saved(&mut self, facts: SessionFacts) -> Result<(), JournalError> {
        let is_unsaved = facts.is_unsaved;
        let entry = ChangeEntry { is_unsaved, change: ChangeRecord::Saved(facts.clone()) };
        let mut text = Vec::new();
        append_json(&mut text, CHANGE, &entry);
        self.write(&text)?;
        self.facts = facts;
        Ok(())
    }

    /// Waits until everything is on the disk: then it outlives a power cut too.
    ///
    /// # Errors
    /// [`JournalError::Write`].
    pub fn sync(&self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(|source| self.cannot_write(source))
    }

    /// Whether [`Self::compact`] is worth its while.
    pub fn is_overgrown(&self) -> bool {
        self.length > 2 * self.begun_length + MAX_GROWTH
    }

    /// Writes a new file with what is needed of this one, then deletes this one. Whenever that ends,
    /// one of both is whole.
    ///
    /// # Errors
    /// [`JournalError`]; the old file then goes on.
    pub fn compact(&mut self) -> Result<(), JournalError> {
        let mut blobs = Blobs::default();
        std::mem::swap(&mut blobs, &mut self.blobs);
        let mut manifest = self.manifest.clone();
        manifest.sketch = DocumentRecord::of(&self.sketch, &mut blobs);
        let mut text = Whole::default();
        for blob in blobs.take_new() {
            text.add(&blob);
        }
        self.blobs = blobs;
        for name in manifest.blob_names() {
            if text.places.contains_key(name) {
                continue;
            }
            let png = self.read_blob(name).map_err(|source| self.cannot_write(source))?;
            text.add(&Blob { name: name.to_owned(), png });
        }
        let generation = self.generation + 1;
        let file = text.write(&self.folder, generation, &manifest, &self.facts)?;
        let old = path_of(&self.folder, self.generation);
        self.generation = generation;
        self.file = file;
        self.length = text.bytes.len() as u64;
        self.begun_length = self.length;
        // What is not in the new file must be written again when it is needed again.
        self.blobs.forget_all_but(text.places.keys());
        self.places = text.places;
        self.manifest = manifest;
        if let Err(error) = fs::remove_file(&old) {
            tracing::warn!("an old journal stays: {error}: {}", old.display());
        }
        Ok(())
    }

    /// Ends the session. If nothing is unsaved, its folder goes; otherwise it stays and is offered.
    pub fn close(self) {
        let Self { folder, lock, file, facts, .. } = self;
        if facts.is_unsaved {
            file.sync_all().ok();
            return;
        }
        drop((file, lock));
        super::sessions::remove(&folder);
    }

    fn append_new_blobs(&mut self, text: &mut Vec<u8>) {
        for blob in self.blobs.take_new() {
            append_blob(text, &blob);
            let start = self.length + (text.len() - blob.png.len()) as u64;
            self.places.insert(blob.name, (start, blob.png.len()));
        }
    }

    fn write(&mut self, text: &[u8]) -> Result<(), JournalError> {
        let written = self.file.write_all(text);
        if let Err(source) = written {
            // Half a frame would hide all that comes after it. Blobs in it are not known.
            let length = self.length;
            self.file.set_len(length).ok();
            self.file.seek(SeekFrom::Start(length)).ok();
            self.places.retain(|_, (start, _)| *start < length);
            self.blobs.forget_all_but(self.places.keys());
            return Err(self.cannot_write(source));
        }
        self.length += text.len() as u64;
        Ok(())
    }

    fn read_blob(&mut self, name: &str) -> io::Result<Vec<u8>> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "pixels are missing");
        let (start, n_bytes) = *self.places.get(name).ok_or_else(missing)?;
        let mut png = vec![0; n_bytes];
        self.file.seek(SeekFrom::Start(start))?;
        let read = self.file.read_exact(&mut png);
        self.file.seek(SeekFrom::Start(self.length))?;
        read.map(|()| png)
    }

    fn cannot_write(&self, source: io::Error) -> JournalError {
        JournalError::Write { name: shown(&self.folder), source }
    }
}

/// A whole file before it is written.
#[derive(Debug, Default)]
struct Whole {
    bytes: Vec<u8>,
    places: BTreeMap<String, (u64, usize)>,
}

impl Whole {
    fn add(&mut self, blob: &Blob) {
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(MAGIC);
        }
        append_blob(&mut self.bytes, blob);
        let start = (self.bytes.len() - blob.png.len()) as u64;
        self.places.insert(blob.name.clone(), (start, blob.png.len()));
    }

    /// Writes it beside its place, and then into it; the file is left open at its end.
    fn write(
        &mut self,
        folder: &Path,
        generation: u32,
        manifest: &Manifest,
        facts: &SessionFacts,
    ) -> Result<File, JournalError> {
        if self.bytes.is_empty() {
            self.bytes.extend_from_slice(MAGIC);
        }
        let entry = WholeEntry { facts: facts.clone(), project: manifest };
        append_json(&mut self.bytes, WHOLE, &entry);
        let path = path_of(folder, generation);
        let unfinished = path.with_extension("tmp");
        let write = || {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(&unfinished)?;
            file.write_all(&self.bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            if cfg!(unix) {
                // Not every file system can flush a folder; the file is whole either way.
                File::open(folder).and_then(|folder| folder.sync_all()).ok();
            }
            Ok(file)
        };
        write().map_err(|source| JournalError::Write { name: shown(&path), source })
    }
}

/// `0001.journal`.
fn path_of(folder: &Path, generation: u32) -> PathBuf {
    folder.join(format!("{generation:04}.{ENDING}"))
}

/// What the names of journals end with.
pub(super) const ENDING: &str = "journal";

impl Manifest {
    fn blob_names(&self) -> BTreeSet<&str> {
        let planes = self.nodes.iter().flat_map(|node| node.document.planes());
        let planes = planes.chain(self.sketch.planes()).map(|(_, name)| name);
        let slots =
            self.slots.iter().flatten().chain(
                self.nodes.iter().flat_map(|node| node.chosen.iter().map(|(_, chosen)| chosen)),
            );
        let slots = slots.filter_map(InspirationRecord::blob_name);
        let nodes = self.nodes.iter().flat_map(NodeRecord::blob_names);
        let source = self.source.as_ref().map(SourceRecord::blob_name);
        planes.chain(slots).chain(nodes).chain(source).collect()
    }
}
