//! A whole run against the reference implementation (`reference/write_session.py`): remembered
//! pictures, guidance from nothing and, at the first scales, from the same memory without words.

use std::sync::Arc;

use serde::Deserialize;
use underpaint::model::{self, LoadOptions, ModelChoice};
use underpaint::params::Sampling;
use underpaint::protocol::{
    EntryId, GenerateRequest, Inspiration, MemoryRequest, PictureIds, Provenance, RememberedPicture,
};

use crate::common::{fixture, golden};

#[derive(Deserialize)]
struct Run {
    prompt: String,
    guidance: f32,
    ids: PictureIds,
}

fn remembered(row: Vec<i32>) -> Inspiration {
    let ids: Arc<[u16]> = row.into_iter().map(|id| id as u16).collect();
    Inspiration::Remembered(Arc::new(RememberedPicture {
        entry: EntryId::of(ids.iter().copied()),
        caption: String::new(),
        style: String::new(),
        source: String::new(),
        licence: String::new(),
        memory: String::new(),
        provenance: Provenance::Given,
        ids,
    }))
}

#[test]
fn a_greedy_run_draws_the_codes_of_the_reference() {
    let run = std::fs::read_to_string(fixture("session.json")).unwrap();
    let run: Run = serde_json::from_str(&run).unwrap();
    let options = LoadOptions { model: ModelChoice::Folder(fixture("")), ..LoadOptions::default() };
    let rows: Vec<Vec<i32>> = golden("memory.ids").to_vec2().unwrap();
    let chosen = rows.into_iter().map(remembered).enumerate().collect();
    let request = GenerateRequest {
        sampling: Sampling { guidance: run.guidance, temperature: 0.0, ..Sampling::default() },
        memory: MemoryRequest { chosen, ..MemoryRequest::default() },
        ..GenerateRequest::new(&run.prompt, 0)
    };
    let mut session = model::load(&options).unwrap().start(&request).unwrap();
    while session.n_done() < session.n_scales() {
        session.step(&|| true).unwrap();
    }
    assert_eq!(session.ids(0), run.ids);
}
