//! The bodies of the health operations.

use serde::Serialize;
use utoipa::ToSchema;

/// The health of the server and of each of its parts.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthBody {
    /// The overall condition: the worst of queue, volume and engine.
    pub status: Condition,
    /// The version of the server program.
    #[schema(example = "1.0.0")]
    pub version: &'static str,
    /// Seconds since the server was started.
    pub uptime: u64,
    /// Whether the queue processes recordings.
    pub queue_status: QueueCondition,
    /// The reasons why the server is not fully healthy; empty if it is.
    pub problems: Vec<Problem>,
    /// The condition of each part, measured for this request.
    pub components: Components,
    /// The stages that cannot run, each with the reason; empty if all can.
    pub missing_stages: Vec<StageProblem>,
    /// The stages that run with worse results than they could, each with the reason; empty if there are none.
    pub limited_stages: Vec<StageProblem>,
    /// The model files that are passed over because the server ended while it loaded or first used them; usually none.
    pub passed_over_models: Vec<HarmfulModelBody>,
}

/// The condition of the server or of one of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Condition {
    /// It works without restrictions.
    Healthy,
    /// It works with restrictions: a stage lacks a model, a model is passed over, the queue is full, the disk has no room for recordings, or
    /// the volume holds folders that the server refused.
    Degraded,
    /// It does not work at all.
    Unhealthy,
}

/// The condition of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum QueueCondition {
    /// The queue processes recordings.
    Active,
    /// The queue waits until files can be written to the volume again.
    Paused,
    /// The server is stopping.
    Stopping,
    /// The engine does not respond; the process will end soon, to be restarted.
    Stalled,
}

/// A reason why the server is not fully healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Problem {
    /// The disk has no room for more recordings; accepted ones wait until there is room to process them.
    StorageFull,
    /// The volume cannot be written to.
    VolumeUnwritable,
    /// Folders of jobs on the volume were not written by this server, and are left alone; see its log.
    FoldersRefused,
    /// The queue is full (`queue.max_length`).
    QueueFull,
    /// The engine has stopped working.
    EngineEnded,
    /// The engine does not respond (`engine.stall_timeout`).
    EngineStalled,
    /// At least one stage lacks its model; see `missing_stages`.
    StagesMissing,
    /// At least one stage gives worse results, since it lacks a model; see `limited_stages`.
    StagesLimited,
    /// At least one model file ended the server and is passed over; see `passed_over_models`.
    ModelsPassedOver,
    /// The server is stopping.
    Stopping,
}

/// The condition of each part of the server.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Components {
    /// The queue and its worker: `degraded` if the queue is full.
    pub queue_manager: Condition,
    /// The volume: `degraded` if it is full or holds folders that the server refused, `unhealthy` if it cannot be written to.
    pub volume_access: Condition,
    /// The engine and its models: `degraded` if a stage lacks a model, or a model is passed over.
    pub audio_processing: Condition,
    /// The stage that finds out who speaks when: `degraded` if it cannot run, or lacks the segmentation model.
    pub diarization: Condition,
    /// The stage that turns speech into text: `degraded` if it cannot run.
    pub transcription: Condition,
    /// The memory that the process uses, and what the machine has available.
    pub memory_usage: MemoryUsage,
    /// The free space on the volume, and the size of the logs.
    pub disk_usage: DiskUsage,
    /// The recordings that are being sent, and the room that they take.
    pub uploads: Uploads,
}

/// The use of memory. Values that the system does not report are null.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct MemoryUsage {
    /// The resident memory of the process, rounded for people.
    #[schema(example = "512MB")]
    pub used: Option<String>,
    /// The memory available in the machine, rounded for people.
    #[schema(example = "1.5GB")]
    pub available: Option<String>,
    /// The share of `used_bytes` in the sum of `used_bytes` and `available_bytes`, in percent, rounded down.
    #[schema(minimum = 0, maximum = 100)]
    pub percentage: Option<u64>,
    /// The resident memory of the process, in bytes.
    pub used_bytes: Option<u64>,
    /// The memory available in the machine, in bytes.
    pub available_bytes: Option<u64>,
}

/// The use of the disk. Values that the system does not report are null.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DiskUsage {
    /// The free space on the volume, rounded for people.
    #[schema(example = "50GB")]
    pub volume_free: Option<String>,
    /// The free space on the volume, in bytes.
    pub volume_free_bytes: Option<u64>,
    /// The size of all log files, rounded for people.
    #[schema(example = "100MB")]
    pub logs_size: String,
    /// The size of all log files, in bytes.
    pub logs_size_bytes: u64,
}

/// The recordings that are being sent. An upload counts from its first byte on.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Uploads {
    /// The number of recordings that are being sent.
    pub in_progress: u64,
    /// The places in the queue that are reserved for them.
    pub reserved_places: u64,
    /// What they have sent so far, in bytes.
    pub received_bytes: u64,
    /// The free space on the volume that is promised to them beyond that, in bytes.
    pub promised_bytes: u64,
}

/// A stage that cannot run, or runs with worse results than it could.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StageProblem {
    /// The name of the stage.
    #[schema(schema_with = crate::api::jobs::bodies::stage_schema)]
    pub stage: &'static str,
    /// Why that is so, in English.
    pub reason: String,
}

/// A model file that is passed over because it ended the server.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = PassedOverModel)]
pub(crate) struct HarmfulModelBody {
    /// The kind of model: the name of its folder.
    #[schema(example = "whisper")]
    pub kind: &'static str,
    /// The path of the file.
    pub file: String,
    /// What happened, and how to try the file again, in English.
    pub reason: String,
}

/// The answer of a live process.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Liveness {
    /// Always `alive`: a process that hangs does not answer.
    pub status: Alive,
}

/// The liveness of the process.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Alive {
    /// Always `alive`: a process that hangs does not answer.
    Alive,
}

/// Whether the server accepts and processes recordings.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Whether the server is ready for recordings.
    pub status: Ready,
}

/// Whether the server is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ready {
    /// The server accepts and processes recordings.
    Ready,
    /// The server is stopping, or its engine does not respond.
    NotReady,
}
