//! InvokeAI: JSON under `invokeai_metadata`. Its `invokeai_workflow` and `invokeai_graph` are not
//! needed.
//!
//! Fields as in `invokeai/app/invocations/metadata.py` of version 5; `model` was a text with
//! version 3.

use serde_json::Value;

use super::{RecallError, Recalled, SourceApp, Texts, name, size};
use crate::imaging::metadata::json;

const USED: [&str; 10] = [
    "app_version",
    "positive_prompt",
    "negative_prompt",
    "seed",
    "steps",
    "scheduler",
    "cfg_scale",
    "width",
    "height",
    "model",
];

pub(super) fn read(texts: &Texts<'_>) -> Option<Result<Recalled, RecallError>> {
    let found = texts.get("invokeai_metadata")?;
    let app = SourceApp::InvokeAi;
    let fields = match json::object(&found.text) {
        Ok(fields) => fields,
        Err(reason) => return Some(Err(RecallError::Unreadable { app, reason })),
    };
    let text = |key: &str| name(json::text(fields.get(key)));
    let (prompt, seed) = (text("positive_prompt"), json::whole(fields.get("seed")));
    if prompt.is_none() && seed.is_none() {
        let hint = "open it in InvokeAI instead";
        return Some(Err(RecallError::NoParameters { app, hint }));
    }
    let model = fields.get("model");
    let part = |key: &str| name(json::text(model.and_then(|model| model.get(key))));
    let sides = (json::whole(fields.get("width")), json::whole(fields.get("height")));
    let size_px = match sides {
        (Some(width), Some(height)) => size(&format!("{width}x{height}")),
        _ => None,
    };
    let is_said = |value: &Value| match value {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    let extra =
        fields.iter().filter(|(key, value)| !USED.contains(&key.as_str()) && is_said(value));
    Some(Ok(Recalled {
        app_version: text("app_version"),
        place: found.place(),
        prompt: prompt.unwrap_or_default(),
        negative: text("negative_prompt").unwrap_or_default(),
        seed,
        steps: json::whole(fields.get("steps")),
        cfg: json::number(fields.get("cfg_scale")),
        sampler: text("scheduler"),
        size_px,
        model: part("name").or_else(|| part("model_name")).or_else(|| text("model")),
        model_hash: part("hash"),
        extra: extra.clone().map(|(key, value)| (key.clone(), json::shown(value))).collect(),
        ignored: extra.map(|(key, _)| key.clone()).collect(),
        ..Recalled::new(app)
    }))
}
