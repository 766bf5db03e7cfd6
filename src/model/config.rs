//! Dimensions of an embedded-type model, read from its `config.json`. Code holds no dimension of
//! its own; [`Config::parse`] checks what the rest of `model` relies on.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ModelError;
use crate::params::{ControlKind, Sampling};

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Config {
    pub name: String,
    /// Width and height of pictures and control maps, in pixels.
    pub image_size: usize,
    /// Side of the token grid of each scale, coarse to fine; the last is the latent's own side.
    pub scales: Vec<usize>,
    pub tokenizer: TokenizerConfig,
    pub generator: GeneratorConfig,
    pub memory: MemoryConfig,
    pub text: TextConfig,
    #[serde(default)]
    pub sampling: Sampling,
}

/// The multi-scale residual autoencoder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TokenizerConfig {
    pub latent_channels: usize,
    pub codebook_size: usize,
    /// Width of the three stages, from the picture's side to the latent's.
    pub channels: [usize; 3],
    /// Pixels per side that one cell of the outermost stage stands for.
    pub patch: usize,
    pub group_norm_groups: usize,
    pub group_norm_eps: f64,
    pub attention_heads: usize,
    /// Which `phi` convolution smooths each scale.
    pub phi_index: Vec<usize>,
    pub phi_weight: f64,
    pub latent_norm_eps: f64,
}

/// The scale-Markov transformer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct GeneratorConfig {
    pub dim: usize,
    pub depth: usize,
    pub heads: usize,
    pub text_dim: usize,
    pub ffn_dim: usize,
    pub rms_norm_eps: f64,
    pub position_max_frequency: f64,
    /// Blocks before which the control tokens are added.
    pub fusion_layers: Vec<usize>,
    /// Channels per control kind.
    pub control_channels: BTreeMap<ControlKind, usize>,
}

/// The picture memory and the pointer head.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MemoryConfig {
    pub slots: usize,
    /// Side of the grid to which a remembered latent is pooled for attention.
    pub grid: usize,
    pub pointer_dim: usize,
    /// Scales with a side above this point into the full latent grid.
    pub fine_pointer_above: usize,
    /// Best matches among which the slots are drawn.
    pub candidates: usize,
    pub draw_temperature: f32,
}

/// The BERT text encoder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TextConfig {
    pub max_tokens: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    pub vocab_size: usize,
    pub max_position_embeddings: usize,
    pub layer_norm_eps: f64,
}

impl Config {
    /// Reads and checks a `config.json`.
    ///
    /// # Errors
    /// [`ModelError::Config`] naming the field that is missing or contradicts another.
    pub fn parse(json: &str) -> Result<Self, ModelError> {
        let config: Self = serde_json::from_str(json)
            .map_err(|error| ModelError::Config { reason: error.to_string() })?;
        config.check().map_err(|reason| ModelError::Config { reason })?;
        Ok(config)
    }

    /// Side of the latent grid.
    pub fn latent_size(&self) -> usize {
        *self.scales.last().expect("checked: scales are not empty")
    }

    /// Tokens of one picture over all scales.
    pub fn n_tokens(&self) -> usize {
        self.scales.iter().map(|side| side * side).sum()
    }

    fn check(&self) -> Result<(), String> {
        let Self { scales, tokenizer, generator, memory, text, .. } = self;
        let positive = [
            ("image_size", self.image_size),
            ("tokenizer.latent_channels", tokenizer.latent_channels),
            ("tokenizer.patch", tokenizer.patch),
            ("tokenizer.group_norm_groups", tokenizer.group_norm_groups),
            ("tokenizer.attention_heads", tokenizer.attention_heads),
            ("generator.dim", generator.dim),
            ("generator.depth", generator.depth),
            ("generator.heads", generator.heads),
            ("generator.ffn_dim", generator.ffn_dim),
            ("memory.slots", memory.slots),
            ("memory.grid", memory.grid),
            ("memory.pointer_dim", memory.pointer_dim),
            ("memory.candidates", memory.candidates),
            ("text.num_attention_heads", text.num_attention_heads),
        ];
        for (name, value) in positive {
            ensure(value > 0, || format!("{name} must not be 0"))?;
        }
        ensure(!scales.is_empty(), || "scales must not be empty".to_owned())?;
        ensure(scales[0] > 0 && scales.is_sorted_by(|a, b| a < b), || {
            format!("scales must rise from at least 1, but are {scales:?}")
        })?;
        let latent = self.latent_size();
        ensure(latent * tokenizer.patch * 4 == self.image_size, || {
            format!(
                "image_size {} must be 4 × patch {} × the last scale {latent}",
                self.image_size, tokenizer.patch
            )
        })?;
        ensure((2..=1 << 16).contains(&tokenizer.codebook_size), || {
            format!("tokenizer.codebook_size {} must be 2 to 65536", tokenizer.codebook_size)
        })?;
        ensure(tokenizer.phi_index.len() == scales.len(), || {
            format!("tokenizer.phi_index must have {} entries, one per scale", scales.len())
        })?;
        ensure(tokenizer.channels[2].is_multiple_of(tokenizer.attention_heads), || {
            "tokenizer.channels[2] must be a multiple of tokenizer.attention_heads".to_owned()
        })?;
        ensure(
            generator.dim.is_multiple_of(generator.heads) && generator.dim.is_multiple_of(4),
            || format!("generator.dim {} must be a multiple of 4 and of heads", generator.dim),
        )?;
        ensure(
            generator.text_dim == text.hidden_size && text.hidden_size.is_multiple_of(4),
            || {
                format!(
                    "generator.text_dim {} and text.hidden_size {} must be the same multiple of 4",
                    generator.text_dim, text.hidden_size
                )
            },
        )?;
        ensure(generator.fusion_layers.iter().all(|layer| *layer < generator.depth), || {
            format!("generator.fusion_layers must be below depth {}", generator.depth)
        })?;
        for (kind, n_channels) in &generator.control_channels {
            ensure(*n_channels == kind.n_channels(), || {
                format!("control {} has {} channels", kind.name(), kind.n_channels())
            })?;
        }
        ensure(latent.is_multiple_of(memory.grid), || {
            format!("memory.grid {} must divide the last scale {latent}", memory.grid)
        })?;
        ensure((2..=text.max_position_embeddings).contains(&text.max_tokens), || {
            format!("text.max_tokens must be 2 to {}", text.max_position_embeddings)
        })
    }
}

fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}
