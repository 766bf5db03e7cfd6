//! Which cells of a style make up a picture: each shows what is wanted there and fits those beside
//! it.
//!
//! Cells chosen one by one are blotches. A picture holds together where two cells that lie side by
//! side did so in a picture of the style as well, or could have: image analogies, Hertzmann et al.
//! 2001, with Ashikhmin's candidates (2001). Seams are lessened by iterated conditional modes, on
//! the fields of one colour of a chessboard at a time, as those have no common seam.

use rayon::prelude::*;

/// Of latents, beside descriptions.
const SEAM_WEIGHT: f32 = 0.015;
/// Cells considered that show nearly what is wanted.
const N_CANDIDATES: usize = 64;
/// Hardly anything changes in later ones.
const N_SWEEPS: usize = 6;
/// Rows down and columns to the right, opposite ones next to each other.
const STEPS: [(isize, isize); 4] = [(-1, 0), (1, 0), (0, -1), (0, 1)];

/// Latents of the cells of pictures, picture by picture, row by row.
#[derive(Debug)]
pub(super) struct Cells {
    /// Of a picture, in each direction.
    pub(super) side: usize,
    pub(super) channels: usize,
    /// (cells, channels)
    pub(super) latents: Vec<f32>,
}

impl Cells {
    /// A cell for each of side² places, given what each of these cells costs in each place
    /// (the less, the better it shows what is wanted).
    pub(super) fn arrange(&self, costs: &[Vec<f32>]) -> Vec<usize> {
        let best: Vec<Vec<usize>> = costs.par_iter().map(|costs| cheapest(costs)).collect();
        let mut chosen: Vec<usize> = best.iter().map(|best| best[0]).collect();
        for _ in 0..N_SWEEPS {
            let before = chosen.clone();
            for colour in [0, 1] {
                let better: Vec<(usize, usize)> = (0..costs.len())
                    .into_par_iter()
                    .filter(|place| (place / self.side + place % self.side) % 2 == colour)
                    .map(|place| (place, self.fitting(place, &chosen, &best[place], &costs[place])))
                    .collect();
                for (place, cell) in better {
                    chosen[place] = cell;
                }
            }
            if chosen == before {
                break;
            }
        }
        chosen
    }

    /// The cell for `place` that costs least with its seams, as its neighbours are now.
    fn fitting(&self, place: usize, chosen: &[usize], best: &[usize], costs: &[f32]) -> usize {
        let neighbours: Vec<(usize, usize)> = (0..STEPS.len())
            .filter_map(|step| Some((step, chosen[self.beside(place, step)?])))
            .collect();
        // What lies beside the neighbours in their own pictures makes no seam with them.
        let follows =
            neighbours.iter().filter_map(|(step, cell)| self.beside(*cell, opposite(*step)));
        let tried = best.iter().copied().chain([chosen[place]]).chain(follows);
        let cost = |cell: usize| {
            let seams: f32 =
                neighbours.iter().map(|(step, beside)| self.seam(cell, *beside, *step)).sum();
            costs[cell] + SEAM_WEIGHT * seams
        };
        let cheapest = tried.map(|cell| (cell, cost(cell))).min_by(|a, b| a.1.total_cmp(&b.1));
        cheapest.map_or(chosen[place], |(cell, _)| cell)
    }

    /// How little `cell` and `other`, one `step` beside it, are what each would have there. Beyond
    /// the edge of its picture a cell goes on as it is.
    fn seam(&self, cell: usize, other: usize, step: usize) -> f32 {
        let beyond = |cell, step| self.beside(cell, step).unwrap_or(cell);
        self.distance(beyond(cell, step), other)
            + self.distance(beyond(other, opposite(step)), cell)
    }

    fn distance(&self, one: usize, other: usize) -> f32 {
        let [one, other] =
            [one, other].map(|cell| &self.latents[cell * self.channels..][..self.channels]);
        one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum()
    }

    /// The cell one step further in the same picture.
    fn beside(&self, cell: usize, step: usize) -> Option<usize> {
        let (down, right) = STEPS[step];
        let row = (cell / self.side % self.side).checked_add_signed(down)?;
        let column = (cell % self.side).checked_add_signed(right)?;
        let is_inside = row < self.side && column < self.side;
        let first = cell - cell % (self.side * self.side);
        is_inside.then(|| first + row * self.side + column)
    }
}

fn opposite(step: usize) -> usize {
    step ^ 1
}

/// The candidates for a place, cheapest first.
fn cheapest(costs: &[f32]) -> Vec<usize> {
    let by_cost = |a: &usize, b: &usize| costs[*a].total_cmp(&costs[*b]).then(a.cmp(b));
    let mut cells: Vec<usize> = (0..costs.len()).collect();
    if cells.len() > N_CANDIDATES {
        cells.select_nth_unstable_by(N_CANDIDATES, by_cost);
        cells.truncate(N_CANDIDATES);
    }
    cells.sort_unstable_by(by_cost);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 3;

    /// Two pictures of one channel: rising from cell to cell, and all 100.
    fn cells() -> Cells {
        let rising = (0..9).map(|value| value as f32);
        Cells { side: SIDE, channels: 1, latents: rising.chain([100.0; 9]).collect() }
    }

    #[test]
    fn what_is_wanted_is_shown() {
        let wanted =
            |place: usize| (0..18).map(|cell| if cell == 17 - place { 0.0 } else { 1e9 }).collect();
        let costs: Vec<Vec<f32>> = (0..9).map(wanted).collect();
        assert_eq!(cells().arrange(&costs), [17, 16, 15, 14, 13, 12, 11, 10, 9]);
    }

    #[test]
    fn where_several_would_do_the_picture_holds_together() {
        // Every place wants its cell of the first picture, but the one in the middle would rather
        // have that of the second.
        let of = |place: usize, cell: usize| match cell {
            13 if place == 4 => 0.0,
            _ if cell == place => 1.0,
            _ => 1e9,
        };
        let costs: Vec<Vec<f32>> =
            (0..9).map(|place| (0..18).map(|cell| of(place, cell)).collect()).collect();
        assert_eq!(cells().arrange(&costs), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn cells_lie_beside_those_of_their_picture() {
        let cells = cells();
        assert_eq!(
            [0, 1, 2, 3].map(|step| cells.beside(13, step)),
            [Some(10), Some(16), Some(12), Some(14)]
        );
        assert_eq!(
            [0, 1, 2, 3].map(|step| cells.beside(9, step)),
            [None, Some(12), None, Some(10)]
        );
        assert_eq!(cells.beside(8, 3), None);
    }
}
