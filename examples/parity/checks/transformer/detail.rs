//! The rotary table, and one prefill with its first steps, from the inside.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use candle_core::{Device, Tensor};
use underpaint::model::controlar::llamagen::sees;
use underpaint::model::controlar::sampler::argmax;
use underpaint::model::controlar::{Guidance, Prefix, Probe, Run};

use super::super::report::values;
use super::{BLOCK, Expected, GUIDED, Report, Subject, TABLE, Tolerance};

type Seen = BTreeMap<String, Tensor>;

pub(super) fn rope(
    folder: &Path,
    file: &str,
    subject: &Subject,
    report: &mut Report,
) -> Result<()> {
    let mut expected = Expected::read(folder, file)?;
    let rotary = subject.model.rotary();
    let n_prefix = subject.model.config().n_prefix_rows();
    let (cos, sin) = rotary.tables();
    let table = Tensor::stack(&[cos, sin], 2)?;
    let image_rows = table.narrow(0, n_prefix, table.dim(0)? - n_prefix)?;
    report.compare(&mut expected, "exp.table_image_rows", &image_rows, TABLE)?;
    let largest = table.narrow(0, 0, n_prefix)?.abs()?.flatten_all()?.max(0)?.reshape(1)?;
    report.compare(&mut expected, "exp.table_text_rows_absmax", &largest, Tolerance::EXACT)?;
    let x = expected.get("in.x")?.transpose(1, 2)?.contiguous()?; // (1, N, T, H)
    let positions: Vec<i64> = expected.get("in.positions")?.to_vec1()?;
    let turned = positions.iter().enumerate().map(|(token, position)| {
        let x = x.narrow(2, token, 1)?.contiguous()?;
        Ok(rotary.turn_at(&x, *position as usize)?)
    });
    let turned = Tensor::cat(&turned.collect::<Result<Vec<_>>>()?, 2)?.transpose(1, 2)?;
    report.compare(&mut expected, "exp.rotated", &turned, TABLE)?;
    report.finish(&expected);
    Ok(())
}

pub(super) fn steps(
    folder: &Path,
    file: &str,
    subject: &Subject,
    scales: &[f32],
    report: &mut Report,
) -> Result<()> {
    let mut expected = Expected::read(folder, file)?;
    let n_steps = expected.get("exp.decode.logits")?.dim(0)?;
    let prefix = subject.prefix(true)?;
    let n_pictures = prefix.n_visible.len() / 2;
    let (mut run, first, prefill) = traced_start(subject, &prefix)?;
    let scale = scale_of(&expected, &first, scales)?;
    let guidance = Guidance { scale, interval: None };
    let mut logits = first;
    let (mut combined, mut ids, mut decode) = (Vec::new(), Vec::new(), Vec::<Seen>::new());
    for token_idx in 0..=n_steps {
        let rows: Vec<f32> = logits.flatten_all()?.to_vec1()?;
        let guided = guidance.combine(&rows, token_idx);
        let drawn: Vec<u32> = guided.chunks_exact(logits.dim(1)?).map(argmax).collect();
        if token_idx < n_steps {
            let mut seen = Seen::new();
            let mut see = |name: &str, tensor: &Tensor| {
                seen.insert(name.to_owned(), tensor.clone());
            };
            logits = run.feed(&drawn, &mut Probe::new(&mut see))?;
            decode.push(seen);
        }
        combined.push(Tensor::from_vec(guided, (n_pictures, logits.dim(1)?), &Device::Cpu)?);
        ids.push(drawn);
    }
    report.compare(&mut expected, "exp.combined", &Tensor::stack(&combined, 0)?, GUIDED)?;
    let ids = Tensor::new(ids, &Device::Cpu)?.t()?;
    report.compare(&mut expected, "exp.tokens_first", &ids, Tolerance::EXACT)?;
    compare_prefill(&mut expected, report, &prefill, &prefix)?;
    compare_decode(&mut expected, report, &decode)?;
    compare_cache(&mut expected, report, subject, &prefill, &decode)?;
    compare_mask(&mut expected, report, subject, &prefix)?;
    report.finish(&expected);
    Ok(())
}

fn traced_start(subject: &Subject, prefix: &Prefix) -> Result<(Run, Tensor, Seen)> {
    let mut seen = Seen::new();
    let mut see = |name: &str, tensor: &Tensor| {
        seen.insert(name.to_owned(), tensor.clone());
    };
    let (run, logits) = Run::start(
        &subject.model,
        prefix,
        subject.n_tokens,
        true,
        subject.fusion(1.0),
        &mut Probe::new(&mut see),
    )?;
    Ok((run, logits, seen))
}

/// Which scale the recorded run had: that which fits its first logits best.
fn scale_of(expected: &Expected, logits: &Tensor, scales: &[f32]) -> Result<f32> {
    let wanted = values(&expected.get("exp.combined")?.get(0)?)?;
    let rows: Vec<f32> = logits.flatten_all()?.to_vec1()?;
    let error = |scale: f32| {
        let guided = Guidance { scale, interval: None }.combine(&rows, 0);
        guided.iter().zip(&wanted).map(|(a, b)| (f64::from(*a) - b).abs()).sum::<f64>()
    };
    let best = scales.iter().copied().min_by(|a, b| error(*a).total_cmp(&error(*b)));
    best.context("no guidance to choose from")
}

fn seen<'a>(seen: &'a Seen, name: &str) -> Result<&'a Tensor> {
    seen.get(name).with_context(|| format!("the network shows no {name}"))
}

/// How many places are recorded of a tensor, along `dim`; all if it is not there.
fn n_recorded(expected: &Expected, name: &str, dim: usize) -> usize {
    expected.get(name).ok().and_then(|t| t.dims().get(dim).copied()).unwrap_or(usize::MAX)
}

/// The last rows of a prefix (R, P, D), at most `count`.
fn last_rows(x: &Tensor, dim: usize, count: usize) -> Result<Tensor> {
    let n_rows = x.dim(dim)?;
    let count = count.min(n_rows);
    Ok(x.narrow(dim, n_rows - count, count)?)
}

/// The first conditional and the first unconditional row of a batch.
fn two_rows(x: &Tensor) -> Result<Tensor> {
    Ok(Tensor::cat(&[x.narrow(0, 0, 1)?, x.narrow(0, x.dim(0)? / 2, 1)?], 0)?)
}

fn compare_prefill(
    expected: &mut Expected,
    report: &mut Report,
    prefill: &Seen,
    prefix: &Prefix,
) -> Result<()> {
    let n_rows = n_recorded(expected, "exp.prefill.cond_tokens", 1);
    let rows = two_rows(&last_rows(&prefix.rows, 1, n_rows)?)?;
    report.compare(expected, "exp.prefill.cond_tokens", &rows, BLOCK)?;
    let n_rows = n_recorded(expected, "exp.prefill.block0_out", 1);
    let out = last_rows(seen(prefill, "block0.out")?, 1, n_rows)?;
    report.compare(expected, "exp.prefill.block0_out", &two_rows(&out)?, BLOCK)?;
    let attended = last_rows(seen(prefill, "block0.attn_pre_wo")?, 1, 4)?;
    report.compare(expected, "exp.prefill.attn0_pre_wo_last4", &attended, BLOCK)?;
    for (name, tensor) in prefill {
        if let Some(block) = name.strip_suffix(".out") {
            let name = format!("exp.prefill.{block}_out_last2");
            report.compare(expected, &name, &last_rows(tensor, 1, 2)?, BLOCK)?;
        }
    }
    let normed = seen(prefill, "final_norm")?;
    report.compare(expected, "exp.prefill.final_norm_last", normed, BLOCK)?;
    report.compare(expected, "exp.prefill.logits_last", seen(prefill, "logits")?, BLOCK)
}

fn compare_decode(expected: &mut Expected, report: &mut Report, decode: &[Seen]) -> Result<()> {
    let names: Vec<String> = decode[0].keys().cloned().collect();
    for name in names {
        let recorded = match name.as_str() {
            "block0.attn_pre_wo" => "attn0_pre_wo".to_owned(),
            "block0.attn_out" => "attn0_out".to_owned(),
            "block0.ffn_out" => "ffn0_out".to_owned(),
            "block0.in" => "block0_in".to_owned(),
            other => other.replace(".out", "_out"),
        };
        let steps = decode.iter().map(|step| Ok(seen(step, &name)?.clone()));
        let steps = Tensor::stack(&steps.collect::<Result<Vec<_>>>()?, 0)?;
        // (steps, R, 1, D) without the single token.
        let steps = if steps.rank() == 4 { steps.squeeze(2)? } else { steps };
        report.compare(expected, &format!("exp.decode.{recorded}"), &steps, BLOCK)?;
    }
    Ok(())
}

fn compare_cache(
    expected: &mut Expected,
    report: &mut Report,
    subject: &Subject,
    prefill: &Seen,
    decode: &[Seen],
) -> Result<()> {
    let of_steps = |name: &str| -> Result<Vec<Tensor>> {
        decode.iter().map(|step| Ok(seen(step, name)?.contiguous()?)).collect()
    };
    let keys = Tensor::cat(&of_steps("block0.keys")?, 2)?;
    report.compare(expected, "exp.cache0.k_image", &keys, BLOCK)?;
    let n_rows = n_recorded(expected, "exp.cache0.v", 2).saturating_sub(decode.len());
    let mut cached = vec![last_rows(seen(prefill, "block0.values")?, 2, n_rows)?.contiguous()?];
    cached.extend(of_steps("block0.values")?);
    let cached = two_rows(&Tensor::cat(&cached, 2)?)?;
    report.compare(expected, "exp.cache0.v", &cached, BLOCK)?;
    // Keys of the prefix are not kept: they would be turned by rows of zeros.
    let prefix = seen(prefill, "block0.values")?;
    let n_rows = prefix.dim(2)?;
    let turned = subject.model.rotary().turn_at(&prefix.contiguous()?, 0)?.narrow(2, 0, n_rows)?;
    let largest = turned.abs()?.flatten_all()?.max(0)?.reshape(1)?;
    report.compare(expected, "exp.cache0.k_text_absmax", &largest, Tolerance::EXACT)
}

fn compare_mask(
    expected: &mut Expected,
    report: &mut Report,
    subject: &Subject,
    prefix: &Prefix,
) -> Result<()> {
    let Ok(mask) = expected.get("exp.causal_mask") else { return Ok(()) };
    let (_, n_queries, n_keys) = mask.dims3()?;
    let n_prefix = subject.model.config().n_prefix_rows();
    let mut ours = Vec::with_capacity(mask.elem_count());
    for n_visible in &prefix.n_visible {
        for query in 0..n_queries {
            ours.extend((0..n_keys).map(|key| u8::from(sees(n_prefix, *n_visible, query, key))));
        }
    }
    let shape = (prefix.n_visible.len(), n_queries, n_keys);
    let ours = Tensor::from_vec(ours, shape, &Device::Cpu)?;
    report.compare(expected, "exp.causal_mask", &ours, Tolerance::EXACT)
}
