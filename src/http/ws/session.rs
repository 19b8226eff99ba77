//! One connection: commands come in, answers and events go out. Whatever the client does, the session holds little memory:
//! one message at a time is read, one at a time is sent, and a client that does not read is dropped.

use std::num::NonZero;
use std::pin::Pin;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::{self, Stream, StreamExt};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde_json::Value;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_stream::StreamMap;

use super::answer::{Answer, Framed};
use super::handshake::{self, CLOSE_FORBIDDEN, CLOSE_UNAUTHORIZED};
use super::uploading::Upload;
use super::{Bound, MAX_MESSAGE_BYTES};
use crate::access::Scope;
use crate::http::bodies::job::uuid;
use crate::http::error::ApiError;
use crate::http::guard::Visitor;
use crate::http::operations::events::{self, Followed, Follower};
use crate::http::requester::Requester;
use crate::http::state::AppState;
use crate::jobs::JobId;

/// Between two heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How long a client may leave a heartbeat or a message untaken.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Most jobs that one session follows.
const MAX_FOLLOWED: usize = 100;
/// Messages a second that a client may send in the long run, and at once.
const MESSAGES_PER_SECOND: NonZero<u32> = NonZero::new(50).expect("50 is not zero");
const MESSAGES_AT_ONCE: NonZero<u32> = NonZero::new(500).expect("500 is not zero");
/// Smaller pieces of a recording count as messages, in bytes: 50 of them a second are telephone sound in real time.
const MIN_FREIGHT_BYTES: usize = 1024;

const CLOSE_DONE: u16 = 1000;
const CLOSE_TOO_MANY: u16 = 1008;
const CLOSE_TOO_LARGE: u16 = 1009;
const CLOSE_RESTART: u16 = 1012;
const CLOSE_SLOW: u16 = 1013;
const CLOSE_UNKNOWN_JOB: u16 = 4404;

/// Why a session ends: a close code and its reason.
pub(super) type End = (u16, &'static str);

/// The library tells of what is too large for it as of what is malformed.
const TOO_LARGE: End = (CLOSE_TOO_LARGE, "the message is too large or malformed");

/// A job that is followed. What comes with an event is its text, since that may have to be read from the volume.
type Followers = StreamMap<JobId, Pin<Box<dyn Stream<Item = Step> + Send>>>;

/// What a followed job brings.
enum Step {
    Told(String),
    Ended,
    Gone,
}

pub(super) struct Session {
    pub(super) state: AppState,
    pub(super) requester: Requester,
    /// Whose budget the commands are paid from.
    pub(super) visitor: Visitor,
    pub(super) upload: Option<Upload>,
    socket: WebSocket,
    followers: Followers,
    /// The job that the session ends with.
    bound: Option<JobId>,
    messages: DefaultDirectRateLimiter,
}

/// Waits for an instant, or for ever.
async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

impl Session {
    pub(super) fn new(state: AppState, requester: Requester, visitor: Visitor, socket: WebSocket) -> Self {
        let messages = RateLimiter::direct(Quota::per_second(MESSAGES_PER_SECOND).allow_burst(MESSAGES_AT_ONCE));
        Self { state, requester, visitor, upload: None, socket, followers: StreamMap::new(), bound: None, messages }
    }

    pub(super) fn into_socket(self) -> WebSocket {
        self.socket
    }

    pub(super) async fn run(&mut self, bound: Bound) -> Result<End, End> {
        let caller = handshake::admit(&mut self.socket, &self.state, &self.visitor).await?;
        self.visitor.caller = Some(caller.clone());
        self.requester.caller = caller;
        if !matches!(bound, Bound::Free) && !self.requester.caller.may(Scope::Read) {
            return Err((CLOSE_FORBIDDEN, "the key lacks the scope read"));
        }
        match bound {
            Bound::Free => {}
            Bound::Nothing => return Ok((CLOSE_UNKNOWN_JOB, "there is no such job")),
            Bound::Job(id, last_seq) => {
                if self.follow(id, last_seq).is_err() {
                    return Ok((CLOSE_UNKNOWN_JOB, "there is no such job"));
                }
                self.bound = Some(id);
            }
        }
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // When an unanswered heartbeat ends the session.
        let mut overdue: Option<Instant> = None;
        let stopping = self.state.stopping.clone();
        loop {
            let upload_overdue = self.upload.as_ref().map(|upload| upload.overdue);
            tokio::select! {
                Some((id, step)) = self.followers.next(), if !self.followers.is_empty() => {
                    if let Some(end) = self.step(id, step).await? {
                        return Ok(end);
                    }
                }
                message = self.socket.recv() => {
                    overdue = None;
                    if let Some(Ok(message)) = &message && !self.is_freight(message) && self.messages.check().is_err() {
                        return Err((CLOSE_TOO_MANY, "too many messages"));
                    }
                    match message {
                        Some(Ok(Message::Text(text))) if text.len() > MAX_MESSAGE_BYTES => return Err(TOO_LARGE),
                        Some(Ok(Message::Binary(bytes))) if bytes.len() > MAX_MESSAGE_BYTES => return Err(TOO_LARGE),
                        Some(Ok(Message::Text(text))) => self.command(text.as_str()).await?,
                        Some(Ok(Message::Binary(bytes))) => self.receive(&bytes).await?,
                        Some(Ok(Message::Pong(_) | Message::Ping(_))) => {}
                        Some(Ok(Message::Close(_))) | None => return Ok((CLOSE_DONE, "goodbye")),
                        Some(Err(_)) => return Err(TOO_LARGE),
                    }
                }
                _ = heartbeat.tick() => {
                    if !self.state.access.still_knows(&self.requester.caller) {
                        return Err((CLOSE_UNAUTHORIZED, "the key was revoked"));
                    }
                    overdue = overdue.or(Some(Instant::now() + PATIENCE));
                    self.send(Message::Ping(Vec::new().into())).await?;
                }
                () = until(overdue) => return Err((CLOSE_SLOW, "no answer to the last heartbeat")),
                () = until(upload_overdue) => {
                    self.upload = None;
                    self.refuse(&ApiError::RequestTimeout, None).await?;
                }
                () = stopping.cancelled() => return Ok((CLOSE_RESTART, "the server is stopping")),
            }
        }
    }

    /// Follows a job from behind an event, or from its present state on; the number behind which its events come.
    pub(super) fn follow(&mut self, id: JobId, last_seq: Option<u64>) -> Result<u64, ApiError> {
        if self.followers.len() >= MAX_FOLLOWED && !self.followers.contains_key(&id) {
            return Err(ApiError::InvalidRequest(format!("a session follows at most {MAX_FOLLOWED} jobs")));
        }
        let follower = Follower::new(&self.state, &self.requester, id, last_seq)?;
        let last = follower.last();
        self.followers.insert(id, Box::pin(steps(self.state.clone(), self.requester.clone(), follower)));
        Ok(last)
    }

    /// Follows a job no longer.
    pub(super) fn leave(&mut self, id: JobId) {
        self.followers.remove(&id);
    }

    /// The client does not want to follow a job any more, so the session does not end with it either.
    pub(super) fn unsubscribe(&mut self, id: JobId) {
        self.leave(id);
        self.bound = self.bound.filter(|bound| *bound != id);
    }

    /// Whether the session ends with this job.
    pub(super) fn is_bound_to(&self, id: JobId) -> bool {
        self.bound == Some(id)
    }

    /// Tells what a followed job brought; how the session ends when it ends with it.
    async fn step(&mut self, id: JobId, step: Step) -> Result<Option<End>, End> {
        match step {
            Step::Told(text) => {
                self.send(Message::Text(text.into())).await?;
                return Ok(None);
            }
            Step::Ended => self.leave(id),
            Step::Gone => {
                self.leave(id);
                if self.bound != Some(id) {
                    self.answer(&Answer::JobDeleted { job_id: uuid(id) }, None).await?;
                }
                return Ok((self.bound == Some(id)).then_some((CLOSE_UNKNOWN_JOB, "the job was deleted")));
            }
        }
        Ok((self.bound == Some(id)).then_some((CLOSE_DONE, "the job is finished")))
    }

    /// Whether a message is a piece of a recording, of a size that makes sense: there may be any number of them.
    fn is_freight(&self, message: &Message) -> bool {
        matches!(message, Message::Binary(bytes) if bytes.len() >= MIN_FREIGHT_BYTES) && self.upload.is_some()
    }

    /// Takes a binary frame: a piece of the recording that is being sent.
    async fn receive(&mut self, bytes: &[u8]) -> Result<(), End> {
        let Some(upload) = &mut self.upload else {
            let refusal = ApiError::InvalidRequest("a binary message without an upload_start before it".to_owned());
            return self.refuse(&refusal, None).await;
        };
        match upload.take(&self.state, bytes).await {
            Ok(false) => Ok(()),
            Ok(true) => {
                let (received_bytes, granted_bytes) = upload.progress();
                self.answer(&Answer::UploadProgress { received_bytes, granted_bytes }, None).await
            }
            Err(refusal) => {
                self.upload = None;
                self.refuse(&refusal, None).await
            }
        }
    }

    pub(super) async fn refuse(&mut self, refusal: &ApiError, request_id: Option<&Value>) -> Result<(), End> {
        let named = request_id.and_then(Value::as_str).unwrap_or_default();
        let error = refusal.object(self.requester.language, self.state.clock.now(), named);
        self.answer(&Answer::Error { error: Box::new(error) }, request_id).await
    }

    pub(super) async fn answer(&mut self, answer: &Answer, request_id: Option<&Value>) -> Result<(), End> {
        let framed = Framed { answer, request_id, timestamp: self.state.clock.now() };
        let text = serde_json::to_string(&framed).expect("an answer has string keys and finite numbers, so it is always JSON");
        self.send(Message::Text(text.into())).await
    }

    /// Sends within the client's time: one that does not read is dropped and cannot make the server hold memory.
    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err((CLOSE_DONE, "goodbye")),
            Err(_) => Err((CLOSE_SLOW, "the client does not read")),
        }
    }
}

/// The largest binary frame.
pub(super) const MAX_FRAME_BYTES: usize = MAX_MESSAGE_BYTES;

fn steps(state: AppState, requester: Requester, follower: Follower) -> impl Stream<Item = Step> + Send {
    stream::unfold(Some((state, requester, follower)), |following| async move {
        let (state, requester, mut follower) = following?;
        match follower.next(&state).await {
            Followed::Event(event) => {
                let told = events::tell(&state, &requester, follower.id(), &event).await;
                Some((Step::Told(told.text), Some((state, requester, follower))))
            }
            Followed::Ended => Some((Step::Ended, None)),
            Followed::Gone => Some((Step::Gone, None)),
        }
    })
}
