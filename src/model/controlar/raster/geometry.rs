//! Which network a file holds, told by the names and shapes of its tensors.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::ModelError;
use crate::model::controlar::config::{
    self, ControlConfig, ControlResize, DinoConfig, LlamaGenConfig, PrefixKind, Vq16Config, parse,
};
use crate::model::controlar::control::CELL_PX;
use crate::model::weights::Checkpoint;
use crate::params::PictureSize;

/// Tokens of the largest picture of the checkpoints that take several sizes.
const MANY_TOKENS: usize = 1024;
/// Most rows and columns of a picture.
const MAX_SIDE: usize = 256;
/// Places where control is added, evenly over the depth.
const N_FUSIONS: usize = 3;

/// Dimensions of a raster model.
#[derive(Debug, Clone, PartialEq)]
pub struct Geometry {
    pub transformer: LlamaGenConfig,
    pub control: Option<ControlConfig>,
    /// Whether pictures may have any sides of whole cells, up to the transformer's tokens.
    pub takes_any_size: bool,
}

/// Names with their shapes.
struct Shapes<'a>(BTreeMap<&'a str, &'a [usize]>);

impl Geometry {
    /// Of a file called `name`. What shapes cannot tell (heads, the grid of models without control)
    /// is what published models have, or what `config` says, a `config.json` of such a model.
    ///
    /// # Errors
    /// [`ModelError::Config`] if it is no transformer of this kind, naming what is amiss.
    pub fn of_transformer(
        checkpoint: &Checkpoint,
        name: &str,
        resize: ControlResize,
        config: Option<&str>,
    ) -> Result<Self, ModelError> {
        let shapes = Shapes(checkpoint.tensors().collect());
        let has_control = shapes.find("adapter.model.embeddings.cls_token").is_some();
        let (transformer, control) = if let Some(json) = config {
            let control = has_control.then(|| parse::<ControlConfig>(json)).transpose()?;
            (parse::<LlamaGenConfig>(json)?, control)
        } else {
            let transformer = shapes.transformer(name)?;
            let n_layers = transformer.n_layers;
            let control = has_control.then(|| shapes.control(resize, n_layers)).transpose()?;
            (transformer, control)
        };
        // Several sizes take the tables of the largest, or the name says it.
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let says_so = words.into_iter().any(|word| word.eq_ignore_ascii_case("MR"));
        let takes_any_size = has_control && (says_so || transformer.max_tokens() > MANY_TOKENS);
        Ok(Self { transformer, control, takes_any_size })
    }

    /// Of a picture tokenizer.
    ///
    /// # Errors
    /// [`ModelError::Config`] if it is none of this kind.
    pub fn of_tokenizer(checkpoint: &Checkpoint) -> Result<Vq16Config, ModelError> {
        let shapes = Shapes(checkpoint.tensors().collect());
        shapes.tokenizer().ok_or_else(|| ModelError::Config {
            reason: "the file with the picture tokenizer holds no VQ-16; use vq_ds16_t2i.pt for \
                     prompts or vq_ds16_c2i.pt for classes"
                .to_owned(),
        })
    }

    /// Rows and columns of pictures of this size; without one, what the model was trained on.
    ///
    /// # Errors
    /// [`ModelError::Request`] naming the sizes that it can draw.
    pub fn grid(&self, size: Option<PictureSize>) -> Result<(usize, usize), ModelError> {
        let side = self.transformer.grid_side;
        let max_tokens = self.transformer.max_tokens();
        let fail = |reason: String| Err(ModelError::Request { reason });
        let Some(PictureSize { width_px, height_px }) = size else {
            // Several sizes were trained around 512 pixels.
            let side = if self.takes_any_size { side.min(MANY_TOKENS.isqrt()) } else { side };
            return Ok((side, side));
        };
        if !self.takes_any_size {
            let side_px = side * CELL_PX;
            if (width_px, height_px) == (side_px, side_px) {
                return Ok((side, side));
            }
            return fail(format!(
                "this model draws pictures of {side_px} × {side_px} pixels and no others, not \
                 {width_px} × {height_px}; canny_MR and depth_MR draw several sizes"
            ));
        }
        let is_whole = width_px.is_multiple_of(CELL_PX) && height_px.is_multiple_of(CELL_PX);
        let (rows, columns) = (height_px / CELL_PX, width_px / CELL_PX);
        let is_known = (1..=MAX_SIDE).contains(&rows) && (1..=MAX_SIDE).contains(&columns);
        if !is_whole || !is_known || rows * columns > max_tokens {
            return fail(format!(
                "this model cannot draw {width_px} × {height_px} pixels: both sides must be \
                 multiples of {CELL_PX}, and the picture no larger than {side} × {side} cells of \
                 {CELL_PX} pixels, such as 512 × 384 or 768 × 768"
            ));
        }
        Ok((rows, columns))
    }
}

impl Shapes<'_> {
    fn find(&self, name: &str) -> Option<&[usize]> {
        self.0.get(name).copied()
    }

    fn last_dim(&self, name: &str) -> Option<usize> {
        self.find(name)?.last().copied()
    }

    fn first_dim(&self, name: &str) -> Option<usize> {
        self.find(name)?.first().copied()
    }

    /// How many different numbers follow `start`.
    fn count(&self, start: &str) -> usize {
        let numbers = self.0.keys().filter_map(|name| name.strip_prefix(start)?.split('.').next());
        numbers.collect::<BTreeSet<_>>().len()
    }

    fn transformer(&self, name: &str) -> Result<LlamaGenConfig, ModelError> {
        let config = || {
            let dim = self.last_dim("tok_embeddings.weight")?;
            let n_codes = self.first_dim("tok_embeddings.weight")?;
            let ffn_dim = self.first_dim("layers.0.feed_forward.w1.weight")?;
            let n_layers = self.count("layers.");
            let uncond = self.find("cls_embedding.uncond_embedding");
            let classes = self.first_dim("cls_embedding.embedding_table.weight");
            let prefix = match (uncond, classes) {
                (Some([n_rows, caption_dim]), _) => {
                    PrefixKind::Text { n_rows: *n_rows, caption_dim: *caption_dim }
                }
                (_, Some(n)) => PrefixKind::Class { n_classes: n.checked_sub(1)? },
                _ => return None,
            };
            // The published sizes with wider heads.
            let head_dim = match dim {
                3200 => 100,
                4096 => 128,
                _ => 64,
            };
            let n_heads = dim / head_dim;
            let base = LlamaGenConfig::text(n_layers, n_heads.max(1), dim, self.grid_side(name));
            let is_whole = n_heads > 0 && dim == n_heads * head_dim && n_layers > 0;
            is_whole.then_some(LlamaGenConfig { ffn_dim, n_codes, prefix, ..base })
        };
        let found: Option<LlamaGenConfig> = config();
        let found = found.ok_or_else(|| ModelError::Config {
            reason: "the file is no LlamaGen or ControlAR transformer, or one of unknown \
                     dimensions; put its config.json beside it under the name of the file"
                .to_owned(),
        })?;
        config::Checked::check(&found).map_err(|reason| ModelError::Config { reason })?;
        Ok(found)
    }

    /// Control tells it by its null; otherwise the name says it in pixels.
    fn grid_side(&self, name: &str) -> usize {
        if let Some(n_tokens) = self.first_dim("condition_mlp.uncond_embedding") {
            return n_tokens.isqrt().max(1);
        }
        let side_px = [256, 384, 512, 768].into_iter().find(|px| name.contains(&px.to_string()));
        let is_text = self.find("cls_embedding.embedding_table.weight").is_none();
        side_px.unwrap_or(if is_text { 512 } else { 256 }) / CELL_PX
    }

    fn control(&self, resize: ControlResize, n_layers: usize) -> Result<ControlConfig, ModelError> {
        let config = || {
            let dim = self.last_dim("adapter.model.embeddings.cls_token")?;
            let positions = self.find("adapter.model.embeddings.position_embeddings")?;
            let side = positions[positions.len().checked_sub(2)?].checked_sub(1)?.isqrt();
            let patch_size =
                self.last_dim("adapter.model.embeddings.patch_embeddings.projection.weight")?;
            let hidden = self.first_dim("adapter.model.encoder.layer.0.mlp.fc1.weight")?;
            let n_fusions = self.count("condition_layers.").min(n_layers);
            (n_fusions == N_FUSIONS && dim >= 64).then(|| ControlConfig {
                dino: DinoConfig {
                    dim,
                    n_layers: self.count("adapter.model.encoder.layer."),
                    n_heads: dim / 64,
                    image_size: side * patch_size,
                    patch_size,
                    mlp_ratio: hidden / dim,
                    layer_norm_eps: 1e-6,
                },
                resize,
                fusion_layers: (0..n_fusions).map(|i| i * (n_layers / n_fusions)).collect(),
            })
        };
        let found: Option<ControlConfig> = config();
        let found = found.ok_or_else(|| ModelError::Config {
            reason: "the control of the file is not that of ControlAR; get the file again from \
                     wondervictor/ControlAR on huggingface.co"
                .to_owned(),
        })?;
        config::Checked::check(&found).map_err(|reason| ModelError::Config { reason })?;
        Ok(found)
    }

    fn tokenizer(&self) -> Option<Vq16Config> {
        let ch = self.first_dim("encoder.conv_in.weight")?;
        let n_levels = self.count("encoder.conv_blocks.");
        let factors = |side: &str| -> Option<Vec<usize>> {
            let width = |i| self.first_dim(&format!("{side}.conv_blocks.{i}.res.0.conv1.weight"));
            (0..n_levels).map(|i| Some(width(i)? / ch.max(1))).collect()
        };
        let mut decoder_ch_mult = factors("decoder")?;
        // From the picture inwards; names of the decoder run outwards.
        decoder_ch_mult.reverse();
        let codebook = self.find("quantize.embedding.weight")?;
        let config = Vq16Config {
            ch,
            encoder_ch_mult: factors("encoder")?,
            decoder_ch_mult,
            num_res_blocks: self.count("encoder.conv_blocks.0.res."),
            z_channels: *self.find("quant_conv.weight")?.get(1)?,
            codebook_size: *codebook.first()?,
            codebook_embed_dim: *codebook.get(1)?,
            ..Vq16Config::published()
        };
        config::Checked::check(&config).ok().map(|()| config)
    }
}
