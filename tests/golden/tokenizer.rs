//! Encoder, quantiser and decoder.

use candle_core::{DType, Tensor};
use underpaint::model::tokenizer::Tokenizer;

use crate::common::{assert_close, config, golden, var_builder};

/// Latents are of size 1. PyTorch and this code sum in different orders, which moves them by less
/// than 1e-6 here; the bar leaves room for the orders of other machines.
const LATENT_TOLERANCE: f32 = 1e-4;
/// Of pixels in [0, 1], so half of the bar for decoder outputs in [-1, 1]. That is a sixteenth of
/// a byte's step; the transformed convolutions were seen to be off by 2e-6.
const PIXEL_TOLERANCE: f32 = 2.5e-4;

fn tokenizer() -> Tokenizer {
    Tokenizer::load(&config(), var_builder().pp("tokenizer")).expect("the fixture is complete")
}

/// Golden ids as the tokenizer writes them.
fn golden_ids(name: &str) -> Vec<Vec<u32>> {
    let ids = golden(name).to_dtype(DType::U32).and_then(|ids| ids.to_vec2());
    ids.expect("the fixture's ids are one row per picture")
}

/// The golden picture after decoding is not clamped; ours is.
fn assert_picture(actual: &Tensor, name: &str) {
    let expected = golden(name).clamp(0.0, 1.0);
    let difference = expected
        .and_then(|expected| (actual - expected)?.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>())
        .expect("both are f32 pictures");
    assert!(difference <= PIXEL_TOLERANCE, "{name} is off by {difference}");
}

#[test]
fn encoder_matches() {
    let picture = golden("tokenizer.image");
    let tokenizer = tokenizer();
    let raw = tokenizer.encode_raw(picture).unwrap();
    assert_close(&raw, "tokenizer.encoder_out", LATENT_TOLERANCE);
    let latent = tokenizer.encode_latent(picture).unwrap();
    assert_close(&latent, "tokenizer.latent", LATENT_TOLERANCE);
}

#[test]
fn ids_and_sums_of_every_scale_match() {
    let tokenizer = tokenizer();
    let latent = tokenizer.encode_latent(golden("tokenizer.image")).unwrap();
    let mut n_scales = 0;
    let ids = tokenizer.quantize_with(&latent, |scale_idx, f_hat| {
        assert_close(f_hat, &format!("tokenizer.f_hat.{scale_idx}"), LATENT_TOLERANCE);
        n_scales += 1;
    });
    let ids = ids.unwrap();
    assert_eq!((ids.len(), ids[0].len(), n_scales), (1, 8, 8));
    for (scale_idx, ids) in ids[0].iter().enumerate() {
        assert_eq!(*ids, golden_ids(&format!("tokenizer.ids.{scale_idx}"))[0], "{scale_idx}");
    }
}

#[test]
fn pictures_of_every_scale_decode() {
    let tokenizer = tokenizer();
    assert_picture(&tokenizer.decode(golden("tokenizer.f_hat.7")).unwrap(), "tokenizer.decoded");
    for scale_idx in [3, 5, 7] {
        let f_hat = golden(&format!("generate.f_hat.{scale_idx}"));
        let name = format!("generate.image.{scale_idx}");
        assert_picture(&tokenizer.decode(f_hat).unwrap(), &name);
    }
}

#[test]
fn remembered_pictures_are_rebuilt_from_their_ids() {
    let ids = golden_ids("memory.ids");
    let tokenizer = tokenizer();
    assert_close(&tokenizer.f_hat_from_ids(&ids).unwrap(), "memory.f_hat", LATENT_TOLERANCE);
    let second = tokenizer.f_hat_from_ids(&ids[1..]).unwrap();
    let difference = (second - golden("memory.f_hat").narrow(0, 1, 1).unwrap()).unwrap();
    let difference = difference.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
    assert!(difference.to_scalar::<f32>().unwrap() <= LATENT_TOLERANCE);
}

#[test]
fn the_generator_sees_and_adds_to_the_sum() {
    let tokenizer = tokenizer();
    let mut f_hat = golden("generate.f_hat.0").zeros_like().unwrap();
    for scale_idx in 0..8 {
        let input = tokenizer.input_for_scale(&f_hat, scale_idx).unwrap();
        assert_close(&input, &format!("generate.input.{scale_idx}"), LATENT_TOLERANCE);
        let ids = golden_ids(&format!("generate.ids.{scale_idx}")).concat();
        f_hat = tokenizer.add_scale(&f_hat, scale_idx, &ids).unwrap();
        assert_close(&f_hat, &format!("generate.f_hat.{scale_idx}"), LATENT_TOLERANCE);
    }
}

#[test]
fn a_prefix_of_the_ids_gives_the_sum_so_far() {
    let tokenizer = tokenizer();
    let ids: Vec<u32> =
        (0..4).flat_map(|k| golden_ids(&format!("tokenizer.ids.{k}")).concat()).collect();
    let f_hat = tokenizer.f_hat_from_ids(&[&ids]).unwrap();
    assert_close(&f_hat, "tokenizer.f_hat.3", LATENT_TOLERANCE);
    let nothing = tokenizer.f_hat_from_ids(&[&ids[..0]]).unwrap();
    assert_eq!(nothing.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap(), 0.0);
}

#[test]
fn a_picture_is_the_same_alone_and_in_a_batch() {
    let tokenizer = tokenizer();
    let f_hats: Vec<_> = [3, 5, 7].map(|k| golden(&format!("generate.f_hat.{k}")).clone()).into();
    let together = tokenizer.decode(&Tensor::cat(&f_hats, 0).unwrap()).unwrap();
    for (row, f_hat) in f_hats.iter().enumerate() {
        let alone = tokenizer.decode(f_hat).unwrap().get(0).unwrap().to_vec3::<f32>().unwrap();
        assert!(alone == together.get(row).unwrap().to_vec3::<f32>().unwrap(), "row {row}");
    }
}

#[test]
fn bad_ids_are_one_sentence() {
    let tokenizer = tokenizer();
    let message = |ids: &[u32]| tokenizer.f_hat_from_ids(&[ids]).unwrap_err().to_string();
    assert!(message(&[64]).contains("token id 64 is not one of this model's 64 codes"));
    assert!(message(&[0; 3]).contains("inside the grid of 2×2"));
    assert!(message(&[0; 508]).contains("more token ids"));
    let error = tokenizer.embed_scale(1, &[0; 6]).unwrap_err().to_string();
    assert!(error.contains("no whole grids of 2×2"), "{error}");
    let error = tokenizer.embed_scale(8, &[0]).unwrap_err().to_string();
    assert!(error.contains("8 scales"), "{error}");
    let small = golden("tokenizer.image").narrow(2, 0, 128).unwrap();
    let error = tokenizer.encode_latent(&small).unwrap_err().to_string();
    assert!(error.contains("256×256 pixels, not 4 and 256×128"), "{error}");
}
