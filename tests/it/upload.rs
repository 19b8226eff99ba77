//! What `POST /jobs` accepts and refuses. A refused request leaves nothing on the volume.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::support::app::{NOTHING, TestApp};
use super::support::audio::{tone, wav};

async fn refused(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    assert_eq!(response.headers()["content-type"], "application/json");
    let request_id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    let error = response.json::<Value>().await.unwrap()["error"].clone();
    assert_eq!(error["request_id"], request_id.as_str());
    (status, error)
}

/// Reads the server's answer until it contains a text.
async fn read_until(stream: &mut tokio::net::TcpStream, end: &str) -> String {
    let mut answer = Vec::new();
    tokio::time::timeout(super::support::app::DEADLINE, async {
        while !String::from_utf8_lossy(&answer).contains(end) {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "the answer broke off");
        }
    })
    .await
    .expect("an answer in time");
    String::from_utf8(answer).unwrap()
}

fn nothing_is_left(app: &TestApp) {
    for folder in ["incoming", "processing", "completed", "failed", "temp"] {
        assert_eq!(app.folders(folder), NOTHING, "{folder}");
    }
}

#[tokio::test]
async fn what_is_no_recording_is_refused_by_its_content() {
    let app = TestApp::spawn().await;
    for (file, status, code) in [
        (b"just some text, no audio at all".to_vec(), 415, "UNSUPPORTED_FORMAT"),
        (Vec::new(), 422, "AUDIO_EMPTY"),
        (wav(8000, 1, &[]), 422, "AUDIO_EMPTY"),
        (b"#!AMR\n\x3c\x00\x00".to_vec(), 415, "UNSUPPORTED_FORMAT"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt \xff\xff\xff\xff".to_vec(), 422, "INVALID_AUDIO"),
        (b"%PDF-1.7 and so on".to_vec(), 415, "UNSUPPORTED_FORMAT"),
    ] {
        let (found, error) = refused(app.post(file.clone(), &[]).await).await;
        assert_eq!((found, error["code"].as_str().unwrap()), (status, code), "{:?}: {error}", String::from_utf8_lossy(&file));
    }
    nothing_is_left(&app);
}

#[tokio::test]
async fn a_recording_that_is_too_large_too_long_or_has_too_many_channels_is_refused() {
    let app = TestApp::spawn_with(&[
        ("MAX_FILE_SIZE", "100000"),
        ("CALLANNOTATE__FILES__MAX_DURATION_SECONDS", "2"),
        ("CALLANNOTATE__FILES__MAX_CHANNELS", "2"),
    ])
    .await;
    let (status, error) = refused(app.post(tone(10_000), &[]).await).await;
    assert_eq!((status, error["code"].as_str().unwrap()), (413, "FILE_TOO_LARGE"));
    assert_eq!(error["details"]["max_allowed"], 100_000);
    let (status, error) = refused(app.post(tone(3000), &[]).await).await;
    assert_eq!((status, error["code"].as_str().unwrap()), (422, "AUDIO_TOO_LONG"));
    assert_eq!(error["details"]["max_allowed_seconds"], 2.0);
    let (status, error) = refused(app.post(wav(8000, 3, &[0; 3000]), &[]).await).await;
    assert_eq!((status, error["code"].as_str().unwrap()), (422, "INVALID_AUDIO"));
    nothing_is_left(&app);
}

#[tokio::test]
async fn a_huge_content_length_is_refused_before_anything_is_read() {
    let app = TestApp::spawn_with(&[("MAX_FILE_SIZE", "100000")]).await;
    let mut stream = tokio::net::TcpStream::connect(&app.address).await.unwrap();
    let head = "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 99999999999\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "help_url").await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains(r#""file_size":99999999999"#), "{answer}");
}

#[tokio::test]
async fn every_failed_check_is_told_at_once() {
    let app = TestApp::spawn().await;
    let response = app
        .post(
            tone(500),
            &[
                ("metadata", r#"{"priority": 11, "description": 5}"#),
                ("options", r#"{"speakers": {"count": 0}, "colour": "red", "language": "Klingon"}"#),
            ],
        )
        .await;
    let (status, error) = refused(response).await;
    assert_eq!((status, error["code"].as_str().unwrap()), (400, "INVALID_METADATA"));
    let mut fields: Vec<&str> =
        error["details"]["checks_failed"].as_array().unwrap().iter().map(|check| check["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["metadata.description", "metadata.priority", "options.colour", "options.language", "options.speakers.count"]
    );
    nothing_is_left(&app);
}

#[tokio::test]
async fn malformed_parts_are_refused_with_their_own_codes() {
    let app = TestApp::spawn().await;
    let (status, error) = refused(app.post(tone(500), &[("metadata", "{not json")]).await).await;
    assert_eq!((status, error["code"].as_str().unwrap()), (400, "INVALID_METADATA"));
    let (status, error) = refused(app.post(tone(500), &[("options", "[1]")]).await).await;
    assert_eq!((status, error["code"].as_str().unwrap()), (400, "INVALID_OPTIONS"));
    let deep = format!("{{\"x\": {}1{}}}", "[".repeat(100_000 / 4), "]".repeat(100_000 / 4));
    let (status, _) = refused(app.post(tone(500), &[("metadata", &deep)]).await).await;
    assert_eq!(status, 400);

    let url = app.url("/api/v1/jobs");
    let form = reqwest::multipart::Form::new().text("metadata", "{}");
    let (status, error) = refused(app.client.post(&url).multipart(form).send().await.unwrap()).await;
    assert_eq!((status, error["code"].as_str().unwrap()), (400, "MISSING_FILE"));
    let (status, error) = refused(app.client.post(&url).body("x").send().await.unwrap()).await;
    assert_eq!((status, error["code"].as_str().unwrap()), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let cut = app.client.post(&url).header("content-type", "multipart/form-data; boundary=b").body("--b\r\nContent-Disp");
    let (status, error) = refused(cut.send().await.unwrap()).await;
    assert_eq!((status, error["code"].as_str().unwrap()), (400, "INVALID_REQUEST"));
    nothing_is_left(&app);
}

#[tokio::test]
async fn the_name_of_a_recording_is_a_label_and_never_a_path() {
    let app = TestApp::spawn().await;
    let names = ["../../../etc/cron.d/x", "C:\\calls\\+79161234567.wav", "звонок 📞.wav", "..", "a  b.wav"];
    let labels = ["x", "+79161234567.wav", "звонок 📞.wav", "recording", "a  b.wav"];
    for (name, label) in names.iter().zip(labels) {
        let file = reqwest::multipart::Part::bytes(tone(300)).file_name((*name).to_owned());
        let form = reqwest::multipart::Form::new().part("file", file);
        let response = app.client.post(app.url("/api/v1/jobs")).multipart(form).send().await.unwrap();
        assert_eq!(response.status(), 201);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["file_info"]["filename"], label);
        app.wait_until_finished(body["job_id"].as_str().unwrap()).await;
    }
    for id in app.folders("completed") {
        let mut files: Vec<String> = std::fs::read_dir(app.volume().join("completed").join(id))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        assert_eq!(files, ["job.json", "recording.wav", "result.json"]);
    }
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_leaves_nothing() {
    let app = TestApp::spawn().await;
    let mut stream = tokio::net::TcpStream::connect(&app.address).await.unwrap();
    let head = "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n\
                --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF";
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::timeout(super::support::app::DEADLINE, async {
        while app.folders("temp").is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the upload begins");
    drop(stream);
    tokio::time::timeout(super::support::app::DEADLINE, async {
        while !app.folders("temp").is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the upload is swept");
    nothing_is_left(&app);
}

#[tokio::test]
async fn a_client_that_stops_sending_is_given_up() {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__SERVER__IDLE_TIMEOUT_SECONDS", "1")]).await;
    let mut stream = tokio::net::TcpStream::connect(&app.address).await.unwrap();
    let head = "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n\
                --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "help_url").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("REQUEST_TIMEOUT"), "{answer}");
    nothing_is_left(&app);
}

#[tokio::test]
async fn parts_may_come_in_any_order_and_unknown_ones_are_ignored() {
    let app = TestApp::spawn().await;
    let form = reqwest::multipart::Form::new()
        .part("file", reqwest::multipart::Part::bytes(tone(300)).file_name("a.wav"))
        .text("colour", "red")
        .text("options", r#"{"language": "EN"}"#)
        .text("metadata", r#"{"external_id": "x-1"}"#);
    let response = app.client.post(app.url("/api/v1/jobs")).multipart(form).send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(response.json::<Value>().await.unwrap()["metadata"], json!({ "external_id": "x-1" }));
}

#[tokio::test]
async fn a_body_that_never_comes_to_its_boundary_is_not_held_in_memory() {
    let app = TestApp::spawn().await;
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"file\"; x=\"".to_vec();
    body.resize(6 * 1024 * 1024, b'x');
    for boundary in ["b", "another"] {
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let request = app.client.post(app.url("/api/v1/jobs")).header("content-type", content_type).body(body.clone());
        let (status, error) = refused(request.send().await.unwrap()).await;
        assert_eq!((status, error["code"].as_str().unwrap()), (400, "INVALID_REQUEST"));
        assert!(error["developer_message"].as_str().unwrap().contains("no boundary"), "{error}");
    }
    nothing_is_left(&app);
}
