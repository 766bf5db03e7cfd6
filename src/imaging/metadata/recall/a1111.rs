//! The text under `parameters`: A1111 and the many that write alike.
//!
//! - Forge: its version begins with `f`, such as `f2.0.1v1.10.1-previous-669-gdfdcbab6`.
//! - stable-diffusion.cpp: `Version: stable-diffusion.cpp`; newer builds append
//!   `SDCPP: {"schema":"sdcpp.image.params/v1", …}`, which is preferred.
//! - Krita AI Diffusion: no version, and `Model hash: unknown` (`ai_diffusion/text.py`).
//! - Underpaint, if only this text of ours is left.

use serde_json::{Map, Value};

use super::{RecallError, Recalled, SourceApp, Texts, name, size};
use crate::imaging::metadata::json;
use crate::imaging::metadata::parameters::Parameters;

/// Fields of that record that are taken whole.
const SDCPP_USED: [&str; 6] = ["schema", "generator", "prompt", "seed", "width", "height"];
/// Begins the record that stable-diffusion.cpp appends to its last line.
const SDCPP: &str = "SDCPP: {\"schema\":\"sdcpp.image.params/";

pub(super) fn read(texts: &Texts<'_>) -> Option<Result<Recalled, RecallError>> {
    let found = texts.get("parameters")?;
    let recalled = from_text(&found.text);
    Some(Ok(Recalled { place: found.place(), ..recalled }))
}

/// Any text tells at least a prompt.
pub(super) fn from_text(text: &str) -> Recalled {
    let last_line = text.rfind('\n').map_or(0, |end| end + 1);
    let sdcpp = text[last_line..].find(SDCPP).map(|at| last_line + at);
    let (plain, record) = match sdcpp {
        Some(at) => (&text[..at], json::object(&text[at + "SDCPP: ".len()..]).ok()),
        None => (text, None),
    };
    let plain = plain.trim_end().trim_end_matches(',');
    let mut parts = Parameters::parse(plain);
    let app = app(&parts, sdcpp.is_some());
    let version = parts.get("Version").map(str::to_owned);
    let mut recalled = Recalled {
        app_version: version.filter(|version| version != "stable-diffusion.cpp"),
        seed: None,
        sampler: name(parts.take("Sampler")),
        model: name(parts.take("Model")),
        model_hash: name(parts.take("Model hash")).filter(|hash| hash != "unknown"),
        ..Recalled::new(app)
    };
    recalled.seed = parsed(&mut parts, "Seed", &mut recalled.ignored, |text| text.parse().ok());
    recalled.steps = parsed(&mut parts, "Steps", &mut recalled.ignored, |text| text.parse().ok());
    recalled.size_px = parsed(&mut parts, "Size", &mut recalled.ignored, size);
    let finite = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite());
    recalled.cfg = parsed(&mut parts, "CFG scale", &mut recalled.ignored, finite);
    let unused = parts.settings.iter().map(|(key, _)| key).filter(|key| *key != "Version");
    recalled.ignored.extend(unused.cloned());
    recalled.extra = parts.settings;
    recalled.prompt = parts.prompt;
    recalled.negative = parts.negative;
    if let Some(record) = record {
        prefer_record(&mut recalled, &record);
    } else if sdcpp.is_some() {
        recalled.ignored.push("SDCPP (it is not JSON)".to_owned());
    }
    recalled
}

/// Takes a setting; one that makes no sense is told.
fn parsed<T>(
    parts: &mut Parameters,
    key: &str,
    ignored: &mut Vec<String>,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let text = parts.take(key)?;
    let value = parse(text.trim());
    if value.is_none() {
        ignored.push(format!("{key} ({text})"));
    }
    value
}

fn app(parts: &Parameters, has_sdcpp: bool) -> SourceApp {
    let version = parts.get("Version").unwrap_or_default();
    let is_forge = |version: &str| {
        version.strip_prefix('f').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    if has_sdcpp || version.starts_with("stable-diffusion.cpp") {
        SourceApp::SdCpp
    } else if version.starts_with("Underpaint ") {
        SourceApp::Underpaint
    } else if version.starts_with("Fooocus") {
        SourceApp::Fooocus
    } else if is_forge(version) || version == "neo" {
        SourceApp::Forge
    } else if version.is_empty() && parts.get("Model hash") == Some("unknown") {
        SourceApp::Krita
    } else {
        SourceApp::A1111
    }
}

/// `sdcpp.image.params/v1`, as `examples/common/common.cpp` of stable-diffusion.cpp writes it.
fn prefer_record(recalled: &mut Recalled, record: &Map<String, Value>) {
    let at = |path: &[&str]| {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(record.get(*first)?, |value, key| value.get(key))
    };
    if let Some(prompt) = json::text(at(&["prompt", "positive"])) {
        recalled.prompt = prompt;
        recalled.negative = json::text(at(&["prompt", "negative"])).unwrap_or_default();
    }
    let steps = json::whole(at(&["sampling", "steps"]));
    let cfg = json::number(at(&["sampling", "guidance", "txt_cfg"]));
    let model =
        ["model", "diffusion_model"].iter().find_map(|key| name(json::text(at(&["models", key]))));
    recalled.seed = json::whole(at(&["seed"])).or(recalled.seed);
    recalled.steps = steps.or(recalled.steps);
    recalled.cfg = cfg.or(recalled.cfg);
    recalled.sampler = name(json::text(at(&["sampling", "method"]))).or(recalled.sampler.take());
    recalled.model = model.or(recalled.model.take());
    recalled.app_version = name(json::text(at(&["generator", "version"])));
    if let (Some(width), Some(height)) = (json::whole(at(&["width"])), json::whole(at(&["height"])))
    {
        recalled.size_px = size(&format!("{width}x{height}")).or(recalled.size_px);
    }
    let unused = record.keys().filter(|key| !SDCPP_USED.contains(&key.as_str()));
    recalled.ignored.extend(unused.map(|key| format!("SDCPP {key}")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relatives_are_told_apart() {
        for (settings, app, version) in [
            ("Model: m, Version: v1.10.1", SourceApp::A1111, Some("v1.10.1")),
            (
                "Model: m, Version: f2.0.1v1.10.1-previous-669-gdfdcbab6",
                SourceApp::Forge,
                Some("f2.0.1v1.10.1-previous-669-gdfdcbab6"),
            ),
            ("Model: m, Version: stable-diffusion.cpp", SourceApp::SdCpp, None),
            ("Model hash: unknown, Model: m", SourceApp::Krita, None),
            (
                "Model: m, Version: Underpaint 0.1.0",
                SourceApp::Underpaint,
                Some("Underpaint 0.1.0"),
            ),
        ] {
            let text = format!(
                "a prompt\nNegative prompt: no\nSteps: 5, Sampler: s, CFG scale: 2.5, Seed: 3, \
                 Size: 8x9, {settings}"
            );
            let recalled = from_text(&text);
            assert_eq!((recalled.app, recalled.app_version.as_deref()), (app, version));
            assert_eq!(recalled.model.as_deref(), Some("m"));
            assert_eq!(recalled.model_hash, None);
            assert_eq!((recalled.size_px, recalled.cfg), (Some((8, 9)), Some(2.5)));
        }
    }

    #[test]
    fn the_record_of_sdcpp_is_preferred() {
        let text = "echo\nSteps: 1, CFG scale: 99, Seed: 1, Size: 64x64, Model: no.gguf, \
            Version: stable-diffusion.cpp, SDCPP: {\"schema\":\"sdcpp.image.params/v1\",\
            \"generator\":{\"name\":\"stable-diffusion.cpp\",\"version\":\"1.0\"},\"seed\":7,\
            \"width\":512,\"height\":256,\"prompt\":{\"positive\":\"a sunflower, tall: very\",\
            \"negative\":\"sky\"},\"sampling\":{\"steps\":30,\"method\":\"euler\",\
            \"guidance\":{\"txt_cfg\":5}},\"models\":{\"model\":\"a.safetensors\"},\"rng\":\"cuda\"}";
        let recalled = from_text(text);
        assert_eq!(
            (recalled.app, recalled.app_version.as_deref()),
            (SourceApp::SdCpp, Some("1.0"))
        );
        assert_eq!((&*recalled.prompt, &*recalled.negative), ("a sunflower, tall: very", "sky"));
        assert_eq!((recalled.seed, recalled.steps, recalled.cfg), (Some(7), Some(30), Some(5.0)));
        assert_eq!(recalled.size_px, Some((512, 256)));
        assert_eq!(recalled.model.as_deref(), Some("a.safetensors"));
        assert!(recalled.ignored.contains(&"SDCPP rng".to_owned()));
        assert_eq!(recalled.extra.len(), 1, "{:?}", recalled.extra);
        let broken = from_text(&text[..text.len() - 1]);
        assert_eq!((&*broken.prompt, broken.seed), ("echo", Some(1)));
        assert!(broken.ignored.iter().any(|what| what.starts_with("SDCPP (")));
    }

    #[test]
    fn settings_that_make_no_sense_are_told() {
        let recalled = from_text("p\nSteps: many, Seed: -1, Size: big, CFG scale: nan, Mood: blue");
        assert_eq!((recalled.steps, recalled.seed, recalled.cfg), (None, None, None));
        assert_eq!(
            recalled.ignored,
            ["Seed (-1)", "Steps (many)", "Size (big)", "CFG scale (nan)", "Mood"]
        );
    }
}
