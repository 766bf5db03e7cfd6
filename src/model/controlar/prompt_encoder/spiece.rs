//! `spiece.model`, the vocabulary that T5 was published with: a protocol buffer of pieces and their
//! scores. Format: <https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto>.

use tokenizers::Tokenizer;
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::Precompiled;
use tokenizers::pre_tokenizers::metaspace::Metaspace;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::whitespace::WhitespaceSplit;

use crate::model::bytes::{ByteReader, EndsEarly};

/// Numbers of fields.
mod field {
    pub(super) const PIECE: u64 = 1;
    pub(super) const TRAINER: u64 = 2;
    pub(super) const NORMALIZER: u64 = 3;
    pub(super) const PIECE_TEXT: u64 = 1;
    pub(super) const PIECE_SCORE: u64 = 2;
    pub(super) const PIECE_KIND: u64 = 3;
    pub(super) const MODEL_TYPE: u64 = 3;
    pub(super) const CHARSMAP: u64 = 2;
}

const UNKNOWN_PIECE: u64 = 2;
const UNIGRAM: u64 = 1;

/// What stands in a field.
enum Content<'a> {
    Number(u64),
    Float(f32),
    Bytes(&'a [u8]),
    Other,
}

/// Makes a tokenizer of it.
///
/// # Errors
/// The reason why it is no such vocabulary.
pub(super) fn read(bytes: &[u8]) -> Result<Tokenizer, String> {
    let early = |EndsEarly| "it is cut off".to_owned();
    let mut reader = ByteReader::new(bytes);
    let (mut pieces, mut unknown, mut charsmap) = (Vec::new(), None, None);
    let mut kind = UNIGRAM;
    while reader.remaining() > 0 {
        let (number, content) = next(&mut reader).map_err(early)?;
        match (number, content) {
            (field::PIECE, Content::Bytes(bytes)) => {
                let (text, score, piece_kind) = piece(bytes).map_err(early)?;
                if piece_kind == UNKNOWN_PIECE {
                    unknown = Some(pieces.len());
                }
                pieces.push((text, f64::from(score)));
            }
            (field::TRAINER, Content::Bytes(bytes)) => {
                kind = number_in(bytes, field::MODEL_TYPE).map_err(early)?.unwrap_or(UNIGRAM);
            }
            (field::NORMALIZER, Content::Bytes(bytes)) => {
                charsmap = bytes_in(bytes, field::CHARSMAP).map_err(early)?;
            }
            _ => {}
        }
    }
    if kind != UNIGRAM {
        return Err("its pieces are not of the unigram kind".to_owned());
    }
    if pieces.is_empty() {
        return Err("it has no pieces".to_owned());
    }
    let unknown = unknown.ok_or("it has no piece for unknown words")?;
    let unigram = Unigram::from(pieces, Some(unknown), false).map_err(|error| error.to_string())?;
    let mut tokenizer = Tokenizer::new(unigram);
    if let Some(charsmap) = charsmap.filter(|charsmap| !charsmap.is_empty()) {
        check_charsmap(charsmap)?;
        let normalizer = Precompiled::from(charsmap).map_err(|error| error.to_string())?;
        tokenizer.with_normalizer(Some(normalizer)).map_err(|error| error.to_string())?;
    }
    let splits = vec![WhitespaceSplit.into(), Metaspace::default().into()];
    tokenizer.with_pre_tokenizer(Some(Sequence::new(splits)));
    Ok(tokenizer)
}

/// A table of characters begins with its length, for which its reader takes memory unseen.
pub(super) fn check_charsmap(charsmap: &[u8]) -> Result<(), String> {
    let len = ByteReader::new(charsmap).u32().map(|len| len as usize);
    match len {
        Ok(len) if len <= charsmap.len() => Ok(()),
        _ => Err("its table of characters is damaged".to_owned()),
    }
}

fn next<'a>(reader: &mut ByteReader<'a>) -> Result<(u64, Content<'a>), EndsEarly> {
    let tag = varint(reader)?;
    let content = match tag & 7 {
        0 => Content::Number(varint(reader)?),
        1 => {
            reader.take(8)?;
            Content::Other
        }
        2 => {
            let len = usize::try_from(varint(reader)?).or(Err(EndsEarly))?;
            Content::Bytes(reader.take(len)?)
        }
        5 => Content::Float(f32::from_bits(reader.u32()?)),
        // Groups were given up before this format was made.
        _ => return Err(EndsEarly),
    };
    Ok((tag >> 3, content))
}

fn varint(reader: &mut ByteReader<'_>) -> Result<u64, EndsEarly> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = reader.u8()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(EndsEarly)
}

/// Text, score and kind.
fn piece(bytes: &[u8]) -> Result<(String, f32, u64), EndsEarly> {
    let mut reader = ByteReader::new(bytes);
    let (mut text, mut score, mut kind) = (String::new(), 0.0, 1);
    while reader.remaining() > 0 {
        match next(&mut reader)? {
            (field::PIECE_TEXT, Content::Bytes(bytes)) => {
                text = String::from_utf8_lossy(bytes).into_owned();
            }
            (field::PIECE_SCORE, Content::Float(value)) if value.is_finite() => score = value,
            (field::PIECE_KIND, Content::Number(value)) => kind = value,
            _ => {}
        }
    }
    Ok((text, score, kind))
}

fn number_in(bytes: &[u8], wanted: u64) -> Result<Option<u64>, EndsEarly> {
    let mut reader = ByteReader::new(bytes);
    while reader.remaining() > 0 {
        if let (number, Content::Number(value)) = next(&mut reader)?
            && number == wanted
        {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

fn bytes_in(bytes: &[u8], wanted: u64) -> Result<Option<&[u8]>, EndsEarly> {
    let mut reader = ByteReader::new(bytes);
    while reader.remaining() > 0 {
        if let (number, Content::Bytes(value)) = next(&mut reader)?
            && number == wanted
        {
            return Ok(Some(value));
        }
    }
    Ok(None)
}
