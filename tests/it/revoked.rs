//! A key that is revoked ends everything that goes on with it, within two seconds: streams, long polls, sessions, downloads,
//! uploads.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::access::{create, revoke};
use super::support::app::{DEADLINE, NOTHING, TestApp};
use super::support::audio::{tone, wav};
use super::support::neighbours::connect_from;
use super::support::scripted::Act;
use super::support::socket::Socket;
use callannotate::jobs::stage::Stage;

/// What is promised is two seconds; a busy machine gets some more.
const SOON: Duration = Duration::from_secs(6);

/// A server with a key and a running job of it, and another key.
struct Guarded {
    app: TestApp,
    folder: tempfile::TempDir,
    key: (String, String),
    other: String,
    job: String,
}

impl Guarded {
    async fn spawn(recording: Vec<u8>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = create(folder.path(), "to be revoked", &["read", "write"]);
        let (_, other) = create(folder.path(), "to stay", &["admin"]);
        let settings = [("CALLANNOTATE__ACCESS__ENABLED", "true"), ("CALLANNOTATE__RATE_LIMITS__ENABLED", "false")];
        let app = TestApp::spawn_on(folder.path(), &settings).await;
        app.script.set(Stage::Diarization, Act::Hold);
        let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(recording).file_name("call.wav"));
        let created = app.client.post(app.url("/api/v1/jobs")).bearer_auth(&key.1).multipart(form).send().await.unwrap();
        let job = created.json::<Value>().await.unwrap()["job_id"].as_str().unwrap().to_owned();
        app.script.reached(1).await;
        Self { app, folder, key, other, job }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/jobs/{}{rest}", self.job)
    }

    fn revoke(&self) -> Instant {
        let volume: &Path = self.folder.path();
        let revoked = Instant::now();
        revoke(volume, &self.key.0);
        revoked
    }

    /// Waits until the folders in `temp/` are as they should be.
    async fn until_temp(&self, are_right: impl Fn(&[String]) -> bool) {
        let right = async {
            while !are_right(&self.app.folders("temp")) {
                assert_eq!(self.app.get("/health").await.status(), 200);
            }
        };
        timeout(DEADLINE, right).await.expect("the folder changes in time");
    }

    /// Sends a request with a key over a new connection and reads until the head of the answer has arrived.
    async fn begin(&self, secret: &str, path: &str, headers: &str) -> (TcpStream, String) {
        let mut stream = connect_from(&self.app, 1).await;
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(DEADLINE, stream.read_u8()).await.expect("an answer in time").unwrap());
        }
        (stream, String::from_utf8(head).unwrap())
    }
}

/// Reads until the server closes the connection, and returns the number of bytes.
async fn rest(stream: &mut TcpStream) -> usize {
    let mut said = Vec::new();
    // Closed with or without a reset, since not everything was sent.
    let _either = timeout(DEADLINE, stream.read_to_end(&mut said)).await.expect("the server closes in time");
    said.len()
}

#[tokio::test]
async fn an_event_stream_ends_and_that_of_another_key_goes_on() {
    let guarded = Guarded::spawn(tone(1000)).await;
    let (mut stream, head) = guarded.begin(&guarded.key.1, &guarded.path("/events"), "Accept: text/event-stream\r\n").await;
    let (mut other, _) = guarded.begin(&guarded.other, &guarded.path("/events"), "Accept: text/event-stream\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let revoked = guarded.revoke();
    rest(&mut stream).await;
    assert!(revoked.elapsed() < SOON, "{:?}", revoked.elapsed());
    guarded.app.script.release(1);
    let mut said = Vec::new();
    let told = async {
        while !String::from_utf8_lossy(&said).contains("Hello there.") {
            assert_ne!(other.read_buf(&mut said).await.unwrap(), 0, "the other stream ended: {said:?}");
        }
    };
    timeout(DEADLINE, told).await.expect("the result in time");
}

#[tokio::test]
async fn long_polls_are_answered_401() {
    let guarded = Guarded::spawn(tone(1000)).await;
    let seen = guarded.app.client.get(guarded.app.url(&guarded.path(""))).bearer_auth(&guarded.key.1).send().await.unwrap();
    let mut seen = seen.json::<Value>().await.unwrap();
    while seen["progress"]["stage_progress"] != 50 {
        let next = guarded.path(&format!("?wait=10&last_seq={}", seen["last_seq"]));
        let answer = guarded.app.client.get(guarded.app.url(&next)).bearer_auth(&guarded.key.1).send().await.unwrap();
        seen = answer.json().await.unwrap();
    }
    let poll = |path: String, accept: &'static str| {
        let request = guarded.app.client.get(guarded.app.url(&path)).bearer_auth(&guarded.key.1).header("accept", accept);
        tokio::spawn(request.send())
    };
    let job = poll(guarded.path("?wait=15"), "*/*");
    let events = poll(guarded.path(&format!("/events?wait=15&last_seq={}", seen["last_seq"])), "application/json");
    let revoked = guarded.revoke();
    for waiting in [job, events] {
        let answer = timeout(DEADLINE, waiting).await.expect("an answer in time").unwrap().unwrap();
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], "UNAUTHORIZED");
    }
    assert!(revoked.elapsed() < SOON, "{:?}", revoked.elapsed());
}

#[tokio::test]
async fn sessions_are_closed_with_4401_whatever_they_do() {
    let guarded = Guarded::spawn(tone(1000)).await;
    let bearer = format!("Bearer {}", guarded.key.1);
    let mut idle = Socket::from(&guarded.app, 1, &[("authorization", &bearer)]).await.ok().unwrap();
    let mut watching = Socket::from(&guarded.app, 1, &[("authorization", &bearer)]).await.ok().unwrap();
    let subscribed = watching.ask(json!({ "type": "subscribe_job", "job_id": guarded.job })).await;
    assert_eq!(subscribed["type"], "subscribed");
    let mut by_message = Socket::from(&guarded.app, 1, &[]).await.ok().unwrap();
    assert_eq!(by_message.ask(json!({ "type": "authenticate", "key": guarded.key.1 })).await["type"], "authenticated");
    let mut uploading = Socket::from(&guarded.app, 1, &[("authorization", &bearer)]).await.ok().unwrap();
    assert_eq!(uploading.ask(json!({ "type": "upload_start", "size": 1000 })).await["type"], "upload_ready");
    uploading.binary(b"RIFF").await;
    let other = format!("Bearer {}", guarded.other);
    let mut other = Socket::from(&guarded.app, 1, &[("authorization", &other)]).await.ok().unwrap();
    let revoked = guarded.revoke();
    for socket in [&mut idle, &mut watching, &mut by_message, &mut uploading] {
        assert_eq!(socket.close_code().await, 4401);
    }
    assert!(revoked.elapsed() < SOON, "{:?}", revoked.elapsed());
    assert_eq!(other.ask(json!({ "type": "ping" })).await["type"], "pong");
    guarded.until_temp(|folders| folders == NOTHING).await;
}

#[tokio::test]
async fn a_download_is_cut_off() {
    // More than all buffers on the way hold.
    let recording = wav(8000, 1, &vec![300; 16_000_000]);
    let size = recording.len();
    let guarded = Guarded::spawn(recording).await;
    let (mut stream, head) = guarded.begin(&guarded.key.1, &guarded.path("/audio"), "").await;
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains(&format!("content-length: {size}")), "{head}");
    let (mut other, _) =
        guarded.begin(&guarded.other, &guarded.path("/audio"), "Range: bytes=0-999\r\nConnection: close\r\n").await;
    let revoked = guarded.revoke();
    let refused = async {
        let list = || guarded.app.client.get(guarded.app.url("/api/v1/jobs")).bearer_auth(&guarded.key.1).send();
        while list().await.unwrap().status() != 401 {}
    };
    timeout(DEADLINE, refused).await.expect("the key is revoked");
    assert!(revoked.elapsed() < SOON, "{:?}", revoked.elapsed());
    let received = rest(&mut stream).await;
    assert!(received < size / 2, "{received} of {size} bytes");
    assert_eq!(rest(&mut other).await, 1000);
}

#[tokio::test]
async fn an_upload_is_refused_and_leaves_nothing() {
    let guarded = Guarded::spawn(tone(1000)).await;
    let mut stream = connect_from(&guarded.app, 1).await;
    let head = format!(
        "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 100000\r\n\
         Content-Type: multipart/form-data; boundary=b\r\n\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n{}",
        guarded.key.1,
        "RIFF".repeat(1000),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    guarded.until_temp(|folders| folders != NOTHING).await;
    let revoked = guarded.revoke();
    let mut said = Vec::new();
    let answered = async { while !said.ends_with(b"}}") && stream.read_buf(&mut said).await.is_ok_and(|bytes| bytes > 0) {} };
    timeout(DEADLINE, answered).await.expect("an answer in time");
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("HTTP/1.1 401 ") && said.contains("UNAUTHORIZED"), "{said}");
    assert!(revoked.elapsed() < SOON, "{:?}", revoked.elapsed());
    guarded.until_temp(|folders| folders == NOTHING).await;
}
