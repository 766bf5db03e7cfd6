//! From a model of the list to one that draws.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::controlar::raster::ControlSort;
use crate::model::controlar::{Precision, PromptCache, T5Files};
use crate::model::weights::Reading;
use crate::model::{
    DeviceChoice, Generator, LoadOptions, ModelChoice, ModelError, RasterChoice, RasterFiles,
    RasterOptions, load_watched,
};
use crate::params::PictureSize;
use crate::protocol::{KnownModel, ModelKey, PartRole};

/// What loads a model of the list, or the built-in one, on whatever thread it is called. `reading` is
/// told how far that is, and can stop it. `built_in` is a folder whose model takes the place of the
/// built-in one.
pub fn loader(
    model: Option<&KnownModel>,
    precision: Option<&'static str>,
    side_px: Option<usize>,
    built_in: Option<PathBuf>,
    device: DeviceChoice,
    reading: Arc<Reading>,
) -> impl FnOnce() -> Result<Box<dyn Generator>, ModelError> + Send + 'static {
    let model = match model {
        Some(model) => choice(model, precision, side_px),
        None => built_in.map_or(ModelChoice::Embedded, ModelChoice::Folder),
    };
    let options = LoadOptions { model, device };
    move || load_watched(&options, &reading)
}

/// What to load for a model of the list, with square pictures of this side; the built-in one if it
/// is not on this machine.
pub fn choice(model: &KnownModel, precision: Option<&str>, side_px: Option<usize>) -> ModelChoice {
    let ModelKey::Path(path) = &model.key else { return ModelChoice::Embedded };
    let Some(files) = raster_files(model) else { return ModelChoice::Folder(path.clone()) };
    let precision = precision.and_then(|name| name.parse::<Precision>().ok());
    let size = side_px.map(|side| PictureSize { width_px: side, height_px: side });
    let options = RasterOptions { precision, size };
    ModelChoice::Raster(Box::new(RasterChoice { files, options }))
}

/// `None` for a model in our own layout.
fn raster_files(model: &KnownModel) -> Option<RasterFiles> {
    let files = |role| {
        let part = model.parts.iter().find(|part| part.role == role);
        part.into_iter().flat_map(|part| &part.files).map(|file| file.path.clone())
    };
    let first = |role| files(role).next();
    let transformer = first(PartRole::Transformer)?;
    let picture_tokenizer = first(PartRole::PictureTokenizer)?;
    let weights: Vec<PathBuf> = files(PartRole::TextEncoder).collect();
    let words = first(PartRole::TextTokenizer).filter(|_| !weights.is_empty());
    let text = words.map(|words| {
        let config = weights[0].with_file_name("config.json");
        T5Files { weights, words, config: Some(config).filter(|path| path.is_file()) }
    });
    let sha256 = model.parts[0].files[0].sha256.clone();
    let prompt_cache = PromptCache::of_user().map(|cache| cache.folder().to_owned());
    Some(RasterFiles {
        text,
        name: Some(model.name.clone()),
        control: ControlSort::by_name(&model.name),
        sha256,
        prompt_cache,
        ..RasterFiles::new(transformer, picture_tokenizer)
    })
}
