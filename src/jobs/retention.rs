//! The rules of retention: what is kept of ended jobs, and for how long. Pure functions over what lies on the volume.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Job, JobState};

/// A limit of age and of size. What is older, or does not fit beside what is newer, is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rule {
    /// Age since the end of the job.
    pub max_age: Option<Duration>,
    /// Size of everything kept under this rule.
    pub max_bytes: Option<u64>,
}

impl Rule {
    const fn is_set(self) -> bool {
        self.max_age.is_some() || self.max_bytes.is_some()
    }
}

/// All rules; without any, everything is kept for ever.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Recordings of ended jobs: without its recording a job stays what it is.
    pub recordings: Rule,
    /// Results: without its result a job is archived, and its recording goes as well.
    pub results: Rule,
    /// How long the record of an archived job is kept.
    pub forget_after: Option<Duration>,
}

/// An ended job, not archived, and what it has on the volume.
#[derive(Debug, Clone)]
pub struct Kept {
    pub job: Arc<Job>,
    /// Size of its recording in bytes; 0 if it was removed.
    pub recording_bytes: u64,
    /// Size of its result, or of the file with its error.
    pub result_bytes: u64,
}

/// What is to be removed.
#[derive(Debug, Clone, PartialEq)]
pub enum Due {
    /// The recording of this job.
    Recording(Arc<Job>),
    /// The recording and the result of this job: it is archived.
    Result(Arc<Job>),
}

impl Retention {
    /// Whether the rules may require anything of ended jobs to be removed.
    pub const fn looks_at_files(&self) -> bool {
        self.recordings.is_set() || self.results.is_set()
    }

    /// Whether an archived job may be forgotten.
    pub fn forgets(&self, job: &Job, now: DateTime<Utc>) -> bool {
        let JobState::Archived { archived_at, .. } = &job.state else { return false };
        is_older(*archived_at, self.forget_after, now)
    }

    /// Everything that has to be removed, the oldest first; the jobs are given in the order in which they ended.
    pub fn due(&self, kept: &[Kept], now: DateTime<Utc>) -> Vec<Due> {
        let results = over(self.results, kept, now, |kept| kept.result_bytes);
        let recordings = over(self.recordings, kept, now, |kept| kept.recording_bytes);
        let each = kept.iter().zip(results.into_iter().zip(recordings));
        each.filter_map(|(kept, (result, recording))| {
            let job = || Arc::clone(&kept.job);
            // Archiving a job removes its recording as well, and a removed recording cannot be removed again.
            if result { Some(Due::Result(job())) } else { (recording && kept.recording_bytes > 0).then(|| Due::Recording(job())) }
        })
        .collect()
    }
}

/// For each job whether this rule removes its file. A file without bytes frees none, so only age removes it.
fn over(rule: Rule, kept: &[Kept], now: DateTime<Utc>, bytes: impl Fn(&Kept) -> u64) -> Vec<bool> {
    let mut room = rule.max_bytes.unwrap_or(u64::MAX);
    let mut is_full = false;
    let mut verdicts: Vec<bool> = kept
        .iter()
        .rev()
        .map(|kept| {
            let size = bytes(kept);
            let ended = kept.job.state.finished_at().unwrap_or(now);
            if is_older(ended, rule.max_age, now) {
                return true;
            }
            // The newest are kept; once one does not fit, all older ones are removed, however small.
            is_full |= size > room;
            room = room.saturating_sub(size);
            is_full && size > 0
        })
        .collect();
    verdicts.reverse();
    verdicts
}

fn is_older(since: DateTime<Utc>, limit: Option<Duration>, now: DateTime<Utc>) -> bool {
    limit.is_some_and(|limit| (now - since).to_std().is_ok_and(|age| age >= limit))
}

#[cfg(test)]
mod tests;
