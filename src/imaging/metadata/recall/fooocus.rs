//! Fooocus: `fooocus_scheme` says whether `parameters` is JSON (`fooocus`) or A1111's text
//! (`a1111`). JSON without the scheme is Fooocus too.
//!
//! Fields as in `modules/meta_parser.py` of version 2.5.

use serde_json::Value;

use super::{RecallError, Recalled, SourceApp, Texts, a1111, name};
use crate::imaging::metadata::json;

/// Fields that are taken, or say nothing of the picture.
const USED: [&str; 10] = [
    "prompt",
    "negative_prompt",
    "seed",
    "steps",
    "guidance_scale",
    "sampler",
    "resolution",
    "base_model",
    "base_model_hash",
    "metadata_scheme",
];

pub(super) fn read(texts: &Texts<'_>) -> Option<Result<Recalled, RecallError>> {
    let found = texts.get("parameters")?;
    let app = SourceApp::Fooocus;
    let scheme = texts.text("fooocus_scheme");
    let is_json = found.text.trim_start().starts_with('{');
    if scheme == Some("a1111") {
        let recalled = a1111::from_text(&found.text);
        return Some(Ok(Recalled { app, place: found.place(), ..recalled }));
    }
    if scheme != Some("fooocus") && !is_json {
        return None;
    }
    match (json::object(&found.text), scheme) {
        (Ok(fields), _) if scheme.is_some() || fields.contains_key("prompt") => {
            Some(Ok(Recalled { place: found.place(), ..from_fields(&fields) }))
        }
        (Err(reason), Some(_)) => Some(Err(RecallError::Unreadable { app, reason })),
        // A prompt that merely begins with a brace, or the JSON of someone else.
        _ => None,
    }
}

fn from_fields(fields: &serde_json::Map<String, Value>) -> Recalled {
    let text = |key: &str| name(json::text(fields.get(key)));
    let other = || fields.iter().filter(|(key, _)| !USED.contains(&key.as_str()));
    let is_said = |value: &Value| !matches!(json::shown(value).as_str(), "" | "None" | "null");
    let extra = other().filter(|(_, value)| is_said(value));
    Recalled {
        app_version: text("version"),
        prompt: text("prompt").unwrap_or_default(),
        negative: text("negative_prompt").unwrap_or_default(),
        seed: json::whole(fields.get("seed")),
        steps: json::whole(fields.get("steps")),
        cfg: json::number(fields.get("guidance_scale")),
        sampler: text("sampler"),
        size_px: text("resolution").and_then(|text| resolution(&text)),
        model: text("base_model"),
        model_hash: text("base_model_hash"),
        extra: extra.clone().map(|(key, value)| (key.clone(), json::shown(value))).collect(),
        ignored: extra.map(|(key, _)| key.clone()).filter(|key| key != "version").collect(),
        ..Recalled::new(SourceApp::Fooocus)
    }
}

/// `(1152, 896)`.
fn resolution(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.trim().strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    super::size(&format!("{}x{}", width.trim(), height.trim()))
}
