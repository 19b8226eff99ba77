//! What a client can say. Each command is the counterpart of a REST operation, served by the same function.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::access::Scope;
use crate::access::limits::Budget;
use crate::http::openapi::requests;

/// A message from a client. Each may carry a `request_id`, which the answer repeats; unknown fields are ignored.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::http) enum Command {
    /// Asks for a `pong`.
    Ping {},
    /// Shows a key. Must come first where keys are asked for and the upgrade had none.
    Authenticate {
        /// The secret.
        key: String,
    },
    /// Follows a job: its present state, or everything after `last_seq`, and all that comes.
    SubscribeJob {
        /// Names the job.
        job_id: String,
        /// The number of the last event that the client knows of.
        #[serde(default)]
        last_seq: Option<u64>,
    },
    /// Follows it no longer.
    UnsubscribeJob {
        /// Names the job.
        job_id: String,
    },
    /// Makes a job of a file that lies in `incoming/`.
    CreateJob {
        /// Its name.
        #[serde(default)]
        filename: Option<String>,
        /// What it holds when it has no header.
        #[serde(default)]
        #[schema(schema_with = requests::content_type)]
        content_type: Option<String>,
        /// About the call.
        #[serde(default)]
        #[schema(schema_with = requests::metadata)]
        metadata: Option<Value>,
        /// What to do with it.
        #[serde(default)]
        #[schema(schema_with = requests::options)]
        options: Option<Value>,
        /// The client's own name for this request.
        #[serde(default)]
        idempotency_key: Option<String>,
    },
    /// Begins to send a recording; binary frames follow.
    UploadStart {
        /// A label.
        #[serde(default)]
        filename: Option<String>,
        /// What it holds when it has no header.
        #[serde(default)]
        #[schema(schema_with = requests::content_type)]
        content_type: Option<String>,
        /// Of the whole recording, in bytes.
        #[schema(minimum = 1)]
        size: u64,
        /// About the call.
        #[serde(default)]
        #[schema(schema_with = requests::metadata)]
        metadata: Option<Value>,
        /// What to do with it.
        #[serde(default)]
        #[schema(schema_with = requests::options)]
        options: Option<Value>,
        /// The client's own name for this request.
        #[serde(default)]
        idempotency_key: Option<String>,
    },
    /// All bytes were sent: make a job of them.
    UploadFinish {},
    /// Forget what was sent.
    UploadAbort {},
    /// Asks for a job.
    GetJob {
        /// Names the job.
        job_id: String,
    },
    /// Asks for jobs; the fields are the parameters of `GET /jobs`.
    ListJobs {
        /// `limit`, `cursor`, `status` (a text or an array), `created_after`, `created_before`, `external_id`, `filename`,
        /// `sort`, `fields` (a text or an array).
        #[serde(flatten)]
        #[schema(value_type = Object)]
        parameters: serde_json::Map<String, Value>,
    },
    /// Asks for the result of a job.
    GetResult {
        /// Names the job.
        job_id: String,
    },
    /// Cancels a job.
    CancelJob {
        /// Names the job.
        job_id: String,
    },
    /// Queues a failed or cancelled job again.
    RetryJob {
        /// Names the job.
        job_id: String,
    },
    /// Removes a job with all its traces.
    DeleteJob {
        /// Names the job.
        job_id: String,
    },
    /// Asks for the queue's state.
    GetQueueStatus {},
    /// Asks for the server's health.
    GetHealth {},
    /// Asks what the server is and can do.
    GetInfo {},
}

impl Command {
    /// Which budget it is paid from; none: it costs nothing.
    pub(super) const fn budget(&self) -> Option<Budget> {
        match self {
            Self::Ping {} | Self::UploadFinish {} | Self::UploadAbort {} => None,
            Self::CreateJob { .. } | Self::UploadStart { .. } => Some(Budget::Submissions),
            Self::Authenticate { .. }
            | Self::SubscribeJob { .. }
            | Self::UnsubscribeJob { .. }
            | Self::GetJob { .. }
            | Self::ListJobs { .. }
            | Self::GetResult { .. }
            | Self::CancelJob { .. }
            | Self::RetryJob { .. }
            | Self::DeleteJob { .. }
            | Self::GetQueueStatus {}
            | Self::GetHealth {}
            | Self::GetInfo {} => Some(Budget::Reads),
        }
    }

    /// What a key must allow for this; none: everybody may.
    pub(super) const fn scope(&self) -> Option<Scope> {
        match self {
            Self::Ping {} | Self::Authenticate { .. } | Self::GetHealth {} | Self::GetInfo {} => None,
            Self::SubscribeJob { .. }
            | Self::UnsubscribeJob { .. }
            | Self::GetJob { .. }
            | Self::ListJobs { .. }
            | Self::GetResult { .. }
            | Self::GetQueueStatus {} => Some(Scope::Read),
            Self::CreateJob { .. }
            | Self::UploadStart { .. }
            | Self::UploadFinish {}
            | Self::UploadAbort {}
            | Self::CancelJob { .. }
            | Self::RetryJob { .. }
            | Self::DeleteJob { .. } => Some(Scope::Write),
        }
    }
}
