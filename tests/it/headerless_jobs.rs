//! Headerless samples by every way of submission: the media type or the file name gives the format, the job keeps it, and
//! the file's name on the volume does not matter.

use std::path::Path;

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::support::app::{NOTHING, TestApp};
use super::support::process::callannotate;
use super::support::scripted::Act;
use super::support::socket::Socket;
use super::support::sound::{ffmpeg, fixture};
use callannotate::jobs::stage::Stage;

/// Three seconds of a call with both sides, in this sample format.
fn samples(container: &str, channels: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("samples");
    ffmpeg(&fixture("billing-stereo.flac"), &["-t", "3", "-ar", "8000", "-ac", channels, "-f", container], &path);
    std::fs::read(path).unwrap()
}

fn request(app: &TestApp, bytes: Vec<u8>, name: &str, media_type: Option<&str>) -> reqwest::RequestBuilder {
    let part = Part::bytes(bytes).file_name(name.to_owned());
    let part = match media_type {
        Some(text) => part.mime_str(text).unwrap(),
        None => part,
    };
    app.client.post(app.url("/api/v1/jobs")).multipart(Form::new().part("file", part))
}

async fn accepted(request: reqwest::RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    response.json::<Value>().await.unwrap()["job_id"].as_str().unwrap().to_owned()
}

/// A finished job's description of its recording: format, codec, rate, channels, seconds.
async fn facts(app: &TestApp, id: &str) -> Value {
    let job = app.wait_until_finished(id).await;
    assert_eq!(job["status"], "completed", "{job}");
    let audio = &app.get_json(&format!("/api/v1/jobs/{id}/result")).await["result"]["metadata"]["audio"];
    json!([audio["format"], audio["codec"], audio["sample_rate"], audio["channels"], audio["duration"]])
}

#[tokio::test]
async fn the_media_type_or_else_the_name_says_what_the_samples_are() {
    let app = TestApp::spawn().await;
    let (alaw, stereo, mulaw) = (samples("alaw", "1"), samples("mulaw", "2"), samples("mulaw", "1"));
    for (bytes, name, media_type, expected) in [
        (&alaw, "call.al", None, json!(["raw", "pcm_alaw", 8000, 1, 3.0])),
        (&mulaw, "call.ULAW", Some("application/octet-stream"), json!(["raw", "pcm_mulaw", 8000, 1, 3.0])),
        (&stereo, "call.bin", Some("audio/PCMU;rate=8000;channels=2"), json!(["raw", "pcm_mulaw", 8000, 2, 3.0])),
        (&alaw, "call.ul", Some("audio/x-alaw-basic"), json!(["raw", "pcm_alaw", 8000, 1, 3.0])),
        (&samples("s16be", "1"), "call", Some("audio/L16; rate=8000"), json!(["raw", "pcm_s16be", 8000, 1, 3.0])),
    ] {
        let id = accepted(request(&app, bytes.clone(), name, media_type)).await;
        assert_eq!(facts(&app, &id).await, expected, "{name} {media_type:?}");
        let folder = app.volume().join("completed").join(&id);
        assert!(std::fs::read(folder.join("recording.raw")).unwrap() == *bytes, "{name}");
    }
}

#[tokio::test]
async fn a_header_counts_more_and_what_is_said_wrongly_is_refused() {
    let app = TestApp::spawn().await;
    let wav = super::support::audio::tone(300);
    let id = accepted(request(&app, wav, "call.al", Some("audio/PCMU"))).await;
    assert_eq!(facts(&app, &id).await[0], "wav");
    let alaw = samples("alaw", "1");
    let text = b"Dear customer, your call is important to us.\n".repeat(400);
    for (bytes, name, media_type, expected) in [
        (alaw.clone(), "call.bin", None, (415, "UNSUPPORTED_FORMAT")),
        (alaw.clone(), "call.ul", None, (422, "INVALID_AUDIO")),
        (alaw.clone(), "call.al", Some("audio/PCMU"), (422, "INVALID_AUDIO")),
        (alaw.clone(), "call.al", Some("audio/PCMA;channels=17"), (422, "INVALID_AUDIO")),
        (alaw.clone(), "call.al", Some("audio/PCMA;rate=fast"), (400, "INVALID_REQUEST")),
        (alaw.clone(), "call.al", Some("audio/L16"), (400, "INVALID_REQUEST")),
        (text, "call.al", None, (415, "UNSUPPORTED_FORMAT")),
        ([&b"%PDF-1.7\n"[..], &alaw].concat(), "call.al", None, (415, "UNSUPPORTED_FORMAT")),
    ] {
        let (status, code) = app.refused(request(&app, bytes, name, media_type)).await;
        assert_eq!((status, code.as_str()), expected, "{name} {media_type:?}");
    }
    assert_eq!(app.folders("temp"), NOTHING);
}

#[tokio::test]
async fn it_is_kept_across_a_restart_and_told_to_who_fetches_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = accepted(request(&app, samples("alaw", "2"), "call", Some("audio/PCMA;channels=2"))).await;
    app.script.reached(1).await;
    app.stop().await;
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    assert_eq!(facts(&app, &id).await, json!(["raw", "pcm_alaw", 8000, 2, 3.0]));
    let sent = app.get(&format!("/api/v1/jobs/{id}/audio")).await;
    assert_eq!(sent.headers()["content-type"], "audio/PCMA;rate=8000;channels=2");
}

#[tokio::test]
async fn over_a_websocket_the_announcement_says_it() {
    let app = TestApp::spawn().await;
    let mut socket = Socket::open(&app).await;
    let stereo = samples("mulaw", "2");
    let created = socket.upload(json!({ "filename": "x", "content_type": "audio/basic;channels=2" }), &stereo).await;
    let id = created["job"]["job_id"].as_str().unwrap();
    assert_eq!(facts(&app, id).await, json!(["raw", "pcm_mulaw", 8000, 2, 3.0]));
    let created = socket.upload(json!({ "filename": "call.al", "content_type": null }), &samples("alaw", "1")).await;
    let id = created["job"]["job_id"].as_str().unwrap();
    assert_eq!(facts(&app, id).await, json!(["raw", "pcm_alaw", 8000, 1, 3.0]));
    let wrong = json!({ "type": "upload_start", "size": 100, "content_type": "audio/PCMA;rate=0" });
    assert_eq!(socket.refused(wrong).await, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_file_in_the_folder_says_it_by_its_name_or_the_request_that_names_it() {
    let app = TestApp::watching(&[]).await;
    app.lay("call.al", &samples("alaw", "1"));
    app.lay("wrong.al", &samples("mulaw", "1"));
    let mut jobs = app.ended(2).await;
    jobs.sort_by_key(|job| job["file_info"]["filename"].to_string());
    assert_eq!((&jobs[0]["status"], &jobs[0]["file_info"]["format"]), (&json!("completed"), &json!("raw")));
    assert_eq!((&jobs[1]["status"], &jobs[1]["error"]["code"]), (&json!("failed"), &json!("INVALID_AUDIO")));

    let app = TestApp::spawn().await;
    std::fs::write(app.volume().join("incoming/call.dat"), samples("mulaw", "2")).unwrap();
    let body = json!({ "filename": "call.dat", "content_type": "audio/PCMU;channels=2" });
    let id = accepted(app.client.post(app.url("/api/v1/jobs")).json(&body)).await;
    assert_eq!(facts(&app, &id).await, json!(["raw", "pcm_mulaw", 8000, 2, 3.0]));
}

#[tokio::test]
async fn the_same_key_with_another_media_type_is_another_request() {
    let app = TestApp::spawn().await;
    let send = |media_type| request(&app, samples("alaw", "1"), "call.al", media_type).header("Idempotency-Key", "once");
    let id = accepted(send(Some("audio/PCMA"))).await;
    assert_eq!(accepted(send(Some("audio/pcma;rate=8000"))).await, id);
    let (status, code) = app.refused(send(Some("audio/PCMA;rate=16000"))).await;
    assert_eq!((status, code.as_str()), (409, "IDEMPOTENCY_KEY_REUSED"));
}

#[test]
fn the_command_line_goes_by_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let turns = |path: &Path| {
        let output = callannotate(folder.path()).arg("annotate").arg(path).args(["--format", "rttm"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let [headless, whole] = ["call.ul", "call.wav"].map(|name| folder.path().join(name));
    ffmpeg(&fixture("voicemail.flac"), &["-ar", "8000", "-ac", "1", "-f", "mulaw"], &headless);
    ffmpeg(&fixture("voicemail.flac"), &["-ar", "8000", "-ac", "1", "-c:a", "pcm_mulaw"], &whole);
    let found = turns(&headless);
    assert!(found.lines().count() > 0);
    assert_eq!(found, turns(&whole));
}
