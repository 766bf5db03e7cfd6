//! Our own pictures: the record under `underpaint`.

use super::{RecallError, Recalled, SourceApp, Texts};
use crate::imaging::metadata::parameters;
use crate::imaging::metadata::record::PictureRecord;

pub(super) fn read(texts: &Texts<'_>) -> Option<Result<Recalled, RecallError>> {
    let found = texts.get("underpaint")?;
    let app = SourceApp::Underpaint;
    let (record, remarks) = match PictureRecord::from_json(&found.text) {
        Ok(read) => read,
        Err(error) => {
            return Some(Err(RecallError::Unreadable { app, reason: error.to_string() }));
        }
    };
    Some(Ok(Recalled {
        app_version: Some(record.app_version.clone()).filter(|version| !version.is_empty()),
        place: found.place(),
        prompt: record.prompt.clone(),
        negative: record.negative.clone(),
        seed: record.first_seed(),
        steps: Some(record.stop_at as u64),
        cfg: Some(rounded(record.sampling.guidance)),
        sampler: Some(parameters::sampler(&record)),
        size_px: Some((record.width, record.height)).filter(|(w, h)| *w > 0 && *h > 0),
        model: Some(record.model.name.clone()).filter(|name| !name.is_empty()),
        model_hash: parameters::short_hash(&record),
        ignored: remarks,
        record: Some(Box::new(record)),
        ..Recalled::new(app)
    }))
}

/// The decimal number that was meant: 4.2, not 4.199999809265137.
fn rounded(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}
