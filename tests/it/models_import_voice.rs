//! Importing the voice encoder: it computes the same as the original, and no other file is accepted as one.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests make their own files, and fail by panicking")]

use std::fs;
use std::path::Path;

use callannotate::inference::{Lanes, Session, Tensor};
use callannotate::models::ModelKind;
use callannotate::models::catalog::Catalog;
use callannotate::models::import::{ImportReport, TensorType};
use callannotate::voiceprint::{FeatureKind, VoiceprintModel};

use crate::models_import::{files_below, import, request, zip_of};
use crate::support::models::{shared_path, wheel};

/// The package with the voice encoder; pip keeps the capital letter of its name.
const WHEEL: &str = "Resemblyzer-0.1.4-py3-none-any.whl";

/// Runs two partials of 160 frames, generated from integers so that other languages can reproduce them.
fn run(model: &Path, output: &str) -> Tensor {
    let values: Vec<f32> = (0..2 * 160 * 40_u64).map(|n| ((n * n * 7 + n * 31) % 2001) as f32 / 20_000.0).collect();
    Session::load(model, &Lanes::new(1)).unwrap().run(0, ("mel", &[2, 160, 40], &values), output).unwrap()
}

/// An index, and the expected values of both partials and of the combined embedding there.
const GOLDEN: [(usize, f32, f32, f32); 4] = [
    (10, 0.236_503_87, 0.215_300_63, 0.178_839_31),
    (100, 0.017_561_84, 0.040_924_136, 0.035_085_29),
    (120, 0.237_564_62, 0.251_756_6, 0.235_728_82),
    (137, 0.194_584, 0.188_053_52, 0.227_910_24),
];

#[test]
fn the_imported_encoder_computes_what_the_original_does() {
    let Some(wheel) = wheel(WHEEL) else { return };
    let folder = tempfile::tempdir().unwrap();
    let report = import(&request(&wheel, folder.path(), TensorType::Q8_0)).unwrap();
    let path = folder.path().join("speaker/ge2e-256.onnx");
    assert_eq!((&report.path, report.multilingual, report.already_there), (&path, None, false));
    assert_eq!(report.sha256, "3584627bb8253d20678f24c60a7c3fb66b93ab2d1f79bb2b1ab52da7140327ca");
    assert_eq!(files_below(folder.path()), [path.as_path()], "nothing but the model is left");
    let again = import(&request(&wheel, folder.path(), TensorType::F16)).unwrap();
    assert_eq!(again, ImportReport { already_there: true, ..report });

    let found = Catalog::new(vec![folder.path().to_owned()]).find(ModelKind::Speaker, None).unwrap();
    assert_eq!((found.name.as_str(), found.license), ("ge2e-256", Some("Apache-2.0")));
    let model = VoiceprintModel::load(&path, &Lanes::new(1)).unwrap();
    assert_eq!((model.kind(), model.info().license), (FeatureKind::Mel40, Some("Apache-2.0")));

    // Computed by onnxruntime from the same weights in a third-party graph.
    let (embedding, speaker) = (run(&path, "embedding"), run(&path, "speaker"));
    assert_eq!((&embedding.shape[..], &speaker.shape[..]), (&[2, 256][..], &[1, 256][..]));
    for (place, first, second, both) in GOLDEN {
        for (value, expected) in
            [(embedding.values[place], first), (embedding.values[256 + place], second), (speaker.values[place], both)]
        {
            assert!((value - expected).abs() < 1e-5, "{place}: {value} instead of {expected}");
        }
    }

    // Without the file only a few values were compared.
    let Some(original) = shared_path("models/speaker/ge2e-256.onnx") else { return };
    for (ours, name) in [(embedding, "embedding"), (speaker, "speaker")] {
        let theirs = run(&original, name);
        let furthest = ours.values.iter().zip(&theirs.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(furthest < 1e-5, "{name}: {furthest}");
    }
}

#[test]
fn other_wheels_versions_and_files_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models/below");
    let refusal = |name: &str| {
        let error = import(&request(&folder.path().join(name), &models, TensorType::Q8_0)).unwrap_err().to_string();
        assert_eq!(files_below(&folder.path().join("models")), [] as [&Path; 0], "{error}");
        error.replace(&folder.path().display().to_string(), "")
    };
    let weights: (&str, &[u8]) = ("resemblyzer/pretrained.pt", b"\x80\x02");
    let expected = "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f";

    zip_of(&folder.path().join("other.whl"), &[weights, ("Resemblyzer-0.1.3.dist-info/METADATA", b"")]);
    assert_eq!(refusal("other.whl"), "/other.whl is this package 0.1.3; only version 0.1.4 can be imported");
    zip_of(&folder.path().join("nameless.zip"), &[weights]);
    assert_eq!(refusal("nameless.zip"), "/nameless.zip is this package without a version; only version 0.1.4 can be imported");
    zip_of(&folder.path().join("forged.whl"), &[weights, ("resemblyzer-0.1.4.dist-info/METADATA", b"")]);
    let forged = refusal("forged.whl");
    assert!(forged.starts_with("/forged.whl is not the file that was published under this name (SHA-256 "), "{forged}");
    assert!(forged.ends_with(&format!(", expected {expected})")), "{forged}");
    // Recognised by its name alone.
    zip_of(&folder.path().join("resemblyzer-0.1.4-py3-none-any.whl"), &[("a.txt", b"a")]);
    assert!(refusal("resemblyzer-0.1.4-py3-none-any.whl").contains("is not the file that was published under this name"));
    // A pickle that was unpacked by hand.
    fs::write(folder.path().join("pretrained.pt"), b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.").unwrap();
    let pickle = refusal("pretrained.pt");
    assert!(pickle.starts_with("/pretrained.pt is a Python pickle, which is never opened since it can run code"), "{pickle}");
}

#[test]
fn a_damaged_wheel_is_refused_under_any_name() {
    let Some(wheel) = wheel(WHEEL) else { return };
    let folder = tempfile::tempdir().unwrap();
    let content = fs::read(wheel).unwrap();
    let cut = content[..content.len() - 1000].to_vec();
    let mut flipped = content.clone();
    flipped[content.len() / 2] ^= 1;
    for (name, bytes, part) in [
        ("Resemblyzer-0.1.4-py3-none-any.whl", &cut, "is not the file that was published under this name"),
        ("Resemblyzer-0.1.4-py3-none-any.whl", &flipped, "is not the file that was published under this name"),
        ("renamed.whl", &cut, "the archive cannot be read"),
        ("renamed.whl", &flipped, "is not the file that was published under this name"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = import(&request(&path, &folder.path().join("models"), TensorType::Q8_0)).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert!(!folder.path().join("models").exists());
    }
}
