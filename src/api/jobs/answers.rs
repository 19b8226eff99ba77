//! The answers to the WebSocket commands of jobs.

use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use super::bodies::{JobBody, JobFields, PageMeta, status_schema, uuid};
use super::list::{ListPage, NO_JOBS};
use super::result::{NO_ANNOTATION, ResultFile};
use crate::http::error::ApiError;
use crate::http::outgoing::Outgoing;
use crate::http::requester::Requester;
use crate::http::ws::{Answer, Reply};
use crate::lifecycle::Accepted;

/// A job was created, now or by an earlier request.
#[derive(Serialize, ToSchema)]
pub(super) struct JobCreated {
    /// The job as it was accepted.
    job: Box<JobBody>,
    /// Whether an earlier request with the same idempotency key created it.
    replayed: bool,
}

impl JobCreated {
    pub(super) fn new(accepted: &Accepted, requester: &Requester) -> Self {
        let (job, replayed) = match accepted {
            Accepted::New(job) => (job, false),
            Accepted::Replayed(job) => (job, true),
        };
        Self { job: Box::new(JobBody::as_accepted(job, requester)), replayed }
    }
}

impl Answer for JobCreated {
    const NAME: &'static str = "job_created";
}

/// The upload was aborted, and the bytes that had arrived were discarded.
#[derive(Serialize, ToSchema)]
pub(super) struct UploadAborted {}

impl Answer for UploadAborted {
    const NAME: &'static str = "upload_aborted";
}

/// The answer to `get_job`, `cancel_job` and `retry_job`.
#[derive(Serialize, ToSchema)]
pub(super) struct JobAnswer {
    /// The job as it stands.
    job: Box<JobBody>,
}

impl JobAnswer {
    pub(super) fn new(job: JobBody) -> Self {
        Self { job: Box::new(job) }
    }
}

impl Answer for JobAnswer {
    const NAME: &'static str = "job";
}

/// The answer to `list_jobs`.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobsAnswer {
    /// The jobs of this page, each with all its fields or with the requested ones; empty if there are none.
    #[schema(value_type = Vec<JobFields>)]
    data: [(); 0],
    /// The position of the page in the list.
    meta: PageMeta,
    /// What is sent in place of the empty `data`.
    #[serde(skip)]
    #[schema(ignore)]
    jobs: Outgoing,
}

impl JobsAnswer {
    pub(super) fn new(page: ListPage) -> Self {
        Self { data: [], meta: page.meta, jobs: page.jobs }
    }
}

impl Answer for JobsAnswer {
    const NAME: &'static str = "jobs";

    fn into_reply(self) -> Reply {
        Reply::new(&self).fill(NO_JOBS, self.jobs)
    }
}

/// The answer to `get_result`.
#[derive(Serialize, ToSchema)]
pub(super) struct ResultAnswer {
    /// The id of the job.
    job_id: Uuid,
    /// Always `completed`: no other job has a result.
    #[schema(schema_with = status_schema)]
    status: &'static str,
    /// The annotation of the recording.
    #[schema(value_type = crate::document::Document)]
    result: &'static RawValue,
    /// What is sent in place of the empty `result`.
    #[serde(skip)]
    #[schema(ignore)]
    annotation: Outgoing,
}

impl ResultAnswer {
    pub(super) async fn new(file: ResultFile) -> Result<Self, ApiError> {
        let (job_id, status) = (uuid(file.job.id), file.job.state.name());
        Ok(Self { job_id, status, result: RawValue::NULL, annotation: file.annotation().await? })
    }
}

impl Answer for ResultAnswer {
    const NAME: &'static str = "result";

    fn into_reply(self) -> Reply {
        Reply::new(&self).fill(NO_ANNOTATION, self.annotation)
    }
}

/// The job was deleted: the answer to `delete_job`, also sent to every session that follows the job.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobDeleted {
    /// The id of the job.
    pub(crate) job_id: Uuid,
}

impl Answer for JobDeleted {
    const NAME: &'static str = "job_deleted";
}
