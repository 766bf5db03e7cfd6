//! `underpaint continue`: goes on with a saved picture from the tokens in its file. The scales that
//! are done are not drawn again, and those that follow have the bytes of a run without a break.

use std::path::Path;
use std::time::Instant;

use super::console::Console;
use super::destination::{Destination, PreviewFolder};
use super::generate::random_seed;
use super::painting::{Keeps, Loading, Run};
use super::{CliError, ContinueArgs, ModelArgs, loading, own_memories, unit};
use crate::imaging::io::read_metadata;
use crate::imaging::metadata::{InspirationRecord, PictureRecord, Recalled};
use crate::protocol::{GenerateRequest, InspiredBy, Kept, ModelInfo};

/// # Errors
/// [`CliError`]; the file itself is never written to unless it is named as the output.
pub(super) fn run(args: &ContinueArgs, model: &ModelArgs) -> Result<(), CliError> {
    let started = Instant::now();
    let (record, remarks) = open(&args.file)?;
    let destination = Destination::new(args.output.as_deref(), 1, &record.prompt)?;
    let load_started = Instant::now();
    let silent = args.quiet || args.json;
    let mut generator = loading::load(model, silent)?;
    let load = load_started.elapsed();
    let kept = Kept::from_record(&record, generator.info())?;
    let plan = Plan::new(args, &kept, generator.info())?;
    let request = plan.request(&record, &kept)?;
    let mut run = Run {
        console: if silent { Console::silent() } else { Console::talkative() },
        destination,
        previews: None,
        notices: Vec::new(),
        prints_paths: !args.json,
        keeps: if args.no_metadata { Keeps::Pixels } else { Keeps::Settings },
        earlier: None,
    };
    for remark in remarks {
        run.notice(&format!("not used: {remark}"));
    }
    for control in Kept::coarser_controls(&record, &request.controls) {
        run.notice(&format!(
            "The {} map in the file is coarser than the one that was painted after; the picture \
             may differ a little",
            control.map.kind().name()
        ));
    }
    let memory_model = generator.memory_model();
    let holds = |used: &InspiredBy| {
        if used.memory.is_empty() {
            generator.info().holds(used.entry)
        } else {
            own_memories::still_holds(used, &memory_model, model.library.as_deref())
        }
    };
    for missing in Kept::missing(&record, holds) {
        run.notice(&missing_notice(missing));
    }
    run.earlier = Some(record);
    run.destination.check(plan.seed)?;
    if let Some(folder) = &args.previews {
        run.previews = Some(PreviewFolder::create(folder, 1)?);
    }
    if args.from_scale.is_some() && args.seed.is_none() {
        run.console.remark(&format!("the seed is {}", plan.seed));
    }
    let seeds = std::iter::once(plan.seed);
    run.paint_all(generator.as_mut(), &request, seeds, Loading { started, load })
}

fn missing_notice(missing: &InspirationRecord) -> String {
    let InspirationRecord { caption, memory, .. } = missing;
    let place = if memory.is_empty() {
        "the model's memory".to_owned()
    } else {
        format!("the memory “{memory}”")
    };
    format!("{place} no longer has “{caption}”; it is taken from the file")
}

/// Our record in a file, and what of it cannot be used.
fn open(file: &Path) -> Result<(Box<PictureRecord>, Vec<String>), CliError> {
    let shown = file.display();
    match read_metadata(file)?.recalled {
        Some(Recalled { record: Some(record), ignored, .. }) => Ok((record, ignored)),
        Some(Recalled { app, .. }) => Err(CliError::NotOurs(format!(
            "the picture was made by {app} and cannot be continued; start from it with \
             `generate --from-picture`: {shown}"
        ))),
        None => Err(CliError::NotOurs(format!(
            "the file does not tell how its picture was made; start from it with \
             `generate --from-picture`: {shown}"
        ))),
    }
}

/// Which scales are kept and which are painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    n_kept: usize,
    stop_at: usize,
    /// Of the scales that are painted.
    seed: u64,
}

impl Plan {
    fn new(args: &ContinueArgs, kept: &Kept, model: &ModelInfo) -> Result<Self, CliError> {
        let (n_done, n_scales) = (kept.ids.len(), model.scales.len());
        let unit = unit(model);
        let usage = |message: String| Err(CliError::Usage(message));
        if let Some(stop_at) = args.stop_at.filter(|stop_at| !(1..=n_scales).contains(stop_at)) {
            return usage(format!(
                "--stop-at must be 1 to {n_scales}, not {stop_at}: this model has {n_scales} {unit}"
            ));
        }
        let stop_at = args.stop_at.unwrap_or(n_scales);
        let n_kept = match args.from_scale {
            Some(from) if !(1..=n_done + 1).contains(&from) || from > n_scales => {
                return usage(format!(
                    "--from-scale must be 1 to {}, not {from}: the picture has {n_done} {unit}",
                    n_scales.min(n_done + 1)
                ));
            }
            Some(from) if from > stop_at => {
                return usage(format!("--stop-at {stop_at} is before --from-scale {from}"));
            }
            Some(from) => from - 1,
            None if n_done == n_scales && args.stop_at.is_none() => {
                return usage(format!(
                    "the picture has all {n_scales} {unit}; paint some anew with --from-scale K, \
                     or take an earlier one with --stop-at K"
                ));
            }
            None => n_done.min(stop_at),
        };
        let of_picture = || kept.seeds[n_kept.min(n_done - 1)];
        let seed = match (args.seed, args.from_scale) {
            (Some(seed), _) => seed,
            (None, Some(_)) => random_seed(),
            (None, None) => of_picture(),
        };
        Ok(Self { n_kept, stop_at, seed })
    }

    fn request(self, record: &PictureRecord, kept: &Kept) -> Result<GenerateRequest, CliError> {
        let Self { n_kept, stop_at, seed } = self;
        let request = if n_kept == stop_at {
            // Only decoded: what the painting needed may be missing.
            let plain =
                PictureRecord { controls: Vec::new(), inspirations: Vec::new(), ..record.clone() };
            kept.request(&plain, n_kept)?
        } else {
            kept.request(record, n_kept)?
        };
        Ok(GenerateRequest { seeds: vec![seed], stop_at: Some(stop_at), ..request })
    }
}
