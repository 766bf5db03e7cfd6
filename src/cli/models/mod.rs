//! `underpaint models`: what is on this machine, what is published, downloads and conversion.

mod args;
mod report;

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

pub use args::{ModelsArgs, ModelsCommand};

use super::{CliError, ModelArgs, console};
use crate::app::default_data_dir;
use crate::catalogue::convert::{convert, converted_path, pack, packed_path, sha256_of};
use crate::catalogue::download::{DownloadError, Order, Progress, download, host_of};
use crate::catalogue::{Places, Shelf, assemble, choice, download_target, memory, scan};
use crate::model::controlar::Precision;
use crate::model::{ModelChoice, ModelError, RasterOptions};
use crate::protocol::{KnownModel, ModelKey, ModelList, ModelState, bytes_text};

/// # Errors
/// [`CliError`]; what was done until then stays done.
pub(super) fn run(args: &ModelsArgs, model: &ModelArgs) -> Result<(), CliError> {
    let places = Places::of_user(default_data_dir().as_deref());
    let shelf = places.shelf_path.as_deref().map(Shelf::read).unwrap_or_default();
    let mut desk = Desk { places, shelf, args };
    match &args.command {
        ModelsCommand::List => {
            let roots = desk.places.roots(&desk.shelf);
            let list = desk.list(&roots);
            desk.told(&report::list_json(&list), &report::list_text(&list))
        }
        ModelsCommand::Scan { folder, remember } => desk.scan(folder, *remember),
        ModelsCommand::Show { name } => {
            let (list, place) = desk.find(name)?;
            let model = &list.models[place];
            let text = report::model_text(model, list.memory);
            desk.told(&report::model_json(model, list.memory), &text)
        }
        ModelsCommand::Get { name, to } => desk.get(name, to.as_deref()),
        ModelsCommand::Convert { file, output } => match model.precision.0 {
            Some(precision) => desk.pack(file, output.as_deref(), precision),
            None => desk.convert(file, output.as_deref()),
        },
        ModelsCommand::Verify { file } => desk.verify(file),
    }
}

/// The model of this name in the user's folders; `None` if it is a path, or no such model is known.
///
/// # Errors
/// [`ModelError::Request`] saying what is missing.
pub(super) fn installed(
    path: &Path,
    options: RasterOptions,
) -> Result<Option<ModelChoice>, ModelError> {
    let Some(name) = path.to_str().filter(|name| !path.exists() && !name.contains(['/', '\\']))
    else {
        return Ok(None);
    };
    let places = Places::of_user(default_data_dir().as_deref());
    let mut shelf = places.shelf_path.as_deref().map(Shelf::read).unwrap_or_default();
    let roots = places.roots(&shelf);
    let models = assemble(&scan(&roots, &mut shelf, &mut |_| true));
    let Some(model) = place_of(&models, name).map(|place| &models[place]) else { return Ok(None) };
    let reason = match &model.state {
        ModelState::BuiltIn => return Ok(Some(ModelChoice::Embedded)),
        ModelState::Ready => {
            let mut chosen = choice(model, None, None);
            if let ModelChoice::Raster(raster) = &mut chosen {
                raster.options = options;
            }
            return Ok(Some(chosen));
        }
        ModelState::Incomplete | ModelState::Absent => {
            let missing: Vec<_> =
                model.missing().map(|part| part.role.title().to_lowercase()).collect();
            format!(
                "“{name}” is not complete: {} missing; see “underpaint models show {name}” or get it \
                 with “underpaint models get {name}”",
                missing.join(", "),
            )
        }
        ModelState::Unpublished(reason) | ModelState::Unusable(reason) => {
            format!("“{name}” cannot be used: {reason}")
        }
    };
    Err(ModelError::Request { reason })
}

struct Desk<'a> {
    places: Places,
    shelf: Shelf,
    args: &'a ModelsArgs,
}

impl Desk<'_> {
    fn list(&mut self, roots: &[PathBuf]) -> ModelList {
        let bar = self.bar("{spinner} {msg}");
        let before = self.shelf.clone();
        let found = scan(roots, &mut self.shelf, &mut |progress| {
            bar.set_message(format!("looking into {}", progress.folder.display()));
            bar.tick();
            true
        });
        bar.finish_and_clear();
        if self.shelf != before
            && let Some(path) = &self.places.shelf_path
            && let Err(error) = self.shelf.write(path)
        {
            self.note(&format!("what was found cannot be remembered: {error}"));
        }
        ModelList {
            models: assemble(&found),
            refused: found.refused(),
            folders: self.shelf.folders.clone(),
            n_others: found.n_others,
            memory: memory(),
            download_folder: self.places.download_folder.clone(),
            host: host_of(&self.places.server),
        }
    }

    fn scan(&mut self, folder: &Path, remember: bool) -> Result<(), CliError> {
        if !folder.is_dir() {
            let folder = folder.display();
            return Err(CliError::Usage(format!(
                "there is no such folder; check the name: {folder}"
            )));
        }
        if remember {
            self.shelf.add_folder(folder);
        }
        let mut list = self.list(&[folder.to_owned()]);
        list.models.retain(|model| matches!(model.key, ModelKey::Path(_)));
        let mut text = report::list_text(&list);
        if text.is_empty() {
            text = match list.n_others {
                0 => "There are no models in this folder".to_owned(),
                n => format!("There are no models of use here, but {n} files of other programs"),
            };
        }
        self.told(&report::list_json(&list), &text)
    }

    /// The list, and the place in it of the model of this name or file; one on this machine rather
    /// than one that is only published.
    fn find(&mut self, name: &str) -> Result<(ModelList, usize), CliError> {
        let path = Path::new(name);
        let mut roots = self.places.roots(&self.shelf);
        if path.exists() {
            let folder = if path.is_dir() { Some(path) } else { path.parent() };
            roots.push(
                folder.filter(|path| *path != Path::new("")).unwrap_or(Path::new(".")).into(),
            );
        }
        let list = self.list(&roots);
        match place_of(&list.models, name) {
            Some(place) => Ok((list, place)),
            None => Err(unknown(name)),
        }
    }

    fn get(&mut self, name: &str, to: Option<&Path>) -> Result<(), CliError> {
        let (list, place) = self.find(name)?;
        let model = &list.models[place];
        if let ModelState::Unpublished(reason) = &model.state {
            return Err(CliError::Usage(format!("“{name}” is not to be had: {reason}")));
        }
        let files = model.to_download();
        if files.is_empty() {
            return self.told(&json!({ "files": [] }), "All files of this model are here already");
        }
        let folder = to.map(Path::to_owned).or_else(|| self.places.download_folder.clone());
        let folder = folder.ok_or_else(|| {
            CliError::Usage("there is no home folder; name a folder with --to".to_owned())
        })?;
        let host = host_of(&self.places.server);
        let n_bytes: u64 = files.iter().filter_map(|file| file.n_bytes).sum();
        let about = bytes_text(n_bytes);
        self.note(&format!("connecting to {host} for {} files, about {about}", files.len()));
        let mut done = Vec::new();
        for file in &files {
            let target = download_target(&folder, file);
            let url = file.url(&self.places.server);
            let sha256 = file.sha256.clone();
            self.note(&format!("{} ({}): {url}", file.name(), file.licence));
            let bar = self.bytes_bar();
            let order = Order { url, target, sha256 };
            let came = download(&order, &|| true, &mut |progress| show(&bar, progress));
            bar.finish_and_clear();
            match came {
                Ok(came) => {
                    if !came.is_checked {
                        let text = "its SHA-256 is not published, so only its size was checked";
                        self.note(&format!("{}: {text}", file.name()));
                    }
                    done.push((came.path, came.n_bytes, Some(came.sha256)));
                }
                Err(DownloadError::Exists { path }) => {
                    self.note(&format!("{} is there already", file.name()));
                    done.push((path, file.n_bytes.unwrap_or(0), None));
                }
                Err(error) => return Err(error.into()),
            }
        }
        if to.is_some() && self.shelf.add_folder(&folder) {
            self.note(&format!("{} is looked into from now on", folder.display()));
        }
        let roots = self.places.roots(&self.shelf);
        self.list(&roots);
        let paths: Vec<_> = done.iter().map(|(path, ..)| path.display().to_string()).collect();
        let json: Vec<_> = done
            .iter()
            .map(|(path, n_bytes, sha256)| {
                json!({ "path": path.display().to_string(), "n_bytes": n_bytes, "sha256": sha256 })
            })
            .collect();
        self.told(&json!({ "files": json }), &paths.join("\n"))
    }

    fn convert(&self, file: &Path, output: Option<&Path>) -> Result<(), CliError> {
        let to = output.map_or_else(|| converted_path(file), Path::to_owned);
        let bar = self.bytes_bar();
        let done = convert(file, &to, &|| true, &mut |progress| show(&bar, progress));
        bar.finish_and_clear();
        let done = done?;
        for (name, dtype) in &done.left_out {
            self.note(&format!("{name} was left out: it is of type {dtype}, which nothing needs"));
        }
        let path = done.path.display().to_string();
        let json = json!({
            "path": path, "n_tensors": done.n_tensors, "n_bytes": done.n_bytes,
            "sha256": done.sha256,
            "left_out": done.left_out.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        });
        self.told(&json, &path)
    }

    fn pack(
        &self,
        file: &Path,
        output: Option<&Path>,
        precision: Precision,
    ) -> Result<(), CliError> {
        let to = output.map_or_else(|| packed_path(file, precision), Path::to_owned);
        let bar = self.bar("{spinner} packing in {msg}");
        bar.set_message(precision.name());
        let go_on = || {
            bar.tick();
            true
        };
        let packed = pack(file, &to, precision, &go_on);
        bar.finish_and_clear();
        let n_bytes = packed?;
        let path = to.display().to_string();
        let json = json!({ "path": path, "n_bytes": n_bytes, "precision": precision.name() });
        self.told(&json, &path)
    }

    fn verify(&mut self, file: &Path) -> Result<(), CliError> {
        let bar = self.bytes_bar();
        let hash = sha256_of(file, &|| true, &mut |progress| show(&bar, progress));
        bar.finish_and_clear();
        let sha256 = hash
            .map_err(|error| {
                let file = file.display();
                CliError::Usage(format!(
                    "the file cannot be read ({error}); check the name: {file}"
                ))
            })?
            .unwrap_or_default();
        let published = crate::catalogue::published().by_sha256(&sha256);
        let (what, name) = match &published {
            Some(file) => (format!("the published {}", file.name()), Some(file.name().to_owned())),
            None => ("of no file that is listed".to_owned(), None),
        };
        let json =
            json!({ "path": file.display().to_string(), "sha256": sha256, "published": name });
        self.told(&json, &format!("{sha256}  {}\n{what}", file.display()))
    }

    fn bar(&self, template: &str) -> ProgressBar {
        let is_silent = self.args.quiet || self.args.json;
        let target =
            if is_silent { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        ProgressBar::with_draw_target(Some(0), target).with_style(style)
    }

    fn bytes_bar(&self) -> ProgressBar {
        self.bar("{wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}")
    }

    fn note(&self, text: &str) {
        if !self.args.quiet {
            console::print_line(&format!("note: {text}"));
        }
    }

    fn told(&self, json: &Value, text: &str) -> Result<(), CliError> {
        if self.args.json { console::print_json(json) } else { console::print_result(text) }
    }
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_length(progress.n_total.unwrap_or(progress.n_done));
    bar.set_position(progress.n_done);
}

/// Where the model of this name or file is.
fn place_of(models: &[KnownModel], name: &str) -> Option<usize> {
    let path = std::fs::canonicalize(name).ok();
    let is_file = |model: &KnownModel| match (&model.key, &path) {
        (ModelKey::Path(own), Some(path)) => std::fs::canonicalize(own).ok().as_ref() == Some(path),
        _ => false,
    };
    let has_name = |model: &KnownModel| {
        model.name.eq_ignore_ascii_case(name) || model.title.eq_ignore_ascii_case(name)
    };
    let is_here = |model: &KnownModel| matches!(model.key, ModelKey::Path(_) | ModelKey::BuiltIn);
    let place = |fits: &dyn Fn(&KnownModel) -> bool| models.iter().position(fits);
    place(&is_file)
        .or_else(|| place(&|model| has_name(model) && model.state == ModelState::Ready))
        .or_else(|| place(&|model| has_name(model) && is_here(model)))
        .or_else(|| place(&has_name))
}

fn unknown(name: &str) -> CliError {
    CliError::Usage(format!("there is no model “{name}”; see “underpaint models list”"))
}
