//! Models, put together of the files that were found and the list of what is published.

use std::path::Path;

use super::encoders::{Encoder, closeness, encoders, tokenizer};
use super::memory;
use super::published::{Published, PublishedModel, published};
use super::recognise::{Recognised, TransformerKind};
use super::scan::{Scan, Scanned};
use crate::params::ControlKind;
use crate::protocol::{
    FoundFile, KnownModel, ModelKey, ModelPart, ModelState, PartRole, PublishedFile,
};

/// Words in names of files that tell what is in them, where the lists are the same.
const HINTS: [(&str, &[&str]); 8] = [
    ("edge_base", &["edge_base", "edge", "canny_base"]),
    ("depth_base", &["depth"]),
    ("canny_MR", &["canny"]),
    ("depth_MR", &["depth"]),
    ("hed", &["hed", "soft"]),
    ("seg_cocostuff", &["seg", "coco"]),
    ("t2i_XL_stage1_256", &["stage1", "256"]),
    ("t2i_XL_stage2_512", &["stage2", "512"]),
];

/// All models: the built-in one, what was found, and what else is published.
pub fn assemble(scan: &Scan) -> Vec<KnownModel> {
    let list = published();
    let shop = Shop { scan, list, encoders: encoders(scan) };
    let mut models = vec![built_in()];
    for scanned in &scan.files {
        match &scanned.what {
            Recognised::Transformer(kind) => models.push(shop.found(scanned, kind)),
            Recognised::Own => models.extend(own(scanned)),
            _ => {}
        }
    }
    let is_here = |name: &str| models.iter().any(|model| model.name == name);
    let absent: Vec<_> = list.models.iter().filter(|model| !is_here(&model.name)).collect();
    models.extend(absent.into_iter().map(|model| shop.absent(model)));
    models.extend(list.unpublished.iter().map(|model| KnownModel {
        key: ModelKey::Published(model.name.clone()),
        name: model.name.clone(),
        title: model.title.clone(),
        purpose: model.purpose.clone(),
        state: ModelState::Unpublished(model.reason.clone()),
        ..empty()
    }));
    models
}

fn empty() -> KnownModel {
    KnownModel {
        key: ModelKey::BuiltIn,
        title: String::new(),
        name: String::new(),
        purpose: String::new(),
        sizes: String::new(),
        sides_px: Vec::new(),
        controls: Vec::new(),
        about_controls: String::new(),
        licence: String::new(),
        page: None,
        parts: Vec::new(),
        needs: Vec::new(),
        remarks: Vec::new(),
        state: ModelState::BuiltIn,
    }
}

fn built_in() -> KnownModel {
    KnownModel {
        title: "Underpaint".to_owned(),
        name: "built-in".to_owned(),
        purpose: "Stickers that follow your pen at once, coarse to fine; always there".to_owned(),
        sizes: "256 × 256 pixels".to_owned(),
        controls: ControlKind::ALL.to_vec(),
        about_controls: "Lines, depth and colour, alone and together".to_owned(),
        licence: "MIT OR Apache-2.0".to_owned(),
        ..empty()
    }
}

/// A folder with `config.json` and `tokenizer.json` beside the weights.
fn own(scanned: &Scanned) -> Option<KnownModel> {
    let folder = scanned.file.path.parent()?;
    let is_whole = ["config.json", "tokenizer.json"].iter().all(|name| folder.join(name).is_file());
    let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
    is_whole.then(|| KnownModel {
        key: ModelKey::Path(folder.to_owned()),
        title: format!("Underpaint model “{name}”"),
        name,
        purpose: "A model in Underpaint's own layout".to_owned(),
        sizes: "As its configuration says".to_owned(),
        controls: ControlKind::ALL.to_vec(),
        about_controls: String::new(),
        parts: vec![part(PartRole::Transformer, vec![found_file(scanned, None)], None)],
        state: ModelState::Ready,
        ..empty()
    })
}

struct Shop<'a> {
    scan: &'a Scan,
    list: &'a Published,
    encoders: Vec<Encoder<'a>>,
}

impl Shop<'_> {
    fn found(&self, scanned: &Scanned, kind: &TransformerKind) -> KnownModel {
        let candidates = self.list.candidates(kind);
        let path = &scanned.file.path;
        let known = self.by_hash(scanned, &candidates).or_else(|| by_name(path, &candidates));
        let only = (candidates.len() == 1).then(|| candidates[0]);
        let mut model = match known.or(only) {
            Some(published) => self.described(published),
            None => undetermined(path, kind, &candidates),
        };
        let grid_side = known.or(only).or(candidates.first().copied()).map(|model| model.grid_side);
        let grid_side = kind.grid_side.or(grid_side).unwrap_or(if kind.is_text { 32 } else { 24 });
        let published = known.or(only).and_then(|model| self.list.file(&model.name));
        let own = found_file(scanned, published.as_ref());
        if own.is_genuine == Some(false) {
            let remark = "The file is not the published one: it was changed or is damaged";
            model.remarks.push(remark.to_owned());
        }
        let encoder = self.encoder(kind);
        model.key = ModelKey::Path(path.clone());
        model.parts = vec![part(PartRole::Transformer, vec![own], published)];
        model.parts.extend(self.companions(kind.is_text, path, encoder, &mut model.remarks));
        model.needs = memory::needs(kind, grid_side, encoder.map(|encoder| &encoder.whole));
        model.state = match &kind.problem {
            Some(problem) => ModelState::Unusable(problem.clone()),
            None if model.missing().next().is_some() => ModelState::Incomplete,
            None => ModelState::Ready,
        };
        if encoder.is_none() && kind.is_text {
            self.remark_on_encoders(kind, &mut model.remarks);
        }
        model
    }

    fn absent(&self, published: &PublishedModel) -> KnownModel {
        let mut model = self.described(published);
        let file = self.list.file(&published.name);
        let kind = TransformerKind { is_text: published.is_text, ..TransformerKind::default() };
        let encoder = self.encoder(&TransformerKind { condition: (120, 2048), ..kind });
        model.parts = vec![part(PartRole::Transformer, Vec::new(), file)];
        let mut remarks = Vec::new();
        let companions = self.companions(published.is_text, Path::new(""), encoder, &mut remarks);
        model.parts.extend(companions);
        let kind = published.kind();
        model.needs =
            memory::needs(&kind, published.grid_side, encoder.map(|encoder| &encoder.whole));
        model.state = ModelState::Absent;
        model
    }

    fn described(&self, published: &PublishedModel) -> KnownModel {
        let file = self.list.file(&published.name);
        KnownModel {
            key: ModelKey::Published(published.name.clone()),
            title: published.title.clone(),
            name: published.name.clone(),
            purpose: published.purpose.clone(),
            sizes: published.sizes.clone(),
            sides_px: published.sides_px.clone(),
            controls: published.controls.clone(),
            about_controls: published.about_controls.clone(),
            licence: file.as_ref().map(|file| file.licence.clone()).unwrap_or_default(),
            page: file.as_ref().map(PublishedFile::page),
            ..empty()
        }
    }

    /// The published file that a hash belongs to.
    fn by_hash<'b>(
        &self,
        scanned: &Scanned,
        candidates: &[&'b PublishedModel],
    ) -> Option<&'b PublishedModel> {
        let sha256 = scanned.sha256.as_deref()?;
        candidates.iter().copied().find(|model| {
            let file = self.list.file(&model.name);
            file.is_some_and(|file| !file.sha256.is_empty() && sha256.starts_with(&file.sha256))
        })
    }

    fn encoder(&self, kind: &TransformerKind) -> Option<&Encoder<'_>> {
        let wanted = kind.is_text.then_some(kind.condition.1)?;
        self.encoders.iter().find(|encoder| encoder.whole.dim == Some(wanted))
    }

    /// What a model needs beside itself.
    fn companions(
        &self,
        is_text: bool,
        path: &Path,
        encoder: Option<&Encoder<'_>>,
        remarks: &mut Vec<String>,
    ) -> Vec<ModelPart> {
        let published = self.list.picture_tokenizer(is_text);
        let decoder = self.picture_tokenizer(is_text, path, published.as_ref());
        if let Some((file, false)) = &decoder {
            let kind = if is_text { "prompts (t2i)" } else { "classes (c2i)" };
            remarks.push(format!(
                "Whether {} is the picture decoder for {kind}, its name does not tell",
                file.path.file_name().unwrap_or_default().to_string_lossy(),
            ));
        }
        let files = decoder.map(|(file, _)| file).into_iter().collect();
        let mut parts = vec![part(PartRole::PictureTokenizer, files, published)];
        if !is_text {
            return parts;
        }
        let mut sets = self.list.text_encoders();
        let usual = sets.next().unwrap_or_default();
        let files = encoder.map(|encoder| &encoder.files).into_iter().flatten();
        let all: Vec<_> = sets.flatten().collect();
        let files = files.map(|scanned| {
            let name = scanned.file.path.file_name().unwrap_or_default().to_string_lossy();
            found_file(scanned, usual.iter().chain(&all).find(|file| file.name() == name))
        });
        parts.push(ModelPart {
            role: PartRole::TextEncoder,
            files: files.collect(),
            published: usual.clone(),
            alternatives: all.clone(),
        });
        let near = encoder.and_then(|encoder| encoder.files.first()).map(|file| &file.file.path);
        let words = tokenizer(self.scan, near.map(std::path::PathBuf::as_path));
        let published = self.list.text_tokenizer();
        let files = words.map(|scanned| found_file(scanned, None)).into_iter().collect();
        parts.push(part(PartRole::TextTokenizer, files, published));
        parts
    }

    /// The picture decoder for prompts or classes, and whether that is certain: both have the same
    /// list of tensors.
    fn picture_tokenizer(
        &self,
        is_text: bool,
        near: &Path,
        published: Option<&PublishedFile>,
    ) -> Option<(FoundFile, bool)> {
        let (right, wrong) = if is_text { ("t2i", "c2i") } else { ("c2i", "t2i") };
        let rated = self.scan.files.iter().filter_map(|scanned| {
            if scanned.what != Recognised::PictureTokenizer {
                return None;
            }
            let file = found_file(scanned, published);
            let name = scanned.file.path.file_name()?.to_string_lossy().to_lowercase();
            let is_right = name.contains(right) || file.is_genuine == Some(true);
            let is_wrong = name.contains(wrong) && file.is_genuine != Some(true);
            let rate = (is_right, closeness(near, &scanned.file.path));
            (!is_wrong).then_some((rate, file, is_right))
        });
        rated.max_by_key(|(rate, ..)| *rate).map(|(_, file, is_right)| (file, is_right))
    }

    /// A text encoder is there, but of another size.
    fn remark_on_encoders(&self, kind: &TransformerKind, remarks: &mut Vec<String>) {
        if let Some(dim) = self.encoders.first().and_then(|encoder| encoder.whole.dim) {
            let wanted = kind.condition.1;
            remarks.push(format!(
                "There is a prompt reader of width {dim}, but this model needs one of {wanted}"
            ));
        }
    }
}

impl PublishedModel {
    /// As its file would be recognised.
    fn kind(&self) -> TransformerKind {
        let config = TransformerKind { n_layers: self.layers, dim: self.dim, ..Default::default() };
        TransformerKind {
            ffn_dim: crate::model::controlar::config::ffn_dim(self.dim, 256),
            n_codes: 16_384,
            is_text: self.is_text,
            condition: if self.is_text { (120, 2048) } else { (1000, self.dim) },
            control: self.control_encoder,
            n_control_layers: 12,
            grid_side: Some(self.grid_side),
            ..config
        }
    }
}

/// The file's own name first, then the folders it is in.
fn by_name<'a>(path: &Path, candidates: &[&'a PublishedModel]) -> Option<&'a PublishedModel> {
    let names = path.iter().rev().take(4).map(|part| part.to_string_lossy().to_lowercase());
    for name in names {
        let fits = |model: &&&PublishedModel| {
            let own = model.name.to_lowercase();
            let hints = HINTS.iter().find(|(known, _)| *known == model.name);
            let hints = hints.map_or(&[][..], |(_, hints)| hints);
            name.contains(&own) || hints.iter().any(|hint| name.contains(hint))
        };
        let fitting: Vec<_> = candidates.iter().filter(fits).collect();
        let exact = fitting.iter().find(|model| name.contains(&model.name.to_lowercase()));
        match (exact, fitting.as_slice()) {
            (Some(model), _) | (None, [model]) => return Some(model),
            _ => {}
        }
    }
    None
}

/// A model of which only the list is known.
fn undetermined(path: &Path, kind: &TransformerKind, candidates: &[&PublishedModel]) -> KnownModel {
    let what = match (kind.is_text, kind.control) {
        (true, Some(_)) => "ControlAR",
        _ => "LlamaGen",
    };
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut controls: Vec<_> = candidates.iter().flat_map(|model| model.controls.clone()).collect();
    controls.sort();
    controls.dedup();
    let names: Vec<_> = candidates.iter().map(|model| model.name.as_str()).collect();
    let mut remarks = Vec::new();
    if names.len() > 1 {
        remarks.push(format!(
            "Its tensors are those of {}, and its name does not tell which; its SHA-256 may",
            names.join(" and of "),
        ));
    }
    KnownModel {
        title: format!("{what} {} “{stem}”", kind.size_name()),
        name: stem,
        purpose: if kind.is_text {
            "Pictures from prompts; of no published file".to_owned()
        } else {
            "Pictures of classes; of no published file".to_owned()
        },
        sizes: candidates.first().map_or_else(
            || "Not known; 512 × 512 pixels are tried".to_owned(),
            |model| model.sizes.clone(),
        ),
        sides_px: candidates.first().map(|model| model.sides_px.clone()).unwrap_or_default(),
        controls,
        about_controls: "Which control pictures it was trained on is not known".to_owned(),
        licence: "Not known".to_owned(),
        remarks,
        ..empty()
    }
}

fn part(
    role: PartRole,
    files: Vec<FoundFile>,
    published: impl IntoIterator<Item = PublishedFile>,
) -> ModelPart {
    let published = published.into_iter().collect();
    ModelPart { role, files, published, alternatives: Vec::new() }
}

fn found_file(scanned: &Scanned, published: Option<&PublishedFile>) -> FoundFile {
    let path = &scanned.file.path;
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let known = published.map_or("", |file| file.sha256.as_str());
    FoundFile {
        path: path.clone(),
        n_bytes: scanned.file.n_bytes,
        format: match ending.as_str() {
            "safetensors" => "safetensors",
            "gguf" => "GGUF",
            "json" => "JSON",
            _ => "PyTorch",
        },
        is_genuine: scanned
            .sha256
            .as_deref()
            .filter(|_| !known.is_empty())
            .map(|sha256| sha256.starts_with(known)),
        sha256: scanned.sha256.clone(),
    }
}
