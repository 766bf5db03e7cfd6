//! Writes PyTorch checkpoints, as `torch.save` does, for tests that read them.

use std::io::Write as _;

use candle_core::Tensor;

/// A file around a pickle, with storages by key.
pub(crate) fn torch_zip(pickle: &[u8], storages: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.start_file("x/data.pkl", stored).unwrap();
    zip.write_all(pickle).unwrap();
    for (key, bytes) in storages {
        zip.start_file(format!("x/data/{key}"), stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A checkpoint of F32 tensors, by name.
pub(crate) fn torch_file(tensors: &[(String, Tensor)]) -> Vec<u8> {
    let mut pickle = b"\x80\x02}(".to_vec();
    let mut storages = Vec::new();
    for (key, (name, tensor)) in tensors.iter().enumerate() {
        let values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
        text(&mut pickle, name);
        pickle.extend_from_slice(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut pickle, "storage");
        pickle.extend_from_slice(b"ctorch\nFloatStorage\n");
        text(&mut pickle, &key.to_string());
        text(&mut pickle, "cpu");
        number(&mut pickle, values.len());
        pickle.extend_from_slice(b"tQ");
        number(&mut pickle, 0);
        dims(&mut pickle, tensor.dims());
        let mut strides = vec![1; tensor.rank()];
        for i in (1..tensor.rank()).rev() {
            strides[i - 1] = strides[i] * tensor.dims()[i];
        }
        dims(&mut pickle, &strides);
        pickle.extend_from_slice(b"\x89ccollections\nOrderedDict\n)RtR");
        storages.push((key.to_string(), values.iter().flat_map(|v| v.to_le_bytes()).collect()));
    }
    pickle.extend_from_slice(b"u.");
    torch_zip(&pickle, &storages)
}

fn text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend_from_slice(&(text.len() as u32).to_le_bytes());
    pickle.extend_from_slice(text.as_bytes());
}

fn number(pickle: &mut Vec<u8>, number: usize) {
    pickle.push(b'J');
    pickle.extend_from_slice(&(number as u32).to_le_bytes());
}

fn dims(pickle: &mut Vec<u8>, dims: &[usize]) {
    pickle.push(b'(');
    for dim in dims {
        number(pickle, *dim);
    }
    pickle.push(b't');
}
