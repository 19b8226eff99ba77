//! The WebSocket commands that submit a recording: from `incoming/`, or in binary frames.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::answers::{JobCreated, UploadAborted};
use super::frames::{Announced, RecordingUpload, UploadReady};
use super::{requests, submission};
use crate::access::Scope;
use crate::access::limits::Budget;
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::ws::{Client, Command};
use crate::intake::fields::Source;
use crate::intake::{JobRequest, Origin};

/// Creates a job from a file in `incoming/`.
#[derive(Deserialize, ToSchema)]
pub(super) struct CreateJob {
    /// The name of a file directly in `incoming/`; required.
    #[serde(default)]
    filename: Option<String>,
    /// The media type of samples without a header; null for a file with a header.
    #[serde(default)]
    #[schema(schema_with = requests::content_type)]
    content_type: Option<String>,
    /// Facts about the call, which are kept and returned.
    #[serde(default)]
    #[schema(schema_with = requests::metadata)]
    metadata: Option<Value>,
    /// The options of the job; the settings decide what is left out.
    #[serde(default)]
    #[schema(schema_with = requests::options)]
    options: Option<Value>,
    /// The client's own key for this request, 1 to 255 characters: repeated with the same key, it makes no second job.
    #[serde(default)]
    idempotency_key: Option<String>,
}

impl Command<AppState> for CreateJob {
    const NAME: &'static str = "create_job";
    const SCOPE: Option<Scope> = Some(Scope::Write);
    const BUDGET: Option<Budget> = Some(Budget::Submissions);
    type Answer = JobCreated;

    async fn run(self, client: &mut Client<AppState>) -> Result<JobCreated, ApiError> {
        let (state, requester) = (client.app.clone(), client.requester.clone());
        let key = self.idempotency_key.as_deref().map(submission::checked_key).transpose()?;
        let admission = submission::admit(&state, &requester, None, key)?;
        let request = JobRequest::check(Source::Field(self.metadata.as_ref()), Source::Field(self.options.as_ref()))?;
        let name = self.filename.ok_or(ApiError::MissingFile)?;
        let declared = submission::declared(self.content_type.as_deref())?;
        let recording = (Origin::Incoming(name), declared);
        let accepted = submission::submit(&state, &requester, admission, recording, request).await?;
        Ok(JobCreated::new(&accepted, &requester))
    }
}

/// Starts the upload of a recording, which follows in binary frames.
#[derive(Deserialize, ToSchema)]
pub(super) struct UploadStart {
    /// The name of the recording, kept as a label.
    #[serde(default)]
    filename: Option<String>,
    /// The media type of samples without a header; null for a file with a header.
    #[serde(default)]
    #[schema(schema_with = requests::content_type)]
    content_type: Option<String>,
    /// Size of the whole recording, in bytes.
    #[schema(minimum = 1)]
    size: u64,
    /// Facts about the call, which are kept and returned.
    #[serde(default)]
    #[schema(schema_with = requests::metadata)]
    metadata: Option<Value>,
    /// The options of the job; the settings decide what is left out.
    #[serde(default)]
    #[schema(schema_with = requests::options)]
    options: Option<Value>,
    /// The client's own key for this request, 1 to 255 characters: repeated with the same key, it makes no second job.
    #[serde(default)]
    idempotency_key: Option<String>,
}

impl Command<AppState> for UploadStart {
    const NAME: &'static str = "upload_start";
    const SCOPE: Option<Scope> = Some(Scope::Write);
    const BUDGET: Option<Budget> = Some(Budget::Submissions);
    type Answer = UploadReady;

    async fn run(self, client: &mut Client<AppState>) -> Result<UploadReady, ApiError> {
        if client.upload.is_some() {
            return Err(ApiError::InvalidRequest("an upload is going on already".to_owned()));
        }
        let announced = Announced {
            filename: self.filename.as_deref(),
            content_type: self.content_type.as_deref(),
            size: self.size,
            metadata: Source::Field(self.metadata.as_ref()),
            options: Source::Field(self.options.as_ref()),
            idempotency_key: self.idempotency_key.as_deref(),
        };
        let upload = RecordingUpload::begin(&client.app, &client.requester, &announced)?;
        let ready = upload.ready();
        client.upload = Some(upload);
        Ok(ready)
    }
}

/// Ends an upload whose bytes have all arrived, and creates its job.
#[derive(Deserialize, ToSchema)]
pub(super) struct UploadFinish {}

impl Command<AppState> for UploadFinish {
    const NAME: &'static str = "upload_finish";
    const SCOPE: Option<Scope> = Some(Scope::Write);
    const BUDGET: Option<Budget> = None;
    type Answer = JobCreated;

    async fn run(self, client: &mut Client<AppState>) -> Result<JobCreated, ApiError> {
        match client.upload.take() {
            None => Err(ApiError::InvalidRequest("there is no upload to finish".to_owned())),
            Some(upload) if !upload.is_whole() => {
                let received = upload.received();
                client.upload = Some(upload);
                Err(ApiError::InvalidRequest(format!("only {received} bytes have arrived yet")))
            }
            Some(upload) => {
                let (state, requester) = (client.app.clone(), client.requester.clone());
                let accepted = upload.finish(&state, &requester).await?;
                Ok(JobCreated::new(&accepted, &requester))
            }
        }
    }
}

/// Aborts the upload and discards what was sent.
#[derive(Deserialize, ToSchema)]
pub(super) struct UploadAbort {}

impl Command<AppState> for UploadAbort {
    const NAME: &'static str = "upload_abort";
    const SCOPE: Option<Scope> = Some(Scope::Write);
    const BUDGET: Option<Budget> = None;
    type Answer = UploadAborted;

    async fn run(self, client: &mut Client<AppState>) -> Result<UploadAborted, ApiError> {
        client.upload = None;
        Ok(UploadAborted {})
    }
}
