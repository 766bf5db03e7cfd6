//! Models as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::protocol::{
    FoundFile, KnownModel, MachineMemory, ModelKey, ModelList, ModelPart, ModelState,
    PublishedFile, bytes_text,
};

pub(super) fn list_json(list: &ModelList) -> Value {
    json!({
        "models": list.models.iter().map(|model| model_json(model, list.memory)).collect::<Vec<_>>(),
        "refused": list.refused.iter().map(|file| {
            json!({ "path": file.path.display().to_string(), "reason": file.reason })
        }).collect::<Vec<_>>(),
        "folders": list.folders.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        "n_other_files": list.n_others,
        "memory_available_bytes": list.memory.available,
    })
}

pub(super) fn model_json(model: &KnownModel, memory: MachineMemory) -> Value {
    let reason = match &model.state {
        ModelState::Unpublished(reason) | ModelState::Unusable(reason) => Some(reason),
        _ => None,
    };
    json!({
        "name": model.name,
        "title": model.title,
        "state": state_name(&model.state),
        "reason": reason,
        "purpose": model.purpose,
        "sizes": model.sizes,
        "controls": model.controls.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
        "about_controls": model.about_controls,
        "licence": model.licence,
        "page": model.page,
        "parts": model.parts.iter().map(part_json).collect::<Vec<_>>(),
        "memory": model.needs.iter().map(|need| json!({
            "precision": need.precision,
            "weights_bytes": need.weights,
            "prompt_bytes": need.prompt,
            "drawing_bytes": need.drawing,
            "peak_bytes": need.peak(),
            "fits": memory.available.map(|bytes| need.peak() <= bytes),
        })).collect::<Vec<_>>(),
        "remarks": model.remarks,
    })
}

fn part_json(part: &ModelPart) -> Value {
    let published = |files: &[PublishedFile]| {
        let files = files.iter().map(|file| {
            json!({
                "url": file.url("https://huggingface.co"),
                "n_bytes": file.n_bytes,
                "sha256": Some(&file.sha256).filter(|sha256| !sha256.is_empty()),
                "licence": file.licence,
            })
        });
        files.collect::<Vec<_>>()
    };
    let found = |file: &FoundFile| {
        json!({
            "path": file.path.display().to_string(),
            "n_bytes": file.n_bytes,
            "format": file.format,
            "sha256": file.sha256,
            "is_published_file": file.is_genuine,
        })
    };
    json!({
        "what": part.role.title(),
        "is_here": !part.files.is_empty(),
        "files": part.files.iter().map(found).collect::<Vec<_>>(),
        "published": published(&part.published),
        "alternatives": published(&part.alternatives),
    })
}

fn state_name(state: &ModelState) -> &'static str {
    match state {
        ModelState::BuiltIn => "built-in",
        ModelState::Ready => "ready",
        ModelState::Incomplete => "incomplete",
        ModelState::Absent => "absent",
        ModelState::Unpublished(_) => "unpublished",
        ModelState::Unusable(_) => "unusable",
    }
}

/// A line per model, those on this machine first.
pub(super) fn list_text(list: &ModelList) -> String {
    let width = list.models.iter().map(|model| model.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for model in &list.models {
        let state = match &model.state {
            ModelState::BuiltIn => "always there".to_owned(),
            ModelState::Ready => format!("ready, {}", bytes_text(model.n_bytes())),
            ModelState::Incomplete => {
                let missing: Vec<_> =
                    model.missing().map(|part| part.role.title().to_lowercase()).collect();
                format!("without {}", missing.join(", "))
            }
            ModelState::Absent => match model.parts.first().and_then(|part| part.published.first())
            {
                Some(PublishedFile { n_bytes: Some(n_bytes), .. }) => {
                    format!("not here, {} to download", bytes_text(*n_bytes))
                }
                _ => "not here".to_owned(),
            },
            ModelState::Unpublished(_) => "never published".to_owned(),
            ModelState::Unusable(reason) => format!("cannot be used: {reason}"),
        };
        writeln!(text, "{:<width$}  {}  ({state})", model.name, model.title)
            .expect("a string takes all");
    }
    for file in &list.refused {
        writeln!(text, "{}: {}", file.path.display(), file.reason).expect("a string takes all");
    }
    text.trim_end().to_owned()
}

/// All there is to say of one.
pub(super) fn model_text(model: &KnownModel, memory: MachineMemory) -> String {
    let mut lines = vec![format!("{} ({})", model.title, model.name), model.purpose.clone()];
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            let name = if name.is_empty() { String::new() } else { format!("{name}:") };
            lines.push(format!("{name:<10}{value}"));
        }
    };
    if let ModelKey::Path(path) = &model.key {
        fact("File", path.display().to_string());
    }
    fact("Sizes", model.sizes.clone());
    let controls: Vec<_> = model.controls.iter().map(|kind| kind.name()).collect();
    fact("Controls", if controls.is_empty() { "none".to_owned() } else { controls.join(", ") });
    fact("", model.about_controls.clone());
    fact("Licence", model.licence.clone());
    fact("Page", model.page.clone().unwrap_or_default());
    if let ModelState::Unpublished(reason) | ModelState::Unusable(reason) = &model.state {
        fact("But", reason.clone());
    }
    for remark in &model.remarks {
        fact("Note", remark.clone());
    }
    for part in &model.parts {
        lines.push(format!("{}:", part.role.title()));
        for file in &part.files {
            let (path, n_bytes) = (file.path.display(), bytes_text(file.n_bytes));
            lines.push(format!("  here: {path} ({n_bytes}, {})", file.format));
        }
        if part.files.is_empty() {
            for file in &part.published {
                let n_bytes = file.n_bytes.map_or("size not known".to_owned(), bytes_text);
                let url = file.url("https://huggingface.co");
                lines.push(format!("  missing: {url} ({n_bytes}, {})", file.licence));
            }
        }
    }
    if !model.needs.is_empty() {
        let available = memory.available.map_or("not known".to_owned(), bytes_text);
        lines.push(format!("Memory, of which {available} are free:"));
    }
    for need in &model.needs {
        let fits = memory.available.is_none_or(|bytes| need.peak() <= bytes);
        lines.push(format!(
            "  {:<5} {:>8}  ({} for the weights, {} for drawing{}){}",
            need.precision,
            bytes_text(need.peak()),
            bytes_text(need.weights),
            bytes_text(need.drawing),
            match need.prompt {
                0 => String::new(),
                prompt => format!(", {} while a new prompt is read", bytes_text(prompt)),
            },
            if fits { "" } else { "  too much" },
        ));
    }
    lines.join("\n")
}
