//! Prompts to vectors.

use underpaint::model::text::TextEncoder;

use crate::common::{config, fixture, golden, var_builder};

/// Hidden values reach about 4; two f32 implementations differ by some 1e-5.
const TOLERANCE: f32 = 1e-4;

const PROMPTS: [&str; 3] = ["red apple, 3d style", "smiling cat with sunglasses, glossy style", ""];

fn encoder() -> TextEncoder {
    let json = std::fs::read(fixture("tokenizer.json")).expect("the fixture is complete");
    TextEncoder::load(&config().text, &json, var_builder().pp("text"))
        .expect("the fixture is valid")
}

#[test]
fn prompts_match() {
    let mut encoder = encoder();
    for (row, prompt) in PROMPTS.iter().enumerate() {
        let encoding = encoder.encode(prompt).unwrap();
        let mask: Vec<i32> = golden("text.mask").get(row).unwrap().to_vec1().unwrap();
        let n_tokens = mask.iter().sum::<i32>() as usize;
        let hidden = encoding.hidden.squeeze(0).unwrap();
        let expected = golden("text.hidden").get(row).unwrap().narrow(0, 0, n_tokens).unwrap();
        for (actual, expected) in [
            (&hidden, &expected),
            (&encoding.pooled.squeeze(0).unwrap(), &golden("text.pooled").get(row).unwrap()),
        ] {
            assert_eq!(actual.dims(), expected.dims(), "{prompt}");
            let difference = (actual - expected).unwrap().abs().unwrap();
            let difference = difference.flatten_all().unwrap().max(0).unwrap();
            let difference = difference.to_scalar::<f32>().unwrap();
            assert!(difference <= TOLERANCE, "{prompt}: off by {difference}");
        }
        assert_eq!(encoding.n_dropped, 0);
    }
}

#[test]
fn long_and_foreign_prompts_are_cut_not_refused() {
    let mut encoder = encoder();
    let max_tokens = config().text.max_tokens;
    for prompt in ["apple ".repeat(5_000), "🍎 🚗 ".repeat(3_000), "红苹果".repeat(4_000)] {
        let encoding = encoder.encode(&prompt).unwrap();
        assert_eq!(encoding.hidden.dim(1).unwrap(), max_tokens);
        assert!(encoding.n_dropped > 0);
    }
    assert_eq!(encoder.encode("红 🍎").unwrap().n_dropped, 0);
}
