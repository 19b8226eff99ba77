//! Web pages of other origins: what they may do without a list of origins, and what a page without an origin may.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::access::create;
use super::support::app::TestApp;
use super::support::audio::tone;
use super::support::scripted::Act;
use super::support::socket::Socket;
use callannotate::jobs::stage::Stage;

/// Opens a WebSocket as a browser does for a page; the status if it is refused.
async fn open(app: &TestApp, path: &str, origins: &[&str]) -> Result<Socket, u16> {
    let mut request = format!("ws://{}{path}", app.address).into_client_request().unwrap();
    for origin in origins {
        request.headers_mut().append("origin", origin.parse().unwrap());
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(socket.into()),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// Sends a recording as a page can without asking first: a form with a few headers that the browser adds.
async fn post(app: &TestApp, headers: &[(&str, &str)]) -> (u16, Value) {
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(tone(300)));
    let mut request = app.client.post(app.url("/api/v1/jobs")).multipart(form);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_foreign_page_can_neither_open_a_websocket_nor_change_anything() {
    let app = TestApp::spawn().await;
    let (own, port) = (format!("http://{}", app.address), "http://127.0.0.1:3000");
    for path in ["/ws", "/ws/550e8400-e29b-41d4-a716-446655440000"] {
        for origins in [
            &["https://evil.example"][..],
            &["http://127.0.0.1.evil.example"],
            &["http://192.0.2.1"],
            &["file://evil.example"],
            &[""],
            &[&own, "https://evil.example"],
        ] {
            assert_eq!(open(&app, path, origins).await.err(), Some(403), "{path} {origins:?}");
        }
        for origins in [&[own.as_str()][..], &[port], &["http://localhost:3000"], &[]] {
            assert!(open(&app, path, origins).await.is_ok(), "{path} {origins:?}");
        }
    }
    for headers in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null"), ("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ] {
        let (status, body) = post(&app, headers).await;
        assert_eq!((status, &body["error"]["code"]), (403, &json!("FORBIDDEN")), "{headers:?}");
    }
    for headers in [
        &[][..],
        &[("origin", own.as_str())],
        &[("origin", port)],
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
    ] {
        assert_eq!(post(&app, headers).await.0, 201, "{headers:?}");
    }
    let jobs = app.get_json("/api/v1/jobs").await["data"].as_array().unwrap().len();
    assert_eq!(jobs, 5);
    for (method, path) in [("DELETE", "/api/v1/jobs/x"), ("POST", "/api/v1/jobs/x/cancel"), ("POST", "/api/v1/jobs/x/retry")] {
        let request = app.client.request(method.parse().unwrap(), app.url(path)).header("origin", "https://evil.example");
        assert_eq!(request.send().await.unwrap().status(), 403, "{method} {path}");
    }
    // A link on another site may be followed; its page reads nothing.
    let request =
        app.client.get(app.url("/info")).header("sec-fetch-site", "cross-site").header("origin", "https://evil.example");
    let response = request.send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers().get("access-control-allow-origin")), (200, None));
}

#[tokio::test]
async fn a_page_from_a_file_follows_the_job_whose_id_it_knows_and_does_nothing_else() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(500), &[]).await;
    app.script.reached(1).await;
    for origin in ["null", "file://"] {
        assert_eq!(open(&app, "/ws", &[origin]).await.err(), Some(403), "{origin}");
        let mut socket = open(&app, &format!("/ws/{id}"), &[origin]).await.unwrap();
        assert_eq!(socket.next().await.unwrap()["type"], "status_update");
        assert_eq!(socket.ask(json!({ "type": "ping" })).await["type"], "pong");
        for command in [
            json!({ "type": "list_jobs" }),
            json!({ "type": "get_job", "job_id": id }),
            json!({ "type": "subscribe_job", "job_id": id }),
            json!({ "type": "upload_start", "size": 100 }),
            json!({ "type": "delete_job", "job_id": id }),
            json!({ "type": "get_queue_status" }),
        ] {
            assert_eq!(socket.refused(command.clone()).await, "FORBIDDEN", "{command}");
        }
    }
    let mut socket = open(&app, &format!("/ws/{id}"), &["null"]).await.unwrap();
    app.script.release(1);
    let mut last = socket.next().await.unwrap();
    while last["type"] == "status_update" {
        last = socket.next().await.unwrap();
    }
    assert_eq!((&last["type"], &last["job_id"]), (&json!("result"), &json!(id)));
    assert_eq!(socket.next().await, Err(1000));
}

#[tokio::test]
async fn a_page_from_a_file_may_do_what_its_key_may() {
    let folder = tempfile::tempdir().unwrap();
    let (_, secret) = create(folder.path(), "page", &["read"]);
    let keys = [("CALLANNOTATE__ACCESS__ENABLED", "true")];
    let app = TestApp::spawn_on(folder.path(), &keys).await;
    let mut socket = open(&app, "/ws", &["null"]).await.unwrap();
    let welcome = socket.ask(json!({ "type": "authenticate", "key": secret })).await;
    assert_eq!(welcome["type"], "authenticated");
    assert_eq!(socket.ask(json!({ "type": "list_jobs" })).await["type"], "jobs");
    assert_eq!(open(&app, "/ws", &["https://evil.example"]).await.err(), Some(403));
}
