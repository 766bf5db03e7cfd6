//! Our own record of how a picture was made, as JSON of the schema `underpaint.image/v1`.
//!
//! Made to last: fields may be added within a schema, and none changes its meaning. A reader
//! leaves alone what it does not know, takes what it can from a newer schema, and says so.

use image::RgbaImage;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::control_record::ControlRecord;
use super::embedded_png;
use super::steering_record::{AnchorRecord, LockRecord, SourceRecord};
use super::tokens::TokenPyramid;
use crate::params::Sampling;

/// What the schema's name starts with; its version follows.
const SCHEMA: &str = "underpaint.image/v";
/// The version that is written, and the newest that is fully understood.
const VERSION: u32 = 1;

/// Everything that determines a picture, and its token ids, from which it can be decoded at any
/// scale without running the generator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PictureRecord {
    /// `underpaint.image/v1`.
    pub schema: String,
    /// Version of the program, such as `0.1.0`.
    pub app_version: String,
    pub prompt: String,
    /// Empty for none.
    pub negative: String,
    /// The seed of each scale that was run, coarse to fine; never empty when written. Decimal
    /// texts in JSON, because many readers round large numbers.
    #[serde(with = "seeds_as_text")]
    pub seeds: Vec<u64>,
    pub sampling: Sampling,
    /// Number of scales in the picture, from 1.
    pub stop_at: usize,
    /// Number of scales that the model has.
    pub n_scales: usize,
    pub width: u32,
    pub height: u32,
    pub model: ModelRecord,
    /// At most one per kind.
    pub controls: Vec<ControlRecord>,
    pub memory: MemoryRecord,
    /// Remembered pictures that the model looked at, by slot.
    pub inspirations: Vec<InspirationRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenPyramid>,
    /// What of an earlier picture stayed; needed to decode the tokens to the picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<AnchorRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceRecord>,
}

/// Which model made the picture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelRecord {
    pub name: String,
    /// How it makes pictures, such as `next-scale`; empty if unknown.
    pub kind: String,
    /// SHA-256 of the file with its weights, 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// SHA-256 of the file with its text tokenizer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokenizer_sha256: Option<String>,
}

/// How the picture memory was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryRecord {
    /// Whether remembered pictures were looked up by the prompt.
    pub retrieval: bool,
    /// Entries that must not be used, each 16 hexadecimal digits.
    pub banned: Vec<String>,
    /// How strongly slot 0 is fused per position; 1 is as trained, range 0–2.
    pub reference_strength: f32,
    /// Slots, by index, that were to stay empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub closed_slots: Vec<usize>,
    /// Names of the user's memories that were looked into.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub own: Vec<String>,
}

/// A picture that the model looked at.
///
/// Its entry is only a name: whoever has the tokens looks at those.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct InspirationRecord {
    pub slot: usize,
    /// Entry of the memory in 16 hexadecimal digits; empty for a picture of the user.
    pub entry: String,
    pub caption: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub style: String,
    /// Where the picture comes from, or its file name.
    pub source: String,
    pub licence: String,
    /// Name of the user's memory that it was found in; empty for the model's own memory.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub memory: String,
    #[serde(skip_serializing_if = "Provenance::is_entry")]
    pub provenance: Provenance,
    /// Chosen by hand rather than retrieved.
    pub chosen: bool,
    /// How well its caption fitted the prompt, −1 to 1; absent if it was chosen by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similarity: Option<f32>,
    /// What the model looked at, so that no memory is needed to look at it again. Absent in files
    /// of before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenPyramid>,
    /// A picture of the user itself, as PNG in Base64, if the user wants it in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

/// How a picture that the model looked at came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// A memory has it as it is.
    #[default]
    Entry,
    /// An entry of the model's memory, put together anew in the look of the user's memories or of a
    /// style that the prompt names. No memory has it.
    Redrawn,
    /// Pictures of the things that a prompt joins, laid side by side. No memory has it.
    Joined,
    /// Given by the user; no memory has it. Also what a newer program says.
    #[serde(other)]
    Given,
}

impl Provenance {
    /// Whether a memory can be asked for it.
    pub fn is_entry(&self) -> bool {
        *self == Self::Entry
    }
}

impl InspirationRecord {
    /// Puts a picture of the user into the record, straight alpha.
    pub fn embed(&mut self, picture: &RgbaImage) {
        self.picture = embedded_png::write_rgba(picture);
    }

    /// The picture of the user; `None` if it is not there or damaged.
    pub fn embedded(&self) -> Option<RgbaImage> {
        Some(embedded_png::read(self.picture.as_deref()?)?.into_rgba8())
    }
}

/// The text under our key is no record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("it is not JSON ({0})")]
    Json(#[from] serde_json::Error),
    #[error("it is not a JSON object")]
    NotAnObject,
    #[error("its schema “{schema}” is not {SCHEMA}{VERSION}")]
    Schema { schema: String },
}

impl PictureRecord {
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a record is plain data with text keys")
    }

    /// Reads a record, and remarks on what of it cannot be used: fields that are damaged, and all
    /// that a newer schema may add.
    ///
    /// # Errors
    /// [`RecordError`] if nothing of it can be used.
    pub fn from_json(text: &str) -> Result<(Self, Vec<String>), RecordError> {
        let Value::Object(mut fields) = serde_json::from_str(text)? else {
            return Err(RecordError::NotAnObject);
        };
        let schema = fields.get("schema").and_then(Value::as_str).unwrap_or_default();
        let version = schema.strip_prefix(SCHEMA).and_then(|version| version.parse::<u32>().ok());
        let Some(version) = version.filter(|version| *version > 0) else {
            return Err(RecordError::Schema { schema: schema.to_owned() });
        };
        let mut remarks = Vec::new();
        if version > VERSION {
            remarks.push(format!(
                "parts that a newer Underpaint wrote ({schema}); update to read all of it"
            ));
        }
        keep_readable_elements::<ControlRecord>(&mut fields, "controls", &mut remarks);
        drop_unreadable_tokens(&mut fields, &mut remarks);
        keep_readable_elements::<InspirationRecord>(&mut fields, "inspirations", &mut remarks);
        keep_readable_fields(&mut fields, &mut remarks);
        Ok((serde_json::from_value(Value::Object(fields))?, remarks))
    }

    /// The record of the same picture as it was after its first `n_scales`, from 1.
    #[must_use]
    pub fn up_to(mut self, n_scales: usize) -> Self {
        self.seeds.truncate(n_scales);
        self.stop_at = self.stop_at.min(n_scales);
        self.tokens = self.tokens.map(|tokens| tokens.up_to(n_scales));
        self
    }

    /// The same record without the control maps themselves, whose hashes stay, and without the
    /// pixels of the user's pictures that were looked at, whose tokens stay.
    #[must_use]
    pub fn without_maps(mut self) -> Self {
        for control in &mut self.controls {
            control.map = None;
        }
        for inspiration in &mut self.inspirations {
            inspiration.picture = None;
        }
        self
    }

    /// The seed that stands for all: that of the coarsest scale.
    pub fn first_seed(&self) -> Option<u64> {
        self.seeds.first().copied()
    }
}

/// Drops elements of a list that cannot be read, such as a control of a kind yet unknown.
fn keep_readable_elements<T: for<'de> Deserialize<'de>>(
    fields: &mut Map<String, Value>,
    name: &str,
    remarks: &mut Vec<String>,
) {
    if let Some(Value::Array(elements)) = fields.get_mut(name) {
        elements.retain(|element| match T::deserialize(element) {
            Ok(_) => true,
            Err(error) => {
                remarks.push(format!("one of {name} ({error})"));
                false
            }
        });
    }
}

/// Drops the tokens of inspirations that cannot be read: the entry may still be in a memory.
fn drop_unreadable_tokens(fields: &mut Map<String, Value>, remarks: &mut Vec<String>) {
    let Some(Value::Array(inspirations)) = fields.get_mut("inspirations") else { return };
    for inspiration in inspirations.iter_mut().filter_map(Value::as_object_mut) {
        let tokens = inspiration.get("tokens").filter(|tokens| !tokens.is_null());
        if let Some(Err(error)) = tokens.map(TokenPyramid::deserialize) {
            remarks.push(format!("the tokens of one of inspirations ({error})"));
            inspiration.remove("tokens");
        }
    }
}

/// Drops fields that cannot be read, each found by trying it alone.
fn keep_readable_fields(fields: &mut Map<String, Value>, remarks: &mut Vec<String>) {
    fields.retain(|name, value| {
        let alone = Map::from_iter([(name.clone(), value.clone())]);
        match PictureRecord::deserialize(Value::Object(alone)) {
            Ok(_) => true,
            Err(error) => {
                remarks.push(format!("{name} ({error})"));
                false
            }
        }
    });
}

impl Default for PictureRecord {
    fn default() -> Self {
        Self {
            schema: format!("{SCHEMA}{VERSION}"),
            app_version: env!("CARGO_PKG_VERSION").to_owned(),
            prompt: String::new(),
            negative: String::new(),
            seeds: Vec::new(),
            sampling: Sampling::default(),
            stop_at: 0,
            n_scales: 0,
            width: 0,
            height: 0,
            model: ModelRecord::default(),
            controls: Vec::new(),
            memory: MemoryRecord::default(),
            inspirations: Vec::new(),
            tokens: None,
            lock: None,
            anchor: None,
            source: None,
        }
    }
}

impl Default for MemoryRecord {
    fn default() -> Self {
        Self {
            retrieval: true,
            banned: Vec::new(),
            reference_strength: 1.0,
            closed_slots: Vec::new(),
            own: Vec::new(),
        }
    }
}

mod seeds_as_text {
    use serde::de::Error as _;

    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(seeds: &[u64], to: S) -> Result<S::Ok, S::Error> {
        seeds.iter().map(ToString::to_string).collect::<Vec<_>>().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u64>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Seed {
            Number(u64),
            Text(String),
        }
        let seeds = Vec::<Seed>::deserialize(from)?;
        let number = |seed: Seed| match seed {
            Seed::Number(seed) => Ok(seed),
            Seed::Text(text) => {
                text.parse().map_err(|_error| D::Error::custom(format!("“{text}” is no seed")))
            }
        };
        seeds.into_iter().map(number).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> PictureRecord {
        PictureRecord {
            prompt: "red apple".to_owned(),
            seeds: vec![u64::MAX, 7],
            stop_at: 2,
            n_scales: 3,
            tokens: TokenPyramid::new(&[1, 2], vec![vec![9], vec![1, 2, 3, 4095]]).ok(),
            ..PictureRecord::default()
        }
    }

    #[test]
    fn a_record_survives_as_json() {
        let json = record().to_json();
        assert!(json.starts_with(r#"{"schema":"underpaint.image/v1","#), "{json}");
        assert!(json.contains(r#""seeds":["18446744073709551615","7"]"#), "{json}");
        let (read, remarks) = PictureRecord::from_json(&json).unwrap();
        assert_eq!((read, remarks), (record(), Vec::new()));
    }

    #[test]
    fn unknown_fields_are_left_alone() {
        let json = record().to_json().replacen('{', r#"{"mood":{"depth":[1,2]},"#, 1);
        assert_eq!(PictureRecord::from_json(&json).unwrap(), (record(), Vec::new()));
    }

    #[test]
    fn a_newer_schema_is_read_as_far_as_it_goes() {
        let json = record()
            .to_json()
            .replace("image/v1", "image/v2")
            .replace(r#""controls":[]"#, r#""controls":[{"kind":"pose"},{"kind":"lines"}]"#)
            .replace(r#""bits":12"#, r#""bits":"twelve""#);
        let (read, remarks) = PictureRecord::from_json(&json).unwrap();
        assert_eq!(read.prompt, "red apple");
        assert_eq!(read.controls.len(), 1);
        assert_eq!(read.tokens, None);
        assert!(remarks[0].contains("newer Underpaint wrote (underpaint.image/v2)"), "{remarks:?}");
        assert!(remarks[1].starts_with("one of controls (unknown variant `pose`"), "{remarks:?}");
        assert!(remarks[2].starts_with("tokens ("), "{remarks:?}");
    }

    #[test]
    fn damaged_tokens_of_an_inspiration_cost_nothing_else() {
        let tokens = TokenPyramid::new(&[1], vec![vec![9]]).ok();
        let inspiration = InspirationRecord {
            entry: "00000000000000ff".to_owned(),
            similarity: Some(0.5),
            memory: "My cats".to_owned(),
            tokens: tokens.clone(),
            ..InspirationRecord::default()
        };
        let record = PictureRecord { inspirations: vec![inspiration.clone()], ..record() };
        let json = record.to_json();
        assert_eq!(PictureRecord::from_json(&json).unwrap(), (record, Vec::new()));
        let damaged = json.replace(r#""scales":[1],"data""#, r#""scales":[1,2,9],"data""#);
        assert_ne!(damaged, json);
        let (read, remarks) = PictureRecord::from_json(&damaged).unwrap();
        assert_eq!(read.inspirations, [InspirationRecord { tokens: None, ..inspiration }]);
        assert!(remarks[0].starts_with("the tokens of one of inspirations ("), "{remarks:?}");
    }

    #[test]
    fn what_is_no_record_is_refused() {
        for (json, words) in [
            ("", "not JSON"),
            ("[]", "not a JSON object"),
            ("{}", "its schema “” is not underpaint.image/v1"),
            (r#"{"schema":"sdcpp.image.params/v1"}"#, "sdcpp"),
            (r#"{"schema":"underpaint.image/v0"}"#, "v0"),
        ] {
            let message = PictureRecord::from_json(json).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(matches!(PictureRecord::from_json(&deep), Err(RecordError::Json(_))));
    }
}
