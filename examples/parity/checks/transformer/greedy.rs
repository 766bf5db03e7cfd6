//! Whole pictures, always the most probable code: ids and logits.

use std::path::Path;

use anyhow::{Context as _, Result};
use candle_core::{Device, Tensor};
use underpaint::model::controlar::sampler::argmax;
use underpaint::model::controlar::{Guidance, Probe, Run};

use super::{BLOCK, Expected, GUIDED, Report, Subject, Tolerance};

/// Steps whose unguided logits are recorded.
const RAW_STEPS: usize = 4;

pub(super) fn check(
    folder: &Path,
    file: &str,
    subject: &Subject,
    report: &mut Report,
) -> Result<()> {
    let mut expected = Expected::read(folder, file)?;
    let scale = setting(file, "cfg").context("the name of a run lacks its guidance")?;
    let interval = setting(file, "interval").map(|interval| interval as usize);
    let guidance = Guidance { scale, interval };
    let strength = setting(file, "strength").unwrap_or(1.0);
    let n_codes = subject.model.config().n_codes;
    let prefix = subject.prefix(guidance.is_on())?;
    let (mut run, mut logits) = Run::start(
        &subject.model,
        &prefix,
        subject.n_tokens,
        guidance.is_on(),
        subject.fusion(strength),
        &mut Probe::none(),
    )?;
    let (mut raw, mut used, mut ids) = (Vec::new(), Vec::new(), Vec::new());
    let mut smallest_gap = f32::INFINITY;
    for token_idx in 0..subject.n_tokens {
        if token_idx < RAW_STEPS {
            raw.push(logits.clone());
        }
        let rows: Vec<f32> = logits.flatten_all()?.to_vec1()?;
        let guided = guidance.combine(&rows, token_idx);
        smallest_gap = guided.chunks_exact(n_codes).map(gap).fold(smallest_gap, f32::min);
        let drawn: Vec<u32> = guided.chunks_exact(n_codes).map(argmax).collect();
        used.push(guided);
        if token_idx + 1 < subject.n_tokens {
            logits = run.feed(&drawn, &mut Probe::none())?;
        }
        ids.push(drawn);
    }
    let n_pictures = ids[0].len();
    let raw = Tensor::stack(&raw, 0)?;
    report.compare(&mut expected, "exp.logits_raw_first4", &raw, BLOCK)?;
    let used: Vec<f32> = used.concat();
    let used = Tensor::from_vec(used, (subject.n_tokens, n_pictures, n_codes), &Device::Cpu)?;
    let tolerance = if guidance.is_on() { GUIDED } else { BLOCK };
    report.compare(&mut expected, "exp.logits_used", &used, tolerance)?;
    let ids = Tensor::new(ids, &Device::Cpu)?.t()?;
    report.compare(&mut expected, "exp.tokens", &ids, Tolerance::EXACT)?;
    let smallest_gap = Tensor::new(&[smallest_gap], &Device::Cpu)?;
    report.compare(&mut expected, "exp.min_top2_gap", &smallest_gap, Tolerance::absolute(1e-3))?;
    report.finish(&expected);
    Ok(())
}

/// How far the largest logit is ahead.
fn gap(logits: &[f32]) -> f32 {
    let mut best = [f32::NEG_INFINITY; 2];
    for logit in logits {
        if *logit > best[0] {
            best = [*logit, best[0]];
        } else if *logit > best[1] {
            best[1] = *logit;
        }
    }
    best[0] - best[1]
}

/// The number behind a word in the name of a file, such as `greedy_cfg4_strength0.6.safetensors`.
pub(super) fn setting(file: &str, word: &str) -> Option<f32> {
    let mut parts = file.strip_suffix(".safetensors")?.split('_');
    parts.find_map(|part| part.strip_prefix(word)?.parse().ok())
}
