//! `project.json`: the part of a project file that is not pixels, of the schema
//! `underpaint.project/v1`.
//!
//! Made to last: fields may be added within a schema, and none changes its meaning. A reader
//! leaves alone what it does not know, and takes what it can from a newer schema.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::records::{DocumentRecord, InspirationRecord, NodeRecord, SourceRecord};

/// What the schema's name starts with; its version follows.
const SCHEMA: &str = "underpaint.project/v";
/// The version that is written, and the newest that is fully understood.
const VERSION: u32 = 1;
/// More pictures than fit into a window's memory.
const MAX_NODES: usize = 20_000;

/// What is missing if the picture to start from cannot be read.
pub(super) const SOURCE: &str = "the picture to start from";

/// A project without its pixels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Manifest {
    pub(super) schema: String,
    pub(super) app_version: String,
    pub(super) recipe: Value,
    pub(super) slots: Vec<Option<InspirationRecord>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<SourceRecord>,
    pub(super) view: Value,
    pub(super) sketch: DocumentRecord,
    pub(super) current: Option<u64>,
    pub(super) nodes: Vec<NodeRecord>,
}

/// What was read, and how much of it there is.
#[derive(Debug)]
pub(super) struct ReadManifest {
    pub(super) manifest: Manifest,
    /// Fragments of a sentence.
    pub(super) remarks: Vec<String>,
    pub(super) is_newer: bool,
}

/// A text is no manifest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoManifest;

impl Manifest {
    pub(super) fn schema() -> String {
        format!("{SCHEMA}{VERSION}")
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a manifest is plain data with text keys")
    }

    /// Reads every part on its own, so that one which is damaged or yet unknown loses itself only.
    pub(super) fn from_json(json: &[u8]) -> Result<ReadManifest, NoManifest> {
        let Ok(Value::Object(mut fields)) = serde_json::from_slice(json) else {
            return Err(NoManifest);
        };
        let schema: String = take(&mut fields, "schema").ok().flatten().unwrap_or_default();
        let version = schema.strip_prefix(SCHEMA).and_then(|version| version.parse::<u32>().ok());
        let version = version.filter(|version| *version > 0).ok_or(NoManifest)?;
        let mut remarks = Vec::new();
        let recipe = fields.remove("recipe");
        if recipe.is_none() {
            remarks.push("prompt and settings".to_owned());
        }
        let slots = or_remark(take(&mut fields, "slots"), "the inspirations", &mut remarks);
        let source = take(&mut fields, "source").unwrap_or_else(|_unreadable| {
            remarks.push(SOURCE.to_owned());
            None
        });
        let sketch = or_remark(take(&mut fields, "sketch"), "the sketch", &mut remarks);
        let nodes: Vec<Value> =
            or_remark(take(&mut fields, "nodes"), "the pictures", &mut remarks).unwrap_or_default();
        let n_nodes = nodes.len();
        let nodes: Vec<NodeRecord> = nodes
            .into_iter()
            .take(MAX_NODES)
            .filter_map(|node| serde_json::from_value(node).ok())
            .collect();
        match n_nodes - nodes.len() {
            0 => {}
            1 => remarks.push("one of the pictures".to_owned()),
            n_lost => remarks.push(format!("{n_lost} of {n_nodes} pictures")),
        }
        let manifest = Self {
            app_version: take(&mut fields, "app_version").ok().flatten().unwrap_or_default(),
            recipe: recipe.unwrap_or_default(),
            slots: slots.unwrap_or_default(),
            source,
            view: fields.remove("view").unwrap_or_default(),
            sketch: sketch.unwrap_or_else(DocumentRecord::empty),
            current: take(&mut fields, "current").ok().flatten(),
            nodes,
            schema,
        };
        Ok(ReadManifest { manifest, remarks, is_newer: version > VERSION })
    }
}

impl DocumentRecord {
    fn empty() -> Self {
        let size_px = crate::document::Document::DEFAULT_SIZE_PX;
        Self { size_px, layers: Vec::new(), lock: None }
    }
}

/// A field; `Ok(None)` if it is not there.
fn take<T: DeserializeOwned>(
    fields: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<T>, serde_json::Error> {
    fields.remove(name).map(T::deserialize).transpose()
}

fn or_remark<T>(
    taken: Result<Option<T>, serde_json::Error>,
    what: &str,
    remarks: &mut Vec<String>,
) -> Option<T> {
    let value = taken.ok().flatten();
    if value.is_none() {
        remarks.push(what.to_owned());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Result<ReadManifest, NoManifest> {
        Manifest::from_json(text.as_bytes())
    }

    #[test]
    fn parts_are_read_on_their_own() {
        let text = r#"{"schema":"underpaint.project/v2","recipe":{"prompt":"cat","seed":9},
            "slots":[null,{"entry":"00000000000000ff"}],"mood":[1],
            "sketch":{"size_px":64,"layers":[]},"nodes":[{"id":"seven"}],"current":"x"}"#;
        let read = json(text).unwrap();
        assert!(read.is_newer);
        assert_eq!(read.remarks, ["one of the pictures"]);
        assert_eq!(read.manifest.recipe["prompt"], "cat");
        assert_eq!((read.manifest.slots.len(), read.manifest.sketch.size_px), (2, 64));
        let read = json(r#"{"schema":"underpaint.project/v1","slots":7}"#).unwrap();
        assert_eq!(
            read.remarks,
            ["prompt and settings", "the inspirations", "the sketch", "the pictures"]
        );
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in ["", "[]", "{}", r#"{"schema":"underpaint.project/v0"}"#, &deep] {
            assert!(json(text).is_err(), "{}", &text[..text.len().min(40)]);
        }
    }
}
