//! Jobs that have ended, for those who clear them away.

use std::sync::Arc;

use super::Registry;
use crate::jobs::{Job, JobId, JobState};

impl Registry {
    /// All jobs that have ended, in the order in which they ended.
    pub fn ended(&self) -> Vec<Arc<Job>> {
        let inner = self.lock();
        let mut ended: Vec<Arc<Job>> = inner.jobs.values().map(super::Entry::job).filter(|job| job.state.is_terminal()).collect();
        drop(inner);
        ended.sort_unstable_by_key(|job| (job.state.finished_at(), job.sequence, job.id));
        ended
    }

    /// A job that has ended is archived on the volume, as it is given here.
    pub fn archive(&self, archived: &Job) {
        let now = self.0.clock.now();
        self.lock().change(archived.id, now, |job| job.state = archived.state.clone());
    }

    /// Forgets an archived job after its record was removed.
    pub fn forget_archived(&self, id: JobId) {
        let mut inner = self.lock();
        if inner.jobs.get(&id).is_some_and(|entry| matches!(entry.job().state, JobState::Archived { .. })) {
            inner.remove(id);
        }
    }
}
