//! Control encoders, memory context, pointer head and logits of every scale.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use candle_core::{DType, Device, Tensor};
use underpaint::model::generator::{
    Condition, ConditionInput, ControlEncoders, ControlTokens, Network, RememberedLatents,
};
use underpaint::params::{ControlKind, StrengthCurve};

use crate::common::{assert_close, config, golden, var_builder};

/// As measured between independent f32 and f64 implementations, with a margin of about ten.
const CONTROL_TOLERANCE: f32 = 3e-4;
const HIDDEN_TOLERANCE: f32 = 1e-4;
const LOGITS_TOLERANCE: f32 = 1e-4;
const GUIDED_TOLERANCE: f32 = 5e-4;
const GUIDANCE: f64 = 3.0;

fn network() -> Network {
    let vb = var_builder();
    let c = config();
    let shape = (c.tokenizer.codebook_size, c.tokenizer.latent_channels);
    let codebook = vb.get(shape, "tokenizer.codebook.weight").unwrap();
    Network::load(&c, &codebook, &vb.pp("generator")).unwrap()
}

fn control_tokens(kind: ControlKind) -> Tensor {
    let encoders =
        ControlEncoders::load(&config(), &var_builder().pp("generator.control")).unwrap();
    encoders.encode(kind, golden(&format!("control.{}", kind.name()))).unwrap().unwrap()
}

fn memory() -> RememberedLatents {
    RememberedLatents { slots: vec![0, 1], latents: golden("memory.f_hat").unsqueeze(0).unwrap() }
}

/// Rows of a prompt's golden hidden vectors that its mask keeps: (1, T, H).
fn text(row: usize) -> Tensor {
    let mask: Vec<i32> = golden("text.mask").get(row).unwrap().to_vec1().unwrap();
    let n_tokens = mask.iter().sum::<i32>() as usize;
    golden("text.hidden").narrow(0, row, 1).unwrap().narrow(1, 0, n_tokens).unwrap()
}

/// The two rows of the golden run: prompt 0 with two slots, and the empty prompt without.
fn conditions(network: &Network) -> [Condition; 2] {
    let control = ControlTokens(vec![
        (control_tokens(ControlKind::Lines), StrengthCurve::Constant(1.0)),
        (control_tokens(ControlKind::Colour), StrengthCurve::Constant(0.5)),
    ]);
    let reference = network.reference(&golden("memory.f_hat").narrow(0, 0, 1).unwrap()).unwrap();
    let mut with_reference = control.clone();
    with_reference.0.push((reference, StrengthCurve::Constant(0.7)));
    let memory = memory();
    let condition = |row: usize, memory, control| {
        let pooled = golden("text.pooled").narrow(0, row, 1).unwrap();
        let input = ConditionInput { text: &text(row), pooled: &pooled, memory, control };
        network.condition(&input).unwrap()
    };
    [condition(0, Some(&memory), with_reference), condition(2, None, control)]
}

#[test]
fn control_tokens_match() {
    for kind in ControlKind::ALL {
        assert_close(
            &control_tokens(kind),
            &format!("control.{}.tokens", kind.name()),
            CONTROL_TOLERANCE,
        );
    }
}

#[test]
fn memory_context_and_reference_match() {
    let network = network();
    let context = network.context(&text(0), Some(&memory())).unwrap();
    // The fixture pads text to 24 rows and memory to 3 slots; ours holds what is present.
    let mask: Vec<i32> = golden("memory.context_mask").get(0).unwrap().to_vec1().unwrap();
    let present: Vec<u32> = (0..mask.len() as u32).filter(|idx| mask[*idx as usize] == 1).collect();
    let present = Tensor::new(present, &Device::Cpu).unwrap();
    let expected = golden("memory.context").index_select(&present, 1).unwrap();
    assert_eq!(context.dims(), expected.dims());
    let difference = (context - expected).unwrap().abs().unwrap();
    let difference = difference.flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
    assert!(difference <= HIDDEN_TOLERANCE, "context is off by {difference}");

    let reference = network.reference(&golden("memory.f_hat").narrow(0, 0, 1).unwrap()).unwrap();
    assert_close(&reference, "memory.reference_tokens", CONTROL_TOLERANCE);
}

#[test]
fn logits_and_ids_of_every_scale_match() {
    let network = network();
    let [conditional, unconditional] = conditions(&network);
    let n_scales = config().scales.len();
    for scale_idx in 0..n_scales {
        let latent = golden(&format!("generate.input.{scale_idx}"));
        let conditions = [&conditional, &unconditional];
        let rows = network.features(scale_idx, latent, &conditions, &|| true).unwrap().unwrap();
        let rows = rows.chunk(2, 0).unwrap();
        let weight = GUIDANCE * (scale_idx + 1) as f64 / n_scales as f64;
        let guided = ((&rows[0] * (1.0 + weight)).unwrap() - (&rows[1] * weight).unwrap()).unwrap();
        let guided = network.logits(&guided).unwrap();
        if scale_idx < 5 {
            let name = format!("generate.logits_cond.{scale_idx}");
            assert_close(&network.logits(&rows[0]).unwrap(), &name, LOGITS_TOLERANCE);
            assert_close(&guided, &format!("generate.logits_guided.{scale_idx}"), GUIDED_TOLERANCE);
        } else {
            let first = guided.narrow(1, 0, 8).unwrap();
            let name = format!("generate.logits_guided_first8.{scale_idx}");
            assert_close(&first, &name, GUIDED_TOLERANCE);
        }
        let ids = guided.argmax(2).unwrap().to_dtype(DType::I64).unwrap();
        let expected = golden(&format!("generate.ids.{scale_idx}")).to_dtype(DType::I64).unwrap();
        assert_eq!(ids.to_vec2::<i64>().unwrap(), expected.to_vec2::<i64>().unwrap());
    }
}

#[test]
fn pointer_head_matches() {
    let network = network();
    let [conditional, _] = conditions(&network);
    for scale_idx in [3, 7] {
        let latent = golden(&format!("generate.input.{scale_idx}"));
        let output = network.pointer(scale_idx, latent, &conditional).unwrap();
        let name = |what: &str| format!("generate.pointer_{what}.{scale_idx}");
        assert_close(&output.residual, &name("residual"), HIDDEN_TOLERANCE);
        assert_close(&output.sharpness, &name("sharpness"), HIDDEN_TOLERANCE);
    }
}
