//! Times ControlAR-XL at full size with random weights, for `scripts/bench_controlar.sh`.
//!
//! `cargo run --release --example bench_controlar -- [--precision q8] [--tokens N] [--at N]
//! [--picture] [--decode] [--json]`: tokens per second of one picture with guidance (two rows)
//! around token `--at`, the first prediction, windows of several tokens, the time from a stop to
//! the end of the computation, and resident memory. `--picture` draws a whole 512 × 512 picture,
//! `--decode` times VQ-16 alone.

#![expect(clippy::print_stdout, reason = "the report is what the program is for")]

mod random;
mod memory;
mod tokenizer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use candle_core::{Device, Tensor};
use clap::Parser;
use serde_json::{Map, Value, json};
use underpaint::model::controlar::llamagen::Fusion;
use underpaint::model::controlar::resample::Size;
use underpaint::model::controlar::{
    ControlConfig, ControlEncoder, ControlResize, Guidance, LlamaGen, LlamaGenConfig, Precision,
    Probe, RasterSampling, Run, Vq16, Vq16Config,
};

use memory::resident_mb;
use random::{noise, random_weights};

/// Tokens of a 512 × 512 picture, and of a side.
const N_TOKENS: usize = 1024;
const SIDE: usize = 32;
/// Visible words of the prompt: all places of the prefix, as PyTorch computes them.
const N_WORDS: usize = 120;
/// Tokens that are fed at once on the way to `--at`.
const WINDOW: usize = 16;

#[derive(Parser)]
struct Options {
    /// q4, q8, bf16 or f32.
    #[arg(long, default_value = "q8")]
    precision: Precision,
    /// Tokens to time.
    #[arg(long, default_value_t = 32)]
    tokens: usize,
    /// Token before them; half of a picture is its mean.
    #[arg(long, default_value_t = 512)]
    at: usize,
    #[arg(long)]
    picture: bool,
    #[arg(long)]
    decode: bool,
    #[arg(long)]
    json: bool,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut report = Map::new();
    if options.decode {
        tokenizer::time(&mut report)?;
    } else {
        transformer(&options, &mut report)?;
    }
    if options.json {
        println!("{}", Value::Object(report));
    } else {
        for (name, value) in report {
            println!("{name:24} {value}");
        }
    }
    Ok(())
}

fn transformer(options: &Options, report: &mut Map<String, Value>) -> Result<()> {
    let mut tell = |name: &str, value: f64| {
        report.insert(name.to_owned(), json!((value * 1000.0).round() / 1000.0));
    };
    let config = LlamaGenConfig::xl_text(SIDE);
    let before = resident_mb()?;
    let start = Instant::now();
    let model = Arc::new(LlamaGen::load(config, &random_weights(), options.precision)?);
    tell("load_s", start.elapsed().as_secs_f64());
    tell("weights_mb", resident_mb()? - before);
    let fusion = control(&mut tell)?;

    let captions =
        Tensor::from_vec(noise(N_WORDS * 2048, 7, 1.0), (1, N_WORDS, 2048), &Device::Cpu)?;
    let prefix = model.prefix_of_captions(&captions, &[N_WORDS], true)?;
    let with_control = resident_mb()?;
    let start = Instant::now();
    let (mut run, mut logits) =
        Run::start(&model, &prefix, N_TOKENS, true, Some(fusion), &mut Probe::none())?;
    tell("prefill_s", start.elapsed().as_secs_f64());

    if options.picture {
        return picture(&mut run, logits, &mut tell);
    }
    let ids: Vec<u32> = (0..N_TOKENS as u32).map(|idx| idx * 13 % 16_384).collect();
    let start = Instant::now();
    for ids in ids[..options.at].chunks(WINDOW) {
        let fed = run.feed_many(ids, &|| true, &mut Probe::none())?;
        logits = fed.context("nobody says no")?;
    }
    if options.at > 0 {
        let n_windows = options.at.div_ceil(WINDOW) as f64;
        tell("window_of_16_ms", start.elapsed().as_secs_f64() * 1000.0 / n_windows);
    }
    let mut times = Vec::with_capacity(options.tokens);
    for id in ids[options.at..].iter().take(options.tokens) {
        let start = Instant::now();
        logits = run.feed(&[*id], &mut Probe::none())?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    let sum = logits.sum_all()?.to_scalar::<f32>()?;
    if !sum.is_finite() {
        bail!("the logits are not finite");
    }
    times.sort_by(f64::total_cmp);
    let median = *times.get(times.len() / 2).context("no token was timed")?;
    tell("token_ms_min", times[0]);
    tell("token_ms_median", median);
    tell("tokens_per_s", 1000.0 / median);
    tell("tokens_per_s_best", 1000.0 / times[0]);
    let mut worst = Duration::ZERO;
    for after_ms in [1, 5, 9, 17, 23, 31] {
        worst = worst.max(cancel(&mut run, ids[0], Duration::from_millis(after_ms))?);
    }
    tell("cancel_ms_worst", worst.as_secs_f64() * 1000.0);
    // Reached by then: every place of the cache.
    for ids in ids[run.n_fed()..N_TOKENS - 1].chunks(WINDOW) {
        run.feed_many(ids, &|| true, &mut Probe::none())?.context("nobody says no")?;
    }
    let after = resident_mb()?;
    tell("cache_mb", after - with_control);
    tell("all_mb", after - before);
    Ok(())
}

/// The control of an edge picture, by the smaller encoder.
fn control(tell: &mut impl FnMut(&str, f64)) -> Result<Fusion> {
    let config = ControlConfig::published(false, ControlResize::Nearest);
    let encoder = ControlEncoder::load(config, 1280, &random_weights())?;
    let side = SIDE * 16;
    let bytes: Vec<u8> = (0..3 * side * side).map(|idx| (idx / 7 % 256) as u8).collect();
    let size = Size { height: side, width: side };
    let start = Instant::now();
    let control = encoder.prepare(&bytes, 1, size, &mut Probe::none())?;
    tell("control_s", start.elapsed().as_secs_f64());
    Ok(Fusion { control: Arc::new(control), strength: 0.6 })
}

/// Time from a stop that comes `after` the start of a token to the end of the computation.
fn cancel(run: &mut Run, id: u32, after: Duration) -> Result<Duration> {
    let is_stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stopper = scope.spawn(|| {
            std::thread::sleep(after);
            is_stopped.store(true, Ordering::Relaxed);
            Instant::now()
        });
        let go_on = || !is_stopped.load(Ordering::Relaxed);
        while run.feed_many(&[id], &go_on, &mut Probe::none())?.is_some() {}
        let end = Instant::now();
        match stopper.join() {
            Ok(stopped) => Ok(end.saturating_duration_since(stopped)),
            Err(_) => bail!("the stopping thread failed"),
        }
    })
}

/// All tokens, drawn from the model's own logits, and the picture of them.
fn picture(run: &mut Run, mut logits: Tensor, tell: &mut impl FnMut(&str, f64)) -> Result<()> {
    let guidance = Guidance { scale: 4.0, interval: None };
    let sampling = RasterSampling { temperature: 1.0, top_k: 2000, top_p: 1.0 };
    let draws = noise(N_TOKENS, 3, 0.5);
    let mut ids = Vec::with_capacity(N_TOKENS);
    let mut sampling_s = 0.0;
    let start = Instant::now();
    for (idx, draw) in draws.iter().enumerate() {
        let sampled = Instant::now();
        let rows: Vec<f32> = logits.flatten_all()?.to_vec1()?;
        let probabilities = sampling.probabilities(&guidance.combine(&rows, idx));
        let mut left = draw + 0.5;
        let id = probabilities.iter().position(|probability| {
            left -= probability;
            left <= 0.0
        });
        let id = id.unwrap_or(0) as u32;
        sampling_s += sampled.elapsed().as_secs_f64();
        ids.push(id);
        if idx + 1 < N_TOKENS {
            logits = run.feed(&[id], &mut Probe::none())?;
        }
    }
    let all = start.elapsed().as_secs_f64();
    tell("tokens_s", all);
    tell("tokens_per_s", N_TOKENS as f64 / all);
    tell("sampling_s", sampling_s);
    tell("tokens_mb", resident_mb()?);
    let vq16 = Vq16::load(Vq16Config::published(), &random_weights())?;
    let start = Instant::now();
    let picture = vq16.decode(&[ids], SIDE, SIDE, &mut Probe::none())?;
    tell("decode_s", start.elapsed().as_secs_f64());
    if picture.dims() != [1, 3, 512, 512] {
        bail!("the picture has shape {:?}", picture.dims());
    }
    tell("peak_mb", memory::peak_mb()?);
    Ok(())
}
