//! Ranking and drawing on small memories.

use std::collections::HashSet;
use std::sync::Arc;

use super::*;
use crate::imaging::RgbaImage;
use crate::model::Config;
use crate::model::memory::{OwnMemories, testing};
use crate::protocol::{Inspiration, MemoryId, OwnEntry, OwnMemory};

/// Keys in a plane; the prompt is the first axis, so that similarity falls with the angle.
fn fan(angles: &[f32]) -> Vec<(usize, [i8; 4])> {
    let key = |angle: &f32| {
        let (sin, cos) = angle.sin_cos();
        [(127.0 * cos).round() as i8, (127.0 * sin).round() as i8, 0, 0]
    };
    angles.iter().map(key).enumerate().collect()
}

const PROMPT: [f32; 4] = [3.0, 0.0, 0.0, 0.0];
const ANGLES: [f32; 8] = [0.9, 0.0, 0.3, 0.4, 2.0, 0.5, 0.6, 0.7];
/// Entries by rising angle.
const RANKED: [usize; 8] = [1, 2, 3, 5, 6, 7, 0, 4];

fn find(memory: &PictureMemory, config: &Config, request: &MemoryRequest) -> Candidates {
    Candidates::find(&search(memory, request), &PROMPT, &config.memory, request)
}

/// A memory of the user; `number` tells its pictures from those of others.
fn own(config: &Config, entries: &[(usize, [i8; 4])], number: i64) -> Arc<OwnMemory> {
    let rows = entries.iter().map(|(picture, _)| testing::ids(config, *picture));
    let rows: Vec<Vec<u16>> = rows.collect();
    let entry = |ids: &Vec<u16>| OwnEntry {
        entry: EntryId::of(ids.iter().copied()),
        caption: "mine".to_owned(),
        source: "mine.png".to_owned(),
        licence: String::new(),
    };
    Arc::new(OwnMemory {
        memory: MemoryId(number),
        name: format!("Memory {number}"),
        entries: rows.iter().map(entry).collect(),
        keys: entries.iter().flat_map(|(_, key)| *key).collect(),
        key_dim: 4,
        ids: rows.concat(),
        n_tokens: config.n_tokens(),
    })
}

fn opened(config: &Config, memories: &[Arc<OwnMemory>]) -> Vec<OwnKeys> {
    OwnMemories::new(config).open(memories).unwrap()
}

/// The pictures of a fan under other numbers, so that they are others.
fn others(angles: &[f32]) -> Vec<(usize, [i8; 4])> {
    fan(angles).into_iter().map(|(picture, key)| (picture + 100, key)).collect()
}

fn search<'a>(memory: &'a PictureMemory, request: &'a MemoryRequest) -> Search<'a> {
    Search { memory, own: &[], banned: &request.banned, chosen: &[] }
}

/// Index of an entry of the model's memory.
fn index(found: &Match) -> usize {
    match found.place {
        Place::Model { entry_idx } => entry_idx,
        Place::Own { .. } => panic!("{found:?} is of the user's memory"),
    }
}

fn entries(candidates: &Candidates) -> Vec<usize> {
    candidates.model.iter().map(index).collect()
}

#[test]
fn the_most_similar_are_candidates() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&ANGLES));
    let candidates = find(&memory, &config, &MemoryRequest::default());
    assert_eq!(entries(&candidates), RANKED[..6]);
    for found in &candidates.model {
        let expected = ANGLES[index(found)].cos();
        assert!((found.similarity - expected).abs() < 0.01, "{found:?} is not {expected}");
    }
}

#[test]
fn similarity_is_the_cosine() {
    let config = testing::config();
    let keys = [[127, 0, 0, 0], [-64, 0, 0, 0], [0, 9, 0, 0], [0, 0, 0, 0], [30, 40, 0, 0]];
    let memory = testing::memory(&config, &keys.into_iter().enumerate().collect::<Vec<_>>());
    let found = similarities(memory.keys(), &fixed_point(&PROMPT));
    for (found, expected) in found.iter().zip([1.0, -1.0, 0.0, 0.0, 0.6]) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }
    for nothing in [[0.0; 4], [f32::NAN; 4], [f32::INFINITY; 4]] {
        assert_eq!(similarities(memory.keys(), &fixed_point(&nothing)), [0.0; 5]);
    }
}

#[test]
fn equally_similar_entries_keep_their_order() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&[0.5; 9]));
    let candidates = find(&memory, &config, &MemoryRequest::default());
    assert_eq!(entries(&candidates), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn draws_follow_the_weights() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&ANGLES));
    let candidates = find(&memory, &config, &MemoryRequest::default());
    let best = candidates.model[0].similarity;
    let weight =
        |found: &Match| f64::from((found.similarity - best) / config.memory.draw_temperature).exp();
    let weights: Vec<f64> = candidates.model.iter().map(weight).collect();

    // Probability that a candidate is among three that are drawn one after another.
    let mut expected = [0.0; 6];
    let total: f64 = weights.iter().sum();
    for a in 0..6 {
        for b in (0..6).filter(|b| *b != a) {
            for c in (0..6).filter(|c| *c != a && *c != b) {
                let left = total - weights[a];
                let probability =
                    weights[a] / total * weights[b] / left * weights[c] / (left - weights[b]);
                for drawn in [a, b, c] {
                    expected[drawn] += probability;
                }
            }
        }
    }

    let n_draws = 40_000;
    let mut counts = [0; 6];
    for seed in 0..n_draws {
        for drawn in candidates.draw(seed) {
            let rank = entries(&candidates).iter().position(|idx| *idx == index(&drawn.found));
            counts[rank.unwrap()] += 1;
        }
    }
    for (count, p) in counts.into_iter().zip(expected) {
        let share = f64::from(count) / n_draws as f64;
        let deviation = (p * (1.0 - p) / n_draws as f64).sqrt();
        assert!((share - p).abs() < 4.0 * deviation, "{share} drawn, {p} expected");
    }
}

#[test]
fn draws_are_ordered_distinct_and_repeatable() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&ANGLES));
    let candidates = find(&memory, &config, &MemoryRequest::default());
    let mut sets = HashSet::new();
    for seed in 0..200 {
        let drawn = candidates.draw(seed);
        assert_eq!(drawn.iter().map(|drawn| drawn.slot).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(drawn.is_sorted_by(|a, b| a.found.similarity > b.found.similarity));
        assert_eq!(drawn, candidates.draw(seed));
        sets.insert(drawn.iter().map(|drawn| index(&drawn.found)).collect::<Vec<_>>());
    }
    assert!(sets.len() > 5, "seeds must draw differently");
}

#[test]
fn cold_draws_take_the_best() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&ANGLES));
    for draw_temperature in [0.0, -1.0, f32::NAN, 1e-6] {
        let memory_config = MemoryConfig { draw_temperature, ..config.memory.clone() };
        let request = MemoryRequest::default();
        let drawn =
            Candidates::find(&search(&memory, &request), &PROMPT, &memory_config, &request).draw(7);
        let drawn: Vec<usize> = drawn.iter().map(|drawn| index(&drawn.found)).collect();
        assert_eq!(drawn, RANKED[..3], "temperature {draw_temperature}");
    }
}

#[test]
fn banned_entries_make_room_for_the_next_best() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&ANGLES));
    let banned = vec![memory.id(RANKED[0]), memory.id(RANKED[3])];
    let request = MemoryRequest { banned, ..MemoryRequest::default() };
    let candidates = find(&memory, &config, &request);
    assert_eq!(entries(&candidates), [2, 3, 6, 7, 0, 4]);
}

#[test]
fn a_ban_does_not_change_the_luck_of_others() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&ANGLES[..6]));
    for seed in 0..100 {
        let drawn = find(&memory, &config, &MemoryRequest::default()).draw(seed);
        let banned = vec![drawn[0].found.entry];
        let request = MemoryRequest { banned, ..MemoryRequest::default() };
        let after: Vec<usize> = find(&memory, &config, &request)
            .draw(seed)
            .iter()
            .map(|drawn| index(&drawn.found))
            .collect();
        assert!(drawn[1..].iter().all(|kept| after.contains(&index(&kept.found))), "seed {seed}");
    }
}

#[test]
fn a_picture_is_a_candidate_once() {
    let config = testing::config();
    let mut repeated = fan(&ANGLES);
    repeated[2].0 = RANKED[0];
    let memory = testing::memory(&config, &repeated);
    let candidates = find(&memory, &config, &MemoryRequest::default());
    assert_eq!(entries(&candidates), [1, 3, 5, 6, 7, 0]);
}

#[test]
fn chosen_slots_stay_free() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&ANGLES));
    let pixels = Arc::new(RgbaImage::new(1, 1));
    let picture = Inspiration::Picture { name: "mine".to_owned(), pixels };
    let entry = Inspiration::Entry(memory.id(RANKED[0]));
    let request =
        MemoryRequest { chosen: vec![(0, picture), (1, entry)], ..MemoryRequest::default() };
    let chosen = [memory.id(RANKED[0])];
    let search = Search { chosen: &chosen, ..search(&memory, &request) };
    let candidates = Candidates::find(&search, &PROMPT, &config.memory, &request);
    assert_eq!(entries(&candidates), RANKED[1..7]);
    let drawn = candidates.draw(3);
    assert_eq!(drawn.iter().map(|drawn| drawn.slot).collect::<Vec<_>>(), [2]);
}

#[test]
fn too_few_entries_leave_slots_empty() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&[0.2, 0.1]));
    let drawn = find(&memory, &config, &MemoryRequest::default()).draw(5);
    assert_eq!(
        drawn.iter().map(|drawn| (drawn.slot, index(&drawn.found))).collect::<Vec<_>>(),
        [(0, 1), (1, 0)]
    );
    let empty = PictureMemory::empty(&config);
    assert!(find(&empty, &config, &MemoryRequest::default()).draw(5).is_empty());
    assert!(find(&memory, &config, &MemoryRequest::off()).draw(5).is_empty());
}

#[test]
fn pictures_of_the_user_come_first() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&ANGLES));
    let request = MemoryRequest::default();
    // Less similar than those of the model, and still first; over two memories by similarity.
    let memories =
        [own(&config, &others(&[1.2]), 1), own(&config, &others(&[0.0, 9.0, 0.8])[1..], 2)];
    for n_memories in 1..=2 {
        let own = opened(&config, &memories[..n_memories]);
        let search = Search { own: &own, ..search(&memory, &request) };
        let candidates = Candidates::find(&search, &PROMPT, &config.memory, &request);
        for seed in 0..50 {
            let drawn = candidates.draw(seed);
            let is_own = |drawn: &Retrieved| matches!(drawn.found.place, Place::Own { .. });
            let n_own = drawn.iter().take_while(|drawn| is_own(drawn)).count();
            assert_eq!((drawn.len(), n_own), (3, [1, 3][n_memories - 1]), "seed {seed}");
        }
        let best = candidates.own[0].place;
        assert_eq!(best, Place::Own { memory_idx: n_memories - 1, entry_idx: n_memories - 1 });
    }
}

#[test]
fn of_a_style_only_what_fits_is_looked_at() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&ANGLES));
    let request = MemoryRequest::default();
    // Eight pictures are a style. The last one fits the prompt like the best of the model's.
    let angles = [1.5, 1.4, 1.3, 1.45, 1.35, 1.25, 1.55, 0.0];
    for (n_entries, n_own, is_redrawn) in [(7, 3, false), (8, 1, true)] {
        let own = opened(&config, &[own(&config, &others(&angles)[8 - n_entries..], 1)]);
        let search = Search { own: &own, ..search(&memory, &request) };
        let candidates = Candidates::find(&search, &PROMPT, &config.memory, &request);
        assert_eq!(candidates.is_redrawn(), is_redrawn);
        for seed in 0..20 {
            let drawn = candidates.draw(seed);
            let is_own = |drawn: &&Retrieved| matches!(drawn.found.place, Place::Own { .. });
            assert_eq!((drawn.len(), drawn.iter().filter(is_own).count()), (3, n_own));
        }
    }
}

#[test]
fn pictures_of_the_user_are_banned_and_repeated_like_others() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&ANGLES));
    // The first of the model's ranking and a picture that both memories of the user hold.
    let shared = (RANKED[0], fan(&ANGLES)[RANKED[0]].1);
    let memories =
        [own(&config, &[shared, others(&[0.2])[0]], 1), own(&config, &others(&[0.1]), 2)];
    let own = opened(&config, &memories);
    let banned = MemoryRequest { banned: vec![memory.id(RANKED[1])], ..MemoryRequest::default() };
    let search = Search { own: &own, ..search(&memory, &banned) };
    let best = search.best(&PROMPT, 100);
    assert!(best.is_sorted_by(|a, b| a.similarity >= b.similarity));
    let names: HashSet<EntryId> = best.iter().map(|found| found.entry).collect();
    assert_eq!(names.len(), best.len(), "each picture once");
    assert_eq!(best.len(), ANGLES.len() - 1 + 1, "all but the banned one, and one of the user");
    assert_eq!(best[0].place, Place::Own { memory_idx: 0, entry_idx: 0 }, "before its equal");
    assert_eq!(
        best[1].place,
        Place::Own { memory_idx: 1, entry_idx: 0 },
        "the better match of two"
    );
}

#[test]
fn closed_slots_stay_empty() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&ANGLES));
    let request = MemoryRequest { closed_slots: vec![0, 2], ..MemoryRequest::default() };
    let drawn = find(&memory, &config, &request).draw(1);
    assert_eq!(drawn.iter().map(|drawn| drawn.slot).collect::<Vec<_>>(), [1]);
}

#[test]
fn memories_of_another_model_are_refused() {
    let config = testing::config();
    let whole = own(&config, &others(&[0.1, 0.2]), 1);
    let refused = |change: fn(&mut OwnMemory), words: &str| {
        let mut changed = OwnMemory::clone(&whole);
        change(&mut changed);
        let error = OwnMemories::new(&config).open(&[Arc::new(changed)]).unwrap_err().to_string();
        assert!(error.contains("“Memory 1”") && error.contains(words), "{error}");
    };
    refused(|memory| memory.n_tokens -= 1, "another model");
    refused(|memory| memory.key_dim = 3, "another model");
    refused(|memory| memory.ids[7] = u16::MAX, "another model");
    refused(|memory| memory.ids.truncate(9), "damaged");
    refused(|memory| memory.keys.push(0), "damaged");
    refused(|memory| memory.entries.truncate(1), "damaged");
}

#[test]
fn a_snapshot_that_is_gone_leaves_nothing_behind() {
    let config = testing::config();
    let mut memories = OwnMemories::new(&config);
    for number in 0..100 {
        // Each may get the address of the one before.
        let angles = vec![0.1; 1 + number as usize % 3];
        let memory = own(&config, &others(&angles), number);
        let opened = memories.open(std::slice::from_ref(&memory)).unwrap();
        assert_eq!(opened[0].keys().lengths.len(), angles.len());
    }
}

/// Three keys near the first axis, three near the second.
fn two_things(config: &Config) -> PictureMemory {
    let keys = [[127, 0, 0, 0], [120, 9, 0, 0], [110, 0, 30, 0]];
    let others = [[0, 127, 0, 0], [9, 120, 0, 0], [0, 110, 30, 0]];
    testing::memory(config, &keys.into_iter().chain(others).enumerate().collect::<Vec<_>>())
}

#[test]
fn every_slot_gets_each_thing_that_is_joined() {
    let config = testing::config();
    let (memory, request) = (two_things(&config), MemoryRequest::default());
    let search = search(&memory, &request);
    let asked = Asked {
        whole: &[1.0, 1.0, 0.0, 0.0],
        things: &[&[1.0, 0.0, 0.0, 0.0], &[0.0, 1.0, 0.0, 0.0]],
        style: None,
    };
    let found = Candidates::of_each(&search, asked, &config.memory, &request);
    assert_eq!(found.len(), 2);
    for seed in 0..20 {
        let drawn = Candidates::draw_each(&found, seed);
        for (slot, of_slot) in drawn.iter().enumerate() {
            assert!(of_slot.iter().all(|drawn| drawn.slot == slot));
            let is_first: Vec<bool> = of_slot.iter().map(|drawn| index(&drawn.found) < 3).collect();
            assert_eq!(is_first, [true, false], "seed {seed}");
        }
        let entries: HashSet<EntryId> = drawn.iter().flatten().map(|it| it.found.entry).collect();
        assert_eq!(entries.len(), 6, "none is used twice");
    }
}

#[test]
fn a_picture_of_all_things_is_looked_at_as_of_one() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&ANGLES));
    let request = MemoryRequest::default();
    let search = search(&memory, &request);
    let things: &[&[f32]] = &[&[0.0, 1.0, 0.0, 0.0], &[1.0, 0.0, 0.0, 0.0]];
    let asked = Asked { whole: &PROMPT, things, style: None };
    let found = Candidates::of_each(&search, asked, &config.memory, &request);
    assert_eq!(found, [find(&memory, &config, &request)]);
    let alone: Vec<_> = found[0].draw(7).into_iter().map(|drawn| vec![drawn]).collect();
    assert_eq!(Candidates::draw_each(&found, 7), alone);
    let unlike = Asked { whole: &[0.0, 0.0, 1.0, 0.0], things, style: None };
    assert_eq!(Candidates::of_each(&search, unlike, &config.memory, &request).len(), 2);
}

#[test]
fn things_that_share_their_entries_fill_all_slots() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&[0.0, 0.2, 0.4]));
    let request = MemoryRequest::default();
    let thing: &[f32] = &[1.0, 0.1, 0.0, 0.0];
    let asked = Asked { whole: &[0.0, 0.0, 0.0, 1.0], things: &[thing, thing], style: None };
    let found = Candidates::of_each(&search(&memory, &request), asked, &config.memory, &request);
    let drawn = Candidates::draw_each(&found, 1);
    assert_eq!(drawn.len(), 3);
    for of_slot in drawn {
        assert_eq!(of_slot.len(), 2);
        assert_ne!(of_slot[0].found.entry, of_slot[1].found.entry);
    }
    let memory = testing::memory(&config, &fan(&[0.0]));
    let found = Candidates::of_each(&search(&memory, &request), asked, &config.memory, &request);
    let drawn = Candidates::draw_each(&found, 1);
    assert_eq!(drawn[0][0], drawn[0][1], "there is no other");
}
