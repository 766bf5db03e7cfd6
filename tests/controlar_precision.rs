//! Transformers in 16, 8 and 4 bits beside exact ones, and the ways of feeding them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

#[path = "../examples/bench_controlar/random.rs"]
mod random;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{Device, Tensor};
use random::{noise, random_weights};
use underpaint::model::controlar::pack::write_gguf;
use underpaint::model::controlar::sampler::argmax;
use underpaint::model::controlar::{LlamaGen, LlamaGenConfig, Precision, Probe, Run, names};
use underpaint::model::weights::Checkpoint;

const N_TOKENS: usize = 36;

fn config() -> LlamaGenConfig {
    LlamaGenConfig { n_codes: 512, ..LlamaGenConfig::text(6, 4, 256, 6) }
}

fn model(precision: Precision) -> Arc<LlamaGen> {
    Arc::new(LlamaGen::load(config(), &random_weights(), precision).unwrap())
}

/// A guided picture, with the logits of its first token.
fn started(model: &Arc<LlamaGen>) -> (Run, Vec<f32>) {
    let captions = Tensor::from_vec(noise(120 * 2048, 7, 1.0), (1, 120, 2048), &Device::Cpu);
    let prefix = model.prefix_of_captions(&captions.unwrap(), &[9], true).unwrap();
    let (run, logits) =
        Run::start(model, &prefix, N_TOKENS, true, None, &mut Probe::none()).unwrap();
    (run, numbers(&logits))
}

fn numbers(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn ids(n: usize) -> Vec<u32> {
    (0..n as u32).map(|idx| idx * 37 % 512).collect()
}

/// The logits of all tokens, each fed alone: (T + 1) of (R · K).
fn one_by_one(model: &Arc<LlamaGen>, ids: &[u32]) -> Vec<Vec<f32>> {
    let (mut run, first) = started(model);
    let mut all = vec![first];
    for id in ids {
        all.push(numbers(&run.feed(&[*id], &mut Probe::none()).unwrap()));
    }
    all
}

#[test]
fn few_bits_stay_close_to_exact_ones() {
    let ids = ids(N_TOKENS - 1);
    let exact = one_by_one(&model(Precision::F32), &ids);
    let limits = [(Precision::Bf16, 0.02, 32), (Precision::Q8, 0.03, 32), (Precision::Q4, 0.4, 10)];
    for (precision, limit, n_same_at_least) in limits {
        let rounded = one_by_one(&model(precision), &ids);
        let (mut squares, mut size, mut n_same) = (0.0, 0.0, 0);
        for (rounded, exact) in rounded.iter().zip(&exact) {
            let difference = rounded.iter().zip(exact).map(|(a, b)| (a - b).powi(2));
            squares += difference.sum::<f32>();
            size += exact.iter().map(|x| x.powi(2)).sum::<f32>();
            n_same += usize::from(argmax(&rounded[..512]) == argmax(&exact[..512]));
        }
        let error = (squares / size).sqrt();
        println!("{precision}: off by {error}, {n_same} of {N_TOKENS} first choices the same");
        assert!(error > 0.0 && error < limit, "{precision} is off by {error}");
        assert!(n_same >= n_same_at_least, "{precision}: {n_same} first choices are the same");
    }
}

#[test]
fn several_tokens_at_once_are_those_one_by_one() {
    for precision in Precision::ALL {
        let model = model(precision);
        let ids = ids(20);
        let expected = one_by_one(&model, &ids);
        let (mut run, _) = started(&model);
        run.feed_many(&ids[..3], &|| true, &mut Probe::none()).unwrap().unwrap();
        // A wrong guess, taken back.
        run.feed_many(&[1, 2, 3, 4, 5], &|| true, &mut Probe::none()).unwrap().unwrap();
        run.truncate(3);
        assert_eq!(run.n_fed(), 3);
        let logits = run.feed_many(&ids[3..], &|| true, &mut Probe::none()).unwrap().unwrap();
        let (n_rows, n_new, n_codes) = logits.dims3().unwrap();
        assert_eq!((n_rows, n_new, n_codes), (2, 17, 512));
        for (i, expected) in expected[4..].iter().enumerate() {
            let actual = numbers(&logits.narrow(1, i, 1).unwrap());
            assert!(actual == *expected, "{precision}: token {i} differs");
        }
    }
}

#[test]
fn threads_change_nothing() {
    let model = model(Precision::Q8);
    let expected = one_by_one(&model, &ids(6));
    for n_threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        assert!(pool.install(|| one_by_one(&model, &ids(6))) == expected);
    }
}

#[test]
fn a_stopped_token_can_be_fed_again() {
    let model = model(Precision::Q4);
    let expected = one_by_one(&model, &ids(2));
    let (mut run, _) = started(&model);
    run.feed(&[0], &mut Probe::none()).unwrap();
    let n_asked = AtomicUsize::new(0);
    let once = || n_asked.fetch_add(1, Ordering::Relaxed) < 1;
    assert!(run.feed_many(&[37], &once, &mut Probe::none()).unwrap().is_none());
    assert_eq!(run.n_fed(), 1);
    assert!(numbers(&run.feed(&[37], &mut Probe::none()).unwrap()) == expected[2]);
    assert!(run.feed_many(&[512], &|| true, &mut Probe::none()).is_err());
    assert!(run.feed_many(&ids(N_TOKENS), &|| true, &mut Probe::none()).is_err());
}

#[test]
fn a_packed_file_is_the_model_it_was_made_from() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("model.safetensors");
    let vb = random_weights();
    let tensors: HashMap<String, Tensor> = names::llamagen(&config())
        .into_iter()
        .map(|wanted| (wanted.name.clone(), vb.get(wanted.shape, &wanted.name).unwrap()))
        .collect();
    candle_core::safetensors::save(&tensors, &original).unwrap();
    let source = Checkpoint::open(&original).unwrap();
    assert_eq!(Precision::of_file(&source), None);
    for precision in [Precision::Bf16, Precision::Q8, Precision::Q4] {
        let path = folder.path().join(format!("{precision}.gguf"));
        assert!(!write_gguf(&source, precision, &path, &|| false).unwrap());
        assert!(!path.exists());
        assert!(write_gguf(&source, precision, &path, &|| true).unwrap());
        let packed = Checkpoint::open(&path).unwrap();
        packed.check(&names::llamagen(&config()), &[]).unwrap();
        let own = Precision::of_file(&packed);
        assert_eq!(own, Some(precision).filter(|precision| *precision != Precision::Bf16));
        let loaded = LlamaGen::load(config(), &packed.var_builder(&Device::Cpu), precision);
        let actual = one_by_one(&Arc::new(loaded.unwrap()), &ids(3));
        assert!(actual == one_by_one(&model(precision), &ids(3)), "{precision} differs");
    }
}
