//! Resuming from checkpoints after a restart; scripted stages record whether they ran again.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::support::app::TestApp;
use super::support::audio::tone;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;

const AT_ONCE: (&str, &str) = ("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0");
const DONE: [&str; 3] = ["job.json", "recording.wav", "result.json"];
const LOG: &str = "checkpoints.log";

/// The volume of a server that was stopped during this job's transcription, and the checkpoint file.
async fn stopped_in_transcription(parts: &[(&'static str, &str)]) -> (TempDir, String, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[AT_ONCE]).await;
    app.script.set(Stage::Transcription, Act::Hold);
    let id = app.create_job(tone(1000), parts).await;
    app.script.reached(2).await;
    app.stop().await;
    let log = folder.path().join("incoming").join(&id).join(LOG);
    (folder, id, log)
}

async fn result(app: &TestApp, id: &str) -> Value {
    assert_eq!(app.wait_until_finished(id).await["status"], "completed");
    let result = app.get_json(&format!("/api/v1/jobs/{id}/result")).await["result"].clone();
    assert_eq!(TestApp::files(app.volume(), "completed", id), DONE);
    without_times(result)
}

/// A result without the durations of its stages.
pub fn without_times(mut result: Value) -> Value {
    for stage in result["processing"].as_object_mut().unwrap().values_mut() {
        let stage = stage.as_object_mut().unwrap();
        assert!(stage.remove("seconds").is_some() && stage.remove("cpu_seconds").is_some());
    }
    result
}

/// Restarts the server and finishes the job; returns the stages that ran, and the result.
async fn finished(volume: &Path, id: &str, more: &[(&str, &str)]) -> (Vec<Stage>, Value) {
    let app = TestApp::spawn_on(volume, more).await;
    let result = result(&app, id).await;
    let stages = app.script.stages();
    app.stop().await;
    (stages, result)
}

#[tokio::test]
async fn what_was_diarized_before_a_restart_is_not_diarized_again() {
    let app = TestApp::spawn().await;
    let id = app.create_job(tone(1000), &[]).await;
    let undisturbed = result(&app, &id).await;
    let (folder, id, _) = stopped_in_transcription(&[]).await;
    assert_eq!(TestApp::files(folder.path(), "incoming", &id), [LOG, "job.json", "recording.wav"]);
    assert_eq!(finished(folder.path(), &id, &[]).await, (vec![Stage::Transcription], undisturbed));
}

#[tokio::test]
async fn under_other_settings_everything_is_done_again() {
    let (folder, id, _) = stopped_in_transcription(&[]).await;
    let (stages, _) = finished(folder.path(), &id, &[("CALLANNOTATE__TRANSCRIPTION__LANGUAGE", "en")]).await;
    assert_eq!(stages, [Stage::Diarization, Stage::Transcription]);
}

#[tokio::test]
async fn a_file_that_is_broken_strange_or_huge_costs_only_the_work() {
    let (folder, _, log) = stopped_in_transcription(&[]).await;
    let whole = std::fs::read(&log).unwrap();
    let mut torn = whole.clone();
    torn.truncate(whole.len() - 3);
    let mut foreign = whole.clone();
    foreign[5] ^= 1;
    let huge = vec![b'\n'; 33 * 1024 * 1024];
    // Each start is stopped again in the transcription, and so rewrites the file.
    for found in [torn, foreign, huge, b"\0\xff\xfe no such thing".to_vec(), Vec::new()] {
        std::fs::write(&log, found).unwrap();
        let app = TestApp::spawn_on(folder.path(), &[AT_ONCE]).await;
        app.script.set(Stage::Transcription, Act::Hold);
        app.script.reached(2).await;
        assert_eq!(app.script.stages(), [Stage::Diarization, Stage::Transcription]);
        app.stop().await;
        assert_eq!(std::fs::read(&log).unwrap(), whole);
    }
}

#[tokio::test]
async fn a_job_whose_checkpoints_cannot_be_written_is_completed() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    app.script.reached(1).await;
    // A device to which every write fails as if the disk were full.
    std::os::unix::fs::symlink("/dev/full", app.volume().join("processing").join(&id).join(LOG)).unwrap();
    app.script.release(1);
    assert!(result(&app, &id).await["segments"].is_array());
}

#[tokio::test]
async fn a_job_that_is_tried_again_after_it_failed_begins_anew() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Transcription, Act::Fail);
    let id = app.create_job(tone(1000), &[("options", r#"{"strict": true, "recognize": false}"#)]).await;
    assert_eq!(app.wait_until_finished(&id).await["status"], "failed");
    assert_eq!(TestApp::files(app.volume(), "failed", &id), ["error.json", "job.json", "recording.wav"]);
    app.script.set(Stage::Transcription, Act::Succeed);
    assert_eq!(app.change(&id, "retry").await.0, 202);
    assert!(result(&app, &id).await["segments"].is_array());
    let both = [Stage::Diarization, Stage::Transcription];
    assert_eq!(app.script.stages(), [both, both].concat());
}

#[tokio::test]
async fn a_job_cancelled_while_it_waits_to_go_on_leaves_no_checkpoints() {
    let (folder, id, _) = stopped_in_transcription(&[]).await;
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    app.script.set(Stage::Transcription, Act::Hold);
    app.script.reached(1).await;
    assert_eq!(app.change(&id, "cancel").await.0, 202);
    assert_eq!(app.wait_until_finished(&id).await["status"], "cancelled");
    assert_eq!(TestApp::files(folder.path(), "failed", &id), ["error.json", "job.json", "recording.wav"]);
}

/// Moves a finished job to where a crash just before the last rename would leave it.
fn back_to_processing(volume: &Path, state: &str, id: &str) {
    let dead = volume.join("processing").join(id);
    std::fs::rename(volume.join(state).join(id), &dead).unwrap();
    std::fs::write(dead.join(LOG), "left behind").unwrap();
}

#[tokio::test]
async fn a_result_that_was_written_is_published_by_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let id = app.create_job(tone(1000), &[]).await;
    assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
    let before = app.get_json(&format!("/api/v1/jobs/{id}/result")).await;
    app.stop().await;
    back_to_processing(folder.path(), "completed", &id);
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    assert_eq!(app.get_json(&format!("/api/v1/jobs/{id}/result")).await, before);
    assert_eq!(app.script.stages(), []);
    assert_eq!(TestApp::files(folder.path(), "completed", &id), DONE);
}

#[tokio::test]
async fn a_failure_that_was_written_is_kept_by_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    app.script.set(Stage::Diarization, Act::Panic);
    let id = app.create_job(tone(1000), &[]).await;
    assert_eq!(app.wait_until_finished(&id).await["status"], "failed");
    app.stop().await;
    back_to_processing(folder.path(), "failed", &id);
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let job = app.job(&id).await;
    assert_eq!((job["status"].as_str(), job["error"]["code"].as_str()), (Some("failed"), Some("INTERNAL_ERROR")));
    assert_eq!(app.script.stages(), []);
    assert_eq!(TestApp::files(folder.path(), "failed", &id), ["error.json", "job.json", "recording.wav"]);
}

#[tokio::test]
async fn an_end_without_its_result_was_not_reached() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let id = app.create_job(tone(1000), &[]).await;
    assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
    app.stop().await;
    back_to_processing(folder.path(), "completed", &id);
    std::fs::remove_file(folder.path().join("processing").join(&id).join("result.json")).unwrap();
    let (stages, _) = finished(folder.path(), &id, &[]).await;
    assert_eq!(stages, [Stage::Diarization, Stage::Transcription]);
}

#[tokio::test]
async fn what_was_done_before_counts_as_done_and_progress_never_falls() {
    let (folder, id, _) = stopped_in_transcription(&[]).await;
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
    let url = app.url(&format!("/api/v1/jobs/{id}/events"));
    let events: Value = app.client.get(url).header("accept", "application/json").send().await.unwrap().json().await.unwrap();
    let percentages: Vec<u64> =
        events["data"].as_array().unwrap().iter().filter_map(|event| event["progress"]["percentage"].as_u64()).collect();
    assert!(percentages.is_sorted() && percentages.last() == Some(&100), "{percentages:?}");
    assert!(percentages.contains(&32), "diarization is done with 32 percent: {percentages:?}");
}
