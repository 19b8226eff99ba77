//! `GET /queue/status`.

use axum::Json;
use axum::extract::State;

use super::asker::Asker;
use super::bodies::queue::QueueStatus;
use super::operations::queue;
use super::state::AppState;

/// What runs, and what waits in which order.
pub(super) async fn get_queue_status(State(state): State<AppState>, asker: Asker) -> Json<QueueStatus> {
    Json(queue::status(&state, &asker))
}
