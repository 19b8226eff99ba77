//! The server behind a real nginx with the documented configuration.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::support::app::{DEADLINE, NOTHING, TestApp};
use super::support::audio::{tone, wav_header};
use super::support::nginx::Nginx;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;

/// The deadline for uploading a gigabyte on a slow disk.
const UPLOAD_DEADLINE: Duration = Duration::from_mins(5);

/// The default of `files.max_size`, in bytes.
const MAX_SIZE: u32 = 1024 * 1024 * 1024;

/// A form with a silent WAV of this size in bytes, generated while it is sent. 48 kHz, two channels of 32 bits: a
/// gigabyte is 47 minutes.
fn silence(size: u32) -> Part {
    const CHUNK: u32 = 1024 * 1024;
    let header = wav_header(48_000, 2, 32, (size - 44) / 8 * 8);
    let zeros = Bytes::from(vec![0; CHUNK as usize]);
    let samples = size - u32::try_from(header.len()).unwrap();
    let chunks = (0..samples.div_ceil(CHUNK)).map(move |index| zeros.slice(..CHUNK.min(samples - index * CHUNK) as usize));
    let body = stream::once(async { Bytes::from(header) }).chain(stream::iter(chunks)).map(Ok::<_, std::io::Error>);
    Part::stream_with_length(reqwest::Body::wrap_stream(body), u64::from(size))
}

async fn send(nginx: &Nginx, recording: Part) -> reqwest::Response {
    let form = Form::new().part("file", recording.file_name("long.wav"));
    let client = reqwest::Client::builder().no_proxy().timeout(UPLOAD_DEADLINE).build().unwrap();
    client.post(nginx.url("/api/v1/jobs")).multipart(form).send().await.unwrap()
}

#[tokio::test]
async fn a_recording_of_a_gigabyte_passes_and_is_nowhere_stored_on_the_way() {
    let app = TestApp::spawn().await;
    let nginx = Nginx::in_front_of(&app.address);
    // Another job is held, so that the long one stays queued.
    app.script.set(Stage::Diarization, Act::Hold);
    app.create_job(tone(400), &[]).await;
    app.script.reached(1).await;
    // Whole frames: the header is 44 bytes, a frame 8.
    let size = MAX_SIZE - 4;
    let response = send(&nginx, silence(size)).await;
    let status = response.status();
    let job: Value = response.json().await.unwrap();
    assert_eq!(status, 201, "{job}");
    assert_eq!(job["file_info"]["size"], size);
    assert_eq!(job["file_info"]["duration"], 2796.203);
    assert_eq!(nginx.complaints(), NOTHING);
    assert_eq!(nginx.bodies_on_disk(), 0);
    assert!(nginx.peak_memory() < 64 * 1024 * 1024, "nginx had {} bytes", nginx.peak_memory());
    assert_eq!(app.delete(job["job_id"].as_str().unwrap()).await.status(), 204);
}

#[tokio::test]
async fn a_recording_that_is_too_large_is_refused_in_the_servers_own_words() {
    let app = TestApp::spawn_with(&[("MAX_FILE_SIZE", "1000000")]).await;
    let nginx = Nginx::in_front_of(&app.address);
    let unannounced =
        Part::stream(reqwest::Body::wrap_stream(stream::iter((0..30).map(|_| Ok::<_, std::io::Error>(vec![0; 1_000_000])))));
    for recording in [silence(30_000_000), unannounced] {
        let response = send(&nginx, recording).await;
        assert_eq!(response.status(), 413);
        let error = response.json::<Value>().await.unwrap()["error"].clone();
        assert_eq!(error["code"], "FILE_TOO_LARGE");
        assert_eq!(error["details"]["max_allowed"], 1_000_000);
        assert_eq!(app.folders("temp"), NOTHING);
    }
}

#[tokio::test]
async fn a_websocket_passes_message_by_message() {
    let app = TestApp::spawn().await;
    let nginx = Nginx::in_front_of(&app.address);
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    app.script.reached(1).await;
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{}/ws/{id}", nginx.address)).await.unwrap();
    let mut kinds = Vec::new();
    let closed = loop {
        match timeout(DEADLINE, socket.next()).await.unwrap().unwrap().unwrap() {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(text.as_str()).unwrap();
                if kinds.is_empty() {
                    // The event arrived while the job is held: the proxy does not buffer it.
                    assert_eq!(message["progress"]["current_stage"], "diarization");
                    app.script.release(1);
                }
                kinds.push(message["type"].clone());
            }
            Message::Close(frame) => break frame.map(|frame| u16::from(frame.code)),
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
        }
    };
    assert_eq!(kinds.last(), Some(&json!("result")));
    assert_eq!(closed, Some(1000));
}

#[tokio::test]
async fn events_pass_one_by_one() {
    let app = TestApp::spawn().await;
    let nginx = Nginx::in_front_of(&app.address);
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    app.script.reached(1).await;
    let mut response = app.client.get(nginx.url(&format!("/api/v1/jobs/{id}/events"))).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = String::new();
    while !events.contains("\"current_stage\":\"diarization\"") {
        // The event arrives while the job is held: the proxy does not buffer it.
        events.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert!(!events.contains("\"type\":\"result\""), "{events}");
    app.script.release(1);
    while let Some(chunk) = response.chunk().await.unwrap() {
        events.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(events.contains("\"type\":\"result\""), "{events}");
}

/// The remaining budget of a client with this address that also forges forwarding headers.
async fn remaining(url: &str, own: [u8; 4], claimed: Option<&str>) -> u32 {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).local_address(IpAddr::from(own)).build().unwrap();
    let mut request = client.get(url);
    if let Some(claimed) = claimed {
        request = request.header("x-forwarded-for", claimed);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.headers()["x-ratelimit-remaining"].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_clients_address_is_believed_from_the_trusted_proxy_alone() {
    // The proxy is 127.0.0.1, the clients have other addresses; one request a minute is refilled, so none during the test.
    let limits = [("CALLANNOTATE__RATE_LIMITS__READS_PER_MINUTE", "1"), ("CALLANNOTATE__RATE_LIMITS__READS_BURST", "50")];
    let (alice, bob, carol) = ([127, 0, 0, 2], [127, 0, 0, 3], [127, 0, 0, 4]);
    let trusting = TestApp::spawn_with(&[&limits[..], &[("CALLANNOTATE__SERVER__TRUSTED_PROXIES", "127.0.0.1")]].concat()).await;
    let nginx = Nginx::in_front_of(&trusting.address);
    let through = nginx.url("/api/v1/queue/status");
    let full = remaining(&through, alice, None).await;
    assert_eq!(remaining(&through, alice, None).await, full - 1);
    // Each client has its own budget, and can neither use another client's nor get a new one.
    assert_eq!(remaining(&through, bob, None).await, full);
    assert_eq!(remaining(&through, alice, Some("127.0.0.3")).await, full - 2);
    assert_eq!(remaining(&through, alice, Some("10.9.8.7, 127.0.0.1")).await, full - 3);
    // A direct client is identified by its own address.
    assert_eq!(remaining(&trusting.url("/api/v1/queue/status"), carol, Some("127.0.0.2")).await, full);

    // Without the setting all clients behind the proxy share the proxy's address.
    let unbelieving = TestApp::spawn_with(&limits).await;
    let nginx = Nginx::in_front_of(&unbelieving.address);
    let through = nginx.url("/api/v1/queue/status");
    let full = remaining(&through, alice, None).await;
    assert_eq!(remaining(&through, bob, None).await, full - 1);
    assert_eq!(remaining(&through, carol, Some("10.9.8.7")).await, full - 2);
}

#[tokio::test]
async fn the_page_comes_from_the_same_origin_as_the_api() {
    let app = TestApp::spawn().await;
    let nginx = Nginx::in_front_of(&app.address);
    let page = app.client.get(nginx.url("/")).send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html");
    assert!(page.text().await.unwrap().contains("<title>CallAnnotate</title>"));
    for path in ["/health", "/info", "/api/v1/info", "/api/v1/queue/status"] {
        let response = app.client.get(nginx.url(path)).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"application/json".parse().unwrap())
        );
    }
    let unknown = app.client.get(nginx.url("/api/v1/unknown")).send().await.unwrap();
    assert_eq!(unknown.json::<Value>().await.unwrap()["error"]["code"], "NOT_FOUND");
}
