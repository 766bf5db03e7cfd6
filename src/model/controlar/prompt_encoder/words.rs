//! Prompts to token ids: `tokenizer.json` or `spiece.model`, whichever is there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde_json::Value;
use tokenizers::Tokenizer;

use super::spiece;
use crate::model::ModelError;

/// Far more than any vocabulary.
const MAX_BYTES: u64 = 64 << 20;
/// Longer prompts are cut before they are split into tokens, so that a pasted book costs nothing.
pub(super) const MAX_CHARS: usize = 10_000;
const END: &str = "</s>";

/// Splits prompts.
pub(super) struct Words {
    tokenizer: Tokenizer,
    end: u32,
}

impl Words {
    /// Reads a vocabulary of at most `n_words` tokens.
    ///
    /// # Errors
    /// [`ModelError::Vocabulary`] with the reason.
    pub(super) fn read(path: &Path, n_words: usize) -> Result<Self, ModelError> {
        let vocabulary = |reason: String| ModelError::Vocabulary {
            reason: format!(
                "{reason}; get tokenizer.json of google/flan-t5-xl on huggingface.co: {}",
                path.display()
            ),
        };
        let bytes = match std::fs::metadata(path) {
            Ok(metadata) if metadata.len() > MAX_BYTES => {
                return Err(vocabulary("it is too long for a vocabulary".to_owned()));
            }
            Ok(_) => std::fs::read(path),
            Err(error) => Err(error),
        };
        let bytes = bytes.map_err(|source| ModelError::Read {
            what: "the vocabulary",
            path: path.to_owned(),
            source,
        })?;
        let tokenizer = guarded(|| parse(&bytes)).map_err(&vocabulary)?;
        let n_found = tokenizer.get_vocab_size(true);
        if n_found > n_words {
            let reason = format!("it has {n_found} words, the text encoder {n_words}");
            return Err(vocabulary(reason));
        }
        let end = tokenizer.token_to_id(END).filter(|id| (*id as usize) < n_words);
        let end = end.ok_or_else(|| vocabulary(format!("it has no {END}, as those of T5 have")))?;
        Ok(Self { tokenizer, end })
    }

    /// Ids of a cleaned prompt with its end, at most `max_ids`, and how many did not fit.
    ///
    /// # Errors
    /// [`ModelError::Vocabulary`] if it cannot be split.
    pub(super) fn ids(
        &self,
        cleaned: &str,
        max_ids: usize,
    ) -> Result<(Vec<u32>, usize), ModelError> {
        let split = || {
            let encoding = self.tokenizer.encode_fast(cleaned, false);
            encoding.map(|encoding| encoding.get_ids().to_vec()).map_err(|error| error.to_string())
        };
        let mut ids = guarded(split).map_err(|reason| ModelError::Vocabulary { reason })?;
        let n_kept = ids.len().min(max_ids.saturating_sub(1));
        let n_dropped = ids.len() - n_kept;
        ids.truncate(n_kept);
        ids.push(self.end);
        Ok((ids, n_dropped))
    }
}

fn parse(bytes: &[u8]) -> Result<Tokenizer, String> {
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return spiece::read(bytes);
    }
    let json: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    check_charsmaps(&json)?;
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(|error| error.to_string())?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(|error| error.to_string())?;
    Ok(tokenizer)
}

/// Tables of characters, wherever they are, must not claim more than there is.
fn check_charsmaps(json: &Value) -> Result<(), String> {
    match json {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get("precompiled_charsmap") {
                let start: Vec<u8> = text.bytes().take(8).filter_map(sextet).collect();
                let [a, b, c, d, e, f, ..] = *start.as_slice() else {
                    return Err("its table of characters is damaged".to_owned());
                };
                let word = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d, e << 2 | f >> 4];
                let mut charsmap = word.to_vec();
                charsmap.resize((text.len() / 4 * 3).max(4), 0);
                spiece::check_charsmap(&charsmap)?;
            }
            fields.values().try_for_each(check_charsmaps)
        }
        Value::Array(items) => items.iter().try_for_each(check_charsmaps),
        _ => Ok(()),
    }
}

/// Value of a digit of base 64.
fn sextet(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// The tokenizer's own code trusts what it reads; a vocabulary that it stumbles over is damaged.
fn guarded<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("it is damaged".to_owned()))
}
