//! Reads the volume at a start: every job, and the work that remains for it.
//!
//! Only what this server wrote is a job ([`super::seal`]). Everything else in the state folders is left where it is, and reported.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use rustix::io::Errno;
use tracing::warn;

use super::seal::Mark;
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
    /// Folders that hold no job of this server; they are left alone.
    pub refused: usize,
    /// Whether a recording was being examined when the server died: then that is what it died on, and not the job that ran.
    pub was_examining: bool,
}

/// Why a folder is no job of this server.
pub(super) struct Flaw {
    pub(super) reason: String,
    /// The disk failed: the next start may see another thing.
    may_pass: bool,
}

impl From<&str> for Flaw {
    fn from(reason: &str) -> Self {
        Self { reason: reason.to_owned(), may_pass: false }
    }
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        // Only what no other program can bring about by laying something there.
        let passing = [Errno::IO, Errno::NOMEM, Errno::MFILE, Errno::NFILE];
        let may_pass = Errno::from_io_error(&error).is_some_and(|error| passing.contains(&error));
        Self { reason: format!("it cannot be read: {error}"), may_pass }
    }
}

/// The record in a folder, and what its seal says.
pub(super) struct Read {
    pub(super) job: Job,
    pub(super) mark: Mark,
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
        let was_examining = self.end_looks()?;
        self.sweep()?;
        let places = self.places()?;
        let records = self.records(&places);
        let is_any = |mark| records.iter().flatten().any(|read| read.mark == mark);
        let adopts = self.seal().begin(is_any(Mark::Missing), is_any(Mark::Foreign));
        // Before the first record is sealed. A full disk must not prevent a start: it is tried again then.
        let mut all_adopted = self.seal().keep().inspect_err(log_unkept).is_ok();
        let mut cancelled = self.cancellations(adopts)?;
        let mut found = Recovered { noted: cancelled.keys().copied().collect(), was_examining, ..Recovered::default() };
        let mut seen = HashSet::new();
        for ((folder, path), record) in places.iter().zip(records) {
            let folder = *folder;
            let admitted = record.and_then(|read| {
                check(folder, path, &read)?;
                if read.mark != Mark::Own {
                    // Twice, as records are read.
                    let look = || self.check_older(path, &read, adopts);
                    look().or_else(|flaw| if flaw.may_pass { look() } else { Err(flaw) })?;
                    all_adopted &= self.write_record(path, &read.job).inspect_err(log_unkept).is_ok();
                }
                if seen.insert(read.job.id) { Ok(read.job) } else { Err(Flaw::from("another folder holds this job")) }
            });
            let job = match admitted {
                Ok(job) => job,
                Err(Flaw { reason, may_pass }) => {
                    found.refused += 1;
                    all_adopted &= !may_pass;
                    let job_id = job_named(path).map(|id| id.to_string());
                    warn!(
                        event = "folder_refused",
                        job_id = job_id.as_deref(),
                        reason,
                        "A folder in {}/ is left alone",
                        folder.name()
                    );
                    continue;
                }
            };
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
        self.0.refused.store(found.refused, Ordering::Relaxed);
        if all_adopted && let Err(error) = self.seal().end_adoption() {
            log_unkept(&error);
        }
        self.end_namings()?;
        Ok(found)
    }

    /// Number of folders that the last start refused, because they hold no job of this server.
    pub fn refused_folders(&self) -> usize {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Whether a folder is that of a job from version 1.0, which wrote no seals.
    pub(super) fn check_older(&self, path: &Path, read: &Read, adopts: bool) -> Result<(), Flaw> {
        match read.mark {
            Mark::Own => return Ok(()),
            Mark::Foreign => return Err("its job.json was sealed on another volume, or changed since".into()),
            Mark::Missing if !adopts => return Err("its job.json was not written by this server".into()),
            Mark::Missing => {}
        }
        self.check_files(path)?;
        let owner = |path: &Path| self.disk().facts(path).map(|facts| facts.owner());
        let known = [rustix::process::geteuid().as_raw(), owner(self.path())?];
        let is_known = known.contains(&owner(path)?) && known.contains(&owner(&path.join(record::JOB_FILE))?);
        if is_known { Ok(()) } else { Err("it belongs to another user than the server's".into()) }
    }

    /// Whether a folder holds plain files only.
    pub(super) fn check_files(&self, path: &Path) -> Result<(), Flaw> {
        for entry in self.disk().entries(path)? {
            if !entry?.is_plain_file() {
                return Err("it holds something else than plain files".into());
            }
        }
        Ok(())
    }

    /// Every folder in a state folder, as they lie before any of them is moved. Those in `incoming/` come last: of two with one
    /// job, that is the one which others may have laid there.
    pub(super) fn places(&self) -> io::Result<Vec<(Folder, PathBuf)>> {
        let mut places = Vec::new();
        for folder in Folder::OF_JOBS.into_iter().rev() {
            for entry in self.disk().entries(&self.folder(folder))? {
                let entry = entry?;
                // In incoming/ people make folders of their own.
                if entry.is_folder() && (folder != Folder::Incoming || job_named(&entry.path()).is_some()) {
                    places.push((folder, entry.path()));
                }
            }
        }
        Ok(places)
    }

    /// The records in these folders, in their order; read on several threads when there are many.
    pub(super) fn records(&self, places: &[(Folder, PathBuf)]) -> Vec<Result<Read, Flaw>> {
        let read = |(_, path): &(Folder, PathBuf)| {
            let bytes = self.disk().read_surely(&path.join(record::JOB_FILE), record::MAX_BYTES)?;
            let job =
                record::decode(&bytes).map_err(|error| Flaw::from(format!("its job.json is no record: {error}").as_str()))?;
            Ok(Read { job, mark: self.seal().mark(&bytes) })
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

/// Whether a record can be that of the job in this folder, whoever wrote it.
pub(super) fn check(folder: Folder, path: &Path, read: &Read) -> Result<(), Flaw> {
    if path.file_name() != Some(OsStr::new(&read.job.id.to_string())) {
        Err("it holds the record of another job".into())
    } else if !fits(folder, &read.job.state) {
        Err("its record is of another state".into())
    } else {
        Ok(())
    }
}

/// The job that a folder is named after.
pub(super) fn job_named(path: &Path) -> Option<JobId> {
    path.file_name()?.to_str()?.parse().ok()
}

fn log_unkept(error: &io::Error) {
    warn!(event = "seal_unkept", cause = %error, "The seal of the volume could not be written; it is tried again");
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
