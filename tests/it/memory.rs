//! What clients can make a server hold in memory, measured by the peak of a real server process.

use std::time::Duration;

use futures_util::SinkExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use super::support::app::DEADLINE;
use super::support::audio::tone;
use super::support::process::Server;

const MEBIBYTE: u64 = 1024 * 1024;

/// A server on a volume of its own, and its peak when it has answered one request.
async fn idle() -> (TempDir, Server, u64) {
    let volume = TempDir::new().unwrap();
    let server = Server::start_with(volume.path(), &[("CALLANNOTATE__RATE_LIMITS__ENABLED", "false")]);
    assert_eq!(http().get(format!("{}/api/v1/health/live", server.url())).send().await.unwrap().status(), 200);
    let peak = server.peak_memory();
    (volume, server, peak)
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap()
}

/// A connection that takes little before it blocks.
async fn connect(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 * 1024).unwrap();
    socket.connect(format!("127.0.0.1:{}", server.port).parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_form_without_an_end_of_its_header_or_preamble_holds_64_kib() {
    const CLIENTS: usize = 100;
    let (_volume, server, before) = idle().await;
    let head = "POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\
                Content-Type: multipart/form-data; boundary=b\r\n\r\n";
    for start in ["", "--b\r\nContent-Disposition: form-data; name=\"", "--b\r\nX: 1\r\n", "--b"] {
        let mut streams = Vec::new();
        for _ in 0..CLIENTS {
            let mut stream = connect(&server).await;
            stream.write_all(format!("{head}{start}").as_bytes()).await.unwrap();
            // Three MiB that the server must take before it may see what follows.
            let rest = vec![b'x'; 3 * MEBIBYTE as usize];
            let sent = tokio::spawn(async move {
                stream.write_all(&rest).await.unwrap();
                stream
            });
            streams.push(sent);
        }
        let mut answered = Vec::new();
        for sent in streams {
            answered.push(timeout(DEADLINE, sent).await.expect("the server takes it in time").unwrap());
        }
        let held = server.peak_memory() - before;
        assert!(held < 32 * MEBIBYTE, "{held} bytes more than the idle server");
        for mut stream in answered {
            let mut said = [0; 1024];
            let length = timeout(DEADLINE, tokio::io::AsyncReadExt::read(&mut stream, &mut said)).await.unwrap().unwrap();
            let said = String::from_utf8_lossy(&said[..length]);
            assert!(said.starts_with("HTTP/1.1 400 "), "{said}");
        }
    }
}

#[tokio::test]
async fn one_message_over_websocket_costs_little_memory() {
    let (_volume, server, before) = idle().await;
    let options: serde_json::Map<String, Value> = (0..100_000).map(|number| (format!("{number:05}"), json!(1))).collect();
    let message = json!({ "type": "upload_start", "size": 1, "options": options }).to_string();
    let mut sockets = Vec::new();
    for _ in 0..8 {
        let url = format!("ws://127.0.0.1:{}/ws", server.port);
        sockets.push(client_async(url, connect(&server).await).await.unwrap().0);
    }
    for socket in &mut sockets {
        socket.send(Message::text(message.clone())).await.unwrap();
    }
    for socket in &mut sockets {
        let answer = timeout(DEADLINE, futures_util::StreamExt::next(socket)).await.unwrap().unwrap().unwrap();
        assert!(answer.len() < 1000, "{} bytes were answered", answer.len());
    }
    let held = server.peak_memory() - before;
    assert!(held < 48 * MEBIBYTE, "{held} bytes more than the idle server");
}

/// Makes a job whose result has this size, in bytes.
async fn job_with_result(volume: &TempDir, server: &Server, size: usize) -> String {
    let client = http();
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(tone(200)));
    let created = client.post(format!("{}/api/v1/jobs", server.url())).multipart(form).send().await.unwrap();
    let mut job: Value = created.json().await.unwrap();
    let id = job["job_id"].as_str().unwrap().to_owned();
    while job["status"] != "completed" {
        let url = format!("{}/api/v1/jobs/{id}?wait=10", server.url());
        job = client.get(url).send().await.unwrap().json().await.unwrap();
        assert_ne!(job["status"], "failed", "{job}");
    }
    let path = volume.path().join("completed").join(&id).join("result.json");
    let mut result: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    result["result"]["padding"] = json!("x".repeat(size));
    std::fs::write(&path, result.to_string()).unwrap();
    id
}

#[tokio::test]
async fn clients_that_do_not_read_a_result_hold_a_piece_of_it_each() {
    const CLIENTS: usize = 40;
    const RESULT_BYTES: usize = 8 * MEBIBYTE as usize;
    let (volume, server, _) = idle().await;
    let id = job_with_result(&volume, &server, RESULT_BYTES).await;
    let before = server.peak_memory();
    let url = |path: &str| format!("ws://127.0.0.1:{}{path}", server.port);
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut sockets = Vec::new();
    let mut streams = Vec::new();
    for _ in 0..CLIENTS {
        // Asked for, followed, as Server-Sent Events, in a list of events, and by REST.
        let mut asking = client_async(url("/ws"), connect(&server).await).await.unwrap().0;
        asking.send(Message::text(json!({ "type": "get_result", "job_id": id }).to_string())).await.unwrap();
        sockets.push(asking);
        sockets.push(client_async(url(&format!("/ws/{id}")), connect(&server).await).await.unwrap().0);
        for head in [
            get(&format!("/api/v1/jobs/{id}/events")),
            get(&format!("/api/v1/jobs/{id}/events")).replace("\r\n\r\n", "\r\nAccept: application/json\r\n\r\n"),
            get(&format!("/api/v1/jobs/{id}/result")),
        ] {
            let mut stream = connect(&server).await;
            stream.write_all(head.as_bytes()).await.unwrap();
            streams.push(stream);
        }
    }
    // Each has something to read, and reads nothing.
    let mut byte = [0; 1];
    for stream in sockets.iter().map(tokio_tungstenite::WebSocketStream::get_ref).chain(&streams) {
        assert_eq!(timeout(DEADLINE, stream.peek(&mut byte)).await.expect("an answer in time").unwrap(), 1);
    }
    // Another client is served meanwhile, and gets the whole of it.
    let response = http().get(format!("{}/api/v1/jobs/{id}/result", server.url())).send().await.unwrap();
    let whole: Value = response.json().await.unwrap();
    assert_eq!(whole["result"]["padding"].as_str().unwrap().len(), RESULT_BYTES);
    let mut reading =
        client_async(url("/ws"), TcpStream::connect(format!("127.0.0.1:{}", server.port)).await.unwrap()).await.unwrap().0;
    reading.send(Message::text(json!({ "type": "get_result", "job_id": id, "request_id": 7 }).to_string())).await.unwrap();
    let answer = timeout(Duration::from_secs(20), futures_util::StreamExt::next(&mut reading)).await.unwrap().unwrap().unwrap();
    let answer: Value = serde_json::from_str(answer.to_text().unwrap()).unwrap();
    assert_eq!((&answer["type"], &answer["request_id"]), (&json!("result"), &json!(7)));
    assert_eq!(answer["result"], whole["result"]);
    let held = server.peak_memory() - before;
    assert!(held < 64 * MEBIBYTE, "{held} bytes more than before");
}
