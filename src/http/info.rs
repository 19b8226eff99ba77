//! `GET /info`: what this server is and can do.

use axum::Json;
use axum::extract::State;

use super::bodies;
use super::bodies::info::{ApiEndpoints, InfoBody, Limits, ModelBody, StageInfoBody};
use super::state::AppState;
use crate::capabilities::StageInfo;

/// About the service
///
/// What this server is and can do: limits, languages, and the models in use with their licences.
#[utoipa::path(get, path = "/info", tag = "System", responses((status = 200, description = "The service", body = InfoBody)))]
pub(super) async fn get_info(State(state): State<AppState>) -> Json<InfoBody> {
    Json(describe(&state))
}

/// What this server is and can do.
pub(super) fn describe(state: &AppState) -> InfoBody {
    InfoBody {
        service: "CallAnnotate",
        version: env!("CARGO_PKG_VERSION"),
        supported_formats: bodies::SUPPORTED_FORMATS,
        max_file_size: state.max_file_bytes,
        processing_mode: "asynchronous",
        api_endpoints: ApiEndpoints { rest: "/api/v1", websocket: "/ws" },
        limits: Limits {
            max_file_size_bytes: state.max_file_bytes,
            max_duration_seconds: state.decode_limits.max_duration.as_seconds(),
            max_channels: state.decode_limits.max_channels,
        },
        languages: state.engine.languages().to_vec(),
        engines: state.engine.stages().iter().map(stage).collect(),
    }
}

fn stage(info: &StageInfo) -> StageInfoBody {
    let models = info.models.iter().map(|model| ModelBody {
        name: model.name.clone(),
        framework: model.framework,
        device: model.device,
        license: model.license,
    });
    StageInfoBody {
        stage: info.stage.name(),
        available: info.missing.is_none(),
        reason: info.missing.clone(),
        models: models.collect(),
    }
}
