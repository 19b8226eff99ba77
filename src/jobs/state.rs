//! The states of a job, with the facts that belong to each.

use chrono::{DateTime, Utc};
use strum::{IntoStaticStr, VariantNames};

use super::Failure;
use super::progress::Progress;

/// The state of a job.
#[derive(Debug, Clone, PartialEq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum JobState {
    /// It waits in the queue.
    Queued,
    /// It is being processed.
    Processing {
        /// Start of this attempt.
        started_at: DateTime<Utc>,
        progress: Progress,
    },
    /// It is completed and has a result.
    Completed {
        /// Start of the attempt that succeeded.
        started_at: DateTime<Utc>,
        /// When the result was ready.
        finished_at: DateTime<Utc>,
    },
    /// It has failed, for this reason.
    Failed {
        /// Start of the last attempt, if it came to one.
        started_at: Option<DateTime<Utc>>,
        finished_at: DateTime<Utc>,
        failure: Failure,
        /// Its progress until then; not kept across restarts.
        progress: Option<Progress>,
    },
    /// A client cancelled it.
    Cancelled {
        /// Start of the attempt that was cancelled, if one was started.
        started_at: Option<DateTime<Utc>>,
        /// When it had stopped.
        finished_at: DateTime<Utc>,
        /// Its progress until then; not kept across restarts.
        progress: Option<Progress>,
    },
    /// It had ended, and retention has removed its recording and result since.
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
    pub const NAMES: &[&str] = Self::VARIANTS;

    /// The published name of the state.
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// When the last attempt was started.
    pub const fn started_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Queued => None,
            Self::Processing { started_at, .. } | Self::Completed { started_at, .. } => Some(*started_at),
            Self::Failed { started_at, .. } | Self::Cancelled { started_at, .. } | Self::Archived { started_at, .. } => {
                *started_at
            }
        }
    }

    /// When the job ended, if it has.
    pub const fn finished_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Queued | Self::Processing { .. } => None,
            Self::Completed { finished_at, .. }
            | Self::Failed { finished_at, .. }
            | Self::Cancelled { finished_at, .. }
            | Self::Archived { finished_at, .. } => Some(*finished_at),
        }
    }

    /// When the job came to this state, if the state is a terminal one.
    pub const fn changed_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Archived { archived_at, .. } => Some(*archived_at),
            Self::Queued | Self::Processing { .. } | Self::Completed { .. } | Self::Failed { .. } | Self::Cancelled { .. } => {
                self.finished_at()
            }
        }
    }

    /// Number of events that announce this state: its status, and its outcome when the job has ended.
    pub const fn events(&self) -> u64 {
        if self.is_terminal() { 2 } else { 1 }
    }

    /// The progress of the job now or when it ended, where that is known.
    pub const fn progress(&self) -> Option<Progress> {
        match self {
            Self::Processing { progress, .. } => Some(*progress),
            Self::Failed { progress, .. } | Self::Cancelled { progress, .. } => *progress,
            Self::Queued | Self::Completed { .. } | Self::Archived { .. } => None,
        }
    }

    /// Whether the job has ended: only clients and retention change it from here on.
    pub const fn is_terminal(&self) -> bool {
        match self {
            Self::Queued | Self::Processing { .. } => false,
            Self::Completed { .. } | Self::Failed { .. } | Self::Cancelled { .. } | Self::Archived { .. } => true,
        }
    }
}
