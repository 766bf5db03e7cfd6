//! Which files a raster model is made of, and how it is to be loaded.

use std::fs;
use std::path::{Path, PathBuf};

use crate::model::ModelError;
use crate::model::controlar::config::ControlResize;
use crate::model::controlar::precision::Precision;
use crate::model::controlar::prompt_encoder::{PromptCache, T5Files};
use crate::model::weights::Checkpoint;
use crate::params::{ControlKind, PictureSize};

/// Endings of files that may be checkpoints.
const ENDINGS: [&str; 6] = ["safetensors", "pt", "pth", "bin", "ckpt", "gguf"];
/// Words in names of folders that may hold companions. Around the model's own folder, others are not
/// looked into: they are none of its business.
const LIKELY: [&str; 7] = ["vq", "vae", "t5", "text", "token", "llamagen", "checkpoint"];
/// Folders above the model in which its companions are looked for.
const N_FOLDERS_ABOVE: usize = 3;
/// Folders below each of those.
const DEPTH: usize = 3;
/// Entries looked at in all; a home folder must not be walked through.
const MAX_ENTRIES: usize = 4_000;

/// The files of a raster model. Whoever knows more than the files tell (a catalogue) fills in the
/// rest; [`Self::find`] looks around for those who only have a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RasterFiles {
    /// LlamaGen or ControlAR: safetensors, a PyTorch file, or GGUF with the same names.
    pub transformer: PathBuf,
    /// VQ-16, the picture tokenizer.
    pub picture_tokenizer: PathBuf,
    /// FLAN-T5-XL. Models of prompts need it, models of classes do not.
    pub text: Option<T5Files>,
    /// Dimensions that shapes cannot tell, in the form that
    /// [`crate::model::controlar::config::parse`] reads; published models need none. By itself,
    /// `NAME.json` beside `NAME.safetensors` is taken.
    pub config: Option<PathBuf>,
    /// What the pictures are told by; the transformer's file without its ending if `None`.
    pub name: Option<String>,
    /// What its control was trained on; told by the name if `None`.
    pub control: Option<ControlSort>,
    /// Of the transformer's file, 64 hexadecimal digits, if somebody has computed it.
    pub sha256: Option<String>,
    /// Folder where encoded prompts are kept; without one they are known as long as the model is
    /// loaded.
    pub prompt_cache: Option<PathBuf>,
}

/// How a raster model is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RasterOptions {
    /// How the matrices are held; `None` chooses ([`Self::precision_for`]).
    pub precision: Option<Precision>,
    /// Of the pictures. `None` is what the model was trained on; others only those models can that
    /// were trained on several.
    pub size: Option<PictureSize>,
}

/// Which raster model, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RasterChoice {
    pub files: RasterFiles,
    pub options: RasterOptions,
}

/// What a control of ControlAR was trained on, which its tensors do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlSort {
    pub kind: ControlKind,
    pub resize: ControlResize,
}

impl ControlSort {
    /// By the name of a published file, such as `edge_base` or `canny_MR`.
    pub fn by_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let has = |word: &str| name.contains(word);
        let (kind, resize) = if has("seg") {
            (ControlKind::Colour, ControlResize::Nearest)
        } else if has("depth") {
            (ControlKind::Depth, ControlResize::BicubicAlignCorners)
        } else if has("canny") && !has("canny_base") {
            (ControlKind::Lines, ControlResize::Nearest)
        } else if ["canny_base", "edge", "hed", "lineart"].into_iter().any(has) {
            (ControlKind::Lines, ControlResize::BicubicAlignCorners)
        } else {
            return None;
        };
        Some(Self { kind, resize })
    }
}

impl RasterOptions {
    /// Models up to this many numbers are small enough to be held as they are.
    const SMALL: usize = 200_000_000;

    /// How the matrices of a model of `n_parameters` are held: as asked for; otherwise exactly if
    /// it is small or does not compute on the CPU, and else in 8 bits, which look the same.
    pub fn precision_for(&self, n_parameters: usize, is_cpu: bool) -> Precision {
        let is_exact = n_parameters <= Self::SMALL || !is_cpu;
        self.precision.unwrap_or(if is_exact { Precision::F32 } else { Precision::Q8 })
    }
}

impl RasterFiles {
    /// A model of nothing but these two files.
    pub fn new(transformer: PathBuf, picture_tokenizer: PathBuf) -> Self {
        let beside = transformer.with_extension("json");
        Self {
            transformer,
            picture_tokenizer,
            text: None,
            config: Some(beside).filter(|path| path.is_file()),
            name: None,
            control: None,
            sha256: None,
            prompt_cache: None,
        }
    }

    /// Finds what belongs to a model: `path` is its transformer, or a folder with one. Companions
    /// are looked for beside it and in the folders around it, as the models' own pages lay them out.
    /// Encoded prompts are kept where programs keep such things.
    ///
    /// # Errors
    /// [`ModelError::RasterFile`] naming what is missing and where it is published; what is wrong
    /// with the file otherwise.
    pub fn find(path: &Path) -> Result<Self, ModelError> {
        let transformer = if path.is_dir() { transformer_in(path)? } else { path.to_owned() };
        let checkpoint = Checkpoint::open(&transformer)?;
        if !has(&checkpoint, "tok_embeddings.weight") {
            return fail(format!(
                "the file holds no LlamaGen or ControlAR transformer; name one such as \
                 edge_base.safetensors: {}",
                transformer.display()
            ));
        }
        let is_text = !has(&checkpoint, "cls_embedding.embedding_table.weight");
        let mut around = Around::default();
        // A name alone has an empty parent: it lies where the program was started.
        let parent = transformer.parent().filter(|parent| *parent != Path::new(""));
        let parent = parent.unwrap_or(Path::new("."));
        let parent = fs::canonicalize(parent).unwrap_or_else(|_| parent.to_owned());
        for (n_above, folder) in parent.ancestors().take(N_FOLDERS_ABOVE + 1).enumerate() {
            around.look_into(folder, DEPTH, n_above == 0);
            if around.has_tokenizer() && (around.text.is_some() || !is_text) {
                break;
            }
        }
        let Some(picture_tokenizer) = around.tokenizer(is_text) else {
            let (file, place) = if is_text {
                ("vq_ds16_t2i.pt", "peizesun/llamagen_t2i")
            } else {
                ("vq_ds16_c2i.pt", "FoundationVision/LlamaGen")
            };
            return fail(format!(
                "the picture tokenizer is missing; get {file} from {place} on huggingface.co and \
                 put it beside the model: {}",
                transformer.display()
            ));
        };
        if is_text && around.text.is_none() {
            return fail(format!(
                "the text encoder is missing; get google/flan-t5-xl from huggingface.co and put \
                 its files into a folder flan-t5-xl beside the model: {}",
                transformer.display()
            ));
        }
        let text = if is_text { around.text } else { None };
        let prompt_cache = PromptCache::of_user().map(|cache| cache.folder().to_owned());
        Ok(Self { text, prompt_cache, ..Self::new(transformer, picture_tokenizer) })
    }

    /// What pictures are told to be made by.
    pub fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| {
            let stem = self.transformer.file_stem().unwrap_or(self.transformer.as_os_str());
            stem.to_string_lossy().into_owned()
        })
    }
}

fn fail<T>(reason: String) -> Result<T, ModelError> {
    Err(ModelError::RasterFile { reason })
}

fn has(checkpoint: &Checkpoint, wanted: &str) -> bool {
    checkpoint.tensors().any(|(name, _)| name == wanted)
}

/// The only transformer in a folder.
fn transformer_in(folder: &Path) -> Result<PathBuf, ModelError> {
    let mut found: Vec<PathBuf> = checkpoints_in(folder)
        .into_iter()
        .filter(|path| {
            Checkpoint::open(path).is_ok_and(|checkpoint| has(&checkpoint, "tok_embeddings.weight"))
        })
        .collect();
    match found.len() {
        0 => fail(format!(
            "the folder holds no model: neither config.json, tokenizer.json and model.safetensors \
             or model.gguf, nor a LlamaGen or ControlAR file: {}",
            folder.display()
        )),
        1 => Ok(found.swap_remove(0)),
        _ => {
            let name = |path: &PathBuf| path.file_name().map(|n| n.to_string_lossy().into_owned());
            let names: Vec<String> = found.iter().filter_map(name).collect();
            fail(format!(
                "the folder holds several models ({}); name one of these files: {}",
                names.join(", "),
                folder.display()
            ))
        }
    }
}

fn checkpoints_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = entries(folder).filter(|path| is_checkpoint(path)).collect();
    files.sort();
    files
}

fn is_checkpoint(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str())) && path.is_file()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

/// Companions that were found, the nearest first.
#[derive(Default)]
struct Around {
    tokenizers: Vec<PathBuf>,
    text: Option<T5Files>,
    n_seen: usize,
    looked_into: Vec<PathBuf>,
}

impl Around {
    /// `takes_all`: whether to look into folders of any name.
    fn look_into(&mut self, folder: &Path, depth: usize, takes_all: bool) {
        if self.n_seen > MAX_ENTRIES || self.looked_into.iter().any(|known| known == folder) {
            return;
        }
        self.looked_into.push(folder.to_owned());
        let mut inside: Vec<PathBuf> = entries(folder).take(MAX_ENTRIES).collect();
        inside.sort();
        self.n_seen += inside.len();
        for file in inside.iter().filter(|path| is_checkpoint(path)) {
            let name = file_name(file);
            // Only a name that may be one is worth opening.
            if name.contains("vq")
                && Checkpoint::open(file)
                    .is_ok_and(|checkpoint| has(&checkpoint, "quantize.embedding.weight"))
            {
                self.tokenizers.push(file.clone());
            }
        }
        if self.text.is_none() && file_name(folder).contains("t5") {
            self.text = T5Files::find(folder).ok();
        }
        if depth > 0 {
            let is_likely = |path: &&PathBuf| {
                let name = file_name(path);
                takes_all || LIKELY.iter().any(|word| name.contains(word))
            };
            for folder in inside.iter().filter(is_likely).filter(|path| path.is_dir()) {
                self.look_into(folder, depth - 1, takes_all);
            }
        }
    }

    fn has_tokenizer(&self) -> bool {
        !self.tokenizers.is_empty()
    }

    /// That for prompts or for classes: their files are alike, their names are not.
    fn tokenizer(&self, is_text: bool) -> Option<PathBuf> {
        let (right, wrong) = if is_text { ("t2i", "c2i") } else { ("c2i", "t2i") };
        let mut tokenizers = self.tokenizers.iter();
        let named = tokenizers.clone().find(|path| file_name(path).contains(right));
        named.or_else(|| tokenizers.find(|path| !file_name(path).contains(wrong))).cloned()
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_a_control_was_trained_on() {
        let sort = |name| ControlSort::by_name(name).map(|sort| (sort.kind, sort.resize));
        let (nearest, bicubic) = (ControlResize::Nearest, ControlResize::BicubicAlignCorners);
        assert_eq!(sort("canny_MR"), Some((ControlKind::Lines, nearest)));
        assert_eq!(sort("canny_base"), Some((ControlKind::Lines, bicubic)));
        assert_eq!(sort("edge_base"), Some((ControlKind::Lines, bicubic)));
        assert_eq!(sort("hed"), Some((ControlKind::Lines, bicubic)));
        assert_eq!(sort("depth_MR"), Some((ControlKind::Depth, bicubic)));
        assert_eq!(sort("seg_cocostuff"), Some((ControlKind::Colour, nearest)));
        assert_eq!(sort("weights"), None);
    }

    #[test]
    fn large_models_are_held_in_8_bits_unless_asked_otherwise() {
        let auto = RasterOptions::default();
        assert_eq!(auto.precision_for(111_000_000, true), Precision::F32);
        assert_eq!(auto.precision_for(775_000_000, true), Precision::Q8);
        assert_eq!(auto.precision_for(775_000_000, false), Precision::F32);
        let asked = RasterOptions { precision: Some(Precision::Q4), ..auto };
        assert_eq!(asked.precision_for(1, true), Precision::Q4);
    }
}
