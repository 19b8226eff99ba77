//! The addresses of the WebSocket: `/ws/{job_id}` follows one job to its end, `/ws` is a session in which everything can be
//! done that REST can do. Both understand the same commands.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::events::subscription;
use super::jobs::frames::RecordingUpload;
use super::jobs::parameters::{JobPath, JobQuery};
use super::state::AppState;
use crate::access::Scope;
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::http::routes::{Access, Routes, Terms};
use crate::http::visitor::Visitor;
use crate::http::ws::{Application, Commands, Opening, Upgrade, may_read};
use crate::jobs::JobId;

impl Application for AppState {
    /// The job whose events a client follows.
    type Topic = JobId;
    type Upload = RecordingUpload;
    const TOPICS: &str = "jobs";
    const UPLOAD_COMMAND: &str = "upload_start";
}

/// The routes of the WebSocket, whose sessions understand these commands. They are no operations, so the description does not
/// have them.
pub(super) fn routes(commands: &'static Commands<AppState>) -> Routes<AppState> {
    let open = async move |State(app), requester, visitor: Visitor, upgrade| {
        if visitor.is_confined() {
            return ApiError::OriginNotAllowed.into_response();
        }
        opening(commands, app, requester, visitor).open(upgrade, |_| Ok(()))
    };
    Routes::new()
        .page("/ws", get(open), Terms::session())
        .page(
            "/ws/{job_id}",
            get(async move |State(app), requester, visitor, job, query, upgrade| {
                follow_job(opening(commands, app, requester, visitor), job, query, upgrade)
            }),
            Terms::session(),
        )
        .admit_unserved("/ws/", Access::Session(Scope::Read))
}

/// Follows one job. An unknown one is answered by a close code, since browsers cannot read a refused upgrade.
fn follow_job(
    opening: Opening<AppState>,
    job: Result<JobPath, ApiError>,
    query: Result<JobQuery, ApiError>,
    upgrade: Result<Upgrade, ApiError>,
) -> Response {
    let query = match query {
        Ok(query) => query,
        Err(refusal) => return refusal.into_response(),
    };
    opening.open(upgrade, move |client| {
        may_read(&client.requester)?;
        let JobPath(id) = job.map_err(|_| subscription::UNKNOWN_JOB)?;
        subscription::follow(client, id, query.last_seq).map_err(|_| subscription::UNKNOWN_JOB)?;
        client.bind(id);
        Ok(())
    })
}

fn opening(commands: &'static Commands<AppState>, app: AppState, requester: Requester, visitor: Visitor) -> Opening<AppState> {
    let gate = app.gate.clone();
    Opening { app, commands, gate, requester, visitor }
}
