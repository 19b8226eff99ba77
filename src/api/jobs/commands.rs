//! The WebSocket commands of jobs: the counterparts of the REST operations, served by the same functions.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answers::{JobAnswer, JobCreated, JobDeleted, JobsAnswer, ResultAnswer, UploadAborted};
use super::bodies::uuid;
use super::frames::{Announced, RecordingUpload, UploadProgress, UploadReady};
use super::list_query::list_request;
use super::operations::{self, Cancelled};
use super::requests;
use super::{list, result, submission};
use crate::access::Scope;
use crate::access::limits::Budget;
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::query::Parameters;
use crate::http::ws::{Client, Command, Commands};
use crate::intake::fields::Source;
use crate::intake::{JobRequest, Origin};
use crate::jobs::JobId;

/// Adds the commands of jobs.
pub(crate) fn commands(commands: Commands<AppState>) -> Commands<AppState> {
    commands
        .command::<CreateJob>()
        .command::<UploadStart>()
        .command::<UploadFinish>()
        .command::<UploadAbort>()
        .command::<GetJob>()
        .command::<ListJobs>()
        .command::<GetResult>()
        .command::<CancelJob>()
        .command::<RetryJob>()
        .command::<DeleteJob>()
        .answer::<UploadProgress>()
}

/// Reads a job id. A text that is no id is answered like an unknown job.
pub(crate) fn job_id(text: &str) -> Result<JobId, ApiError> {
    text.parse().map_err(|_| ApiError::JobNotFound)
}

/// Creates a job from a file in `incoming/`.
#[derive(Deserialize, ToSchema)]
struct CreateJob {
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
struct UploadStart {
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
        let (state, requester) = (client.app.clone(), client.requester.clone());
        let upload = RecordingUpload::begin(&state, &requester, announced).await?;
        let ready = upload.ready();
        client.upload = Some(upload);
        Ok(ready)
    }
}

/// Ends an upload whose bytes have all arrived, and creates its job.
#[derive(Deserialize, ToSchema)]
struct UploadFinish {}

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
struct UploadAbort {}

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

/// Requests a job as it stands.
#[derive(Deserialize, ToSchema)]
struct GetJob {
    /// The id of the job, a UUID.
    job_id: String,
}

impl Command<AppState> for GetJob {
    const NAME: &'static str = "get_job";
    const SCOPE: Option<Scope> = Some(Scope::Read);
    const BUDGET: Option<Budget> = Some(Budget::Reads);
    type Answer = JobAnswer;

    async fn run(self, client: &mut Client<AppState>) -> Result<JobAnswer, ApiError> {
        Ok(JobAnswer::new(operations::get(&client.app, &client.requester, job_id(&self.job_id)?)?))
    }
}

/// Requests a page of the list of jobs; the fields are the parameters of `GET /jobs`.
#[derive(Deserialize, ToSchema)]
pub(crate) struct ListJobs {
    /// `limit`, `cursor`, `status` (a text or an array), `created_after`, `created_before`, `external_id`, `filename`,
    /// `sort`, `fields` (a text or an array).
    #[serde(flatten)]
    #[schema(value_type = Object)]
    parameters: Map<String, Value>,
}

impl ListJobs {
    /// The parameters, read as those of `GET /jobs`.
    pub(crate) fn request(&self) -> Result<list::ListRequest, ApiError> {
        list_request(Parameters::from_fields(&self.parameters))
    }
}

impl Command<AppState> for ListJobs {
    const NAME: &'static str = "list_jobs";
    const SCOPE: Option<Scope> = Some(Scope::Read);
    const BUDGET: Option<Budget> = Some(Budget::Reads);
    type Answer = JobsAnswer;

    async fn run(self, client: &mut Client<AppState>) -> Result<JobsAnswer, ApiError> {
        let page = list::list(&client.app, &client.requester, &self.request()?)?;
        Ok(JobsAnswer { data: page.data, meta: page.meta })
    }
}

/// Requests the result of a completed job.
#[derive(Deserialize, ToSchema)]
struct GetResult {
    /// The id of the job, a UUID.
    job_id: String,
}

impl Command<AppState> for GetResult {
    const NAME: &'static str = "get_result";
    const SCOPE: Option<Scope> = Some(Scope::Read);
    const BUDGET: Option<Budget> = Some(Budget::Reads);
    type Answer = ResultAnswer;

    async fn run(self, client: &mut Client<AppState>) -> Result<ResultAnswer, ApiError> {
        let (state, requester) = (client.app.clone(), client.requester.clone());
        ResultAnswer::new(&result::read(&state, &requester, job_id(&self.job_id)?).await?)
    }
}

/// Cancels a waiting or running job and keeps its recording.
#[derive(Deserialize, ToSchema)]
struct CancelJob {
    /// The id of the job, a UUID.
    job_id: String,
}

impl Command<AppState> for CancelJob {
    const NAME: &'static str = "cancel_job";
    const SCOPE: Option<Scope> = Some(Scope::Write);
    const BUDGET: Option<Budget> = Some(Budget::Reads);
    type Answer = JobAnswer;

    async fn run(self, client: &mut Client<AppState>) -> Result<JobAnswer, ApiError> {
        let (state, requester) = (client.app.clone(), client.requester.clone());
        let (Cancelled::Done(job) | Cancelled::Stopping(job)) =
            operations::cancel(&state, &requester, job_id(&self.job_id)?).await?;
        Ok(JobAnswer::new(job))
    }
}

/// Queues a failed or cancelled job again.
#[derive(Deserialize, ToSchema)]
struct RetryJob {
    /// The id of the job, a UUID.
    job_id: String,
}

impl Command<AppState> for RetryJob {
    const NAME: &'static str = "retry_job";
    const SCOPE: Option<Scope> = Some(Scope::Write);
    const BUDGET: Option<Budget> = Some(Budget::Reads);
    type Answer = JobAnswer;

    async fn run(self, client: &mut Client<AppState>) -> Result<JobAnswer, ApiError> {
        let (state, requester) = (client.app.clone(), client.requester.clone());
        Ok(JobAnswer::new(operations::retry(&state, &requester, job_id(&self.job_id)?).await?))
    }
}

/// Removes a job with its recording, result and every trace.
#[derive(Deserialize, ToSchema)]
struct DeleteJob {
    /// The id of the job, a UUID.
    job_id: String,
}

impl Command<AppState> for DeleteJob {
    const NAME: &'static str = "delete_job";
    const SCOPE: Option<Scope> = Some(Scope::Write);
    const BUDGET: Option<Budget> = Some(Budget::Reads);
    type Answer = JobDeleted;

    async fn run(self, client: &mut Client<AppState>) -> Result<JobDeleted, ApiError> {
        let id = job_id(&self.job_id)?;
        let (state, requester) = (client.app.clone(), client.requester.clone());
        operations::delete(&state, &requester, id).await?;
        // This answer says it; a session that is bound to the job is closed by the end of its subscription.
        if !client.is_bound_to(id) {
            client.drop_subscription(id);
        }
        Ok(JobDeleted { job_id: uuid(id) })
    }
}
