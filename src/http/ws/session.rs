//! One connection: commands come in, answers and messages of subscriptions go out. Whatever the client does, the session
//! holds little memory: it reads one message at a time, sends one at a time, and drops a client that does not read.

use std::num::NonZero;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_tungstenite::tungstenite::Message;

use super::answer::{Refused, Reply, request_id};
use super::application::{Application, Upload};
use super::client::{Client, Step};
use super::close::{self, Close, GOODBYE};
use super::command::Commands;
use super::handshake;
use super::socket::{MAX_MESSAGE_BYTES, PATIENCE, Socket};
use crate::http::error::ApiError;
use crate::http::json;

/// The time between two heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// Messages per second that a client may send over a longer time.
const MESSAGES_PER_SECOND: NonZero<u32> = NonZero::new(50).expect("50 is not zero");
/// Messages that a client may send in one burst.
const MESSAGES_AT_ONCE: NonZero<u32> = NonZero::new(500).expect("500 is not zero");
/// Binary frames below this size count as messages, in bytes: 50 a second of 1 KiB carry telephone sound in real time.
const MIN_FREIGHT_BYTES: usize = 1024;

/// The library reports a message that is too large like one that is malformed.
const TOO_LARGE: Close = (close::TOO_LARGE, "the message is too large or malformed");

pub(super) struct Session<A: Application> {
    client: Client<A>,
    commands: &'static Commands<A>,
    socket: Socket,
    messages: DefaultDirectRateLimiter,
}

/// Waits until an instant; without one, never returns.
async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

impl<A: Application> Session<A> {
    pub(super) fn new(client: Client<A>, commands: &'static Commands<A>, socket: Socket) -> Self {
        let messages = RateLimiter::direct(Quota::per_second(MESSAGES_PER_SECOND).allow_burst(MESSAGES_AT_ONCE));
        Self { client, commands, socket, messages }
    }

    pub(super) fn into_socket(self) -> Socket {
        self.socket
    }

    /// Runs the session to its end, or to that of its key. `begin` is called once the caller is known.
    pub(super) async fn run(&mut self, begin: impl FnOnce(&mut Client<A>) -> Result<(), Close> + Send) -> Result<Close, Close> {
        let caller = handshake::admit(&mut self.socket, &self.client.gate, &self.client.visitor).await?;
        self.client.is_called_by(caller.clone());
        let access = self.client.gate.access.clone();
        // Whatever the session waits for, it ends with the key. A message that was sent in part is completed by the close.
        tokio::select! {
            biased;
            () = access.revoked(&caller) => Err(close::REVOKED),
            ended = self.converse(begin) => ended,
        }
    }

    async fn converse(&mut self, begin: impl FnOnce(&mut Client<A>) -> Result<(), Close> + Send) -> Result<Close, Close> {
        begin(&mut self.client)?;
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // When the session ends unless the heartbeat is answered.
        let mut overdue: Option<Instant> = None;
        let stopping = self.client.gate.stopping.clone();
        loop {
            let upload_overdue = self.client.upload.as_ref().map(Upload::overdue);
            tokio::select! {
                Some((topic, step)) = self.client.subscriptions.next(), if !self.client.subscriptions.is_empty() => {
                    if let Some(close) = self.step(topic, step).await? {
                        return Ok(close);
                    }
                }
                message = self.socket.recv() => {
                    overdue = None;
                    if let Some(Ok(message)) = &message && !self.is_freight(message) && self.messages.check().is_err() {
                        return Err((close::TOO_MANY, "too many messages"));
                    }
                    match message {
                        Some(Ok(Message::Text(text))) if text.len() > MAX_MESSAGE_BYTES => return Err(TOO_LARGE),
                        Some(Ok(Message::Binary(bytes))) if bytes.len() > MAX_MESSAGE_BYTES => return Err(TOO_LARGE),
                        Some(Ok(Message::Text(text))) => self.command(text.as_str()).await?,
                        Some(Ok(Message::Binary(bytes))) => self.receive(&bytes).await?,
                        Some(Ok(Message::Pong(_) | Message::Ping(_) | Message::Frame(_))) => {}
                        Some(Ok(Message::Close(_))) | None => return Ok(GOODBYE),
                        Some(Err(_)) => return Err(TOO_LARGE),
                    }
                }
                _ = heartbeat.tick() => {
                    overdue = overdue.or(Some(Instant::now() + PATIENCE));
                    self.socket.send(Message::Ping(Bytes::new())).await?;
                }
                () = until(overdue) => return Err((close::SLOW, "no answer to the last heartbeat")),
                () = until(upload_overdue) => {
                    self.client.upload = None;
                    self.refuse(&ApiError::RequestTimeout, None).await?;
                }
                () = stopping.cancelled() => return Ok((close::RESTART, "the server is stopping")),
            }
        }
    }

    /// Sends an item of a subscription; returns the close code if the session ends with the topic.
    async fn step(&mut self, topic: A::Topic, step: Step) -> Result<Option<Close>, Close> {
        match step {
            Step::Message(text) => {
                self.socket.send_text(text).await?;
                Ok(None)
            }
            Step::Ended(ended) => {
                self.client.drop_subscription(topic);
                if self.client.is_bound_to(topic) {
                    return Ok(Some(ended.close));
                }
                if let Some(notice) = ended.notice {
                    self.answer(notice, None).await?;
                }
                Ok(None)
            }
        }
    }

    /// Whether a message is an upload frame of a reasonable size; such frames do not count against the message rate.
    fn is_freight(&self, message: &Message) -> bool {
        matches!(message, Message::Binary(bytes) if bytes.len() >= MIN_FREIGHT_BYTES) && self.client.upload.is_some()
    }

    /// Reads a command, carries it out and answers it.
    async fn command(&mut self, text: &str) -> Result<(), Close> {
        let message: Value = match json::parse(text.as_bytes()) {
            Ok(message) => message,
            Err(refusal) => return self.refuse(&refusal, None).await,
        };
        let request_id = match request_id(&message) {
            Ok(id) => id,
            Err(refusal) => return self.refuse(&refusal, None).await,
        };
        match self.carry_out(&message).await {
            Ok(reply) => self.answer(reply, request_id).await,
            Err(refusal) => self.refuse(&refusal, request_id).await,
        }
    }

    async fn carry_out(&mut self, message: &Value) -> Result<Reply, ApiError> {
        let understood = self.commands.understand(message)?;
        let client = &mut self.client;
        if understood.scope.is_some() && client.visitor.is_confined() {
            return Err(ApiError::OriginNotAllowed);
        }
        if let Some(budget) = understood.budget {
            client.gate.limits.check(budget, &client.visitor.client())?;
        }
        if let Some(scope) = understood.scope.filter(|scope| !client.requester.caller.may(*scope)) {
            return Err(ApiError::Forbidden { scope });
        }
        understood.command.start(client).await
    }

    /// Passes a binary frame to the current upload.
    async fn receive(&mut self, bytes: &[u8]) -> Result<(), Close> {
        let Some(upload) = &mut self.client.upload else {
            let refusal = ApiError::InvalidRequest(format!("a binary message without an {} before it", A::UPLOAD_COMMAND));
            return self.refuse(&refusal, None).await;
        };
        match upload.receive(&self.client.app, bytes).await {
            Ok(None) => Ok(()),
            Ok(Some(reply)) => self.answer(reply, None).await,
            Err(refusal) => {
                self.client.upload = None;
                self.refuse(&refusal, None).await
            }
        }
    }

    async fn refuse(&mut self, refusal: &ApiError, request_id: Option<&Value>) -> Result<(), Close> {
        let named = request_id.and_then(Value::as_str).unwrap_or_default();
        let error = refusal.object(self.client.requester.language, self.client.gate.clock.now(), named);
        self.answer(Reply::new(&Refused { error }), request_id).await
    }

    async fn answer(&mut self, reply: Reply, request_id: Option<&Value>) -> Result<(), Close> {
        let text = reply.framed(request_id, self.client.gate.clock.now());
        self.socket.send_text(text).await
    }
}
