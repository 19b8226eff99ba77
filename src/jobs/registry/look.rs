//! What can be seen of the jobs: one, all in pages, the queue, and what will happen when.

use std::ops::Bound;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::{Registry, chrono_seconds, completion};
use crate::access::{Caller, KeyId};
use crate::jobs::estimate::{Equipment, Kind, Measured, Speed};
use crate::jobs::events::Event;
use crate::jobs::options::JobOptions;
use crate::jobs::{FileInfo, Job, JobId};

/// A job that waits, and when its turn will come.
#[derive(Debug, Clone)]
pub struct QueuedJob {
    /// The job.
    pub job: Arc<Job>,
    /// When it will probably be begun.
    pub estimated_start: DateTime<Utc>,
}

/// A job's place in the list; it never changes, and no two jobs share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The order of creation.
    pub sequence: u64,
    /// Names the job.
    pub id: JobId,
}

impl Place {
    /// The place of this job.
    pub fn of(job: &Job) -> Self {
        Self { sequence: job.sequence, id: job.id }
    }
}

/// In which order jobs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

/// Which jobs are listed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Published names of states; any when empty.
    pub statuses: Vec<&'static str>,
    /// Not before.
    pub created_after: Option<DateTime<Utc>>,
    /// Not after.
    pub created_before: Option<DateTime<Utc>>,
    /// What the client calls the call.
    pub external_id: Option<String>,
    /// In any case of letters, a part of the recording's name.
    pub filename: Option<String>,
}

impl Filter {
    fn fits(&self, job: &Job) -> bool {
        let contains = |part: &String| job.file.filename.to_lowercase().contains(&part.to_lowercase());
        let is_called = |id: &String| job.metadata.get("external_id").and_then(|value| value.as_str()) == Some(id);
        (self.statuses.is_empty() || self.statuses.contains(&job.state.name()))
            && self.created_after.is_none_or(|at| job.created_at > at)
            && self.created_before.is_none_or(|at| job.created_at < at)
            && self.external_id.as_ref().is_none_or(is_called)
            && self.filename.as_ref().is_none_or(contains)
    }
}

/// Some jobs of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// In order.
    pub jobs: Vec<Arc<Job>>,
    /// Whether there are more behind the last one.
    pub has_more: bool,
}

/// A job that is being watched.
#[derive(Debug)]
pub struct Watched {
    /// Its states from now on; closes when the job is deleted.
    pub states: watch::Receiver<Arc<Job>>,
    /// The number before its present state.
    pub before_present: u64,
}

impl Registry {
    /// The present state of a job.
    pub fn find(&self, id: JobId) -> Option<Arc<Job>> {
        self.lock().jobs.get(&id).map(super::Entry::job)
    }

    /// The job that a request of this name made.
    pub fn find_by_key(&self, owner: Option<&KeyId>, key: &str) -> Option<Arc<Job>> {
        let inner = self.lock();
        let id = inner.keys.get(&(owner.cloned(), key.to_owned()))?;
        inner.jobs.get(id).map(super::Entry::job)
    }

    /// Every state of a job from now on, and where its events stand.
    pub fn watch(&self, id: JobId) -> Option<Watched> {
        let inner = self.lock();
        let entry = inner.jobs.get(&id)?;
        Some(Watched { states: entry.state.subscribe(), before_present: entry.events.before_present() })
    }

    /// The events of a job after this number, in order: none if there is no such job.
    pub fn events_after(&self, id: JobId, number: u64) -> Option<Vec<Arc<Event>>> {
        self.lock().jobs.get(&id).map(|entry| entry.events.after(number))
    }

    /// The jobs that a caller may see and the filter lets through, from behind a place on.
    pub fn list(&self, caller: &Caller, filter: &Filter, order: Order, after: Option<Place>, limit: usize) -> Page {
        let inner = self.lock();
        let bounds = match (order, after) {
            (_, None) => (Bound::Unbounded, Bound::Unbounded),
            (Order::Oldest, Some(place)) => (Bound::Excluded(place), Bound::Unbounded),
            (Order::Newest, Some(place)) => (Bound::Unbounded, Bound::Excluded(place)),
        };
        let fits = |id: &JobId| {
            let job = inner.jobs.get(id)?.job();
            (caller.sees(job.owner.as_ref()) && filter.fits(&job)).then_some(job)
        };
        let range = inner.created.range(bounds).map(|(_, id)| id);
        let mut jobs: Vec<Arc<Job>> = match order {
            Order::Oldest => range.filter_map(fits).take(limit + 1).collect(),
            Order::Newest => range.rev().filter_map(fits).take(limit + 1).collect(),
        };
        let has_more = jobs.len() > limit;
        jobs.truncate(limit);
        Page { jobs, has_more }
    }

    /// The running job.
    pub fn running(&self) -> Option<Arc<Job>> {
        let inner = self.lock();
        inner.running.and_then(|id| inner.jobs.get(&id)).map(super::Entry::job)
    }

    /// The jobs that wait, in the order in which they will run.
    pub fn queued(&self) -> Vec<QueuedJob> {
        let inner = self.lock();
        let mut start = self.0.clock.now();
        if let Some(entry) = inner.running.and_then(|id| inner.jobs.get(&id)) {
            start = completion(&inner.speed, &entry.state.borrow(), start).unwrap_or(start);
        }
        let mut queued = Vec::with_capacity(inner.queue.len());
        for entry in inner.queue.values().filter_map(|id| inner.jobs.get(id)) {
            let job = entry.job();
            let next = start + chrono_seconds(inner.speed.estimate(job.file.duration_seconds, Kind::of(&job)));
            queued.push(QueuedJob { job, estimated_start: std::mem::replace(&mut start, next) });
        }
        queued
    }

    /// How many wait.
    pub fn queue_length(&self) -> usize {
        self.lock().queue.len()
    }

    /// Whether one more could be accepted.
    pub fn has_room(&self) -> bool {
        let inner = self.lock();
        inner.queue.len() + inner.reserved < self.0.max_queued
    }

    /// The mean processing time of the last jobs in seconds; 0 before the first.
    pub fn average_processing_seconds(&self) -> f64 {
        self.lock().speed.average()
    }

    /// How long a job will take from its start, in seconds.
    pub fn estimated_seconds(&self, file: &FileInfo, options: &JobOptions) -> f64 {
        self.lock().speed.estimate(file.duration_seconds, Kind::new(file, options))
    }

    /// How long the last jobs took, for the next start.
    pub fn measured(&self) -> Measured {
        self.lock().speed.measured().clone()
    }

    /// Says what the work is done with, and what was measured with it before this start. What was measured with other
    /// equipment is forgotten; where nothing was kept, the jobs that were taken up stand for it.
    pub fn set_equipment(&self, equipment: Equipment, kept: Option<Measured>) {
        let mut inner = self.lock();
        let jobs = match kept {
            Some(kept) if kept.equipment == equipment => kept.jobs,
            Some(_) => Vec::new(),
            None => inner.speed.measured().jobs.clone(),
        };
        inner.speed = Speed::from(Measured { equipment, jobs });
    }

    /// When a running job will be done.
    pub fn estimated_completion(&self, job: &Job) -> Option<DateTime<Utc>> {
        completion(&self.lock().speed, job, self.0.clock.now())
    }
}
