//! Retention: which data of finished jobs is kept, and for how long.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::app::{DEADLINE, NOTHING, TestApp, accept_changes};
use super::support::audio::tone;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;

/// Waits for a change that retention makes: there is no event for it, so the job is polled.
const UNLIMITED: (&str, &str) = ("CALLANNOTATE__RATE_LIMITS__ENABLED", "false");

/// A volume with this number of completed jobs, the oldest first.
async fn completed(volume: &Path, count: usize) -> Vec<String> {
    let app = TestApp::spawn_on(volume, &[]).await;
    let mut ids = Vec::new();
    for _ in 0..count {
        let id = app.create_job(tone(300), &[]).await;
        assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
        ids.push(id);
    }
    app.stop().await;
    ids
}

/// Waits until a finished job changes again.
async fn until(app: &TestApp, id: &str, status: &str) -> Value {
    let watch = async {
        loop {
            let job = app.job(id).await;
            if job["status"] == status {
                return job;
            }
        }
    };
    tokio::time::timeout(DEADLINE, watch).await.expect("the job did not come to this state")
}

/// Waits until the job no longer exists.
async fn until_forgotten(app: &TestApp, id: &str) {
    let path = format!("/api/v1/jobs/{id}");
    let watch = async { while app.get(&path).await.status() != 404 {} };
    tokio::time::timeout(DEADLINE, watch).await.expect("the job was not forgotten");
}

/// Waits until a file is removed.
async fn until_gone(app: &TestApp, id: &str) {
    let path = format!("/api/v1/jobs/{id}/audio");
    let watch = async { while app.get(&path).await.status() != 404 {} };
    tokio::time::timeout(DEADLINE, watch).await.expect("the recording was not removed");
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Edits a job's record on the volume.
fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut record: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    change(&mut record);
    std::fs::write(path, record.to_string()).unwrap();
    // The folder of the job, of its state, and of the volume.
    accept_changes(path.ancestors().nth(3).unwrap());
}

#[tokio::test]
async fn results_that_do_not_fit_are_archived_the_oldest_first() {
    let folder = TempDir::new().unwrap();
    let volume = folder.path();
    let ids = completed(volume, 3).await;
    let of_the_newest = size(&volume.join("completed").join(&ids[2]).join("result.json"));
    let most = of_the_newest.to_string();
    let rules = [("CALLANNOTATE__RETENTION__RESULTS_MAX_BYTES", &*most), UNLIMITED];
    let app = TestApp::spawn_on(volume, &rules).await;
    for id in &ids[..2] {
        let job = until(&app, id, "archived").await;
        assert!(job["archived_at"].is_string() && job["completed_at"].is_string(), "{job}");
        assert_eq!(names(&volume.join("archived").join(id)), ["job.json"]);
        for what in ["result", "audio"] {
            let refused = app.refused(app.client.get(app.url(&format!("/api/v1/jobs/{id}/{what}")))).await;
            assert_eq!(refused, (410, "RESULT_ARCHIVED".to_owned()));
        }
        assert_eq!(app.change(id, "retry").await.0, 409);
    }
    assert_eq!(app.get(&format!("/api/v1/jobs/{}/result", ids[2])).await.status(), 200);
    assert_eq!(app.get(&format!("/api/v1/jobs/{}/audio", ids[2])).await.status(), 200);
    let archived = app.job(&ids[0]).await;
    app.stop().await;
    // Identical after a restart, including the number of its last event.
    let app = TestApp::spawn_on(volume, &rules).await;
    assert_eq!(app.job(&ids[0]).await, archived);
    assert_eq!(app.folders("completed"), [&*ids[2]]);
}

#[tokio::test]
async fn recordings_go_and_results_stay() {
    let folder = TempDir::new().unwrap();
    let volume = folder.path();
    let ids = completed(volume, 2).await;
    let app = TestApp::spawn_on(volume, &[("CALLANNOTATE__RETENTION__RECORDINGS_MAX_BYTES", "1"), UNLIMITED]).await;
    for id in &ids {
        until_gone(&app, id).await;
        assert_eq!(names(&volume.join("completed").join(id)), ["job.json", "result.json"]);
        assert_eq!(app.job(id).await["status"], "completed");
        assert_eq!(app.get(&format!("/api/v1/jobs/{id}/result")).await.status(), 200);
    }
}

#[tokio::test]
async fn what_is_too_old_is_archived_and_later_forgotten() {
    let folder = TempDir::new().unwrap();
    let volume = folder.path();
    let ids = completed(volume, 2).await;
    edit(&volume.join("completed").join(&ids[0]).join("job.json"), |record| {
        record["started_at"] = json!("2020-01-01T00:00:00Z");
        record["finished_at"] = json!("2020-01-01T00:00:01Z");
    });
    let rules = [("CALLANNOTATE__RETENTION__RESULTS_MAX_AGE", "7"), ("CALLANNOTATE__RETENTION__FORGET_AFTER", "30"), UNLIMITED];
    let app = TestApp::spawn_on(volume, &rules).await;
    until(&app, &ids[0], "archived").await;
    assert_eq!(app.job(&ids[1]).await["status"], "completed");
    app.stop().await;
    let record = volume.join("archived").join(&ids[0]).join("job.json");
    edit(&record, |record| record["archived_at"] = json!("2020-02-01T00:00:00Z"));
    let app = TestApp::spawn_on(volume, &rules).await;
    until_forgotten(&app, &ids[0]).await;
    assert_eq!((app.folders("archived"), app.folders("temp")), (NOTHING.to_vec(), NOTHING.to_vec()));
    assert_eq!(app.job(&ids[1]).await["status"], "completed");
}

#[tokio::test]
async fn what_waits_or_runs_is_never_touched() {
    let strictest = [
        ("CALLANNOTATE__RETENTION__RESULTS_MAX_AGE", "0.000000001"),
        ("CALLANNOTATE__RETENTION__RESULTS_MAX_BYTES", "1"),
        ("CALLANNOTATE__RETENTION__RECORDINGS_MAX_BYTES", "1"),
        ("CALLANNOTATE__RETENTION__CHECK_INTERVAL", "1"),
        UNLIMITED,
    ];
    let app = TestApp::spawn_with(&strictest).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let running = app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    let waiting = app.create_job(tone(300), &[]).await;
    let cancelled = app.create_job(tone(300), &[]).await;
    app.change(&cancelled, "cancel").await;
    // A retention round removes the finished job, and nothing else.
    until(&app, &cancelled, "archived").await;
    assert_eq!(app.job(&running).await["status"], "processing");
    assert_eq!(app.job(&waiting).await["status"], "queued");
    assert_eq!(app.get(&format!("/api/v1/jobs/{waiting}/audio")).await.status(), 200);
    app.script.release(1);
    until(&app, &running, "archived").await;
}

#[tokio::test]
async fn an_archiving_that_was_broken_off_is_completed_at_the_start() {
    let folder = TempDir::new().unwrap();
    let volume = folder.path();
    let ids = completed(volume, 1).await;
    let job = volume.join("completed").join(&ids[0]);
    edit(&job.join("job.json"), |record| record["archived_at"] = json!("2026-01-01T00:00:00Z"));
    let app = TestApp::spawn_on(volume, &[]).await;
    assert_eq!(app.job(&ids[0]).await["status"], "archived");
    assert_eq!(names(&volume.join("archived").join(&ids[0])), ["job.json"]);
    assert_eq!(app.folders("completed"), NOTHING);
}
