//! Jobs enter the registry: those that are made, and those that the store has at the start.

use std::sync::Arc;

use super::{Registry, Reservation, job_time};
use crate::jobs::estimate::{JobTime, Measured, REMEMBERED, Speed};
use crate::jobs::{Job, JobState};

impl Registry {
    /// Registers a new job that waits, in its reserved place.
    pub(in crate::lifecycle) fn submit(&self, reservation: Reservation, job: Job) -> Arc<Job> {
        let job = self.enter(job, Some(reservation));
        self.0.wake.notify_one();
        job
    }

    /// Registers the jobs found in the store, given in the order in which they ended: estimates follow the last ones.
    pub(in crate::lifecycle) fn restore_all(&self, jobs: Vec<Job>) {
        let time = |job: &Job| match &job.state {
            JobState::Completed { started_at, finished_at } => Some(job_time(job, *started_at, *finished_at)),
            JobState::Queued
            | JobState::Processing { .. }
            | JobState::Failed { .. }
            | JobState::Cancelled { .. }
            | JobState::Archived { .. } => None,
        };
        let mut times: Vec<JobTime> = jobs.iter().rev().filter_map(time).take(REMEMBERED).collect();
        times.reverse();
        for job in jobs {
            self.restore(job);
        }
        let mut inner = self.lock();
        let equipment = inner.speed.measured().equipment.clone();
        inner.speed = Speed::from(Measured { equipment, jobs: times });
    }

    /// Registers a job that needs no reserved place: it has ended, or had a place before.
    pub(in crate::lifecycle) fn restore(&self, job: Job) -> Arc<Job> {
        self.enter(job, None)
    }

    fn enter(&self, job: Job, reservation: Option<Reservation>) -> Arc<Job> {
        let now = self.0.clock.now();
        let mut inner = self.lock();
        let client = reservation.as_ref().and_then(|reservation| reservation.client.clone());
        let job = inner.insert(job, client, now);
        if job.state.is_terminal() {
            inner.has_ended(job.id);
        }
        if let Some(reservation) = reservation {
            reservation.redeem(&mut inner);
        }
        job
    }
}
