//! Published weight files in all their forms, and files that only claim to be some. The small ones
//! in `tests/fixtures/checkpoints` are written by `reference/write_checkpoints.py`.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

#[path = "common/torch_file.rs"]
mod torch_files;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use proptest::prelude::*;
use tempfile::NamedTempFile;
use underpaint::model::weights::{Checkpoint, Wanted, formats};
use underpaint::model::{ModelError, WeightsError};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints").join(name)
}

fn file(bytes: &[u8]) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn open(bytes: &[u8]) -> Result<Checkpoint, WeightsError> {
    Checkpoint::open(file(bytes).path())
}

/// A PyTorch file around a pickle, with one storage of 16 bytes.
fn torch_file(pickle: &[u8]) -> Vec<u8> {
    torch_files::torch_zip(pickle, &[("0".to_owned(), vec![0; 16])])
}

fn values(checkpoint: &Checkpoint, name: &str, shape: &[usize]) -> Vec<f32> {
    let vb = checkpoint.var_builder(&Device::Cpu);
    vb.get(shape, name).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn ramp(n: usize) -> Vec<f32> {
    (0..n).map(|i| i as f32 / 8.0 - 1.0).collect()
}

#[track_caller]
fn assert_refused(bytes: &[u8], because: &str) {
    let error = open(bytes).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(because), "{error}");
    assert!(!error.contains('\n'), "more than a line: {error}");
}

#[test]
fn every_form_of_pytorch_files_is_read() {
    for (name, key) in [
        ("model_key.pt", Some("model")),
        ("module_key.pt", Some("module")),
        ("state_dict_key.pth", Some("state_dict")),
        ("bare.bin", None),
        ("parameters.pt", None),
        ("protocol4.pt", Some("model")),
    ] {
        let checkpoint = Checkpoint::open(&fixture(name)).unwrap();
        assert_eq!(checkpoint.key(), key, "{name}");
        let shapes: Vec<_> =
            checkpoint.tensors().map(|(name, shape)| (name.to_owned(), shape.to_vec())).collect();
        let expected = [
            ("brain.weight", vec![2, 3, 4]),
            ("count", vec![3]),
            ("half.weight", vec![6, 4]),
            ("norm.weight", vec![6]),
            ("output.weight", vec![4, 6]),
        ];
        assert_eq!(shapes, expected.map(|(name, shape)| (name.to_owned(), shape)), "{name}");
        assert_eq!(values(&checkpoint, "norm.weight", &[6]), ramp(6));
        assert_eq!(values(&checkpoint, "output.weight", &[4, 6]), ramp(24));
        assert_eq!(values(&checkpoint, "half.weight", &[6, 4]), ramp(24));
        assert_eq!(values(&checkpoint, "brain.weight", &[2, 3, 4]), ramp(24));
    }
}

#[test]
fn parts_of_a_storage_are_found_and_turned_ones_refused() {
    let checkpoint = Checkpoint::open(&fixture("views.pt")).unwrap();
    assert_eq!(values(&checkpoint, "a", &[6]), ramp(6));
    assert_eq!(values(&checkpoint, "b", &[4, 6]), ramp(24));
    let error = checkpoint.var_builder(&Device::Cpu).get((6, 4), "turned").unwrap_err();
    assert!(ModelError::from(error).to_failure().details.contains("transposed"));
}

#[test]
fn a_list_is_compared_before_anything_is_read() {
    let checkpoint = Checkpoint::open(&fixture("model_key.pt")).unwrap();
    let wanted = |names: &[(&str, &[usize])]| -> Vec<Wanted> {
        names.iter().map(|(name, shape)| Wanted::new(*name, *shape)).collect()
    };
    let good = wanted(&[("norm.weight", &[6]), ("output.weight", &[4, 6])]);
    let inventory = checkpoint.check(&good, &["half.", "brain."]).unwrap();
    assert_eq!(inventory.unexpected, ["count"]);
    assert_eq!(inventory.ignored, ["brain.weight", "half.weight"]);
    assert_eq!(inventory.n_parameters, 30);
    let bad = wanted(&[("norm.weight", &[7]), ("gone", &[1 << 40]), ("count", &[3])]);
    let error = checkpoint.check(&bad, &[]).unwrap_err();
    let WeightsError::Inventory { inventory, .. } = &error else { panic!("{error}") };
    assert_eq!(inventory.missing, ["gone"]);
    assert_eq!(inventory.misshaped[0].found, [6]);
    assert_eq!(inventory.undecodable, [("count".to_owned(), "Long".to_owned())]);
    let message = error.to_string();
    for word in ["gone", "norm.weight with [6] for [7]", "Long", "model_key.pt"] {
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn safetensors_stay_on_disk_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let good = Tensor::new(ramp(6), &Device::Cpu).unwrap();
    let bad = Tensor::new(&[1.0_f32, f32::NAN], &Device::Cpu).unwrap();
    let tensors = [("good".to_owned(), good), ("bad".to_owned(), bad)].into_iter().collect();
    candle_core::safetensors::save(&tensors, &path).unwrap();
    let checkpoint = Checkpoint::open(&path).unwrap();
    assert_eq!(values(&checkpoint, "good", &[6]), ramp(6));
    let error = checkpoint.var_builder(&Device::Cpu).get(2, "bad").unwrap_err();
    assert!(ModelError::from(error).to_failure().details.contains("not finite"));
    let error = checkpoint.var_builder(&Device::Cpu).get(3, "good").unwrap_err();
    assert!(ModelError::from(error).to_failure().details.contains("[6]"));
}

#[test]
fn other_files_are_refused_with_the_reason() {
    assert_refused(&fs::read(fixture("old_format.pt")).unwrap(), "before version 1.6");
    assert_refused(b"", "empty");
    assert_refused(b"GGUF....", "GGUF");
    assert_refused(&u64::MAX.to_le_bytes(), "header claims");
    assert_refused(&[&100_u64.to_le_bytes()[..], b"{}"].concat(), "header claims");
    assert_refused(&[&3_u64.to_le_bytes()[..], b"abc"].concat(), "not readable");
    let overflow = r#"{"a": {"dtype": "F32", "shape": [4294967296, 4294967296, 4],
        "data_offsets": [0, 0]}}"#;
    let overflow = [&(overflow.len() as u64).to_le_bytes()[..], overflow.as_bytes()].concat();
    assert_refused(&overflow, "does not fit");
    assert_refused(&torch_file(b"\x80\x02}."), "names no tensors");
    assert_refused(&torch_file(b"\x80\x02}q"), "cut off");
    assert_refused(&torch_file(b"\x80\x02h\x05."), "does not have");
    assert_refused(&torch_file(b"\x80\x02i"), "unknown instruction");
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let packed = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    zip.start_file("x/data.pkl", packed).unwrap();
    zip.write_all(&vec![b'N'; 100_000]).unwrap();
    assert_refused(&zip.finish().unwrap().into_inner(), "compressed");
}

/// Nesting and sharing cost no stack and little memory.
#[test]
fn deep_and_shared_pickles_are_harmless() {
    let deep = [b"\x80\x02N".as_slice(), &vec![0x85; 900_000], b"."].concat();
    assert_refused(&torch_file(&deep), "names no tensors");
    // A tuple of two of the last, again and again: 2^100000 leaves.
    let mut shared = b"\x80\x02Nq\x00".to_vec();
    for _ in 0..100_000 {
        shared.extend_from_slice(b"h\x00h\x00\x86q\x00");
    }
    shared.push(b'.');
    assert_refused(&torch_file(&shared), "names no tensors");
    let many = [b"\x80\x02".as_slice(), &vec![b'N'; 5_000_000], b"."].concat();
    assert_refused(&torch_file(&many), "values");
}

#[test]
fn cut_and_broken_files_never_panic() {
    for name in ["model_key.pt", "protocol4.pt", "views.pt"] {
        let whole = fs::read(fixture(name)).unwrap();
        for len in (0..whole.len()).step_by(31) {
            assert!(open(&whole[..len]).is_err(), "{name} cut to {len} bytes");
        }
        for place in (0..whole.len()).step_by(5) {
            for byte in [0xff, b'R'] {
                let mut broken = whole.clone();
                broken[place] = byte;
                let Ok(checkpoint) = open(&broken) else { continue };
                let vb = checkpoint.var_builder(&Device::Cpu);
                for (name, shape) in checkpoint.tensors() {
                    drop(vb.get(shape, name));
                }
            }
        }
    }
}

/// A safetensors file with a header of our own choosing.
fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

#[test]
fn what_lies_in_place_of_a_file_is_told() {
    let pointer =
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 3110000000\n";
    assert_refused(pointer, "git lfs pull");
    assert_refused(b"\xef\xbb\xbf\r\n <!DOCTYPE html><html><title>Sign in</title>", "web page");
    assert_refused(b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "web page");
    assert_refused(b"{\"error\":\"Invalid username or password.\"}", "server's message");
    assert_refused(b"{}", "server's message");
    assert_refused(b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "unpack it");
    assert_refused(b"Rar!\x1a\x07\x01\0", "unpack it");
    assert_refused(b"\x89PNG\r\n\x1a\n", "picture");
    assert_refused(b"\x89HDF\r\n\x1a\n", "Keras");
    assert_refused(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "empty or damaged ZIP");
    assert_refused(&[0; 4096], "header is not readable");
    let folder = tempfile::tempdir().unwrap();
    let error = Checkpoint::open(folder.path()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("cannot be read"), "{error}");
    // The name's ending says nothing: a file is what it holds.
    let path = folder.path().join("mislabelled.safetensors");
    fs::copy(fixture("model_key.pt"), &path).unwrap();
    assert_eq!(values(&Checkpoint::open(&path).unwrap(), "norm.weight", &[6]), ramp(6));
}

/// The first byte of a safetensors file is that of a length, and may be any.
#[test]
fn headers_of_every_length_are_read() {
    for n_spaces in 0..600 {
        let entry = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        let header = format!("{entry}{}", " ".repeat(n_spaces));
        let opened = open(&safetensors(&header, &[0; 4]));
        assert!(opened.is_ok(), "{} bytes: {:?}", header.len(), opened.map(|_| ()));
    }
}

#[test]
fn lists_that_contradict_themselves_are_refused() {
    let entry = |name: &str, shape: &str, offsets: &str| {
        format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}"#)
    };
    let of = |entries: &[String]| safetensors(&format!("{{{}}}", entries.join(",")), &[0; 16]);
    let (a, b) = (entry("a", "[2]", "[0,8]"), entry("b", "[2]", "[8,16]"));
    assert!(open(&of(&[a.clone(), b.clone()])).is_ok());
    assert_refused(&of(&[a.clone(), a.clone()]), "lists tensor a twice");
    assert_refused(&of(&[a.clone(), entry("b", "[2]", "[4,12]")]), "a and b lie on top");
    let many = format!("[{}]", vec!["1"; 100_000].join(","));
    assert_refused(&of(&[entry("a", &many, "[0,4]")]), "100000 dimensions");
    assert_refused(&of(&[entry("a", "[0,18446744073709551615,2]", "[0,8]")]), "does not fit");
    // However long a name is, what is said of it is a line.
    let long = entry(&"x".repeat(1_000_000), "[3]", "[0,8]");
    let error = open(&of(&[long])).map(|_| ()).unwrap_err().to_string();
    assert!(error.len() < 400, "{} characters", error.len());
    // PyTorch: the same name twice in one list.
    let tensor = Tensor::new(&[1.0_f32], &Device::Cpu).unwrap();
    let twice = [("a".to_owned(), tensor.clone()), ("a".to_owned(), tensor)];
    assert_refused(&torch_files::torch_file(&twice), "lists tensor a twice");
}

/// A GGUF file of one tensor, or several of the same name and place.
fn gguf(n_claimed: u64, n_tensors: usize, dims: &[u64], kind: u32) -> Vec<u8> {
    let mut bytes = b"GGUF\x03\0\0\0".to_vec();
    bytes.extend_from_slice(&n_claimed.to_le_bytes());
    bytes.extend_from_slice(&0_u64.to_le_bytes());
    for i in 0..n_tensors {
        bytes.extend_from_slice(&1_u64.to_le_bytes());
        bytes.push(b'a' + (i / 2) as u8);
        bytes.extend_from_slice(&(dims.len() as u32).to_le_bytes());
        for dim in dims {
            bytes.extend_from_slice(&dim.to_le_bytes());
        }
        bytes.extend_from_slice(&kind.to_le_bytes());
        bytes.extend_from_slice(&0_u64.to_le_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(32) + 64, 0);
    bytes
}

#[test]
fn gguf_files_are_read_or_refused() {
    let whole = gguf(1, 1, &[32], 8);
    assert_eq!(values(&open(&whole).unwrap(), "a", &[32]), vec![0.0; 32]);
    for len in 0..whole.len() - 30 {
        assert!(open(&whole[..len]).is_err(), "cut to {len} bytes");
    }
    assert_refused(&gguf(2, 2, &[4], 0), "lists tensor a twice");
    assert_refused(&gguf(3, 3, &[4], 0), "lists tensor a twice");
    assert_refused(&gguf(u64::MAX, 1, &[4], 0), "ends early");
    assert_refused(&gguf(1, 1, &[u64::MAX, u64::MAX], 0), "does not fit");
    assert_refused(&gguf(1, 1, &[1 << 40, 1 << 40, 0], 0), "does not fit");
    assert_refused(&gguf(1, 1, &[1 << 40], 2), "does not fit");
    assert_refused(&gguf(1, 1, &[33], 2), "does not fit");
    assert_refused(&gguf(1, 1, &[1; 5], 0), "5 dimensions");
    let other = open(&gguf(1, 1, &[32], 99)).unwrap();
    let error = other.check(&[Wanted::new("a", [32])], &[]).unwrap_err().to_string();
    assert!(error.contains("GGML type 99"), "{error}");
    let mut bad = gguf(1, 1, &[32], 8);
    let start = bad.len() - 64;
    bad[start..start + 2].copy_from_slice(&0x7c00_u16.to_le_bytes());
    bad[start + 2] = 1;
    let error = open(&bad).unwrap().var_builder(&Device::Cpu).get(32, "a").unwrap_err();
    assert!(ModelError::from(error).to_failure().details.contains("get the file again"));
}

#[test]
fn numbers_that_are_none_are_refused_in_pytorch_files_too() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let tensor = Tensor::new(&[1.0, bad], &Device::Cpu).unwrap();
        let bytes = torch_files::torch_file(&[("a".to_owned(), tensor)]);
        let error = open(&bytes).unwrap().var_builder(&Device::Cpu).get(2, "a").unwrap_err();
        assert!(ModelError::from(error).to_failure().details.contains("not finite"));
    }
}

/// Small files that would unfold to terabytes.
fn bombs() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let text = |letter: u8, len: usize| {
        let mut text = vec![b'X'];
        text.extend_from_slice(&(len as u32).to_le_bytes());
        text.resize(text.len() + len, letter);
        text
    };
    let pickle = |parts: &[&[u8]]| torch_file(&[b"\x80\x02", &parts.concat()[..], b"."].concat());
    // A class that is named by two long texts, a million times.
    let name = [text(b'm', 4 << 20), b"q\0".to_vec()].concat();
    let classes = pickle(&[&name, &b"h\0h\0\x930".repeat(1_000_000)]);
    // A million tensors that share a shape of a million numbers.
    let dims = [b"(".to_vec(), b"K\x01".repeat(900_000), b"tq\x01".to_vec()].concat();
    let class = b"ctorch._utils\n_rebuild_tensor_v2\nq\x02";
    let storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000tQq\x03";
    let call = b"h\x02(h\x03K\0h\x01h\x01tRq\x04";
    let keys: Vec<u8> = (0..20_000_u32)
        .flat_map(|i| {
            [
                b"X\x04\0\0\0".to_vec(),
                format!("{i:04x}").into_bytes()[..4].to_vec(),
                b"h\x04".to_vec(),
            ]
            .concat()
        })
        .collect();
    let shapes = pickle(&[&dims, class, storage, call, b"}(", &keys, b"u"]);
    let stack = pickle(&[b"N", &vec![b'2'; 15 << 20]]);
    let marks = pickle(&[&vec![b'('; 15 << 20]]);
    let memo: Vec<u8> = (0..3_000_000_u32)
        .flat_map(|i| [b"r".to_vec(), i.to_le_bytes().to_vec()].concat())
        .collect();
    let memo = pickle(&[b"N", &memo]);
    let nested = format!("{{\"__metadata__\":{{\"x\":{}}}}}", "[".repeat(10 << 20));
    let flat = format!("{{\"__metadata__\":{{\"x\":[{}0]}}}}", "0,".repeat(7 << 20));
    vec![
        ("classes", classes, "too long a name"),
        ("shapes", shapes, "not described whole"),
        ("stack", stack, "values"),
        ("marks", marks, "values"),
        ("memo", memo, "values"),
        ("nested metadata", safetensors(&nested, &[]), "not readable"),
        ("flat metadata", safetensors(&flat, &[]), "opened 0 tensors"),
        ("counts", gguf(u64::MAX, 1, &[4], 0), "ends early"),
    ]
}

const FILE: &str = "UNDERPAINT_TEST_CHECKPOINT";

/// Not a test of its own: what [`bombs_take_little_memory_and_time`] runs in a process of its own.
#[test]
fn opens_what_it_is_given() {
    let Some(path) = std::env::var_os(FILE) else { return };
    match Checkpoint::open(Path::new(&path)) {
        Ok(checkpoint) => println!("opened {} tensors", checkpoint.tensors().count()),
        Err(error) => println!("refused: {error}"),
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    println!("peak {}", peak.trim().trim_end_matches(" kB"));
}

/// What it says of a file, and the most memory that it took, in kB; 0 where that is not told.
fn opened_elsewhere(path: &Path) -> (String, u64) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["opens_what_it_is_given", "--exact", "--nocapture"])
        .env(FILE, path)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let peak = said.lines().find_map(|line| line.strip_prefix("peak ")).unwrap();
    (said.clone(), peak.trim().parse().unwrap())
}

#[test]
fn bombs_take_little_memory_and_time() {
    let (_, usual) = opened_elsewhere(&fixture("model_key.pt"));
    for (name, bytes, because) in bombs() {
        let bomb = file(&bytes);
        let started = std::time::Instant::now();
        let (said, peak) = opened_elsewhere(bomb.path());
        println!("{name}: {} kB more, {:?}", peak.saturating_sub(usual), started.elapsed());
        assert!(said.contains(because), "{name}: {said:.300}");
        assert!(peak < usual + (160 << 10), "{name}: {peak} kB, usually {usual}");
        assert!(started.elapsed().as_secs() < 20, "{name} took {:?}", started.elapsed());
    }
    // A terabyte of nothing behind a header: a hole in the file, which costs only who reads it.
    let header = r#"{"a":{"dtype":"F32","shape":[274877906944],"data_offsets":[0,1099511627776]}}"#;
    let hole = file(&safetensors(header, &[]));
    if hole.as_file().set_len((1 << 40) + 8 + header.len() as u64).is_ok() {
        let (said, peak) = opened_elsewhere(hole.path());
        assert!(said.contains("opened 1 tensors"), "{said}");
        assert!(peak < usual + (16 << 10), "{peak} kB, usually {usual}");
        let checkpoint = Checkpoint::open(hole.path()).unwrap();
        let error = checkpoint.check(&[Wanted::new("a", [4])], &[]).unwrap_err().to_string();
        assert!(error.contains("[274877906944] for [4]"), "{error}");
    }
}

/// What `fuzz` does with more time: each format's reader on thousands of broken files.
#[test]
fn readers_survive_thousands_of_mutations() {
    type Reader = fn(&[u8]) -> Result<usize, String>;
    let pt = |name| fs::read(fixture(name)).unwrap();
    let pickle_of = |bytes: &[u8]| {
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        let mut names = zip.file_names().map(|name| name.unwrap().into_owned());
        let name = names.find(|name| name.ends_with("data.pkl")).unwrap();
        drop(names);
        let mut pickle = Vec::new();
        std::io::copy(&mut zip.by_name(&name).unwrap(), &mut pickle).unwrap();
        pickle
    };
    let tensors = [("a.weight", ramp(6)), ("b.weight", ramp(24)), ("c.weight", ramp(3))]
        .map(|(name, values)| (name.to_owned(), Tensor::new(values, &Device::Cpu).unwrap()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    candle_core::safetensors::save(&tensors.into_iter().collect(), &path).unwrap();
    let cases: [(&str, Reader, Vec<Vec<u8>>); 4] = [
        (
            "pickle",
            formats::pickle,
            ["model_key.pt", "protocol4.pt", "parameters.pt"]
                .map(|name| pickle_of(&pt(name)))
                .into(),
        ),
        ("safetensors", formats::safetensors, vec![fs::read(&path).unwrap()]),
        ("gguf", formats::gguf, vec![gguf(1, 1, &[32], 8), gguf(2, 1, &[4, 2], 0)]),
        ("torch_zip", formats::torch_zip, vec![pt("bare.bin"), pt("views.pt")]),
    ];
    let mut random = 0x5eed_u64;
    let mut next = move |below: usize| {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below.max(1)
    };
    for (name, read, seeds) in cases {
        let mut n_read = 0;
        for _ in 0..4000 {
            let mut bytes = seeds[next(seeds.len())].clone();
            for _ in 0..=next(4) {
                let place = next(bytes.len());
                match next(6) {
                    0 => bytes.truncate(place),
                    1 => bytes.insert(place, next(256) as u8),
                    2 => bytes[place..].iter_mut().take(8).for_each(|byte| *byte = 0xff),
                    3 => {
                        let part =
                            bytes[place..].iter().take(1 + next(64)).copied().collect::<Vec<_>>();
                        bytes.splice(place..place, part);
                    }
                    4 => bytes[place] ^= 1 << next(8),
                    _ => bytes[place] = next(256) as u8,
                }
                if bytes.is_empty() {
                    break;
                }
            }
            match read(&bytes) {
                Ok(_) => n_read += 1,
                Err(reason) => assert!(reason.len() < 500, "{name}: {reason}"),
            }
            if let Ok(checkpoint) = Checkpoint::from_bytes(bytes, Path::new("x")) {
                let vb = checkpoint.var_builder(&Device::Cpu);
                for (name, shape) in checkpoint.tensors() {
                    drop(vb.get(shape, name));
                }
            }
        }
        assert!(n_read > 50, "{name}: nearly nothing of it was still readable ({n_read})");
    }
}

proptest! {
    #[test]
    fn any_pickle_is_read_or_refused(
        instructions in prop::collection::vec(
            prop_oneof![
                4 => prop::sample::select(b"().]}tudse0abNRQ12hqKMlc\n\x85\x86\x87\x81\x93\x94".to_vec()),
                1 => any::<u8>(),
            ],
            0..200,
        )
    ) {
        drop(open(&torch_file(&[b"\x80\x02".as_slice(), &instructions, b"."].concat())));
    }
}
