//! Recovery at the start, and the state of the volume after a stop.

use std::process::Command;

use super::support::app::{TestApp, accept_changes};
use super::support::audio::tone;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;
use callannotate::volume::Volume;

#[tokio::test]
async fn finished_and_waiting_jobs_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0")]).await;
    let done = app.create_job(tone(400), &[("metadata", r#"{"description": "kept"}"#)]).await;
    assert_eq!(app.wait_until_finished(&done).await["status"], "completed");
    let result = app.get_json(&format!("/api/v1/jobs/{done}/result")).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let running = app.create_job(tone(400), &[]).await;
    let waiting = app.create_job(tone(400), &[("metadata", r#"{"priority": 9}"#)]).await;
    app.script.reached(3).await;
    app.stop().await;

    let app = TestApp::spawn_on(folder.path(), &[]).await;
    assert_eq!(app.get_json(&format!("/api/v1/jobs/{done}/result")).await, result);
    assert_eq!(app.get_json(&format!("/api/v1/jobs/{done}")).await["metadata"]["description"], "kept");
    for id in [&running, &waiting] {
        let job = app.wait_until_finished(id).await;
        assert_eq!(job["status"], "completed");
        // An orderly stop does not count as an attempt.
        assert_eq!(job["attempts"], 1);
    }
}

#[tokio::test]
async fn a_job_that_the_server_died_on_is_tried_again_and_then_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(400), &[]).await;
    app.script.reached(1).await;
    app.stop().await;
    // As after a crash: in processing/, with its attempts counted.
    let waiting = folder.path().join("incoming").join(&id);
    let dead = folder.path().join("processing").join(&id);
    let die = |attempts: u64| {
        std::fs::rename(&waiting, &dead).unwrap();
        let record = dead.join("job.json");
        let mut job: serde_json::Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
        job["attempts"] = attempts.into();
        std::fs::write(record, job.to_string()).unwrap();
        accept_changes(folder.path());
    };
    die(2);
    let app = TestApp::spawn_on(folder.path(), &[("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    app.script.reached(1).await;
    assert_eq!(app.get_json(&format!("/api/v1/jobs/{id}")).await["status"], "processing");
    app.stop().await;
    die(3);
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let job = app.get_json(&format!("/api/v1/jobs/{id}")).await;
    assert_eq!((job["status"].as_str(), job["error"]["code"].as_str()), (Some("failed"), Some("CRASHED_REPEATEDLY")));
    assert_eq!(app.folders("failed"), [id]);
}

#[tokio::test]
async fn what_is_half_written_is_swept_and_what_is_strange_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Volume::open(folder.path()).unwrap());
    let temp = folder.path().join("temp/3f2b8c1e-0000-4000-8000-000000000000");
    std::fs::create_dir_all(&temp).unwrap();
    std::fs::write(temp.join("recording"), b"half").unwrap();
    let strange = folder.path().join("completed/holiday photos");
    std::fs::create_dir_all(&strange).unwrap();
    std::fs::write(strange.join("job.json"), b"{\"job_id\": 5").unwrap();
    std::fs::write(folder.path().join("incoming/note.txt"), b"hello").unwrap();
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    assert!(!temp.exists() && strange.exists() && folder.path().join("incoming/note.txt").exists());
    assert_eq!(app.get_json("/api/v1/queue/status").await["queue_length"], 0);
}

#[tokio::test]
async fn a_second_server_on_the_same_volume_refuses_to_start() {
    let app = TestApp::spawn().await;
    let output = Command::new(env!("CARGO_BIN_EXE_callannotate"))
        .arg("serve")
        .env("VOLUME_PATH", app.volume())
        .env("CALLANNOTATE__SERVER__PORT", "0")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.ends_with("is in use by another callannotate server\n") && error.lines().count() == 1, "{error}");
}
