//! The addresses of the WebSocket: `/ws/{job_id}` follows one job to its end, `/ws` is a session in which everything can be
//! done that REST can do. Both understand the same commands.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::commands;
use super::events::subscription;
use super::jobs::frames::RecordingUpload;
use super::jobs::parameters::{JobPath, JobQuery};
use super::state::AppState;
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::http::routes::{Routes, Terms};
use crate::http::visitor::Visitor;
use crate::http::ws::{Application, Opening, Upgrade, may_read};
use crate::jobs::JobId;

impl Application for AppState {
    /// The job whose events a client follows.
    type Topic = JobId;
    type Upload = RecordingUpload;
}

/// The routes of the WebSocket. They are no operations, so the description does not have them.
pub(super) fn routes() -> Routes<AppState> {
    Routes::new().page("/ws", get(open_session), Terms::session()).page("/ws/{job_id}", get(follow_job), Terms::session())
}

/// Follows one job. An unknown one is answered by a close code, since browsers cannot read a refused upgrade.
async fn follow_job(
    State(state): State<AppState>,
    requester: Requester,
    visitor: Visitor,
    job: Result<JobPath, ApiError>,
    query: Result<JobQuery, ApiError>,
    upgrade: Upgrade,
) -> Response {
    let query = match query {
        Ok(query) => query,
        Err(refusal) => return refusal.into_response(),
    };
    opening(state, requester, visitor).open(upgrade, move |client| {
        may_read(&client.requester)?;
        let JobPath(id) = job.map_err(|_| subscription::UNKNOWN_JOB)?;
        subscription::follow(client, id, query.last_seq).map_err(|_| subscription::UNKNOWN_JOB)?;
        client.bind(id);
        Ok(())
    })
}

/// Opens a session for everything.
async fn open_session(State(state): State<AppState>, requester: Requester, visitor: Visitor, upgrade: Upgrade) -> Response {
    opening(state, requester, visitor).open(upgrade, |_| Ok(()))
}

fn opening(app: AppState, requester: Requester, visitor: Visitor) -> Opening<AppState> {
    let gate = app.gate.clone();
    Opening { app, commands: commands(), gate, requester, visitor }
}
