//! `/ws/{job_id}`: what a client sees of a job.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::support::app::{DEADLINE, TestApp};
use super::support::audio::tone;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;

pub type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(app: &TestApp, id: &str) -> Socket {
    tokio_tungstenite::connect_async(format!("ws://{}/ws/{id}", app.address)).await.unwrap().0
}

/// The next JSON message, or the close code.
pub async fn next(socket: &mut Socket) -> Result<Value, u16> {
    loop {
        match timeout(DEADLINE, socket.next()).await.expect("a message in time").expect("a message before the end").unwrap() {
            Message::Text(text) => return Ok(serde_json::from_str(text.as_str()).unwrap()),
            Message::Close(frame) => return Err(frame.map_or(0, |frame| CloseCode::into(frame.code))),
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
        }
    }
}

/// Every message of a job until the server closes.
pub async fn all_messages(app: &TestApp, id: &str) -> Vec<Value> {
    let mut socket = connect(app, id).await;
    let mut messages = Vec::new();
    while let Ok(message) = next(&mut socket).await {
        messages.push(message);
    }
    messages
}

#[tokio::test]
async fn a_job_is_followed_from_its_present_state_to_its_result() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    app.script.reached(1).await;
    let mut socket = connect(&app, &id).await;
    let first = next(&mut socket).await.unwrap();
    assert_eq!(first["type"], "status_update");
    assert_eq!(first["job_id"], id.as_str());
    assert_eq!(first["status"], "processing");
    assert_eq!(first["progress"]["current_stage"], "diarization");
    assert_eq!(first["progress"]["stages_completed"], json!(["validation", "preprocessing"]));
    app.script.release(1);
    let mut last_percentage = 0;
    let result = loop {
        let message = next(&mut socket).await.unwrap();
        if message["type"] == "result" {
            break message;
        }
        let percentage = message["progress"]["percentage"].as_u64().unwrap();
        assert!(percentage >= last_percentage);
        last_percentage = percentage;
    };
    assert_eq!(last_percentage, 100);
    let mut fields: Vec<_> = result.as_object().unwrap().keys().cloned().collect();
    fields.sort();
    assert_eq!(fields, ["job_id", "result", "seq", "status", "timestamp", "type"]);
    assert_eq!(result["status"], "completed");
    let by_rest = app.get_json(&format!("/api/v1/jobs/{id}/result")).await;
    assert_eq!(result["result"], by_rest["result"]);
    assert_eq!(next(&mut socket).await, Err(1000));
}

#[tokio::test]
async fn a_failed_job_ends_with_an_error_message() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Panic);
    let id = app.create_job(tone(1000), &[]).await;
    let messages = all_messages(&app, &id).await;
    let last = messages.last().unwrap();
    assert_eq!(last["type"], "error");
    assert_eq!(last["error"]["code"], "INTERNAL_ERROR");
    assert_eq!(last["error"]["stage"], "diarization");
}

#[tokio::test]
async fn a_json_ping_is_answered_and_nonsense_is_refused_without_ending_the_connection() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    app.script.reached(1).await;
    let mut socket = connect(&app, &id).await;
    assert_eq!(next(&mut socket).await.unwrap()["type"], "status_update");
    for (sent, kind, code) in [
        (r#"{"type":"ping","request_id":7}"#, "pong", Value::Null),
        ("no json", "error", json!("INVALID_JSON")),
        (r#"{"type":"fly"}"#, "error", json!("INVALID_REQUEST")),
        ("[]", "error", json!("INVALID_REQUEST")),
        (r#"{"type":"ping"}"#, "pong", Value::Null),
    ] {
        socket.send(Message::text(sent)).await.unwrap();
        let answer = next(&mut socket).await.unwrap();
        assert_eq!(answer["type"], kind, "{sent}");
        assert_eq!(answer["error"]["code"], code, "{sent}");
        assert!(answer["timestamp"].as_str().unwrap().ends_with('Z'));
    }
    app.script.release(1);
}

#[tokio::test]
async fn an_unknown_job_closes_with_4404() {
    let app = TestApp::spawn().await;
    for id in ["550e8400-e29b-41d4-a716-446655440000", "nonsense"] {
        let mut socket = connect(&app, id).await;
        assert_eq!(next(&mut socket).await, Err(4404));
    }
}

#[tokio::test]
async fn a_deleted_job_closes_its_watchers() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    app.script.reached(1).await;
    let mut socket = connect(&app, &id).await;
    next(&mut socket).await.unwrap();
    assert_eq!(app.delete(&id).await.status(), 204);
    let mut end = next(&mut socket).await;
    while end.is_ok() {
        end = next(&mut socket).await;
    }
    assert_eq!(end, Err(4404));
}

#[tokio::test]
async fn a_stopping_server_closes_with_1012() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    app.script.reached(1).await;
    let mut socket = connect(&app, &id).await;
    next(&mut socket).await.unwrap();
    app.shutdown.soft.cancel();
    assert_eq!(next(&mut socket).await, Err(1012));
}
