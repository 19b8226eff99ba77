//! Positions in the list of jobs.

use crate::jobs::{Job, JobId};

/// A job's position in the list; it never changes, and no two jobs share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListPosition {
    /// The order of creation.
    pub sequence: u64,
    pub id: JobId,
}

impl ListPosition {
    /// The position of this job.
    pub fn of(job: &Job) -> Self {
        Self { sequence: job.sequence, id: job.id }
    }
}
