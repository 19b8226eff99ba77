//! The steps of a job from one state folder to the next. Each ends in one rename; a crash before it leaves the job where it was,
//! and the step is repeated in full.

use std::io;
use std::path::Path;

use tracing::error;

use super::{Folder, ResultNames, Volume, record};
use crate::jobs::{Job, JobId, JobState};

impl Volume {
    /// Claims a job: `incoming/` to `processing/`, with one more attempt counted. It may be in `processing/` already, if a start
    /// could not put it back.
    ///
    /// # Errors
    /// When the volume cannot be written to.
    pub fn claim(&self, job: &Job) -> io::Result<()> {
        let to = self.job_folder(Folder::Processing, job.id);
        let is_there = self.disk().exists(&to)?;
        let from = if is_there { to.clone() } else { self.job_folder(Folder::Incoming, job.id) };
        // Left by an earlier attempt whose end could not be completed.
        self.clear(&from, &[record::RESULT_FILE, record::ERROR_FILE])?;
        self.write_record(&from, job)?;
        if !is_there {
            self.move_folder(&from, &to)?;
        }
        Ok(())
    }

    /// Moves a job's folder to its next state, without the files that it must not hold there: checkpoints are kept only while
    /// work goes on, and an end that was not reached leaves nothing behind.
    pub(super) fn move_on(&self, from: &Path, to: Folder, job: &Job) -> io::Result<()> {
        let recording = record::recording_name(job.file.source.format);
        let superfluous: &[&str] = match to {
            Folder::Incoming => &[record::RESULT_FILE, record::ERROR_FILE],
            Folder::Completed => &[record::CHECKPOINT_FILE, record::ERROR_FILE],
            Folder::Failed => &[record::CHECKPOINT_FILE, record::RESULT_FILE],
            Folder::Archived => {
                &[&recording, record::SIDECAR_FILE, record::RESULT_FILE, record::ERROR_FILE, record::CHECKPOINT_FILE]
            }
            Folder::Processing | Folder::Temp => &[],
        };
        if self.clear(from, superfluous)? {
            self.disk().sync_folder(from)?;
        }
        if to == Folder::Archived {
            self.unname(job.id, &job.file.filename)?;
        }
        self.move_folder(from, &self.job_folder(to, job.id))
    }

    /// Publishes a result: `processing/` to `completed/`, and under the recording's name if that is wanted. The job is given
    /// in its new state.
    ///
    /// # Errors
    /// When the volume cannot be written to.
    pub fn publish(&self, job: &Job, result: &[u8], names: ResultNames) -> io::Result<()> {
        let folder = self.job_folder(Folder::Processing, job.id);
        // Before the record holds the end: from then on a start may complete the step.
        self.plan_name(job.id, names)?;
        self.write_file(&folder.join(record::RESULT_FILE), result)?;
        self.write_record(&folder, job)?;
        self.move_on(&folder, Folder::Completed, job)?;
        self.carry_out_name(job.id, &job.file.filename, names);
        Ok(())
    }

    /// Moves a failed or cancelled job to `failed/`: from `processing/`, or from `incoming/` if it was never started. The job is
    /// given in its new state.
    ///
    /// # Errors
    /// When the volume cannot be written to.
    pub fn reject(&self, job: &Job) -> io::Result<()> {
        let running = self.job_folder(Folder::Processing, job.id);
        let folder = if self.disk().exists(&running)? { running } else { self.job_folder(Folder::Incoming, job.id) };
        if let Some(error) = record::encode_error(job) {
            self.write_file(&folder.join(record::ERROR_FILE), &error)?;
        }
        self.write_record(&folder, job)?;
        self.move_on(&folder, Folder::Failed, job)
    }

    /// Queues a failed or cancelled job again: `failed/` to `incoming/`. The job is given in its new state. It may still lie
    /// in `processing/`, when a start could not set it aside.
    ///
    /// # Errors
    /// `NotFound` if the recording is missing; otherwise when the volume cannot be written to.
    pub fn retry(&self, job: &Job) -> io::Result<()> {
        let unmoved = self.job_folder(Folder::Processing, job.id);
        let folder = if self.disk().exists(&unmoved)? { unmoved } else { self.job_folder(Folder::Failed, job.id) };
        if !self.disk().exists(&folder.join(record::recording_name(job.file.source.format)))? {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the recording is gone"));
        }
        // A cancellation of an earlier run must not be carried out on this one.
        self.forget_cancellation(job.id)?;
        self.write_record(&folder, job)?;
        self.move_on(&folder, Folder::Incoming, job)
    }

    /// Puts a started job back with its checkpoints: `processing/` to `incoming/`.
    ///
    /// # Errors
    /// When the volume cannot be written to.
    pub fn put_back(&self, job: &Job) -> io::Result<()> {
        let folder = self.job_folder(Folder::Processing, job.id);
        self.write_record(&folder, job)?;
        self.move_on(&folder, Folder::Incoming, job)
    }

    /// Removes a job with every trace. First, one rename moves it out of its state folder: from then on it is deleted, and what a
    /// crash leaves of it in `temp/` is removed by the next start.
    ///
    /// # Errors
    /// When the volume cannot be written to.
    pub fn remove(&self, id: JobId, state: &JobState) -> io::Result<()> {
        let doomed = self.folder(Folder::Temp).join(format!("{id}.deleted"));
        // A step that failed half-way may have left it in another folder than the state says, or something in the way of it.
        // In no folder: it was removed by hand already.
        let expected = Folder::of(state);
        for folder in std::iter::once(expected).chain(Folder::OF_JOBS.into_iter().filter(|folder| *folder != expected)) {
            match self.move_folder(&self.job_folder(folder, id), &doomed) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    // A second try often succeeds.
                    let remove = || self.unname_deleted(&doomed).and_then(|()| self.disk().remove_folder(&doomed));
                    if let Err(error) = remove().or_else(|_| remove()) {
                        error!(event = "remains_left", cause = %error, "What is left of a deleted job stays in temp/ for now");
                    }
                }
            }
        }
        // A note of a cancellation has no job left.
        let _swept_later = self.forget_cancellation(id);
        Ok(())
    }

    /// The published result of a completed job.
    ///
    /// # Errors
    /// When the file does not exist.
    pub fn read_result(&self, id: JobId) -> io::Result<Vec<u8>> {
        self.disk().read(&self.job_folder(Folder::Completed, id).join(record::RESULT_FILE), record::MAX_RESULT_BYTES)
    }

    /// The published result of a completed job, to be read in pieces, and its length in bytes.
    ///
    /// # Errors
    /// When the file does not exist.
    pub fn open_result(&self, id: JobId) -> io::Result<(std::fs::File, u64)> {
        let file = self.disk().open(&self.job_folder(Folder::Completed, id).join(record::RESULT_FILE))?;
        let length = file.metadata()?.len();
        Ok((file, length))
    }

    /// The recording of a job, in whichever state folder it is, and its length in bytes.
    ///
    /// # Errors
    /// When the file does not exist.
    pub fn open_recording(&self, job: &Job) -> io::Result<(std::fs::File, u64)> {
        let name = record::recording_name(job.file.source.format);
        // The folder that it should be in first; then all of them, since the job may move meanwhile, and again for the same reason.
        for folder in std::iter::once(Folder::of(&job.state)).chain(Folder::OF_JOBS).chain(Folder::OF_JOBS) {
            match self.disk().open(&self.job_folder(folder, job.id).join(&name)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => {
                    let file = opened?;
                    let length = file.metadata()?.len();
                    return Ok((file, length));
                }
            }
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "the recording is gone"))
    }
}
