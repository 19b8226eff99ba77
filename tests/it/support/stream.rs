//! A client of Server-Sent Events that receives one event at a time; dropping it closes its connection.

use serde_json::Value;
use tokio::time::timeout;

use super::app::{DEADLINE, TestApp};

/// One event as received.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Received {
    pub id: Option<u64>,
    pub retry: Option<u64>,
    pub data: Value,
}

pub struct EventStream {
    response: reqwest::Response,
    text: String,
}

impl EventStream {
    pub async fn open(app: &TestApp, id: &str, last: Option<u64>) -> Self {
        let response = Self::request(app, id, last).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    pub fn request(app: &TestApp, id: &str, last: Option<u64>) -> reqwest::RequestBuilder {
        let request = app.client.get(app.url(&format!("/api/v1/jobs/{id}/events"))).header("accept", "text/event-stream");
        match last {
            Some(number) => request.header("last-event-id", number.to_string()),
            None => request,
        }
    }

    /// The next event; none at the end of the stream. Comments are skipped.
    pub async fn next(&mut self) -> Option<Received> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(received) = parse(&block) {
                    return Some(received);
                }
            }
            let chunk = timeout(DEADLINE, self.response.chunk()).await.expect("an event in time").unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event with data.
    pub async fn message(&mut self) -> Option<Received> {
        loop {
            let received = self.next().await?;
            if received.data != Value::Null {
                return Some(received);
            }
        }
    }
}

fn parse(block: &str) -> Option<Received> {
    let mut received = Received::default();
    for line in block.lines() {
        let (name, value) = line.split_once(':').unwrap();
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "id" => received.id = Some(value.parse().unwrap()),
            "retry" => received.retry = Some(value.parse().unwrap()),
            "data" => received.data = serde_json::from_str(value).unwrap(),
            "" => {}
            other => panic!("an unexpected field {other}"),
        }
    }
    (received != Received::default()).then_some(received)
}
