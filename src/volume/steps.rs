//! The steps of a job from one state folder to the next. Each ends in one rename; a crash before it leaves the job where it
//! was, and what was written already is written again.

use std::io;
use std::path::{Path, PathBuf};

use tracing::error;

use super::{Folder, ResultNames, Volume, record};
use crate::jobs::{Job, JobId, JobState};

impl Volume {
    /// Begins work: `incoming/` to `processing/`, with one more attempt counted. It may lie in `processing/` already, when a
    /// start could not put it back.
    ///
    /// # Errors
    /// When the volume does not take it.
    pub fn claim(&self, job: &Job) -> io::Result<PathBuf> {
        let to = self.job_folder(Folder::Processing, job.id);
        let is_there = self.disk().exists(&to)?;
        let from = if is_there { to.clone() } else { self.job_folder(Folder::Incoming, job.id) };
        // What an earlier attempt left when it could not be ended.
        self.clear(&from, &[record::RESULT_FILE, record::ERROR_FILE])?;
        self.write_file(&from.join(record::JOB_FILE), &record::encode(job))?;
        if !is_there {
            self.move_folder(&from, &to)?;
        }
        Ok(to.join(record::recording_name(job.file.source.format)))
    }

    /// Moves a job's folder on for good, without what it must not hold there: checkpoints go with work that goes on, and an
    /// ending that was not reached leaves nothing behind.
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
    /// When the volume does not take it.
    pub fn publish(&self, job: &Job, result: &[u8], names: ResultNames) -> io::Result<()> {
        let folder = self.job_folder(Folder::Processing, job.id);
        // Before the record says that there is a result: from then on a start may carry it all out.
        self.plan_name(job.id, names)?;
        self.write_file(&folder.join(record::RESULT_FILE), result)?;
        self.write_file(&folder.join(record::JOB_FILE), &record::encode(job))?;
        self.move_on(&folder, Folder::Completed, job)?;
        self.carry_out_name(job.id, &job.file.filename, names);
        Ok(())
    }

    /// Sets a failed or cancelled job aside: from `processing/`, or `incoming/` if it had not begun, to `failed/`. The job
    /// is given in its new state.
    ///
    /// # Errors
    /// When the volume does not take it.
    pub fn reject(&self, job: &Job) -> io::Result<()> {
        let running = self.job_folder(Folder::Processing, job.id);
        let folder = if self.disk().exists(&running)? { running } else { self.job_folder(Folder::Incoming, job.id) };
        if let Some(error) = record::encode_error(job) {
            self.write_file(&folder.join(record::ERROR_FILE), &error)?;
        }
        self.write_file(&folder.join(record::JOB_FILE), &record::encode(job))?;
        self.move_on(&folder, Folder::Failed, job)
    }

    /// Queues a failed or cancelled job again: `failed/` to `incoming/`. The job is given in its new state. It may still lie
    /// in `processing/`, when a start could not set it aside.
    ///
    /// # Errors
    /// Not found when the recording is not there any more; otherwise when the volume does not take it.
    pub fn retry(&self, job: &Job) -> io::Result<()> {
        let unmoved = self.job_folder(Folder::Processing, job.id);
        let folder = if self.disk().exists(&unmoved)? { unmoved } else { self.job_folder(Folder::Failed, job.id) };
        if !self.disk().exists(&folder.join(record::recording_name(job.file.source.format)))? {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the recording is gone"));
        }
        // A cancellation of an earlier run must not be carried out on this one.
        self.forget_cancellation(job.id)?;
        self.write_file(&folder.join(record::JOB_FILE), &record::encode(job))?;
        self.move_on(&folder, Folder::Incoming, job)
    }

    /// Puts a job that was begun back, with its checkpoints: `processing/` to `incoming/`.
    ///
    /// # Errors
    /// When the volume does not take it.
    pub fn put_back(&self, job: &Job) -> io::Result<()> {
        let folder = self.job_folder(Folder::Processing, job.id);
        self.write_file(&folder.join(record::JOB_FILE), &record::encode(job))?;
        self.move_on(&folder, Folder::Incoming, job)
    }

    /// Removes a job with all its traces. Out of its state folder by one rename first: from there on it is gone, whatever
    /// happens, and what a crash leaves of it in `temp/` is removed by the next start.
    ///
    /// # Errors
    /// When the volume does not take it.
    pub fn remove(&self, id: JobId, state: &JobState) -> io::Result<()> {
        let doomed = self.folder(Folder::Temp).join(format!("{id}.deleted"));
        // A step that failed half-way may have left it in another folder than the state says, or something in the way of it.
        // Nowhere: somebody removed it by hand already.
        let expected = Folder::of(state);
        for folder in std::iter::once(expected).chain(Folder::OF_JOBS.into_iter().filter(|folder| *folder != expected)) {
            match self.move_folder(&self.job_folder(folder, id), &doomed) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    // A disk that fails once often does not fail twice.
                    let remove = || self.unname_deleted(&doomed).and_then(|()| self.disk().remove_folder(&doomed));
                    if let Err(error) = remove().or_else(|_| remove()) {
                        error!(event = "remains_left", cause = %error, "What is left of a deleted job stays in temp/ for now");
                    }
                }
            }
        }
        // Nothing is left that it could be carried out on.
        let _swept_later = self.forget_cancellation(id);
        Ok(())
    }

    /// The published result of a completed job.
    ///
    /// # Errors
    /// When it is not there.
    pub fn read_result(&self, id: JobId) -> io::Result<Vec<u8>> {
        self.disk().read(&self.job_folder(Folder::Completed, id).join(record::RESULT_FILE))
    }

    /// The recording of a job, wherever it lies by now, and its length in bytes.
    ///
    /// # Errors
    /// When it is not there.
    pub fn open_recording(&self, job: &Job) -> io::Result<(std::fs::File, u64)> {
        let name = record::recording_name(job.file.source.format);
        // Twice, since the job may move on between two looks.
        for folder in Folder::OF_JOBS.into_iter().chain(Folder::OF_JOBS) {
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
