//! Project files: what is saved comes back, and what is left of a damaged one can be had.

#[path = "common/projects.rs"]
mod projects;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use projects::Chance;
use underpaint::document::{Document, Plane};
use underpaint::params::ControlKind;
use underpaint::project::{self, Opened, Project, ProjectError};

/// Broken files of each kind that are tried.
const N_BROKEN: u64 = 200;
/// No file of a few kilobytes may take longer than this to open or refuse.
const PATIENCE: Duration = Duration::from_secs(2);

fn read(bytes: &[u8]) -> Option<Opened> {
    let started_at = Instant::now();
    let opened = project::from_bytes(bytes).ok();
    assert!(started_at.elapsed() < PATIENCE, "{:?}", started_at.elapsed());
    opened
}

#[test]
fn a_project_survives() {
    let project = projects::with_nodes(5);
    let opened = read(&project::to_bytes(&project)).unwrap();
    assert_eq!((&*opened.remarks, opened.is_newer), (&[] as &[String], false));
    assert!(opened.project == project);
    let empty = Project::new(Document::new(64).unwrap());
    assert!(read(&project::to_bytes(&empty)).unwrap().project == empty);
}

#[test]
fn what_pictures_share_is_saved_once() {
    let one = project::to_bytes(&projects::with_nodes(1)).len();
    let mut project = projects::with_nodes(1);
    for id in 1..100 {
        let mut node = (*project.nodes[0]).clone();
        (node.id, node.parent) = (id, Some(id - 1));
        project.nodes.push(Arc::new(node));
    }
    let bytes = project::to_bytes(&project);
    assert!(bytes.len() < one + 60_000, "{} for a hundred, {one} for one", bytes.len());
    let opened = read(&bytes).unwrap().project;
    assert!(opened == project);
    // And in memory too.
    let (first, last) = (&opened.nodes[0], &opened.nodes[99]);
    assert!(Arc::ptr_eq(first.picture.as_ref().unwrap(), last.picture.as_ref().unwrap()));
    assert!(first.document.is_copy_of(&last.document));
}

#[test]
fn a_file_cut_off_anywhere_opens_with_what_is_left_or_says_why_not() {
    let project = projects::with_nodes(4);
    let bytes = project::to_bytes(&project);
    let mut chance = Chance::new(1);
    let mut n_opened = 0;
    for _ in 0..N_BROKEN {
        let length = chance.below(bytes.len());
        let Some(opened) = read(&bytes[..length]) else { continue };
        n_opened += 1;
        check_remainder(&opened, &project);
        assert!(!opened.remarks.is_empty() || opened.project == project, "cut at {length}");
    }
    assert!(n_opened > N_BROKEN * 3 / 4, "only {n_opened} of {N_BROKEN} opened");
}

#[test]
fn a_file_with_flipped_bytes_opens_with_what_is_left_or_says_why_not() {
    let project = projects::with_nodes(4);
    let bytes = project::to_bytes(&project);
    let mut chance = Chance::new(2);
    let mut n_opened = 0;
    for round in 0..N_BROKEN {
        let mut flipped = bytes.clone();
        // Half of them with one flip, the others with many.
        for _ in 0..if round % 2 == 0 { 1 } else { 1 + chance.below(30) } {
            let at = chance.below(flipped.len());
            flipped[at] ^= 1 << chance.below(8);
        }
        let Some(opened) = read(&flipped) else {
            assert!(round % 2 == 1, "one flipped bit always leaves a readable list of contents");
            continue;
        };
        n_opened += 1;
        check_remainder(&opened, &project);
    }
    assert!(n_opened > N_BROKEN * 3 / 4, "only {n_opened} of {N_BROKEN} opened");
}

/// What is there is right: nothing is made up, and what is missing is empty.
fn check_remainder(opened: &Opened, project: &Project) {
    let found = &opened.project;
    assert_eq!((&found.recipe, found.nodes.len()), (&project.recipe, project.nodes.len()));
    for plane in Plane::ALL {
        let grid = found.sketch.plane(plane);
        assert!(grid.is_empty() || grid == project.sketch.plane(plane));
    }
    assert!(found.source.is_none() || found.source == project.source);
    for (found, node) in found.nodes.iter().zip(&project.nodes) {
        assert_eq!((&found.ids, &found.about), (&node.ids, &node.about));
        assert!(found.picture.is_none() || found.picture == node.picture);
    }
    let is_whole = found == project;
    assert_eq!(opened.remarks.is_empty(), is_whole, "{:?}", opened.remarks);
}

#[test]
fn garbage_is_refused_in_bounded_time() {
    let mut chance = Chance::new(3);
    for _ in 0..N_BROKEN {
        let mut bytes: Vec<u8> = (0..chance.below(5000)).map(|_| chance.byte()).collect();
        if chance.below(2) == 0 {
            bytes.splice(0..0, *b"PK\x03\x04\x14\0\0\0\x08\0");
        }
        assert!(read(&bytes).is_none());
    }
}

/// A file whose manifest was changed, as a careless or hostile program would.
fn rewritten(project: &Project, change: impl Fn(&mut serde_json::Value)) -> Vec<u8> {
    use std::io::{Cursor, Read as _, Write as _};
    let bytes = project::to_bytes(project);
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("it works here");
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for idx in 0..archive.len() {
        let mut entry = archive.by_index(idx).expect("it works here");
        let name = entry.name().expect("it works here").to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("it works here");
        if name.ends_with("json") {
            let mut manifest = serde_json::from_slice(&content).expect("it works here");
            change(&mut manifest);
            content = serde_json::to_vec(&manifest).expect("it works here");
        }
        writer.start_file(name, zip::write::SimpleFileOptions::default()).expect("it works here");
        writer.write_all(&content).expect("it works here");
    }
    writer.finish().expect("it works here").into_inner()
}

#[test]
fn a_newer_schema_opens_as_far_as_it_goes() {
    let project = projects::with_nodes(2);
    let newer = rewritten(&project, |manifest| {
        manifest["schema"] = "underpaint.project/v7".into();
        manifest["mood"] = "happy".into();
        manifest["nodes"][1]["tokens"] = "in another shape".into();
    });
    let opened = read(&newer).unwrap();
    assert!(opened.is_newer);
    assert_eq!(opened.remarks, ["one of the pictures"]);
    assert!(opened.project.nodes[..] == project.nodes[..1]);
    assert!(opened.project.sketch == project.sketch);
}

#[test]
fn wild_claims_are_tamed() {
    let project = projects::with_nodes(3);
    let wild = rewritten(&project, |manifest| {
        manifest["recipe"] = "a cat".into();
        manifest["sketch"]["size_px"] = 4_000_000_000_u64.into();
        // A loop, and two of the same name.
        manifest["nodes"][0]["parent"] = 2.into();
        manifest["nodes"][1]["id"] = 0.into();
        manifest["nodes"][2]["picture"] = "../../../../../../../../etc/passwd".into();
        manifest["current"] = 77.into();
    });
    let opened = read(&wild).unwrap();
    let found = opened.project;
    assert_eq!(found.current, None);
    assert_eq!(found.sketch, Document::new(Document::DEFAULT_SIZE_PX).unwrap());
    let family: Vec<_> = found.nodes.iter().map(|node| (node.id, node.parent)).collect();
    assert_eq!(family, [(0, None), (2, None)]);
    assert_eq!(found.nodes[1].picture, None);
    assert!(opened.remarks.contains(&"the sketch".to_owned()), "{:?}", opened.remarks);
}

#[test]
fn a_damaged_picture_to_start_from_loses_itself_only() {
    type Change = fn(&mut serde_json::Value);
    let project = projects::with_nodes(2);
    let damages: [Change; 5] = [
        |source| *source = "another shape".into(),
        |source| source["tokens"]["data"] = "!".into(),
        |source| source["tokens"]["scales"] = vec![4_000_000_000_u64; 8].into(),
        |source| source["n_kept"] = (-1).into(),
        |source| source["picture"] = "0".repeat(32).into(),
    ];
    for damage in damages {
        let damaged = rewritten(&project, |manifest| damage(&mut manifest["source"]));
        let opened = read(&damaged).unwrap();
        assert_eq!(opened.remarks, ["the picture to start from"]);
        assert!(opened.project == Project { source: None, ..project.clone() });
    }
    let wild = rewritten(&project, |manifest| {
        manifest["source"]["n_kept"] = u32::MAX.into();
        manifest["source"]["name"] = "é".repeat(5000).into();
        manifest["source"].as_object_mut().unwrap().remove("tokens");
    });
    let source = read(&wild).unwrap().project.source.unwrap();
    assert_eq!((source.n_kept, source.name.chars().count(), source.ids), (64, 256, None));
    // A file from before there was one.
    let older = rewritten(&project, |manifest| {
        manifest.as_object_mut().unwrap().remove("source");
    });
    let opened = read(&older).unwrap();
    assert_eq!((opened.project.source, opened.remarks.len()), (None, 0));
}

#[test]
fn a_bomb_is_not_inflated() {
    let project = projects::with_nodes(1);
    let bomb = rewritten(&project, |manifest| {
        manifest["mood"] = "a".repeat(140 << 20).into();
    });
    assert!(bomb.len() < 4 << 20);
    assert!(project::from_bytes(&bomb).is_err());
}

#[test]
fn saving_keeps_the_version_before() {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("cat.underpaint");
    let versions = [1, 2, 3].map(projects::with_nodes);
    for version in &versions {
        project::save(&path, version).unwrap();
    }
    assert!(project::open(&path).unwrap().project == versions[2]);
    assert!(project::open(&project::previous_of(&path)).unwrap().project == versions[1]);
    assert_eq!(fs::read_dir(desk.path()).unwrap().count(), 2, "nothing else is left behind");
}

#[test]
fn opening_leaves_the_file_alone_and_errors_say_what_to_do() {
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("cat.underpaint");
    let error = |path: &Path| project::open(path).unwrap_err().to_string();
    assert!(error(&path).starts_with("there is no such project"));
    assert!(error(desk.path()).starts_with("this is a folder"));
    fs::write(&path, "").unwrap();
    assert!(error(&path).contains("0 bytes); get it again from a copy: "));
    project::save(&path, &projects::with_nodes(1)).unwrap();
    let bytes = fs::read(&path).unwrap();
    project::save(&path, &projects::with_nodes(1)).unwrap();
    fs::write(&path, &bytes[..60]).unwrap();
    let message = error(&path);
    assert!(message.contains("the version before it, cat.underpaint.bak: "), "{message}");
    assert_eq!(fs::read(&path).unwrap(), bytes[..60]);
    assert_eq!(message.lines().count(), 1);
    fs::write(&path, "GIF89a").unwrap();
    assert!(matches!(project::open(&path), Err(ProjectError::NotAProject { .. })));
}

#[cfg(unix)]
#[test]
fn what_cannot_be_written_keeps_the_old_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = tempfile::tempdir().unwrap();
    let path = desk.path().join("cat.underpaint");
    let old = projects::with_nodes(1);
    project::save(&path, &old).unwrap();
    let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    set(0o444);
    let error = project::save(&path, &projects::with_nodes(2)).unwrap_err().to_string();
    assert!(error.contains("read-only"), "{error}");
    set(0o644);
    // The version before cannot be kept, as on a full disk: then nothing is replaced.
    fs::create_dir(project::previous_of(&path)).unwrap();
    fs::write(project::previous_of(&path).join("in the way"), "").unwrap();
    assert!(project::save(&path, &projects::with_nodes(2)).is_err());
    assert!(project::open(&path).unwrap().project == old);
    // No such folder any more.
    let gone = desk.path().join("gone/cat.underpaint");
    assert!(project::save(&gone, &old).is_err() && !gone.exists());
    assert_eq!(fs::read_dir(desk.path()).unwrap().count(), 2, "no temporary file stays");
}

#[test]
fn a_sketch_without_a_picture_has_a_thumbnail() {
    let mut project = projects::with_nodes(1);
    let size = |project: &Project| project::thumbnail(project).dimensions();
    assert_eq!(size(&project), (project::THUMBNAIL_PX as u32, project::THUMBNAIL_PX as u32));
    project.nodes.clear();
    let thumbnail = project::thumbnail(&project);
    assert!(thumbnail.pixels().any(|pixel| pixel.0 != [255; 4]), "the sketch is seen");
    assert!(!project.sketch.plane(Plane::Pixels(ControlKind::Lines)).is_empty());
}
