//! The errors that depend on the state of a job or of the server.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::super::support::app::TestApp;
use super::super::support::archive::archive;
use super::super::support::audio::tone;
use super::super::support::scripted::Act;
use super::provoke::{Provoked, read_answer};
use callannotate::jobs::stage::Stage;

/// Invalid requests that create or list jobs.
pub async fn requests(provoked: &mut Provoked) {
    let app = TestApp::spawn().await;
    let url = app.url("/api/v1/jobs");
    let json = |body: String| app.client.post(&url).header("content-type", "application/json").body(body);
    provoked.by("INVALID_JSON", || json("{".to_owned())).await;
    provoked.by("INVALID_QUERY", || app.client.get(format!("{url}?limit=0"))).await;
    provoked.by("FILE_NOT_FOUND", || json(r#"{"filename": "absent.wav"}"#.to_owned())).await;
    let refused = provoked.by("REQUEST_TOO_LARGE", || json(" ".repeat(70_000))).await;
    assert_eq!(refused.body["error"]["details"], json!({ "max_allowed": 65_536 }));
    let post = |form: reqwest::multipart::Form, bytes| {
        let file = reqwest::multipart::Part::bytes(bytes).file_name("call.wav");
        app.client.post(&url).header("idempotency-key", "once").multipart(form.part("file", file))
    };
    let form = reqwest::multipart::Form::new;
    let refused = provoked.by("MODEL_UNAVAILABLE", || post(form().text("options", r#"{"strict": true}"#), tone(500))).await;
    assert_eq!(refused.body["error"]["details"], json!({ "stage": "recognition", "reason": "not in this test" }));
    assert_eq!(post(form(), tone(500)).send().await.unwrap().status(), 201);
    provoked.by("IDEMPOTENCY_KEY_REUSED", || post(form(), tone(501))).await;
}

/// Requests that a finished job refuses.
pub async fn endings(provoked: &mut Provoked) {
    let app = TestApp::spawn().await;
    let done = app.create_job(tone(500), &[]).await;
    app.wait_until_finished(&done).await;
    let at = |id: &str, what: &str| app.url(&format!("/api/v1/jobs/{id}/{what}"));
    for what in ["cancel", "retry"] {
        let refused = provoked.by("JOB_FINISHED", || app.client.post(at(&done, what))).await;
        assert_eq!(refused.body["error"]["details"], json!({ "status": "completed" }));
    }
    let refused =
        provoked.by("RANGE_NOT_SATISFIABLE", || app.client.get(at(&done, "audio")).header("range", "bytes=8044-")).await;
    assert_eq!(refused.headers["content-range"], "bytes */8044");
    app.script.set(Stage::Diarization, Act::Hold);
    app.create_job(tone(500), &[]).await;
    app.script.reached(3).await;
    let cancelled = app.create_job(tone(500), &[]).await;
    assert_eq!(app.change(&cancelled, "cancel").await.0, 200);
    provoked.by("JOB_CANCELLED", || app.client.get(at(&cancelled, "result"))).await;
}

/// Requests for data that retention has removed.
pub async fn archived(provoked: &mut Provoked) {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let id = app.create_job(tone(500), &[]).await;
    app.wait_until_finished(&id).await;
    app.stop().await;
    archive(folder.path(), &id);
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    for what in ["result", "audio"] {
        provoked.by("RESULT_ARCHIVED", || app.client.get(app.url(&format!("/api/v1/jobs/{id}/{what}")))).await;
    }
}

/// A request that was in flight when the server began to stop.
pub async fn stopping(provoked: &mut Provoked) {
    let app = TestApp::spawn().await;
    let mut on_their_way = Vec::new();
    for language in ["en", "ru"] {
        let mut stream = TcpStream::connect(&app.address).await.unwrap();
        let head = format!("POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nAccept-Language: {language}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        on_their_way.push(stream);
    }
    // Connections are accepted in order: once a later one is answered, the first parts above have arrived.
    assert_eq!(app.get("/health").await.status(), 200);
    app.shutdown.soft.cancel();
    let mut answers = Vec::new();
    for stream in &mut on_their_way {
        stream.write_all(b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
        answers.push(read_answer(stream).await);
    }
    provoked.as_answered("SHUTTING_DOWN", &answers[0], &answers[1]);
}
