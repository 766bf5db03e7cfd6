//! Ranking and drawing on small memories.

use std::collections::HashSet;
use std::sync::Arc;

use super::*;
use crate::imaging::RgbaImage;
use crate::model::Config;
use crate::model::memory::testing;

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
    Candidates::find(memory, &PROMPT, &config.memory, request)
}

fn entries(candidates: &Candidates) -> Vec<usize> {
    candidates.matches.iter().map(|candidate| candidate.entry_idx).collect()
}

#[test]
fn the_most_similar_are_candidates() {
    let config = testing::config();
    let memory = testing::memory(&config, &fan(&ANGLES));
    let candidates = find(&memory, &config, &MemoryRequest::default());
    assert_eq!(entries(&candidates), RANKED[..6]);
    for found in &candidates.matches {
        let expected = ANGLES[found.entry_idx].cos();
        assert!((found.similarity - expected).abs() < 0.01, "{found:?} is not {expected}");
    }
}

#[test]
fn similarity_is_the_cosine() {
    let config = testing::config();
    let keys = [[127, 0, 0, 0], [-64, 0, 0, 0], [0, 9, 0, 0], [0, 0, 0, 0], [30, 40, 0, 0]];
    let memory = testing::memory(&config, &keys.into_iter().enumerate().collect::<Vec<_>>());
    let found = similarities(&memory, &PROMPT);
    for (found, expected) in found.iter().zip([1.0, -1.0, 0.0, 0.0, 0.6]) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }
    for nothing in [[0.0; 4], [f32::NAN; 4], [f32::INFINITY; 4]] {
        assert_eq!(similarities(&memory, &nothing), [0.0; 5]);
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
    let best = candidates.matches[0].similarity;
    let weight =
        |found: &Match| f64::from((found.similarity - best) / config.memory.draw_temperature).exp();
    let weights: Vec<f64> = candidates.matches.iter().map(weight).collect();

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
            let rank = entries(&candidates).iter().position(|idx| *idx == drawn.entry_idx);
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
        assert!(drawn.is_sorted_by(|a, b| a.similarity > b.similarity));
        assert_eq!(drawn, candidates.draw(seed));
        sets.insert(drawn.iter().map(|drawn| drawn.entry_idx).collect::<Vec<_>>());
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
        let drawn = Candidates::find(&memory, &PROMPT, &memory_config, &request).draw(7);
        let drawn: Vec<usize> = drawn.iter().map(|drawn| drawn.entry_idx).collect();
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
        let banned = vec![memory.id(drawn[0].entry_idx)];
        let request = MemoryRequest { banned, ..MemoryRequest::default() };
        let after: Vec<usize> = find(&memory, &config, &request)
            .draw(seed)
            .iter()
            .map(|drawn| drawn.entry_idx)
            .collect();
        assert!(drawn[1..].iter().all(|kept| after.contains(&kept.entry_idx)), "seed {seed}");
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
    let candidates = find(&memory, &config, &request);
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
        drawn.iter().map(|drawn| (drawn.slot, drawn.entry_idx)).collect::<Vec<_>>(),
        [(0, 1), (1, 0)]
    );
    let empty = PictureMemory::empty(&config);
    assert!(find(&empty, &config, &MemoryRequest::default()).draw(5).is_empty());
    assert!(find(&memory, &config, &MemoryRequest::off()).draw(5).is_empty());
}
