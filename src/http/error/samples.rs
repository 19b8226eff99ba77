//! An instance of every error, for the examples in the interface's description.

use serde_json::json;

use super::{ApiError, Code, FailedCheck, Mistake};
use crate::access::Scope;
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, FailureCode};

impl ApiError {
    /// An error with this code, with likely values.
    pub(crate) fn example(code: Code) -> Self {
        let check = |field: &str, mistake| vec![FailedCheck::new(field, mistake)];
        let found = |text: &str| text.to_owned();
        match code {
            Code::InvalidRequest => Self::InvalidRequest("malformed multipart/form-data: incomplete stream".to_owned()),
            Code::InvalidJson => Self::InvalidJson("expected value at line 1 column 1".to_owned()),
            Code::MissingFile => Self::MissingFile,
            Code::InvalidMetadata => {
                Self::InvalidMetadata(check("metadata.priority", Mistake::OutOfRange { min: 1, max: 10, found: found("11") }))
            }
            Code::InvalidOptions => {
                let mistake = Mistake::NotOneOf { allowed: vec!["auto", "mix", "split"], found: found("\"left\"") };
                Self::InvalidOptions(check("options.channels", mistake))
            }
            Code::InvalidQuery => {
                Self::InvalidQuery(check("query.limit", Mistake::OutOfRange { min: 1, max: 100, found: found("\"0\"") }))
            }
            Code::Unauthorized => Self::Unauthorized,
            Code::Forbidden => Self::Forbidden { scope: Scope::Write },
            Code::JobNotFound => Self::JobNotFound,
            Code::FileNotFound => Self::FileNotFound,
            Code::NotFound => Self::NotFound,
            Code::MethodNotAllowed => Self::MethodNotAllowed,
            Code::RequestTimeout => Self::RequestTimeout,
            Code::ResultNotReady => {
                let job = json!({ "status": "processing", "progress": { "percentage": 45, "current_stage": "diarization" } });
                Self::ResultNotReady { job: Box::new(job), retry_after_seconds: 7 }
            }
            Code::JobFailed => Self::JobFailed(Failure {
                code: FailureCode::ProcessingFailed,
                message: "the model failed".to_owned(),
                stage: Some(Stage::Diarization),
            }),
            Code::JobCancelled => Self::JobCancelled,
            Code::JobFinished => Self::JobFinished { status: "completed" },
            Code::IdempotencyKeyReused => Self::IdempotencyKeyReused,
            Code::ResultArchived => Self::ResultArchived,
            Code::FileTooLarge => Self::FileTooLarge { size: Some(1_073_741_825), limit: 1_073_741_824 },
            Code::RequestTooLarge => Self::RequestTooLarge { limit: 65_536 },
            Code::UnsupportedFormat => Self::UnsupportedFormat("no known container".to_owned()),
            Code::UnsupportedMediaType => {
                Self::UnsupportedMediaType { expected: "multipart/form-data", found: "text/plain".to_owned() }
            }
            Code::RangeNotSatisfiable => Self::RangeNotSatisfiable { size: 1_048_576 },
            Code::InvalidAudio => Self::InvalidAudio("no audio track with a known codec".to_owned()),
            Code::AudioTooLong => Self::AudioTooLong { limit_seconds: 14_400.0 },
            Code::AudioEmpty => Self::AudioEmpty,
            Code::RateLimited => Self::RateLimited { limit: 10, retry_after_seconds: 3 },
            Code::InternalError => Self::Internal(String::new()),
            Code::QueueFull => Self::QueueFull { max_queued: 1000 },
            Code::StorageFull => Self::StorageFull,
            Code::ShuttingDown => Self::ShuttingDown,
            Code::ModelUnavailable => {
                Self::ModelUnavailable { stage: Stage::Transcription, reason: "there is no Whisper model".to_owned() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_has_its_code() {
        for code in Code::ALL {
            assert_eq!(ApiError::example(code).code(), code);
        }
    }
}
