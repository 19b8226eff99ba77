//! `GET /jobs/{job_id}/audio`: the recording as it was sent, in full and by ranges.

use super::support::app::TestApp;
use super::support::audio::tone;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// An answer: its status, its headers, its bytes.
struct Audio {
    status: u16,
    headers: reqwest::header::HeaderMap,
    bytes: Vec<u8>,
}

impl Audio {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn audio(app: &TestApp, id: &str, headers: &[(&str, &str)]) -> Audio {
    let mut request = app.client.get(app.url(&format!("/api/v1/jobs/{id}/audio")));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Audio { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

#[tokio::test]
async fn the_recording_comes_back_as_it_was_sent_wherever_its_job_stands() {
    let app = TestApp::spawn().await;
    let sent = tone(2000);
    app.script.set(Stage::Diarization, Act::Hold);
    let running = app.create_job(sent.clone(), &[]).await;
    app.script.reached(1).await;
    let waiting = app.create_job(sent.clone(), &[]).await;
    let cancelled = app.create_job(sent.clone(), &[]).await;
    app.change(&cancelled, "cancel").await;
    let hash = HEXLOWER.encode(&Sha256::digest(&sent));
    for id in [&running, &waiting, &cancelled] {
        let whole = audio(&app, id, &[]).await;
        assert_eq!((whole.status, &whole.bytes), (200, &sent));
        assert_eq!(whole.header("content-type"), "audio/wav");
        assert_eq!(whole.header("content-length"), sent.len().to_string());
        assert_eq!(whole.header("accept-ranges"), "bytes");
        assert_eq!(whole.header("etag"), format!("\"{hash}\""));
        assert_eq!(whole.header("content-disposition"), "attachment; filename*=UTF-8''call.wav");
    }
    app.script.release(2);
    assert_eq!(app.wait_until_finished(&waiting).await["status"], "completed");
    assert_eq!(audio(&app, &waiting, &[]).await.bytes, sent);
    let head = app.client.head(app.url(&format!("/api/v1/jobs/{waiting}/audio"))).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, &*sent.len().to_string()));
    assert_eq!(app.delete(&waiting).await.status(), 204);
    assert_eq!(audio(&app, &waiting, &[]).await.status, 404);
}

#[tokio::test]
async fn parts_are_exactly_what_was_asked_for() {
    let app = TestApp::spawn().await;
    let sent = tone(2000);
    let size = sent.len();
    let id = app.create_job(sent.clone(), &[]).await;
    app.wait_until_finished(&id).await;
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-199", 100, 200),
        ("bytes=-44", size - 44, size),
        ("bytes=32000-", 32_000, size),
        ("bytes=0-99999999", 0, size),
        ("bytes=-99999999", 0, size),
        ("bytes=32043-32043", 32_043, 32_044),
    ] {
        let part = audio(&app, &id, &[("range", range)]).await;
        assert_eq!(part.status, 206, "{range}");
        assert!(part.bytes == sent[from..to], "{range}: {} bytes", part.bytes.len());
        assert_eq!(part.header("content-range"), format!("bytes {from}-{}/{size}", to - 1), "{range}");
        assert_eq!(part.header("content-length"), (to - from).to_string(), "{range}");
    }
    for beyond in [format!("bytes={size}-"), format!("bytes={}-{}", size + 5, size + 9), "bytes=-0".to_owned()] {
        let refused = audio(&app, &id, &[("range", &beyond)]).await;
        assert_eq!(refused.status, 416, "{beyond}");
        assert_eq!(refused.header("content-range"), format!("bytes */{size}"), "{beyond}");
        let body: serde_json::Value = serde_json::from_slice(&refused.bytes).unwrap();
        assert_eq!(body["error"]["code"], "RANGE_NOT_SATISFIABLE");
        assert_eq!(body["error"]["details"]["size"], size);
    }
    // Multiple ranges, other units and malformed ranges return the whole file, as the standard allows.
    for other in ["bytes=0-1,5-6", "lines=1-2", "bytes=5-1", "bytes", "bytes=a-b", "bytes=--5"] {
        let whole = audio(&app, &id, &[("range", other)]).await;
        assert_eq!((whole.status, whole.bytes.len(), whole.header("content-range")), (200, size, ""), "{other}");
    }
}

#[tokio::test]
async fn a_part_of_another_recording_is_not_given() {
    let app = TestApp::spawn().await;
    let sent = tone(500);
    let id = app.create_job(sent.clone(), &[]).await;
    let etag = audio(&app, &id, &[]).await.header("etag").to_owned();
    let part = audio(&app, &id, &[("range", "bytes=0-9"), ("if-range", &etag)]).await;
    assert_eq!((part.status, part.bytes.len()), (206, 10));
    let weak = format!("W/{etag}");
    for other in ["\"other\"", &weak, "Sat, 21 Nov 2026 10:00:00 GMT"] {
        let whole = audio(&app, &id, &[("range", "bytes=0-9"), ("if-range", other)]).await;
        assert_eq!((whole.status, whole.bytes.len()), (200, sent.len()), "{other}");
    }
}

#[tokio::test]
async fn a_name_cannot_write_headers() {
    let app = TestApp::spawn().await;
    for (name, saved) in [
        ("a\"; filename=\"evil.exe", "a%22%3B%20filename%3D%22evil.exe"),
        ("a\r\nSet-Cookie: x=1.wav", "aSet-Cookie%3A%20x%3D1.wav"),
        ("звонок.wav", "%D0%B7%D0%B2%D0%BE%D0%BD%D0%BE%D0%BA.wav"),
        ("../../etc/passwd", "passwd"),
        ("50%25.wav", "50%2525.wav"),
        ("'*.wav", "%27%2A.wav"),
    ] {
        // Set by JSON, since clients quote multipart names differently.
        let mut socket = super::support::socket::Socket::open(&app).await;
        let created = socket.upload(serde_json::json!({ "filename": name }), &tone(300)).await;
        let id = created["job"]["job_id"].as_str().unwrap();
        let whole = audio(&app, id, &[]).await;
        assert_eq!(whole.header("content-disposition"), format!("attachment; filename*=UTF-8''{saved}"), "{name}");
        assert_eq!(whole.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn a_recording_that_somebody_removed_is_not_found() {
    let app = TestApp::spawn().await;
    let id = app.create_job(tone(300), &[]).await;
    app.wait_until_finished(&id).await;
    std::fs::remove_file(app.volume().join("completed").join(&id).join("recording.wav")).unwrap();
    let request = app.client.get(app.url(&format!("/api/v1/jobs/{id}/audio")));
    assert_eq!(app.refused(request).await, (404, "FILE_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn what_retention_removed_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let id = app.create_job(tone(300), &[]).await;
    let last = app.wait_until_finished(&id).await["last_seq"].as_u64().unwrap();
    app.stop().await;
    let archived = super::support::archive::archive(folder.path(), &id);
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    for what in ["audio", "result"] {
        let request = app.client.get(app.url(&format!("/api/v1/jobs/{id}/{what}")));
        assert_eq!(app.refused(request).await, (410, "RESULT_ARCHIVED".to_owned()), "{what}");
    }
    let job = app.job(&id).await;
    assert_eq!((job["status"].as_str(), job["archived_at"].as_str()), (Some("archived"), Some(archived)));
    assert_eq!(job["last_seq"].as_u64(), Some(last));
    for what in ["cancel", "retry"] {
        let (status, body) = app.change(&id, what).await;
        assert_eq!((status, body["error"]["code"].as_str()), (409, Some("JOB_FINISHED")));
    }
    assert_eq!(app.delete(&id).await.status(), 204);
    assert!(!folder.path().join("archived").join(&id).exists());
}
