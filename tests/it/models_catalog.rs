//! Looking models up: the right model from the right folder, and a reason for each that is not used.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests make their own files, and fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use callannotate::models::catalog::{Catalog, CatalogEntry};
use callannotate::models::import::{ImportRequest, TensorType};
use callannotate::models::{ModelKind, ModelsOptions};

use crate::models_import::import;
use crate::support::models::shared;
use crate::toy_whisper::{Float, Toy};

/// Writes a toy model with this number of encoder and decoder layers into `dir`.
fn put_whisper(dir: &Path, name: &str, layers: u32, vocabulary: u32, tensor_type: TensorType) -> PathBuf {
    let source = tempfile::tempdir().unwrap();
    Toy::new(vocabulary, 80, [layers, layers], Float::F16).write_to(source.path());
    let (source, models_dir) = (source.path().to_owned(), dir.to_owned());
    import(&ImportRequest { sources: vec![source], tensor_type, models_dir, name: Some(name.to_owned()) }).unwrap().path
}

fn found(catalog: &Catalog, preferred: Option<&str>) -> String {
    catalog.find(ModelKind::Whisper, preferred).unwrap().name
}

#[test]
fn the_first_folder_with_a_usable_model_wins_and_in_it_the_largest() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put_whisper(second.path(), "ggml-b", 3, 51_865, TensorType::Q8_0);
    let catalog = Catalog::new(vec![first.path().to_owned(), second.path().to_owned()]);
    assert_eq!(found(&catalog, None), "ggml-b");
    put_whisper(first.path(), "ggml-c.en", 1, 51_864, TensorType::F16);
    assert_eq!(found(&catalog, None), "ggml-c.en");
    put_whisper(first.path(), "ggml-d", 1, 51_865, TensorType::F16);
    assert_eq!(found(&catalog, None), "ggml-d");
    put_whisper(first.path(), "ggml-d-q8_0", 1, 51_865, TensorType::Q8_0);
    assert_eq!(found(&catalog, None), "ggml-d-q8_0");
    put_whisper(first.path(), "ggml-e.en", 2, 51_864, TensorType::Q8_0);
    assert_eq!(found(&catalog, None), "ggml-e.en");
}

#[test]
fn a_name_is_looked_for_everywhere_and_nothing_else_will_do() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put_whisper(first.path(), "ggml-large", 2, 51_865, TensorType::Q8_0);
    put_whisper(second.path(), "ggml-tiny.en-q8_0", 1, 51_864, TensorType::Q8_0);
    let catalog = Catalog::new(vec![first.path().to_owned(), second.path().to_owned()]);
    for name in ["ggml-tiny.en-q8_0.bin", "ggml-tiny.en-q8_0", "tiny.en"] {
        assert_eq!(found(&catalog, Some(name)), "ggml-tiny.en-q8_0");
    }
    let missing = catalog.find(ModelKind::Whisper, Some("medium")).unwrap_err();
    assert_eq!(missing.others, ["ggml-large", "ggml-tiny.en-q8_0"]);
    assert!(missing.to_string().starts_with("no whisper model named medium in "), "{missing}");
    assert!(missing.to_string().ends_with("; there are ggml-large, ggml-tiny.en-q8_0"), "{missing}");
}

#[test]
fn what_is_not_usable_is_passed_over_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let whole = fs::read(put_whisper(dir.path(), "ggml-good", 1, 51_864, TensorType::Q8_0)).unwrap();
    let whisper = dir.path().join("whisper");
    fs::remove_file(whisper.join("ggml-good.bin")).unwrap();
    let vocabulary_end = whole.windows(4).position(|bytes| bytes == b"enco").unwrap() - 20;
    let longer: Vec<u8> = whole.iter().copied().chain([0]).collect();
    for (name, content, reason) in [
        ("a-stub.bin", &whole[..vocabulary_end], "a stub: it has a vocabulary, but no weights"),
        ("b-cut.bin", &whole[..whole.len() - 1], "cut off: a download or copy that did not end"),
        ("c-cut.bin", &whole[..100], "cut off: a download or copy that did not end"),
        ("d-empty.bin", b"", "an empty file"),
        ("e-page.bin", b"<html>404</html>", "text, not a model: a download that went wrong"),
        ("f-pointer.bin", b"version https://git-lfs.github.com", "a Git LFS pointer: the model itself has not been downloaded"),
        ("g-other.bin", &[7; 100], "not a ggml model"),
        ("h-longer.bin", &longer, "damaged, or no Whisper model: something comes behind its last tensor"),
    ] {
        fs::write(whisper.join(name), content).unwrap();
        let missing = Catalog::new(vec![dir.path().to_owned()]).find(ModelKind::Whisper, None).unwrap_err();
        let passed = missing.passed_over.last().unwrap();
        assert_eq!((passed.path.file_name().unwrap().to_str(), passed.reason.as_str()), (Some(name), reason));
    }
    fs::write(whisper.join(".ggml-x.bin.7.part"), b"x").unwrap();
    fs::write(whisper.join("README.md"), b"x").unwrap();
    fs::create_dir(whisper.join("folder.bin")).unwrap();
    let catalog = Catalog::new(vec![dir.path().to_owned()]);
    assert_eq!(catalog.find(ModelKind::Whisper, None).unwrap_err().passed_over.len(), 8);
    fs::write(whisper.join("z-good.bin"), &whole).unwrap();
    assert_eq!(found(&catalog, None), "z-good");
}

#[test]
fn the_list_says_of_each_file_what_becomes_of_it() {
    let dir = tempfile::tempdir().unwrap();
    put_whisper(dir.path(), "ggml-small-q8_0", 2, 51_865, TensorType::Q8_0);
    put_whisper(dir.path(), "ggml-tiny.en", 1, 51_864, TensorType::F16);
    fs::create_dir(dir.path().join("segmentation")).unwrap();
    fs::write(dir.path().join("segmentation/segmentation-3.0.onnx"), b"\x08\x08").unwrap();
    fs::write(dir.path().join("segmentation/broken.onnx"), b"").unwrap();
    let dirs = vec![dir.path().to_owned()];
    let states = |options: &ModelsOptions| -> Vec<String> {
        let entries = Catalog::new(dirs.clone()).list(options);
        let state = |entry: CatalogEntry| match entry {
            CatalogEntry::InUse(model) => format!("{}: in use, {}", model.name, model.license.unwrap_or("?")),
            CatalogEntry::NotUsed(model, reason) => format!("{}: {reason}", model.name),
            CatalogEntry::PassedOver(passed) => passed.reason,
        };
        entries.into_iter().map(state).collect()
    };
    let options = ModelsOptions { dirs: dirs.clone(), ..ModelsOptions::default() };
    let segmentation = ["segmentation-3.0: in use, MIT", "an empty file"];
    assert_eq!(states(&options)[..2], ["ggml-small-q8_0: in use, MIT", "ggml-tiny.en: ggml-small-q8_0 goes first"]);
    assert_eq!(states(&options)[2..], segmentation);
    let options = ModelsOptions { whisper: Some("tiny.en".to_owned()), ..options };
    assert_eq!(states(&options)[..2], ["ggml-small-q8_0: the settings ask for tiny.en", "ggml-tiny.en: in use, MIT"]);
}

#[test]
fn real_models_are_found_and_a_real_stub_is_passed_over() {
    let Some(shared) = shared() else { return };
    let models = shared.join("models");
    let catalog = Catalog::new(vec![models.clone()]);
    for (kind, name, license) in [
        (ModelKind::Whisper, "ggml-tiny.en-q8_0", Some("MIT")),
        (ModelKind::Segmentation, "segmentation-3.0", Some("MIT")),
        (ModelKind::Speaker, "campplus-zh-en", Some("Apache-2.0")),
        (ModelKind::Vad, "ggml-silero-v6.2.0", Some("MIT")),
    ] {
        let model = catalog.find(kind, None).unwrap();
        assert_eq!((model.name.as_str(), model.license), (name, license));
    }
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("whisper")).unwrap();
    let stubs = models.join("whisper-stubs");
    fs::copy(stubs.join("for-tests-ggml-tiny.bin"), dir.path().join("whisper/ggml-tiny.bin")).unwrap();
    let missing = Catalog::new(vec![dir.path().to_owned()]).find(ModelKind::Whisper, None).unwrap_err();
    assert_eq!(missing.passed_over[0].reason, "a stub: it has a vocabulary, but no weights");
    fs::copy(stubs.join("test-multilingual-q5_0.bin"), dir.path().join("whisper/ggml-small.bin")).unwrap();
    let model = Catalog::new(vec![dir.path().to_owned()]).find(ModelKind::Whisper, None).unwrap();
    assert!(model.whisper.unwrap().multilingual);
}
