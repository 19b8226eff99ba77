//! The event log of one job: its present state and the last few hundred changes, in memory.
//!
//! The log does not number events: a job carries the number of its last one ([`super::transition`]), and the log derives the
//! numbers of the one or two events of a state from it. A run makes little more than a hundred events, so only jobs that were
//! started several times reach the bound.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::jobs::Job;
use crate::jobs::events::{Event, EventKind};

/// Events kept of a job at most: those of two runs and more.
const KEPT: usize = 256;

/// The events of one job, the oldest first; never empty once the job is registered.
#[derive(Debug, Default)]
pub(super) struct EventLog(VecDeque<Arc<Event>>);

impl EventLog {
    /// A log that begins with the present state of a job, reached at this time.
    pub(super) fn of(job: &Job, at: DateTime<Utc>) -> Self {
        let mut log = Self::default();
        log.record(job, at, None);
        log
    }

    /// Records the state that a job has now, and its outcome if it has ended.
    pub(super) fn record(&mut self, job: &Job, at: DateTime<Utc>, estimated_completion: Option<DateTime<Utc>>) {
        let has_ended = job.state.is_terminal();
        let status = job.last_event - u64::from(has_ended);
        let event =
            |number, kind, estimated_completion| Event { number, at, state: job.state.clone(), estimated_completion, kind };
        self.push(event(status, EventKind::Status, estimated_completion));
        if has_ended {
            self.push(event(job.last_event, EventKind::Outcome, None));
        }
    }

    fn push(&mut self, event: Event) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Arc::new(event));
    }

    fn last(&self) -> u64 {
        self.0.back().map_or(0, |event| event.number)
    }

    /// The events after this number; all of them if the number is greater than that of the last event.
    pub(super) fn after(&self, number: u64) -> Vec<Arc<Event>> {
        let number = if number > self.last() { 0 } else { number };
        self.0.iter().filter(|event| event.number > number).cloned().collect()
    }

    /// The number before the present state: the events after it announce the present state and nothing of its past.
    pub(super) fn before_present(&self) -> u64 {
        self.0.iter().rev().find(|event| event.kind == EventKind::Status).map_or(self.last(), |event| event.number - 1)
    }

    /// Drops all but the present state.
    pub(super) fn keep_present(&mut self) {
        let before = self.before_present();
        self.0.retain(|event| event.number > before);
        self.0.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::transition;
    use crate::lifecycle::transition::tests::{at, queued};

    fn numbers(events: &[Arc<Event>]) -> Vec<u64> {
        events.iter().map(|event| event.number).collect()
    }

    #[test]
    fn a_client_that_names_the_last_number_gets_what_came_after_it() {
        let queued = queued();
        let mut log = EventLog::of(&queued, at(0));
        let running = transition::started(&queued, at(1));
        log.record(&running, at(1), None);
        log.record(&transition::completed(&running, at(2)), at(2), None);
        assert_eq!(numbers(&log.after(0)), [1, 2, 3, 4]);
        assert_eq!(numbers(&log.after(3)), [4]);
        assert_eq!(numbers(&log.after(4)), [] as [u64; 0]);
        assert_eq!(numbers(&log.after(99)), [1, 2, 3, 4], "a number that was never given");
        assert_eq!(log.before_present(), 2);
        log.keep_present();
        assert_eq!(numbers(&log.after(0)), [3, 4]);
    }

    #[test]
    fn the_log_of_a_job_from_the_store_ends_with_the_number_on_record() {
        let waiting = Job { last_event: 40, ..queued() };
        assert_eq!(numbers(&EventLog::of(&waiting, at(3)).after(0)), [40]);
        let ended = Job { state: transition::completed(&waiting, at(2)).state, ..waiting };
        assert_eq!(numbers(&EventLog::of(&ended, at(3)).after(0)), [39, 40]);
    }

    #[test]
    fn the_log_is_bounded() {
        let mut job = queued();
        let mut log = EventLog::of(&job, at(0));
        for _ in 0..10_000 {
            job = transition::put_back(&job);
            log.record(&job, at(1), None);
        }
        assert_eq!(log.after(0).len(), KEPT);
    }
}
