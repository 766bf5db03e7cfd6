//! A tiny raster model of the recorded weights in `tests/fixtures/controlar`, whose widths fit
//! together: transformer, control, picture tokenizer and text encoder.

#![allow(dead_code, reason = "each test crate uses another part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use underpaint::model::controlar::prompt_encoder::T5Files;
use underpaint::model::{RasterChoice, RasterFiles, RasterOptions};

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/controlar").join(name)
}

/// Which weights, and the name of the published file that they stand for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Prompts, 8 × 8 tokens.
    Text,
    /// Prompts and lines, 8 × 8 tokens.
    Lines,
    /// Prompts and lines, any size of up to 144 tokens.
    AnySize,
    /// Classes, 8 × 8 tokens.
    Classes,
}

impl Kind {
    fn folder(self) -> &'static str {
        match self {
            Self::Text => "llamagen_t2i",
            Self::Lines => "controlar_square",
            Self::AnySize => "controlar_mr",
            Self::Classes => "llamagen_c2i",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "t2i_XL",
            Self::Lines => "hed",
            Self::AnySize => "canny_MR",
            Self::Classes => "c2i_B",
        }
    }
}

/// A folder with all files of some models as users have them.
pub(crate) struct Shelf(TempDir);

impl Shelf {
    pub(crate) fn new(kinds: &[Kind]) -> Self {
        let shelf = Self(tempfile::tempdir().unwrap());
        for kind in kinds {
            let (from, name) = (kind.folder(), kind.name());
            shelf.put(&format!("{from}/weights.safetensors"), &format!("{name}.safetensors"));
            shelf.put(&format!("{from}/config.json"), &format!("{name}.json"));
        }
        for folder in ["vq", "t5-ckpt/flan-t5-xl"] {
            fs::create_dir_all(shelf.path().join(folder)).unwrap();
        }
        shelf.put("vq16/weights.safetensors", "vq/vq_ds16.safetensors");
        shelf.put("t5/weights.safetensors", "t5-ckpt/flan-t5-xl/model.safetensors");
        shelf.put("t5/config.json", "t5-ckpt/flan-t5-xl/config.json");
        let words = shelf.path().join("t5-ckpt/flan-t5-xl/tokenizer.json");
        fs::write(words, tokenizer_json()).unwrap();
        shelf
    }

    fn put(&self, from: &str, to: &str) {
        fs::copy(fixture(from), self.path().join(to)).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self, kind: Kind) -> PathBuf {
        self.path().join(format!("{}.safetensors", kind.name()))
    }

    pub(crate) fn choice(&self, kind: Kind, options: RasterOptions) -> RasterChoice {
        let tokenizer = self.path().join("vq/vq_ds16.safetensors");
        let text = T5Files::find(&self.path().join("t5-ckpt/flan-t5-xl")).unwrap();
        let files =
            RasterFiles { text: Some(text), ..RasterFiles::new(self.file(kind), tokenizer) };
        RasterChoice { files, options }
    }
}

/// Words of a language of letters.
fn tokenizer_json() -> String {
    let mut vocab: Vec<(String, f32)> =
        ["<pad>", "</s>", "<unk>"].iter().map(|name| ((*name).to_owned(), 0.0)).collect();
    for word in ["▁a", "▁red", "▁green", "▁cat", "▁apple", "▁"] {
        vocab.push((word.to_owned(), -2.0));
    }
    vocab.extend("abcdefghijklmnopqrstuvwxyz0123456789.,".chars().map(|c| (c.to_string(), -6.0)));
    serde_json::json!({
        "version": "1.0",
        "added_tokens": [],
        "normalizer": null,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "WhitespaceSplit"},
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true},
        ]},
        "post_processor": null,
        "decoder": null,
        "model": {"type": "Unigram", "unk_id": 2, "vocab": vocab, "byte_fallback": false},
    })
    .to_string()
}
