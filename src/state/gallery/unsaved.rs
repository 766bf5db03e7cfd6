//! Pictures of this session that are in no file yet, as far as they fit what the gallery looks for.

use crate::protocol::is_unspaced;
use crate::state::{AppState, Node};

impl AppState {
    /// The pictures of the tree that the user has not saved and that fit the gallery's query, newest
    /// first.
    pub fn unsaved_pictures(&self) -> Vec<&Node> {
        let query = &self.gallery.query;
        let search = Search::of(&query.text);
        // Pictures in a row mostly have the same prompt.
        let mut before: Option<(&str, bool)> = None;
        let mut found = Vec::new();
        for node in self.unsaved().filter(|node| node.about.is_starred || !query.starred_only) {
            let prompt = node.about.recipe.prompt.as_str();
            let is_found = match before {
                Some((same, is_found)) if same == prompt => is_found,
                _ => search.finds(prompt),
            };
            before = Some((prompt, is_found));
            if is_found {
                found.push(node);
            }
        }
        found
    }

    /// Whether they fit the query or not.
    pub fn has_unsaved_pictures(&self) -> bool {
        self.unsaved().next().is_some()
    }

    fn unsaved(&self) -> impl Iterator<Item = &Node> {
        self.branches.listed().rev().filter(|node| !node.about.is_saved)
    }
}

/// What was typed: words that a prompt must have, each at least begun, as the index of the files
/// finds them. Case and the accents of western languages do not count.
#[derive(Debug, Default, PartialEq)]
struct Search {
    /// Each of them as [`spaced`] writes it.
    words: Vec<String>,
    /// Of scripts that put no space between words: found anywhere.
    parts: Vec<String>,
}

impl Search {
    fn of(text: &str) -> Self {
        let mut search = Self::default();
        for word in text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)) {
            if word.contains(is_unspaced) {
                search.parts.push(folded(word));
            } else {
                search.words.push(spaced(&folded(word)));
            }
        }
        search
    }

    fn finds(&self, prompt: &str) -> bool {
        if self.words.is_empty() && self.parts.is_empty() {
            return true;
        }
        let prompt = folded(prompt);
        let words = spaced(&prompt);
        self.words.iter().all(|word| words.contains(word.as_str()))
            && self.parts.iter().all(|part| prompt.contains(part.as_str()))
    }
}

/// Every word with one space before it and nothing else, so that what begins with a space is found
/// at beginnings of words alone.
fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() + 1);
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        spaced.push(' ');
        spaced.push_str(word);
    }
    spaced
}

fn folded(text: &str) -> String {
    let is_accent = |c: &char| matches!(c, '\u{300}'..='\u{36f}');
    let plain = |c: char| match c {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        _ => c,
    };
    text.chars().flat_map(char::to_lowercase).filter(|c| !is_accent(c)).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_their_beginnings_in_any_order() {
        let finds = |text: &str, prompt: &str| Search::of(text).finds(prompt);
        assert!(finds("", "") && finds(" ... ", "anything"));
        assert!(finds("styl RED app", "red apple, 3D-style"));
        assert!(finds("3d-sty", "red apple, 3D-style"));
        assert!(!finds("pple", "red apple"), "not in the middle of a word");
        assert!(!finds("red boat", "red apple"), "every word counts");
        assert!(finds("cafe", "Café au lait") && finds("CAFÉ", "cafe\u{301}"));
        assert!(finds("桜", "満開の桜の木"), "anywhere, where words have no spaces");
    }
}
