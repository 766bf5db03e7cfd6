//! In how many bits the matrices of a transformer are held. Activations and sums are F32 always.

use std::fmt;
use std::str::FromStr;

use candle_core::quantized::GgmlDType;

use super::config::{LlamaGenConfig, PrefixKind};
use crate::model::weights::Checkpoint;

/// How the matrices of a transformer are held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Precision {
    /// 4 bits with a factor and an offset per 32 weights; the output layer in 8 bits.
    Q4,
    /// 8 bits with a factor per 32 weights.
    Q8,
    /// The upper half of F32: what the published models were run in.
    Bf16,
    /// As the published files have it.
    F32,
}

impl Precision {
    /// From the smallest to the most exact.
    pub const ALL: [Self; 4] = [Self::Q4, Self::Q8, Self::Bf16, Self::F32];

    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Q4 => "q4",
            Self::Q8 => "q8",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
        }
    }

    /// The precision that holds the matrices of a file in few bits as they are: 4 bits for `Q4_0`
    /// and `Q4_1`, 8 for `Q8_0`; other blocks come closest in 8 too. `None` if the file holds them
    /// value by value.
    pub fn of_file(file: &Checkpoint) -> Option<Self> {
        let blocks = file.blocks_of("layers.0.attention.wqkv.weight")?;
        let is_four = matches!(blocks, GgmlDType::Q4_0 | GgmlDType::Q4_1);
        Some(if is_four { Self::Q4 } else { Self::Q8 })
    }

    /// Bytes that a matrix of `n` weights takes, about.
    pub fn bytes(self, n: usize) -> usize {
        match self {
            Self::Q4 => n / 32 * 20,
            Self::Q8 => n / 32 * 34,
            Self::Bf16 => n * 2,
            Self::F32 => n * 4,
        }
    }

    /// Bytes of a transformer with its matrices in this precision, without what a run remembers.
    pub fn weight_bytes(self, config: &LlamaGenConfig) -> usize {
        let LlamaGenConfig { dim, ffn_dim, n_codes, n_layers, prefix, .. } = *config;
        let block = self.bytes(4 * dim * dim) + self.bytes(3 * ffn_dim * dim);
        let output = self.max(Self::Q8).bytes(n_codes * dim);
        let condition = match prefix {
            PrefixKind::Class { n_classes } => (n_classes + 1) * dim,
            PrefixKind::Text { caption_dim, .. } => (caption_dim + dim) * dim,
        };
        // The table of codes and the layers of the condition stay as exact as they are read.
        n_layers * block + output + 4 * (n_codes * dim + condition)
    }

    /// Bytes of what a run of `n_rows` rows (two per picture with guidance) remembers of `n_tokens`.
    pub fn cache_bytes(config: &LlamaGenConfig, n_rows: usize, n_tokens: usize) -> usize {
        let numbers = 2 * config.n_layers * n_rows * n_tokens * config.dim;
        2 * numbers + numbers / config.head_dim * 4
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|precision| precision.name() == text);
        found.ok_or_else(|| format!("{text} is no precision; choose q4, q8, bf16 or f32"))
    }
}
