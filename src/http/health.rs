//! `GET /health`: measured, never constant.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::bodies;
use super::state::AppState;
use crate::jobs::stage::Stage;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Condition {
    Healthy,
    Degraded,
    Unhealthy,
}

impl Condition {
    const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// The superset of the seed's two bodies. 503 when unhealthy.
pub(super) async fn get_health(State(state): State<AppState>) -> (StatusCode, Json<Value>) {
    let (healthy, body) = measure(&state).await;
    (if healthy { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}

/// Whether the server can work, and how each of its parts does.
pub(super) async fn measure(state: &AppState) -> (bool, Value) {
    let volume = state.volume.clone();
    let measured = tokio::task::spawn_blocking(move || (volume.is_writable(), volume.log_bytes(), volume.free_bytes())).await;
    let (writable, log_bytes, free) = measured.unwrap_or((false, 0, None));
    let engine = state.engine.is_alive();
    let missing: Vec<Value> = state
        .engine
        .stages()
        .iter()
        .filter_map(|stage| stage.missing.as_ref().map(|reason| json!({ "stage": stage.stage.name(), "reason": reason })))
        .collect();
    let audio = match (engine, missing.is_empty()) {
        (false, _) => Condition::Unhealthy,
        (true, false) => Condition::Degraded,
        (true, true) => Condition::Healthy,
    };
    let queue = if !engine || state.stopping.is_cancelled() {
        Condition::Unhealthy
    } else if state.registry.has_room() {
        Condition::Healthy
    } else {
        Condition::Degraded
    };
    let access = if writable { Condition::Healthy } else { Condition::Unhealthy };
    let overall = audio.max(queue).max(access);
    let stages = |stage: Stage| state.engine.stages().iter().any(|info| info.stage == stage && info.missing.is_none());
    let body = json!({
        "status": overall.name(),
        "version": env!("CARGO_PKG_VERSION"),
        "uptime": state.uptime().as_secs(),
        "queue_status": if state.stopping.is_cancelled() { "stopping" } else { "active" },
        "components": {
            "queue_manager": queue.name(),
            "volume_access": access.name(),
            "audio_processing": audio.name(),
            "diarization": if stages(Stage::Diarization) { "healthy" } else { "degraded" },
            "transcription": if stages(Stage::Transcription) { "healthy" } else { "degraded" },
            "memory_usage": memory(),
            "disk_usage": {
                "volume_free": free.map(bodies::human_bytes),
                "volume_free_bytes": free,
                "logs_size": bodies::human_bytes(log_bytes),
                "logs_size_bytes": log_bytes,
            },
        },
        "missing_stages": missing,
    });
    (overall != Condition::Unhealthy, body)
}

/// Whether the process answers at all.
pub(super) async fn get_live() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// Whether recordings can be taken in and worked on.
pub(super) async fn get_ready(State(state): State<AppState>) -> (StatusCode, Json<Value>) {
    let ready = state.engine.is_alive() && !state.stopping.is_cancelled();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "status": if ready { "ready" } else { "not_ready" } })))
}

/// What the process uses, and what the machine has left, as Linux tells it.
fn memory() -> Value {
    let field = |file: &str, name: &str| -> Option<u64> {
        let text = std::fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
    };
    let used = field("/proc/self/status", "VmRSS:");
    let available = field("/proc/meminfo", "MemAvailable:");
    let percentage = match (used, available) {
        (Some(used), Some(available)) if used + available > 0 => Some(used * 100 / (used + available)),
        _ => None,
    };
    json!({
        "used": used.map(bodies::human_bytes), "available": available.map(bodies::human_bytes), "percentage": percentage,
        "used_bytes": used, "available_bytes": available,
    })
}
