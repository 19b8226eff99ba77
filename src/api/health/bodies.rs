//! The health of the server as its clients see it: the specification's two bodies in one.

use serde::Serialize;
use utoipa::ToSchema;

/// Whether the server works, and how each of its parts does.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthBody {
    /// The worst of the components.
    pub status: Condition,
    /// Of the program.
    #[schema(example = "1.0.0")]
    pub version: &'static str,
    /// Seconds since the start.
    pub uptime: u64,
    /// Whether recordings are worked on.
    pub queue_status: QueueCondition,
    /// Why it does not do as it should; empty when it does.
    pub problems: Vec<Problem>,
    /// Measured when asked.
    pub components: Components,
    /// The stages that cannot run, and why.
    pub missing_stages: Vec<MissingStage>,
}

/// How something does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Condition {
    /// As it should.
    Healthy,
    /// It works, but less well: a stage lacks its model, or the queue is full.
    Degraded,
    /// It does not work.
    Unhealthy,
}

/// What the queue does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum QueueCondition {
    /// It works.
    Active,
    /// It waits until the volume takes files again.
    Paused,
    /// The server is stopping.
    Stopping,
    /// The engine stands still; the process will end soon, to be started again.
    Stalled,
}

/// What keeps the server from doing as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Problem {
    /// The disk has no room for more recordings; what has been accepted waits until there is room to work.
    StorageFull,
    /// The volume cannot be written to.
    VolumeUnwritable,
    /// No more recordings may wait.
    QueueFull,
    /// The engine has ended.
    EngineEnded,
    /// The engine stands still.
    EngineStalled,
    /// A stage lacks its model.
    StagesMissing,
    /// The server is stopping.
    Stopping,
}

/// The parts of the server.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Components {
    /// The queue and its worker.
    pub queue_manager: Condition,
    /// Whether the volume can be written.
    pub volume_access: Condition,
    /// The engine and its models.
    pub audio_processing: Condition,
    /// Who speaks when.
    pub diarization: Condition,
    /// What is said.
    pub transcription: Condition,
    /// Of the process, and what the machine has left.
    pub memory_usage: MemoryUsage,
    /// Of the volume.
    pub disk_usage: DiskUsage,
}

/// Memory; null where the system does not tell.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct MemoryUsage {
    /// By the process, for people.
    #[schema(example = "512MB")]
    pub used: Option<String>,
    /// In the machine, for people.
    #[schema(example = "1.5GB")]
    pub available: Option<String>,
    /// Of what is used and what is available together.
    #[schema(minimum = 0, maximum = 100)]
    pub percentage: Option<u64>,
    /// By the process.
    pub used_bytes: Option<u64>,
    /// In the machine.
    pub available_bytes: Option<u64>,
}

/// Disk; null where the system does not tell.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DiskUsage {
    /// For people.
    #[schema(example = "50GB")]
    pub volume_free: Option<String>,
    /// Free on the volume.
    pub volume_free_bytes: Option<u64>,
    /// For people.
    #[schema(example = "100MB")]
    pub logs_size: String,
    /// Taken by the logs.
    pub logs_size_bytes: u64,
}

/// A stage that cannot run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct MissingStage {
    /// Which.
    #[schema(schema_with = crate::api::jobs::bodies::stage_schema)]
    pub stage: &'static str,
    /// Why.
    pub reason: String,
}

/// Whether the process answers at all.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Liveness {
    /// It does.
    pub status: Alive,
}

/// That the process answers.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Alive {
    /// It does.
    Alive,
}

/// Whether recordings can be taken in and worked on.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Whether they can.
    pub status: Ready,
}

/// Whether the server is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ready {
    /// It is.
    Ready,
    /// It is not, not yet or not any more.
    NotReady,
}
