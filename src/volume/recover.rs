//! Reads the volume at a start: every job, and the work that remains for it.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use tracing::warn;

use super::{Folder, Volume, record};
use crate::jobs::{Job, JobId, JobState};

/// Number of threads that read records at most: more do not read a disk faster.
const MAX_READERS: usize = 4;
/// Records that one thread reads at least; fewer are read faster than a thread starts.
const LEAST_SHARE: usize = 256;

/// Everything that a start finds.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Every job, in no order.
    pub jobs: Vec<RecoveredJob>,
    /// Jobs with a note of a cancellation in `temp/`, to be dropped once all jobs are recovered.
    pub noted: Vec<JobId>,
    /// Folders that hold no readable job; they are left alone.
    pub unreadable: usize,
}

/// A job found on the volume.
#[derive(Debug)]
pub struct RecoveredJob {
    pub job: Job,
    pub found: FoundAs,
}

/// The remaining work of a start for a job.
#[derive(Debug)]
pub enum FoundAs {
    /// Nothing: it lies where its record says.
    AsRecorded,
    /// The server crashed while the job was running; it is still in `processing/` and is given here as queued.
    Interrupted,
    /// A cancellation of its run was noted and not carried out; this is the job as the note has it.
    Cancelled(Box<Job>),
}

impl Volume {
    /// Sweeps `temp/`, reads every job's record, and completes the moves that were written down.
    ///
    /// # Errors
    /// When a state folder cannot be read.
    pub fn recover(&self) -> io::Result<Recovered> {
        self.sweep()?;
        let mut cancelled = self.cancellations()?;
        let mut found = Recovered { noted: cancelled.keys().copied().collect(), ..Recovered::default() };
        let places = self.places()?;
        for ((folder, path), record) in places.iter().zip(self.records(&places)) {
            let folder = *folder;
            match record {
                Ok(job) if path.file_name() == Some(OsStr::new(&job.id.to_string())) && fits(folder, &job.state) => {
                    let belongs = Folder::of(&job.state);
                    let interrupted = folder == Folder::Processing && !self.has_ended(path, &job.state)?;
                    if !interrupted && belongs != folder {
                        // An end, a cancellation, a retry or an archiving was written down and not carried out.
                        self.move_on(path, belongs, &job)?;
                    }
                    let has_ended = !interrupted && job.state.is_terminal();
                    let found_as = match cancelled.remove(&job.id).filter(|_| !has_ended) {
                        Some(noted) => FoundAs::Cancelled(Box::new(noted)),
                        None if interrupted => FoundAs::Interrupted,
                        None => FoundAs::AsRecorded,
                    };
                    let state = if interrupted { JobState::Queued } else { job.state };
                    found.jobs.push(RecoveredJob { job: Job { state, ..job }, found: found_as });
                }
                Ok(_) => {
                    found.unreadable += 1;
                    warn!(event = "folder_ignored", "A folder in {}/ holds the record of another job or state", folder.name());
                }
                Err(reason) => {
                    found.unreadable += 1;
                    warn!(event = "folder_ignored", reason, "A folder in {}/ holds no readable job.json", folder.name());
                }
            }
        }
        self.end_namings()?;
        Ok(found)
    }

    /// Every folder in a state folder, as they lie before any of them is moved.
    fn places(&self) -> io::Result<Vec<(Folder, PathBuf)>> {
        let mut places = Vec::new();
        for folder in Folder::OF_JOBS {
            for entry in self.disk().entries(&self.folder(folder))? {
                let entry = entry?;
                // In incoming/ people make folders of their own.
                let is_job = || entry.file_name().to_str().is_some_and(|name| name.parse::<JobId>().is_ok());
                if entry.file_type()?.is_dir() && (folder != Folder::Incoming || is_job()) {
                    places.push((folder, entry.path()));
                }
            }
        }
        Ok(places)
    }

    /// The records in these folders, in their order; read on several threads when there are many.
    fn records(&self, places: &[(Folder, PathBuf)]) -> Vec<Result<Job, String>> {
        let read = |(_, path): &(Folder, PathBuf)| {
            let record = self.disk().read_surely(&path.join(record::JOB_FILE));
            record.map_err(|error| error.to_string()).and_then(|bytes| record::decode(&bytes))
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_READERS);
        let share = places.len().div_ceil(threads).max(LEAST_SHARE);
        if places.len() <= share {
            return places.iter().map(read).collect();
        }
        std::thread::scope(|scope| {
            let readers: Vec<_> =
                places.chunks(share).map(|share| scope.spawn(move || share.iter().map(read).collect::<Vec<_>>())).collect();
            readers
                .into_iter()
                .flat_map(|reader| reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }

    /// Whether the run had ended, and only the folder was not moved: the record has an end once everything that belongs to it
    /// was written.
    fn has_ended(&self, folder: &Path, state: &JobState) -> io::Result<bool> {
        match state {
            JobState::Completed { .. } => self.disk().exists(&folder.join(record::RESULT_FILE)),
            JobState::Failed { .. } | JobState::Cancelled { .. } => Ok(true),
            JobState::Queued | JobState::Processing { .. } | JobState::Archived { .. } => Ok(false),
        }
    }
}

/// Whether a record can lie in this folder. The record is written before the folder moves, so in `processing/` it may already
/// hold the end. In `incoming/` and `failed/` the job may be on its way to the other of the two; in `completed/` and `failed/`,
/// to `archived/`.
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
