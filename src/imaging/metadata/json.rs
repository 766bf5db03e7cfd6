//! JSON as other applications write it: values of loose types, and Python's `NaN`.

use serde_json::{Map, Value};

/// Parses a JSON object. Python writes `NaN` and `Infinity`, which are no JSON, for numbers that
/// are none; they become null.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn object(text: &str) -> Result<Map<String, Value>, String> {
    let parsed = serde_json::from_str(text)
        .or_else(|error| without_nan(text).map_or(Err(error), |text| serde_json::from_str(&text)));
    match parsed {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("it is not a JSON object".to_owned()),
        Err(error) => Err(format!("it is not JSON: {error}")),
    }
}

/// `None` if there is nothing to replace.
fn without_nan(text: &str) -> Option<String> {
    const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    let mut out = String::with_capacity(text.len());
    let mut is_changed = false;
    // Every second part lies within quotes, if escaped quotes end none.
    let mut is_in_text = false;
    let mut is_escaped = false;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if !is_in_text && let Some(word) = WORDS.iter().find(|word| rest.starts_with(**word)) {
            out.push_str("null");
            is_changed = true;
            rest = &rest[word.len()..];
            continue;
        }
        is_in_text ^= c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    is_changed.then_some(out)
}

/// A text, or a number or truth value written out; nothing for null, lists and objects.
pub(super) fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A whole number from 0, also as a text.
pub(super) fn whole(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Number(number) => number.as_u64().or_else(|| whole_float(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn whole_float(number: f64) -> Option<u64> {
    const EXACT: f64 = (1_u64 << 53) as f64;
    (number.fract() == 0.0 && (0.0..=EXACT).contains(&number)).then_some(number as u64)
}

/// A finite number, also as a text.
pub(super) fn number(value: Option<&Value>) -> Option<f64> {
    let number = match value? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// Any value as one line for people.
pub(super) fn shown(value: &Value) -> String {
    text(Some(value)).unwrap_or_else(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_none_become_null() {
        let fields = object(r#"{"a": [NaN, -Infinity], "b": "NaN \" NaN", "c": 1}"#).unwrap();
        assert_eq!(
            Value::Object(fields),
            serde_json::json!({
                "a": [null, null], "b": "NaN \" NaN", "c": 1
            })
        );
        assert!(object("[1]").unwrap_err().contains("not a JSON object"));
        assert!(object("{\"a\": ").unwrap_err().contains("not JSON"));
    }

    #[test]
    fn values_of_loose_types_are_understood() {
        let value = |json: &str| serde_json::from_str::<Value>(json).ok();
        let whole_of = |json| whole(value(json).as_ref());
        assert_eq!(whole_of("18446744073709551615"), Some(u64::MAX));
        assert_eq!(whole_of("\"18446744073709551615\""), Some(u64::MAX));
        assert_eq!(whole_of("7.0"), Some(7));
        assert_eq!((whole_of("7.5"), whole_of("-1"), whole_of("1e300")), (None, None, None));
        assert_eq!(number(value("\"4.5\"").as_ref()), Some(4.5));
        assert_eq!(number(value("\"inf\"").as_ref()), None);
    }
}
