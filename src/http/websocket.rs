//! `/ws/{job_id}`: everything that happens to one job, from its present state to its end.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use chrono::SecondsFormat;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::body;
use super::error::ApiError;
use super::extract::JobPath;
use super::state::AppState;
use crate::jobs::{Job, JobId, JobState};

/// Between two heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How long a client may leave a heartbeat or a message untaken.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest message from a client.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

const CLOSE_DONE: u16 = 1000;
const CLOSE_RESTART: u16 = 1012;
const CLOSE_SLOW: u16 = 1013;
const CLOSE_UNKNOWN_JOB: u16 = 4404;

/// Upgrades the connection; whether the job is known is said over it, since browsers cannot read a refused upgrade.
pub(super) async fn watch_job(
    State(state): State<AppState>,
    job: Result<JobPath, ApiError>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else { return ApiError::UpgradeRequired.into_response() };
    let upgrade = upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES);
    let tasks = state.tasks.clone();
    upgrade.on_upgrade(move |socket| {
        // Tracked, so that a stopping server sends its close frames before it ends.
        tasks.track_future(async move {
            let mut session = Session { state, socket };
            let (code, reason) = session.run(job.ok().map(|JobPath(id)| id)).await.unwrap_or_else(|end| end);
            let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
            // The client may be gone already; then there is nobody left to tell.
            let _gone = timeout(PATIENCE, session.socket.send(close)).await;
            session.linger().await;
        })
    })
}

/// Why a session ends: a close code and its reason.
type End = (u16, &'static str);

/// Waits for an instant, or for ever.
async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

struct Session {
    state: AppState,
    socket: WebSocket,
}

impl Session {
    async fn run(&mut self, id: Option<JobId>) -> Result<End, End> {
        let unknown = (CLOSE_UNKNOWN_JOB, "there is no such job");
        let mut watch = id.and_then(|id| self.state.registry.watch(id)).ok_or(unknown)?;
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // When an unanswered heartbeat ends the session.
        let mut overdue: Option<Instant> = None;
        let stopping = self.state.stopping.clone();
        if self.tell(&mut watch).await? {
            return Ok((CLOSE_DONE, "the job is finished"));
        }
        loop {
            tokio::select! {
                changed = watch.changed() => {
                    if changed.is_err() {
                        return Ok((CLOSE_UNKNOWN_JOB, "the job was deleted"));
                    }
                    if self.tell(&mut watch).await? {
                        return Ok((CLOSE_DONE, "the job is finished"));
                    }
                }
                message = self.socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => { overdue = None; self.answer(text.as_str()).await?; }
                    Some(Ok(Message::Pong(_) | Message::Ping(_))) => overdue = None,
                    Some(Ok(Message::Binary(_))) => self.refuse("INVALID_REQUEST", "binary messages are not understood here").await?,
                    Some(Ok(Message::Close(_))) | None => return Ok((CLOSE_DONE, "goodbye")),
                    Some(Err(_)) => return Err((1009, "the message is too large or malformed")),
                },
                _ = heartbeat.tick() => {
                    overdue = overdue.or(Some(Instant::now() + PATIENCE));
                    self.send(Message::Ping(Vec::new().into())).await?;
                }
                () = until(overdue) => return Err((CLOSE_SLOW, "no answer to the last heartbeat")),
                () = stopping.cancelled() => return Ok((CLOSE_RESTART, "the server is stopping")),
            }
        }
    }

    /// Tells the present state; whether it is the last.
    async fn tell(&mut self, watch: &mut watch::Receiver<Arc<Job>>) -> Result<bool, End> {
        let job = Arc::clone(&watch.borrow_and_update());
        let mut update = json!({
            "type": "status_update", "job_id": job.id.to_string(), "status": job.state.name(),
            "progress": body::progress(&job, self.state.registry.estimated_completion(&job)),
        });
        self.send_json(&mut update).await?;
        match &job.state {
            JobState::Queued | JobState::Processing { .. } => Ok(false),
            JobState::Completed { .. } => {
                let (volume, id) = (self.state.volume.clone(), job.id);
                let read = tokio::task::spawn_blocking(move || volume.read_result(id)).await;
                let document = read.ok().and_then(Result::ok).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
                let Some(result) = document.and_then(|mut document| document.get_mut("result").map(Value::take)) else {
                    self.refuse("INTERNAL_ERROR", "the result cannot be read").await?;
                    return Ok(true);
                };
                let mut message = json!({
                    "type": "result", "job_id": job.id.to_string(), "status": job.state.name(), "result": result,
                });
                self.send_json(&mut message).await?;
                Ok(true)
            }
            JobState::Failed { failure, .. } => {
                let mut message = json!({ "type": "error", "job_id": job.id.to_string(), "error": body::failure(failure) });
                self.send_json(&mut message).await?;
                Ok(true)
            }
        }
    }

    async fn answer(&mut self, text: &str) -> Result<(), End> {
        let Ok(message) = serde_json::from_str::<Value>(text) else {
            return self.refuse("INVALID_JSON", "the message is not JSON").await;
        };
        match message.get("type").and_then(Value::as_str) {
            Some("ping") => {
                let mut pong = json!({ "type": "pong" });
                if let (Some(fields), Some(id)) = (pong.as_object_mut(), message.get("request_id")) {
                    fields.insert("request_id".to_owned(), id.clone());
                }
                self.send_json(&mut pong).await
            }
            Some(_) => self.refuse("INVALID_REQUEST", "this message type is not understood").await,
            None => self.refuse("INVALID_REQUEST", "the message has no type").await,
        }
    }

    async fn refuse(&mut self, code: &str, reason: &str) -> Result<(), End> {
        self.send_json(&mut json!({ "type": "error", "error": { "code": code, "message": reason } })).await
    }

    async fn send_json(&mut self, message: &mut Value) -> Result<(), End> {
        if let Some(fields) = message.as_object_mut() {
            let now = self.state.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true);
            fields.insert("timestamp".to_owned(), Value::String(now));
        }
        self.send(Message::Text(message.to_string().into())).await
    }

    /// Sends within the client's time: one that does not read is dropped and cannot make the server hold memory.
    async fn send(&mut self, message: Message) -> Result<(), End> {
        match timeout(PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err((CLOSE_DONE, "goodbye")),
            Err(_) => Err((CLOSE_SLOW, "the client does not read")),
        }
    }

    /// Waits a moment for the client's half of the closing handshake, so that it sees the code and not a broken connection.
    async fn linger(&mut self) {
        let closed = async { while matches!(self.socket.recv().await, Some(Ok(_))) {} };
        // A client that does not close is left behind.
        let _elapsed = timeout(Duration::from_secs(2), closed).await;
    }
}
