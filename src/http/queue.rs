//! `GET /queue/status`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::body;
use super::state::AppState;

/// What runs, and what waits in which order.
pub(super) async fn get_queue_status(State(state): State<AppState>) -> Json<Value> {
    let queued = state.registry.queued();
    let jobs: Vec<Value> = queued
        .iter()
        .enumerate()
        .map(|(index, waiting)| {
            json!({
                "job_id": waiting.job.id.to_string(),
                "status": waiting.job.state.name(),
                "position": index + 1,
                "priority": waiting.job.priority,
                "estimated_start": body::time(waiting.estimated_start),
            })
        })
        .collect();
    Json(json!({
        "queue_length": queued.len(),
        "processing_job": state.registry.running().map(|job| job.id.to_string()),
        "average_processing_time": (state.registry.average_processing_seconds() * 10.0).round() / 10.0,
        "jobs": jobs,
    }))
}
