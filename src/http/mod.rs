//! The public interface over HTTP. The only module that names axum. Handlers answer from the registry and the volume; no
//! handler runs an engine, so the server answers while a recording is worked on.

mod asker;
mod audio;
mod bodies;
mod changes;
mod credentials;
mod error;
mod events;
mod extract;
mod fallback;
mod fields;
#[cfg(fuzzing)]
pub mod fuzzing;
mod guard;
mod headers;
mod health;
mod info;
mod jobs;
// Until the first handler takes JSON.
mod json;
mod language;
mod layers;
mod operations;
mod parameters;
mod query;
mod queue;
mod serve;
mod slow;
mod state;
mod take;
mod upload;
mod ws;

use axum::Router;
use axum::routing::{get, post};

pub use serve::{Patience, listen, serve};
pub use slow::Pace;
pub use state::{AppState, Parts};

/// Every route, with the layers around them.
pub fn router(state: AppState) -> Router {
    let api = Router::new()
        .route("/health", get(health::get_health))
        .route("/health/live", get(health::get_live))
        .route("/health/ready", get(health::get_ready))
        .route("/info", get(info::get_info))
        .route("/jobs", get(jobs::list_jobs).post(upload::create_job))
        .route("/jobs/{job_id}", get(jobs::get_job).delete(jobs::delete_job))
        .route("/jobs/{job_id}/result", get(jobs::get_result))
        .route("/jobs/{job_id}/cancel", post(jobs::cancel_job))
        .route("/jobs/{job_id}/retry", post(jobs::retry_job))
        .route("/jobs/{job_id}/events", get(events::get_events))
        .route("/jobs/{job_id}/audio", get(audio::get_audio))
        .route("/queue/status", get(queue::get_queue_status))
        .method_not_allowed_fallback(fallback::other_method)
        .fallback(fallback::unknown_address);
    let app = Router::new()
        .nest("/api/v1", api)
        .route("/health", get(health::get_health))
        .route("/info", get(info::get_info))
        .route("/ws", get(ws::open_session))
        .route("/ws/{job_id}", get(ws::watch_job))
        .method_not_allowed_fallback(fallback::other_method)
        .fallback(fallback::unknown_address)
        .with_state(state.clone());
    layers::apply(app, state)
}
