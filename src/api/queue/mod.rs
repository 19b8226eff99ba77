//! The queue: the running job, and the waiting jobs in order.

pub(crate) mod bodies;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::jobs::bodies::uuid;
use super::state::AppState;
use crate::access::Scope;
use crate::access::limits::Budget;
use crate::http::error::ApiError;
use crate::http::format::tenths;
use crate::http::requester::Requester;
use crate::http::routes::{Counterpart, Operation, Routes};
use crate::http::ws::{Answer, Client, Command, Commands};
use bodies::{QueueStatus, WaitingJob};

/// The routes of the queue.
pub(super) fn routes() -> Routes<AppState> {
    Routes::new()
        .tag("Queue", "What waits")
        .operation(routes!(get_queue_status), Operation::read(Counterpart::Commands(&["get_queue_status"])))
        .example("QueueStatus", example())
}

/// Adds the commands of the queue.
pub(super) fn commands(commands: Commands<AppState>) -> Commands<AppState> {
    commands.command::<GetQueueStatus>()
}

/// The state of the queue as this requester sees it. The jobs of other keys are only counted.
fn status(state: &AppState, requester: &Requester) -> QueueStatus {
    let queued = state.lifecycle.jobs().queued();
    let jobs = queued
        .iter()
        .enumerate()
        .filter(|(_, waiting)| requester.sees(&waiting.job))
        .map(|(index, waiting)| WaitingJob {
            job_id: uuid(waiting.job.id),
            status: waiting.job.state.name(),
            position: index + 1,
            priority: waiting.job.priority,
            estimated_start: waiting.estimated_start,
        })
        .collect();
    QueueStatus {
        queue_length: queued.len(),
        processing_job: state.lifecycle.jobs().running().filter(|job| requester.sees(job)).map(|job| uuid(job.id)),
        average_processing_time: tenths(state.lifecycle.jobs().average_processing_seconds()),
        jobs,
    }
}

/// Queue
///
/// The running job, and the waiting jobs in the order in which they will run.
#[utoipa::path(get, path = "/api/v1/queue/status", tag = "Queue", responses(
    (status = 200, description = "The queue", body = QueueStatus),
))]
async fn get_queue_status(State(state): State<AppState>, requester: Requester) -> Json<QueueStatus> {
    Json(status(&state, &requester))
}

/// Requests the state of the queue.
#[derive(Deserialize, ToSchema)]
struct GetQueueStatus {}

impl Command<AppState> for GetQueueStatus {
    const NAME: &'static str = "get_queue_status";
    const SCOPE: Option<Scope> = Some(Scope::Read);
    const BUDGET: Option<Budget> = Some(Budget::Reads);
    type Answer = QueueStatus;

    async fn run(self, client: &mut Client<AppState>) -> Result<QueueStatus, ApiError> {
        Ok(status(&client.app, &client.requester))
    }
}

impl Answer for QueueStatus {
    const NAME: &'static str = "queue_status";
}

fn example() -> serde_json::Value {
    json!({
        "queue_length": 1, "processing_job": "550e8400-e29b-41d4-a716-446655440000", "average_processing_time": 280.0,
        "jobs": [{
            "job_id": "550e8400-e29b-41d4-a716-446655440001", "status": "queued", "position": 1, "priority": 5,
            "estimated_start": "2026-11-20T18:10:00.000Z",
        }],
    })
}
