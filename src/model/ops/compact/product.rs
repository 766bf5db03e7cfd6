//! Rows times blocks, shared among threads by tiles of outputs.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{__m128i, __m256, __m256i};

use rayon::prelude::*;

use super::block::{Block, GROUP, Sums, TILE};
use super::rows::Rows;

/// What is added to a product, as large as it.
pub(super) type Residual<'a> = Option<&'a [f32]>;

/// Tasks per thread: enough for a thread that starts late to find something to do.
const TASKS_PER_THREAD: usize = 6;

/// Products that are not worth waking a second thread for.
const SERIAL_PRODUCTS: usize = 1 << 16;

/// Values of an output that one task brings into order.
const VALUES_PER_TASK: usize = 1 << 16;

/// Rows of `in_dim` values times a packed matrix of `out_dim` outputs, plus `residual`.
pub(super) fn product<B: Block>(
    blocks: &[B],
    x: &[f32],
    in_dim: usize,
    out_dim: usize,
    residual: Residual<'_>,
) -> Vec<f32> {
    let rows = Rows::new(x, in_dim, B::ROUNDS_ROWS);
    let n_rows = rows.len();
    let mut out = vec![0.0; n_rows * out_dim];
    if n_rows == 0 {
        return out;
    }
    let n_groups = in_dim.div_ceil(GROUP);
    let n_tiles = out_dim.div_ceil(TILE);
    // (tiles, rows, outputs of a tile): a task writes what lies together.
    let mut tiles = vec![[0.0; TILE]; n_tiles * n_rows];
    let compute = |(sums, blocks): (&mut [[f32; TILE]], &[B])| {
        for (sums, tile) in sums.chunks_exact_mut(n_rows).zip(blocks.chunks_exact(n_groups)) {
            multiply_tile(tile, &rows, sums);
        }
    };
    if n_rows * in_dim * out_dim < SERIAL_PRODUCTS {
        compute((&mut tiles, blocks));
    } else {
        let n_tasks = TASKS_PER_THREAD * rayon::current_num_threads();
        let tiles_per_task = n_tiles.div_ceil(n_tasks);
        let sums = tiles.par_chunks_mut(tiles_per_task * n_rows);
        sums.zip(blocks.par_chunks(tiles_per_task * n_groups)).for_each(compute);
    }
    let collect = |(row, out): (usize, &mut [f32])| {
        let sums = tiles.iter().skip(row).step_by(n_rows);
        for (out, sums) in out.chunks_mut(TILE).zip(sums) {
            out.copy_from_slice(&sums[..out.len()]);
        }
        if let Some(residual) = residual {
            for (out, residual) in out.iter_mut().zip(&residual[row * out_dim..]) {
                *out += residual;
            }
        }
    };
    let rows = out.par_chunks_exact_mut(out_dim).enumerate();
    rows.with_min_len(VALUES_PER_TASK.div_ceil(out_dim)).for_each(collect);
    out
}

/// One tile times all rows.
fn multiply_tile<B: Block>(tile: &[B], rows: &Rows, sums: &mut [[f32; TILE]]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return simd.vectorize(TileByRows { simd, blocks: tile, rows, sums });
    }
    for (idx, sums) in sums.iter_mut().enumerate() {
        *sums = B::multiply_plainly(tile, rows.row(idx));
    }
}

#[cfg(target_arch = "x86_64")]
struct TileByRows<'a, B> {
    simd: pulp::x86::V3,
    blocks: &'a [B],
    rows: &'a Rows,
    sums: &'a mut [[f32; TILE]],
}

#[cfg(target_arch = "x86_64")]
impl<B: Block> pulp::NullaryFnOnce for TileByRows<'_, B> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, blocks: tile, rows, sums } = self;
        let n_in_fours = if B::TAKES_FOUR { sums.len() / 4 * 4 } else { 0 };
        let (fours, sums) = sums.split_at_mut(n_in_fours);
        for (i, sums) in fours.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let [a, b, c, d] = [4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3];
            let four = [rows.row(a), rows.row(b), rows.row(c), rows.row(d)];
            *sums = B::multiply(simd, tile, four);
        }
        let (pairs, last) = sums.as_chunks_mut::<2>();
        let mut first = n_in_fours;
        for sums in pairs {
            *sums = B::multiply(simd, tile, [rows.row(first), rows.row(first + 1)]);
            first += 2;
        }
        if let [sums] = last {
            let one: Sums<1> = B::multiply(simd, tile, [rows.row(first)]);
            [*sums] = one;
        }
    }
}

/// The same pair in all places.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn broadcast(simd: pulp::x86::V3, pair: [i16; 2]) -> __m256i {
    simd.avx._mm256_set1_epi32(bytemuck::cast(pair))
}

/// F16 to F32, for the first eight outputs and for the others.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn factors(simd: pulp::x86::V3, bits: [u16; TILE]) -> [__m256; 2] {
    let [first, second]: [__m128i; 2] = bytemuck::cast(bits);
    [from_f16(simd, first), from_f16(simd, second)]
}

/// The bits of an F16 in place of those of an F32 are its value times 2^-112, as long as it is
/// finite.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn from_f16(simd: pulp::x86::V3, bits: __m128i) -> __m256 {
    let wide = simd.avx2._mm256_slli_epi32::<13>(simd.avx2._mm256_cvtepi16_epi32(bits));
    let sign_and_value = simd.avx._mm256_set1_epi32(0x8fff_e000_u32.cast_signed());
    let small = simd.avx2._mm256_and_si256(wide, sign_and_value);
    let scale = simd.avx._mm256_set1_ps(f32::from_bits(0x7780_0000)); // 2^112
    simd.avx._mm256_mul_ps(bytemuck::cast(small), scale)
}

/// The products of one tile as they grow, group by group.
#[cfg(target_arch = "x86_64")]
pub(super) struct Totals<const ROWS: usize> {
    simd: pulp::x86::V3,
    totals: [[__m256; 2]; ROWS],
}

#[cfg(target_arch = "x86_64")]
impl<const ROWS: usize> Totals<ROWS> {
    #[inline(always)]
    pub(super) fn new(simd: pulp::x86::V3) -> Self {
        Self { simd, totals: [[simd.avx._mm256_setzero_ps(); 2]; ROWS] }
    }

    /// Adds whole sums of a group: times the factors of its weights and that of the row.
    #[inline(always)]
    pub(super) fn add(
        &mut self,
        row: usize,
        sums: [__m256i; 2],
        factors: [__m256; 2],
        of_row: f32,
    ) {
        let avx = self.simd.avx;
        let of_row = avx._mm256_set1_ps(of_row);
        for half in 0..2 {
            let factor = avx._mm256_mul_ps(factors[half], of_row);
            let product = avx._mm256_mul_ps(avx._mm256_cvtepi32_ps(sums[half]), factor);
            self.totals[row][half] = avx._mm256_add_ps(self.totals[row][half], product);
        }
    }

    /// Adds the offsets of a group times the sum of the row's values.
    #[inline(always)]
    pub(super) fn add_offsets(&mut self, row: usize, offsets: [__m256; 2], sum: f32) {
        let avx = self.simd.avx;
        let sum = avx._mm256_set1_ps(sum);
        for (total, offsets) in self.totals[row].iter_mut().zip(offsets) {
            *total = avx._mm256_add_ps(*total, avx._mm256_mul_ps(offsets, sum));
        }
    }

    #[inline(always)]
    pub(super) fn values(self) -> Sums<ROWS> {
        bytemuck::cast_slice(&self.totals).as_chunks().0.try_into().expect("as many totals as rows")
    }
}
