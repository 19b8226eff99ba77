//! Cancelling and retrying jobs that are queued, running or finished, also across restarts and crashes.

use serde_json::{Value, json};

use super::support::app::{NOTHING, TestApp, accept_changes};
use super::support::audio::tone;
use super::support::models;
use super::support::scripted::Act;
use super::support::sound::fixture;
use callannotate::jobs::stage::Stage;

const NO_GRACE: [(&str, &str); 1] = [("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0")];

fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap_or("none")
}

/// The fields of a job that must survive a restart.
fn lasting(job: &Value) -> Value {
    let fields = ["job_id", "status", "error", "attempts", "last_seq", "created_at", "started_at", "completed_at", "metadata"];
    fields.iter().map(|name| ((*name).to_owned(), job[*name].clone())).collect::<serde_json::Map<_, _>>().into()
}

#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once_and_never_runs() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let running = app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    let waiting = app.create_job(tone(300), &[("metadata", r#"{"priority": 9}"#)]).await;
    let (status, job) = app.change(&waiting, "cancel").await;
    assert_eq!((status, &job["status"], &job["started_at"]), (200, &json!("cancelled"), &Value::Null));
    assert_eq!(code(&job), "JOB_CANCELLED");
    assert_eq!(app.folders("failed"), [&*waiting]);
    assert_eq!(app.get_json("/api/v1/queue/status").await["queue_length"], 0);
    // Cancelling again changes nothing.
    assert_eq!(app.change(&waiting, "cancel").await, (200, job.clone()));
    let refused = app.refused(app.client.get(app.url(&format!("/api/v1/jobs/{waiting}/result")))).await;
    assert_eq!(refused, (409, "JOB_CANCELLED".to_owned()));
    let path = app.volume().join("failed").join(&waiting).join("error.json");
    let error: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(error["code"], "JOB_CANCELLED");
    app.script.release(1);
    assert_eq!(app.wait_until_finished(&running).await["status"], "completed");
    // The running job's diarization and transcription.
    app.script.reached(2).await;
    assert_eq!(app.job(&waiting).await, job);
}

/// Answers about finished jobs are cached: for the same request, and only while they are valid.
#[tokio::test]
async fn an_answer_given_again_is_in_the_askers_language_and_true() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    let id = app.create_job(tone(300), &[]).await;
    app.change(&id, "cancel").await;
    let ask = async |language: &str| -> Value {
        let url = app.url(&format!("/api/v1/jobs/{id}"));
        let answer = app.client.get(url).header("accept-language", language).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json");
        answer.json().await.unwrap()
    };
    let english = ask("en").await;
    assert_eq!(english["error"]["message"], "The job was cancelled, so there is no result");
    for _ in 0..2 {
        assert_eq!(ask("ru").await["error"]["message"], "Задача отменена, результата нет");
        assert_eq!(ask("en").await, english);
    }
    assert_eq!(app.change(&id, "retry").await.0, 202);
    assert_eq!(ask("en").await["status"], "queued");
    app.change(&id, "cancel").await;
    assert_eq!(ask("en").await["status"], "cancelled");
    assert_eq!(app.client.delete(app.url(&format!("/api/v1/jobs/{id}"))).send().await.unwrap().status(), 204);
    assert_eq!(app.refused(app.client.get(app.url(&format!("/api/v1/jobs/{id}")))).await, (404, "JOB_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn a_running_job_is_stopped_and_the_next_one_runs() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let running = app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    let next = app.create_job(tone(300), &[]).await;
    let (status, _) = app.change(&running, "cancel").await;
    assert_eq!(status, 202);
    let job = app.wait_until_finished(&running).await;
    assert_eq!((&job["status"], code(&job)), (&json!("cancelled"), "JOB_CANCELLED"));
    assert_eq!(job["error"]["stage"], "diarization");
    assert_eq!(app.change(&running, "cancel").await.0, 200);
    app.script.reached(2).await;
    app.script.release(1);
    assert_eq!(app.wait_until_finished(&next).await["status"], "completed");
    assert_eq!((app.folders("failed"), app.folders("completed")), (vec![running], vec![next]));
}

#[tokio::test]
async fn what_has_ended_cannot_be_cancelled_and_a_result_is_not_tried_again() {
    let app = TestApp::spawn().await;
    let done = app.create_job(tone(300), &[]).await;
    app.wait_until_finished(&done).await;
    for what in ["cancel", "retry"] {
        let (status, body) = app.change(&done, what).await;
        assert_eq!((status, code(&body), &body["error"]["details"]["status"]), (409, "JOB_FINISHED", &json!("completed")));
        let unknown = app.change("550e8400-e29b-41d4-a716-446655440000", what).await;
        assert_eq!((unknown.0, code(&unknown.1)), (404, "JOB_NOT_FOUND"));
    }
    app.script.set(Stage::Diarization, Act::Panic);
    let failed = app.create_job(tone(300), &[]).await;
    assert_eq!(app.wait_until_finished(&failed).await["status"], "failed");
    assert_eq!(app.change(&failed, "cancel").await.0, 409);
}

#[tokio::test]
async fn failed_and_cancelled_jobs_are_tried_again_behind_those_that_wait() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Panic);
    let failed = app.create_job(tone(300), &[]).await;
    assert_eq!(app.wait_until_finished(&failed).await["status"], "failed");
    app.script.set(Stage::Diarization, Act::Hold);
    let running = app.create_job(tone(300), &[]).await;
    app.script.reached(2).await;
    let cancelled = app.create_job(tone(300), &[]).await;
    app.change(&cancelled, "cancel").await;
    let waiting = app.create_job(tone(300), &[]).await;
    let urgent = app.create_job(tone(300), &[("metadata", r#"{"priority": 10}"#)]).await;
    let before = app.job(&failed).await;
    let (status, job) = app.change(&failed, "retry").await;
    assert_eq!((status, &job["status"], &job["attempts"], &job["started_at"]), (202, &json!("queued"), &json!(0), &Value::Null));
    assert_eq!(job["last_seq"].as_u64(), before["last_seq"].as_u64().map(|number| number + 1));
    assert_eq!(job["created_at"], before["created_at"]);
    assert_eq!(job.get("error"), None);
    // A repeated retry, as after a lost answer, queues the job once.
    assert_eq!(app.change(&failed, "retry").await, (202, job));
    assert_eq!(app.change(&cancelled, "retry").await.0, 202);
    let status = app.get_json("/api/v1/queue/status").await;
    let order: Vec<&str> = status["jobs"].as_array().unwrap().iter().map(|job| job["job_id"].as_str().unwrap()).collect();
    assert_eq!(order, [&urgent, &waiting, &failed, &cancelled]);
    assert_eq!(app.folders("failed"), NOTHING);
    assert!(!app.volume().join("incoming").join(&failed).join("error.json").exists());
    app.script.set(Stage::Diarization, Act::Succeed);
    app.script.release(1);
    for id in [&running, &urgent, &waiting, &failed, &cancelled] {
        let job = app.wait_until_finished(id).await;
        assert_eq!((&job["status"], &job["attempts"]), (&json!("completed"), &json!(1)), "{job}");
    }
}

#[tokio::test]
async fn a_job_is_tried_again_only_where_there_is_room_and_a_recording() {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__QUEUE__MAX_LENGTH", "1")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    let cancelled = app.create_job(tone(300), &[]).await;
    assert_eq!(app.change(&cancelled, "cancel").await.0, 200);
    let other = app.create_job(tone(300), &[]).await;
    let (status, body) = app.change(&cancelled, "retry").await;
    assert_eq!((status, code(&body)), (503, "QUEUE_FULL"));
    assert_eq!(app.change(&other, "cancel").await.0, 200);
    std::fs::remove_file(app.volume().join("failed").join(&cancelled).join("recording.wav")).unwrap();
    let (status, body) = app.change(&cancelled, "retry").await;
    assert_eq!((status, code(&body)), (404, "FILE_NOT_FOUND"));
    assert_eq!(app.job(&cancelled).await["status"], "cancelled");
    // The reserved place in the queue is released.
    assert_eq!(app.change(&other, "retry").await.0, 202);
}

#[tokio::test]
async fn a_restart_changes_nothing_about_cancelled_and_retried_jobs() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &NO_GRACE).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let stopped = app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    let withdrawn = app.create_job(tone(300), &[]).await;
    app.change(&withdrawn, "cancel").await;
    assert_eq!(app.change(&stopped, "cancel").await.0, 202);
    app.wait_until_finished(&stopped).await;
    let running = app.create_job(tone(300), &[]).await;
    app.script.reached(2).await;
    let waiting = app.create_job(tone(300), &[]).await;
    let retried = app.create_job(tone(300), &[]).await;
    app.change(&retried, "cancel").await;
    let last = app.create_job(tone(300), &[]).await;
    assert_eq!(app.change(&retried, "retry").await.0, 202);
    let mut before = Vec::new();
    for id in [&stopped, &withdrawn, &waiting, &retried] {
        before.push(lasting(&app.job(id).await));
    }
    app.stop().await;

    let app = TestApp::spawn_on(folder.path(), &[]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    for (id, before) in [&stopped, &withdrawn, &waiting, &retried].into_iter().zip(before) {
        assert_eq!(lasting(&app.job(id).await), before);
    }
    app.script.reached(1).await;
    let status = app.get_json("/api/v1/queue/status").await;
    let order: Vec<&str> = status["jobs"].as_array().unwrap().iter().map(|job| job["job_id"].as_str().unwrap()).collect();
    assert_eq!((status["processing_job"].as_str().unwrap(), order), (running.as_str(), vec![&*waiting, &*last, &*retried]));
    assert_eq!(app.change(&stopped, "retry").await.0, 202);
}

#[tokio::test]
async fn a_cancellation_is_kept_when_the_server_stops_before_the_job_does() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &NO_GRACE).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    assert_eq!(app.change(&id, "cancel").await.0, 202);
    app.stop().await;
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    assert_eq!(app.job(&id).await["status"], "cancelled");
}

#[tokio::test]
async fn a_start_completes_what_a_crash_left_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &NO_GRACE).await;
    app.script.set(Stage::Diarization, Act::Hold);
    app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = app.create_job(tone(300), &[]).await;
        app.change(&id, "cancel").await;
        ids.push(id);
    }
    let [cancelled, running, retried] = <[String; 3]>::try_from(ids).unwrap();
    app.stop().await;
    let at = |state: &str, id: &str| folder.path().join(state).join(id);
    // The record says cancelled, but the folder was not moved: from the queue, and from the engine.
    std::fs::rename(at("failed", &cancelled), at("incoming", &cancelled)).unwrap();
    std::fs::rename(at("failed", &running), at("processing", &running)).unwrap();
    // The record says queued, but the folder was not moved.
    let record = at("failed", &retried).join("job.json");
    let mut job: Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
    for name in ["error", "finished_at", "started_at"] {
        job.as_object_mut().unwrap().remove(name);
    }
    std::fs::write(&record, job.to_string()).unwrap();
    accept_changes(folder.path());

    let app = TestApp::spawn_on(folder.path(), &[]).await;
    for id in [&cancelled, &running] {
        assert_eq!(app.job(id).await["status"], "cancelled");
        assert!(at("failed", id).join("error.json").is_file());
    }
    assert_eq!(app.wait_until_finished(&retried).await["status"], "completed");
    assert!(!at("completed", &retried).join("error.json").exists());
    assert_eq!((app.folders("incoming"), app.folders("processing")), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn the_engine_itself_lets_go_in_the_middle_of_a_window() {
    let Some(models) = models::folder_with_whisper() else { return };
    let app = TestApp::spawn_engines(&models).await;
    let recording = std::fs::read(fixture("conference-mono.flac")).unwrap();
    let id = app.create_job(recording, &[("options", r#"{"diarize": false}"#)]).await;
    let mut job = app.job(&id).await;
    while job["progress"]["current_stage"] != "transcription" {
        let seen = job["last_seq"].as_u64().unwrap();
        job = app.get_json(&format!("/api/v1/jobs/{id}?wait=15&last_seq={seen}")).await;
        assert_ne!(job["status"], "completed", "the model was faster than the test");
    }
    assert_eq!(app.change(&id, "cancel").await.0, 202);
    let job = app.wait_until_finished(&id).await;
    assert_eq!((&job["status"], &job["error"]["stage"]), (&json!("cancelled"), &json!("transcription")));
    // The engine still works: a short recording is annotated.
    let next = app.create_job(tone(1000), &[]).await;
    assert_eq!(app.wait_until_finished(&next).await["status"], "completed");
}
