//! The public interface over HTTP. The only module that names axum. Handlers answer from the registry and the volume; no
//! handler runs an engine, so the server answers while a recording is worked on.

mod body;
mod error;
mod extract;
mod fields;
mod health;
mod info;
mod jobs;
mod layers;
mod queue;
mod state;
mod upload;
mod websocket;

use axum::Router;
use axum::routing::get;

use error::ApiError;
pub use state::{AppState, Parts};

/// Every route, with the layers around them.
pub fn router(state: AppState) -> Router {
    let api = Router::new()
        .route("/health", get(health::get_health))
        .route("/health/live", get(health::get_live))
        .route("/health/ready", get(health::get_ready))
        .route("/info", get(info::get_info))
        .route("/jobs", axum::routing::post(upload::create_job))
        .route("/jobs/{job_id}", get(jobs::get_job).delete(jobs::delete_job))
        .route("/jobs/{job_id}/result", get(jobs::get_result))
        .route("/queue/status", get(queue::get_queue_status))
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .fallback(|| async { ApiError::NotFound });
    let app = Router::new()
        .nest("/api/v1", api)
        .route("/health", get(health::get_health))
        .route("/info", get(info::get_info))
        .route("/ws/{job_id}", get(websocket::watch_job))
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .fallback(|| async { ApiError::NotFound })
        .with_state(state.clone());
    layers::apply(app, state)
}
