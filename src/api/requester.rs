//! Which jobs a requester may see, and the messages about them in its language.

use crate::http::error::{ApiError, failure_message};
use crate::http::requester::Requester;
use crate::jobs::{Failure, Job};

impl Requester {
    /// Whether the requester may see this job.
    pub(crate) fn sees(&self, job: &Job) -> bool {
        self.caller.sees(job.owner.as_ref())
    }

    /// Why a job failed, for people.
    pub(crate) fn failure_message(&self, failure: &Failure) -> String {
        failure_message(failure, self.language)
    }

    /// The message of a cancelled job, for people.
    pub(crate) fn cancelled_message(&self) -> String {
        ApiError::JobCancelled.message(self.language)
    }
}
