//! The transformer of LlamaGen, class- and text-conditional: a picture is drawn code by code, row
//! by row.
//!
//! The rotary table has zeros for the rows in front of the picture, so their queries and keys are
//! exactly zero. A row of the prefix therefore attends evenly to all it may see, and a token of the
//! picture gives every visible row of the prefix the same weight. That is why [`Run`] keeps of the
//! whole prefix one value per layer, its mean, and no key at all.

mod rotary;
mod matrix;
mod attend;
mod block;
mod run;

use candle_core::{Device, Result, Tensor, bail};
use candle_nn::VarBuilder;

use super::config::{LlamaGenConfig, PrefixKind};
use super::mlp::Mlp;
use super::precision::Precision;
use crate::model::ops::rms_norm;
use block::Block;
use matrix::Matrix;
pub use rotary::Rotary;
pub use run::{Fusion, Run, sees};

/// The transformer with its weights.
#[derive(Debug)]
pub struct LlamaGen {
    config: LlamaGenConfig,
    /// (K, D)
    tok_embeddings: Tensor,
    condition: Condition,
    blocks: Vec<Block>,
    norm: Tensor,
    output: Matrix,
    rotary: Rotary,
    device: Device,
    precision: Precision,
}

#[derive(Debug)]
enum Condition {
    /// (classes + 1, D)
    Classes(Tensor),
    Captions {
        cap_proj: Box<Mlp>,
        /// The null prompt, embedded: (P, D).
        null: Tensor,
    },
}

/// What stands in front of the pictures, embedded: one row of (P, D) per row of the batch.
#[derive(Debug, Clone)]
pub struct Prefix {
    /// (R, P, D); what is visible stands at the end.
    pub rows: Tensor,
    /// How many of the P rows are visible, at least one.
    pub n_visible: Vec<usize>,
}

impl LlamaGen {
    /// Loads the transformer, its matrices in `precision`, each converted as it is read.
    ///
    /// # Errors
    /// A missing or mis-shaped tensor.
    pub fn load(config: LlamaGenConfig, vb: &VarBuilder<'_>, precision: Precision) -> Result<Self> {
        let dim = config.dim;
        let cls = vb.pp("cls_embedding");
        let condition = match config.prefix {
            PrefixKind::Class { n_classes } => {
                Condition::Classes(cls.get((n_classes + 1, dim), "embedding_table.weight")?)
            }
            PrefixKind::Text { n_rows, caption_dim } => {
                let cap_proj = Box::new(Mlp::load(&cls.pp("cap_proj"), caption_dim, dim)?);
                let null =
                    cap_proj.forward(&cls.get((n_rows, caption_dim), "uncond_embedding")?)?;
                Condition::Captions { cap_proj, null }
            }
        };
        let blocks = (0..config.n_layers)
            .map(|idx| Block::load(&config, &vb.pp(format!("layers.{idx}")), precision))
            .collect::<Result<_>>()?;
        let output = vb.get((config.n_codes, dim), "output.weight")?;
        Ok(Self {
            tok_embeddings: vb.get((config.n_codes, dim), "tok_embeddings.weight")?,
            condition,
            blocks,
            norm: vb.get(dim, "norm.weight")?,
            output: Matrix::new(&output, precision.max(Precision::Q8))?,
            rotary: Rotary::new(&config, vb.device())?,
            device: vb.device().clone(),
            config,
            precision,
        })
    }

    pub fn config(&self) -> &LlamaGenConfig {
        &self.config
    }

    /// How its matrices are held.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    pub fn rotary(&self) -> &Rotary {
        &self.rotary
    }

    /// The prefix of prompts. `captions` (B, P, C) come from the text encoder; `n_visible` of the
    /// rows of each picture, its last, hold its prompt, and the others are zero. With guidance the
    /// null prompt follows, of which each picture sees as much as of its own.
    ///
    /// # Errors
    /// Another shape, a class model, or what the computation reports.
    pub fn prefix_of_captions(
        &self,
        captions: &Tensor,
        n_visible: &[usize],
        is_guided: bool,
    ) -> Result<Prefix> {
        let Condition::Captions { cap_proj, null } = &self.condition else {
            bail!("a model of classes takes no prompts");
        };
        let (n_pictures, n_rows, _) = captions.dims3()?;
        if n_visible.len() != n_pictures || n_visible.iter().any(|n| !(1..=n_rows).contains(n)) {
            bail!("{n_visible:?} are not numbers of visible rows of {:?}", captions.dims());
        }
        let rows = cap_proj.forward(captions)?;
        if !is_guided {
            return Ok(Prefix { rows, n_visible: n_visible.to_vec() });
        }
        // The visible rows are the last of both.
        let null = null.narrow(0, null.dim(0)? - n_rows, n_rows)?;
        let null = null.unsqueeze(0)?.broadcast_as(rows.dims())?;
        Ok(Prefix { rows: Tensor::cat(&[&rows, &null], 0)?, n_visible: n_visible.repeat(2) })
    }

    /// The prefix of class labels, with guidance followed by that of no class.
    ///
    /// # Errors
    /// An unknown label, a text model, or what the computation reports.
    pub fn prefix_of_classes(&self, labels: &[u32], is_guided: bool) -> Result<Prefix> {
        let Condition::Classes(table) = &self.condition else {
            bail!("a model of prompts takes no classes");
        };
        let null = table.dim(0)? as u32 - 1;
        if let Some(label) = labels.iter().find(|label| **label > null) {
            bail!("class {label} is not one of {null}");
        }
        let mut labels = labels.to_vec();
        if is_guided {
            labels.extend(vec![null; labels.len()]);
        }
        let n_visible = vec![1; labels.len()];
        let rows = table.index_select(&Tensor::new(labels, &self.device)?, 0)?;
        Ok(Prefix { rows: rows.unsqueeze(1)?, n_visible })
    }

    /// Final norm: (…, D) → (…, D).
    fn normed(&self, x: &Tensor) -> Result<Tensor> {
        rms_norm(x, &self.norm, self.config.norm_eps as f32)
    }
}
