//! What is told of a job, numbered: the present and the last few hundred changes.
//!
//! Every event has a number that grows and is never given twice, not even across restarts: a client that was cut off names
//! the last one it saw and misses nothing. A run of a job makes little more than a hundred events, since progress is told in
//! whole percents, so the bound is met by jobs alone that were begun several times.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::JobState;

/// Most events kept of a job: two runs and more.
const KEPT: usize = 256;

/// More than one run of a job can tell: a record that is written when a run begins sets so many numbers aside, and a
/// server that died during the run goes on behind them.
pub const NUMBERS_OF_A_RUN: u64 = 1000;

/// One change of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Grows with every event of the job.
    pub number: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The job from then on.
    pub state: JobState,
    /// When the job was expected to be done, as seen then.
    pub estimated_completion: Option<DateTime<Utc>>,
    /// Which of the two kinds it is.
    pub kind: EventKind,
}

/// What an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// Where the job stands.
    Status,
    /// What came out of it: the result, or why there is none. Follows the status of every job that has ended.
    Outcome,
}

/// The events of one job.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    last: u64,
    kept: VecDeque<Arc<Event>>,
}

impl EventLog {
    /// A log of a job that was found in this state; `last` is the number of its last event.
    pub(super) fn resume(last: u64, at: DateTime<Utc>, state: &JobState) -> Self {
        let told = state.events();
        let mut log = Self { last: last.max(told) - told, kept: VecDeque::new() };
        log.tell(at, state, None);
        log
    }

    /// The number of the last event.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Notes the present state, and the outcome when there is one. The number of the last event from then on.
    pub(super) fn tell(&mut self, at: DateTime<Utc>, state: &JobState, estimated_completion: Option<DateTime<Utc>>) -> u64 {
        self.push(at, state, estimated_completion, EventKind::Status);
        if state.is_terminal() {
            self.push(at, state, None, EventKind::Outcome);
        }
        self.last
    }

    fn push(&mut self, at: DateTime<Utc>, state: &JobState, estimated_completion: Option<DateTime<Utc>>, kind: EventKind) {
        self.last += 1;
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        let event = Event { number: self.last, at, state: state.clone(), estimated_completion, kind };
        self.kept.push_back(Arc::new(event));
    }

    /// The events after this number; all when the number was never given.
    pub(super) fn after(&self, number: u64) -> Vec<Arc<Event>> {
        let number = if number > self.last { 0 } else { number };
        self.kept.iter().filter(|event| event.number > number).cloned().collect()
    }

    /// The number before the present state: what comes after it tells where the job stands now, and nothing of its past.
    pub(super) fn before_present(&self) -> u64 {
        self.kept.iter().rev().find(|event| event.kind == EventKind::Status).map_or(self.last, |event| event.number - 1)
    }

    /// Forgets all but the present state.
    pub(super) fn keep_present(&mut self) {
        let before = self.before_present();
        self.kept.retain(|event| event.number > before);
        self.kept.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::progress::Progress;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn numbers(events: &[Arc<Event>]) -> Vec<u64> {
        events.iter().map(|event| event.number).collect()
    }

    #[test]
    fn whoever_names_the_last_number_gets_what_came_after_it() {
        let mut log = EventLog::resume(0, at(0), &JobState::Queued);
        let running = JobState::Processing { started_at: at(1), progress: Progress::START };
        log.tell(at(1), &running, None);
        log.tell(at(2), &JobState::Completed { started_at: at(1), finished_at: at(2) }, None);
        assert_eq!(numbers(&log.after(0)), [1, 2, 3, 4]);
        assert_eq!(numbers(&log.after(3)), [4]);
        assert_eq!(numbers(&log.after(4)), [] as [u64; 0]);
        assert_eq!(numbers(&log.after(99)), [1, 2, 3, 4], "a number that was never given");
        assert_eq!(log.before_present(), 2);
        log.keep_present();
        assert_eq!(numbers(&log.after(0)), [3, 4]);
    }

    #[test]
    fn a_log_that_is_resumed_ends_with_the_number_on_record() {
        let done = JobState::Completed { started_at: at(1), finished_at: at(2) };
        assert_eq!(numbers(&EventLog::resume(40, at(3), &done).after(0)), [39, 40]);
        assert_eq!(numbers(&EventLog::resume(40, at(3), &JobState::Queued).after(0)), [40]);
        assert_eq!(numbers(&EventLog::resume(0, at(3), &done).after(0)), [1, 2], "a record that knows no numbers");
    }

    #[test]
    fn the_log_is_bounded() {
        let mut log = EventLog::resume(0, at(0), &JobState::Queued);
        for second in 0..10_000 {
            log.tell(at(second), &JobState::Queued, None);
        }
        assert_eq!(log.after(0).len(), KEPT);
    }
}
