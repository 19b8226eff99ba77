//! Estimates are based on measured jobs; the measurements survive the deletion of the jobs.

use std::path::Path;

use serde_json::{Value, json};

use super::support::app::TestApp;
use super::support::audio::tone;

/// A volume on which one job ran and was deleted, with a `speed.json` for a job of 60 s that took 42 s.
async fn measured_volume() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let id = app.create_job(tone(500), &[]).await;
    assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
    assert_eq!(app.delete(&id).await.status(), 204);
    app.stop().await;
    let mut file = speed_file(folder.path());
    assert_eq!(file["jobs"].as_array().unwrap().len(), 1);
    assert_eq!(file["jobs"][0]["audio_seconds"], 0.5);
    file["jobs"][0]["audio_seconds"] = json!(60.0);
    file["jobs"][0]["processing_seconds"] = json!(42.0);
    std::fs::write(folder.path().join("speed.json"), file.to_string()).unwrap();
    folder
}

fn speed_file(volume: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(volume.join("speed.json")).unwrap()).unwrap()
}

async fn average(app: &TestApp) -> Value {
    app.get_json("/api/v1/queue/status").await["average_processing_time"].clone()
}

#[tokio::test]
async fn what_was_measured_outlives_the_jobs_and_the_server() {
    let volume = measured_volume().await;
    let app = TestApp::spawn_on(volume.path(), &[]).await;
    assert_eq!(average(&app).await, 42.0);
    let job: Value = app.post(tone(60_000), &[]).await.json().await.unwrap();
    assert_eq!(job["estimated_duration"], 42.0);
}

#[tokio::test]
async fn what_was_measured_with_other_equipment_is_forgotten() {
    let volume = measured_volume().await;
    let app = TestApp::spawn_on(volume.path(), &[("CALLANNOTATE__ENGINE__THREADS", "7")]).await;
    assert_eq!(average(&app).await, 0.0);
}

#[tokio::test]
async fn a_broken_measure_is_ignored_and_written_anew() {
    let volume = measured_volume().await;
    let too_many = json!({ "threads": 1, "models": [], "jobs": vec![speed_file(volume.path())["jobs"][0].clone(); 33] });
    for broken in ["", "{", "[]", r#"{"threads": -1}"#, &too_many.to_string(), &" ".repeat(100_000)] {
        std::fs::write(volume.path().join("speed.json"), broken).unwrap();
        let app = TestApp::spawn_on(volume.path(), &[]).await;
        assert_eq!(average(&app).await, 0.0);
        app.stop().await;
    }
    let app = TestApp::spawn_on(volume.path(), &[]).await;
    let id = app.create_job(tone(700), &[]).await;
    assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
    app.stop().await;
    assert_eq!(speed_file(volume.path())["jobs"][0]["audio_seconds"], 0.7);
}
