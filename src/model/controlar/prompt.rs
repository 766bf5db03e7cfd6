//! Prompts as the text encoder of ControlAR was trained on them: lower case, without what web pages
//! leave in captions. The models were trained on cleaned captions, so an uncleaned prompt would
//! give another picture than the reference.
//!
//! What the reference does and this does not: mending text in a wrong encoding, rare named entities
//! of HTML, and dropping an article number at the end before white space.

use std::borrow::Cow;

const IMAGE_ENDINGS: [&str; 9] = ["png", "jpeg", "jpg", "bmp", "webp", "eps", "pdf", "apk", "mp4"];
const DOMAINS: [&str; 8] = ["com", "co", "ru", "net", "org", "edu", "gov", "it"];
/// Punctuation that becomes a space.
const NOISE: &str = "#®•©™&@·º½¾¿¡§~()[]{}|\\/*";
const ENTITIES: [(&str, &str); 6] = [
    ("&quot;", "\""),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&apos;", "'"),
    ("&#39;", "'"),
    ("&nbsp;", "\u{a0}"),
];

/// Cleans a prompt, twice as the reference does.
pub fn clean(prompt: &str) -> String {
    once(&once(prompt))
}

fn once(prompt: &str) -> String {
    let mut text = percent_decoded(prompt).trim().to_lowercase().replace("<person>", "person");
    text = without_addresses(&text);
    text = without_tags(&text);
    text = spans(&text, |rest, _| {
        let name = rest.strip_prefix('@').map(|rest| run(rest, is_word)).filter(|n| *n > 0)?;
        Some((1 + name, ""))
    });
    text.retain(|c| !matches!(c, '\u{31c0}'..='\u{9fff}'));
    text = plain_punctuation(&text);
    text = text.replace("&quot", "").replace("&amp", "");
    text = spans(&text, |rest, _| Some((ip_address(rest)?, " ")));
    text = text.replace("\\n", " ");
    text = spans(&text, |rest, _| {
        let digits = run(rest.strip_prefix('#')?, |c| c.is_ascii_digit());
        let is_word_end = !rest[1 + digits..].starts_with(is_word);
        (matches!(digits, 1..=3 | 5..) && is_word_end).then_some((1 + digits, ""))
    });
    text = words(&text, |word| (word.len() >= 6 && is_digits(word)).then_some(""));
    text = without_file_names(&text);
    text = repeated_punctuation(&text);
    if text.matches(['-', '_']).count() > 3 {
        text = text.replace(['-', '_'], " ");
    }
    text = unescaped(&unescaped(&text)).trim().to_owned();
    text = words(&text, |word| is_article_code(word).then_some(""));
    text = without_shop_talk(&text);
    text = words(&text, |word| is_long_code(word).then_some(" "));
    text = spans(&text, |rest, before| Some((size(rest, before)?, "")));
    finished(&text)
}

/// Rebuilds a text: `find` is asked at each place, with the rest of the text and the character
/// before it, for a number of bytes and what to put in their stead.
fn spans<'a>(text: &str, find: impl Fn(&str, Option<char>) -> Option<(usize, &'a str)>) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut before) = (text, None);
    while let Some(c) = rest.chars().next() {
        let (len, new) = match find(rest, before) {
            Some((len, new)) if len > 0 => (len, new),
            _ => {
                out.push(c);
                before = Some(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
        };
        out.push_str(new);
        before = rest[..len].chars().last();
        rest = &rest[len..];
    }
    out
}

/// Replaces whole words (letters, digits and underscores).
fn words<'a>(text: &str, replace: impl Fn(&str) -> Option<&'a str>) -> String {
    spans(text, |rest, before| {
        let is_start = !before.is_some_and(is_word);
        let len = if is_start { run(rest, is_word) } else { 0 };
        (len > 0).then(|| replace(&rest[..len]).map(|new| (len, new))).flatten()
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Bytes at the start whose characters all fit.
fn run(text: &str, fits: impl Fn(char) -> bool) -> usize {
    text.find(|c| !fits(c)).unwrap_or(text.len())
}

fn is_digits(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut idx = 0;
    while idx < bytes.len() {
        let hex = bytes.get(idx + 1..idx + 3).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        match (bytes[idx], hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                idx += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        idx += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Takes out the scheme of an address, and names that end like those of hosts with their path.
fn without_addresses(text: &str) -> String {
    spans(text, |rest, before| {
        if before.is_some_and(is_word) || !rest.starts_with(is_word) {
            return None;
        }
        for scheme in ["https:", "http:"] {
            let Some(tail) = rest.strip_prefix(scheme) else { continue };
            let slashes = run(tail, |c| c == '/').min(3);
            let is_started = tail.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '%');
            let more = if slashes > 0 { slashes } else { usize::from(is_started) };
            if more > 0 {
                return Some((scheme.len() + more, ""));
            }
        }
        let host = &rest[..run(rest, |c| c.is_ascii_alphanumeric() || c == '.' || c == '-')];
        let ends = |at: usize| DOMAINS.iter().find(|end| host[at + 1..].starts_with(**end));
        let mut found = host.rmatch_indices('.').filter(|(at, _)| *at > 0);
        let (dot, end) = found.find_map(|(at, _)| Some((at, ends(at)?)))?;
        let end = dot + 1 + end.len();
        let path = run(&rest[end..], |c| is_word(c) || c == '/' || c == '-');
        let whole = rest[..end + path].trim_end_matches(['/', '-']).len();
        let whole = whole + usize::from(rest[whole..].starts_with('/'));
        (!rest[whole..].starts_with('@')).then_some((whole, ""))
    })
}

/// The text of HTML.
fn without_tags(text: &str) -> String {
    let text = spans(text, |rest, _| {
        let is_start = |c: char| c.is_ascii_alphabetic() || c == '/' || c == '!';
        rest.strip_prefix('<').filter(|tag| tag.starts_with(is_start))?;
        Some((rest.find('>')? + 1, ""))
    });
    unescaped(&text).into_owned()
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut text = text.to_owned();
    for (entity, plain) in ENTITIES {
        text = text.replace(entity, plain);
    }
    // Last, so that what it makes is not taken for an entity.
    Cow::Owned(text.replace("&amp;", "&"))
}

fn plain_punctuation(text: &str) -> String {
    let is_dash = |c: char| {
        matches!(
            c,
            '-' | '\u{58a}' | '\u{5be}' | '\u{1400}' | '\u{1806}' | '\u{2010}'
                ..='\u{2015}'
                    | '\u{2e17}'
                    | '\u{2e1a}'
                    | '\u{2e3a}'
                    | '\u{2e3b}'
                    | '\u{2e40}'
                    | '\u{301c}'
                    | '\u{3030}'
                    | '\u{30a0}'
                    | '\u{fe31}'
                    | '\u{fe32}'
                    | '\u{fe58}'
                    | '\u{fe63}'
                    | '\u{ff0d}'
        )
    };
    let text = spans(text, |rest, _| Some((run(rest, is_dash), "-")));
    text.replace(['`', '´', '«', '»', '“', '”', '¨'], "\"").replace(['‘', '’'], "'")
}

fn ip_address(text: &str) -> Option<usize> {
    let mut len = 0;
    for part in 0..4 {
        if part > 0 {
            len += text[len..].starts_with('.').then_some(1)?;
        }
        let digits = run(&text[len..], |c| c.is_ascii_digit());
        // The last part may go on: only three digits are taken.
        let fits = if part == 3 { digits >= 1 } else { (1..=3).contains(&digits) };
        len += fits.then_some(digits.min(3))?;
    }
    Some(len)
}

fn without_file_names(text: &str) -> String {
    spans(text, |rest, before| {
        if before.is_some_and(|c| !c.is_whitespace()) {
            return None;
        }
        let token = &rest[..run(rest, |c| !c.is_whitespace())];
        let ends = |at: usize| {
            IMAGE_ENDINGS.iter().find(|end| token[at + 1..].starts_with(**end)).map(|end| end.len())
        };
        let mut dots = token.rmatch_indices('.').filter(|(at, _)| *at > 0);
        dots.find_map(|(at, _)| Some((at + 1 + ends(at)?, "")))
    })
}

fn repeated_punctuation(text: &str) -> String {
    let text = spans(text, |rest, _| {
        let quotes = run(rest, |c| c == '"' || c == '\'');
        (quotes >= 2).then_some((quotes, "\""))
    });
    let text = spans(&text, |rest, _| {
        let dots = run(rest, |c| c == '.');
        (dots >= 2).then_some((dots, " "))
    });
    let text = spans(&text, |rest, _| Some((run(rest, |c| NOISE.contains(c)), " ")));
    spans(&text, |rest, _| {
        let spaces = run(rest, char::is_whitespace);
        let tail = rest[spaces..].strip_prefix('.')?;
        let more = run(tail, char::is_whitespace);
        (spaces > 0 && more > 0).then_some((spaces + 1 + more, " "))
    })
}

/// Runs of letters and digits by turns, if the word has nothing else: their lengths, and whether
/// the first are letters.
fn turns(word: &str) -> Option<(bool, Vec<usize>)> {
    let starts_with_letters = word.starts_with(|c: char| c.is_ascii_alphabetic());
    let mut lens = Vec::new();
    let mut rest = word;
    let mut letters = starts_with_letters;
    while !rest.is_empty() {
        let is_part = |c: char| if letters { c.is_ascii_alphabetic() } else { c.is_ascii_digit() };
        let len = run(rest, is_part);
        if len == 0 {
            return None;
        }
        lens.push(len);
        rest = &rest[len..];
        letters = !letters;
    }
    Some((starts_with_letters, lens))
}

/// Such as `iso100`, `jc6640vc`, `6640vc231`.
fn is_article_code(word: &str) -> bool {
    match turns(word) {
        Some((true, lens)) => match *lens {
            [letters, digits] => letters <= 3 && (3..=15).contains(&digits),
            [_, _, _] => true,
            _ => false,
        },
        Some((false, lens)) => lens.len() == 3,
        None => false,
    }
}

/// Such as `j2d1a2a`.
fn is_long_code(word: &str) -> bool {
    turns(word).is_some_and(|(letters_first, lens)| lens.len() >= if letters_first { 4 } else { 5 })
}

/// Words of shops and of links.
fn without_shop_talk(text: &str) -> String {
    let text = spans(text, |rest, _| {
        let mut len = 0;
        for word in ["worldwide", "free"] {
            if let Some(tail) = rest[len..].strip_prefix(word) {
                let spaces = run(tail, char::is_whitespace);
                len += if spaces > 0 { word.len() + spaces } else { 0 };
            }
        }
        rest[len..].starts_with("shipping").then_some((len + "shipping".len(), ""))
    });
    let text = spans(&text, |rest, _| {
        let start = if rest.starts_with("free ") { "free ".len() } else { 0 };
        let tail = rest[start..].strip_prefix("download")?;
        let more = if tail.starts_with(" free") { " free".len() } else { 0 };
        Some((start + "download".len() + more, ""))
    });
    let text = spans(&text, |rest, before| {
        let tail = rest.strip_prefix("click ").filter(|_| !before.is_some_and(is_word))?;
        let tail = tail.strip_prefix("for ").or_else(|| tail.strip_prefix("on "))?;
        let word = run(tail, is_word);
        (word > 0).then_some((rest.len() - tail.len() + word, ""))
    });
    let text = spans(&text, |rest, before| {
        let ending = IMAGE_ENDINGS.iter().find(|ending| rest.starts_with(**ending));
        let len = ending.filter(|_| !before.is_some_and(is_word))?.len();
        let more = [" images", " image"].iter().find(|more| rest[len..].starts_with(**more));
        Some((len + more.map_or(0, |more| more.len()), ""))
    });
    spans(&text, |rest, before| {
        let tail = rest.strip_prefix("page").filter(|_| !before.is_some_and(is_word))?;
        let spaces = run(tail, char::is_whitespace);
        let digits = run(&tail[spaces..], |c| c.is_ascii_digit());
        let is_word_end = !tail[spaces + digits..].starts_with(is_word);
        (spaces > 0 && digits > 0 && is_word_end).then_some(("page".len() + spaces + digits, ""))
    })
}

/// Such as `20x30`: the cross is a letter of either alphabet or the sign.
fn size(text: &str, before: Option<char>) -> Option<usize> {
    let number = |text: &str| {
        let digits = run(text, |c| c.is_ascii_digit());
        let point = usize::from(digits > 0 && text[digits..].starts_with('.'));
        digits + point + run(&text[digits + point..], |c| c.is_ascii_digit()) * point
    };
    if before.is_some_and(is_word) {
        return None;
    }
    let first = Some(number(text)).filter(|len| *len > 0)?;
    let cross = text[first..].chars().next().filter(|c| matches!(c, 'x' | 'х' | '×'))?;
    let start = first + cross.len_utf8();
    let second = Some(number(&text[start..])).filter(|len| *len > 0)?;
    let end = start + second;
    // A point at the very end is no part of the number.
    let end = text[..end].strip_suffix('.').map_or(end, str::len);
    (!text[end..].starts_with(is_word)).then_some(end)
}

/// Spaces around punctuation, and what is cut off at the ends.
fn finished(text: &str) -> String {
    let text = spans(text, |rest, before| {
        let spaces = run(rest, char::is_whitespace);
        let tail = rest[spaces..].strip_prefix(':')?;
        let more = run(tail, char::is_whitespace);
        let is_behind_word = before.is_some_and(is_word);
        (is_behind_word && spaces > 0 && more > 0).then_some((spaces + 1 + more, ": "))
    });
    let mut spaced = String::with_capacity(text.len());
    let chars: Vec<char> = text.chars().collect();
    for (idx, c) in chars.iter().enumerate() {
        spaced.push(*c);
        let is_behind_text = idx > 0 && !chars[idx - 1].is_ascii_digit();
        let is_before_word = chars.get(idx + 1).is_some_and(|next| is_word(*next));
        if matches!(c, ',' | '.' | '/') && is_behind_text && is_before_word {
            spaced.push(' ');
        }
    }
    let mut text = spans(&spaced, |rest, _| Some((run(rest, char::is_whitespace), " ")));
    let is_quote = |c: char| c == '"' || c == '\'';
    if text.len() > 2 && text.starts_with(is_quote) && text.ends_with(is_quote) {
        text = text[1..text.len() - 1].to_owned();
    }
    let text = text.strip_prefix(['\'', '_', ',', '-', ':', ';']).unwrap_or(&text);
    let text = text.strip_suffix(['\'', '_', ',', '-', ':', '+']).unwrap_or(text);
    let is_hidden = text.len() > 1 && text.starts_with('.') && !text.contains(char::is_whitespace);
    if is_hidden { String::new() } else { text.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More pairs are in the fixture `t5`.
    #[test]
    fn prompts_lose_what_captions_do_not_have() {
        for (prompt, cleaned) in [
            ("A Cat,a dog", "a cat, a dog"),
            ("a red cube, 35mm, f/1.8, ISO100", "a red cube, 35mm, f 1.8"),
            ("100% wool %41 50%", "100% wool a 50%"),
            ("see https://example.com/a?b and www.x.org!", "see ?b and !"),
            ("one-two-three-four_five", "one two three four five"),
            ("é", "é"),
            ("%", "%"),
        ] {
            assert_eq!(clean(prompt), cleaned, "{prompt}");
        }
    }

    #[test]
    fn odd_text_is_no_trouble() {
        for prompt in
            ["<", "<a", "@", "#", "....", "&", "&amp", "x", "\u{0}", "''", "\"", "-", "%e"]
        {
            clean(prompt);
        }
    }
}
