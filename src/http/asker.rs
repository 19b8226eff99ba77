//! Whoever makes a request or sends a command: who it is, and in which language it is answered.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::access::Caller;
use crate::jobs::{Failure, Job};

/// Whoever asks.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    /// What it may do and see.
    pub(super) caller: Caller,
}

impl Asker {
    /// Whether it may know of this job.
    pub(super) fn sees(&self, job: &Job) -> bool {
        self.caller.sees(job.owner.as_ref())
    }

    /// Why a job failed, for people.
    #[expect(clippy::unused_self, reason = "the language comes with it")]
    pub(super) fn failure_message(&self, failure: &Failure) -> String {
        failure.message.clone()
    }

    /// That a job was cancelled, for people.
    #[expect(clippy::unused_self, reason = "the language comes with it")]
    pub(super) fn cancelled_message(&self) -> String {
        "The job was cancelled".to_owned()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { caller: parts.extensions.get::<Caller>().cloned().unwrap_or_else(Caller::anybody) })
    }
}
