//! Draw Things: JSON under `Comment`, repeated as text under `Description`, and `Software`.
//!
//! Many programs write a `Comment`, so it counts only with their `Software` or the key `c`. In the
//! text the negative prompt is a line that begins with a minus sign.

use serde_json::Value;

use super::{RecallError, Recalled, SourceApp, TextFound, Texts, a1111, name, size};
use crate::imaging::metadata::json;

const USED: [&str; 8] = ["c", "uc", "seed", "steps", "scale", "sampler", "size", "model"];

pub(super) fn read(texts: &Texts<'_>) -> Option<Result<Recalled, RecallError>> {
    let app = SourceApp::DrawThings;
    let is_marked = texts.text("Software") == Some("Draw Things");
    let comment = texts.get("Comment").map(|found| (found, json::object(&found.text)));
    match (comment, texts.get("Description")) {
        (Some((found, Ok(fields))), _) if is_marked || fields.contains_key("c") => {
            Some(Ok(Recalled { place: found.place(), ..from_fields(&fields) }))
        }
        (_, Some(description)) if is_marked => Some(Ok(from_description(description))),
        (Some((_, Err(reason))), None) if is_marked => {
            Some(Err(RecallError::Unreadable { app, reason }))
        }
        _ if is_marked => Some(Err(RecallError::NoParameters {
            app,
            hint: "turn on metadata in Draw Things and export again",
        })),
        _ => None,
    }
}

fn from_fields(fields: &serde_json::Map<String, Value>) -> Recalled {
    let text = |key: &str| name(json::text(fields.get(key)));
    let extra = fields
        .iter()
        .filter(|(key, value)| !USED.contains(&key.as_str()) && !matches!(value, Value::Null));
    Recalled {
        prompt: text("c").unwrap_or_default(),
        negative: text("uc").unwrap_or_default(),
        seed: json::whole(fields.get("seed")),
        steps: json::whole(fields.get("steps")),
        cfg: json::number(fields.get("scale")),
        sampler: text("sampler"),
        size_px: text("size").and_then(|text| size(&text)),
        model: text("model"),
        extra: extra.clone().map(|(key, value)| (key.clone(), json::shown(value))).collect(),
        ignored: extra.map(|(key, _)| key.clone()).collect(),
        ..Recalled::new(SourceApp::DrawThings)
    }
}

fn from_description(found: &TextFound) -> Recalled {
    let mut lines: Vec<String> = found.text.lines().map(str::to_owned).collect();
    let n_lines = lines.len();
    if let Some(line) =
        lines.iter_mut().take(n_lines.saturating_sub(1)).rfind(|l| l.starts_with('-'))
    {
        *line = format!("Negative prompt: {}", &line[1..]);
    }
    let text = lines.join("\n").replace(", Guidance Scale:", ", CFG scale:");
    Recalled { app: SourceApp::DrawThings, place: found.place(), ..a1111::from_text(&text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::metadata::Carrier;

    #[test]
    fn the_description_is_read_where_the_comment_is_missing() {
        let text = |key: &str, text: &str| TextFound {
            key: key.to_owned(),
            text: text.to_owned(),
            carrier: Carrier::Utf8,
            after_pixels: false,
        };
        let description = "a boat\n-rain, fog\nSteps: 8, Sampler: Euler, Guidance Scale: 1.5, \
                           Seed: 3, Size: 64x32, Model: m.ckpt";
        let texts = [text("Software", "Draw Things"), text("Description", description)];
        let recalled = read(&Texts(&texts)).unwrap().unwrap();
        assert_eq!((&*recalled.prompt, &*recalled.negative), ("a boat", "rain, fog"));
        assert_eq!((recalled.cfg, recalled.size_px), (Some(1.5), Some((64, 32))));
        assert!(read(&Texts(&texts[1..])).is_none());
        assert!(matches!(read(&Texts(&texts[..1])), Some(Err(RecallError::NoParameters { .. }))));
    }
}
