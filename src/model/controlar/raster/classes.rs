//! The classes that class-conditional models draw: the 1000 of `ImageNet`, by name.

use crate::model::ModelError;

/// One line per class, its names separated by commas (`assets/imagenet`).
const CLASSES: &str = include_str!("../../../../assets/imagenet/classes.txt");
/// Letters of a text that are compared; longer than any name.
const MAX_CHARS: usize = 64;
/// Suggestions for a text that fits no class.
const N_SUGGESTIONS: usize = 3;

/// The class that a text was taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassMatch {
    pub label: u32,
    /// Its first name.
    pub name: String,
    /// What the user should know if it was not told exactly.
    pub notice: Option<String>,
}

/// The first name of each class, by number.
pub fn class_names() -> impl ExactSizeIterator<Item = &'static str> {
    let names: Vec<&str> = CLASSES.lines().map(first_name).collect();
    names.into_iter()
}

/// All names of each of `n_classes`, separated by commas, or their numbers where they have no names.
pub(super) fn all_names(n_classes: usize) -> Vec<String> {
    let names: Vec<String> = CLASSES.lines().map(str::to_owned).collect();
    if names.len() == n_classes { names } else { (0..n_classes).map(|n| n.to_string()).collect() }
}

/// Finds the class that a text means, of a model of `n_classes`: by number, by one of its names, or
/// else the one that it is most like. Only the classes of `ImageNet` have names.
///
/// # Errors
/// [`ModelError::Request`] with suggestions if it is like none.
pub fn find_class(text: &str, n_classes: usize) -> Result<ClassMatch, ModelError> {
    let wanted = normal(text);
    let lines: Vec<&str> = CLASSES.lines().collect();
    let has_names = n_classes == lines.len();
    let fail = |reason: String| Err(ModelError::Request { reason });
    if let Ok(label) = wanted.parse::<u32>() {
        if (label as usize) < n_classes {
            let name = if has_names { first_name(lines[label as usize]) } else { &wanted };
            return Ok(ClassMatch { label, name: name.to_owned(), notice: None });
        }
        return fail(format!("this model has the classes 0 to {}, not {label}", n_classes - 1));
    }
    if !has_names {
        return fail(format!(
            "the classes of this model have no names; give a number from 0 to {}",
            n_classes - 1
        ));
    }
    if wanted.is_empty() {
        return fail(
            "this model draws classes, not sentences; give the name of one, such as “golden \
             retriever”"
                .to_owned(),
        );
    }
    let names: Vec<(usize, String)> = lines
        .iter()
        .enumerate()
        .flat_map(|(label, line)| line.split(", ").map(move |name| (label, normal(name))))
        .collect();
    let found = |label: usize, is_exact: bool| {
        let name = first_name(lines[label]);
        let notice = (!is_exact).then(|| {
            format!(
                "This model draws classes: “{}” is taken for “{name}” (class {label})",
                shortened(text)
            )
        });
        Ok(ClassMatch { label: label as u32, name: name.to_owned(), notice })
    };
    let singular = wanted.strip_suffix('s').unwrap_or(&wanted);
    for text in [wanted.as_str(), singular] {
        let same: Vec<usize> =
            names.iter().filter(|(_, name)| name == text).map(|(label, _)| *label).collect();
        if let [label, others @ ..] = same.as_slice() {
            let mut found = found(*label, true)?;
            if let Some(other) = others.iter().find(|other| *other != label) {
                found.notice = Some(format!(
                    "Several classes are called “{text}”: {label} is taken, “{}” is {other}",
                    lines[*other]
                ));
            }
            return Ok(found);
        }
    }
    // The longest name within the text, else the shortest name around it.
    let within = names.iter().filter(|(_, name)| contains_words(&wanted, name));
    if let Some((label, _)) = within.max_by_key(|(label, name)| (name.len(), usize::MAX - label)) {
        return found(*label, false);
    }
    let around = names.iter().filter(|(_, name)| contains_words(name, singular));
    if let Some((label, _)) = around.min_by_key(|(label, name)| (name.len(), *label)) {
        return found(*label, false);
    }
    let mut near: Vec<(usize, usize)> =
        names.iter().map(|(label, name)| (edits(&wanted, name), *label)).collect();
    near.sort_unstable();
    // One slip of the pen in four letters is still the same word.
    if near[0].0 * 4 <= wanted.chars().take(MAX_CHARS).count() {
        return found(near[0].1, false);
    }
    let mut labels: Vec<usize> = Vec::new();
    for (_, label) in near {
        if labels.len() < N_SUGGESTIONS && !labels.contains(&label) {
            labels.push(label);
        }
    }
    let suggestions: Vec<String> =
        labels.into_iter().map(|label| format!("“{}”", first_name(lines[label]))).collect();
    fail(format!(
        "this model draws the 1000 classes of ImageNet, and “{}” is like none of them; nearest are \
         {}",
        shortened(text),
        suggestions.join(", ")
    ))
}

fn first_name(line: &str) -> &str {
    line.split(", ").next().unwrap_or(line)
}

/// Lower case, words and numbers alone, without an article in front.
fn normal(text: &str) -> String {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let words = match words.as_slice() {
        ["a" | "an" | "the", rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    words.join(" ")
}

/// For a sentence.
fn shortened(text: &str) -> String {
    let text = text.trim();
    if text.chars().count() <= MAX_CHARS {
        return text.to_owned();
    }
    let start: String = text.chars().take(MAX_CHARS).collect();
    format!("{start}…")
}

/// Whether `words` stand in `text`, not as parts of other words.
fn contains_words(text: &str, words: &str) -> bool {
    !words.is_empty() && format!(" {text} ").contains(&format!(" {words} "))
}

/// Least number of letters to add, drop or change to get from one text to the other.
fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(MAX_CHARS).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().take(MAX_CHARS).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> u32 {
        find_class(text, 1000).unwrap().label
    }

    fn message(text: &str, n_classes: usize) -> String {
        find_class(text, n_classes).unwrap_err().to_string()
    }

    #[test]
    fn classes_are_found_by_name_synonym_and_number() {
        assert_eq!(class_names().len(), 1000);
        assert_eq!(all_names(1000)[0], "tench, Tinca tinca");
        assert_eq!(all_names(3), ["0", "1", "2"]);
        for (text, expected) in [
            ("goldfish", 1),
            ("Carassius auratus", 1),
            ("A Golden Retriever", 207),
            ("goldfishs", 1),
            ("man-eating shark", 2),
            (" 207 ", 207),
            ("toilet paper", 999),
        ] {
            let found = find_class(text, 1000).unwrap();
            assert_eq!((found.label, found.notice), (expected, None), "{text}");
        }
    }

    #[test]
    fn what_is_near_is_taken_and_told() {
        for (text, expected) in [
            ("a photo of a golden retriever on grass", 207),
            ("goldfich", 1),
            ("hammerhead sharks at night", 4),
            ("teapots", 849),
        ] {
            assert_eq!(label(text), expected, "{text}");
        }
        let found = find_class("a photo of a golden retriever", 1000).unwrap();
        let notice = found.notice.unwrap();
        assert!(notice.contains("“golden retriever” (class 207)"), "{notice}");
        let crane = find_class("crane", 1000).unwrap();
        assert_eq!(crane.label, 134);
        assert!(crane.notice.unwrap().contains("517"));
    }

    #[test]
    fn what_fits_nothing_gets_suggestions() {
        let reason = message("qqqqzzzz xylograph", 1000);
        assert!(reason.contains("like none of them; nearest are “"), "{reason}");
        assert!(message("", 1000).contains("give the name of one"));
        assert!(message("1000", 1000).contains("0 to 999"));
        assert!(message("goldfish", 10).contains("number from 0 to 9"));
        assert_eq!(find_class("9", 10).unwrap().label, 9);
        assert!(message(&"long ".repeat(1000), 1000).len() < 400);
    }
}
