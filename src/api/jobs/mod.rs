//! Jobs: send a recording or take one from `incoming/`, list and look at jobs, fetch result and recording, cancel, retry,
//! delete.

mod accepted;
mod annotation;
pub(crate) mod answers;
mod audio;
pub(crate) mod bodies;
pub(crate) mod commands;
mod create;
pub(crate) mod examples;
pub(crate) mod frames;
mod handlers;
mod list;
pub(crate) mod list_query;
pub(crate) mod operations;
pub(crate) mod parameters;
pub(crate) mod requests;
pub(crate) mod response_cache;
pub(crate) mod result;
mod submission;
mod submit_commands;
mod take;
mod upload;

use serde_json::{Map, Value, json};
use utoipa_axum::routes;

use super::state::AppState;
use crate::http::error::Code;
use crate::http::routes::{CACHE_CONTROL, CONTENT_RANGE, Counterpart, ETAG, Header, Operation, Parameter, Routes, any_text};
use parameters::{JOB_ID, LAST_SEQ, PREFER, WAIT};

const IF_NONE_MATCH: Parameter =
    Parameter::header("IfNoneMatch", "If-None-Match", any_text, "The `ETag` of the result that the client has.");
const RANGE: Parameter = Parameter::header("Range", "Range", any_text, "The part that is wanted, for example `bytes=0-65535`.");
const IF_RANGE: Parameter =
    Parameter::header("IfRange", "If-Range", any_text, "The `ETag` of the recording of which the client has a part.");

const PREFERENCE_APPLIED: Header = Header::text("Preference-Applied", "The preference that was kept to, for example `wait=30`.");
const ACCEPT_RANGES: Header = Header::text("Accept-Ranges", "`bytes`: parts can be asked for.");
const CONTENT_DISPOSITION: Header = Header::text("Content-Disposition", "The name to save it under.");

/// The routes of jobs, their recordings and their results.
pub(super) fn routes() -> Routes<AppState> {
    let routes = Routes::new()
        .tag("Jobs", "Recordings, how far they are, and what came out")
        .operation(
            routes!(handlers::list_jobs),
            Operation::read(Counterpart::Commands(&["list_jobs"]))
                .parameters(&list_query::PARAMETERS)
                .codes(&[Code::InvalidQuery]),
        )
        .operation(
            routes!(create::create_job),
            Operation::submit(Counterpart::Commands(&["create_job", "upload_start"]))
                .parameters(&accepted::KEY_PARAMETERS)
                .codes(&[
                    Code::InvalidJson,
                    Code::MissingFile,
                    Code::InvalidMetadata,
                    Code::InvalidOptions,
                    Code::FileNotFound,
                    Code::RequestTimeout,
                    Code::IdempotencyKeyReused,
                    Code::FileTooLarge,
                    Code::RequestTooLarge,
                    Code::UnsupportedFormat,
                    Code::UnsupportedMediaType,
                    Code::InvalidAudio,
                    Code::AudioTooLong,
                    Code::AudioEmpty,
                    Code::QueueFull,
                    Code::StorageFull,
                    Code::ShuttingDown,
                    Code::ModelUnavailable,
                ])
                .headers(&[("201", &accepted::HEADERS)])
                .finish(describe_creation),
        )
        .operation(
            routes!(handlers::get_job),
            Operation::read(Counterpart::Commands(&["get_job"]))
                .parameters(&[JOB_ID, WAIT, LAST_SEQ, PREFER])
                .codes(&[Code::InvalidQuery, Code::JobNotFound])
                .headers(&[("200", &[PREFERENCE_APPLIED])]),
        )
        .operation(
            routes!(handlers::delete_job),
            Operation::write(Counterpart::Commands(&["delete_job"])).parameters(&[JOB_ID]).codes(&[Code::JobNotFound]),
        )
        .operation(
            routes!(handlers::get_result),
            Operation::read(Counterpart::Commands(&["get_result"]))
                .parameters(&[JOB_ID, IF_NONE_MATCH])
                .codes(&[Code::JobNotFound, Code::ResultNotReady, Code::JobFailed, Code::JobCancelled, Code::ResultArchived])
                .headers(&[("200", &[ETAG, CACHE_CONTROL]), ("304", &[ETAG, CACHE_CONTROL])]),
        )
        .operation(
            routes!(handlers::cancel_job),
            Operation::write(Counterpart::Commands(&["cancel_job"]))
                .parameters(&[JOB_ID])
                .codes(&[Code::JobNotFound, Code::JobFinished]),
        )
        .operation(
            routes!(handlers::retry_job),
            Operation::write(Counterpart::Commands(&["retry_job"])).parameters(&[JOB_ID]).codes(&[
                Code::JobNotFound,
                Code::FileNotFound,
                Code::JobFinished,
                Code::QueueFull,
                Code::StorageFull,
                Code::ShuttingDown,
            ]),
        )
        .operation(
            routes!(audio::get_audio),
            Operation::read(Counterpart::None("a recording is a file to be downloaded, in parts when need be; HTTP has that"))
                .parameters(&[JOB_ID, RANGE, IF_RANGE])
                .codes(&[Code::JobNotFound, Code::FileNotFound, Code::ResultArchived, Code::RangeNotSatisfiable])
                .headers(&[
                    ("200", &[ETAG, CACHE_CONTROL, ACCEPT_RANGES, CONTENT_DISPOSITION]),
                    ("206", &[ETAG, CACHE_CONTROL, ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE]),
                ]),
        );
    let routes = requests::schemas().into_iter().fold(routes, |routes, (name, schema)| routes.schema(name, schema));
    examples::all().into_iter().fold(routes, |routes, (name, example)| routes.example(name, example))
}

/// Adds the parts of a form and the links from a new job.
fn describe_creation(operation: &mut Value) {
    let ids = ["get_job", "get_result", "get_events", "get_audio", "cancel_job", "retry_job", "delete_job"];
    let link = json!({ "job_id": "$response.body#/job_id" });
    let links: Map<_, _> = ids.map(|id| (id.to_owned(), json!({ "operationId": id, "parameters": link }))).into_iter().collect();
    operation["responses"]["201"]["links"] = links.into();
    operation["requestBody"]["content"]["multipart/form-data"]["encoding"] = json!({
        "file": { "contentType": "audio/*, application/octet-stream" },
        "metadata": { "contentType": "application/json" },
        "options": { "contentType": "application/json" },
    });
}
