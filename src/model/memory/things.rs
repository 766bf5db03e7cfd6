//! Which things a prompt joins: "a cat and a ball, flat style" names two, and pictures of each are
//! looked for.

/// Words that only say how something looks are no thing of their own: a "black and white cat" is
/// one cat. The colours are those that captions name.
const NO_THINGS: [&str; 18] = [
    "a", "an", "the", "light", "dark", "black", "white", "gray", "grey", "red", "orange", "yellow",
    "green", "teal", "blue", "purple", "pink", "brown",
];
const JOINING: [&str; 3] = ["and", "&", "+"];

/// The things that `prompt` joins, at most `limit` and each with what stands behind the first
/// comma, which is said of all of them; none if it names one thing only.
pub fn things(prompt: &str, limit: usize) -> Vec<String> {
    let (head, of_all) = prompt.split_once(',').unwrap_or((prompt, ""));
    let words: Vec<&str> = head.split_whitespace().collect();
    let is_joining = |word: &&str| JOINING.contains(&word.to_lowercase().as_str());
    let says_nothing = |word: &&str| NO_THINGS.contains(&word.to_lowercase().as_str());
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

#[cfg(test)]
mod tests {
    use super::*;

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
