//! The events of a job: as a stream, as a list, and over WebSocket.

pub(crate) mod bodies;
mod event_stream;
mod follower;
mod handlers;
mod query;
pub(crate) mod subscription;

use serde_json::{Value, json};
use utoipa_axum::routes;

use super::jobs::examples::{JOB, progress};
use super::jobs::parameters::{JOB_ID, LAST_SEQ, PREFER, WAIT};
use super::state::AppState;
use crate::http::error::Code;
use crate::http::openapi::reference::reference;
use crate::http::routes::{Counterpart, Operation, Routes};
use crate::http::ws::Commands;

/// The route of a job's events.
pub(super) fn routes() -> Routes<AppState> {
    Routes::new()
        .operation(
            routes!(handlers::get_events),
            Operation::read(Counterpart::Commands(&["subscribe_job"]))
                .parameters(&[JOB_ID, WAIT, LAST_SEQ, query::LAST_EVENT_ID, PREFER])
                .codes(&[Code::InvalidQuery, Code::JobNotFound])
                .finish(describe_stream),
        )
        .example("EventList", json!({ "data": [example()], "meta": { "last_seq": 7, "ended": false } }))
        .example("JobEvent", example())
}

/// Adds the commands that follow jobs.
pub(super) fn commands(commands: Commands<AppState>) -> Commands<AppState> {
    commands.command::<subscription::SubscribeJob>().command::<subscription::UnsubscribeJob>()
}

/// Describes one event of the stream by the fields that the standard of Server-Sent Events defines.
fn describe_stream(operation: &mut Value) {
    operation["responses"]["200"]["content"]["text/event-stream"]["schema"] = json!({
        "type": "object",
        "description": "One event; the first line of the stream sets `retry`, comments keep it open.",
        "required": ["data"],
        "properties": {
            "id": { "type": "string", "description": "The event's number." },
            "data": {
                "type": "string", "contentMediaType": "application/json",
                "contentSchema": reference("schemas", "JobEvent"),
            },
        },
    });
}

fn example() -> Value {
    json!({
        "type": "status_update", "job_id": JOB, "status": "processing", "progress": progress(), "seq": 7,
        "timestamp": "2026-11-20T18:03:00.000Z",
    })
}
