//! Slow, silent, numerous or misbehaving clients: their connections are closed, and other clients are served.

use std::io::ErrorKind;

use futures_util::SinkExt;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::support::app::{DEADLINE, TestApp};
use super::support::audio::tone;
use super::support::needs::Need;
use super::support::scripted::Act;
use super::websocket::next;
use callannotate::jobs::stage::Stage;

async fn connect(app: &TestApp) -> TcpStream {
    TcpStream::connect(&app.address).await.unwrap()
}

/// Reads until the server closes, and returns everything read.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    match timeout(DEADLINE, stream.read_to_end(&mut said)).await.expect("the server closes in time") {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    String::from_utf8(said).unwrap()
}

/// Sends one request on a keep-alive connection, and returns the status.
async fn ask(stream: &mut TcpStream) -> String {
    stream.write_all(b"GET /api/v1/health/live HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    timeout(DEADLINE, async {
        while !said.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut said).await.unwrap(), 0, "the connection was closed");
        }
    })
    .await
    .expect("an answer in time");
    String::from_utf8(said).unwrap().split(' ').nth(1).unwrap().to_owned()
}

/// Sends single bytes until the connection is closed, and waits after each for the answer to another client's request. So no byte
/// is late, and the pace follows the server.
async fn trickle(mut writing: OwnedWriteHalf, mut other: TcpStream) {
    while writing.write_all(b"x").await.is_ok() {
        assert_eq!(ask(&mut other).await, "200");
    }
}

const NO_RATE_LIMITS: (&str, &str) = ("CALLANNOTATE__RATE_LIMITS__ENABLED", "false");
const ONE_SECOND_FOR_HEADERS: (&str, &str) = ("CALLANNOTATE__SERVER__HEADER_TIMEOUT_SECONDS", "1");

#[tokio::test]
async fn a_head_that_does_not_come_to_its_end_is_given_up() {
    let app = TestApp::spawn_with(&[ONE_SECOND_FOR_HEADERS, NO_RATE_LIMITS]).await;
    let mut waiting = connect(&app).await;
    assert_eq!(ask(&mut waiting).await, "200");
    let mut silent = connect(&app).await;
    let (mut reading, mut writing) = connect(&app).await.into_split();
    writing.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    // One header that never ends.
    let trickle = tokio::spawn(trickle(writing, connect(&app).await));
    assert_eq!(until_closed(&mut silent).await, "");
    let mut said = Vec::new();
    // Closed with or without a reset, since bytes may have been in flight.
    let _either = timeout(DEADLINE, reading.read_to_end(&mut said)).await.expect("the server closes in time");
    assert_eq!(said, b"");
    timeout(DEADLINE, trickle).await.expect("the trickle ends").unwrap();
    // An idle keep-alive connection may wait longer than the header timeout.
    assert_eq!(ask(&mut waiting).await, "200");
}

#[tokio::test]
async fn a_connection_that_asks_nothing_more_is_closed_and_a_websocket_is_not() {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__SERVER__KEEP_ALIVE_SECONDS", "1"), ONE_SECOND_FOR_HEADERS]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(500), &[]).await;
    app.script.reached(1).await;
    let mut socket = tokio_tungstenite::connect_async(format!("ws://{}/ws/{id}", app.address)).await.unwrap().0;
    next(&mut socket).await.unwrap();
    let mut idle = connect(&app).await;
    assert_eq!(ask(&mut idle).await, "200");
    assert_eq!(until_closed(&mut idle).await, "");
    socket.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
    let mut answer = next(&mut socket).await.unwrap();
    while answer["type"] == "status_update" {
        answer = next(&mut socket).await.unwrap();
    }
    assert_eq!(answer["type"], "pong");
    app.script.release(1);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let app = TestApp::spawn().await;
    let mut stream = connect(&app).await;
    let head = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "x".repeat(500_000));
    // The server may close before it has read everything.
    let _cut_off = stream.write_all(head.as_bytes()).await;
    let mut said = Vec::new();
    let _reset = timeout(DEADLINE, stream.read_to_end(&mut said)).await.expect("the server closes in time");
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 431 "), "{}", String::from_utf8_lossy(&said));
    assert_eq!(app.get("/health").await.status(), 200);
}

#[tokio::test]
async fn an_upload_that_trickles_is_answered_408_although_it_never_pauses() {
    let app = TestApp::spawn_with(&[
        ("CALLANNOTATE__SERVER__IDLE_TIMEOUT_SECONDS", "1"),
        // Far more than single bytes with a request between them reach.
        ("CALLANNOTATE__SERVER__MIN_UPLOAD_BYTES_PER_SECOND", "1000000"),
        NO_RATE_LIMITS,
    ])
    .await;
    let (mut reading, mut writing) = connect(&app).await.into_split();
    let head = "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000000\r\n\r\n\
                --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF";
    writing.write_all(head.as_bytes()).await.unwrap();
    let trickle = tokio::spawn(trickle(writing, connect(&app).await));
    let mut said = Vec::new();
    timeout(DEADLINE, async {
        while !String::from_utf8_lossy(&said).contains("help_url") {
            assert_ne!(reading.read_buf(&mut said).await.unwrap(), 0, "the answer broke off");
        }
    })
    .await
    .expect("an answer in time");
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("REQUEST_TIMEOUT"), "{said}");
    drop(reading);
    timeout(DEADLINE, trickle).await.expect("the server closes").unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answers_is_closed() {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__SERVER__WRITE_TIMEOUT_SECONDS", "1"), NO_RATE_LIMITS]).await;
    let mut stream = connect(&app).await;
    let requests = "GET /info HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
    // It sends requests and reads nothing: once all buffers are full the write blocks until the server closes.
    timeout(DEADLINE, async { while stream.write_all(requests.as_bytes()).await.is_ok() {} })
        .await
        .expect("the server closes in time");
}

#[tokio::test]
async fn when_all_places_are_taken_the_longest_idle_connection_gives_way() {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__SERVER__MAX_CONNECTIONS", "3")]).await;
    let mut first = connect(&app).await;
    assert_eq!(ask(&mut first).await, "200");
    let mut second = connect(&app).await;
    assert_eq!(ask(&mut second).await, "200");
    let mut third = connect(&app).await;
    assert_eq!(ask(&mut third).await, "200");
    assert_eq!(ask(&mut first).await, "200");
    let mut fourth = connect(&app).await;
    assert_eq!(ask(&mut fourth).await, "200");
    assert_eq!(until_closed(&mut second).await, "");
    assert_eq!((ask(&mut first).await, ask(&mut third).await), ("200".to_owned(), "200".to_owned()));
}

#[tokio::test]
async fn five_thousand_silent_connections_do_not_stop_the_service() {
    // This process has both ends of each connection.
    let limit = getrlimit(Resource::Nofile);
    let enough = limit.maximum.is_none_or(|files| files >= 11_000);
    if Need::OpenFiles.or_skip(enough.then_some(())).is_none() {
        return;
    }
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let app = TestApp::spawn_with(&[("CALLANNOTATE__SERVER__HEADER_TIMEOUT_SECONDS", "3600")]).await;
    let mut silent = Vec::new();
    for _ in 0..5000 {
        silent.push(connect(&app).await);
    }
    assert_eq!(app.get("/health").await.status(), 200);
    assert_eq!(app.post(tone(300), &[]).await.status(), 201);
}

#[tokio::test]
async fn a_stopping_server_answers_until_its_job_is_done() {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "3600")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(500), &[]).await;
    app.script.reached(1).await;
    app.shutdown.soft.cancel();
    // New connections are accepted, too.
    let mut stream = connect(&app).await;
    assert_eq!(ask(&mut stream).await, "200");
    assert_eq!(app.get_json(&format!("/api/v1/jobs/{id}")).await["status"], "processing");
    assert_eq!(app.get("/api/v1/health/ready").await.status(), 503);
    let refused = app.post(tone(500), &[]).await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], "SHUTTING_DOWN");
    app.script.release(1);
    // Then all connections are closed, idle ones at once.
    assert_eq!(until_closed(&mut stream).await, "");
    let record = app.volume().join("completed").join(&id).join("result.json");
    assert!(record.exists());
    app.stop().await;
}
