//! Dimensions of the raster models, as `config.json` files name them, and of the published ones.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::model::ModelError;

/// More than any dimension of these models; products of three stay far from overflow.
const MAX_DIM: usize = 1 << 20;

/// The transformer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "RawLlamaGen")]
pub struct LlamaGenConfig {
    pub n_layers: usize,
    pub n_heads: usize,
    pub dim: usize,
    pub head_dim: usize,
    pub ffn_dim: usize,
    pub norm_eps: f64,
    pub rope_base: f64,
    pub n_codes: usize,
    /// Side of the square grid that the rotary table belongs to.
    pub grid_side: usize,
    pub prefix: PrefixKind,
}

/// What stands in front of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrefixKind {
    /// One row, of a class; row `n_classes` of the table is that of no class.
    Class { n_classes: usize },
    /// Rows of the text encoder, `caption_dim` values each, the prompt at their end.
    Text { n_rows: usize, caption_dim: usize },
}

/// What ControlAR adds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ControlConfig {
    pub dino: DinoConfig,
    pub resize: ControlResize,
    /// Blocks before which a control table is added.
    pub fusion_layers: Vec<usize>,
}

/// How a control picture becomes 14 pixels per 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlResize {
    Nearest,
    BicubicAlignCorners,
}

/// The encoder of control pictures.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DinoConfig {
    #[serde(rename = "hidden_size")]
    pub dim: usize,
    #[serde(rename = "num_hidden_layers")]
    pub n_layers: usize,
    #[serde(rename = "num_attention_heads")]
    pub n_heads: usize,
    /// Side of the pictures that the position table belongs to.
    pub image_size: usize,
    pub patch_size: usize,
    pub mlp_ratio: usize,
    pub layer_norm_eps: f64,
}

/// The picture tokenizer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Vq16Config {
    /// Channels of the outermost level, before its factor.
    pub ch: usize,
    /// Per level, from the picture inwards.
    pub encoder_ch_mult: Vec<usize>,
    pub decoder_ch_mult: Vec<usize>,
    /// In a level of the encoder; those of the decoder have one more.
    pub num_res_blocks: usize,
    pub z_channels: usize,
    pub codebook_size: usize,
    pub codebook_embed_dim: usize,
    pub codebook_l2_norm: bool,
    pub norm_groups: usize,
    pub norm_eps: f64,
}

/// The text encoder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct T5Config {
    pub vocab_size: usize,
    pub d_model: usize,
    /// Values per head; heads times this need not be `d_model`.
    pub d_kv: usize,
    pub d_ff: usize,
    pub num_layers: usize,
    pub num_heads: usize,
    pub feed_forward_proj: String,
    pub relative_attention_num_buckets: usize,
    #[serde(default = "default_max_distance")]
    pub relative_attention_max_distance: usize,
    pub layer_norm_epsilon: f64,
}

#[derive(Deserialize)]
struct RawLlamaGen {
    n_layer: usize,
    n_head: usize,
    dim: usize,
    #[serde(default = "default_multiple_of")]
    multiple_of: usize,
    ffn_hidden: Option<usize>,
    norm_eps: f64,
    rope_base: f64,
    vocab_size: usize,
    block_size: usize,
    cls_token_num: usize,
    model_type: String,
    caption_dim: Option<usize>,
    num_classes: Option<usize>,
}

fn default_max_distance() -> usize {
    128
}

fn default_multiple_of() -> usize {
    256
}

/// Reads the part of a `config.json` that describes a `T`.
///
/// # Errors
/// [`ModelError::Config`] naming what is missing or contradicts itself.
pub fn parse<T: DeserializeOwned + Checked>(json: &str) -> Result<T, ModelError> {
    let config: T = serde_json::from_str(json)
        .map_err(|error| ModelError::Config { reason: error.to_string() })?;
    config.check().map_err(|reason| ModelError::Config { reason })?;
    Ok(config)
}

/// A configuration that can say what is wrong with it.
pub trait Checked {
    /// # Errors
    /// The reason why no network can have these dimensions.
    fn check(&self) -> Result<(), String>;
}

/// Width of a feed-forward layer: two thirds of 4 · `dim`, up to a multiple.
pub fn ffn_dim(dim: usize, multiple_of: usize) -> usize {
    (8 * dim / 3).next_multiple_of(multiple_of.max(1))
}

impl TryFrom<RawLlamaGen> for LlamaGenConfig {
    type Error = String;

    fn try_from(raw: RawLlamaGen) -> Result<Self, String> {
        positive(&[
            ("n_layer", raw.n_layer),
            ("n_head", raw.n_head),
            ("dim", raw.dim),
            ("multiple_of", raw.multiple_of),
            ("block_size", raw.block_size),
        ])?;
        if !raw.dim.is_multiple_of(raw.n_head) {
            return Err(format!("dim {} does not divide into {} heads", raw.dim, raw.n_head));
        }
        let grid_side = raw.block_size.isqrt();
        if grid_side * grid_side != raw.block_size {
            return Err(format!("block_size {} is not a square", raw.block_size));
        }
        let prefix = match (raw.model_type.as_str(), raw.caption_dim, raw.num_classes) {
            ("t2i", Some(caption_dim), _) => {
                PrefixKind::Text { n_rows: raw.cls_token_num, caption_dim }
            }
            ("c2i", _, Some(n_classes)) if raw.cls_token_num == 1 => {
                PrefixKind::Class { n_classes }
            }
            ("t2i", None, _) => return Err("model_type t2i needs caption_dim".to_owned()),
            ("c2i", ..) => {
                return Err("model_type c2i needs num_classes and cls_token_num 1".to_owned());
            }
            (other, ..) => return Err(format!("model_type is {other}, not t2i or c2i")),
        };
        Ok(Self {
            n_layers: raw.n_layer,
            n_heads: raw.n_head,
            dim: raw.dim,
            head_dim: raw.dim / raw.n_head,
            ffn_dim: raw.ffn_hidden.unwrap_or_else(|| ffn_dim(raw.dim, raw.multiple_of)),
            norm_eps: raw.norm_eps,
            rope_base: raw.rope_base,
            n_codes: raw.vocab_size,
            grid_side,
            prefix,
        })
    }
}

impl LlamaGenConfig {
    /// LlamaGen of a published size with prompts, its tables for `grid_side²` tokens.
    pub fn text(n_layers: usize, n_heads: usize, dim: usize, grid_side: usize) -> Self {
        let prefix = PrefixKind::Text { n_rows: 120, caption_dim: 2048 };
        Self::published(n_layers, n_heads, dim, grid_side, prefix)
    }

    /// LlamaGen of a published size with classes, its tables for `grid_side²` tokens.
    pub fn class(n_layers: usize, n_heads: usize, dim: usize, grid_side: usize) -> Self {
        Self::published(n_layers, n_heads, dim, grid_side, PrefixKind::Class { n_classes: 1000 })
    }

    /// The base of ControlAR: `grid_side` is 32 for 512 pixels, 48 for the checkpoints that take
    /// several sizes.
    pub fn xl_text(grid_side: usize) -> Self {
        Self::text(36, 20, 1280, grid_side)
    }

    fn published(
        n_layers: usize,
        n_heads: usize,
        dim: usize,
        grid_side: usize,
        prefix: PrefixKind,
    ) -> Self {
        Self {
            n_layers,
            n_heads,
            dim,
            head_dim: dim / n_heads,
            ffn_dim: ffn_dim(dim, default_multiple_of()),
            norm_eps: 1e-5,
            rope_base: 10_000.0,
            n_codes: 16_384,
            grid_side,
            prefix,
        }
    }

    /// Rows in front of the picture.
    pub fn n_prefix_rows(&self) -> usize {
        match self.prefix {
            PrefixKind::Class { .. } => 1,
            PrefixKind::Text { n_rows, .. } => n_rows,
        }
    }

    /// Most tokens that a picture can have.
    pub fn max_tokens(&self) -> usize {
        self.grid_side * self.grid_side
    }
}

impl ControlConfig {
    /// Of a published checkpoint: `is_base` with the larger encoder.
    pub fn published(is_base: bool, resize: ControlResize) -> Self {
        let (dim, n_heads) = if is_base { (768, 12) } else { (384, 6) };
        Self {
            dino: DinoConfig {
                dim,
                n_layers: 12,
                n_heads,
                image_size: 518,
                patch_size: 14,
                mlp_ratio: 4,
                layer_norm_eps: 1e-6,
            },
            resize,
            fusion_layers: vec![0, 12, 24],
        }
    }
}

impl Vq16Config {
    /// The published tokenizer.
    pub fn published() -> Self {
        Self {
            ch: 128,
            encoder_ch_mult: vec![1, 1, 2, 2, 4],
            decoder_ch_mult: vec![1, 1, 2, 2, 4],
            num_res_blocks: 2,
            z_channels: 256,
            codebook_size: 16_384,
            codebook_embed_dim: 8,
            codebook_l2_norm: true,
            norm_groups: 32,
            norm_eps: 1e-6,
        }
    }

    /// Pixels of a picture per token, along a side.
    pub fn patch_px(&self) -> usize {
        1 << (self.encoder_ch_mult.len() - 1)
    }
}

impl T5Config {
    /// The encoder of flan-t5-xl.
    pub fn flan_xl() -> Self {
        Self {
            vocab_size: 32_128,
            d_model: 2048,
            d_kv: 64,
            d_ff: 5120,
            num_layers: 24,
            num_heads: 32,
            feed_forward_proj: "gated-gelu".to_owned(),
            relative_attention_num_buckets: 32,
            relative_attention_max_distance: default_max_distance(),
            layer_norm_epsilon: 1e-6,
        }
    }
}

impl Checked for LlamaGenConfig {
    fn check(&self) -> Result<(), String> {
        positive(&[
            ("ffn_hidden", self.ffn_dim),
            ("vocab_size", self.n_codes),
            ("cls_token_num", self.n_prefix_rows()),
        ])?;
        if let PrefixKind::Text { caption_dim, .. } = self.prefix {
            positive(&[("caption_dim", caption_dim)])?;
        }
        if !self.head_dim.is_multiple_of(4) {
            return Err(format!("heads of {} values cannot be turned in 2-D", self.head_dim));
        }
        finite_positive(&[("norm_eps", self.norm_eps), ("rope_base", self.rope_base)])
    }
}

impl Checked for ControlConfig {
    fn check(&self) -> Result<(), String> {
        let dino = &self.dino;
        positive(&[
            ("dino.hidden_size", dino.dim),
            ("dino.num_hidden_layers", dino.n_layers),
            ("dino.num_attention_heads", dino.n_heads),
            ("dino.patch_size", dino.patch_size),
            ("dino.image_size", dino.image_size / dino.patch_size.max(1)),
            ("dino.mlp_ratio", dino.mlp_ratio),
            ("fusion_layers", self.fusion_layers.len()),
        ])?;
        if !dino.dim.is_multiple_of(dino.n_heads) {
            return Err(format!("dino.hidden_size {} is no multiple of its heads", dino.dim));
        }
        finite_positive(&[("dino.layer_norm_eps", dino.layer_norm_eps)])
    }
}

impl Checked for Vq16Config {
    fn check(&self) -> Result<(), String> {
        positive(&[
            ("ch", self.ch),
            ("z_channels", self.z_channels),
            ("codebook_size", self.codebook_size),
            ("codebook_embed_dim", self.codebook_embed_dim),
            ("norm_groups", self.norm_groups),
            ("num_res_blocks", self.num_res_blocks),
        ])?;
        let n_levels = self.encoder_ch_mult.len();
        if !(1..=8).contains(&n_levels) || self.decoder_ch_mult.len() != n_levels {
            return Err("encoder and decoder need the same number of levels, 1 to 8".to_owned());
        }
        for factor in self.encoder_ch_mult.iter().chain(&self.decoder_ch_mult) {
            positive(&[("ch_mult", *factor)])?;
        }
        finite_positive(&[("norm_eps", self.norm_eps)])
    }
}

impl Checked for T5Config {
    fn check(&self) -> Result<(), String> {
        positive(&[
            ("vocab_size", self.vocab_size),
            ("d_model", self.d_model),
            ("d_kv", self.d_kv),
            ("d_ff", self.d_ff),
            ("num_layers", self.num_layers),
            ("num_heads", self.num_heads),
            ("relative_attention_num_buckets", self.relative_attention_num_buckets / 4),
            ("relative_attention_max_distance", self.relative_attention_max_distance),
        ])?;
        if self.feed_forward_proj != "gated-gelu" {
            let found = &self.feed_forward_proj;
            return Err(format!("feed_forward_proj is {found}, not gated-gelu"));
        }
        finite_positive(&[("layer_norm_epsilon", self.layer_norm_epsilon)])
    }
}

fn positive(dims: &[(&str, usize)]) -> Result<(), String> {
    match dims.iter().find(|(_, dim)| !(1..=MAX_DIM).contains(dim)) {
        Some((name, dim)) => Err(format!("{name} cannot be {dim}")),
        None => Ok(()),
    }
}

fn finite_positive(values: &[(&str, f64)]) -> Result<(), String> {
    match values.iter().find(|(_, value)| !(value.is_finite() && *value > 0.0)) {
        Some((name, value)) => Err(format!("{name} cannot be {value}")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_of_feed_forward_layers_are_the_published_ones() {
        let published = [
            (768, 2048),
            (1024, 2816),
            (1280, 3584),
            (1536, 4096),
            (2560, 6912),
            (2048, 5632),
            (3200, 8704),
            (4096, 11008),
        ];
        for (dim, expected) in published {
            assert_eq!(ffn_dim(dim, 256), expected);
        }
    }

    #[test]
    fn contradictions_are_named() {
        let json = r#"{"n_layer": 3, "n_head": 2, "dim": 64, "norm_eps": 1e-5, "rope_base": 1e4,
            "vocab_size": 256, "block_size": 64, "cls_token_num": 1, "model_type": "c2i",
            "num_classes": 1000}"#;
        let config: LlamaGenConfig = parse(json).unwrap();
        assert_eq!((config.head_dim, config.ffn_dim, config.grid_side), (32, 256, 8));
        for (from, to, word) in [
            ("\"n_head\": 2", "\"n_head\": 5", "heads"),
            ("\"n_head\": 2", "\"n_head\": 0", "n_head"),
            ("\"block_size\": 64", "\"block_size\": 63", "square"),
            ("\"num_classes\": 1000", "\"x\": 1", "num_classes"),
            ("c2i", "i2i", "model_type"),
            ("1e4", "-1", "rope_base"),
            ("\"dim\": 64", "\"dim\": 18446744073709551615", "dim"),
        ] {
            let error = parse::<LlamaGenConfig>(&json.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
