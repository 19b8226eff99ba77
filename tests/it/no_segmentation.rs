//! Diarization without a segmentation model: everything runs, and results and `/health` say what is lost.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "tests make their own files, and fail by panicking")]

use std::path::{Path, PathBuf};

use callannotate::models::import::TensorType;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::models_import::{import, request};
use crate::support::app::TestApp;
use crate::support::models;
use crate::support::process::callannotate;
use crate::toy_checkpoint::ToyCheckpoint;

const REASON: &str = "there is no segmentation model, so speakers who share a channel may be counted wrongly; `make models` or \
    `callannotate models import` brings one, see docs/models.md";

fn call(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calls").join(name)
}

/// A models folder with a segmentation model that loads, and no other.
fn segmentation() -> TempDir {
    let models = tempfile::tempdir().unwrap();
    let source = models.path().join("toy.pt");
    ToyCheckpoint::segmentation().write(&source);
    let mut request = request(&source, models.path(), TensorType::Q8_0);
    request.name = Some("toy".to_owned());
    import(&request).unwrap();
    models
}

/// The warnings about diarization in the result of a recording.
fn warnings(models: &Path, recording: &str, arguments: &[&str]) -> Vec<String> {
    let volume = tempfile::tempdir().unwrap();
    let output = callannotate(volume.path())
        .env("CALLANNOTATE__MODELS__DIRS", models)
        .args(["annotate", "--format", "json"])
        .args(arguments)
        .arg(call(recording))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["processing"]["diarization"]["status"], "completed");
    let all: Vec<String> = serde_json::from_value(document["metadata"]["warnings"].clone()).unwrap();
    all.into_iter().filter(|warning| warning.starts_with("diarization")).collect()
}

#[test]
fn a_result_warns_when_people_on_one_channel_were_counted_without_the_model() {
    let none = tempfile::tempdir().unwrap();
    assert_eq!(warnings(none.path(), "voicemail.flac", &[]), [format!("diarization was limited: {REASON}")]);
    // Nothing was counted: the number is given, each channel has its person, nobody speaks.
    assert_eq!(warnings(none.path(), "voicemail.flac", &["--speakers", "1"]), [""; 0]);
    assert_eq!(warnings(none.path(), "billing-stereo.flac", &[]), [""; 0]);
    assert_eq!(warnings(none.path(), "hold-music.flac", &[]), [""; 0]);
    assert_eq!(warnings(segmentation().path(), "voicemail.flac", &[]), [""; 0]);
}

#[tokio::test]
async fn health_says_that_the_model_is_missing() {
    let none = tempfile::tempdir().unwrap();
    let health = TestApp::spawn_engines(none.path()).await.get_json("/health").await;
    assert_eq!(health["limited_stages"], json!([{ "stage": "diarization", "reason": REASON }]));
    assert_eq!(health["problems"], json!(["stages_missing", "stages_limited"]));
    assert_eq!(health["components"]["diarization"], "degraded");
    assert_eq!(health["components"]["audio_processing"], "degraded");
    assert_eq!(health["missing_stages"].as_array().unwrap().len(), 1, "transcription alone cannot run: {health}");

    let health = TestApp::spawn_engines(segmentation().path()).await.get_json("/health").await;
    assert_eq!(health["limited_stages"], json!([]));
    assert_eq!(health["problems"], json!(["stages_missing"]));
    assert_eq!(health["components"]["diarization"], "healthy");
}

#[tokio::test]
async fn a_server_that_lacks_nothing_else_is_degraded() {
    let Some(models) = models::folder_with_whisper() else { return };
    let health = TestApp::spawn_engines(&models).await.get_json("/health").await;
    assert_eq!((&health["status"], &health["problems"]), (&json!("degraded"), &json!(["stages_limited"])));
}

#[tokio::test]
async fn health_says_that_the_model_cannot_be_used() {
    let models = tempfile::tempdir().unwrap();
    std::fs::create_dir(models.path().join("segmentation")).unwrap();
    std::fs::write(models.path().join("segmentation/segmentation-3.0.onnx"), b"this is no model").unwrap();
    let health = TestApp::spawn_engines(models.path()).await.get_json("/health").await;
    let reason = health["limited_stages"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("the model segmentation-3.0 cannot be used: "), "{reason}");
    assert!(reason.ends_with(", so speakers who share a channel may be counted wrongly"), "{reason}");
    assert_eq!(health["components"]["diarization"], "degraded");
}
