//! Where a job stands, and which ways lead out of there.

use chrono::{DateTime, Utc};

use super::Failure;
use super::progress::Progress;

/// Where a job stands, with what belongs to that.
#[derive(Debug, Clone, PartialEq)]
pub enum JobState {
    /// Waiting.
    Queued,
    /// Being worked on.
    Processing {
        /// Since when.
        started_at: DateTime<Utc>,
        /// How far.
        progress: Progress,
    },
    /// There is a result.
    Completed {
        /// Start of the attempt that succeeded.
        started_at: DateTime<Utc>,
        /// When the result was ready.
        finished_at: DateTime<Utc>,
    },
    /// There is none, and this is why.
    Failed {
        /// Start of the last attempt, if it came to one.
        started_at: Option<DateTime<Utc>>,
        /// When it failed.
        finished_at: DateTime<Utc>,
        /// Why.
        failure: Failure,
        /// How far it had come, while this server remembers.
        progress: Option<Progress>,
    },
    /// A client did not want it any more.
    Cancelled {
        /// Start of the attempt that was cancelled, if it had begun.
        started_at: Option<DateTime<Utc>>,
        /// When it had stopped.
        finished_at: DateTime<Utc>,
        /// How far it had come, while this server remembers.
        progress: Option<Progress>,
    },
    /// It had ended, and its recording and result were removed since.
    Archived {
        /// Start of the last attempt, if it came to one.
        started_at: Option<DateTime<Utc>>,
        /// When it had ended.
        finished_at: DateTime<Utc>,
        /// When they were removed.
        archived_at: DateTime<Utc>,
    },
}

impl JobState {
    /// The published names, in the order of a job's life.
    pub const NAMES: [&str; 6] = ["queued", "processing", "completed", "failed", "cancelled", "archived"];

    /// The published name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing { .. } => "processing",
            Self::Completed { .. } => "completed",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
            Self::Archived { .. } => "archived",
        }
    }

    /// When the last attempt was begun.
    pub const fn started_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Queued => None,
            Self::Processing { started_at, .. } | Self::Completed { started_at, .. } => Some(*started_at),
            Self::Failed { started_at, .. } | Self::Cancelled { started_at, .. } | Self::Archived { started_at, .. } => {
                *started_at
            }
        }
    }

    /// When it ended.
    pub const fn finished_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Queued | Self::Processing { .. } => None,
            Self::Completed { finished_at, .. }
            | Self::Failed { finished_at, .. }
            | Self::Cancelled { finished_at, .. }
            | Self::Archived { finished_at, .. } => Some(*finished_at),
        }
    }

    /// When it came to this state, if that is the last one by itself.
    pub const fn changed_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Archived { archived_at, .. } => Some(*archived_at),
            Self::Queued | Self::Processing { .. } | Self::Completed { .. } | Self::Failed { .. } | Self::Cancelled { .. } => {
                self.finished_at()
            }
        }
    }

    /// How many events tell of it: where the job stands, and what came out when it has ended.
    pub const fn events(&self) -> u64 {
        if self.is_terminal() { 2 } else { 1 }
    }

    /// How far it is or had come, where that is known.
    pub const fn progress(&self) -> Option<Progress> {
        match self {
            Self::Processing { progress, .. } => Some(*progress),
            Self::Failed { progress, .. } | Self::Cancelled { progress, .. } => *progress,
            Self::Queued | Self::Completed { .. } | Self::Archived { .. } => None,
        }
    }

    /// Whether it will not change any more by itself.
    pub const fn is_terminal(&self) -> bool {
        match self {
            Self::Queued | Self::Processing { .. } => false,
            Self::Completed { .. } | Self::Failed { .. } | Self::Cancelled { .. } | Self::Archived { .. } => true,
        }
    }
}
