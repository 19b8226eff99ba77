//! A server with a watched folder, and the actions of users and programs in it.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::app::{DEADLINE, TestApp};

/// The settings that enable the watched folder, with short intervals.
pub const WATCHED: [(&str, &str); 2] = [("CALLANNOTATE__INCOMING__WATCH", "true"), ("QUEUE_POLL_INTERVAL", "0.1")];

/// These settings, and those that enable the watched folder.
pub fn watched<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    WATCHED.into_iter().chain(more.iter().copied()).collect()
}

/// The names of the jobs' recordings.
pub fn names(jobs: &[Value]) -> Vec<&str> {
    jobs.iter().map(|job| job["file_info"]["filename"].as_str().unwrap()).collect()
}

impl TestApp {
    /// Starts a server with a watched folder.
    pub async fn watching(more: &[(&str, &str)]) -> Self {
        Self::spawn_with(&watched(more)).await
    }

    /// The path of a file in `incoming/`.
    pub fn incoming(&self, name: impl AsRef<std::path::Path>) -> PathBuf {
        self.volume().join("incoming").join(name)
    }

    /// Puts a file into `incoming/` as careful programs do: written under another name, then renamed.
    pub fn lay(&self, name: impl AsRef<std::path::Path>, bytes: &[u8]) {
        let unfinished = self.volume().join(format!("unfinished-{}", name.as_ref().as_os_str().as_bytes().len()));
        std::fs::write(&unfinished, bytes).unwrap();
        std::fs::rename(unfinished, self.incoming(name)).unwrap();
    }

    /// The files in `incoming/` that are not jobs.
    pub fn lying(&self) -> Vec<std::ffi::OsString> {
        let mut names: Vec<_> = std::fs::read_dir(self.incoming("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.retain(|name| name.to_str().is_none_or(|name| name.parse::<uuid::Uuid>().is_err()));
        names.sort();
        names
    }

    /// Polls until the condition holds.
    pub async fn until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        self.until_within(DEADLINE, what, &mut is_so).await;
    }

    /// Polls with a longer deadline.
    pub async fn until_within(&self, deadline: Duration, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let end = Instant::now() + deadline;
        while !is_so(self) {
            assert!(Instant::now() < end, "{what}: not in time; there lies {:?}", self.lying());
            self.looks(1).await;
        }
    }

    /// Waits until there are `count` jobs and all have finished; returns them, the oldest first.
    pub async fn ended(&self, count: usize) -> Vec<Value> {
        self.until("jobs end", |app| app.done() >= count).await;
        let page = self.get_json("/api/v1/jobs?limit=100&sort=created_at").await;
        let jobs = page["data"].as_array().unwrap().clone();
        assert_eq!(jobs.len(), count, "{page}");
        let mut ended = Vec::new();
        for job in jobs {
            // The volume is changed before the registry.
            ended.push(self.wait_until_finished(job["job_id"].as_str().unwrap()).await);
        }
        ended
    }

    fn done(&self) -> usize {
        let is_job = |name: &String| name.parse::<uuid::Uuid>().is_ok();
        ["completed", "failed"].into_iter().map(|state| self.folders(state).iter().filter(|name| is_job(name)).count()).sum()
    }
}
