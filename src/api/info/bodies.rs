//! The bodies that describe the service.

use serde::Serialize;
use utoipa::ToSchema;

/// A description of the service: version, formats, limits, languages and models.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Info)]
pub(crate) struct InfoBody {
    /// The name of the service.
    #[schema(example = "CallAnnotate")]
    pub service: &'static str,
    /// The version of the server program.
    #[schema(example = "1.0.0")]
    pub version: &'static str,
    /// The supported formats of recordings. The format is detected from the content, not from the name.
    pub supported_formats: Vec<&'static str>,
    /// Size of the largest accepted recording, in bytes.
    pub max_file_size: u64,
    /// Always `asynchronous`: a recording is processed after the request was answered.
    #[schema(example = "asynchronous")]
    pub processing_mode: &'static str,
    /// The base paths of the interfaces, relative to the server's root.
    pub api_endpoints: ApiEndpoints,
    /// The limits of an accepted recording.
    pub limits: Limits,
    /// The languages that can be transcribed, as ISO 639-1 codes; empty if there is no transcription model.
    pub languages: Vec<String>,
    /// The stages that use models, with the models in use.
    pub engines: Vec<StageInfoBody>,
}

/// The base paths of the interfaces, relative to the server's root.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct ApiEndpoints {
    /// The base path of the REST API.
    #[schema(example = "/api/v1")]
    pub rest: &'static str,
    /// The path of the WebSocket.
    #[schema(example = "/ws")]
    pub websocket: &'static str,
}

/// The limits of an accepted recording.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Limits {
    /// Size of the largest file, in bytes (`files.max_size`).
    pub max_file_size_bytes: u64,
    /// Length of the longest recording, in seconds (`files.max_duration_seconds`).
    pub max_duration_seconds: f64,
    /// The greatest number of channels of a recording.
    pub max_channels: u16,
}

/// A stage that uses models, and whether it can run.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = StageInfo)]
pub(crate) struct StageInfoBody {
    /// The name of the stage.
    #[schema(schema_with = crate::api::jobs::bodies::stage_schema)]
    pub stage: &'static str,
    /// Whether the stage can run.
    pub available: bool,
    /// Why the stage cannot run, in English; null if it can.
    pub reason: Option<String>,
    /// The models that the stage uses; empty if it cannot run.
    pub models: Vec<ModelBody>,
}

/// A model that is in use.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ModelInfo)]
pub(crate) struct ModelBody {
    /// The name of the model's file without its extension, for example `ggml-tiny.en-q8_0`.
    pub name: String,
    /// The library that runs the model, for example `whisper.cpp` or `rten`.
    pub framework: &'static str,
    /// The device that the model runs on, for example `cpu`.
    pub device: &'static str,
    /// The SPDX identifier of the model's licence; null if the file does not state it.
    pub license: Option<&'static str>,
}
