//! Pictures, a database and an encoder for the tests of memories.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::{Rgba, RgbaImage};
use tempfile::TempDir;
use underpaint::library::memory::{Access, AddKind, Adder, MemoryError, MemoryStore, Stop};
use underpaint::protocol::{
    AddPictures, AddReport, Captions, EntryQuery, Failure, KnownEntry, KnownMemory, MemoryEncoder,
    MemoryId, MemoryModel,
};

/// A model that is quick: ids follow from the pixels, keys from the caption.
#[derive(Debug, Clone)]
pub(crate) struct FakeEncoder {
    pub(crate) mark: &'static str,
    pub(crate) n_pictures: usize,
    pub(crate) n_keys: usize,
    /// Pictures that it takes before it fails.
    pub(crate) n_left: usize,
}

impl FakeEncoder {
    pub(crate) fn new() -> Self {
        Self { mark: "one", n_pictures: 0, n_keys: 0, n_left: usize::MAX }
    }

    pub(crate) fn key(caption: &str) -> Vec<i8> {
        let mut key = vec![0_i8; 8];
        for (idx, byte) in caption.bytes().enumerate() {
            key[idx % 8] = key[idx % 8].wrapping_add(byte as i8);
        }
        key
    }

    pub(crate) fn ids_of(mark: &str, picture: &RgbaImage) -> Vec<u16> {
        let mut ids = vec![mark.len() as u16; 7];
        for (idx, byte) in picture.as_raw().iter().enumerate() {
            ids[idx % 7] = (ids[idx % 7].wrapping_mul(31).wrapping_add(u16::from(*byte))) % 4096;
        }
        ids
    }
}

pub(crate) fn failure(headline: &str) -> Failure {
    Failure { headline: headline.to_owned(), details: String::new() }
}

impl MemoryEncoder for FakeEncoder {
    fn model(&mut self) -> Result<MemoryModel, Failure> {
        if self.n_left == 0 {
            return Err(failure("There is no model"));
        }
        Ok(MemoryModel {
            mark: self.mark.to_owned(),
            image_size_px: 64,
            n_tokens: 7,
            codebook_size: 4096,
            key_dim: 8,
        })
    }

    fn ids(&mut self, pictures: &[Arc<RgbaImage>]) -> Result<Vec<Arc<[u16]>>, Failure> {
        if pictures.len() > self.n_left {
            self.n_left = 0;
            return Err(failure("The model gave up"));
        }
        self.n_left -= pictures.len();
        self.n_pictures += pictures.len();
        assert!(pictures.iter().all(|picture| picture.dimensions() == (64, 64)), "fitted");
        Ok(pictures.iter().map(|picture| Self::ids_of(self.mark, picture).into()).collect())
    }

    fn keys(&mut self, captions: &[String]) -> Result<Vec<Vec<i8>>, Failure> {
        self.n_keys += captions.len();
        Ok(captions.iter().map(|caption| Self::key(caption)).collect())
    }
}

/// A folder of pictures and a place for the database.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("it works here") };
        fs::create_dir(desk.pictures()).expect("it works here");
        desk
    }

    pub(crate) fn pictures(&self) -> PathBuf {
        self.folder.path().join("pictures")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("data/library.sqlite")
    }

    pub(crate) fn open(&self) -> MemoryStore {
        let opened = MemoryStore::open(&self.database()).expect("it works here");
        assert_eq!(opened.warning, None);
        assert_eq!(opened.store.access(), Access::Full);
        opened.store
    }

    /// Writes a picture that looks like no other seed's.
    pub(crate) fn put(&self, name: &str, seed: u32) -> PathBuf {
        let path = self.pictures().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it works here");
        picture(seed, 96).save(&path).expect("it works here");
        path
    }

    pub(crate) fn request(&self, memory: MemoryId) -> AddPictures {
        AddPictures {
            memory,
            paths: vec![self.pictures()],
            captions: Captions::FileNames,
            removes_background: true,
        }
    }

    /// Adds the folder.
    pub(crate) fn add(
        &self,
        store: &mut MemoryStore,
        encoder: &mut FakeEncoder,
        memory: MemoryId,
    ) -> AddReport {
        store.note_jobs(&self.request(memory)).expect("it works here");
        run(store, encoder, memory, AddKind::Noted).expect("it works here")
    }
}

pub(crate) fn run(
    store: &mut MemoryStore,
    encoder: &mut FakeEncoder,
    memory: MemoryId,
    kind: AddKind,
) -> Result<AddReport, MemoryError> {
    run_until(store, encoder, memory, kind, &|| None)
}

pub(crate) fn run_until(
    store: &mut MemoryStore,
    encoder: &mut FakeEncoder,
    memory: MemoryId,
    kind: AddKind,
    stop: &(dyn Fn() -> Option<Stop> + Sync),
) -> Result<AddReport, MemoryError> {
    Adder { store, encoder, stop, progress: &mut |_| {} }.run(memory, kind)
}

pub(crate) fn all(memory: MemoryId) -> EntryQuery {
    EntryQuery { memory: Some(memory), ..EntryQuery::default() }
}

/// Captions, the oldest entry first.
pub(crate) fn captions(store: &MemoryStore, memory: MemoryId) -> Vec<String> {
    let listing = store.list(&all(memory)).expect("it works here");
    listing.entries.into_iter().rev().map(|entry| entry.caption).collect()
}

pub(crate) fn entry(store: &MemoryStore, memory: MemoryId, caption: &str) -> KnownEntry {
    let listing = store.list(&all(memory)).expect("it works here");
    listing.entries.into_iter().find(|entry| entry.caption == caption).expect(caption)
}

pub(crate) fn known(store: &MemoryStore, memory: MemoryId) -> KnownMemory {
    let memories = store.memories(None).expect("it works here");
    memories.into_iter().find(|known| known.memory == memory).expect("it is there")
}

/// Shapes on a transparent ground, different for each seed.
pub(crate) fn picture(seed: u32, side_px: u32) -> RgbaImage {
    let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
    let mut chance = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32
    };
    for _ in 0..8 {
        chance();
    }
    let discs: Vec<[f32; 6]> = (0..7)
        .map(|_| {
            let radius = 0.08 + 0.2 * chance();
            [chance(), chance(), radius, chance(), chance(), chance()]
        })
        .collect();
    RgbaImage::from_fn(side_px, side_px, |x, y| {
        let (x, y) = ((x as f32 + 0.5) / side_px as f32, (y as f32 + 0.5) / side_px as f32);
        let top = discs.iter().rev().find(|[cx, cy, r, ..]| (x - cx).hypot(y - cy) < *r);
        let byte = |value: f32| (value * 255.0) as u8;
        top.map_or(Rgba([0; 4]), |[.., r, g, b]| Rgba([byte(*r), byte(*g), byte(*b), 255]))
    })
}

/// Writes bytes as a file among the pictures.
pub(crate) fn put_bytes(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("it works here");
    path
}
