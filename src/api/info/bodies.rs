//! What the server is and can do, as its clients see it.

use serde::Serialize;
use utoipa::ToSchema;

/// What the server is and can do.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Info)]
pub(crate) struct InfoBody {
    /// The name of the service.
    #[schema(example = "CallAnnotate")]
    pub service: &'static str,
    /// Of the program.
    #[schema(example = "1.0.0")]
    pub version: &'static str,
    /// The formats of recordings; decided by content, not by name.
    pub supported_formats: [&'static str; 14],
    /// Largest recording, in bytes.
    pub max_file_size: u64,
    /// A recording is worked on after the answer.
    #[schema(example = "asynchronous")]
    pub processing_mode: &'static str,
    /// Where the interfaces begin.
    pub api_endpoints: ApiEndpoints,
    /// What a recording may be.
    pub limits: Limits,
    /// What can be transcribed, as ISO 639-1 codes.
    pub languages: Vec<String>,
    /// The stages and the models that they use.
    pub engines: Vec<StageInfoBody>,
}

/// Where the interfaces begin.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct ApiEndpoints {
    /// REST.
    #[schema(example = "/api/v1")]
    pub rest: &'static str,
    /// WebSocket.
    #[schema(example = "/ws")]
    pub websocket: &'static str,
}

/// What a recording may be.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Limits {
    /// Largest file.
    pub max_file_size_bytes: u64,
    /// Longest recording.
    pub max_duration_seconds: f64,
    /// Most channels.
    pub max_channels: u16,
}

/// A stage that uses models.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = StageInfo)]
pub(crate) struct StageInfoBody {
    /// Which.
    #[schema(schema_with = crate::api::jobs::bodies::stage_schema)]
    pub stage: &'static str,
    /// Whether it can run.
    pub available: bool,
    /// Why not; null when it can.
    pub reason: Option<String>,
    /// What it runs with.
    pub models: Vec<ModelBody>,
}

/// A model.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ModelInfo)]
pub(crate) struct ModelBody {
    /// For example `ggml-tiny.en-q8_0`.
    pub name: String,
    /// What runs it.
    pub framework: &'static str,
    /// Where it runs.
    pub device: &'static str,
    /// SPDX; null when the file does not say.
    pub license: Option<&'static str>,
}
