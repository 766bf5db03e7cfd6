//! What loading a model will take, foretold from its list of tensors: before anything is read, so
//! that running out of memory is refused and not suffered.

use super::recognise::{EncoderPart, TransformerKind};
use crate::model::controlar::Precision;
use crate::model::controlar::config::{ControlResize, Vq16Config};
use crate::model::controlar::names;
use crate::model::weights::Wanted;
use crate::protocol::MemoryNeed;

/// Two rows per picture: with and without the prompt.
const N_ROWS: usize = 2;
/// Pictures of the outermost level of the picture decoder that are held at once: the input, the
/// output and what lies between the convolutions of a block.
const N_PLANES: usize = 5;
/// What the picture decoder holds for each byte of its weights, in hundredths: kernels are kept the way
/// that they are multiplied in too. Measured: 443 MB of 288.
const DECODER_PERCENT: u64 = 155;
/// The program itself with its window, beside any model.
const BESIDE: u64 = 120 << 20;

/// What a transformer of this kind takes at each precision, from the smallest. `grid_side` is that
/// of the largest picture. Nothing if no network can have these dimensions.
pub(super) fn needs(
    kind: &TransformerKind,
    grid_side: usize,
    encoder: Option<&EncoderPart>,
) -> Vec<MemoryNeed> {
    let Ok(config) = kind.config(grid_side) else { return Vec::new() };
    let control = kind.control_config(ControlResize::Nearest).ok().flatten();
    let control = control.map_or(0, |control| bytes(&names::control(&control, kind.dim)));
    let decoder = Vq16Config::published();
    let n_tokens = grid_side * grid_side;
    let n_pixels = n_tokens * decoder.patch_px() * decoder.patch_px();
    let planes = (N_PLANES * decoder.ch * n_pixels * 4) as u64;
    let cache = Precision::cache_bytes(&config, N_ROWS, n_tokens) as u64;
    let beside = bytes(&names::vq16(&decoder)) * DECODER_PERCENT / 100 + control + BESIDE;
    let needs = Precision::ALL.map(|precision| MemoryNeed {
        precision: precision.name(),
        weights: precision.weight_bytes(&config) as u64 + beside,
        prompt: if kind.is_text { encoder.map_or(0, EncoderPart::memory) } else { 0 },
        drawing: cache + planes,
    });
    needs.to_vec()
}

/// Of tensors that are held in F32.
fn bytes(tensors: &[Wanted]) -> u64 {
    tensors.iter().map(|tensor| 4 * tensor.n_elements() as u64).sum()
}

impl EncoderPart {
    /// Bytes that it takes while it reads a prompt: it is read block by block, and of the table of
    /// words only the rows of the prompt. Blocks of GGUF files stay as they are stored, single values
    /// are held in F32; one block is read while the one before is still there.
    pub(super) fn memory(&self) -> u64 {
        let is_in_blocks = self.n_bytes < 2 * self.n_parameters;
        let whole = if is_in_blocks { self.n_bytes } else { 4 * self.n_parameters };
        2 * whole / self.layers.len().max(1) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::recognise::ControlEncoder;

    fn xl() -> TransformerKind {
        TransformerKind {
            n_layers: 36,
            dim: 1280,
            ffn_dim: 3584,
            n_codes: 16_384,
            is_text: true,
            condition: (120, 2048),
            control: Some(ControlEncoder::Base),
            n_control_layers: 12,
            grid_side: Some(32),
            ..TransformerKind::default()
        }
    }

    #[test]
    fn what_the_full_size_takes_is_foretold() {
        let needs = needs(&xl(), 32, None);
        let weights = |place: usize| needs[place].weights as f64 / 1e9;
        assert_eq!(
            needs.iter().map(|need| need.precision).collect::<Vec<_>>(),
            ["q4", "q8", "bf16", "f32"]
        );
        // 720 million weights in the matrices, the rest in F32, the decoder and the control.
        assert!((1.2..1.8).contains(&weights(0)), "{}", weights(0));
        assert!((1.5..2.2).contains(&weights(1)), "{}", weights(1));
        assert!((3.8..4.6).contains(&weights(3)), "{}", weights(3));
        // Keys and values of 1024 tokens: 377 MB in 16 bits, and the decoder's planes.
        assert!((0.8e9..1.3e9).contains(&(needs[0].drawing as f64)), "{}", needs[0].drawing);
        assert_eq!(needs[0].prompt, 0);
    }

    #[test]
    fn a_prompt_is_read_block_by_block() {
        let part = EncoderPart {
            n_bytes: 1_100,
            n_parameters: 1_000,
            layers: (0..4).collect(),
            ..EncoderPart::default()
        };
        assert_eq!(part.memory(), 550);
        let half = EncoderPart { n_bytes: 2_000, ..part };
        assert_eq!(half.memory(), 2_000);
        let needs = needs(&xl(), 32, Some(&half));
        assert_eq!(needs[0].prompt, 2_000);
        assert_eq!(needs[0].peak(), needs[0].weights + needs[0].drawing);
    }
}
