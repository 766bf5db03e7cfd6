//! Guessing tokens ahead: the same ids without temperature, the same distribution with it.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::cell::Cell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use serde_json::Value;
use underpaint::model::controlar::config::{PrefixKind, parse};
use underpaint::model::controlar::llamagen::Fusion;
use underpaint::model::controlar::resample::Size;
use underpaint::model::controlar::speculation::{Drawing, SpeculationStats};
use underpaint::model::controlar::{
    CodeNeighbours, Control, ControlConfig, ControlEncoder, Guidance, LlamaGen, LlamaGenConfig,
    Precision, Prefix, Probe, RasterSampling, Run, Speculator,
};
use underpaint::model::weights::Weights;
use underpaint::params::Speculation;

/// A model with what its pictures are asked for.
struct Subject {
    model: Arc<LlamaGen>,
    is_text: bool,
    inputs: HashMap<String, Tensor>,
    control: Option<Arc<Control>>,
    n_columns: usize,
    n_tokens: usize,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/controlar").join(name)
}

impl Subject {
    fn open(name: &str) -> Self {
        let folder = fixture(name);
        let json = fs::read_to_string(folder.join("config.json")).unwrap();
        let config: LlamaGenConfig = parse(&json).unwrap();
        let weights = Weights::read(&folder.join("weights.safetensors")).unwrap();
        let vb = weights.var_builder(&Device::Cpu);
        let inputs =
            candle_core::safetensors::load(folder.join("inputs.safetensors"), &Device::Cpu)
                .unwrap();
        let control = inputs.get("in.control_u8").map(|pictures| {
            let control: ControlConfig = parse(&json).unwrap();
            let encoder = ControlEncoder::load(control, config.dim, &vb).unwrap();
            let (n_pictures, _, height, width) = pictures.dims4().unwrap();
            let bytes: Vec<u8> = pictures.flatten_all().unwrap().to_vec1().unwrap();
            let size = Size { height, width };
            Arc::new(encoder.prepare(&bytes, n_pictures, size, &mut Probe::none()).unwrap())
        });
        let fields: Value = serde_json::from_str(&json).unwrap();
        let side =
            |name: &str| fields[name].as_u64().map_or(config.grid_side, |side| side as usize);
        Self {
            is_text: matches!(config.prefix, PrefixKind::Text { .. }),
            n_columns: side("token_grid_w"),
            n_tokens: side("token_grid_w") * side("token_grid_h"),
            model: Arc::new(LlamaGen::load(config, &vb, Precision::F32).unwrap()),
            inputs,
            control,
        }
    }

    fn prefix(&self, is_guided: bool) -> Prefix {
        if self.is_text {
            let mask = self.inputs["in.emb_mask"].to_dtype(DType::F32).unwrap().sum(1).unwrap();
            let n_visible: Vec<f32> = mask.to_vec1().unwrap();
            let n_visible: Vec<usize> = n_visible.iter().map(|n| *n as usize).collect();
            let rows = &self.inputs["in.caption_embs"];
            self.model.prefix_of_captions(rows, &n_visible, is_guided).unwrap()
        } else {
            let labels: Vec<i64> = self.inputs["in.labels"].to_vec1().unwrap();
            let labels: Vec<u32> = labels.iter().map(|label| *label as u32).collect();
            self.model.prefix_of_classes(&labels, is_guided).unwrap()
        }
    }

    fn drawing(&self, cfg: f32, interval: Option<usize>, sampling: RasterSampling) -> Drawing {
        let guidance = Guidance { scale: cfg, interval };
        let n_pictures = self.prefix(false).n_visible.len();
        Drawing {
            guidance,
            sampling,
            speculation: Speculation::OFF,
            seeds: (0..n_pictures as u64).collect(),
            n_columns: self.n_columns,
            neighbours: None,
        }
    }

    fn run(&self, drawing: &Drawing, strength: f32) -> (Run, Tensor) {
        let is_guided = drawing.guidance.is_on();
        let fusion =
            self.control.as_ref().map(|control| Fusion { control: Arc::clone(control), strength });
        Run::start(
            &self.model,
            &self.prefix(is_guided),
            self.n_tokens,
            is_guided,
            fusion,
            &mut Probe::none(),
        )
        .unwrap()
    }

    /// All tokens of all pictures.
    fn draw(&self, drawing: &Drawing, strength: f32) -> (Vec<Vec<u32>>, SpeculationStats) {
        let (mut run, logits) = self.run(drawing, strength);
        let first = drawing.draw_next(&logits, 0).unwrap();
        let mut ids: Vec<Vec<u32>> = first.into_iter().map(|id| vec![id]).collect();
        let mut speculator = Speculator::new(drawing.clone());
        while ids[0].len() < self.n_tokens {
            speculator.advance(&mut run, &mut ids, &|| true).unwrap().unwrap();
        }
        (ids, speculator.stats())
    }
}

/// A recorded run that always took the most probable code.
struct Greedy {
    cfg: f32,
    interval: Option<usize>,
    strength: f32,
    /// Per picture.
    ids: Vec<Vec<i64>>,
}

fn greedy_runs(name: &str) -> Vec<Greedy> {
    let mut files = Vec::new();
    for entry in fs::read_dir(fixture(name)).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !stem.starts_with("greedy") {
            continue;
        }
        let setting = |word: &str| {
            stem.split('_').find_map(|part| part.strip_prefix(word)?.parse::<f32>().ok())
        };
        let tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
        files.push(Greedy {
            cfg: setting("cfg").unwrap(),
            interval: setting("interval").map(|interval| interval as usize),
            strength: setting("strength").unwrap_or(1.0),
            ids: tensors["exp.tokens"].to_vec2().unwrap(),
        });
    }
    assert!(!files.is_empty());
    files
}

const FIXTURES: [&str; 4] = ["llamagen_c2i", "llamagen_t2i", "controlar_square", "controlar_mr"];

#[test]
fn without_temperature_the_ids_are_those_of_drawing_one_by_one() {
    for name in FIXTURES {
        let subject = Subject::open(name);
        for Greedy { cfg, interval, strength, ids: expected } in greedy_runs(name) {
            for window in [1, 2, 5, 16, 64] {
                let mut drawing = subject.drawing(cfg, interval, RasterSampling::GREEDY);
                drawing.speculation.window = window;
                let (ids, stats) = subject.draw(&drawing, strength);
                let ids: Vec<Vec<i64>> =
                    ids.iter().map(|ids| ids.iter().map(|id| i64::from(*id)).collect()).collect();
                assert_eq!(ids, expected, "{name} cfg {cfg} strength {strength} window {window}");
                if window == 1 {
                    assert_eq!(stats.tokens_per_feed(), 1.0);
                } else {
                    println!(
                        "{name} cfg {cfg} strength {strength} greedy, window {window}: {:.2}",
                        stats.tokens_per_feed()
                    );
                }
            }
        }
    }
}

#[test]
fn how_many_tokens_are_drawn_at_once() {
    let samplings = [
        RasterSampling { temperature: 1.0, top_k: 0, top_p: 1.0 },
        RasterSampling { temperature: 1.0, top_k: 50, top_p: 0.95 },
        RasterSampling { temperature: 0.5, top_k: 0, top_p: 1.0 },
    ];
    for name in FIXTURES {
        let subject = Subject::open(name);
        for sampling in samplings {
            let mut drawing = subject.drawing(4.0, None, sampling);
            drawing.speculation.window = 16;
            let (ids, stats) = subject.draw(&drawing, 1.0);
            println!("{name} {sampling:?}, window 16: {:.2}", stats.tokens_per_feed());
            assert!(stats.tokens_per_feed() >= 1.0);
            assert_eq!(subject.draw(&drawing, 1.0).0, ids, "not repeatable");
            drawing.seeds.iter_mut().for_each(|seed| *seed += 10);
            assert_ne!(subject.draw(&drawing, 1.0).0, ids, "the seed changes nothing");
        }
    }
}

#[test]
fn going_on_from_a_whole_row_gives_the_same_tokens() {
    let subject = Subject::open("controlar_mr");
    let sampling = RasterSampling { temperature: 1.0, top_k: 100, top_p: 1.0 };
    let mut drawing = subject.drawing(4.0, None, sampling);
    drawing.speculation.window = 6;
    let (whole, _) = subject.draw(&drawing, 1.0);
    for n_rows in [1, 3] {
        let n_given = n_rows * subject.n_columns;
        let mut ids: Vec<Vec<u32>> = whole.iter().map(|ids| ids[..n_given].to_vec()).collect();
        let (mut run, _) = subject.run(&drawing, 1.0);
        let fed: Vec<u32> = ids.iter().flat_map(|ids| ids[..n_given - 1].to_vec()).collect();
        run.feed_many(&fed, &|| true, &mut Probe::none()).unwrap().unwrap();
        let mut speculator = Speculator::new(drawing.clone());
        while ids[0].len() < subject.n_tokens {
            speculator.advance(&mut run, &mut ids, &|| true).unwrap().unwrap();
        }
        assert_eq!(ids, whole, "from row {n_rows}");
    }
}

#[test]
fn an_abandoned_step_changes_nothing() {
    let subject = Subject::open("llamagen_t2i");
    let sampling = RasterSampling { temperature: 1.0, top_k: 0, top_p: 1.0 };
    let mut drawing = subject.drawing(7.5, None, sampling);
    drawing.speculation.window = 8;
    let (whole, _) = subject.draw(&drawing, 1.0);
    let (mut run, logits) = subject.run(&drawing, 1.0);
    let first = drawing.draw_next(&logits, 0).unwrap();
    let mut ids: Vec<Vec<u32>> = first.into_iter().map(|id| vec![id]).collect();
    let mut speculator = Speculator::new(drawing);
    let mut n_abandoned = 0;
    while ids[0].len() < subject.n_tokens {
        let before = ids.clone();
        let asked = Cell::new(0);
        let stop_at = ids[0].len() % 4;
        let go_on = || {
            asked.set(asked.get() + 1);
            asked.get() <= stop_at
        };
        if speculator.advance(&mut run, &mut ids, &go_on).unwrap().is_none() {
            assert_eq!(ids, before);
            n_abandoned += 1;
            speculator.advance(&mut run, &mut ids, &|| true).unwrap().unwrap();
        }
    }
    assert!(n_abandoned > 5);
    assert_eq!(ids, whole);
}

/// What is to stay is taken without a doubt, and nothing else changes for it being guessed.
#[test]
fn codes_that_are_given_are_taken() {
    let subject = Subject::open("llamagen_c2i");
    let sampling = RasterSampling { temperature: 1.0, top_k: 0, top_p: 1.0 };
    let mut drawing = subject.drawing(1.0, None, sampling);
    drawing.speculation.window = 8;
    let is_given = |token_idx: usize| token_idx.is_multiple_of(3);
    let adjust = |_: usize, token_idx: usize, logits: &mut [f32]| {
        if is_given(token_idx) {
            logits.fill(f32::NEG_INFINITY);
            logits[token_idx] = 0.0;
        }
    };
    let (mut run, logits) = subject.run(&drawing, 1.0);
    let first = drawing.draw_next_with(&logits, 0, &adjust).unwrap();
    let mut ids: Vec<Vec<u32>> = first.into_iter().map(|id| vec![id]).collect();
    let mut speculator = Speculator::new(drawing);
    while ids[0].len() < subject.n_tokens {
        speculator.advance_with(&mut run, &mut ids, &adjust, &|| true).unwrap().unwrap();
    }
    for ids in &ids {
        for (token_idx, id) in ids.iter().enumerate().filter(|(token_idx, _)| is_given(*token_idx))
        {
            assert_eq!(*id as usize, token_idx);
        }
    }
}

const N_CODES: usize = 4;
const N_TOKENS: usize = 4;

/// A model so small that all its pictures can be counted: 4 tokens of 4 codes each.
fn toy() -> Arc<LlamaGen> {
    let config = LlamaGenConfig {
        n_layers: 1,
        n_heads: 1,
        dim: 8,
        head_dim: 8,
        ffn_dim: 8,
        n_codes: N_CODES,
        grid_side: 2,
        prefix: PrefixKind::Class { n_classes: 2 },
        ..LlamaGenConfig::class(1, 1, 8, 2)
    };
    let mut n_made = 0;
    let tensors = underpaint::model::controlar::names::llamagen(&config)
        .into_iter()
        .map(|wanted| {
            n_made += 1;
            let values: Vec<f32> = (0..wanted.n_elements())
                .map(|i| ((i * 37 + n_made * 101) as f32 * 0.618).sin() * 1.3)
                .collect();
            (wanted.name, Tensor::from_vec(values, wanted.shape, &Device::Cpu).unwrap())
        })
        .collect();
    let vb = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    Arc::new(LlamaGen::load(config, &vb, Precision::F32).unwrap())
}

fn toy_drawing(seeds: Vec<u64>) -> Drawing {
    Drawing {
        guidance: Guidance { scale: 1.5, interval: None },
        sampling: RasterSampling { temperature: 1.3, top_k: 0, top_p: 1.0 },
        speculation: Speculation { window: 4, relaxation: 0.0 },
        seeds,
        // One row, so that all of it can be guessed.
        n_columns: N_TOKENS,
        neighbours: None,
    }
}

fn toy_run(model: &Arc<LlamaGen>, drawing: &Drawing) -> (Run, Tensor) {
    let labels = vec![1; drawing.seeds.len()];
    let is_guided = drawing.guidance.is_on();
    let prefix = model.prefix_of_classes(&labels, is_guided).unwrap();
    Run::start(model, &prefix, N_TOKENS, is_guided, None, &mut Probe::none()).unwrap()
}

fn place(ids: &[u32]) -> usize {
    ids.iter().fold(0, |place, id| place * N_CODES + *id as usize)
}

/// How often each picture is drawn with so many seeds.
fn counts(model: &Arc<LlamaGen>, drawing: &Drawing, n: u64, batch: u64) -> (Vec<u32>, f32) {
    let mut counts = vec![0; N_CODES.pow(N_TOKENS as u32)];
    let (mut n_feeds, mut n_decided) = (0, 0);
    for start in (0..n).step_by(batch as usize) {
        let drawing = Drawing { seeds: (start..start + batch).collect(), ..drawing.clone() };
        let (mut run, logits) = toy_run(model, &drawing);
        let first = drawing.draw_next(&logits, 0).unwrap();
        let mut ids: Vec<Vec<u32>> = first.into_iter().map(|id| vec![id]).collect();
        let mut speculator = Speculator::new(drawing);
        while ids[0].len() < N_TOKENS {
            speculator.advance(&mut run, &mut ids, &|| true).unwrap().unwrap();
        }
        for ids in &ids {
            counts[place(ids)] += 1;
        }
        n_feeds += speculator.stats().n_feeds;
        n_decided += speculator.stats().n_decided;
    }
    (counts, n_decided as f32 / n_feeds as f32)
}

/// The probability of each picture, from the model's own words.
fn probabilities(model: &Arc<LlamaGen>, drawing: &Drawing) -> Vec<f64> {
    let mut all = vec![1.0; N_CODES.pow(N_TOKENS as u32)];
    for (picture, probability) in all.iter_mut().enumerate() {
        let drawing = Drawing { seeds: vec![0], ..drawing.clone() };
        let (mut run, mut logits) = toy_run(model, &drawing);
        for token_idx in 0..N_TOKENS {
            let rows: Vec<f32> = logits.flatten_all().unwrap().to_vec1().unwrap();
            let guided = drawing.guidance.combine(&rows, token_idx);
            let probabilities = drawing.sampling.probabilities(&guided);
            let id = picture / N_CODES.pow((N_TOKENS - 1 - token_idx) as u32) % N_CODES;
            *probability *= f64::from(probabilities[id]);
            if token_idx + 1 < N_TOKENS {
                logits = run.feed(&[id as u32], &mut Probe::none()).unwrap();
            }
        }
    }
    all
}

/// Chi-square over its degrees of freedom, in standard deviations from what it should be; rare
/// pictures are counted together.
fn deviation(counts: &[u32], probabilities: &[f64]) -> f64 {
    let n = f64::from(counts.iter().sum::<u32>());
    let (mut rare, mut n_rare) = (0.0, 0.0);
    let (mut sum, mut freedom) = (0.0, -1.0);
    for (count, probability) in counts.iter().zip(probabilities) {
        let (count, expected) = (f64::from(*count), probability * n);
        if expected < 8.0 {
            rare += expected;
            n_rare += count;
        } else {
            sum += (count - expected).powi(2) / expected;
            freedom += 1.0;
        }
    }
    if rare > 0.0 {
        sum += (n_rare - rare).powi(2) / rare;
        freedom += 1.0;
    }
    assert!(freedom > 50.0, "too little to compare: {freedom}");
    (sum - freedom) / (2.0_f64 * freedom).sqrt()
}

#[test]
fn guessing_does_not_change_the_distribution() {
    let model = toy();
    let drawing = toy_drawing(vec![0]);
    let expected = probabilities(&model, &drawing);
    assert!((expected.iter().sum::<f64>() - 1.0).abs() < 1e-4);
    let one_by_one = Drawing { speculation: Speculation::OFF, ..drawing.clone() };
    for (name, drawing, n, batch) in [
        ("one by one", &one_by_one, 20_000, 500),
        ("alone", &drawing, 6_000, 1),
        ("in pairs", &drawing, 12_000, 2),
        ("in a batch", &drawing, 20_000, 50),
    ] {
        let (counts, rate) = counts(&model, drawing, n, batch);
        let deviation = deviation(&counts, &expected);
        println!("{name}: {rate:.2} tokens at once, {deviation:.2} standard deviations");
        assert!(deviation.abs() < 4.0, "{name}: {deviation}");
        assert_eq!(rate > 1.05, drawing.speculation.window > 1 && batch < 50, "{name}: {rate}");
    }
}

#[test]
fn relaxation_accepts_more_and_none_changes_nothing() {
    let model = toy();
    let codebook = Tensor::new(&[[0.0_f32], [0.1], [1.0], [1.1]], &Device::Cpu).unwrap();
    let neighbours = Some(Arc::new(CodeNeighbours::new(&codebook, 3).unwrap()));
    let exact = toy_drawing(vec![0]);
    let relaxed = |relaxation| Drawing {
        speculation: Speculation { window: 4, relaxation },
        neighbours: neighbours.clone(),
        ..exact.clone()
    };
    let (reference, rate) = counts(&model, &exact, 3_000, 1);
    assert_eq!(counts(&model, &relaxed(0.0), 3_000, 1), (reference, rate));
    let expected = probabilities(&model, &exact);
    let mut last = rate;
    for relaxation in [0.2, 0.6, 1.0] {
        let (counts, rate) = counts(&model, &relaxed(relaxation), 3_000, 1);
        let deviation = deviation(&counts, &expected);
        println!("relaxation {relaxation}: {rate:.2} at once, {deviation:.1} standard deviations");
        assert!(rate > last, "{relaxation}: {rate} is no more than {last}");
        // What the test above would see of a wrong rule.
        assert!(relaxation < 0.5 || deviation > 8.0, "{relaxation}: {deviation}");
        last = rate;
    }
}
