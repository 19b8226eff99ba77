//! The host of a request: exactly one, well-formed, and one of the server's names.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::support::app::{DEADLINE, TestApp};
use super::support::audio::tone;

/// Sends a request head and returns status and body of the answer.
async fn answer(app: &TestApp, head: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(&app.address).await.unwrap();
    stream.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut text)).await.expect("an answer in time").unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    (status, text.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[tokio::test]
async fn a_request_has_one_well_formed_host() {
    let app = TestApp::spawn().await;
    for head in [
        "GET /health HTTP/1.1",
        "GET /health HTTP/1.1\r\nHost: a\r\nHost: a",
        "GET /health HTTP/1.1\r\nHost: a\r\nhost: b",
        "GET /health HTTP/1.0\r\nHost: a\r\nHost: a",
        "GET /health HTTP/1.1\r\nHost:",
        "GET /health HTTP/1.1\r\nHost: a b",
        "GET /health HTTP/1.1\r\nHost: a,b/c",
        "GET /health HTTP/1.1\r\nHost: a:99999",
        "GET /health HTTP/1.1\r\nHost: http://a",
        "GET /health HTTP/1.1\r\nHost: [::1",
        "GET http://a/health HTTP/1.1",
        "POST /api/v1/jobs HTTP/1.1",
        "OPTIONS /health HTTP/1.1\r\nOrigin: http://a\r\nAccess-Control-Request-Method: GET",
        "GET /nowhere HTTP/1.1",
    ] {
        let (status, body) = answer(&app, head).await;
        assert_eq!(status, 400, "{head}");
        let error = serde_json::from_str::<Value>(&body).unwrap()["error"].take();
        assert_eq!(error["code"], "INVALID_REQUEST");
        assert!(error["developer_message"].as_str().unwrap().ends_with("(RFC 9112, section 3.2)"), "{error}");
    }
    for head in [
        "GET /health HTTP/1.1\r\nHost: a",
        "GET /health HTTP/1.0",
        "GET /health HTTP/1.0\r\nHost: a",
        "GET http://a/health HTTP/1.1\r\nHost: b",
    ] {
        assert_eq!(answer(&app, head).await.0, 200, "{head}");
    }
}

#[tokio::test]
async fn under_a_name_that_is_not_its_own_the_server_does_not_answer() {
    let app = TestApp::spawn().await;
    let upgrade =
        "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    for head in [
        // A page of the rebound name has the server's own origin.
        "GET /api/v1/jobs HTTP/1.1\r\nHost: evil.example:8000\r\nOrigin: http://evil.example:8000".to_owned(),
        "GET /api/v1/jobs HTTP/1.0\r\nHost: evil.example".to_owned(),
        "GET http://evil.example/health HTTP/1.1\r\nHost: localhost".to_owned(),
        "GET /health HTTP/1.1\r\nHost: evil.example".to_owned(),
        "POST /api/v1/jobs HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0".to_owned(),
        format!("GET /ws HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n{upgrade}"),
    ] {
        let (status, body) = answer(&app, &head).await;
        assert_eq!(status, 421, "{head}");
        let error = serde_json::from_str::<Value>(&body).unwrap()["error"].take();
        assert_eq!((error["code"].as_str(), error["details"]["host"].as_str()), (Some("HOST_NOT_ALLOWED"), Some("evil.example")));
        let text = "this server does not answer as `evil.example`: list the name in server.allowed_hosts";
        assert_eq!(error["developer_message"], text);
    }
    let own = rustix::system::uname().nodename().to_string_lossy().into_owned();
    for host in ["127.0.0.1", "192.0.2.7:8000", "[2001:db8::7]:8000", "localhost", "recorder", "nas.lan", "a.b.internal", &own] {
        assert_eq!(answer(&app, &format!("GET /health HTTP/1.1\r\nHost: {host}")).await.0, 200, "{host}");
    }
}

#[tokio::test]
async fn public_names_are_listed_in_the_settings() {
    let names = ("CALLANNOTATE__SERVER__ALLOWED_HOSTS", "calls.example.org,.example.com");
    let app = TestApp::spawn_with(&[names]).await;
    for (host, status) in [
        ("calls.example.org", 200),
        ("Calls.Example.ORG:443", 200),
        ("a.example.com", 200),
        ("example.com", 421),
        ("evil.example", 421),
        ("localhost", 200),
    ] {
        assert_eq!(answer(&app, &format!("GET /health HTTP/1.1\r\nHost: {host}")).await.0, status, "{host}");
    }
    // A page that is served under the same name is the server's own.
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(tone(300)));
    let request = app.client.post(app.url("/api/v1/jobs")).multipart(form).header("host", "calls.example.org");
    assert_eq!(request.header("origin", "https://calls.example.org").send().await.unwrap().status(), 201);
    let any = TestApp::spawn_with(&[("CALLANNOTATE__SERVER__ALLOWED_HOSTS", "*")]).await;
    assert_eq!(answer(&any, "GET /health HTTP/1.1\r\nHost: evil.example").await.0, 200);
}
