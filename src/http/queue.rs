//! `GET /queue/status`.

use axum::Json;
use axum::extract::State;

use super::bodies::queue::QueueStatus;
use super::operations::queue;
use super::requester::Requester;
use super::state::AppState;

/// Queue
///
/// What runs, and what waits in which order.
#[utoipa::path(get, path = "/api/v1/queue/status", tag = "Queue", responses(
    (status = 200, description = "The queue", body = QueueStatus),
))]
pub(super) async fn get_queue_status(State(state): State<AppState>, requester: Requester) -> Json<QueueStatus> {
    Json(queue::status(&state, &requester))
}
