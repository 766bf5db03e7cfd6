//! Pictures of the tree in words.

use super::words::Words;
use crate::state::{Node, Origin};

/// How it came about, in a few words.
pub(super) fn origin(node: &Node) -> String {
    let about = &node.about;
    match about.origin {
        Origin::Generated => "Generated".to_owned(),
        Origin::Live => "Drawn live".to_owned(),
        Origin::Stopped => format!("Stopped at {}", node.ids.len()),
        Origin::Continued => format!("Continued from {}", about.n_given),
        Origin::ReRolled => format!("Re-rolled from {}", about.n_given),
        Origin::Edited => format!("Edited from {}", about.n_given),
        Origin::Encoded => "From a picture".to_owned(),
        Origin::Finished => "From the sheet".to_owned(),
        Origin::Opened => "Opened".to_owned(),
    }
}

/// `Seed 7`, or which scales had which: `Seeds 7 (scales 1–3), 12 (4–8)`.
pub(super) fn seeds(node: &Node) -> String {
    seeds_of(&node.about.seeds, Words::of_ids(&node.ids))
}

fn seeds_of(seeds: &[u64], words: &Words) -> String {
    let mut runs: Vec<(u64, usize, usize)> = Vec::new();
    for (scale_idx, seed) in seeds.iter().enumerate() {
        match runs.last_mut() {
            Some((same, _, end)) if same == seed => *end = scale_idx + 1,
            _ => runs.push((*seed, scale_idx + 1, scale_idx + 1)),
        }
    }
    let [(seed, ..)] = runs[..] else {
        let span = |from: usize, to: usize| {
            if from == to { from.to_string() } else { format!("{from}–{to}") }
        };
        let texts = runs.iter().enumerate().map(|(idx, (seed, from, to))| {
            let word = if idx == 0 { format!("{} ", words.many) } else { String::new() };
            format!("{seed} ({word}{})", span(*from, *to))
        });
        return format!("Seeds {}", texts.collect::<Vec<_>>().join(", "));
    };
    format!("Seed {seed}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::DecodingOrder;

    #[test]
    fn seeds_are_told_once_per_run_of_scales() {
        let [scales, rows] = [DecodingOrder::NextScale, DecodingOrder::Raster].map(Words::of);
        assert_eq!(seeds_of(&[7; 8], scales), "Seed 7");
        assert_eq!(seeds_of(&[7, 7, 7, 12, 12], scales), "Seeds 7 (scales 1–3), 12 (4–5)");
        assert_eq!(seeds_of(&[7, 12], scales), "Seeds 7 (scales 1), 12 (2)");
        assert_eq!(seeds_of(&[7, 7, 12], rows), "Seeds 7 (rows 1–2), 12 (3)");
    }
}
