//! The error envelope: every code provoked through HTTP, in both languages, and the errors raised outside the handlers.

mod expected;
mod lives;
mod provoke;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::support::app::TestApp;
use super::support::audio::{tone, wav};
use super::support::scripted::Act;
use super::support::socket::Socket;
use callannotate::jobs::stage::Stage;
use expected::{EXPECTED, NOT_YET};
use provoke::{Provoked, answer, exchange};

const UNKNOWN: &str = "/api/v1/jobs/550e8400-e29b-41d4-a716-446655440000";

#[tokio::test]
async fn every_code_is_answered_with_its_status_its_headers_and_in_both_languages() {
    let mut provoked = Provoked::default();
    addresses(&mut provoked).await;
    uploads(&mut provoked).await;
    limits(&mut provoked).await;
    results(&mut provoked).await;
    full_queue(&mut provoked).await;
    few_connections(&mut provoked).await;
    slow_client(&mut provoked).await;
    full_disk(&mut provoked).await;
    lives::requests(&mut provoked).await;
    lives::endings(&mut provoked).await;
    lives::archived(&mut provoked).await;
    lives::stopping(&mut provoked).await;
    let table: BTreeSet<&str> = EXPECTED.iter().map(|expected| expected.code).collect();
    assert_eq!(provoked.0, table);
}

#[test]
fn the_table_has_every_documented_code() {
    // Read, not compiled in: the same run may have written it anew.
    let documentation = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/errors.md")).unwrap();
    let section = documentation.split("\n## ").find(|section| section.starts_with("Codes of requests")).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| <a id=")?.split('`').nth(1));
    let mut known: Vec<&str> = EXPECTED.iter().map(|expected| expected.code).chain(NOT_YET).collect();
    let mut documented: Vec<&str> = rows.collect();
    known.sort_unstable();
    documented.sort_unstable();
    assert_eq!(known, documented);
}

async fn addresses(provoked: &mut Provoked) {
    let app = TestApp::spawn().await;
    let get = |path: &str| app.client.get(app.url(path));
    for path in ["/", "/nowhere", "/api/v1", "/api/v1/nowhere", "/health/", "/api/v1/jobs/", "/%00", "//"] {
        provoked.by("NOT_FOUND", || get(path)).await;
    }
    for id in ["550e8400-e29b-41d4-a716-446655440000", "not-a-uuid", "..%2f..%2fetc", "%ff%fe", "%00"] {
        provoked.by("JOB_NOT_FOUND", || get(&format!("/api/v1/jobs/{id}"))).await;
        provoked.by("JOB_NOT_FOUND", || get(&format!("/api/v1/jobs/{id}/result"))).await;
        provoked.by("JOB_NOT_FOUND", || app.client.delete(app.url(&format!("/api/v1/jobs/{id}")))).await;
    }
    for (method, path, allowed) in [
        ("PUT", UNKNOWN, "GET,HEAD,DELETE"),
        ("POST", "/health", "GET,HEAD"),
        ("DELETE", "/api/v1/queue/status", "GET,HEAD"),
        ("FLY", "/info", "GET,HEAD"),
    ] {
        let refused = provoked.by("METHOD_NOT_ALLOWED", || app.client.request(method.parse().unwrap(), app.url(path))).await;
        assert_eq!(refused.headers["allow"], allowed, "{method} {path}");
    }
    let refused = provoked.by("INVALID_REQUEST", || get("/ws/550e8400-e29b-41d4-a716-446655440000")).await;
    assert_eq!(refused.headers["sec-websocket-version"], "13");
    let other_version = "GET /ws/550e8400-e29b-41d4-a716-446655440000 HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                         Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAccept-Language: LANGUAGE\r\n\r\n";
    provoked.by_bytes(&app, "INVALID_REQUEST", other_version).await;
    let refused = provoked.by("HOST_NOT_ALLOWED", || get("/info").header("host", "calls.example.org")).await;
    assert_eq!(refused.body["error"]["details"], json!({ "host": "calls.example.org" }));
    // Longer than the server allows, but not longer than the HTTP library allows.
    provoked.by("INVALID_REQUEST", || get(&format!("/info?{}", "x".repeat(9000)))).await;
    provoked.by("INVALID_REQUEST", || get("/info").header("x-large", "x".repeat(40_000))).await;
}

async fn uploads(provoked: &mut Provoked) {
    let app = TestApp::spawn().await;
    let url = app.url("/api/v1/jobs");
    let form = || reqwest::multipart::Form::new();
    let file = |bytes: Vec<u8>| form().part("file", reqwest::multipart::Part::bytes(bytes).file_name("call.wav"));
    let post = |form| app.client.post(&url).multipart(form);
    provoked.by("MISSING_FILE", || post(form().text("metadata", "{}"))).await;
    provoked.by("INVALID_METADATA", || post(file(tone(300)).text("metadata", "[]"))).await;
    provoked.by("INVALID_OPTIONS", || post(file(tone(300)).text("options", "{\"colour\": 1}"))).await;
    let refused = provoked.by("UNSUPPORTED_FORMAT", || post(file(b"%PDF-1.7 and so on".to_vec()))).await;
    assert_eq!(refused.body["error"]["details"]["supported_formats"][0], "wav");
    let broken = b"RIFF\x24\x00\x00\x00WAVEfmt \xff\xff\xff\xff";
    provoked.by("INVALID_AUDIO", || post(file(broken.to_vec()))).await;
    provoked.by("AUDIO_EMPTY", || post(file(wav(8000, 1, &[])))).await;
    let refused = provoked.by("UNSUPPORTED_MEDIA_TYPE", || app.client.post(&url).body("x")).await;
    assert_eq!(refused.body["error"]["details"], json!({ "expected": "multipart/form-data" }));
    let cut = || app.client.post(&url).header("content-type", "multipart/form-data; boundary=b").body("--b\r\nContent-D");
    provoked.by("INVALID_REQUEST", cut).await;
}

async fn limits(provoked: &mut Provoked) {
    let app = TestApp::spawn_with(&[("MAX_FILE_SIZE", "100000"), ("CALLANNOTATE__FILES__MAX_DURATION_SECONDS", "2")]).await;
    let post = |bytes: Vec<u8>| {
        let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(bytes).file_name("call.wav"));
        app.client.post(app.url("/api/v1/jobs")).multipart(form)
    };
    let refused = provoked.by("FILE_TOO_LARGE", || post(tone(10_000))).await;
    assert_eq!(refused.body["error"]["details"], json!({ "max_allowed": 100_000 }));
    let refused = provoked.by("AUDIO_TOO_LONG", || post(tone(3000))).await;
    assert_eq!(refused.body["error"]["details"], json!({ "max_allowed_seconds": 2.0 }));
}

async fn results(provoked: &mut Provoked) {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(500), &[]).await;
    app.script.reached(1).await;
    let result = |id: &str| app.client.get(app.url(&format!("/api/v1/jobs/{id}/result")));
    let refused = provoked.by("RESULT_NOT_READY", || result(&id)).await;
    assert_eq!(refused.body["error"]["details"]["status"], "processing");
    app.script.release(1);
    app.wait_until_finished(&id).await;
    assert_eq!(result(&id).send().await.unwrap().status(), 200);
    // A volume that was edited by hand is a server error, not the client's mistake.
    std::fs::remove_file(app.volume().join("completed").join(&id).join("result.json")).unwrap();
    let refused = provoked.by("INTERNAL_ERROR", || result(&id)).await;
    assert_eq!(refused.body["error"]["developer_message"], "the cause is in the server's log under this request id");

    app.script.set(Stage::Diarization, Act::Fail);
    let id = app.create_job(tone(500), &[("options", "{\"strict\": true, \"recognize\": false}")]).await;
    app.wait_until_finished(&id).await;
    let refused = provoked.by("JOB_FAILED", || result(&id)).await;
    let cause = json!({ "code": "PROCESSING_FAILED", "message": "Ошибка при диаризации аудиофайла", "stage": "diarization" });
    assert_eq!(refused.body["error"]["details"], cause);
}

async fn full_queue(provoked: &mut Provoked) {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__QUEUE__MAX_LENGTH", "1")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    app.create_job(tone(500), &[]).await;
    app.script.reached(1).await;
    app.create_job(tone(500), &[]).await;
    let post = || {
        let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(tone(500)));
        app.client.post(app.url("/api/v1/jobs")).multipart(form)
    };
    let refused = provoked.by("QUEUE_FULL", post).await;
    assert_eq!(refused.body["error"]["details"], json!({ "max_allowed": 1 }));
}

async fn few_connections(provoked: &mut Provoked) {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__SERVER__MAX_CONNECTIONS", "2")]).await;
    // One is in use, and one is left for requests that need no key.
    let _socket = Socket::open(&app).await;
    provoked.by("TOO_MANY_CONNECTIONS", || app.client.get(app.url("/api/v1/jobs"))).await;
    assert_eq!(app.get("/health").await.status(), 200);
}

async fn slow_client(provoked: &mut Provoked) {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__SERVER__IDLE_TIMEOUT_SECONDS", "1")]).await;
    let request = "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nAccept-Language: LANGUAGE\r\nContent-Length: 100000\r\n\
                   Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n";
    provoked.by_bytes(&app, "REQUEST_TIMEOUT", request).await;
}

async fn full_disk(provoked: &mut Provoked) {
    // Larger than any disk, but within the configured limit.
    let app = TestApp::spawn_with(&[("MAX_FILE_SIZE", "4000000000000000000")]).await;
    let request = "POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nAccept-Language: LANGUAGE\r\nContent-Length: 3000000000000000000\r\n\
                   Expect: 100-continue\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n";
    provoked.by_bytes(&app, "STORAGE_FULL", request).await;
}

#[tokio::test]
async fn failed_checks_of_all_parts_come_together_in_the_client_s_language() {
    let app = TestApp::spawn().await;
    let form = || {
        reqwest::multipart::Form::new()
            .text("metadata", r#"{"priority": 11}"#)
            .text("options", r#"{"speakers": {"min": 3, "max": 2}, "channels": "left"}"#)
            .part("file", reqwest::multipart::Part::bytes(tone(300)))
    };
    let post = || app.client.post(app.url("/api/v1/jobs")).multipart(form());
    let check = |field: &str, kind: &str, message: &str, constraints: Value| json!({ "field": field, "error_type": kind, "message": message, "constraints": constraints });
    for (language, range, choice, order) in [
        (
            "en",
            "must be a whole number from 1 to 10, not 11",
            "must be one of auto, mix, split, not \"left\"",
            "min 3 is larger than max 2",
        ),
        (
            "ru",
            "ожидается целое число от 1 до 10, получено 11",
            "ожидается одно из значений: auto, mix, split; получено \"left\"",
            "min 3 больше max 2",
        ),
    ] {
        let refused = answer(post().header("accept-language", language)).await;
        assert_eq!((refused.status, &refused.body["error"]["code"]), (400, &json!("INVALID_METADATA")));
        let expected = json!([
            check("metadata.priority", "range", range, json!({ "min": 1, "max": 10 })),
            check("options.channels", "format", choice, json!({ "allowed": ["auto", "mix", "split"] })),
            check("options.speakers", "range", order, json!({ "min": { "max": 2 } })),
        ]);
        assert_eq!(refused.body["error"]["details"]["checks_failed"], expected);
        assert_eq!(
            refused.body["error"]["developer_message"],
            "metadata.priority: must be a whole number from 1 to 10, not 11; \
             options.channels: must be one of auto, mix, split, not \"left\"; \
             options.speakers: min 3 is larger than max 2"
        );
    }
}

#[tokio::test]
async fn a_client_that_does_not_say_is_spoken_to_in_the_language_of_the_settings() {
    let russian = TestApp::spawn_with(&[("CALLANNOTATE__SERVER__LANGUAGE", "ru")]).await;
    let english = TestApp::spawn().await;
    for accepted in [None, Some("xx"), Some("*"), Some("nonsense;q=x"), Some("\u{fffd}")] {
        for (app, language) in [(&russian, "ru"), (&english, "en")] {
            let mut request = app.client.get(app.url(UNKNOWN));
            if let Some(accepted) = accepted {
                request = request.header("accept-language", accepted.as_bytes());
            }
            assert_eq!(answer(request).await.headers["content-language"], language, "{accepted:?}");
        }
    }
}

#[tokio::test]
async fn several_language_lines_are_one_list() {
    let app = TestApp::spawn().await;
    let request = app.client.get(app.url(UNKNOWN)).header("accept-language", "en;q=0.5").header("accept-language", "ru");
    assert_eq!(answer(request).await.headers["content-language"], "ru");
}

#[tokio::test]
async fn head_and_options_are_answered_without_a_body() {
    let app = TestApp::spawn().await;
    for (path, status) in [("/health", 200), (UNKNOWN, 404), ("/nowhere", 404)] {
        let by_get = app.get(path).await;
        let by_head = app.client.head(app.url(path)).send().await.unwrap();
        assert_eq!((by_get.status().as_u16(), by_head.status().as_u16()), (status, status), "{path}");
        assert_eq!(by_head.headers().get("content-language"), by_get.headers().get("content-language"), "{path}");
        assert_eq!(by_head.headers()["content-type"], "application/json", "{path}");
        assert_eq!(by_head.bytes().await.unwrap().len(), 0, "{path}");
    }
    for (path, allowed) in [("/health", "GET,HEAD"), ("/api/v1/jobs", "GET,HEAD,POST"), (UNKNOWN, "GET,HEAD,DELETE")] {
        let answer = answer(app.client.request(reqwest::Method::OPTIONS, app.url(path))).await;
        assert_eq!((answer.status, answer.body), (204, Value::Null), "{path}");
        assert_eq!(answer.headers["allow"], allowed, "{path}");
    }
    let unknown = answer(app.client.request(reqwest::Method::OPTIONS, app.url("/nowhere"))).await;
    assert_eq!((unknown.status, &unknown.body["error"]["code"]), (404, &json!("NOT_FOUND")));
}

#[tokio::test]
async fn what_the_http_library_refuses_has_no_body_as_documented() {
    let app = TestApp::spawn().await;
    let headers = "x: 1\r\n".repeat(101);
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(70_000)), 414),
        (format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: x\r\nx: {}", "x".repeat(500_000)), 431),
    ] {
        let answer = exchange(&app, &request).await;
        assert_eq!((answer.status, answer.body), (status, Value::Null));
    }
}

#[tokio::test]
async fn a_request_without_a_sane_id_gets_one_and_a_sane_one_is_kept() {
    let app = TestApp::spawn().await;
    let long = "x".repeat(500);
    for id in ["", "with space", "semi;colon", &long] {
        let response = app.client.get(app.url("/health")).header("x-request-id", id).send().await.unwrap();
        let given = response.headers()["x-request-id"].to_str().unwrap();
        assert!(given.starts_with("req_") && given.len() == 40, "{given}");
    }
    let kept = answer(app.client.get(app.url(UNKNOWN)).header("x-request-id", "req_mine-1")).await;
    assert_eq!(kept.headers["x-request-id"], "req_mine-1");
    assert_eq!(kept.body["error"]["request_id"], "req_mine-1");
}
