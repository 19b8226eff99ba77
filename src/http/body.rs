//! The JSON bodies of jobs, as the contract has them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::jobs::progress::Progress;
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, Job, JobState};

/// What `GET /info` lists: the seed's four, and what else is decoded.
pub(super) const SUPPORTED_FORMATS: [&str; 9] = ["wav", "mp3", "flac", "opus", "ogg", "m4a", "aac", "aiff", "mkv"];

/// A time as published.
pub(super) fn time(time: DateTime<Utc>) -> Value {
    Value::String(time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// The body of `GET /jobs/{job_id}`.
pub(super) fn job(job: &Job, estimated_completion: Option<DateTime<Utc>>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("job_id".to_owned(), json!(job.id.to_string()));
    body.insert("status".to_owned(), json!(job.state.name()));
    body.insert("progress".to_owned(), progress(job, estimated_completion));
    body.insert("created_at".to_owned(), time(job.created_at));
    let (started_at, completed_at, failed) = match &job.state {
        JobState::Queued => (None, None, None),
        JobState::Processing { started_at, .. } => (Some(*started_at), None, None),
        JobState::Completed { started_at, finished_at } => (Some(*started_at), Some(*finished_at), None),
        JobState::Failed { started_at, finished_at, failure, .. } => (*started_at, Some(*finished_at), Some(failure)),
    };
    body.insert("started_at".to_owned(), started_at.map_or(Value::Null, time));
    body.insert("completed_at".to_owned(), completed_at.map_or(Value::Null, time));
    body.insert("estimated_completion".to_owned(), estimated_completion.map_or(Value::Null, time));
    body.insert("file_info".to_owned(), file_info(job));
    body.insert("metadata".to_owned(), Value::Object(job.metadata.clone()));
    body.insert("priority".to_owned(), json!(job.priority));
    body.insert("attempts".to_owned(), json!(job.attempts));
    if let Some(failed) = failed {
        body.insert("error".to_owned(), failure(failed));
    }
    body.insert("progress_url".to_owned(), json!(format!("/api/v1/jobs/{}", job.id)));
    body.insert("result_url".to_owned(), json!(format!("/api/v1/jobs/{}/result", job.id)));
    body.insert("websocket_url".to_owned(), json!(format!("/ws/{}", job.id)));
    body
}

/// Why a job failed.
pub(super) fn failure(failure: &Failure) -> Value {
    json!({ "code": failure.code.name(), "message": failure.message, "stage": failure.stage.map(Stage::name) })
}

/// How far a job is.
pub(super) fn progress(job: &Job, estimated_completion: Option<DateTime<Utc>>) -> Value {
    let names = |stages: &mut dyn Iterator<Item = Stage>| stages.map(Stage::name).collect::<Vec<_>>();
    let mut body = match &job.state {
        JobState::Queued => json!({
            "percentage": 0, "current_stage": null, "stage_progress": 0,
            "stages_completed": [], "stages_remaining": names(&mut Stage::ALL.into_iter()),
        }),
        JobState::Processing { progress, .. } => json!({
            "percentage": progress.percent,
            "current_stage": progress.stage.name(),
            "stage_progress": progress.stage_percent,
            "stages_completed": names(&mut progress.completed()),
            "stages_remaining": names(&mut progress.remaining()),
        }),
        JobState::Completed { .. } => json!({
            "percentage": 100, "current_stage": Stage::Annotation.name(), "stage_progress": 100,
            "stages_completed": names(&mut Stage::ALL.into_iter()), "stages_remaining": [],
        }),
        JobState::Failed { failure, progress, .. } => {
            // How far it had come; after a restart only the stage is known.
            let progress = progress.unwrap_or_else(|| Progress::at(failure.stage.unwrap_or(Stage::Validation)));
            json!({
                "percentage": progress.percent,
                "current_stage": failure.stage.map(Stage::name),
                "stage_progress": progress.stage_percent,
                "stages_completed": names(&mut progress.completed()),
                "stages_remaining": names(&mut progress.remaining()),
            })
        }
    };
    if let (Some(object), Some(at)) = (body.as_object_mut(), estimated_completion) {
        object.insert("estimated_completion".to_owned(), time(at));
    }
    body
}

fn file_info(job: &Job) -> Value {
    json!({
        "filename": job.file.filename,
        "size": job.file.size_bytes,
        "format": job.file.format,
        "codec": job.file.codec,
        "duration": job.file.duration_seconds,
        "sample_rate": job.file.sample_rate,
        "channels": job.file.channels,
    })
}

/// Bytes in the largest unit that leaves a short number.
pub(super) fn human_bytes(bytes: u64) -> String {
    let units = ["bytes", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{}{}", (value * 10.0).round() / 10.0, units[unit]) }
}
