//! Weights of one group to few bits. Rounding what was rounded changes nothing, so a file of
//! rounded weights gives the model that it was written from.

use half::f16;

use super::block::GROUP;

/// The largest whole number in 8 bits; −128 is not used.
const LARGEST_EIGHT: f32 = 127.0;
/// The largest whole number in 4 bits, from 0.
const LARGEST_FOUR: f32 = 15.0;

/// 8 bits: whole numbers and what 1 of them stands for.
#[inline(always)]
pub(in crate::model) fn eight(weights: &[f32; GROUP]) -> (f16, [i8; GROUP]) {
    let mut largest = 0.0_f32;
    for weight in weights {
        largest = largest.max(weight.abs());
    }
    let factor = finite(largest / LARGEST_EIGHT);
    let inverse = inverse_of(factor);
    let mut whole = [0; GROUP];
    for (whole, weight) in whole.iter_mut().zip(weights) {
        let steps = (weight * inverse).round_ties_even();
        *whole = steps.clamp(-LARGEST_EIGHT, LARGEST_EIGHT) as i8;
    }
    (factor, whole)
}

/// 4 bits: whole numbers from 0, what 1 of them stands for, and what 0 stands for.
///
/// Two grids are tried: one that reaches from the smallest weight to the largest, and one around
/// zero. The closer one is taken; the second also keeps files exact that have no offset.
#[inline(always)]
pub(in crate::model) fn four(weights: &[f32; GROUP]) -> (f16, f16, [u8; GROUP]) {
    let (mut smallest, mut largest) = (f32::INFINITY, f32::NEG_INFINITY);
    for weight in weights {
        smallest = smallest.min(*weight);
        largest = largest.max(*weight);
    }
    let span = Grid::new((largest - smallest) / LARGEST_FOUR, smallest);
    // Eight steps to the side where the larger weight is, seven to the other. Counted from there,
    // both numbers are exact.
    let extreme = if -smallest >= largest { smallest } else { largest };
    let around_zero = Grid::new(-extreme / 8.0, extreme).upwards();
    let (of_span, span_error) = span.round(weights);
    let (of_zero, zero_error) = around_zero.round(weights);
    let (grid, steps) =
        if zero_error < span_error { (around_zero, of_zero) } else { (span, of_span) };
    (grid.factor, grid.offset, steps.map(|steps| steps as u8))
}

/// Evenly spaced values for 4 bits.
#[derive(Debug, Clone, Copy)]
struct Grid {
    factor: f16,
    offset: f16,
}

impl Grid {
    #[inline(always)]
    fn new(factor: f32, offset: f32) -> Self {
        Self { factor: finite(factor), offset: finite(offset) }
    }

    /// The same values counted from the smallest, if that is possible without a loss: a grid that
    /// could be either of the two then has one form only.
    #[inline(always)]
    fn upwards(self) -> Self {
        let (factor, offset) = (self.factor.to_f32(), self.offset.to_f32());
        let smallest = LARGEST_FOUR * factor + offset;
        let offset = finite(smallest);
        if factor < 0.0 && offset.to_f32() == smallest {
            return Self { factor: finite(-factor), offset };
        }
        self
    }

    /// Steps from the offset, and the sum of squared errors.
    #[inline(always)]
    fn round(self, weights: &[f32; GROUP]) -> ([f32; GROUP], f32) {
        let (factor, offset) = (self.factor.to_f32(), self.offset.to_f32());
        let inverse = inverse_of(self.factor);
        let mut steps = [0.0_f32; GROUP];
        let mut errors = [0.0_f32; GROUP];
        for ((steps, error), weight) in steps.iter_mut().zip(&mut errors).zip(weights) {
            let nearest = ((weight - offset) * inverse).round_ties_even();
            *steps = nearest.clamp(0.0, LARGEST_FOUR);
            let difference = weight - (*steps * factor + offset);
            *error = difference * difference;
        }
        (steps, errors.iter().sum())
    }
}

/// The nearest number in 16 bits that is not infinite.
#[inline(always)]
fn finite(value: f32) -> f16 {
    f16::from_f32(value.clamp(f16::MIN.to_f32(), f16::MAX.to_f32()))
}

/// 0 for 0.
#[inline(always)]
fn inverse_of(factor: f16) -> f32 {
    if factor == f16::ZERO || factor == f16::NEG_ZERO { 0.0 } else { 1.0 / factor.to_f32() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(step: f32) -> [f32; GROUP] {
        std::array::from_fn(|i| (i as f32 * step).sin() * 0.03)
    }

    #[test]
    fn rounding_twice_is_rounding_once() {
        for step in [0.1, 0.7, 1.3, 2.9, 31.0] {
            let (factor, whole) = eight(&wave(step));
            let rounded = whole.map(|whole| f32::from(whole) * factor.to_f32());
            assert_eq!(eight(&rounded), (factor, whole));
            let (factor, offset, whole) = four(&wave(step));
            let rounded = whole.map(|whole| f32::from(whole) * factor.to_f32() + offset.to_f32());
            assert_eq!(four(&rounded), (factor, offset, whole));
        }
    }

    /// Weights of a file in `Q4_0`, whose steps go from −8 to 7 of a factor of either sign.
    #[test]
    fn steps_around_zero_are_kept() {
        for factor in [0.004, -0.004] {
            let factor = f16::from_f32(factor).to_f32();
            let weights: [f32; GROUP] =
                std::array::from_fn(|i| factor * ([-8.0, 3.0, 0.0, -1.0, 5.0][i % 5]));
            let (step, offset, whole) = four(&weights);
            let values = whole.map(|w| f32::from(w) * step.to_f32() + offset.to_f32());
            assert_eq!(values, weights);
        }
    }

    #[test]
    fn zeros_and_extremes_stay_finite() {
        for value in [0.0, 1e-30, 1e30, -1e30] {
            let (factor, whole) = eight(&[value; GROUP]);
            assert!((f32::from(whole[0]) * factor.to_f32()).is_finite());
            let (factor, offset, whole) = four(&[value; GROUP]);
            assert!((f32::from(whole[0]) * factor.to_f32() + offset.to_f32()).is_finite());
        }
        assert_eq!(eight(&[0.0; GROUP]), (f16::ZERO, [0; GROUP]));
    }
}
