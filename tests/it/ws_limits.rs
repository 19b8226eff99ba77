//! The limits of a WebSocket session, and the errors and close codes for exceeding them.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpSocket;

use super::support::app::TestApp;
use super::support::audio::tone;
use super::support::scripted::Act;
use super::support::socket::Socket;
use callannotate::jobs::stage::Stage;

const MEBIBYTE: usize = 1024 * 1024;

/// A ping of exactly this many bytes.
fn ping_of(bytes: usize) -> String {
    let around = json!({ "type": "ping", "padding": "" }).to_string().len();
    json!({ "type": "ping", "padding": "x".repeat(bytes - around) }).to_string()
}

#[tokio::test]
async fn a_message_may_have_a_mebibyte_and_not_a_byte_more() {
    let app = TestApp::spawn().await;
    let mut socket = Socket::open(&app).await;
    socket.text(ping_of(MEBIBYTE)).await;
    assert_eq!(socket.next().await.unwrap()["type"], "pong");
    socket.text(ping_of(MEBIBYTE + 1)).await;
    assert_eq!(socket.next().await, Err(1009));
    let mut socket = Socket::open(&app).await;
    let ready = socket.ask(json!({ "type": "upload_start", "size": 3 * MEBIBYTE })).await;
    assert_eq!(ready["type"], "upload_ready");
    socket.binary(&vec![0; MEBIBYTE]).await;
    socket.binary(&vec![0; MEBIBYTE + 1]).await;
    assert_eq!(socket.close_code().await, 1009);
}

#[tokio::test]
async fn a_flood_of_messages_is_closed_with_1008_and_the_server_lives_on() {
    let app = TestApp::spawn().await;
    let mut socket = Socket::open(&app).await;
    let mut answered = 0;
    let code = loop {
        // A client that reads, so that it is not dropped for not reading.
        if !socket.try_text(r#"{"type":"ping"}"#).await {
            break socket.close_code().await;
        }
        match socket.next().await {
            Ok(answer) => assert_eq!(answer["type"], "pong"),
            Err(code) => break code,
        }
        answered += 1;
        assert!(answered < 100_000, "no flood is ever too much");
    };
    assert_eq!(code, 1008);
    assert!(answered >= 500, "{answered} messages are no flood");
    // Binary frames outside an upload count as a flood, too.
    let mut socket = Socket::open(&app).await;
    let mut refused = 0;
    let code = loop {
        socket.binary(b"x").await;
        match socket.next().await {
            Ok(answer) => assert_eq!(answer["error"]["code"], "INVALID_REQUEST"),
            Err(code) => break code,
        }
        refused += 1;
    };
    assert_eq!(code, 1008);
    assert!(refused >= 500, "{refused}");
    assert_eq!(Socket::open(&app).await.ask(json!({ "type": "ping" })).await["type"], "pong");
}

#[tokio::test]
async fn bytes_without_an_upload_are_refused_and_the_session_stays() {
    let app = TestApp::spawn().await;
    let mut socket = Socket::open(&app).await;
    for bytes in [&b""[..], b"x", &[0; 5000]] {
        socket.binary(bytes).await;
        assert_eq!(socket.next().await.unwrap()["error"]["code"], "INVALID_REQUEST");
    }
    assert_eq!(socket.ask(json!({ "type": "ping" })).await["type"], "pong");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_with_1013() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let padding = json!({ "padding": "x".repeat(8000) }).to_string();
    for _ in 0..10 {
        app.create_job(tone(100), &[("metadata", &padding)]).await;
    }
    // Small socket buffers, so that the server soon blocks on writing.
    let quiet = TcpSocket::new_v4().unwrap();
    quiet.set_recv_buffer_size(16 * 1024).unwrap();
    let stream = quiet.connect(app.address.parse().unwrap()).await.unwrap();
    let mut socket = Socket::over(&app, stream).await;
    for _ in 0..400 {
        // Each request asks for 90 kB.
        socket.text(json!({ "type": "list_jobs" }).to_string()).await;
    }
    // The server's write timeout passes before the test's deadline; other clients are served meanwhile.
    tokio::time::timeout(Duration::from_secs(11), std::future::pending::<()>()).await.unwrap_err();
    assert_eq!(app.get("/health").await.status(), 200);
    assert_eq!(socket.close_code().await, 1013);
}

#[tokio::test]
async fn a_stopping_server_closes_sessions_with_1012() {
    let app = TestApp::spawn().await;
    let mut idle = Socket::open(&app).await;
    let mut busy = Socket::open(&app).await;
    let ready = busy.ask(json!({ "type": "upload_start", "size": 1000 })).await;
    assert_eq!(ready["type"], "upload_ready");
    app.shutdown.soft.cancel();
    assert_eq!((idle.next().await, busy.next().await), (Err::<Value, u16>(1012), Err(1012)));
}
