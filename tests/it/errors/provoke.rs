//! Sends a request in both languages and compares the answers with the table.

use std::collections::BTreeSet;

use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::support::app::{DEADLINE, TestApp};
use super::expected::{EXPECTED, Expected};

/// The codes that were provoked.
#[derive(Default)]
pub struct Provoked(pub BTreeSet<&'static str>);

/// The raw parts of an answer.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Provoked {
    /// Sends a request in English and in Russian, and returns the Russian error.
    pub async fn by(&mut self, code: &str, request: impl Fn() -> RequestBuilder) -> Answer {
        let english = answer(request().header("accept-language", "en-GB, ru;q=0.5")).await;
        let russian = answer(request().header("accept-language", "xx, ru-RU;q=0.9, en;q=0.8")).await;
        self.as_answered(code, &english, &russian);
        russian
    }

    /// Sends the same over a bare connection: the request's text, with `LANGUAGE` in place of the language.
    pub async fn by_bytes(&mut self, app: &TestApp, code: &str, request: &str) {
        let (english, russian) = (request.replace("LANGUAGE", "en"), request.replace("LANGUAGE", "ru"));
        let (english, russian) = tokio::join!(exchange(app, &english), exchange(app, &russian));
        self.as_answered(code, &english, &russian);
    }

    /// Checks an English and a Russian answer that the caller received.
    pub fn as_answered(&mut self, code: &str, english: &Answer, russian: &Answer) {
        let expected = find(code);
        hold(expected, english, "en");
        hold(expected, russian, "ru");
        self.0.insert(expected.code);
    }
}

fn find(code: &str) -> &'static Expected {
    EXPECTED.iter().find(|expected| expected.code == code).unwrap_or_else(|| panic!("{code} is not in the table"))
}

pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or_default();
    Answer { status, headers, body }
}

/// Sends bytes and reads one answer.
pub async fn exchange(app: &TestApp, request: &str) -> Answer {
    let mut stream = TcpStream::connect(&app.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    read_answer(&mut stream).await
}

/// Reads one answer from a connection.
pub async fn read_answer(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let (head, size) = tokio::time::timeout(DEADLINE, async {
        loop {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "the answer broke off: {bytes:?}");
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let size: usize = end + 4 + length.unwrap_or(0);
            if bytes.len() >= size {
                return (head, size);
            }
        }
    })
    .await
    .expect("an answer in time");
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (reqwest::header::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap()));
    let body = serde_json::from_slice(&bytes[head.len() + 4..size]).unwrap_or_default();
    Answer { status, headers: headers.collect(), body }
}

fn hold(expected: &Expected, answer: &Answer, language: &str) {
    let error = &answer.body["error"];
    let name = format!("{} in {language}: {error}", expected.code);
    assert_eq!((error["code"].as_str(), answer.status), (Some(expected.code), expected.status), "{name}");
    let message = if language == "ru" { expected.russian } else { expected.english };
    assert_eq!(error["message"], message, "{name}");
    assert_eq!(answer.headers["content-language"], language, "{name}");
    assert_eq!(answer.headers["vary"], "accept-language", "{name}");
    assert_eq!(answer.headers["content-type"], "application/json", "{name}");
    assert_eq!(error["retryable"], expected.retryable, "{name}");
    let retry_after = answer.headers.get("retry-after").map(|value| value.to_str().unwrap().parse::<u64>().unwrap());
    assert_eq!(retry_after.is_some_and(|seconds| seconds > 0), expected.retryable, "{name}");
    assert_eq!(error["request_id"], answer.headers["x-request-id"].to_str().unwrap(), "{name}");
    assert_eq!(error["help_url"], format!("/docs/errors#{}", expected.code.to_lowercase()), "{name}");
    assert!(error["developer_message"].as_str().is_some_and(|text| !text.is_empty() && text.is_ascii()), "{name}");
    assert!(error["timestamp"].as_str().is_some_and(|time| time.ends_with('Z')), "{name}");
    assert!(error["details"].is_object(), "{name}");
    let mut fields: Vec<&str> = error.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    let all = ["code", "details", "developer_message", "help_url", "message", "request_id", "retryable", "timestamp"];
    assert_eq!(fields, all, "{name}");
    assert_eq!(answer.body.as_object().unwrap().len(), 1, "{name}");
}
