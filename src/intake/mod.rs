//! What a recording goes through before it is a job, whichever way it came: what is wanted of it is checked, and a job is
//! drafted. `http` takes recordings from requests, `inbox` from the watched folder; both do it by this module, so that a
//! recording is treated the same. It knows neither requests nor folders, and changes nothing.

pub(crate) mod checks;
pub(crate) mod fields;

use crate::access::KeyId;
use crate::audio::SourceInfo;
use crate::capabilities::EngineStatus;
use crate::clock::Clock;
use crate::jobs::options::JobOptions;
use crate::jobs::registry::Registry;
use crate::jobs::stage::Stage;
use crate::jobs::{FileInfo, Idempotency, Job, JobId, JobState};
use fields::{DEFAULT_PRIORITY, Metadata};

/// The stage whose model is missing, and why, so that a strict job with these options is known beforehand to fail.
pub(crate) fn missing_model(engine: &EngineStatus, options: &JobOptions) -> Option<(Stage, String)> {
    if !options.strict {
        return None;
    }
    let is_wanted = |stage: Stage| match stage {
        Stage::Diarization => options.diarize != Some(false),
        Stage::Recognition => options.recognize != Some(false) && options.diarize != Some(false),
        Stage::CarddavLookup => options.lookup_contacts == Some(true),
        Stage::Validation | Stage::Preprocessing | Stage::Transcription | Stage::Annotation => true,
    };
    let mut missing = engine.stages().iter().filter(|info| is_wanted(info.stage));
    missing.find_map(|info| info.missing.as_ref().map(|reason| (info.stage, reason.clone())))
}

/// A recording as it was sent, from what the probe found.
pub(crate) fn describe(filename: String, size_bytes: u64, sha256: String, source: &SourceInfo) -> FileInfo {
    FileInfo {
        filename,
        size_bytes,
        format: source.format.to_owned(),
        codec: source.codec.clone(),
        sample_rate: source.sample_rate,
        channels: source.channels,
        duration_seconds: source.duration.as_seconds(),
        sha256,
    }
}

/// What a new job is made of.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) id: JobId,
    pub(crate) file: FileInfo,
    pub(crate) metadata: Metadata,
    pub(crate) options: JobOptions,
    pub(crate) owner: Option<KeyId>,
    pub(crate) idempotency: Option<Idempotency>,
}

/// A job that waits, behind all those made before.
pub(crate) fn draft(registry: &Registry, clock: &Clock, draft: Draft) -> Job {
    let sequence = registry.next_sequence();
    let estimated_seconds = registry.estimated_seconds(&draft.file, &draft.options);
    Job {
        id: draft.id,
        file: draft.file,
        priority: draft.metadata.priority.unwrap_or(DEFAULT_PRIORITY),
        metadata: draft.metadata.fields,
        options: draft.options,
        created_at: clock.now(),
        sequence,
        arrival: sequence,
        attempts: 0,
        owner: draft.owner,
        idempotency: draft.idempotency,
        estimated_seconds,
        last_event: 1,
        state: JobState::Queued,
    }
}
