//! Compact layers against exact ones.

use candle_core::Device;

use super::super::storage::tests::{assert_same, noise};
use super::block::Block;
use super::rows::Rows;
use super::*;
use crate::model::ops::Linear;

const FORMATS: [WeightFormat; 3] = [WeightFormat::Bf16, WeightFormat::Eight, WeightFormat::Four];

/// Largest difference over the root mean square of what is expected.
fn relative_error(actual: &Tensor, expected: &Tensor) -> f32 {
    assert_eq!(actual.dims(), expected.dims());
    let scalar = |tensor: Tensor| tensor.to_scalar::<f32>().unwrap();
    let worst = scalar((actual - expected).unwrap().abs().unwrap().max_all().unwrap());
    worst / scalar(expected.sqr().unwrap().mean_all().unwrap()).sqrt()
}

#[test]
fn errors_are_those_of_the_rounded_weights() {
    for (in_dim, out_dim) in [(256, 96), (40, 33), (7, 5), (1280, 16)] {
        let weight = noise(&[out_dim, in_dim], 1);
        let exact = Linear::new(&weight, None).unwrap();
        let x = noise(&[3, in_dim], 2);
        let expected = exact.forward(&x).unwrap();
        for (format, limit) in FORMATS.into_iter().zip([0.01, 0.02, 0.3]) {
            let layer = CompactLinear::new(&weight, format).unwrap();
            let error = relative_error(&layer.forward(&x).unwrap(), &expected);
            assert!(error < limit, "{format:?} of {in_dim} to {out_dim} is off by {error}");
            assert!(error > 0.0, "{format:?} does not round");
        }
    }
}

/// The rows take hardly any part in the error.
#[test]
fn rounded_weights_are_multiplied_exactly() {
    let step = 1.0 / 256.0; // in F16 exactly
    let whole = (noise(&[48, 320], 1) * 100.0).unwrap().round().unwrap();
    // So that every group reaches 127.
    let column = Tensor::full(127.0_f32, (48, 1), &Device::Cpu).unwrap();
    for group in 0..10 {
        whole.slice_set(&column, 1, group * 32).unwrap();
    }
    let weight = (whole * step).unwrap();
    let x = noise(&[2, 320], 2);
    let expected = Linear::new(&weight, None).unwrap().forward(&x).unwrap();
    let layer = CompactLinear::new(&weight, WeightFormat::Eight).unwrap();
    let error = relative_error(&layer.forward(&x).unwrap(), &expected);
    assert!(error < 1e-4, "off by {error}");
}

#[test]
fn a_row_is_the_same_alone_and_among_others() {
    for format in FORMATS {
        let layer = CompactLinear::new(&noise(&[400, 640], 1), format).unwrap();
        let x = noise(&[37, 640], 2);
        let together = layer.forward(&x).unwrap();
        for row in [0, 17, 36] {
            let alone = layer.forward(&x.narrow(0, row, 1).unwrap()).unwrap();
            assert_same(&alone, &together.narrow(0, row, 1).unwrap());
        }
        let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_same(&one.install(|| layer.forward(&x).unwrap()), &together);
    }
}

#[test]
fn a_residual_is_added() {
    for format in FORMATS {
        let layer = CompactLinear::new(&noise(&[33, 64], 1), format).unwrap();
        let (x, residual) = (noise(&[1, 5, 64], 2), noise(&[1, 5, 33], 3));
        let expected = (layer.forward(&x).unwrap() + &residual).unwrap();
        assert_same(&layer.forward_add(&x, &residual).unwrap(), &expected);
        assert!(layer.forward_add(&x, &x).is_err());
        assert!(layer.forward(&residual).is_err());
    }
}

/// Both codes give the same bits where sums are whole, and almost the same elsewhere.
#[cfg(target_arch = "x86_64")]
#[test]
fn vectors_agree_with_plain_code() {
    fn both<B: Block>(x: &[f32], weight: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let blocks: Vec<B> = pack(weight, 96);
        let rows = Rows::new(x, 96, B::ROUNDS_ROWS);
        let tiles = blocks.chunks_exact(3);
        let plain = tiles.flat_map(|tile| B::multiply_plainly(tile, rows.row(0))).collect();
        (product(&blocks, x, 96, 32, None), plain)
    }
    let values = |seed| noise(&[32 * 96], seed).to_vec1::<f32>().unwrap();
    let (x, weight) = (&values(1)[..96], values(2));
    let (vectors, plain) = both::<EightBlock>(x, &weight);
    assert_eq!(vectors, plain);
    let (vectors, plain) = both::<FourBlock>(x, &weight);
    assert_eq!(vectors, plain);
    let (vectors, plain) = both::<BrainBlock>(x, &weight);
    for (a, b) in vectors.iter().zip(&plain) {
        assert!((a - b).abs() < 1e-4, "{a} and {b}");
    }
}

#[test]
fn other_devices_round_alike() {
    let weight = noise(&[64, 128], 1);
    let x = noise(&[4, 128], 2);
    let expected = Linear::new(&weight, None).unwrap().forward(&x).unwrap();
    for (dtype, limit) in [(GgmlDType::Q8_0, 0.05), (GgmlDType::Q4_1, 0.3)] {
        let method = through_candle(&weight, dtype).unwrap();
        let layer = CompactLinear { in_dim: 128, out_dim: 64, method };
        let error = relative_error(&layer.forward(&x).unwrap(), &expected);
        assert!(error < limit, "{dtype:?} is off by {error}");
    }
}
