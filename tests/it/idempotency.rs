//! Idempotency keys: a repeated request does not create a second job.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::support::app::{NOTHING, TestApp};
use super::support::audio::tone;
use super::support::scripted::Act;
use super::support::socket::Socket;
use callannotate::jobs::stage::Stage;

/// An answer: its status, whether it was replayed, and its body.
type Answer = (u16, bool, Value);

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let replayed = response.headers().get("idempotency-replayed").map(|value| value.to_str().unwrap() == "true");
    (response.status().as_u16(), replayed.unwrap_or_default(), response.json().await.unwrap())
}

fn upload(app: &TestApp, key: &str, bytes: Vec<u8>, parts: &[(&'static str, &'static str)]) -> reqwest::RequestBuilder {
    let file = reqwest::multipart::Part::bytes(bytes).file_name("call.wav");
    let mut form = reqwest::multipart::Form::new().part("file", file);
    for (name, text) in parts {
        form = form.text(*name, *text);
    }
    app.client.post(app.url("/api/v1/jobs")).header("idempotency-key", key).multipart(form)
}

fn take(app: &TestApp, key: &str, body: &Value) -> reqwest::RequestBuilder {
    app.client.post(app.url("/api/v1/jobs")).header("x-idempotency-token", key).json(body)
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.0, answer.2["error"]["code"].as_str().unwrap_or("none"))
}

#[tokio::test]
async fn the_same_request_gets_the_first_answer_again_whatever_has_become_of_the_job() {
    let app = TestApp::spawn().await;
    let first = answer(upload(&app, "a", tone(300), &[("metadata", r#"{"caller": "x", "callee": "y"}"#)])).await;
    assert_eq!((first.0, first.1), (201, false));
    let id = first.2["job_id"].as_str().unwrap();
    assert_eq!(app.wait_until_finished(id).await["status"], "completed");
    // The order of keys and the notation of numbers do not matter.
    for metadata in [r#"{"caller": "x", "callee": "y"}"#, r#" { "callee":"y","caller":"\u0078" } "#] {
        let again = answer(upload(&app, "a", tone(300), &[("metadata", metadata)])).await;
        assert_eq!(again, (201, true, first.2.clone()));
    }
    assert_eq!(app.get_json("/api/v1/jobs").await["data"].as_array().unwrap().len(), 1);
    assert_eq!(app.folders("temp"), NOTHING);
}

#[tokio::test]
async fn another_request_under_the_same_name_is_refused() {
    let app = TestApp::spawn().await;
    assert_eq!(answer(upload(&app, "a", tone(300), &[("options", r#"{"language": "en"}"#)])).await.0, 201);
    let requests = [
        upload(&app, "a", tone(301), &[("options", r#"{"language": "en"}"#)]),
        upload(&app, "a", tone(300), &[("options", r#"{"language": "ru"}"#)]),
        upload(&app, "a", tone(300), &[("options", r#"{"language": "en"}"#), ("metadata", r#"{"a": 1}"#)]),
        upload(&app, "a", tone(300), &[]),
        take(&app, "a", &json!({ "filename": "call.wav", "options": { "language": "en" } })),
    ];
    for request in requests {
        assert_eq!(code(&answer(request).await), (409, "IDEMPOTENCY_KEY_REUSED"));
    }
    assert_eq!(answer(upload(&app, "b", tone(301), &[])).await.0, 201);
    for wrong in ["", &"x".repeat(256), "a\tb"] {
        assert_eq!(code(&answer(upload(&app, wrong, tone(300), &[])).await), (400, "INVALID_REQUEST"), "{wrong:?}");
    }
    assert_eq!(answer(upload(&app, &"x".repeat(255), tone(300), &[])).await.0, 201);
    assert_eq!(app.folders("temp"), NOTHING);
}

#[tokio::test]
async fn names_last_as_long_as_their_jobs_and_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let first = answer(upload(&app, "a", tone(300), &[])).await;
    let id = first.2["job_id"].as_str().unwrap().to_owned();
    app.wait_until_finished(&id).await;
    app.stop().await;
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    assert_eq!(answer(upload(&app, "a", tone(300), &[])).await, (201, true, first.2.clone()));
    assert_eq!(code(&answer(upload(&app, "a", tone(400), &[])).await), (409, "IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(app.delete(&id).await.status(), 204);
    let anew = answer(upload(&app, "a", tone(400), &[])).await;
    assert_eq!((anew.0, anew.1), (201, false));
    assert_ne!(anew.2["job_id"], first.2["job_id"]);
}

#[tokio::test]
async fn a_refused_request_does_not_use_its_name_up() {
    let app = TestApp::spawn().await;
    assert_eq!(code(&answer(upload(&app, "a", b"no sound at all".to_vec(), &[])).await), (415, "UNSUPPORTED_FORMAT"));
    let strict = upload(&app, "a", tone(300), &[("options", r#"{"strict": true}"#)]);
    assert_eq!(code(&answer(strict).await), (503, "MODEL_UNAVAILABLE"));
    let first = answer(upload(&app, "a", tone(300), &[])).await;
    assert_eq!((first.0, first.1), (201, false));
}

#[tokio::test]
async fn requests_at_the_same_time_make_one_job() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let answers = join_all((0..12).map(|_| answer(upload(&app, "a", tone(300), &[])))).await;
    let ids: BTreeSet<&str> = answers.iter().map(|answer| answer.2["job_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(answers.iter().filter(|answer| !answer.1).count(), 1);
    assert!(answers.iter().all(|answer| answer.0 == 201));
    assert_eq!(app.get_json("/api/v1/jobs").await["data"].as_array().unwrap().len(), 1);
    assert_eq!(app.folders("temp"), NOTHING);
}

#[tokio::test]
async fn a_full_queue_still_repeats_its_answers() {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__QUEUE__MAX_LENGTH", "1")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    let first = answer(upload(&app, "a", tone(300), &[])).await;
    assert_eq!(first.0, 201);
    assert_eq!(code(&answer(upload(&app, "b", tone(300), &[])).await), (503, "QUEUE_FULL"));
    assert_eq!(answer(upload(&app, "a", tone(300), &[])).await, (201, true, first.2));
}

#[tokio::test]
async fn a_file_is_taken_once_under_one_name() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    std::fs::write(app.volume().join("incoming/taken.wav"), tone(300)).unwrap();
    let body = json!({ "filename": "taken.wav", "metadata": { "caller": "x" } });
    let answers = join_all((0..8).map(|_| answer(take(&app, "t", &body)))).await;
    // Concurrent requests find the file gone, and wait for the answer of the first.
    let ids: BTreeSet<&str> = answers.iter().filter_map(|answer| answer.2["job_id"].as_str()).collect();
    assert_eq!(ids.len(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer.0 == 201 && !answer.1).count(), 1);
    assert!(answers.iter().all(|answer| answer.0 == 201), "{answers:?}");
    let first = answers.iter().find(|answer| answer.0 == 201).unwrap();
    assert_eq!(answer(take(&app, "t", &body)).await, (201, true, first.2.clone()));
    let other = answer(take(&app, "t", &json!({ "filename": "other.wav", "metadata": { "caller": "x" } }))).await;
    assert_eq!(code(&other), (409, "IDEMPOTENCY_KEY_REUSED"));
}

#[tokio::test]
async fn the_same_wish_is_the_same_over_every_way() {
    let app = TestApp::spawn().await;
    let first = answer(upload(&app, "a", tone(300), &[("metadata", r#"{"caller": "x"}"#)])).await;
    let mut socket = Socket::open(&app).await;
    let announced = json!({ "filename": "call.wav", "metadata": { "caller": "x" }, "idempotency_key": "a" });
    let created = socket.upload(announced, &tone(300)).await;
    assert_eq!((&created["replayed"], &created["job"]), (&json!(true), &first.2));
    std::fs::write(app.volume().join("incoming/b.wav"), tone(300)).unwrap();
    let taken = answer(take(&app, "b", &json!({ "filename": "b.wav" }))).await;
    let again = socket.ask(json!({ "type": "create_job", "filename": "b.wav", "idempotency_key": "b" })).await;
    assert_eq!((&again["replayed"], &again["job"]), (&json!(true), &taken.2));
}
