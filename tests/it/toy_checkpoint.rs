//! PyTorch checkpoints for the import to convert or refuse: the tensors of pyannote's segmentation, with numbers of their own.
#![expect(clippy::unwrap_used, reason = "tests make their own files, and fail by panicking")]

use std::fs::File;
use std::io::Write;
use std::path::Path;

use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::toy_whisper::numbers;

#[derive(Clone)]
pub(crate) struct ToyTensor {
    pub(crate) name: String,
    pub(crate) storage_type: &'static str,
    pub(crate) storage: String,
    pub(crate) stored: i32,
    pub(crate) offset: i32,
    pub(crate) shape: Vec<i32>,
    pub(crate) strides: Vec<i32>,
    pub(crate) data: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct ToyCheckpoint {
    pub(crate) tensors: Vec<ToyTensor>,
    /// Instructions before the dictionary's end.
    pub(crate) extra: Vec<u8>,
    pub(crate) byte_order: Option<&'static str>,
    pub(crate) compression: CompressionMethod,
}

impl ToyCheckpoint {
    /// The 54 tensors of PyanNet.
    pub(crate) fn segmentation() -> Self {
        let mut shapes: Vec<(String, Vec<i32>)> = vec![
            ("sincnet.conv1d.0.filterbank.low_hz_".to_owned(), vec![40, 1]),
            ("sincnet.conv1d.0.filterbank.band_hz_".to_owned(), vec![40, 1]),
            ("sincnet.conv1d.0.filterbank.window_".to_owned(), vec![125]),
            ("sincnet.conv1d.0.filterbank.n_".to_owned(), vec![1, 125]),
        ];
        let mut pair = |name: &str, weight: &[i32]| {
            shapes.push((format!("{name}.weight"), weight.to_vec()));
            shapes.push((format!("{name}.bias"), weight[..1].to_vec()));
        };
        pair("sincnet.wav_norm1d", &[1]);
        for (index, channels) in [80, 60, 60].into_iter().enumerate() {
            pair(&format!("sincnet.norm1d.{index}"), &[channels]);
        }
        pair("sincnet.conv1d.1", &[60, 80, 5]);
        pair("sincnet.conv1d.2", &[60, 60, 5]);
        pair("linear.0", &[128, 256]);
        pair("linear.1", &[128, 128]);
        pair("classifier", &[7, 128]);
        for layer in 0..4 {
            for direction in ["", "_reverse"] {
                let inputs = if layer == 0 { 60 } else { 256 };
                for (part, shape) in [
                    ("weight_ih", vec![512, inputs]),
                    ("weight_hh", vec![512, 128]),
                    ("bias_ih", vec![512]),
                    ("bias_hh", vec![512]),
                ] {
                    shapes.push((format!("lstm.{part}_l{layer}{direction}"), shape));
                }
            }
        }
        let tensor = |(index, (name, shape)): (usize, (String, Vec<i32>))| {
            let count: i32 = shape.iter().product();
            let strides = (1..=shape.len()).map(|dimension| shape[dimension..].iter().product()).collect();
            let data = numbers(&name, count as usize).iter().flat_map(|number| number.to_le_bytes()).collect();
            let storage = index.to_string();
            ToyTensor { name, storage_type: "FloatStorage", storage, stored: count, offset: 0, shape, strides, data }
        };
        let tensors = shapes.into_iter().enumerate().map(tensor).collect();
        Self { tensors, extra: Vec::new(), byte_order: None, compression: CompressionMethod::Stored }
    }

    pub(crate) fn tensor(&mut self, name: &str) -> &mut ToyTensor {
        self.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap()
    }

    /// The pickle of the state dict.
    pub(crate) fn pickle(&self) -> Vec<u8> {
        let mut pickle = b"\x80\x02}q\x00(".to_vec();
        for (index, tensor) in self.tensors.iter().enumerate() {
            text(&mut pickle, &tensor.name);
            if index == 0 {
                pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\nq\x01");
            } else {
                pickle.extend(b"h\x01");
            }
            pickle.extend(b"((");
            text(&mut pickle, "storage");
            pickle.extend(format!("ctorch\n{}\n", tensor.storage_type).as_bytes());
            text(&mut pickle, &tensor.storage);
            text(&mut pickle, "cpu");
            number(&mut pickle, tensor.stored);
            pickle.extend(b"tQ");
            number(&mut pickle, tensor.offset);
            for sizes in [&tensor.shape, &tensor.strides] {
                pickle.push(b'(');
                for size in sizes {
                    number(&mut pickle, *size);
                }
                pickle.push(b't');
            }
            pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
        }
        pickle.push(b'u');
        pickle.extend(&self.extra);
        pickle.push(b'.');
        pickle
    }

    /// Writes the checkpoint with its own pickle.
    pub(crate) fn write(&self, path: &Path) {
        self.write_with(path, &self.pickle());
    }

    pub(crate) fn write_with(&self, path: &Path, pickle: &[u8]) {
        let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
        let options = SimpleFileOptions::default().compression_method(self.compression);
        let mut put = |name: &str, content: &[u8]| {
            zip.start_file(name, options).unwrap();
            zip.write_all(content).unwrap();
        };
        put("toy/data.pkl", pickle);
        if let Some(order) = self.byte_order {
            put("toy/byteorder", order.as_bytes());
        }
        let mut written = std::collections::HashSet::new();
        for tensor in self.tensors.iter().filter(|tensor| written.insert(tensor.storage.clone())) {
            put(&format!("toy/data/{}", tensor.storage), &tensor.data);
        }
        zip.finish().unwrap();
    }
}

/// The instruction that pushes a text.
pub(crate) fn text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend((text.len() as u32).to_le_bytes());
    pickle.extend(text.as_bytes());
}

fn number(pickle: &mut Vec<u8>, number: i32) {
    pickle.push(b'J');
    pickle.extend(number.to_le_bytes());
}
