//! The worker on a fake model that draws token by token: cancel within a row, go on from the same
//! token, look at an unfinished row, stop at a row, begin behind given rows.

mod common;

use std::sync::Arc;

use image::Rgba;
use underpaint::imaging::RgbaImage;
use underpaint::protocol::{
    Event, GenerateRequest, Given, MemoryRequest, PictureIds, Previews, Progress,
};

use common::fake_model::{CELL_PX, Call, Calls, FakeModel, Point, colour_of};
use common::worker_rig::Rig;

const CLEAR: Rgba<u8> = Rgba([0; 4]);

fn at_tokens(point: Point) -> bool {
    matches!(point, Point::Token(..))
}

fn request(prompt: &str) -> GenerateRequest {
    GenerateRequest { memory: MemoryRequest::off(), ..GenerateRequest::new(prompt, 7) }
}

/// Colour of a cell, which must be of one colour.
#[track_caller]
fn cell(picture: &RgbaImage, row: usize, column: usize) -> Rgba<u8> {
    let at = |x: usize, y: usize| {
        *picture.get_pixel((column * CELL_PX + x) as u32, (row * CELL_PX + y) as u32)
    };
    let colour = at(0, 0);
    for (x, y) in [(CELL_PX - 1, 0), (0, CELL_PX - 1), (CELL_PX - 1, CELL_PX - 1)] {
        assert_eq!(at(x, y), colour, "cell ({row}, {column})");
    }
    colour
}

fn tokens_of(calls: &Calls) -> Vec<(usize, usize)> {
    let place = |call: Call| match call.point {
        Point::Token(row, column) => Some((row, column)),
        _ => None,
    };
    calls.all().into_iter().filter_map(place).collect()
}

fn ids_at_the_end(rig: &Rig) -> Arc<Vec<PictureIds>> {
    match rig.seen.last() {
        Some(Event::Finished { ids, .. } | Event::Cancelled { ids, .. }) => Arc::clone(ids),
        _ => panic!("no ids at the end of {:#?}", rig.story()),
    }
}

#[test]
fn a_job_tells_of_every_row() {
    let model = FakeModel::raster(3, 5);
    let calls = model.calls();
    let mut rig = Rig::new(model);
    rig.worker.generate(request("apple"));
    rig.drain_until("finished of job 1");
    let expected = [
        "model ready",
        "started of job 1",
        "scale 0 of job 1",
        "scale 1 of job 1",
        "scale 2 of job 1",
        "finished of job 1",
    ];
    assert_eq!(rig.story(), expected);
    for event in &rig.seen {
        if let Event::ScaleFinished { scale_idx, still, timings, .. } = event {
            assert_eq!(still.dimensions(), (5 * CELL_PX as u32, 3 * CELL_PX as u32));
            assert_eq!(timings.scales.len(), scale_idx + 1, "one time per row");
            for row in 0..3 {
                let expected = if row <= *scale_idx { colour_of("apple", 7, row) } else { CLEAR };
                assert_eq!(cell(still, row, 4), expected);
            }
        }
    }
    let all: Vec<_> = (0..3).flat_map(|row| (0..5).map(move |column| (row, column))).collect();
    assert_eq!(tokens_of(&calls), all);
    let ids = ids_at_the_end(&rig);
    assert_eq!(ids[0].iter().map(Vec::len).collect::<Vec<_>>(), [5; 3]);
}

#[test]
fn an_unfinished_row_is_shown_with_its_progress() {
    let mut rig = Rig::gated(FakeModel::raster(3, 4), at_tokens);
    let job = rig.worker.generate(GenerateRequest { stop_at: Some(2), ..request("apple") });
    drop(rig.gate.wait());
    // Held before its second token: the first one has been shown, as it was the first of all.
    let held = rig.gate.wait();
    assert_eq!(held.point, Point::Token(0, 1));
    let preview = rig.worker.take_preview().expect("a look at the unfinished row");
    assert_eq!((preview.job, preview.scale_idx), (job, 0));
    assert_eq!(preview.progress, Some(Progress { n_tokens: 1, n_wanted: 8 }));
    assert_eq!(cell(&preview.image, 0, 0), colour_of("apple", 7, 0));
    for (row, column) in [(0, 1), (0, 3), (1, 0), (2, 0)] {
        assert_eq!(cell(&preview.image, row, column), CLEAR);
    }
    drop(held);
    rig.gate.open();
    rig.drain_until("finished of job 1");
    let last = rig.worker.take_preview().expect("the last preview");
    assert_eq!((last.scale_idx, last.progress), (1, None), "a finished row has no progress");
}

#[test]
fn cancelling_within_a_row_keeps_its_tokens_for_the_next_job() {
    let model = FakeModel::raster(3, 4);
    let calls = model.calls();
    let mut rig = Rig::gated(model, at_tokens);
    rig.worker.generate(request("apple"));
    // Row 0, and two tokens of row 1.
    for _ in 0..6 {
        drop(rig.gate.wait());
    }
    let held = rig.gate.wait();
    assert_eq!(held.point, Point::Token(1, 2));
    rig.worker.cancel();
    drop(held);
    rig.drain_until("cancelled of job 1");
    assert_eq!(ids_at_the_end(&rig)[0].len(), 1, "whole rows are kept for files");

    let n_before = tokens_of(&calls).len();
    rig.gate.open();
    rig.worker.generate(request("apple"));
    rig.drain_until("finished of job 2");
    let again = tokens_of(&calls).split_off(n_before);
    assert_eq!(again[0], (1, 2), "it goes on with the token that was abandoned");
    assert_eq!(again.len(), 6);
    let starts = calls.count(|call| call.point == Point::Start);
    assert_eq!(starts, 1, "the session is the same");
    let Some(Event::Finished { images, .. }) = rig.seen.last() else { unreachable!() };
    assert_eq!(cell(&images[0], 1, 1), colour_of("apple", 7, 1));
}

#[test]
fn a_picture_stops_at_a_row_and_goes_on_from_it() {
    let model = FakeModel::raster(4, 3);
    let calls = model.calls();
    let mut rig = Rig::new(model);
    rig.worker.generate(GenerateRequest { stop_at: Some(2), ..request("apple") });
    rig.drain_until("finished of job 1");
    assert_eq!(tokens_of(&calls).len(), 6);
    assert_eq!(ids_at_the_end(&rig)[0].len(), 2);
    rig.worker.generate(request("apple"));
    rig.drain_until("finished of job 2");
    assert_eq!(tokens_of(&calls)[6..][..2], [(2, 0), (2, 1)]);
    assert_eq!(tokens_of(&calls).len(), 12, "no token is drawn twice");
}

#[test]
fn given_rows_are_not_drawn_again() {
    let mut rig = Rig::new(FakeModel::raster(4, 3));
    rig.worker.generate(request("apple"));
    rig.drain_until("finished of job 1");
    let ids = ids_at_the_end(&rig);

    let model = FakeModel::raster(4, 3);
    let calls = model.calls();
    let mut rig = Rig::new(model);
    let given = Some(Given::prefix(&ids[0], 3));
    rig.worker.generate(GenerateRequest { given, ..request("pear") });
    rig.drain_until("finished of job 1");
    assert_eq!(tokens_of(&calls), [(3, 0), (3, 1), (3, 2)]);
    let Some(Event::Finished { images, ids, .. }) = rig.seen.last() else { unreachable!() };
    assert_eq!(cell(&images[0], 2, 0), colour_of("apple", 7, 2), "as it was given");
    assert_eq!(cell(&images[0], 3, 0), colour_of("pear", 7, 3));
    assert_eq!(ids[0].len(), 4);
}

#[test]
fn pictures_without_a_look_in_between_show_only_their_end() {
    let model = FakeModel::raster(3, 3);
    let calls = model.calls();
    let mut rig = Rig::new(model);
    let previews = Previews::Draft;
    rig.worker.generate(GenerateRequest { previews, stop_at: Some(2), ..request("apple") });
    rig.drain_until("finished of job 1");
    assert_eq!(calls.count(|call| matches!(call.point, Point::Render(..))), 1);
    assert_eq!(rig.story()[2..], ["scale 1 of job 1", "finished of job 1"]);
}
