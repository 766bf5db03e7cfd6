//! Style words in a prompt: `red apple, flat style`.

/// The styles that the embedded model knows, in the order of the chips.
pub const STYLES: [&str; 14] = [
    "3d", "glossy", "flat", "cartoon", "classic", "simple", "soft", "bold", "outlined", "sticker",
    "badge", "icon", "weather", "clipart",
];

/// The style named in the prompt, if any; the first one counts.
pub fn style_of(prompt: &str) -> Option<&'static str> {
    prompt.split(',').find_map(style_in)
}

/// The prompt with `style` instead of any other style, or without it if it was there.
/// The model was trained on one style word per picture, so styles exclude each other.
#[must_use]
pub fn toggle_style(prompt: &str, style: &str) -> String {
    let had_it = style_of(prompt) == Some(style);
    let parts = prompt.split(',').filter(|part| style_in(part).is_none()).map(str::trim);
    let mut text = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    if !had_it {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(style);
        text.push_str(" style");
    }
    text
}

fn style_in(part: &str) -> Option<&'static str> {
    let word = part.trim().strip_suffix("style")?.trim_end();
    STYLES.into_iter().find(|style| word.eq_ignore_ascii_case(style))
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

    #[test]
    fn a_style_is_added_replaced_and_removed() {
        assert_eq!(toggle_style("red apple", "flat"), "red apple, flat style");
        assert_eq!(toggle_style("red apple, 3D style", "flat"), "red apple, flat style");
        assert_eq!(toggle_style("red apple, flat style", "flat"), "red apple");
        assert_eq!(toggle_style("cat, flat style, black", "3d"), "cat, black, 3d style");
        assert_eq!(toggle_style("", "bold"), "bold style");
        assert_eq!(toggle_style("bold style", "bold"), "");
    }

    #[test]
    fn only_whole_style_parts_count() {
        assert_eq!(style_of("a flat in Paris"), None);
        assert_eq!(style_of("freestyle"), None);
        assert_eq!(style_of("cat ,  Flat   style "), Some("flat"));
    }

    #[test]
    fn slugs_are_safe_file_names() {
        assert_eq!(slug("a Red apple, 3d style!"), "a-red-apple-3d-style");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("苹果 🍎"), "picture");
        assert!(slug(&"long word ".repeat(50)).len() <= 40);
    }
}
