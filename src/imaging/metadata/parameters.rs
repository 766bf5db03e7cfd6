//! The text of A1111 (*AUTOMATIC1111/stable-diffusion-webui*), which nearly every gallery reads.
//!
//! ```text
//! <prompt, may span lines>
//! Negative prompt: <negative, may span lines>
//! Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 123, Size: 512x512, Model: name
//! ```
//!
//! Written as in `modules/processing.py` and read as in `modules/infotext_utils.py` of version
//! 1.10. Our own terms keep their meaning: steps are scales that were run, and what has no
//! counterpart gets a key of its own.

use super::record::PictureRecord;
use crate::params::StrengthCurve;

/// Begins the negative prompt.
const NEGATIVE: &str = "Negative prompt:";
/// Fewer settings than this in the last line, and it belongs to the prompt.
const MIN_SETTINGS: usize = 3;
/// Digits of the model's hash that are written.
const N_HASH_DIGITS: usize = 10;

/// A text in its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parameters {
    pub prompt: String,
    pub negative: String,
    /// In the order of the text; values without their quotes.
    pub settings: Vec<(String, String)>,
}

impl Parameters {
    /// Takes a text apart; any text is at least a prompt.
    pub(super) fn parse(text: &str) -> Self {
        let mut lines: Vec<&str> = text.trim().lines().collect();
        let settings = lines.last().map(|last| settings(last)).unwrap_or_default();
        let settings = if settings.len() < MIN_SETTINGS {
            Vec::new()
        } else {
            lines.pop();
            settings
        };
        let mut parts = Self { settings, ..Self::default() };
        let mut part = &mut parts.prompt;
        for line in lines {
            let mut line = line.trim();
            if let Some(negative) = line.strip_prefix(NEGATIVE) {
                part = &mut parts.negative;
                line = negative.trim();
            }
            if !part.is_empty() {
                part.push('\n');
            }
            part.push_str(line);
        }
        parts
    }

    /// Removes a setting and tells its value.
    pub(super) fn take(&mut self, key: &str) -> Option<String> {
        let at = self.settings.iter().position(|(name, _)| name == key)?;
        Some(self.settings.remove(at).1)
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// How the record reads in this text.
pub(super) fn to_text(record: &PictureRecord) -> String {
    let sampling = record.sampling;
    let mut settings = vec![
        ("Steps".to_owned(), record.stop_at.to_string()),
        ("Sampler".to_owned(), sampler(record)),
        ("CFG scale".to_owned(), sampling.guidance.to_string()),
    ];
    let mut add = |key: &str, value: String| settings.push((key.to_owned(), value));
    if let Some(seed) = record.first_seed() {
        add("Seed", seed.to_string());
    }
    add("Size", format!("{}x{}", record.width, record.height));
    if let Some(hash) = short_hash(record) {
        add("Model hash", hash);
    }
    if !record.model.name.is_empty() {
        add("Model", record.model.name.clone());
    }
    add("Scales", format!("{}/{}", record.stop_at, record.n_scales));
    if !record.model.kind.is_empty() {
        add("Model type", record.model.kind.clone());
    }
    for (idx, control) in record.controls.iter().enumerate() {
        let strength = match &control.strength {
            StrengthCurve::Constant(strength) => format!("Strength: {strength}"),
            StrengthCurve::Ends { layout, detail } => format!("Layout: {layout}, Detail: {detail}"),
            StrengthCurve::PerScale(values) => {
                let values: Vec<_> = values.iter().map(ToString::to_string).collect();
                format!("Strengths: {}", values.join(" "))
            }
        };
        add(&format!("Control {idx}"), format!("Kind: {}, {strength}", control.kind.name()));
    }
    add("Version", super::software(&record.app_version));
    let settings: Vec<_> =
        settings.into_iter().map(|(key, value)| format!("{key}: {}", quoted(value))).collect();
    let mut lines = Vec::new();
    if !record.prompt.is_empty() {
        lines.push(record.prompt.clone());
    }
    if !record.negative.is_empty() {
        lines.push(format!("{NEGATIVE} {}", record.negative));
    }
    lines.push(settings.join(", "));
    lines.join("\n")
}

/// How tokens were drawn, in a few words.
pub(super) fn sampler(record: &PictureRecord) -> String {
    let sampling = record.sampling;
    if sampling.temperature == 0.0 {
        return "greedy".to_owned();
    }
    format!(
        "top-k {} top-p {} temperature {}",
        sampling.top_k, sampling.top_p, sampling.temperature
    )
}

/// The first digits of the model's hash, as galleries know it.
pub(super) fn short_hash(record: &PictureRecord) -> Option<String> {
    record.model.sha256.as_ref()?.get(..N_HASH_DIGITS).map(str::to_owned)
}

/// Values that would end early are written as JSON texts.
fn quoted(value: String) -> String {
    if value.contains([',', ':', '\n', '"']) {
        serde_json::to_string(&value).expect("a text is JSON")
    } else {
        value
    }
}

/// All matches of A1111's expression, in a time that grows with the length only:
/// `\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)`.
fn settings(line: &str) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        // A key is as many of its characters as stand together; only a colon may follow.
        let key_len = rest.find(|c| !is_key_character(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(key_len);
        let key = run.trim_start_matches(|c| !is_word_character(c));
        let Some(value_and_more) = after.strip_prefix(':').filter(|_| key.chars().nth(1).is_some())
        else {
            rest = after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
            continue;
        };
        let value_and_more = value_and_more.trim_start();
        let len = quoted_len(value_and_more)
            .or_else(|| value_and_more.find(','))
            .unwrap_or(value_and_more.len());
        let (value, more) = value_and_more.split_at(len);
        settings.push((key.to_owned(), unquoted(value)));
        rest = more.strip_prefix(',').unwrap_or(more);
    }
    settings
}

fn is_word_character(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_key_character(c: char) -> bool {
    is_word_character(c) || matches!(c, ' ' | '-' | '/')
}

/// Length of a quoted text at the start, quotes included, if a comma or the end follows it.
fn quoted_len(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('"')?;
    let mut is_escaped = false;
    let end = inner.find(|c| {
        let ends = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    })?;
    let len = end + 2;
    (end > 0 && matches!(text[len..].chars().next(), None | Some(','))).then_some(len)
}

fn unquoted(value: &str) -> String {
    if value.len() >= 2 && value.starts_with('"') && value.ends_with('"') {
        serde_json::from_str(value).unwrap_or_else(|_| value.to_owned())
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::imaging::metadata::{ControlRecord, ModelRecord};

    fn pairs(line: &str) -> Vec<(String, String)> {
        settings(line)
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn settings_are_found_as_the_expression_finds_them() {
        // Checked against Python's `re.findall` with the expression.
        assert_eq!(
            pairs(r#"Steps: 20, Lora hashes: "a: 0, b: 1", Raw: "", X: 1, (w) h: 2, Two words:3,"#),
            [
                pair("Steps", "20"),
                pair("Lora hashes", "a: 0, b: 1"),
                pair("Raw", ""),
                pair("Two words", "3"),
            ]
        );
        assert_eq!(
            pairs(r#"aa: "open, bb: "x" y, cc: a:b, --dd: 4, é1: 5"#),
            [
                pair("aa", "\"open"),
                pair("bb", "\"x\" y"),
                pair("cc", "a:b"),
                pair("dd", "4"),
                pair("é1", "5"),
            ]
        );
        assert_eq!(pairs(r#"Note: "say \"hi\", you""#), [pair("Note", "say \"hi\", you")]);
        assert_eq!(pairs("nothing here"), []);
    }

    #[test]
    fn long_lines_take_no_time_to_speak_of() {
        let started = Instant::now();
        for unit in ["a", "a:", "aa:\"", "aa:\"\\,", "\"", " -/", "é", "aa: ,"] {
            settings(&unit.repeat((1 << 20) / unit.len()));
        }
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }

    #[test]
    fn a_record_reads_as_other_galleries_expect() {
        let mut record = PictureRecord {
            app_version: "0.1.0".to_owned(),
            prompt: "red apple, 3d style\non a table".to_owned(),
            negative: "blurry".to_owned(),
            seeds: vec![42; 5],
            stop_at: 5,
            n_scales: 8,
            width: 256,
            height: 256,
            model: ModelRecord {
                name: "tiny, v2".to_owned(),
                kind: "next-scale".to_owned(),
                sha256: Some("0123456789abcdef".to_owned()),
                tokenizer_sha256: None,
            },
            ..PictureRecord::default()
        };
        record.controls = serde_json::from_str::<Vec<ControlRecord>>(
            r#"[{"kind":"lines","strength":{"ends":{"layout":1.0,"detail":0.5}}}]"#,
        )
        .unwrap();
        let text = to_text(&record);
        assert_eq!(
            text,
            "red apple, 3d style\non a table\nNegative prompt: blurry\n\
             Steps: 5, Sampler: top-k 300 top-p 1 temperature 0.5, CFG scale: 4, Seed: 42, \
             Size: 256x256, Model hash: 0123456789, Model: \"tiny, v2\", Scales: 5/8, \
             Model type: next-scale, Control 0: \"Kind: lines, Layout: 1, Detail: 0.5\", \
             Version: Underpaint 0.1.0"
        );
        let read = Parameters::parse(&text);
        assert_eq!((read.prompt, read.negative), (record.prompt, record.negative));
        assert_eq!(read.settings.len(), 11);
    }

    #[test]
    fn a_text_without_settings_is_a_prompt() {
        let read = Parameters::parse("a fox, Note: only, Two: matches here");
        assert_eq!(read.prompt, "a fox, Note: only, Two: matches here");
        assert!(read.settings.is_empty());
        assert_eq!(Parameters::parse(""), Parameters::default());
        assert_eq!(Parameters::parse("Steps: 1, Seed: 2, Size: 3x4").prompt, "");
    }
}
