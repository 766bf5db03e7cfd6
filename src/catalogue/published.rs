//! The list of published models, as data inside the program: `assets/published/models.json`, which
//! says where each figure is from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;

use super::recognise::{ControlEncoder, TransformerKind};
use crate::params::ControlKind;
use crate::protocol::PublishedFile;

const LIST: &str = include_str!("../../assets/published/models.json");

/// All that is known of what is published.
#[derive(Debug, Deserialize)]
pub struct Published {
    files: BTreeMap<String, Listed>,
    picture_tokenizers: PictureTokenizers,
    text_encoders: Vec<Vec<String>>,
    text_tokenizer: String,
    pub models: Vec<PublishedModel>,
    pub unpublished: Vec<UnpublishedModel>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    repository: String,
    file: String,
    n_bytes: Option<u64>,
    #[serde(default)]
    sha256: String,
    licence: String,
}

#[derive(Debug, Deserialize)]
struct PictureTokenizers {
    text: String,
    class: String,
}

/// A model that is published; its file has the same name in the list of files.
#[derive(Debug, Deserialize)]
pub struct PublishedModel {
    pub name: String,
    pub title: String,
    pub purpose: String,
    pub layers: usize,
    pub dim: usize,
    /// Prompts; otherwise classes.
    pub is_text: bool,
    pub control_encoder: Option<ControlEncoder>,
    /// Which control pictures it was trained on, as the reference code names them.
    pub condition: Option<String>,
    /// Side of the square of tokens that its tables belong to.
    pub grid_side: usize,
    pub sizes: String,
    /// Sides of square pictures to choose from; empty if there is but one size.
    #[serde(default)]
    pub sides_px: Vec<usize>,
    pub controls: Vec<ControlKind>,
    pub about_controls: String,
}

/// A model that is talked of but not published.
#[derive(Debug, Deserialize)]
pub struct UnpublishedModel {
    pub name: String,
    pub title: String,
    pub purpose: String,
    pub reason: String,
}

/// The list.
pub fn published() -> &'static Published {
    static PUBLISHED: OnceLock<Published> = OnceLock::new();
    PUBLISHED.get_or_init(|| serde_json::from_str(LIST).expect("tests read the list"))
}

impl Published {
    /// Where the files are, each once.
    pub fn repositories(&self) -> impl Iterator<Item = &str> {
        let all: BTreeSet<_> = self.files.values().map(|file| file.repository.as_str()).collect();
        all.into_iter()
    }

    /// The model of this short name, whatever its case.
    pub fn model(&self, name: &str) -> Option<&PublishedModel> {
        self.models.iter().find(|model| model.name.eq_ignore_ascii_case(name))
    }

    /// The file of a model or of one of its companions.
    pub fn file(&self, id: &str) -> Option<PublishedFile> {
        self.files.get(id).map(|file| PublishedFile {
            repository: file.repository.clone(),
            file: file.file.clone(),
            n_bytes: file.n_bytes,
            sha256: file.sha256.clone(),
            licence: file.licence.clone(),
        })
    }

    /// The file that has this SHA-256, as far as that is known.
    pub fn by_sha256(&self, sha256: &str) -> Option<PublishedFile> {
        let is_it = |file: &&Listed| !file.sha256.is_empty() && sha256.starts_with(&file.sha256);
        let found = self.files.iter().find(|(_, file)| is_it(file));
        found.and_then(|(id, _)| self.file(id))
    }

    /// What turns tokens into pictures.
    pub fn picture_tokenizer(&self, is_text: bool) -> Option<PublishedFile> {
        let PictureTokenizers { text, class } = &self.picture_tokenizers;
        self.file(if is_text { text } else { class })
    }

    /// Files of the text encoder: the usual ones first, then what would do as well.
    pub fn text_encoders(&self) -> impl Iterator<Item = Vec<PublishedFile>> {
        self.text_encoders.iter().map(|set| set.iter().filter_map(|id| self.file(id)).collect())
    }

    pub fn text_tokenizer(&self) -> Option<PublishedFile> {
        self.file(&self.text_tokenizer)
    }

    /// Models whose files hold such tensors: lists of tensors do not tell all of them apart.
    pub fn candidates(&self, kind: &TransformerKind) -> Vec<&PublishedModel> {
        self.models.iter().filter(|model| model.fits(kind)).collect()
    }
}

impl PublishedModel {
    fn fits(&self, kind: &TransformerKind) -> bool {
        // Only the null of the control tells the size of the grid.
        let has_grid = kind.grid_side.is_none_or(|side| side == self.grid_side);
        (self.layers, self.dim, self.is_text) == (kind.n_layers, kind.dim, kind.is_text)
            && self.control_encoder == kind.control
            && has_grid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole() {
        let list = published();
        let mut names: Vec<_> = list.models.iter().map(|model| &model.name).collect();
        for model in &list.models {
            let file = list.file(&model.name).expect("every model has its file");
            assert!(!file.licence.is_empty() && file.file.contains(&model.name), "{file:?}");
            assert!(model.controls.is_empty() == model.control_encoder.is_none(), "{}", model.name);
            assert!(!model.purpose.ends_with('.') && !model.about_controls.ends_with('.'));
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), list.models.len());
        assert!(list.picture_tokenizer(true).is_some() && list.picture_tokenizer(false).is_some());
        assert!(list.text_encoders().all(|set| !set.is_empty()) && list.text_tokenizer().is_some());
        assert!(list.unpublished.iter().any(|model| model.name == "seg_ade20k"));
        assert!(list.model("EDGE_BASE").is_some());
    }

    #[test]
    fn lists_of_tensors_leave_few_candidates() {
        let kind = TransformerKind {
            n_layers: 36,
            dim: 1280,
            is_text: true,
            control: Some(ControlEncoder::Base),
            grid_side: Some(32),
            ..TransformerKind::default()
        };
        let names = |kind: &TransformerKind| {
            let found = published().candidates(kind);
            found.iter().map(|model| model.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names(&kind), ["edge_base", "depth_base"]);
        let plain = TransformerKind { control: None, grid_side: None, ..kind };
        assert_eq!(names(&plain), ["t2i_XL_stage1_256", "t2i_XL_stage2_512"]);
    }
}
