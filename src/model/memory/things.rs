//! Which things a prompt joins: "a cat and a ball, flat style" names two, and pictures of each are
//! looked for. And what a prompt says beside colours: a "purple cloud" is a cloud.

/// Those that captions name.
const COLOURS: [&str; 13] = [
    "black", "white", "gray", "grey", "red", "orange", "yellow", "green", "teal", "blue", "purple",
    "pink", "brown",
];
const SHADES: [&str; 2] = ["light", "dark"];
const ARTICLES: [&str; 3] = ["a", "an", "the"];
const JOINING: [&str; 3] = ["and", "&", "+"];

/// The things that `prompt` joins, at most `limit` and each with what stands behind the first
/// comma, which is said of all of them; none if it names one thing only.
pub fn things(prompt: &str, limit: usize) -> Vec<String> {
    let (head, of_all) = prompt.split_once(',').unwrap_or((prompt, ""));
    let words: Vec<&str> = head.split_whitespace().collect();
    let is_joining = |word: &&str| JOINING.contains(&word.to_lowercase().as_str());
    // Words that only say how something looks are no thing of their own: a "black and white cat" is
    // one cat.
    let says_nothing = |word: &&str| {
        let word = word.to_lowercase();
        [&COLOURS[..], &SHADES, &ARTICLES].concat().contains(&word.as_str())
    };
    let parts: Vec<&[&str]> = words.split(is_joining).take(limit).collect();
    if parts.len() < 2 || parts.iter().any(|part| part.iter().all(says_nothing)) {
        return Vec::new();
    }
    let style = of_all.trim();
    let with_style = |part: &[&str]| match style {
        "" => part.join(" "),
        _ => format!("{}, {style}", part.join(" ")),
    };
    parts.into_iter().map(with_style).collect()
}

/// `prompt` without the colours that it names; none if it names none, or hardly anything else
/// ("an orange").
pub fn colourless(prompt: &str) -> Option<String> {
    let words: Vec<&str> = prompt.split_whitespace().collect();
    let bare: Vec<String> =
        words.iter().map(|word| word.trim_matches(',').to_lowercase()).collect();
    let mut is_before_colour = false;
    let mut kept: Vec<usize> = Vec::with_capacity(words.len());
    for (i, word) in bare.iter().enumerate().rev() {
        let is_shade = is_before_colour && SHADES.contains(&word.as_str());
        is_before_colour = is_shade || COLOURS.contains(&word.as_str());
        if !is_before_colour {
            kept.push(i);
        }
    }
    let says_more = kept.iter().any(|i| !ARTICLES.contains(&bare[*i].as_str()));
    let is_shorter = kept.len() < words.len();
    (is_shorter && says_more)
        .then(|| kept.iter().rev().map(|i| words[*i]).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_told_from_what_is_shown() {
        let rest = |prompt| colourless(prompt);
        assert_eq!(rest("purple cloud").as_deref(), Some("cloud"));
        assert_eq!(rest("a dark Blue, light red car").as_deref(), Some("a car"));
        assert_eq!(rest("light bulb, pink").as_deref(), Some("light bulb,"));
        for prompt in ["", "cloud", "an orange", "Orange", "the light blue", "blackbird", "redder"]
        {
            assert_eq!(rest(prompt), None, "{prompt}");
        }
    }

    #[test]
    fn joined_things_are_looked_for_each() {
        assert_eq!(things("a cat and a ball", 3), ["a cat", "a ball"]);
        assert_eq!(things("Sun & moon, 3d style", 3), ["Sun, 3d style", "moon, 3d style"]);
        assert_eq!(things("red car and house and tree and dog", 3), ["red car", "house", "tree"]);
    }

    #[test]
    fn one_thing_stays_whole() {
        let prompts = [
            "",
            "a cat",
            "a black and white cat",
            "and",
            "cat and",
            "band, rock and roll",
            "sandy",
        ];
        for prompt in prompts {
            assert_eq!(things(prompt, 3), Vec::<String>::new(), "{prompt}");
        }
    }
}
