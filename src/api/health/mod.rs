//! The health of the server: measured when asked, never constant.

mod bodies;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::state::AppState;
use crate::access::Scope;
use crate::access::limits::Budget;
use crate::capabilities::StageInfo;
use crate::http::error::ApiError;
use crate::http::format::human_bytes;
use crate::http::routes::{Access, Counterpart, Operation, Routes};
use crate::http::ws::{Answer, Client, Command, Commands};
use crate::jobs::stage::Stage;
use crate::lifecycle::{Storage, Writable};
use bodies::{
    Alive, Components, Condition, DiskUsage, HarmfulModelBody, HealthBody, Liveness, MemoryUsage, Problem, QueueCondition,
    Readiness, Ready, StageProblem, Uploads,
};

/// The routes of the server's health. Orchestrators have no key, so they need none.
pub(super) fn routes() -> Routes<AppState> {
    Routes::new()
        .tag("System", "The server itself")
        .operation(routes!(get_health), Operation::open(Counterpart::Commands(&["get_health"])).also_at("/health"))
        .operation(
            routes!(get_live),
            Operation::probe(Counterpart::None("orchestrators ask by HTTP; an open WebSocket is alive")),
        )
        .operation(routes!(get_ready), Operation::probe(Counterpart::None("orchestrators ask by HTTP; get_health says the same")))
        .admit_unserved("/health/", Access::Open)
        .admit_unserved("/api/v1/health/", Access::Open)
}

/// Adds the commands of the server's health.
pub(super) fn commands(commands: Commands<AppState>) -> Commands<AppState> {
    commands.command::<GetHealth>()
}

/// Health
///
/// The health of the server and of each of its parts, measured for each request. 503 if it does not work.
#[utoipa::path(get, path = "/api/v1/health", tag = "System", responses(
    (status = 200, description = "It works, fully or in part", body = HealthBody),
    (status = 503, description = "It does not work", body = HealthBody),
))]
async fn get_health(State(state): State<AppState>) -> (StatusCode, Json<HealthBody>) {
    let body = measure(&state).await;
    let works = body.status != Condition::Unhealthy;
    (if works { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}

/// Measures the condition of the server and of each of its parts.
async fn measure(state: &AppState) -> HealthBody {
    let Storage { writable, log_bytes, free_bytes: free, arriving, refused_folders } = state.lifecycle.storage().await;
    let engine = state.engine.is_alive();
    let stages_with = |problem: fn(&StageInfo) -> Option<&String>| -> Vec<StageProblem> {
        let found =
            |info: &StageInfo| problem(info).map(|reason| StageProblem { stage: info.stage.name(), reason: reason.clone() });
        state.engine.stages().iter().filter_map(found).collect()
    };
    let missing_stages = stages_with(|info| info.missing.as_ref());
    let limited_stages = stages_with(|info| info.limitation.as_ref());
    let harmful = state.engine.harmful_models().iter();
    let passed_over_models: Vec<HarmfulModelBody> = harmful
        .map(|model| HarmfulModelBody { kind: model.kind, file: model.file.clone(), reason: model.reason.clone() })
        .collect();
    let has_all_models = missing_stages.is_empty() && limited_stages.is_empty() && passed_over_models.is_empty();
    let audio = match (engine, has_all_models) {
        (false, _) => Condition::Unhealthy,
        (true, false) => Condition::Degraded,
        (true, true) => Condition::Healthy,
    };
    let is_stopping = state.gate.stopping.is_cancelled();
    let queue = if !engine || is_stopping {
        Condition::Unhealthy
    } else if state.lifecycle.jobs().has_room() {
        Condition::Healthy
    } else {
        Condition::Degraded
    };
    let access = match writable {
        Writable::Yes if refused_folders == 0 => Condition::Healthy,
        Writable::Yes | Writable::Full => Condition::Degraded,
        Writable::No => Condition::Unhealthy,
    };
    let problems = [
        (writable == Writable::Full, Problem::StorageFull),
        (writable == Writable::No, Problem::VolumeUnwritable),
        (refused_folders > 0, Problem::FoldersRefused),
        (!state.lifecycle.jobs().has_room(), Problem::QueueFull),
        (!engine, Problem::EngineEnded),
        (state.engine.is_stalled(), Problem::EngineStalled),
        (!missing_stages.is_empty(), Problem::StagesMissing),
        (!limited_stages.is_empty(), Problem::StagesLimited),
        (!passed_over_models.is_empty(), Problem::ModelsPassedOver),
        (is_stopping, Problem::Stopping),
    ];
    let of_stage = |stage: Stage| {
        let is_whole = |info: &StageInfo| info.stage == stage && info.missing.is_none() && info.limitation.is_none();
        if state.engine.stages().iter().any(is_whole) { Condition::Healthy } else { Condition::Degraded }
    };
    HealthBody {
        status: audio.max(queue).max(access),
        version: env!("CARGO_PKG_VERSION"),
        uptime: state.uptime().as_secs(),
        queue_status: match (state.engine.is_stalled(), is_stopping, state.lifecycle.jobs().is_paused()) {
            (true, _, _) => QueueCondition::Stalled,
            (false, true, _) => QueueCondition::Stopping,
            (false, false, true) => QueueCondition::Paused,
            (false, false, false) => QueueCondition::Active,
        },
        problems: problems.into_iter().filter_map(|(is_so, problem)| is_so.then_some(problem)).collect(),
        components: Components {
            queue_manager: queue,
            volume_access: access,
            audio_processing: audio,
            diarization: of_stage(Stage::Diarization),
            transcription: of_stage(Stage::Transcription),
            memory_usage: memory(),
            disk_usage: DiskUsage {
                volume_free: free.map(human_bytes),
                volume_free_bytes: free,
                logs_size: human_bytes(log_bytes),
                logs_size_bytes: log_bytes,
            },
            uploads: Uploads {
                in_progress: arriving.uploads,
                reserved_places: state.lifecycle.jobs().reserved_places() as u64,
                received_bytes: arriving.received_bytes,
                promised_bytes: arriving.promised_bytes,
            },
        },
        missing_stages,
        limited_stages,
        passed_over_models,
    }
}

/// Liveness
///
/// Answers as long as the process works: for orchestrators that restart a process that hangs.
#[utoipa::path(get, path = "/api/v1/health/live", tag = "System", responses(
    (status = 200, description = "The process answers", body = Liveness),
))]
async fn get_live() -> Json<Liveness> {
    Json(Liveness { status: Alive::Alive })
}

/// Readiness
///
/// Whether the server accepts and processes recordings: for load balancers and orchestrators.
#[utoipa::path(get, path = "/api/v1/health/ready", tag = "System", responses(
    (status = 200, description = "Recordings can be sent", body = Readiness),
    (status = 503, description = "Not yet, or not any more", body = Readiness),
))]
async fn get_ready(State(state): State<AppState>) -> (StatusCode, Json<Readiness>) {
    if state.engine.is_alive() && !state.gate.stopping.is_cancelled() {
        (StatusCode::OK, Json(Readiness { status: Ready::Ready }))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Readiness { status: Ready::NotReady }))
    }
}

/// The memory of the process, and what is available in the machine, from `/proc`.
fn memory() -> MemoryUsage {
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
    MemoryUsage {
        used: used.map(human_bytes),
        available: available.map(human_bytes),
        percentage,
        used_bytes: used,
        available_bytes: available,
    }
}

/// Requests the health of the server.
#[derive(Deserialize, ToSchema)]
struct GetHealth {}

/// The answer to `get_health`.
#[derive(Serialize, ToSchema)]
struct HealthAnswer {
    /// The body of `GET /health`.
    health: Box<HealthBody>,
}

impl Command<AppState> for GetHealth {
    const NAME: &'static str = "get_health";
    const SCOPE: Option<Scope> = None;
    const BUDGET: Option<Budget> = Some(Budget::Reads);
    type Answer = HealthAnswer;

    async fn run(self, client: &mut Client<AppState>) -> Result<HealthAnswer, ApiError> {
        Ok(HealthAnswer { health: Box::new(measure(&client.app).await) })
    }
}

impl Answer for HealthAnswer {
    const NAME: &'static str = "health";
}
