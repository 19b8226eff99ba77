//! Whoever makes a request or sends a command: who it is, and in which language it is answered.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::error::{ApiError, failure_message};
use super::guard::Visitor;
use crate::access::Caller;
use crate::jobs::{Failure, Job};
use crate::messages::Language;

/// Whoever asks.
#[derive(Debug, Clone)]
pub(super) struct Requester {
    /// What it may do and see.
    pub(super) caller: Caller,
    /// The language of messages for people.
    pub(super) language: Language,
}

impl Requester {
    /// Whether it may know of this job.
    pub(super) fn sees(&self, job: &Job) -> bool {
        self.caller.sees(job.owner.as_ref())
    }

    /// Why a job failed, for people.
    pub(super) fn failure_message(&self, failure: &Failure) -> String {
        failure_message(failure, self.language)
    }

    /// That a job was cancelled, for people.
    pub(super) fn cancelled_message(&self) -> String {
        ApiError::JobCancelled.message(self.language)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Requester {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Never missing behind the guard; a stranger is nobody, not anybody.
        let caller = parts.extensions.get::<Visitor>().and_then(|visitor| visitor.caller.clone()).unwrap_or_else(Caller::nobody);
        let language = parts.extensions.get().copied().unwrap_or_else(Language::english);
        Ok(Self { caller, language })
    }
}
