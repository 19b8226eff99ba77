//! A cache of the last responses about jobs that have ended: such a job does not change, and clients poll it repeatedly.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::body::Bytes;

use crate::jobs::{Job, JobId};
use crate::messages::Language;

/// Number of cached responses; each takes about 1 KiB.
const PLACES: usize = 64;

/// Slots that the jobs share by the hash of their id; a newer response replaces an older one.
pub(crate) struct ResponseCache([Mutex<Option<Answer>>; PLACES]);

struct Answer {
    /// The job in the state that the text describes: a change of state makes a new value.
    job: Weak<Job>,
    language: Language,
    text: Bytes,
}

impl Default for ResponseCache {
    fn default() -> Self {
        Self([const { Mutex::new(None) }; PLACES])
    }
}

impl ResponseCache {
    fn place(&self, id: JobId) -> MutexGuard<'_, Option<Answer>> {
        let number = uuid::Uuid::from(id).as_u128() % PLACES as u128;
        self.0[number as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cached response about this job in this state and language.
    pub(crate) fn find(&self, job: &Arc<Job>, language: Language) -> Option<Bytes> {
        let place = self.place(job.id);
        let answer = place.as_ref()?;
        (std::ptr::eq(answer.job.as_ptr(), Arc::as_ptr(job)) && answer.language == language).then(|| answer.text.clone())
    }

    /// Caches the response about a job, if the job has ended.
    pub(crate) fn keep(&self, job: &Arc<Job>, language: Language, text: &Bytes) {
        if job.state.is_terminal() {
            *self.place(job.id) = Some(Answer { job: Arc::downgrade(job), language, text: text.clone() });
        }
    }

    /// Drops the response about a job, so that a deleted job leaves no trace.
    pub(crate) fn forget(&self, id: JobId) {
        self.place(id).take_if(|answer| answer.job.upgrade().is_none_or(|job| job.id == id));
    }
}
