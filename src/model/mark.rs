//! The mark of a model: what ids and keys of pictures depend on, so that memories of the user outlive
//! a model whose generator alone was trained anew.

use std::fmt::Write as _;

use super::Config;
use super::weights::Weights;
use crate::imaging::metadata::sha256_hex;

/// Length of a mark in hexadecimal digits.
const N_DIGITS: usize = 32;

/// Changes with the picture encoder, the codes and their scales, and the text encoder; not with the
/// generator, nor with the decoder, which shows the same ids a little better.
pub(super) fn mark(config: &Config, weights: &Weights, tokenizer_json: &[u8]) -> String {
    let Config { image_size, scales, tokenizer, text, .. } = config;
    let mut facts = format!(
        "{image_size} {scales:?} {:?} {} {}",
        tokenizer.phi_index, tokenizer.codebook_size, text.max_tokens
    );
    let parts = [("tokenizer.json", tokenizer_json)];
    // Many megabytes: a checksum of each tensor takes a tenth of a hash of all.
    for (name, bytes) in weights.stored().filter(|(name, _)| is_part(name)).chain(parts) {
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        write!(facts, " {name} {} {:08x}", bytes.len(), crc.sum()).expect("strings take all");
    }
    let mut digits = sha256_hex(facts.as_bytes());
    digits.truncate(N_DIGITS);
    digits
}

fn is_part(name: &str) -> bool {
    name.starts_with("text.")
        || name.starts_with("tokenizer.") && !name.starts_with("tokenizer.decoder.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generator_and_decoder_are_no_part() {
        for (name, expected) in [
            ("text.encoder.layer.0.output.dense.weight", true),
            ("tokenizer.encoder.stem.weight", true),
            ("tokenizer.codebook", true),
            ("tokenizer.decoder.conv_in.weight", false),
            ("generator.head.weight", false),
        ] {
            assert_eq!(is_part(name), expected, "{name}");
        }
    }
}
