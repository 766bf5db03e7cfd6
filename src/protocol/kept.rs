//! From the record in a picture's file back to what the model needs: to decode it at any scale, and
//! to go on with it.

use std::sync::Arc;

use super::{
    Anchor, Control, EntryId, GenerateRequest, Given, Inspiration, InspiredBy, Lock, LockMask,
    MemoryRequest, ModelInfo, PictureIds, Previews, RememberedPicture,
};
use crate::imaging::metadata::{
    ControlRecord, InspirationRecord, LockMaskError, LockRecord, MapError, PictureRecord,
    TokenPyramid,
};

/// A picture that was kept in a file, as the model knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// As far as the picture was done: at least one scale.
    pub ids: PictureIds,
    /// Decoding needs it, too.
    pub lock: Option<Lock>,
    /// One per scale.
    pub seeds: Vec<u64>,
}

/// Why a kept picture is of no use to the model at hand.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    #[error(
        "the file does not hold the picture's tokens; only its prompt and settings can be used"
    )]
    NoTokens,
    #[error(
        "the picture was made by the model {recorded} and this is {loaded}; choose the model that \
         made it"
    )]
    OtherModel { recorded: String, loaded: String },
    #[error(
        "the picture was made by another version of the model {name} ({recorded}…, not \
         {loaded}…); choose the files that made it"
    )]
    OtherWeights { name: String, recorded: String, loaded: String },
    #[error(transparent)]
    Lock(#[from] LockMaskError),
    #[error(transparent)]
    Map(#[from] MapError),
    #[error(
        "the picture was inspired by “{name}”, which is not in the file; paint a new \
         picture"
    )]
    Inspiration { name: String },
}

impl Kept {
    /// What a record tells of its tokens, if they are of this model.
    ///
    /// # Errors
    /// [`KeptError`] if there are none, they are of another model, or the lock is damaged.
    pub fn from_record(record: &PictureRecord, model: &ModelInfo) -> Result<Self, KeptError> {
        let tokens = record.tokens.as_ref().ok_or(KeptError::NoTokens)?;
        check_model(record, tokens, model)?;
        let ids = ids_of(tokens);
        let mut seeds = record.seeds.clone();
        let last = seeds.last().copied().unwrap_or(0);
        seeds.resize(ids.len(), last);
        let lock = record.lock.as_ref().map(lock_from).transpose()?;
        Ok(Self { ids, lock, seeds })
    }

    /// The request that goes on with the picture after its first `n_kept` scales, with the settings
    /// of its record. The first scales after them have the seed of the record.
    ///
    /// What the model looked at is given by its ids: whatever has become of the memories since
    /// changes nothing. Only in files of before is it named and looked up.
    ///
    /// # Errors
    /// [`KeptError`] if a control map is not in the file, or neither ids nor pixels of a picture of
    /// the user are.
    pub fn request(
        &self,
        record: &PictureRecord,
        n_kept: usize,
    ) -> Result<GenerateRequest, KeptError> {
        let seed = self.seeds.get(n_kept).or(self.seeds.last()).copied().unwrap_or(0);
        let controls =
            record.controls.iter().map(ControlRecord::control).collect::<Result<_, _>>()?;
        let chosen = record
            .inspirations
            .iter()
            .map(|inspiration| Ok((inspiration.slot, inspiration_from(inspiration)?)))
            .collect::<Result<_, KeptError>>()?;
        Ok(GenerateRequest {
            prompt: record.prompt.clone(),
            negative: record.negative.clone(),
            seeds: vec![seed],
            sampling: record.sampling,
            stop_at: None,
            previews: Previews::default(),
            controls,
            memory: MemoryRequest {
                retrieval: false,
                banned: Vec::new(),
                chosen,
                reference_strength: record.memory.reference_strength,
                ..MemoryRequest::default()
            },
            anchor: record.anchor.as_ref().map(|anchor| Anchor {
                ids: Arc::new(vec![ids_of(&anchor.tokens)]),
                hold: anchor.hold,
            }),
            given: (n_kept > 0).then(|| {
                let given = Given::prefix(&self.ids, n_kept).drawn_with(&self.seeds);
                match &record.source {
                    Some(source) => given.encoded_from(&source.name, source.n_scales),
                    None => given,
                }
            }),
            lock: self.lock.clone(),
        })
    }

    /// What the picture was inspired by and no memory `holds` any more, by slot; pictures that the
    /// user gave are in none. They can be used all the same if the file has their tokens.
    pub fn missing(
        record: &PictureRecord,
        holds: impl Fn(&InspiredBy) -> bool,
    ) -> Vec<&InspirationRecord> {
        let of_memory = record
            .inspirations
            .iter()
            .filter(|record| !record.entry.is_empty() && record.provenance.is_entry());
        of_memory.filter(|record| !holds(&InspiredBy::from(*record))).collect()
    }

    /// The controls whose map in the file is coarser than the one that was followed: what goes on
    /// with them may differ a little from what would have been.
    pub fn coarser_controls<'a>(
        record: &'a PictureRecord,
        controls: &'a [Control],
    ) -> impl Iterator<Item = &'a Control> {
        let pairs = record.controls.iter().zip(controls);
        pairs.filter(|(record, control)| !record.is_map_of(control)).map(|(_, control)| control)
    }
}

/// The hash decides where both sides have it, else name and grids.
fn check_model(
    record: &PictureRecord,
    tokens: &TokenPyramid,
    model: &ModelInfo,
) -> Result<(), KeptError> {
    let recorded = &record.model;
    let differ = match (&recorded.sha256, &model.sha256) {
        (Some(recorded), Some(loaded)) => recorded != loaded,
        _ => recorded.name != model.name,
    };
    let n_scales = tokens.n_scales();
    let fits = tokens.order() == model.order.into()
        && n_scales <= model.scales.len()
        && tokens.sides().eq(model.scales[..n_scales].iter().copied());
    if fits && !differ {
        return Ok(());
    }
    let short =
        |hash: &Option<String>| hash.iter().flat_map(|hash| hash.chars().take(10)).collect();
    Err(if recorded.name == model.name && differ {
        KeptError::OtherWeights {
            name: model.name.clone(),
            recorded: short(&recorded.sha256),
            loaded: short(&model.sha256),
        }
    } else {
        let name = if recorded.name.is_empty() { "of no name" } else { &recorded.name };
        KeptError::OtherModel { recorded: name.to_owned(), loaded: model.name.clone() }
    })
}

fn ids_of(tokens: &TokenPyramid) -> PictureIds {
    tokens.ids().map(<[u32]>::to_vec).collect()
}

fn lock_from(record: &LockRecord) -> Result<Lock, LockMaskError> {
    let (size_px, coverage) = record.coverage()?;
    Ok(Lock {
        ids: Arc::new(ids_of(&record.tokens)),
        mask: Arc::new(LockMask { size_px, coverage }),
        beneath: match &record.beneath {
            Some(beneath) => Some(Arc::new(lock_from(beneath)?)),
            None => None,
        },
    })
}

/// What puts a picture of a record into its slot again.
///
/// # Errors
/// [`KeptError::Inspiration`] if the record has nothing of it but its caption.
pub fn inspiration_from(record: &InspirationRecord) -> Result<Inspiration, KeptError> {
    if record.tokens.is_some() {
        let used = InspiredBy::from(record);
        return Ok(Inspiration::Remembered(Arc::new(RememberedPicture::from(&used))));
    }
    if let Some(pixels) = record.embedded() {
        return Ok(Inspiration::Picture { name: record.caption.clone(), pixels: pixels.into() });
    }
    let entry = u64::from_str_radix(&record.entry, 16).ok();
    let entry = entry.ok_or_else(|| KeptError::Inspiration { name: record.caption.clone() })?;
    Ok(Inspiration::Entry(EntryId(entry)))
}

/// As the window shows it. Its name is that of the tokens, if there are any: the one beside them is
/// not trusted.
impl From<&InspirationRecord> for InspiredBy {
    fn from(record: &InspirationRecord) -> Self {
        let ids = record.tokens.iter().flat_map(TokenPyramid::ids).flatten();
        let ids: Arc<[u16]> = ids.map(|id| *id as u16).collect();
        let named = u64::from_str_radix(&record.entry, 16).map_or(EntryId(0), EntryId);
        Self {
            slot: record.slot,
            entry: if ids.is_empty() { named } else { EntryId::of(ids.iter().copied()) },
            caption: record.caption.clone(),
            style: record.style.clone(),
            source: record.source.clone(),
            licence: record.licence.clone(),
            similarity: record.similarity.filter(|similarity| similarity.is_finite()),
            memory: record.memory.clone(),
            provenance: record.provenance,
            ids,
        }
    }
}
