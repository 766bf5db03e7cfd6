//! What a file is, told by its list of tensors alone: names of files are only looked at where lists
//! are the same. Nothing but the list is read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::WeightsError;
use crate::model::controlar::config::{
    ControlConfig, ControlResize, LlamaGenConfig, PrefixKind, Vq16Config,
};
use crate::model::controlar::names;
use crate::model::weights::Checkpoint;

/// A vocabulary of a few megabytes is usual.
const MAX_TOKENIZER_BYTES: u64 = 64 << 20;
/// Layers, heads and width of the published sizes.
const SIZES: [(&str, usize, usize, usize); 8] = [
    ("B", 12, 12, 768),
    ("L", 24, 16, 1024),
    ("XL", 36, 20, 1280),
    ("XXL", 48, 24, 1536),
    ("XXXL", 48, 40, 2560),
    ("1B", 22, 32, 2048),
    ("3B", 24, 32, 3200),
    ("7B", 32, 32, 4096),
];

/// What a file was recognised as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Recognised {
    Transformer(TransformerKind),
    /// A VQ-16 of either kind: their lists are the same.
    PictureTokenizer,
    /// All of a T5 encoder, or a part of it.
    TextEncoder(EncoderPart),
    /// `tokenizer.json` of T5.
    TextTokenizer {
        n_words: usize,
    },
    /// A model in our own layout, by its folder.
    Own,
    /// Known, but of no use here; with the reason.
    Useless(String),
    /// Nothing that has to do with us.
    Foreign,
}

/// A LlamaGen transformer, with or without the control of ControlAR.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransformerKind {
    pub n_layers: usize,
    pub dim: usize,
    pub ffn_dim: usize,
    pub n_codes: usize,
    /// Prompts; otherwise classes.
    pub is_text: bool,
    /// Rows in front of the picture, and their width as the text encoder gives them; for classes
    /// their number.
    pub condition: (usize, usize),
    pub control: Option<ControlEncoder>,
    /// Layers of the control encoder.
    pub n_control_layers: usize,
    /// Known of models with control only.
    pub grid_side: Option<usize>,
    /// Numbers in the tensors that are used.
    pub n_parameters: u64,
    /// Why it cannot be used, if so.
    pub problem: Option<String>,
}

/// The DINOv2 inside a ControlAR file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ControlEncoder {
    Small,
    Base,
    /// Of no published file.
    Other(usize),
}

/// The part of a T5 encoder that a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EncoderPart {
    /// Width of its rows, if the file tells.
    pub dim: Option<usize>,
    /// Layers of which it has a tensor.
    pub layers: BTreeSet<usize>,
    pub has_words: bool,
    pub has_end: bool,
    /// Bytes of the tensors that are needed, as they are stored.
    pub n_bytes: u64,
    /// Numbers in them.
    pub n_parameters: u64,
}

/// Reads the list of a file.
///
/// # Errors
/// Why it cannot be read: it is cut off, damaged or not what it claims to be.
pub(super) fn recognise(path: &Path) -> Result<Recognised, String> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json")) {
        return tokenizer(path);
    }
    let checkpoint = Checkpoint::open(path).map_err(|error| match error {
        WeightsError::Damaged { reason, .. } => reason,
        WeightsError::Read { source, .. } => format!("it cannot be read: {source}"),
        error => error.to_string(),
    })?;
    let shapes: BTreeMap<&str, &[usize]> = checkpoint.tensors().collect();
    if let Some(codes) = shapes.get("tok_embeddings.weight") {
        return Ok(Recognised::Transformer(transformer(&checkpoint, &shapes, codes)));
    }
    if shapes.contains_key("quantize.embedding.weight")
        && shapes.contains_key("decoder.conv_in.weight")
    {
        return Ok(picture_tokenizer(&checkpoint, &shapes));
    }
    if shapes.keys().any(|name| name.starts_with("encoder.block.")) {
        return Ok(Recognised::TextEncoder(encoder_part(&checkpoint)));
    }
    if shapes.contains_key("model.cls_embedding.uncond_embedding")
        || shapes.keys().any(|name| name.starts_with("model.cls_embedding."))
    {
        let reason = "It is LlamaGen with the names of another program; get the original file";
        return Ok(Recognised::Useless(reason.to_owned()));
    }
    if shapes.contains_key("generator.head.weight") {
        return Ok(Recognised::Own);
    }
    Ok(Recognised::Foreign)
}

/// The part of `tokenizer.json` that tells what it is.
#[derive(Deserialize)]
struct Tokenizer {
    model: TokenizerModel,
}

#[derive(Deserialize)]
struct TokenizerModel {
    #[serde(rename = "type")]
    kind: String,
    vocab: Vec<serde::de::IgnoredAny>,
}

fn tokenizer(path: &Path) -> Result<Recognised, String> {
    let file = File::open(path).map_err(|error| format!("it cannot be read: {error}"))?;
    let mut json = String::new();
    let n_read = file
        .take(MAX_TOKENIZER_BYTES + 1)
        .read_to_string(&mut json)
        .map_err(|error| format!("it is no text: {error}"))?;
    if n_read as u64 > MAX_TOKENIZER_BYTES {
        return Ok(Recognised::Foreign);
    }
    Ok(match serde_json::from_str(&json) {
        Ok(Tokenizer { model: TokenizerModel { kind, vocab } }) if kind == "Unigram" => {
            Recognised::TextTokenizer { n_words: vocab.len() }
        }
        _ => Recognised::Foreign,
    })
}

fn transformer(
    checkpoint: &Checkpoint,
    shapes: &BTreeMap<&str, &[usize]>,
    codes: &[usize],
) -> TransformerKind {
    let [n_codes, dim] = *codes else {
        let problem = Some("Its table of codes is no table".to_owned());
        return TransformerKind { problem, ..TransformerKind::default() };
    };
    let dims = |name: &str| shapes.get(name).copied();
    let ffn = dims("layers.0.feed_forward.w1.weight").and_then(|shape| shape.first().copied());
    let layers = shapes.keys().filter_map(|name| number_after(name, "layers."));
    let uncond = dims("cls_embedding.uncond_embedding");
    let classes = dims("cls_embedding.embedding_table.weight");
    let patches =
        dims("adapter.model.embeddings.cls_token").and_then(|shape| shape.last().copied());
    let control_layers =
        shapes.keys().filter_map(|name| number_after(name, "adapter.model.encoder.layer."));
    let null = dims("condition_mlp.uncond_embedding").and_then(|shape| shape.first().copied());
    let mut kind = TransformerKind {
        n_layers: layers.collect::<BTreeSet<_>>().len(),
        dim,
        ffn_dim: ffn.unwrap_or_default(),
        n_codes,
        is_text: classes.is_none(),
        condition: match (uncond, classes) {
            (Some([rows, width]), _) => (*rows, *width),
            (_, Some([n, _])) => (n.saturating_sub(1), dim),
            _ => (0, 0),
        },
        control: patches.map(|dim| match dim {
            384 => ControlEncoder::Small,
            768 => ControlEncoder::Base,
            other => ControlEncoder::Other(other),
        }),
        n_control_layers: control_layers.collect::<BTreeSet<_>>().len(),
        grid_side: null.map(usize::isqrt),
        n_parameters: 0,
        problem: None,
    };
    match kind.wanted() {
        Ok(wanted) => {
            kind.n_parameters = wanted.iter().map(|tensor| tensor.n_elements() as u64).sum();
            if let Err(WeightsError::Inventory { inventory, .. }) =
                checkpoint.check(&wanted, &names::IGNORED)
            {
                kind.problem = Some(format!("The file does not fit the model: {inventory}"));
            }
        }
        Err(problem) => kind.problem = Some(problem),
    }
    kind
}

impl TransformerKind {
    /// Short name of its size, such as `XL`.
    pub fn size_name(&self) -> String {
        let known = SIZES.iter().find(|(_, n, _, dim)| (*n, *dim) == (self.n_layers, self.dim));
        known.map_or_else(
            || format!("{} layers of {}", self.n_layers, self.dim),
            |(name, ..)| (*name).to_owned(),
        )
    }

    /// Dimensions of the network, its tables for `grid_side²` tokens.
    ///
    /// # Errors
    /// Why no network can have them.
    pub fn config(&self, grid_side: usize) -> Result<LlamaGenConfig, String> {
        let known = SIZES.iter().find(|(_, n, _, dim)| (*n, *dim) == (self.n_layers, self.dim));
        let n_heads = known.map_or(self.dim / 64, |(_, _, n_heads, _)| *n_heads);
        if n_heads == 0 || !self.dim.is_multiple_of(n_heads) || self.n_layers == 0 {
            return Err(format!("No model has {} layers of {}", self.n_layers, self.dim));
        }
        if self.condition.0 == 0 || self.ffn_dim == 0 {
            return Err(
                "It takes neither prompts nor classes, so it is a part of a model".to_owned()
            );
        }
        let mut config = if self.is_text {
            LlamaGenConfig::text(self.n_layers, n_heads, self.dim, grid_side)
        } else {
            LlamaGenConfig::class(self.n_layers, n_heads, self.dim, grid_side)
        };
        config.prefix = match (self.is_text, self.condition) {
            (true, (n_rows, caption_dim)) => PrefixKind::Text { n_rows, caption_dim },
            (false, (n_classes, _)) => PrefixKind::Class { n_classes },
        };
        config.ffn_dim = self.ffn_dim;
        config.n_codes = self.n_codes;
        Ok(config)
    }

    /// Dimensions of the control, if it has any.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn control_config(&self, resize: ControlResize) -> Result<Option<ControlConfig>, String> {
        let Some(encoder) = self.control else { return Ok(None) };
        let is_base = match encoder {
            ControlEncoder::Small => false,
            ControlEncoder::Base => true,
            ControlEncoder::Other(dim) => {
                return Err(format!("Its control encoder has a width of {dim}, not 384 or 768"));
            }
        };
        let mut config = ControlConfig::published(is_base, resize);
        config.dino.n_layers = self.n_control_layers;
        config.fusion_layers = (0..3).map(|point| point * self.n_layers / 3).collect();
        Ok(Some(config))
    }

    fn wanted(&self) -> Result<Vec<crate::model::weights::Wanted>, String> {
        let mut wanted = names::llamagen(&self.config(self.grid_side.unwrap_or(32))?);
        if let Some(control) = self.control_config(ControlResize::Nearest)? {
            wanted.extend(names::control(&control, self.dim));
        }
        Ok(wanted)
    }
}

fn picture_tokenizer(checkpoint: &Checkpoint, shapes: &BTreeMap<&str, &[usize]>) -> Recognised {
    let wanted = names::vq16(&Vq16Config::published());
    match checkpoint.check(&wanted, &names::IGNORED_VQ16) {
        Ok(_) => Recognised::PictureTokenizer,
        Err(_) if !shapes.contains_key("encoder.conv_blocks.4.res.0.conv1.weight") => {
            let reason = "It makes tokens of 8 × 8 pixels (VQ-8); no published model of this list \
                          uses it";
            Recognised::Useless(reason.to_owned())
        }
        Err(WeightsError::Inventory { inventory, .. }) => {
            Recognised::Useless(format!("It is no VQ-16 that can be used: {inventory}"))
        }
        Err(error) => Recognised::Useless(error.to_string()),
    }
}

fn encoder_part(checkpoint: &Checkpoint) -> EncoderPart {
    let mut part = EncoderPart::default();
    for tensor in checkpoint.stored() {
        let is_of_encoder = tensor.name.starts_with("encoder.block.")
            || matches!(tensor.name, "shared.weight" | "encoder.final_layer_norm.weight");
        if !is_of_encoder {
            continue;
        }
        part.layers.extend(number_after(tensor.name, "encoder.block."));
        match tensor.name {
            "shared.weight" => {
                part.has_words = true;
                part.dim = tensor.shape.last().copied();
            }
            "encoder.final_layer_norm.weight" => part.has_end = true,
            _ => {}
        }
        if tensor.name.ends_with(".layer_norm.weight") {
            part.dim = part.dim.or(tensor.shape.last().copied());
        }
        let n = tensor.shape.iter().map(|dim| *dim as u64).fold(1, u64::saturating_mul);
        part.n_parameters = part.n_parameters.saturating_add(n);
        part.n_bytes += if tensor.n_bytes > 0 { tensor.n_bytes } else { n };
    }
    part
}

/// `7` of `layers.7.norm` after `layers.`.
fn number_after(name: &str, start: &str) -> Option<usize> {
    name.strip_prefix(start)?.split('.').next()?.parse().ok()
}
