//! The public interface over HTTP. The only module that names axum. Handlers answer from the registry and the volume; no
//! handler runs an engine, so the server answers while a recording is worked on.

mod audio;
mod bodies;
mod body_timeout;
mod credentials;
mod docs;
mod error;
mod events;
mod extract;
mod fallback;
#[cfg(fuzzing)]
pub mod fuzzing;
mod guard;
mod headers;
mod health;
mod info;
mod jobs;
mod json;
mod language;
mod layers;
pub mod openapi;
mod operations;
mod parameters;
mod query;
mod queue;
mod requester;
mod response_cache;
mod serve;
mod state;
mod take;
mod upload;
mod ws;

use axum::Router;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::intake::fields;
pub use body_timeout::Pace;
pub use serve::{ConnectionTimeouts, listen, serve};
pub use state::{AppState, Parts};

/// Every route, with the layers around them.
pub fn router(state: AppState) -> Router {
    let (described, _) = routes().split_for_parts();
    // Pages and WebSockets are no operations, so the description does not have them.
    let app = described
        .route("/docs", get(docs::show_page))
        .route("/docs/", get(docs::show_page))
        .route("/docs/errors", get(docs::show_errors))
        .route("/docs/{asset}", get(docs::send_asset))
        .route("/api/v1/docs", get(docs::show_page))
        .route("/ws", get(ws::open_session))
        .route("/ws/{job_id}", get(ws::watch_job))
        .method_not_allowed_fallback(fallback::other_method)
        .fallback(fallback::unknown_address)
        .with_state(state.clone());
    layers::apply(app, state)
}

/// Every operation, with what the description says of it.
fn routes() -> OpenApiRouter<AppState> {
    // Named twice, under the prefix of this version and without it.
    let again = OpenApiRouter::new()
        .routes(routes!(health::get_health))
        .routes(routes!(health::get_live))
        .routes(routes!(health::get_ready))
        .routes(routes!(info::get_info))
        .routes(routes!(docs::get_openapi));
    // By their whole addresses: a nested router would cost every request.
    OpenApiRouter::with_openapi(openapi::frame())
        .nest("/api/v1", again)
        .routes(routes!(jobs::list_jobs, upload::create_job))
        .routes(routes!(jobs::get_job, jobs::delete_job))
        .routes(routes!(jobs::get_result))
        .routes(routes!(jobs::cancel_job))
        .routes(routes!(jobs::retry_job))
        .routes(routes!(events::get_events))
        .routes(routes!(audio::get_audio))
        .routes(routes!(queue::get_queue_status))
        .routes(routes!(health::get_health))
        .routes(routes!(info::get_info))
}
