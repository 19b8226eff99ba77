//! Answers do not grow with requests: hostile requests over REST and WebSocket, and the bounds of what is answered.

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::support::app::TestApp;
use super::support::audio::tone;
use super::support::socket::Socket;

/// The bound of every refusal, in bytes.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;
/// The size of a large message over WebSocket, a little below the limit.
const MESSAGE_BYTES: usize = 1_000_000;

/// An object with this many unknown fields whose names are as long as this.
fn unknown_fields(count: usize, length: usize) -> Value {
    (0..count).map(|number| (format!("{number:0length$}"), Value::from(1))).collect::<serde_json::Map<_, _>>().into()
}

/// The error of a refusal, which must stay within its bound.
async fn refusal(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    assert!(bytes.len() < MAX_REFUSAL_BYTES, "{} bytes were answered", bytes.len());
    (status, serde_json::from_slice::<Value>(&bytes).unwrap()["error"].take())
}

fn assert_first_twenty(error: &Value, others: u64) {
    assert_eq!(error["code"], "INVALID_OPTIONS");
    assert_eq!(error["details"]["checks_failed"].as_array().unwrap().len(), 20);
    assert_eq!(error["details"]["checks_not_listed"], others);
    assert!(error["developer_message"].as_str().unwrap().ends_with(&format!("; and {others} more")), "{error}");
}

#[tokio::test]
async fn of_many_mistakes_twenty_are_listed_and_the_others_counted() {
    let app = TestApp::spawn().await;
    let options = unknown_fields(5000, 8).to_string();
    let form = || Form::new().text("options", options.clone()).part("file", Part::bytes(tone(300)));
    let post = |language: &str| app.client.post(app.url("/api/v1/jobs")).header("accept-language", language).multipart(form());
    for (language, message) in [
        ("en", "The options are not valid (and 4980 more mistakes than are listed)"),
        ("ru", "Параметры обработки заданы неверно (и ещё 4980 ошибок сверх перечисленных)"),
    ] {
        let (status, error) = refusal(post(language)).await;
        assert_eq!((status, error["message"].as_str()), (400, Some(message)));
        assert_first_twenty(&error, 4980);
    }
    // Mistakes of both parts are counted together, and few are listed as ever.
    let form = Form::new().text("metadata", r#"{"priority": 11}"#).text("options", unknown_fields(20, 8).to_string());
    let (_, error) = refusal(app.client.post(app.url("/api/v1/jobs")).multipart(form.part("file", Part::bytes(tone(300))))).await;
    assert_eq!((&error["code"], &error["details"]["checks_not_listed"]), (&json!("INVALID_METADATA"), &json!(1)));
    let mut socket = Socket::open(&app).await;
    let (code, size) = socket.refused_text(&message(&json!({ "options": unknown_fields(9000, 100) }))).await;
    assert_eq!(code["code"], "INVALID_OPTIONS");
    assert!(size < MAX_REFUSAL_BYTES, "{size} bytes");
    assert_first_twenty(&code, 8980);
}

fn message(fields: &Value) -> String {
    let mut message = json!({ "type": "upload_start", "size": 100 });
    message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    message.to_string()
}

#[tokio::test]
async fn a_text_that_would_be_large_in_memory_is_refused_before_it_is_parsed() {
    let app = TestApp::spawn().await;
    let mut socket = Socket::open(&app).await;
    let many = [
        message(&json!({ "options": unknown_fields(100_000, 5) })),
        message(&json!({ "metadata": vec![0; 400_000] })),
        format!("{{\"type\":\"ping\",\"x\":[{}0]}}", "[],".repeat(300_000)),
    ];
    for text in many {
        let (error, size) = socket.refused_text(&text).await;
        assert_eq!(error["code"], "INVALID_JSON");
        assert_eq!(error["developer_message"], "more than 10000 values");
        assert!(size < 1000, "{size} bytes");
    }
    // What a client may need passes: metadata of 8 KiB in the smallest values, and every hotword.
    let metadata = json!({ "list": vec![0; 4000] });
    let options = json!({ "hotwords": vec!["x"; 100], "channel_roles": vec!["agent"; 64] });
    let ready = socket.ask(json!({ "type": "upload_start", "size": 100, "metadata": metadata, "options": options })).await;
    assert_eq!(ready["type"], "upload_ready");
}

#[tokio::test]
async fn nothing_that_a_client_writes_is_repeated_at_length_over_websocket() {
    let app = TestApp::spawn().await;
    let mut socket = Socket::open(&app).await;
    let long = "\u{1}".repeat(MESSAGE_BYTES / 6 - 100);
    for message in [
        json!({ "type": long }),
        json!({ "type": "ping", "request_id": long }),
        json!({ "type": "get_job", "job_id": long }),
        json!({ "type": "get_job", "job_id": [long] }),
        json!({ "type": "upload_start", "size": long }),
        json!({ "type": "upload_start", "size": 1, "content_type": format!("audio/L16;rate={long}") }),
        json!({ "type": "upload_start", "size": 1, "idempotency_key": long }),
        json!({ "type": "upload_start", "size": 1, "options": { long.as_str(): 1 } }),
        json!({ "type": "upload_start", "size": 1, "options": { "language": long } }),
        json!({ "type": "upload_start", "size": 1, "options": { "hotwords": [long] } }),
        json!({ "type": "upload_start", "size": 1, "options": { "speakers": { long.as_str(): 1 } } }),
        json!({ "type": "upload_start", "size": 1, "metadata": { "priority": long } }),
        json!({ "type": "upload_start", "size": 1, "metadata": { "description": [long] } }),
        json!({ "type": "create_job", "filename": long }),
        json!({ "type": "list_jobs", "status": long }),
        json!({ "type": "list_jobs", "limit": { long.as_str(): 1 } }),
        json!({ "type": "list_jobs", "status": ",".repeat(MESSAGE_BYTES - 100) }),
        json!({ "type": "authenticate", "key": [long] }),
    ] {
        let (error, size) = socket.refused_text(&message.to_string()).await;
        assert!(size < MAX_REFUSAL_BYTES, "{size} bytes: {}", error["code"]);
    }
    let longest = "я".repeat(255);
    let answer = socket.ask(json!({ "type": "ping", "request_id": longest })).await;
    assert_eq!((&answer["type"], &answer["request_id"]), (&json!("pong"), &json!(longest)));
    let error = socket.ask(json!({ "type": "ping", "request_id": format!("{longest}я") })).await;
    assert_eq!(error["error"]["developer_message"], "`request_id` is longer than 255 characters");
    assert_eq!(error.get("request_id"), None);
}

#[tokio::test]
async fn nothing_that_a_client_writes_is_repeated_at_length_over_rest() {
    let app = TestApp::spawn().await;
    let jobs = app.url("/api/v1/jobs");
    let long = "%01".repeat(2500);
    let json = |body: Value| app.client.post(&jobs).header("content-type", "application/json").body(body.to_string());
    let name = "\u{1}".repeat(10_000);
    let part = |head: &str, boundary: &str| {
        let body = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{head}\r\n\r\n{}", "x".repeat(70_000));
        app.client.post(&jobs).header("content-type", format!("multipart/form-data; boundary={boundary}")).body(body)
    };
    let headers = |name: &'static str, value: &str| app.client.post(&jobs).header(name, value);
    for request in [
        app.client.get(format!("{jobs}?status={long}")),
        app.client.get(format!("{jobs}?limit={long}")),
        app.client.get(format!("{jobs}?status={}", "x&status=".repeat(90))),
        app.client.get(app.url(&format!("/{}", "x".repeat(8000)))),
        json(json!({ "filename": [name] })),
        json(json!({ "filename": "a", "options": { name.as_str(): 1 } })),
        json(json!({ "filename": "a", "options": unknown_fields(3000, 10) })),
        json(json!({ "filename": "a", "content_type": name })),
        part(&format!("{}\"", "x".repeat(20_000)), "b"),
        part(&"x".repeat(20_000), "b"),
        part("options\"", &"b".repeat(20_000)),
        headers("content-type", &"x".repeat(20_000)),
        headers("content-type", "multipart/form-data; boundary=b").header("idempotency-key", "x".repeat(20_000)),
    ] {
        let (status, error) = refusal(request).await;
        assert!((400..500).contains(&status), "{status} {error}");
    }
}
