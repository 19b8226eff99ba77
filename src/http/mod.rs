//! The public interface over HTTP. The only module that names axum. Handlers answer from the registry and the volume; no
//! handler runs an engine, so the server answers while a recording is worked on.

mod body;
mod error;
mod extract;
mod fallback;
mod fields;
mod health;
mod info;
mod jobs;
// Until the first handler takes JSON.
#[cfg(test)]
mod json;
mod language;
mod layers;
#[cfg_attr(not(test), expect(dead_code, reason = "the handlers that take parameters are to come"))]
mod query;
mod queue;
mod state;
mod upload;
mod websocket;

use axum::Router;
use axum::routing::get;

use layers::Surroundings;
pub use state::{AppState, Parts};

/// Every route, with the layers around them.
pub fn router(state: AppState) -> Router {
    let surroundings = Surroundings { clock: state.clock.clone(), language: state.language };
    let api = Router::new()
        .route("/health", get(health::get_health))
        .route("/health/live", get(health::get_live))
        .route("/health/ready", get(health::get_ready))
        .route("/info", get(info::get_info))
        .route("/jobs", axum::routing::post(upload::create_job))
        .route("/jobs/{job_id}", get(jobs::get_job).delete(jobs::delete_job))
        .route("/jobs/{job_id}/result", get(jobs::get_result))
        .route("/queue/status", get(queue::get_queue_status))
        .method_not_allowed_fallback(fallback::other_method)
        .fallback(fallback::unknown_address);
    let app = Router::new()
        .nest("/api/v1", api)
        .route("/health", get(health::get_health))
        .route("/info", get(info::get_info))
        .route("/ws/{job_id}", get(websocket::watch_job))
        .method_not_allowed_fallback(fallback::other_method)
        .fallback(fallback::unknown_address)
        .with_state(state);
    layers::apply(app, surroundings)
}
