//! The events of jobs: numbered notifications of every change, from which WebSocket, Server-Sent Events, event lists and long
//! polls are served.

use chrono::{DateTime, Utc};

use super::JobState;

/// One change of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Grows with every event of the job and is never reused, not even across restarts.
    pub number: u64,
    /// When the job changed.
    pub at: DateTime<Utc>,
    /// The state of the job from then on.
    pub state: JobState,
    /// When the job was expected to be done, as estimated at that moment.
    pub estimated_completion: Option<DateTime<Utc>>,
    pub kind: EventKind,
}

/// What an event announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// The state of the job.
    Status,
    /// The result, or why there is none. Follows the status of every job that has ended.
    Outcome,
}
