//! Where the encoder's tensors come from: any candle loader, or the published files themselves, by
//! the names of transformers and candle or by those of llama.cpp.

use std::path::PathBuf;

use candle_core::quantized::QMatMul;
use candle_core::{Device, Module as _, Result, Tensor};
use candle_nn::VarBuilder;

use crate::model::WeightsError;
use crate::model::controlar::config::T5Config;
use crate::model::controlar::names;
use crate::model::ops::Linear;
use crate::model::weights::{Inventory, Shards, Wanted};

/// Gives the encoder its tensors, by their official names.
pub trait T5Source {
    fn device(&self) -> &Device;

    /// # Errors
    /// A missing, mis-shaped or unreadable tensor.
    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor>;

    /// Rows of a table (V, D): (T, D).
    ///
    /// # Errors
    /// A missing, mis-shaped or unreadable tensor.
    fn rows(&self, name: &str, shape: [usize; 2], ids: &[u32]) -> Result<Tensor>;

    /// A matrix (O, I), as it is stored if that is in blocks.
    ///
    /// # Errors
    /// A missing, mis-shaped or unreadable tensor.
    fn matrix(&self, name: &str, shape: [usize; 2]) -> Result<Matrix>;
}

/// The weights of a linear layer without a bias.
#[derive(Debug)]
pub enum Matrix {
    Float(Linear),
    /// In blocks of few bits; inputs are rounded to 8 bits per product.
    Quantised(QMatMul),
}

impl Matrix {
    /// (…, I) → (…, O).
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Float(linear) => linear.forward(x),
            Self::Quantised(matrix) => matrix.forward(x),
        }
    }

    /// `residual +` [`Self::forward`].
    ///
    /// # Errors
    /// Another shape, or what the computation reports.
    pub fn forward_add(&self, x: &Tensor, residual: &Tensor) -> Result<Tensor> {
        match self {
            Self::Float(linear) => linear.forward_add(x, residual, None),
            Self::Quantised(matrix) => matrix.forward(x)? + residual,
        }
    }
}

impl T5Source for VarBuilder<'_> {
    fn device(&self) -> &Device {
        self.device()
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.get(shape, name)
    }

    fn rows(&self, name: &str, shape: [usize; 2], ids: &[u32]) -> Result<Tensor> {
        self.get(&shape[..], name)?.index_select(&Tensor::new(ids, self.device())?, 0)
    }

    fn matrix(&self, name: &str, shape: [usize; 2]) -> Result<Matrix> {
        Linear::new(&self.get(&shape[..], name)?, None).map(Matrix::Float)
    }
}

/// The published files of an encoder: safetensors, PyTorch or GGUF.
#[derive(Debug)]
pub struct T5Weights {
    shards: Shards,
    naming: Naming,
    device: Device,
}

/// Whose names a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Naming {
    /// transformers' and candle's.
    Official,
    /// The same, but only the encoder's own name for the table of tokens.
    EncoderTable,
    LlamaCpp,
}

impl T5Weights {
    /// # Errors
    /// Those of [`Shards::open`].
    pub fn open(paths: &[PathBuf], device: &Device) -> std::result::Result<Self, WeightsError> {
        let shards = Shards::open(paths)?;
        let naming = if shards.has("token_embd.weight") {
            Naming::LlamaCpp
        } else if !shards.has(TABLE) && shards.has(ENCODER_TABLE) {
            Naming::EncoderTable
        } else {
            Naming::Official
        };
        Ok(Self { shards, naming, device: device.clone() })
    }

    /// Compares with what the encoder needs, before anything is read.
    ///
    /// # Errors
    /// [`WeightsError::Inventory`].
    pub fn check(&self, config: &T5Config) -> std::result::Result<Inventory, WeightsError> {
        let wanted: Vec<Wanted> = names::t5(config)
            .into_iter()
            .map(|Wanted { name, shape }| Wanted::new(self.naming.stored(&name), shape))
            .collect();
        let ignored: &[&str] = match self.naming {
            Naming::Official | Naming::EncoderTable => &names::IGNORED_T5,
            Naming::LlamaCpp => &["dec.", "output.weight"],
        };
        self.shards.check(&wanted, ignored)
    }
}

impl T5Source for T5Weights {
    fn device(&self) -> &Device {
        &self.device
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Tensor> {
        self.shards.tensor(&self.naming.stored(name), shape, &self.device)
    }

    fn rows(&self, name: &str, shape: [usize; 2], ids: &[u32]) -> Result<Tensor> {
        self.shards.rows(&self.naming.stored(name), shape, ids, &self.device)
    }

    fn matrix(&self, name: &str, shape: [usize; 2]) -> Result<Matrix> {
        let stored = self.naming.stored(name);
        if let Some(matrix) = self.shards.quantised(&stored, &shape, &self.device)? {
            return QMatMul::from_qtensor(matrix).map(Matrix::Quantised);
        }
        Linear::new(&self.tensor(name, &shape)?, None).map(Matrix::Float)
    }
}

const TABLE: &str = "shared.weight";
const ENCODER_TABLE: &str = "encoder.embed_tokens.weight";

/// Parts of names: official, and llama.cpp's.
const PARTS: [(&str, &str); 10] = [
    ("layer.0.SelfAttention.q", "attn_q"),
    ("layer.0.SelfAttention.k", "attn_k"),
    ("layer.0.SelfAttention.v", "attn_v"),
    ("layer.0.SelfAttention.o", "attn_o"),
    ("layer.0.SelfAttention.relative_attention_bias", "attn_rel_b"),
    ("layer.0.layer_norm", "attn_norm"),
    ("layer.1.DenseReluDense.wi_0", "ffn_gate"),
    ("layer.1.DenseReluDense.wi_1", "ffn_up"),
    ("layer.1.DenseReluDense.wo", "ffn_down"),
    ("layer.1.layer_norm", "ffn_norm"),
];

impl Naming {
    /// The name in the file of the tensor of an official name.
    fn stored(self, name: &str) -> String {
        match self {
            Self::EncoderTable if name == TABLE => ENCODER_TABLE.to_owned(),
            Self::Official | Self::EncoderTable => name.to_owned(),
            Self::LlamaCpp => llama_cpp_name(name).unwrap_or_else(|| name.to_owned()),
        }
    }
}

fn llama_cpp_name(name: &str) -> Option<String> {
    match name {
        TABLE => return Some("token_embd.weight".to_owned()),
        "encoder.final_layer_norm.weight" => return Some("enc.output_norm.weight".to_owned()),
        _ => {}
    }
    let (block, part) =
        name.strip_prefix("encoder.block.")?.strip_suffix(".weight")?.split_once('.')?;
    let (_, theirs) = PARTS.iter().find(|(ours, _)| *ours == part)?;
    Some(format!("enc.blk.{block}.{theirs}.weight"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tensor_has_a_name_in_llama_cpp() {
        for Wanted { name, .. } in names::t5(&T5Config::flan_xl()) {
            assert!(llama_cpp_name(&name).is_some(), "{name}");
        }
        assert_eq!(
            llama_cpp_name("encoder.block.23.layer.1.DenseReluDense.wi_0.weight").unwrap(),
            "enc.blk.23.ffn_gate.weight"
        );
    }
}
