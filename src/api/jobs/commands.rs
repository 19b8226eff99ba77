//! The WebSocket commands of jobs: the counterparts of the REST operations, served by the same functions.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answers::{JobAnswer, JobDeleted, JobsAnswer, ResultAnswer};
use super::bodies::uuid;
use super::frames::UploadProgress;
use super::list_query::list_request;
use super::operations::{self, Cancelled};
use super::submit_commands::{CreateJob, UploadAbort, UploadFinish, UploadStart};
use super::{list, result};
use crate::access::Scope;
use crate::access::limits::Budget;
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::query::Parameters;
use crate::http::ws::{Client, Command, Commands};
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
        Ok(JobsAnswer::new(list::list(&client.app, &client.requester, self.request()?)))
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
        ResultAnswer::new(result::read(&state, &requester, job_id(&self.job_id)?).await?).await
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
