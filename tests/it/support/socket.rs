//! A WebSocket client that receives one message at a time, and uploads recordings.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::app::{DEADLINE, TestApp};
use super::neighbours::connect_from;

pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl From<WebSocketStream<MaybeTlsStream<TcpStream>>> for Socket {
    fn from(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        Self(socket)
    }
}

impl Socket {
    /// Opens a session on `/ws`.
    pub async fn open(app: &TestApp) -> Self {
        Self::at(app, "/ws").await
    }

    pub async fn at(app: &TestApp, path: &str) -> Self {
        Self(tokio_tungstenite::connect_async(format!("ws://{}{path}", app.address)).await.unwrap().0)
    }

    /// Opens a session over a connection that the test has made.
    pub async fn over(app: &TestApp, stream: TcpStream) -> Self {
        let stream = MaybeTlsStream::Plain(stream);
        Self(tokio_tungstenite::client_async(format!("ws://{}/ws", app.address), stream).await.unwrap().0)
    }

    /// Opens a session with these headers from the loopback address 127.0.0.`last`.
    ///
    /// # Errors
    /// The status of a refused upgrade.
    pub async fn from(app: &TestApp, last: u8, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let stream = MaybeTlsStream::Plain(connect_from(app, last).await);
        let mut request = format!("ws://{}/ws", app.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match timeout(DEADLINE, tokio_tungstenite::client_async(request, stream)).await.expect("an answer in time") {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// The next JSON message, or the close code.
    pub async fn next(&mut self) -> Result<Value, u16> {
        loop {
            match timeout(DEADLINE, self.0.next()).await.expect("a message in time").expect("a message before the end").unwrap() {
                Message::Text(text) => return Ok(serde_json::from_str(text.as_str()).unwrap()),
                Message::Close(frame) => return Err(frame.map_or(0, |frame| CloseCode::into(frame.code))),
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
    }

    /// The close code, ignoring all messages before it.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next().await {
                return code;
            }
        }
    }

    pub async fn text(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.unwrap();
    }

    /// Sends a text that the server may no longer accept.
    pub async fn try_text(&mut self, text: &str) -> bool {
        self.0.send(Message::text(text)).await.is_ok()
    }

    /// Sends a ping of the protocol, which is no message.
    pub async fn ping(&mut self) {
        self.0.send(Message::Ping(Vec::new().into())).await.unwrap();
    }

    pub async fn binary(&mut self, bytes: &[u8]) {
        self.0.send(Message::binary(bytes.to_vec())).await.unwrap();
    }

    /// Sends a command and returns the next message as its answer.
    pub async fn ask(&mut self, command: Value) -> Value {
        self.text(command.to_string()).await;
        self.next().await.unwrap()
    }

    /// The code of the error that answers a command.
    pub async fn refused(&mut self, command: Value) -> String {
        let answer = self.ask(command).await;
        assert_eq!(answer["type"], "error", "{answer}");
        answer["error"]["code"].as_str().unwrap().to_owned()
    }

    /// The error that answers a text, and the length of the answer in bytes.
    pub async fn refused_text(&mut self, text: &str) -> (Value, usize) {
        self.text(text).await;
        let answer = self.next().await.unwrap();
        assert_eq!(answer["type"], "error", "{answer}");
        (answer["error"].clone(), answer.to_string().len())
    }

    /// Uploads a recording, and returns the created job.
    pub async fn upload(&mut self, mut announced: Value, bytes: &[u8]) -> Value {
        announced["type"] = json!("upload_start");
        announced["size"] = json!(bytes.len());
        let ready = self.ask(announced).await;
        assert_eq!(ready["type"], "upload_ready", "{ready}");
        assert!(bytes.len() as u64 <= ready["granted_bytes"].as_u64().unwrap());
        self.binary(bytes).await;
        let progress = self.next().await.unwrap();
        assert_eq!((&progress["type"], &progress["received_bytes"]), (&json!("upload_progress"), &json!(bytes.len())));
        let created = self.ask(json!({ "type": "upload_finish" })).await;
        assert_eq!(created["type"], "job_created", "{created}");
        created
    }
}
