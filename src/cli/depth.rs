//! Where the window's depth network comes from: a file that the user has put into a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::ModelArgs;
use crate::app::depth::{DepthSource, EstimateDepth};
use crate::imaging::RgbaImage;
use crate::model::ModelError;
use crate::model::depth_network::{self, DepthNetwork};

/// The smallest network; larger ones are found as well.
const SMALLEST: &str = "depth_anything_v2_vits.safetensors";

/// The network in the folder of the model or in that of the user's models.
pub fn depth_source(args: &ModelArgs) -> DepthSource {
    let folders = folders(args);
    let Some(files) = depth_network::find(&folders) else {
        let Some(folder) = folders.last() else { return DepthSource::Unknown };
        let folder = folder.display();
        let advice =
            format!("For a network that sees depth, put {SMALLEST} into {folder}, then restart");
        return DepthSource::Missing { advice };
    };
    let device = args.device;
    DepthSource::Found(Arc::new(move || {
        let load = || DepthNetwork::load(&files, &device.open()?);
        let network = load().map_err(|error: ModelError| error.to_failure())?;
        let estimate = move |picture: &RgbaImage, size_px| {
            network.estimate(picture, size_px).map_err(|error| error.to_failure())
        };
        Ok(Box::new(estimate) as EstimateDepth)
    }))
}

/// The one to put a network into comes last.
fn folders(args: &ModelArgs) -> Vec<PathBuf> {
    let of_user = directories::ProjectDirs::from("", "", "Underpaint")
        .map(|dirs| dirs.data_dir().join("models"));
    let of_model = args.path.iter().filter_map(|path| {
        if path.is_dir() { Some(path.clone()) } else { path.parent().map(Path::to_owned) }
    });
    of_model.chain(of_user).collect()
}
