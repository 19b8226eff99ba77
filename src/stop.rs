//! How one job is told to stop, and why.
//!
//! A [`StopSignal`] is raised once and never lowered: a new job gets a new signal, so a late stop can never hit the
//! job after it. Everything that takes long polls it: at each packet, window and decoder step.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// Why a job was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// A client cancelled the job.
    Cancelled,
    /// A client deleted the job: nothing of it is to remain.
    Deleted,
    /// The job ran longer than `queue.task_timeout`.
    TimedOut,
    /// The process is ending: the job goes back to the queue.
    Shutdown,
}

/// The error of work that was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped")]
pub struct Stopped;

/// A clonable flag that one job's work polls.
#[derive(Debug, Clone, Default)]
pub struct StopSignal(Arc<AtomicU8>);

impl StopSignal {
    /// A signal that has not been raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Raises the signal; the first reason is kept.
    pub fn raise(&self, reason: StopReason) {
        let code = match reason {
            StopReason::Cancelled => 1,
            StopReason::Deleted => 2,
            StopReason::TimedOut => 3,
            StopReason::Shutdown => 4,
        };
        // A deletion outranks a cancellation that came before it: the traces have to go.
        if reason == StopReason::Deleted {
            self.0.store(code, Ordering::Release);
        } else {
            let _already_raised = self.0.compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire);
        }
    }

    /// The reason, once the signal has been raised.
    #[must_use]
    pub fn reason(&self) -> Option<StopReason> {
        match self.0.load(Ordering::Acquire) {
            1 => Some(StopReason::Cancelled),
            2 => Some(StopReason::Deleted),
            3 => Some(StopReason::TimedOut),
            4 => Some(StopReason::Shutdown),
            _ => None,
        }
    }

    /// Whether the signal has been raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire) != 0
    }

    /// Call at every packet, window and decoder step.
    ///
    /// # Errors
    /// [`Stopped`] once the signal has been raised.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.is_raised() { Err(Stopped) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_is_kept() {
        let stop = StopSignal::new();
        assert_eq!(stop.check(), Ok(()));
        stop.raise(StopReason::Cancelled);
        stop.raise(StopReason::TimedOut);
        assert_eq!(stop.reason(), Some(StopReason::Cancelled));
        assert_eq!(stop.check(), Err(Stopped));
    }

    #[test]
    fn a_deletion_outranks_a_cancellation() {
        let stop = StopSignal::new();
        stop.raise(StopReason::Cancelled);
        stop.raise(StopReason::Deleted);
        assert_eq!(stop.reason(), Some(StopReason::Deleted));
    }
}
