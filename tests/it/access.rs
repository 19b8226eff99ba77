//! Keys: created on the command line, sent with requests and over WebSockets, revoked while the server runs.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use futures_util::SinkExt;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::support::app::{DEADLINE, TestApp};
use super::support::audio::tone;
use super::support::scripted::Act;
use super::websocket::{Socket, next};
use callannotate::jobs::stage::Stage;

/// Settings with keys required and no rate limits: these tests poll until something has changed.
const KEYS: [(&str, &str); 2] = [("CALLANNOTATE__ACCESS__ENABLED", "true"), ("CALLANNOTATE__RATE_LIMITS__ENABLED", "false")];

fn keys(volume: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callannotate"));
    command.env_clear().env("VOLUME_PATH", volume).env("CALLANNOTATE__ACCESS__ENABLED", "true");
    command.arg("keys").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Creates a key and returns its id and its secret.
pub fn create(volume: &Path, label: &str, scopes: &[&str]) -> (String, String) {
    let mut arguments = vec!["create", "--label", label];
    arguments.extend(scopes.iter().flat_map(|scope| ["--scope", *scope]));
    let output = keys(volume, &arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let id = text(&output.stderr).split_whitespace().find_map(|word| word.strip_suffix(';')).unwrap().to_owned();
    (id, text(&output.stdout).trim_end().to_owned())
}

pub fn revoke(volume: &Path, id: &str) {
    let output = keys(volume, &["revoke", id]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

async fn status(app: &TestApp, path: &str, key: &str) -> u16 {
    app.client.get(app.url(path)).bearer_auth(key).send().await.unwrap().status().as_u16()
}

/// Repeats a request until the answer has this status.
async fn until(app: &TestApp, key: &str, expected: u16) {
    let deadline = Instant::now() + DEADLINE;
    while status(app, "/api/v1/queue/status", key).await != expected {
        assert!(Instant::now() < deadline, "the status never became {expected}");
    }
}

/// A server whose volume contained these keys before it started.
async fn guarded(folder: &Path) -> TestApp {
    TestApp::spawn_on(folder, &KEYS).await
}

#[tokio::test]
async fn keys_are_made_and_revoked_beside_a_running_server() {
    let app = TestApp::spawn_with(&KEYS).await;
    let response = app.get("/api/v1/queue/status").await;
    assert_eq!((response.status().as_u16(), &response.headers()["www-authenticate"]), (401, &"Bearer".parse().unwrap()));
    assert_eq!(response.json::<Value>().await.unwrap()["error"]["code"], "UNAUTHORIZED");
    let (id, secret) = create(app.volume(), "tests", &["read"]);
    until(&app, &secret, 200).await;
    let (_, other) = create(app.volume(), "others", &["read"]);
    until(&app, &other, 200).await;
    assert_eq!(text(&keys(app.volume(), &["revoke", &id]).stderr), format!("callannotate: revoked {id}\n"));
    until(&app, &secret, 401).await;
    assert_eq!(status(&app, "/api/v1/queue/status", &other).await, 200);
    // A corrupted key file changes nothing.
    std::fs::write(app.volume().join("keys.json"), "{").unwrap();
    assert_eq!(keys(app.volume(), &["list"]).status.code(), Some(1));
    std::fs::remove_file(app.volume().join("keys.json")).unwrap();
    until(&app, &other, 401).await;
}

#[tokio::test]
async fn a_key_may_do_what_its_scopes_say() {
    let folder = tempfile::tempdir().unwrap();
    let (_, reader) = create(folder.path(), "reader", &["read"]);
    let (_, writer) = create(folder.path(), "writer", &["write"]);
    let (_, both) = create(folder.path(), "both", &["read", "write", "read"]);
    let (_, admin) = create(folder.path(), "admin", &["admin"]);
    let app = guarded(folder.path()).await;
    let missing = "/api/v1/jobs/550e8400-e29b-41d4-a716-446655440000";
    for (key, get, delete) in [(&reader, 404, 403), (&writer, 403, 404), (&both, 404, 404), (&admin, 404, 404)] {
        assert_eq!(status(&app, missing, key).await, get);
        let deleted = app.client.delete(app.url(missing)).header("x-api-key", key.as_str()).send().await.unwrap();
        assert_eq!(deleted.status(), delete);
        if delete == 403 {
            let error = deleted.json::<Value>().await.unwrap()["error"].clone();
            assert_eq!((error["code"].as_str(), error["details"]["required_scope"].as_str()), (Some("FORBIDDEN"), Some("write")));
        }
    }
    // A refused upload gets its answer although it keeps sending.
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(tone(20_000)));
    let refused = app.client.post(app.url("/api/v1/jobs")).bearer_auth(&reader).multipart(form).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(tone(500)));
    let created = app.client.post(app.url("/api/v1/jobs")).bearer_auth(&both).multipart(form).send().await.unwrap();
    assert_eq!(created.status(), 201);
}

#[tokio::test]
async fn what_needs_no_key_and_what_is_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let (_, secret) = create(folder.path(), "reader", &["read"]);
    let app = guarded(folder.path()).await;
    for path in ["/health", "/api/v1/health", "/api/v1/health/live", "/api/v1/health/ready", "/info", "/api/v1/info"] {
        assert_eq!(app.get(path).await.status(), 200, "{path}");
        assert_eq!(status(&app, path, "ca_wrong").await, 200, "{path}");
    }
    for path in ["/api/v1/jobs", "/api/v1/nowhere", "/nowhere", "/healthy", "/docsx", "/api/v1/queue/status", "/ws"] {
        assert_eq!(app.get(path).await.status(), 401, "{path}");
    }
    let hash = std::fs::read_to_string(folder.path().join("keys.json")).unwrap();
    let hash = hash.split('"').find(|part| part.len() == 64).unwrap().to_owned();
    for wrong in ["", "ca_", &secret[..66], &secret.to_uppercase(), &hash, "ca_ключ"] {
        let response = app.client.get(app.url("/api/v1/queue/status")).bearer_auth(wrong).send().await.unwrap();
        assert_eq!(response.status(), 401, "{wrong:?}");
        if !wrong.is_empty() && wrong.is_ascii() {
            assert_eq!(response.headers()["www-authenticate"], "Bearer error=\"invalid_token\"");
        }
    }
    assert_eq!(status(&app, "/api/v1/queue/status", &secret).await, 200);
}

#[tokio::test]
async fn the_key_file_holds_no_secret_and_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (id, secret) = create(folder.path(), "a label, with commas", &["write", "read"]);
    let path = folder.path().join("keys.json");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let file = std::fs::read_to_string(&path).unwrap();
    assert!(!file.contains(&secret[3..]), "the secret is in the file");
    let record: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(record["keys"][0]["id"], id.as_str());
    let list = text(&keys(folder.path(), &["list"]).stdout);
    let fields: Vec<&str> = list.trim_end().split('\t').collect();
    assert_eq!((fields[0], fields[1], fields[2], fields[4]), (id.as_str(), "active", "write,read", "a label, with commas"));
    assert!(keys(folder.path(), &["revoke", &id]).status.success());
    let revoked = std::fs::read_to_string(&path).unwrap();
    assert!(keys(folder.path(), &["revoke", &id]).status.success());
    // The time of the first revocation is kept.
    assert_eq!(std::fs::read_to_string(&path).unwrap(), revoked);
    assert_eq!(text(&keys(folder.path(), &["list"]).stdout).split('\t').nth(1), Some("revoked"));
    let unknown = keys(folder.path(), &["revoke", "key_none"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(text(&unknown.stderr), "callannotate: there is no key key_none; callannotate keys list shows them\n");
}

#[test]
fn keys_made_at_the_same_time_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = folder.path();
            scope.spawn(move || create(path, &format!("key {number}"), &["read"]));
        }
    });
    assert_eq!(text(&keys(folder.path(), &["list"]).stdout).lines().count(), 8);
}

#[test]
fn a_malformed_key_file_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (file, part) in [
        ("{", "EOF"),
        (
            r#"{"keys": [{"id": "k", "label": "", "scopes": ["fly"], "created_at": "2026-01-01T00:00:00Z", "revoked_at": null, "secret_sha256": ""}]}"#,
            "unknown scope",
        ),
        (
            r#"{"keys": [{"id": "k", "label": "", "scopes": [], "created_at": "2026-01-01T00:00:00Z", "revoked_at": null, "secret_sha256": "12"}]}"#,
            "no SHA-256",
        ),
    ] {
        std::fs::write(folder.path().join("keys.json"), file).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_callannotate"))
            .arg("serve")
            .env("VOLUME_PATH", folder.path())
            .env("CALLANNOTATE__SERVER__PORT", "0")
            .env("CALLANNOTATE__ACCESS__ENABLED", "true")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = text(&output.stderr);
        assert!(error.contains("keys.json is malformed") && error.contains(part) && error.lines().count() == 1, "{error}");
    }
}

async fn connect(app: &TestApp, id: &str, protocols: Option<&str>) -> Result<(Socket, Option<String>), u16> {
    let mut request = format!("ws://{}/ws/{id}", app.address).into_client_request().unwrap();
    if let Some(protocols) = protocols {
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, response)) => {
            let protocol = response.headers().get("sec-websocket-protocol").map(|value| value.to_str().unwrap().to_owned());
            Ok((socket, protocol))
        }
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_browser_shows_its_key_as_a_subprotocol_or_in_its_first_message() {
    let folder = tempfile::tempdir().unwrap();
    let (_, secret) = create(folder.path(), "both", &["read", "write"]);
    let (_, writer) = create(folder.path(), "writer", &["write"]);
    let app = guarded(folder.path()).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(tone(500)));
    let created = app.client.post(app.url("/api/v1/jobs")).bearer_auth(&secret).multipart(form).send().await.unwrap();
    let id = created.json::<Value>().await.unwrap()["job_id"].as_str().unwrap().to_owned();

    let offer = format!("callannotate, callannotate.key.{secret}");
    let (mut socket, protocol) = connect(&app, &id, Some(&offer)).await.unwrap();
    assert_eq!(protocol.as_deref(), Some("callannotate"));
    assert_eq!(next(&mut socket).await.unwrap()["type"], "status_update");
    assert_eq!(connect(&app, &id, Some("callannotate, callannotate.key.ca_wrong")).await.err(), Some(401));
    let (mut socket, _) = connect(&app, &id, Some(&format!("callannotate, callannotate.key.{writer}"))).await.unwrap();
    assert_eq!(next(&mut socket).await, Err(4403));

    let (mut socket, protocol) = connect(&app, &id, None).await.unwrap();
    assert_eq!(protocol, None);
    socket.send(Message::text(format!(r#"{{"type":"authenticate","key":"{secret}","request_id":1}}"#))).await.unwrap();
    let welcome = next(&mut socket).await.unwrap();
    assert_eq!(
        (&welcome["type"], &welcome["request_id"], &welcome["scopes"][1]),
        (&"authenticated".into(), &1.into(), &"write".into())
    );
    assert_eq!(next(&mut socket).await.unwrap()["type"], "status_update");
    for wrong in [r#"{"type":"authenticate","key":"ca_wrong"}"#, r#"{"type":"ping"}"#, "no json", r#"{"type":"authenticate"}"#] {
        let (mut socket, _) = connect(&app, &id, None).await.unwrap();
        socket.send(Message::text(wrong)).await.unwrap();
        assert_eq!(next(&mut socket).await, Err(4401), "{wrong}");
    }
    app.script.release(1);
}
