//! DINOv2, the encoder of control pictures, as ControlAR uses it: bicubic positions, LayerNorm with
//! 1e-6, names as in Hugging Face files.

use candle_core::{Result, Tensor, bail};
use candle_nn::VarBuilder;
use candle_nn::ops::layer_norm;

use super::config::DinoConfig;
use super::probe::Probe;
use super::resample::{Method, Size, resample};
use crate::model::ops::{Attention, Linear};

/// The encoder with its weights.
#[derive(Debug)]
pub struct Dino {
    config: DinoConfig,
    /// (1, 1, E)
    cls_token: Tensor,
    /// Of the class token (1, E), and of the patches, channel by channel (E, side, side).
    cls_position: Tensor,
    patch_positions: Vec<f32>,
    projection: Linear,
    layers: Vec<Layer>,
    norm: Norm,
}

#[derive(Debug)]
struct Norm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
}

#[derive(Debug)]
struct Layer {
    norm1: Norm,
    qkv: Linear,
    attention: Attention,
    attention_out: Linear,
    scale1: Tensor,
    norm2: Norm,
    fc1: Linear,
    fc2: Linear,
    scale2: Tensor,
}

impl Dino {
    /// # Errors
    /// A missing or mis-shaped tensor.
    pub fn load(config: DinoConfig, vb: &VarBuilder<'_>) -> Result<Self> {
        let DinoConfig { dim, n_layers, patch_size, image_size, .. } = config;
        let side = image_size / patch_size;
        let embeddings = vb.pp("embeddings");
        let positions = embeddings.get((1, 1 + side * side, dim), "position_embeddings")?;
        let positions = positions.squeeze(0)?;
        let patches = positions.narrow(0, 1, side * side)?.t()?.contiguous()?; // (E, side²)
        let projection = embeddings.pp("patch_embeddings.projection");
        let n_inputs = 3 * patch_size * patch_size;
        let weight = projection.get((dim, 3, patch_size, patch_size), "weight")?;
        let weight = weight.reshape((dim, n_inputs))?;
        Ok(Self {
            cls_token: embeddings.get((1, 1, dim), "cls_token")?,
            cls_position: positions.narrow(0, 0, 1)?,
            patch_positions: patches.flatten_all()?.to_vec1()?,
            projection: Linear::new(&weight, Some(&projection.get(dim, "bias")?))?,
            layers: (0..n_layers)
                .map(|idx| Layer::load(&config, &vb.pp(format!("encoder.layer.{idx}"))))
                .collect::<Result<_>>()?,
            norm: Norm::load(&vb.pp("layernorm"), dim, config.layer_norm_eps)?,
            config,
        })
    }

    /// Pictures (B, 3, H, W) in [−1, 1], sides multiples of the patch, to one row per patch, row by
    /// row: (B, h · w, E).
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn forward(&self, pictures: &Tensor, probe: &mut Probe<'_>) -> Result<Tensor> {
        match self.forward_while(pictures, &|| true, probe)? {
            Some(rows) => Ok(rows),
            None => unreachable!("nobody says no"),
        }
    }

    /// Like [`Self::forward`]; `go_on` is asked before every layer, and once it says no, the result
    /// is `None`.
    ///
    /// # Errors
    /// Those of [`Self::forward`].
    pub fn forward_while(
        &self,
        pictures: &Tensor,
        go_on: &dyn Fn() -> bool,
        probe: &mut Probe<'_>,
    ) -> Result<Option<Tensor>> {
        let (n_pictures, channels, height_px, width_px) = pictures.dims4()?;
        let patch = self.config.patch_size;
        let (height, width) = (height_px / patch, width_px / patch);
        if channels != 3 || height * patch != height_px || width * patch != width_px {
            bail!("pictures of {:?} are not made of patches of {patch} pixels", pictures.dims());
        }
        let cells = pictures
            .reshape((n_pictures, 3, height, patch, width, patch))?
            .permute((0, 2, 4, 1, 3, 5))?
            .contiguous()?
            .reshape((n_pictures, height * width, 3 * patch * patch))?;
        let patches = self.projection.forward(&cells)?;
        probe.see("patch_embed", &patches);
        let positions = self.positions(Size { height, width }, pictures)?;
        probe.see("pos_embed_resampled", &positions);
        let cls = self.cls_token.broadcast_as((n_pictures, 1, self.config.dim))?;
        let mut x = Tensor::cat(&[&cls, &patches], 1)?.broadcast_add(&positions)?;
        probe.see("embeddings", &x);
        for (i, layer) in self.layers.iter().enumerate() {
            if !go_on() {
                return Ok(None);
            }
            x = layer.forward(&x, &mut probe.within(format_args!("layer{i}_")))?;
            probe.see(format_args!("layer{i}"), &x);
        }
        let x = self.norm.forward(&x)?.narrow(1, 1, height * width)?.contiguous()?;
        probe.see("tokens", &x);
        Ok(Some(x))
    }

    /// Positions of the class token and of a grid: (1, 1 + h · w, E).
    fn positions(&self, grid: Size, like: &Tensor) -> Result<Tensor> {
        let dim = self.config.dim;
        let side = self.config.image_size / self.config.patch_size;
        let table = Size { height: side, width: side };
        let resized = resample(&self.patch_positions, table, grid, Method::Bicubic);
        let shape = (dim, grid.height * grid.width);
        let patches = Tensor::from_vec(resized, shape, like.device())?.t()?;
        Tensor::cat(&[&self.cls_position, &patches], 0)?.unsqueeze(0)
    }
}

impl Norm {
    fn load(vb: &VarBuilder<'_>, dim: usize, eps: f64) -> Result<Self> {
        Ok(Self { weight: vb.get(dim, "weight")?, bias: vb.get(dim, "bias")?, eps: eps as f32 })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        layer_norm(&x.contiguous()?, &self.weight, &self.bias, self.eps)
    }
}

impl Layer {
    fn load(config: &DinoConfig, vb: &VarBuilder<'_>) -> Result<Self> {
        let DinoConfig { dim, n_heads, mlp_ratio, layer_norm_eps, .. } = *config;
        let attention = vb.pp("attention.attention");
        let part = |name: &str| {
            let vb = attention.pp(name);
            Ok((vb.get((dim, dim), "weight")?, vb.get(dim, "bias")?))
        };
        let parts = ["query", "key", "value"].into_iter().map(part).collect::<Result<Vec<_>>>()?;
        let (weights, biases): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        Ok(Self {
            norm1: Norm::load(&vb.pp("norm1"), dim, layer_norm_eps)?,
            qkv: Linear::new(&Tensor::cat(&weights, 0)?, Some(&Tensor::cat(&biases, 0)?))?,
            attention: Attention::without_norms(n_heads, dim / n_heads, vb.device())?,
            attention_out: Linear::load(vb.pp("attention.output.dense"), dim, dim)?,
            scale1: vb.get(dim, "layer_scale1.lambda1")?,
            norm2: Norm::load(&vb.pp("norm2"), dim, layer_norm_eps)?,
            fc1: Linear::load(vb.pp("mlp.fc1"), dim, mlp_ratio * dim)?,
            fc2: Linear::load(vb.pp("mlp.fc2"), mlp_ratio * dim, dim)?,
            scale2: vb.get(dim, "layer_scale2.lambda1")?,
        })
    }

    fn forward(&self, x: &Tensor, probe: &mut Probe<'_>) -> Result<Tensor> {
        let normed = self.norm1.forward(x)?;
        probe.see("norm1", &normed);
        let attended = self.attention.within(&self.qkv.forward(&normed)?)?;
        probe.see_with("attn", || self.attention_out.forward(&attended))?;
        let x = self.attention_out.forward_add(&attended, x, Some(&self.scale1))?;
        let hidden = self.fc1.forward(&self.norm2.forward(&x)?)?.gelu_erf()?;
        probe.see_with("mlp", || self.fc2.forward(&hidden))?;
        self.fc2.forward_add(&hidden, &x, Some(&self.scale2))
    }
}
