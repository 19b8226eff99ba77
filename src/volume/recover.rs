//! What a start finds on the volume.

use std::io;
use std::path::Path;

use tracing::warn;

use super::{Folder, Volume, record};
use crate::jobs::{Job, JobId, JobState};

/// Everything found.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Every job, in no order.
    pub jobs: Vec<RecoveredJob>,
    /// Folders that hold no readable job; they are left alone.
    pub unreadable: usize,
}

/// A job found on the volume.
#[derive(Debug)]
pub struct RecoveredJob {
    /// The job in the state of its folder; what was being worked on is queued.
    pub job: Job,
    /// Whether the server died while it worked on it: it still lies in `processing/`.
    pub interrupted: bool,
}

impl Volume {
    /// Sweeps `temp/` and reads every job's record.
    ///
    /// # Errors
    /// When a state folder cannot be read.
    pub fn recover(&self) -> io::Result<Recovered> {
        self.sweep()?;
        let mut found = Recovered::default();
        for folder in Folder::OF_JOBS {
            for entry in self.disk().entries(&self.folder(folder))? {
                let entry = entry?;
                // In incoming/ people make folders of their own.
                let is_job = || entry.file_name().to_str().is_some_and(|name| name.parse::<JobId>().is_ok());
                if !entry.file_type()?.is_dir() || (folder == Folder::Incoming && !is_job()) {
                    continue;
                }
                let record = self.disk().read(&entry.path().join(record::JOB_FILE));
                let job = record.map_err(|error| error.to_string()).and_then(|bytes| record::decode(&bytes));
                match job {
                    Ok(job) if entry.file_name() == job.id.to_string().as_str() && fits(folder, &job.state) => {
                        let belongs = Folder::of(&job.state);
                        let interrupted = folder == Folder::Processing && !self.has_ended(&entry.path(), &job.state)?;
                        if !interrupted && belongs != folder {
                            // An end, a cancellation, a retry or an archiving was written down and not carried out.
                            self.move_on(&entry.path(), belongs, &job)?;
                        }
                        let state = if interrupted { JobState::Queued } else { job.state };
                        found.jobs.push(RecoveredJob { job: Job { state, ..job }, interrupted });
                    }
                    Ok(_) => {
                        found.unreadable += 1;
                        warn!(
                            event = "folder_ignored",
                            "A folder in {}/ holds the record of another job or state",
                            folder.name()
                        );
                    }
                    Err(reason) => {
                        found.unreadable += 1;
                        warn!(event = "folder_ignored", reason, "A folder in {}/ holds no readable job.json", folder.name());
                    }
                }
            }
        }
        self.end_namings()?;
        Ok(found)
    }

    /// Whether what was worked on had come to its end, and only the folder was not moved: the record tells of an end after
    /// everything that belongs to it was written.
    fn has_ended(&self, folder: &Path, state: &JobState) -> io::Result<bool> {
        match state {
            JobState::Completed { .. } => self.disk().exists(&folder.join(record::RESULT_FILE)),
            JobState::Failed { .. } | JobState::Cancelled { .. } => Ok(true),
            JobState::Queued | JobState::Processing { .. } | JobState::Archived { .. } => Ok(false),
        }
    }
}

/// Whether a record tells of the state of the folder it lies in. The record is written before the folder moves, so in
/// `processing/` it may already tell of the end. In `incoming/` and `failed/` it may tell that the
/// job was on its way to the other of the two; in `completed/` and `failed/`, to `archived/`.
const fn fits(folder: Folder, state: &JobState) -> bool {
    match folder {
        Folder::Incoming => matches!(state, JobState::Queued | JobState::Failed { .. } | JobState::Cancelled { .. }),
        Folder::Processing => true,
        Folder::Completed => matches!(state, JobState::Completed { .. } | JobState::Archived { .. }),
        Folder::Failed => {
            matches!(state, JobState::Queued | JobState::Failed { .. } | JobState::Cancelled { .. } | JobState::Archived { .. })
        }
        Folder::Archived => matches!(state, JobState::Archived { .. }),
        Folder::Temp => false,
    }
}
