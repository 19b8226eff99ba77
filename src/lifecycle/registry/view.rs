//! The read-only view of the registry: one job, all in pages, the queue, and estimates. It changes nothing.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

use super::position::ListPosition;
use super::seats::QueueFull;
use super::{Registry, chrono_seconds, completion};
use crate::access::limits::Client;
use crate::access::{Caller, KeyId};
use crate::jobs::estimate::{Equipment, Kind, Measured, Speed};
use crate::jobs::events::Event;
use crate::jobs::options::JobOptions;
use crate::jobs::{FileInfo, Job, JobId};

/// A queued job, and when its turn will come.
#[derive(Debug, Clone)]
pub struct QueuedJob {
    pub job: Arc<Job>,
    /// When it will probably be started.
    pub estimated_start: DateTime<Utc>,
}

/// The order in which jobs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    Newest,
    Oldest,
}

/// Which jobs are listed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// Published names of states; an empty list means any state.
    pub statuses: Vec<&'static str>,
    /// Exclusive lower bound of the time of creation.
    pub created_after: Option<DateTime<Utc>>,
    /// Exclusive upper bound of the time of creation.
    pub created_before: Option<DateTime<Utc>>,
    /// The client's own id of the call, in `metadata.external_id`.
    pub external_id: Option<String>,
    /// Part of the recording's name, compared without regard to case.
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

/// A page of the list, in its order.
#[derive(Debug, Clone)]
pub struct Page {
    pub jobs: Vec<Arc<Job>>,
    /// Whether more jobs follow the last one.
    pub has_more: bool,
}

/// A job that is being watched.
#[derive(Debug)]
pub struct Watched {
    /// Its states from now on; the channel closes when the job is deleted.
    pub states: watch::Receiver<Arc<Job>>,
    /// The number of the last event before its present state.
    pub before_present: u64,
}

impl Registry {
    /// A job as it stands.
    pub fn find(&self, id: JobId) -> Option<Arc<Job>> {
        self.lock().jobs.get(&id).map(super::Entry::job)
    }

    /// The job that a request with this idempotency key made.
    pub fn find_by_key(&self, owner: Option<&KeyId>, key: &str) -> Option<Arc<Job>> {
        let inner = self.lock();
        let id = inner.keys.get(&(owner.cloned(), key.to_owned()))?;
        inner.jobs.get(id).map(super::Entry::job)
    }

    /// Subscribes to every state of a job from now on.
    pub fn watch(&self, id: JobId) -> Option<Watched> {
        let inner = self.lock();
        let entry = inner.jobs.get(&id)?;
        Some(Watched { states: entry.state.subscribe(), before_present: entry.events.before_present() })
    }

    /// The events of a job after this number, in order. None if the job is unknown.
    pub fn events_after(&self, id: JobId, number: u64) -> Option<Vec<Arc<Event>>> {
        self.lock().jobs.get(&id).map(|entry| entry.events.after(number))
    }

    /// At most `limit` jobs that the caller may see and the filter lets through, from behind a position on.
    pub fn list(&self, caller: &Caller, filter: &Filter, order: Order, after: Option<ListPosition>, limit: usize) -> Page {
        let inner = self.lock();
        let bounds = match (order, after) {
            (_, None) => (Bound::Unbounded, Bound::Unbounded),
            (Order::Oldest, Some(position)) => (Bound::Excluded(position), Bound::Unbounded),
            (Order::Newest, Some(position)) => (Bound::Unbounded, Bound::Excluded(position)),
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

    /// The job that runs now.
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
            let next = start + chrono_seconds(inner.speed.estimate(job.file.source.duration.as_seconds(), Kind::of(&job)));
            queued.push(QueuedJob { job, estimated_start: std::mem::replace(&mut start, next) });
        }
        queued
    }

    /// Number of jobs that wait.
    pub fn queue_length(&self) -> usize {
        self.lock().queue.len()
    }

    /// Whether the queue has room for one more job of this client. Reserves nothing.
    ///
    /// # Errors
    /// When it has none, for anybody or for this client.
    pub fn check_seat(&self, client: Option<&Client>) -> Result<(), QueueFull> {
        let inner = self.lock();
        inner.seats.check(self.0.limits, inner.queue.len(), client)
    }

    /// Whether the queue has room for one more job.
    pub fn has_room(&self) -> bool {
        self.check_seat(None).is_ok()
    }

    /// Places in the queue that are reserved for recordings still arriving.
    pub fn reserved_places(&self) -> usize {
        self.lock().seats.reserved()
    }

    /// The mean processing time of the last jobs in seconds; 0 before the first.
    pub fn average_processing_seconds(&self) -> f64 {
        self.lock().speed.average()
    }

    /// How long a job will take from its start, in seconds.
    pub fn estimated_seconds(&self, file: &FileInfo, options: &JobOptions) -> f64 {
        self.lock().speed.estimate(file.source.duration.as_seconds(), Kind::new(file, options))
    }

    /// All jobs that have ended, in the order in which they ended.
    pub fn ended(&self) -> Vec<Arc<Job>> {
        let inner = self.lock();
        let mut ended: Vec<Arc<Job>> = inner.jobs.values().map(super::Entry::job).filter(|job| job.state.is_terminal()).collect();
        drop(inner);
        ended.sort_unstable_by_key(|job| (job.state.finished_at(), job.sequence, job.id));
        ended
    }

    /// Whether the queue is paused because no files can be written to the store.
    pub fn is_paused(&self) -> bool {
        self.0.paused.load(Ordering::Relaxed)
    }

    /// The measured times of the last jobs, to be kept for the next start.
    pub(in crate::lifecycle) fn measured(&self) -> Measured {
        self.lock().speed.measured().clone()
    }

    /// Sets the equipment that jobs are processed with, and the times measured with it before this start. Times measured with
    /// other equipment are dropped; without any, the jobs found in the store are used.
    pub(in crate::lifecycle) fn set_equipment(&self, equipment: Equipment, kept: Option<Measured>) {
        let mut inner = self.lock();
        let jobs = match kept {
            Some(kept) if kept.equipment == equipment => kept.jobs,
            Some(_) => Vec::new(),
            None => inner.speed.measured().jobs.clone(),
        };
        inner.speed = Speed::from(Measured { equipment, jobs });
    }

    /// When a running job is expected to be done.
    pub fn estimated_completion(&self, job: &Job) -> Option<DateTime<Utc>> {
        completion(&self.lock().speed, job, self.0.clock.now())
    }
}
