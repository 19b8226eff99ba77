//! Uploads over a WebSocket: announced, sent as binary frames within the granted window, and finished.

use serde_json::{Value, json};

use super::support::app::{NOTHING, TestApp};
use super::support::audio::{tone, wav};
use super::support::scripted::Act;
use super::support::socket::Socket;
use callannotate::jobs::stage::Stage;

/// The window: how many bytes may be in flight.
const WINDOW: u64 = 4 * 1024 * 1024;
const MEBIBYTE: usize = 1024 * 1024;

fn start(size: usize) -> Value {
    json!({ "type": "upload_start", "filename": "call.wav", "size": size, "request_id": "up" })
}

fn finish() -> Value {
    json!({ "type": "upload_finish", "request_id": "done" })
}

#[tokio::test]
async fn a_large_recording_arrives_whole_within_its_window() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let samples: Vec<i16> = (0..5 * 1024 * 1024).map(|index: i32| (index.wrapping_mul(7919) % 10_007) as i16).collect();
    let sent = wav(8000, 1, &samples);
    let mut socket = Socket::open(&app).await;
    let ready = socket.ask(start(sent.len())).await;
    assert_eq!(
        (&ready["type"], &ready["request_id"], &ready["max_frame_bytes"]),
        (&json!("upload_ready"), &json!("up"), &json!(MEBIBYTE))
    );
    let mut granted = ready["granted_bytes"].as_u64().unwrap();
    assert_eq!(granted, WINDOW);
    let mut offset = 0;
    while offset < sent.len() {
        // The largest allowed frame, within the granted bytes.
        let length = (sent.len() - offset).min(MEBIBYTE).min(granted as usize - offset);
        if length == 0 {
            let progress = socket.next().await.unwrap();
            assert_eq!(progress["type"], "upload_progress", "{progress}");
            let received = progress["received_bytes"].as_u64().unwrap();
            granted = progress["granted_bytes"].as_u64().unwrap();
            assert_eq!(granted, (received + WINDOW).min(sent.len() as u64));
            continue;
        }
        socket.binary(&sent[offset..offset + length]).await;
        offset += length;
    }
    socket.text(finish().to_string()).await;
    let mut answer = socket.next().await.unwrap();
    while answer["type"] == "upload_progress" {
        answer = socket.next().await.unwrap();
    }
    assert_eq!((&answer["type"], &answer["request_id"]), (&json!("job_created"), &json!("done")));
    assert_eq!(answer["job"]["job_id"], ready["upload_id"]);
    let id = answer["job"]["job_id"].as_str().unwrap();
    let kept = app.get(&format!("/api/v1/jobs/{id}/audio")).await.bytes().await.unwrap();
    assert!(kept == sent, "{} of {} bytes", kept.len(), sent.len());
}

#[tokio::test]
async fn more_than_was_granted_ends_the_upload_and_not_the_session() {
    let app = TestApp::spawn().await;
    let mut socket = Socket::open(&app).await;
    let sent = tone(300);
    socket.ask(start(sent.len())).await;
    socket.binary(&sent[..100]).await;
    socket.binary(&[&sent[100..], b"x"].concat()).await;
    let refused = socket.next().await.unwrap();
    assert_eq!((&refused["type"], &refused["error"]["code"]), (&json!("error"), &json!("INVALID_REQUEST")));
    assert_eq!(app.folders("temp"), NOTHING);
    assert_eq!(socket.refused(finish()).await, "INVALID_REQUEST");
    let created = socket.upload(json!({ "filename": "call.wav" }), &sent).await;
    assert_eq!(app.wait_until_finished(created["job"]["job_id"].as_str().unwrap()).await["status"], "completed");
}

#[tokio::test]
async fn an_upload_that_is_not_whole_waits_for_the_rest() {
    let app = TestApp::spawn().await;
    let mut socket = Socket::open(&app).await;
    let sent = tone(300);
    socket.ask(start(sent.len())).await;
    assert_eq!(socket.refused(finish()).await, "INVALID_REQUEST");
    socket.binary(&sent[..1000]).await;
    assert_eq!(socket.refused(finish()).await, "INVALID_REQUEST");
    // A second upload is refused and does not disturb the first.
    assert_eq!(socket.refused(start(500)).await, "INVALID_REQUEST");
    socket.binary(&sent[1000..]).await;
    assert_eq!(socket.next().await.unwrap()["received_bytes"], sent.len());
    let created = socket.ask(finish()).await;
    assert_eq!((&created["type"], &created["job"]["file_info"]["size"]), (&json!("job_created"), &json!(sent.len())));
    assert_eq!(socket.refused(finish()).await, "INVALID_REQUEST");
}

#[tokio::test]
async fn what_is_known_to_be_refused_is_refused_before_it_is_sent() {
    let app = TestApp::spawn_with(&[("MAX_FILE_SIZE", "100000"), ("CALLANNOTATE__QUEUE__MAX_LENGTH", "1")]).await;
    let mut socket = Socket::open(&app).await;
    let with = |name: &str, value: Value| {
        let mut command = start(1000);
        command[name] = value;
        command
    };
    for (command, code) in [
        (with("size", json!(0)), "AUDIO_EMPTY"),
        (with("size", json!(100_001)), "FILE_TOO_LARGE"),
        (with("size", json!(-1)), "INVALID_REQUEST"),
        (with("size", json!("many")), "INVALID_REQUEST"),
        (with("size", Value::Null), "INVALID_REQUEST"),
        (with("metadata", json!({ "priority": 11 })), "INVALID_METADATA"),
        (with("metadata", json!("text")), "INVALID_METADATA"),
        (with("options", json!({ "colour": 1 })), "INVALID_OPTIONS"),
        (with("options", json!({ "strict": true })), "MODEL_UNAVAILABLE"),
        (with("idempotency_key", json!("x".repeat(256))), "INVALID_REQUEST"),
    ] {
        assert_eq!(socket.refused(command.clone()).await, code, "{command}");
    }
    assert_eq!(app.folders("temp"), NOTHING);
    // An upload reserves the last place in the queue with its first bytes, and releases it.
    app.script.set(Stage::Diarization, Act::Hold);
    app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    assert_eq!(socket.ask(start(1000)).await["type"], "upload_ready");
    socket.binary(b"RIFF").await;
    assert_eq!(socket.ask(json!({ "type": "ping" })).await["type"], "pong");
    assert_eq!(app.post(tone(300), &[]).await.status(), 503);
    let aborted = socket.ask(json!({ "type": "upload_abort", "request_id": 3 })).await;
    assert_eq!((&aborted["type"], &aborted["request_id"]), (&json!("upload_aborted"), &json!(3)));
    assert_eq!(app.folders("temp"), NOTHING);
    assert_eq!(app.post(tone(300), &[]).await.status(), 201);
    assert_eq!(socket.refused(start(1000)).await, "QUEUE_FULL");
}

#[tokio::test]
async fn what_is_found_out_at_the_end_leaves_nothing() {
    let app = TestApp::spawn().await;
    let mut socket = Socket::open(&app).await;
    for (bytes, code) in [(b"just text and no sound".to_vec(), "UNSUPPORTED_FORMAT"), (wav(8000, 1, &[]), "AUDIO_EMPTY")] {
        socket.ask(start(bytes.len())).await;
        socket.binary(&bytes).await;
        assert_eq!(socket.next().await.unwrap()["type"], "upload_progress");
        assert_eq!(socket.refused(finish()).await, code);
        assert_eq!((app.folders("temp"), app.folders("incoming")), (Vec::new(), Vec::new()));
    }
    assert_eq!(socket.ask(json!({ "type": "upload_abort" })).await["type"], "upload_aborted", "there is nothing to abort");
}

#[tokio::test]
async fn a_client_that_pauses_for_too_long_or_goes_away_leaves_nothing() {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__SERVER__IDLE_TIMEOUT_SECONDS", "1")]).await;
    let mut socket = Socket::open(&app).await;
    socket.ask(start(1000)).await;
    socket.binary(&[0; 500]).await;
    let given_up = socket.next().await.unwrap();
    assert_eq!(given_up["error"]["code"], "REQUEST_TIMEOUT");
    assert_eq!(app.folders("temp"), NOTHING);
    socket.ask(start(1000)).await;
    socket.binary(&[0; 500]).await;
    assert_eq!(socket.ask(json!({ "type": "ping" })).await["type"], "pong");
    assert_eq!(app.folders("temp").len(), 1);
    drop(socket);
    // Polls until the server has noticed the closed connection and removed the folder.
    let begun = std::time::Instant::now();
    while !app.folders("temp").is_empty() {
        assert!(begun.elapsed() < super::support::app::DEADLINE, "the upload was not forgotten");
        assert_eq!(app.get("/health").await.status(), 200);
    }
}
