//! Tests with small Whisper files, complete and damaged in ways that whisper.cpp would not survive.

use std::io::Cursor;

use super::*;

/// A file with the smallest dimensions, as the importer writes it.
fn file(file_type: u32) -> Vec<u8> {
    let header = WhisperHeader {
        vocabulary: 51_864,
        state: 32,
        audio_heads: 1,
        audio_layers: 1,
        text_heads: 1,
        text_layers: 1,
        mels: 80,
        file_type,
    };
    let mut bytes = Vec::new();
    let mut put = |numbers: &[u32]| bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    put(&[MAGIC, header.vocabulary, 1500, 32, 1, 1, 448, 32, 1, 1, 80, file_type, 80, 201]);
    put(&vec![0; 80 * 201]);
    put(&[2, 1]);
    bytes.extend(b" ");
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(b"a");
    let mut tensors: Vec<_> = expected_tensors(header).into_iter().collect();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, tensor) in tensors {
        for number in [3, name.len() as u32, tensor.kind].into_iter().chain(tensor.shape) {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(name.as_bytes());
        bytes.resize(bytes.len() + tensor.bytes().unwrap() as usize, 0);
    }
    bytes
}

fn look(bytes: &[u8]) -> Result<WhisperHeader, GgmlError> {
    inspect_reader(Cursor::new(bytes), bytes.len() as u64)
}

/// The offset of the first tensor's description.
const TENSORS: usize = 14 * 4 + 80 * 201 * 4 + 4 + 5 + 5;

#[test]
fn a_whole_file_is_accepted_in_every_type_of_weights() {
    for file_type in [0, 1, 2, 3, 7, 8, 9] {
        let header = look(&file(file_type)).unwrap();
        assert_eq!((header.state, header.file_type), (32, file_type));
        assert!(!header.is_multilingual());
    }
}

#[test]
fn another_kind_of_file_is_named_as_such() {
    for bytes in [&b""[..], b"RI", b"RIFF....WAVE", b"GGUF\x03\0\0\0"] {
        assert!(matches!(look(bytes), Err(GgmlError::NotGgml)));
    }
}

#[test]
fn a_stub_is_named_as_such() {
    assert!(matches!(look(&file(7)[..TENSORS]), Err(GgmlError::Stub)));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = file(7);
    for length in (4..whole.len()).step_by(997).chain(whole.len() - 40..whole.len()) {
        assert!(look(&whole[..length]).is_err(), "cut at {length}");
    }
    assert!(matches!(look(&whole[..whole.len() - 1]), Err(GgmlError::CutOff)));
}

#[test]
fn no_wrong_number_in_the_header_is_accepted() {
    let whole = file(7);
    for field in 1..14 {
        for wrong in [0, 0x7fff_ffff, 0xffff_ffff] {
            let mut bytes = whole.clone();
            bytes[field * 4..field * 4 + 4].copy_from_slice(&u32::to_le_bytes(wrong));
            // Field 11 is the type of the weights, and 0 is f32, which then does not match the tensors.
            assert!(look(&bytes).is_err(), "field {field} is {wrong}");
        }
    }
}

#[test]
fn no_wrong_number_of_a_tensor_is_accepted() {
    let whole = file(7);
    for field in 0..6 {
        for wrong in [0, 5, 0x7fff_ffff, 0xffff_ffff] {
            let mut bytes = whole.clone();
            bytes[TENSORS + field * 4..TENSORS + field * 4 + 4].copy_from_slice(&u32::to_le_bytes(wrong));
            assert!(look(&bytes).is_err(), "field {field} is {wrong}");
        }
    }
}

#[test]
fn a_tensor_that_comes_twice_is_refused() {
    let whole = file(7);
    let mut bytes = whole.clone();
    bytes.extend(&whole[TENSORS..]);
    assert!(matches!(look(&bytes), Err(GgmlError::Invalid(_))));
}
