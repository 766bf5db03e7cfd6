//! The style that a prompt names: "happy dog, badge style" or "a dog in badge style". The model and
//! the window read it alike.

/// A prompt that names a style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Styled<'a> {
    pub style: &'a str,
    /// The prompt without it.
    pub rest: String,
}

/// What `prompt` says beside the first of the `styles` that it names; none if it names none.
pub fn styled<'a>(prompt: &str, styles: impl IntoIterator<Item = &'a str>) -> Option<Styled<'a>> {
    let lower = prompt.to_ascii_lowercase(); // as long as the prompt
    let found = styles.into_iter().filter(|style| !style.is_empty()).filter_map(|style| {
        let named = format!("{} style", style.to_ascii_lowercase());
        let is_whole = |start: &usize| {
            let (before, after) = (&lower[..*start], &lower[start + named.len()..]);
            !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
        };
        let start = lower.match_indices(&named).map(|(start, _)| start).find(is_whole)?;
        Some((start, named.len(), style))
    });
    // Of styles that begin at one place the longer name says more.
    let (start, len, style) = found.min_by_key(|(start, len, _)| (*start, usize::MAX - len))?;
    let between = [' ', ','];
    let before = prompt[..start].trim_end_matches(between);
    let before = ["in a", "in the", "in"]
        .iter()
        .find_map(|word| {
            let before = before.strip_suffix(word)?;
            (before.is_empty() || before.ends_with(between)).then_some(before)
        })
        .unwrap_or(before)
        .trim_matches(between);
    let after = prompt[start + len..].trim_matches(between);
    let joined = if before.is_empty() || after.is_empty() { "" } else { ", " };
    Some(Styled { style, rest: format!("{before}{joined}{after}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(prompt: &str, style: &str, rest: &str) {
        let found = styled(prompt, ["flat", "3d", "soft flat"]);
        assert_eq!(found, Some(Styled { style, rest: rest.to_owned() }));
    }

    #[test]
    fn a_style_is_told_from_what_is_shown() {
        says("happy dog, flat style", "flat", "happy dog");
        says("A dog in 3D style", "3d", "A dog");
        says("a dog in a flat style", "flat", "a dog");
        says("flat style dog", "flat", "dog");
        says("dog, flat style, red", "flat", "dog, red");
        says("dog, soft flat style", "soft flat", "dog");
        says("bargain, flat style", "flat", "bargain");
        says("flat style", "flat", "");
    }

    #[test]
    fn other_prompts_name_none() {
        for prompt in ["", "a flat dog", "flat styles", "unflat style", "dog, ö style"] {
            assert_eq!(styled(prompt, ["flat", ""]), None, "{prompt}");
        }
    }
}
