//! The description of the service: version, limits, languages, formats, and the models in use.

mod bodies;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::state::AppState;
use crate::access::Scope;
use crate::access::limits::Budget;
use crate::capabilities::StageInfo;
use crate::http::error::ApiError;
use crate::http::routes::{Counterpart, Operation, Routes};
use crate::http::ws::{Answer, Client, Command, Commands};
use crate::media::Format;
use bodies::{ApiEndpoints, InfoBody, Limits, ModelBody, StageInfoBody};

/// The route of the description of the service. People with a browser have no key, so it needs none.
pub(super) fn routes() -> Routes<AppState> {
    Routes::new().operation(routes!(get_info), Operation::open(Counterpart::Commands(&["get_info"])).also_at("/info"))
}

/// Adds the command that describes the service.
pub(super) fn commands(commands: Commands<AppState>) -> Commands<AppState> {
    commands.command::<GetInfo>()
}

/// About the service
///
/// The version of the server, its formats, limits and languages, and the models in use with their licences.
#[utoipa::path(get, path = "/api/v1/info", tag = "System", responses((status = 200, description = "The service", body = InfoBody)))]
async fn get_info(State(state): State<AppState>) -> Json<InfoBody> {
    Json(describe(&state))
}

/// The description of the service, for REST and WebSocket.
fn describe(state: &AppState) -> InfoBody {
    InfoBody {
        service: "CallAnnotate",
        version: env!("CARGO_PKG_VERSION"),
        supported_formats: Format::supported(),
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

/// Requests a description of the service.
#[derive(Deserialize, ToSchema)]
struct GetInfo {}

/// The answer to `get_info`.
#[derive(Serialize, ToSchema)]
struct InfoAnswer {
    /// The body of `GET /info`.
    info: Box<InfoBody>,
}

impl Command<AppState> for GetInfo {
    const NAME: &'static str = "get_info";
    const SCOPE: Option<Scope> = None;
    const BUDGET: Option<Budget> = Some(Budget::Reads);
    type Answer = InfoAnswer;

    async fn run(self, client: &mut Client<AppState>) -> Result<InfoAnswer, ApiError> {
        Ok(InfoAnswer { info: Box::new(describe(&client.app)) })
    }
}

impl Answer for InfoAnswer {
    const NAME: &'static str = "info";
}
