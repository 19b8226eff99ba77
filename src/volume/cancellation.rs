//! Notes of cancellations of a running job, written before the client gets its answer: the run may take a while to stop, and a
//! server that dies meanwhile must not start it again.
//!
//! A note is the job's record as it will be, in `temp/<id>.cancelled`, outside the job's folder, which may just be moving from
//! one place to the next. A start carries out the notes it finds, unless the job has ended.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use tracing::warn;

use super::seal::Mark;
use super::{Folder, Volume, record};
use crate::jobs::{Job, JobId, JobState};

/// Extension of the names of notes.
const EXTENSION: &str = "cancelled";

impl Volume {
    /// Notes the cancellation of a running job, which is given as it will be: cancelled.
    ///
    /// # Errors
    /// When the volume cannot be written to.
    pub fn note_cancellation(&self, job: &Job) -> io::Result<()> {
        self.write_file(&self.cancellation(job.id), &self.seal().put_on(&record::encode(job))?)
    }

    /// Removes the note of a cancellation, if there is one: the run has ended.
    ///
    /// # Errors
    /// When the volume cannot be written to. A note that remains does no harm unless the job is tried again.
    pub fn forget_cancellation(&self, id: JobId) -> io::Result<()> {
        match self.disk().remove_file(&self.cancellation(id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn cancellation(&self, id: JobId) -> PathBuf {
        self.folder(Folder::Temp).join(format!("{id}.{EXTENSION}"))
    }

    /// Whether a file in `temp/` is such a note.
    pub(super) fn is_cancellation(path: &Path) -> bool {
        path.extension() == Some(OsStr::new(EXTENSION))
    }

    /// Every noted cancellation, with the job as it will be. Notes without a seal count if records without one do.
    pub(super) fn cancellations(&self, adopts: bool) -> io::Result<HashMap<JobId, Job>> {
        let mut found = HashMap::new();
        for entry in self.disk().entries(&self.folder(Folder::Temp))? {
            let path = entry?.path();
            if !Self::is_cancellation(&path) {
                continue;
            }
            let record = self.disk().read_surely(&path, record::MAX_BYTES).map_err(|error| error.to_string());
            match record.and_then(|bytes| record::decode(&bytes).map(|job| (job, self.seal().mark(&bytes)))) {
                Ok((_, mark)) if mark != Mark::Own && !(adopts && mark == Mark::Missing) => {
                    warn!(event = "cancellation_ignored", "A cancellation in temp/ was not written by this server");
                }
                Ok((job, _)) if !matches!(job.state, JobState::Cancelled { .. }) => {
                    warn!(event = "cancellation_ignored", "A cancellation in temp/ is the record of another state");
                }
                Ok((job, _)) => {
                    found.insert(job.id, job);
                }
                Err(reason) => warn!(event = "cancellation_ignored", reason, "A cancellation in temp/ cannot be read"),
            }
        }
        Ok(found)
    }
}
