//! The checked metadata and options of a request.

use serde_json::json;

use super::fields::{self, DEFAULT_PRIORITY, Metadata, Source};
use crate::access::KeyId;
use crate::checks::Checks;
use crate::jobs::options::JobOptions;
use crate::jobs::{FileInfo, Idempotency};
use crate::lifecycle::NewJob;

/// Metadata and options of a job to be made.
#[derive(Debug, Default)]
pub(crate) struct JobRequest {
    pub(crate) metadata: Metadata,
    pub(crate) options: JobOptions,
    /// Both in canonical form: equal requests have equal texts, however they were written.
    pub(super) text: String,
}

/// All mistakes in a request.
#[derive(Debug)]
pub(crate) enum InvalidRequest {
    /// Mistakes in the metadata, followed by those in the options.
    Metadata(Checks),
    /// Mistakes in the options alone.
    Options(Checks),
}

impl JobRequest {
    /// Checks both parts of a request.
    pub(crate) fn check(metadata: Source<'_>, options: Source<'_>) -> Result<Self, InvalidRequest> {
        let parsed = (metadata.parsed(), options.parsed());
        match (fields::metadata(&parsed.0), fields::options(&parsed.1)) {
            (Ok(metadata), Ok(options)) => {
                // Only for a request that is right, so that a wrong one costs little.
                let text = json!([parsed.0.as_deref().unwrap_or_default(), parsed.1.as_deref().unwrap_or_default()]).to_string();
                Ok(Self { metadata, options, text })
            }
            (Err(mut checks), options) => {
                checks.append(options.err().unwrap_or_default());
                Err(InvalidRequest::Metadata(checks))
            }
            (Ok(_), Err(checks)) => Err(InvalidRequest::Options(checks)),
        }
    }

    /// Drafts the requested job for this recording.
    pub(super) fn draft(self, file: FileInfo, owner: Option<KeyId>, idempotency: Option<Idempotency>) -> NewJob {
        let Self { metadata, options, .. } = self;
        let priority = metadata.priority.unwrap_or(DEFAULT_PRIORITY);
        NewJob { file, metadata: metadata.fields, options, priority, owner, idempotency }
    }
}
