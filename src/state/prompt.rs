//! Style words in a prompt: `red apple, flat style`.

use crate::protocol::prompt::styled;

/// The styles that the embedded model knows, for the time until it is loaded.
pub const STYLES: [&str; 19] = [
    "3d", "badge", "bold", "cartoon", "classic", "clipart", "cyber", "duotone", "flat", "freehand",
    "glossy", "icon", "line", "outlined", "plump", "simple", "soft", "sticker", "weather",
];

/// The prompt with `style` instead of any other of the `styles`, or without it if it was there.
/// The model was trained on one style word per picture, so styles exclude each other.
#[must_use]
pub fn toggle_style(prompt: &str, style: &str, styles: &[&str]) -> String {
    let mut text = prompt.trim().to_owned();
    let mut had_it = false;
    while let Some(named) = styled(&text, styles.iter().copied()) {
        had_it |= named.style == style;
        text = named.rest;
    }
    if !had_it {
        let joined = if text.is_empty() { "" } else { ", " };
        text = format!("{text}{joined}{style} style");
    }
    text
}

/// A file name made of the prompt's first words: lower case, ASCII, at most 40 characters.
pub fn slug(prompt: &str) -> String {
    const MAX_CHARS: usize = 40;
    let mut slug = String::new();
    for word in prompt.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        if slug.len() + word.len() >= MAX_CHARS {
            break;
        }
        if !word.is_empty() && !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word.to_ascii_lowercase());
    }
    if slug.is_empty() { "picture".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn becomes(prompt: &str, style: &str, expected: &str) {
        assert_eq!(toggle_style(prompt, style, &STYLES), expected);
    }

    #[test]
    fn a_style_is_added_replaced_and_removed() {
        becomes("red apple", "flat", "red apple, flat style");
        becomes("red apple, 3D style", "flat", "red apple, flat style");
        becomes("red apple, flat style", "flat", "red apple");
        becomes("cat, flat style, black", "3d", "cat, black, 3d style");
        becomes("a cat in a flat style", "3d", "a cat, 3d style");
        becomes("cat, bold style, soft style", "3d", "cat, 3d style");
        becomes("", "bold", "bold style");
        becomes("bold style", "bold", "");
    }

    #[test]
    fn slugs_are_safe_file_names() {
        assert_eq!(slug("a Red apple, 3d style!"), "a-red-apple-3d-style");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("苹果 🍎"), "picture");
        assert!(slug(&"long word ".repeat(50)).len() <= 40);
    }
}
