//! `GET /info`: what this server is and can do.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::bodies;
use super::state::AppState;

/// The seed's body, and limits, languages, engines and models.
pub(super) async fn get_info(State(state): State<AppState>) -> Json<Value> {
    Json(describe(&state))
}

/// What this server is and can do.
pub(super) fn describe(state: &AppState) -> Value {
    let stages: Vec<Value> = state
        .engine
        .stages()
        .iter()
        .map(|stage| {
            let models: Vec<Value> = stage
                .models
                .iter()
                .map(|model| {
                    json!({ "name": model.name, "framework": model.framework, "device": model.device, "license": model.license })
                })
                .collect();
            json!({ "stage": stage.stage.name(), "available": stage.missing.is_none(), "reason": stage.missing, "models": models })
        })
        .collect();
    json!({
        "service": "CallAnnotate",
        "version": env!("CARGO_PKG_VERSION"),
        "supported_formats": bodies::SUPPORTED_FORMATS,
        "max_file_size": state.max_file_bytes,
        "processing_mode": "asynchronous",
        "api_endpoints": { "rest": "/api/v1", "websocket": "/ws" },
        "limits": {
            "max_file_size_bytes": state.max_file_bytes,
            "max_duration_seconds": state.decode_limits.max_duration.as_seconds(),
            "max_channels": state.decode_limits.max_channels,
        },
        "languages": state.engine.languages(),
        "engines": stages,
    })
}
