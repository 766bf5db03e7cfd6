//! What is found, by lists of tensors and not by names.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::{TempDir, tempdir};
use underpaint::catalogue::{Scan, Shelf, assemble, scan};
use underpaint::params::ControlKind;
use underpaint::protocol::{KnownModel, ModelKey, ModelState, PartRole};

use crate::files;

fn look(roots: &[&Path], shelf: &mut Shelf) -> (Scan, Vec<KnownModel>) {
    let roots: Vec<PathBuf> = roots.iter().map(|root| (*root).to_owned()).collect();
    let found = scan(&roots, shelf, &mut |_| true);
    let models = assemble(&found);
    (found, models)
}

fn models(root: &Path) -> Vec<KnownModel> {
    look(&[root], &mut Shelf::default()).1
}

fn named<'a>(models: &'a [KnownModel], name: &str) -> &'a KnownModel {
    models.iter().find(|model| model.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn here(models: &[KnownModel]) -> Vec<&KnownModel> {
    models.iter().filter(|model| matches!(model.key, ModelKey::Path(_))).collect()
}

fn missing(model: &KnownModel) -> Vec<PartRole> {
    model.missing().map(|part| part.role).collect()
}

fn folder() -> TempDir {
    tempdir().unwrap()
}

#[test]
fn without_any_file_all_that_is_published_is_listed() {
    let models = models(folder().path());
    assert_eq!(models[0].key, ModelKey::BuiltIn);
    assert!(here(&models).is_empty());
    let edges = named(&models, "edge_base");
    assert_eq!(edges.state, ModelState::Absent);
    assert_eq!(edges.controls, [ControlKind::Lines]);
    assert!(edges.about_controls.contains("hidden"));
    assert_eq!(edges.licence, "Apache-2.0");
    let files: Vec<_> = edges.to_download().into_iter().map(|file| file.file).collect();
    let expected =
        ["edge_base.safetensors", "vq_ds16_t2i.pt", "model-flan-t5-xl.gguf", "tokenizer.json"];
    assert_eq!(files, expected);
    assert!(edges.needs.len() == 4 && edges.needs[1].precision == "q8");
    assert!(matches!(named(&models, "seg_ade20k").state, ModelState::Unpublished(_)));
}

#[test]
fn the_layout_of_the_authors_is_complete() {
    let root = folder();
    files::write_readme_layout(root.path());
    let models = models(root.path());
    let [model] = here(&models)[..] else { panic!("{:?}", here(&models)) };
    assert_eq!((model.name.as_str(), &model.state), ("canny_MR", &ModelState::Ready));
    assert_eq!(model.controls, [ControlKind::Lines]);
    assert!(model.sizes.contains("multiples of 16"));
    let part = |role| model.parts.iter().find(|part| part.role == role).unwrap();
    let name = |role| part(role).files[0].path.file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(name(PartRole::PictureTokenizer), "vq_ds16_t2i.pt");
    assert_eq!(part(PartRole::TextEncoder).files.len(), 2);
    assert_eq!(name(PartRole::TextTokenizer), "tokenizer.json");
    // Of the 4.9 GB of the text encoder, two of 24 blocks at a time.
    let need = model.need("q8").unwrap();
    assert!((350_000_000..450_000_000).contains(&need.prompt), "{need:?}");
    assert_eq!(need.peak(), need.weights + need.prompt.max(need.drawing));
    assert!(model.remarks.is_empty(), "{:?}", model.remarks);
    assert!(models.iter().filter(|model| model.name == "canny_MR").count() == 1);
}

#[test]
fn what_is_missing_is_told_with_where_it_is_to_be_had() {
    let root = folder();
    files::write(&root.path().join("depth_base.safetensors"), &files::controlar(true, 32));
    let models = models(root.path());
    let model = named(&models, "depth_base");
    assert_eq!(model.state, ModelState::Incomplete);
    let expected = [PartRole::PictureTokenizer, PartRole::TextEncoder, PartRole::TextTokenizer];
    assert_eq!(missing(model), expected);
    let file = &model.to_download()[0];
    let url = "https://huggingface.co/peizesun/llamagen_t2i/resolve/main/vq_ds16_t2i.pt";
    assert_eq!(
        (file.url("https://huggingface.co").as_str(), file.n_bytes),
        (url, Some(288_000_000))
    );
    assert_eq!(file.licence, "MIT");
}

#[test]
fn renamed_files_are_known_by_their_folders_or_said_to_be_unknown() {
    let root = folder();
    files::write(&root.path().join("depth/model.safetensors"), &files::controlar(true, 32));
    files::write(&root.path().join("x/model.safetensors"), &files::controlar(true, 32));
    files::write(&root.path().join("y/thing.bin"), &files::classes());
    let models = models(root.path());
    let of = |folder: &str| {
        let folder = root.path().join(folder);
        let is_it = |model: &&KnownModel| matches!(&model.key, ModelKey::Path(path) if path.starts_with(&folder));
        models.iter().find(is_it).unwrap()
    };
    assert_eq!(of("depth").name, "depth_base");
    let unknown = of("x");
    assert_eq!(unknown.controls, [ControlKind::Lines, ControlKind::Depth]);
    assert!(unknown.remarks[0].contains("edge_base and of depth_base"), "{:?}", unknown.remarks);
    // Only the number of pixels is not known of a model of classes; it needs no prompt reader.
    assert_eq!(missing(of("y")), [PartRole::PictureTokenizer]);
}

#[test]
fn picture_decoders_for_prompts_and_classes_are_not_confused() {
    let root = folder();
    files::write(&root.path().join("c2i_B_384.pt"), &files::classes());
    files::write(&root.path().join("vq_ds16_t2i.pt"), &files::picture_tokenizer());
    assert_eq!(named(&models(root.path()), "c2i_B_384").state, ModelState::Incomplete);
    files::write(&root.path().join("renamed.pt"), &files::picture_tokenizer());
    let models = models(root.path());
    let model = named(&models, "c2i_B_384");
    assert_eq!(model.state, ModelState::Ready);
    assert!(model.remarks[0].contains("renamed.pt"), "{:?}", model.remarks);
}

#[test]
fn folders_of_other_programs_are_understood() {
    let root = folder();
    let comfy = root.path().join("ComfyUI");
    files::write(&comfy.join("models/checkpoints/hed.safetensors"), &files::controlar(false, 32));
    files::write(&comfy.join("models/vae/vq_ds16_t2i.safetensors"), &files::picture_tokenizer());
    files::write_t5(&comfy.join("models/text_encoders/t5"));
    // Beside the models there is nothing to look at.
    files::write(&comfy.join("output/hed.safetensors"), &files::controlar(false, 32));
    let models = models(&comfy);
    let [model] = here(&models)[..] else { panic!("{:?}", here(&models)) };
    assert_eq!((model.name.as_str(), &model.state), ("hed", &ModelState::Ready));

    let webui = root.path().join("webui");
    let file = webui.join("models/Stable-diffusion/canny_MR.safetensors");
    files::write(&file, &files::controlar(false, 48));
    assert_eq!(here(&self::models(&webui)).len(), 1);
}

#[cfg(unix)]
#[test]
fn the_cache_of_the_hub_is_read_through_its_links() {
    let root = folder();
    let repository = root.path().join("models--wondervictor--ControlAR");
    let blob = repository.join("blobs/0123");
    files::write(&blob, &files::controlar(true, 32));
    let snapshot = repository.join("snapshots/abc");
    fs::create_dir_all(&snapshot).unwrap();
    std::os::unix::fs::symlink(&blob, snapshot.join("edge_base.safetensors")).unwrap();
    std::os::unix::fs::symlink(&repository, snapshot.join("round")).unwrap();
    let models = models(root.path());
    let [model] = here(&models)[..] else { panic!("{:?}", here(&models)) };
    assert_eq!(model.name, "edge_base");
}

#[test]
fn files_that_cannot_be_used_are_listed_with_the_reason() {
    let root = folder();
    let path = |name: &str| root.path().join(name);
    fs::write(path("cut.safetensors"), [255; 40]).unwrap();
    fs::write(path("empty.pt"), "").unwrap();
    fs::write(path("old.ckpt"), [0x80, 2, 1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    let lacking: Vec<_> = files::controlar(true, 32)
        .into_iter()
        .filter(|tensor| tensor.name != "layers.7.attention.wo.weight")
        .collect();
    files::write(&path("edge_base.safetensors"), &lacking);
    let foreign = [underpaint::model::weights::Wanted::new("unet.conv.weight", [4, 4])];
    files::write(&path("sd.safetensors"), &foreign);
    let (found, models) = look(&[root.path()], &mut Shelf::default());
    let refused: Vec<_> = found
        .refused()
        .iter()
        .map(|file| file.path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(refused, ["cut.safetensors", "empty.pt", "old.ckpt"]);
    assert!(found.refused()[2].reason.contains("before version 1.6"), "{:?}", found.refused());
    assert_eq!(found.n_others, 1);
    let ModelState::Unusable(reason) = &named(&models, "edge_base").state else { panic!() };
    assert!(reason.contains("layers.7.attention.wo.weight"), "{reason}");
}

#[test]
fn a_file_is_looked_at_again_only_when_it_has_changed() {
    let root = folder();
    let path = root.path().join("vq_ds16_t2i.pt");
    files::write(&path, &files::picture_tokenizer());
    let shelf_path = root.path().join("data/models.json");
    let mut shelf = Shelf::default();
    shelf.add_folder(root.path());
    assert!(!shelf.add_folder(root.path()));
    let before = look(&[root.path()], &mut shelf).0;
    shelf.write(&shelf_path).unwrap();
    let mut shelf = Shelf::read(&shelf_path);
    assert_eq!(shelf.folders, [root.path()]);

    // The same size and time, but other bytes: nobody looks.
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    std::io::Write::write_all(&mut &file, &[255; 8]).unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(look(&[root.path()], &mut shelf).0, before);
    file.set_modified(modified + std::time::Duration::from_secs(1)).unwrap();
    assert_eq!(look(&[root.path()], &mut shelf).0.refused().len(), 1);

    fs::write(&shelf_path, "no list").unwrap();
    assert_eq!(Shelf::read(&shelf_path).folders, Vec::<PathBuf>::new());
}

#[test]
fn a_scan_can_be_stopped() {
    let root = folder();
    files::write_readme_layout(root.path());
    let mut n_asked = 0;
    let roots = [root.path().to_owned()];
    let found = scan(&roots, &mut Shelf::default(), &mut |_| {
        n_asked += 1;
        n_asked < 3
    });
    assert!(found.was_stopped && n_asked <= 4, "{n_asked}");
}

#[test]
fn the_best_that_fits_is_suggested() {
    let models = models(folder().path());
    let model = named(&models, "edge_base");
    let precision = |available| model.best_need(available).unwrap().precision;
    assert_eq!(precision(None), "q8");
    assert_eq!(precision(Some(64 << 30)), "q8");
    let q8 = model.need("q8").unwrap().peak();
    assert_eq!(precision(Some(q8 - 1)), "q4");
    assert_eq!(precision(Some(1)), "q4");
}
