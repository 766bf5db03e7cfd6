//! Prompt to vectors: WordPiece and a BERT encoder.
//!
//! Only the tokens of the prompt are computed. The model is specified over rows padded to
//! `max_tokens` with a mask, which gives the same values at the positions that count.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config as BertConfig};
use tokenizers::Tokenizer as WordPiece;

use super::ModelError;
use super::config::TextConfig;
use super::recent::Recent;

/// Longer prompts are cut before they are split into tokens, so that a pasted book costs nothing.
const MAX_CHARS: usize = 10_000;
/// Prompts kept encoded: the history a user moves through, and the empty prompt.
const CACHE_SIZE: usize = 64;

/// An encoded prompt.
#[derive(Debug)]
pub struct TextEncoding {
    /// One vector per token, `[CLS]` and `[SEP]` included: (1, T, H).
    pub hidden: Tensor,
    /// Mean over the tokens, L2-normalised, times √H: (1, H).
    pub pooled: Tensor,
    /// `pooled` at length 1, on the host: what retrieval compares.
    pub key: Vec<f32>,
    /// How many tokens of the prompt did not fit.
    pub n_dropped: usize,
}

pub struct TextEncoder {
    config: TextConfig,
    word_piece: WordPiece,
    bert: BertModel,
    device: Device,
    cache: Recent<String, Arc<TextEncoding>>,
}

impl TextEncoder {
    /// `vb` stands at the prefix `text`.
    ///
    /// # Errors
    /// [`ModelError::Vocabulary`] if `tokenizer_json` is not a tokenizer of this model;
    /// weight errors otherwise.
    pub fn load(
        config: &TextConfig,
        tokenizer_json: &[u8],
        vb: VarBuilder<'_>,
    ) -> Result<Self, ModelError> {
        let vocabulary = |reason: String| ModelError::Vocabulary { reason };
        let mut word_piece = WordPiece::from_bytes(tokenizer_json)
            .map_err(|error| vocabulary(format!("tokenizer.json: {error}")))?;
        word_piece.with_padding(None);
        word_piece.with_truncation(None).map_err(|error| vocabulary(error.to_string()))?;
        // Words that mean the same may have the same number.
        let n_rows = word_piece.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1);
        if n_rows > config.vocab_size {
            return Err(vocabulary(format!(
                "tokenizer.json numbers {n_rows} words, the configuration {}",
                config.vocab_size
            )));
        }
        let device = vb.device().clone();
        let bert = BertModel::load(vb, &bert_config(config))?;
        Ok(Self {
            config: config.clone(),
            word_piece,
            bert,
            device,
            cache: Recent::new(CACHE_SIZE),
        })
    }

    /// Encodes a prompt, or finds it in the cache. The empty prompt is valid.
    ///
    /// # Errors
    /// [`ModelError::Vocabulary`] if the prompt cannot be split; compute errors otherwise.
    pub fn encode(&mut self, prompt: &str) -> Result<Arc<TextEncoding>, ModelError> {
        if let Some(encoding) = self.cache.find(|cached| cached == prompt) {
            return Ok(encoding);
        }
        let encoding = Arc::new(self.compute(prompt)?);
        self.cache.put(prompt.to_owned(), Arc::clone(&encoding));
        Ok(encoding)
    }

    /// [`TextEncoding::key`] of texts that are not going to be asked for again, so they take no
    /// prompt's place in the cache. Several at once take much less time than one by one.
    ///
    /// # Errors
    /// Those of [`Self::encode`].
    pub fn keys(&self, texts: &[impl AsRef<str>]) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut rows = Vec::with_capacity(texts.len());
        for (text_idx, text) in texts.iter().enumerate() {
            rows.push((self.token_ids(text.as_ref())?.0, text_idx));
        }
        // Rows of one length need no mask, and most of the time goes into reading the weights.
        rows.sort_by_key(|(ids, _)| ids.len());
        let mut keys = vec![Vec::new(); texts.len()];
        for rows in rows.chunk_by(|(a, _), (b, _)| a.len() == b.len()) {
            let shape = (rows.len(), rows[0].0.len());
            let ids: Vec<u32> = rows.iter().flat_map(|(ids, _)| ids.iter().copied()).collect();
            let ids = Tensor::from_vec(ids, shape, &self.device)?;
            let hidden = self.bert.forward(&ids, &ids.zeros_like()?, None)?; // (B, T, H)
            let means: Vec<Vec<f32>> = hidden.mean(1)?.to_vec2()?;
            for ((_, text_idx), mean) in rows.iter().zip(means) {
                keys[*text_idx] = normalised(mean);
            }
        }
        Ok(keys)
    }

    fn compute(&self, prompt: &str) -> Result<TextEncoding, ModelError> {
        let (ids, n_dropped) = self.token_ids(prompt)?;
        let n_tokens = ids.len();
        let ids = Tensor::from_vec(ids, (1, n_tokens), &self.device)?;
        let hidden = self.bert.forward(&ids, &ids.zeros_like()?, None)?; // (1, T, H)
        let mean = hidden.mean(1)?; // (1, H)
        let key = normalised(mean.flatten_all()?.to_vec1()?);
        let scale = (self.config.hidden_size as f64).sqrt();
        let pooled = (Tensor::new(key.as_slice(), &self.device)?.unsqueeze(0)? * scale)?;
        Ok(TextEncoding { hidden, pooled, key, n_dropped })
    }

    /// Token ids with `[CLS]` and `[SEP]`, at most `max_tokens`, and how many were cut off.
    fn token_ids(&self, prompt: &str) -> Result<(Vec<u32>, usize), ModelError> {
        let end = prompt.char_indices().nth(MAX_CHARS).map_or(prompt.len(), |(at, _)| at);
        let encoding = self
            .word_piece
            .encode(&prompt[..end], true)
            .map_err(|error| ModelError::Vocabulary { reason: error.to_string() })?;
        let mut ids = encoding.get_ids().to_vec();
        let n_dropped = ids.len().saturating_sub(self.config.max_tokens);
        if let Some(separator) = ids.last().copied().filter(|_| n_dropped > 0) {
            ids.truncate(self.config.max_tokens - 1);
            ids.push(separator);
        }
        Ok((ids, n_dropped))
    }
}

/// The vector at length 1; a zero vector stays zero.
fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12);
    for value in &mut vector {
        *value /= length;
    }
    vector
}

fn bert_config(config: &TextConfig) -> BertConfig {
    BertConfig {
        vocab_size: config.vocab_size,
        hidden_size: config.hidden_size,
        num_hidden_layers: config.num_hidden_layers,
        num_attention_heads: config.num_attention_heads,
        intermediate_size: config.intermediate_size,
        max_position_embeddings: config.max_position_embeddings,
        layer_norm_eps: config.layer_norm_eps,
        // `Default` holds what all BERT encoders share: erf GELU, two token types.
        ..BertConfig::default()
    }
}

impl std::fmt::Debug for TextEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextEncoder").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Element type of all computation.
pub const DTYPE: DType = DType::F32;
