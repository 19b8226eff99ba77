//! Removes recordings, results and records that have expired.

use std::io;

use super::{Folder, Volume, record};
use crate::jobs::{Job, JobId};

/// Sizes of the files of an ended job in bytes; 0 for a removed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    pub recording: u64,
    /// Size of the result, or of the file with the error.
    pub result: u64,
}

impl Volume {
    /// Measures the files of an ended job.
    ///
    /// # Errors
    /// When the files cannot be examined.
    pub fn footprint(&self, job: &Job) -> io::Result<Footprint> {
        let folder = self.job_folder(Folder::of(&job.state), job.id);
        let size = |name: &str| match self.disk().facts(&folder.join(name)) {
            Ok(facts) => Ok(facts.size()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        };
        let recording = size(&record::recording_name(job.file.source.format))?;
        Ok(Footprint { recording, result: size(record::RESULT_FILE)? + size(record::ERROR_FILE)? })
    }

    /// Removes the recording of an ended job; everything else of it stays.
    ///
    /// # Errors
    /// When the volume cannot be written to.
    pub fn remove_recording(&self, job: &Job) -> io::Result<()> {
        let folder = self.job_folder(Folder::of(&job.state), job.id);
        self.clear(&folder, &[&record::recording_name(job.file.source.format)])?;
        self.disk().sync_folder(&folder)
    }

    /// Archives an ended job: its record is kept, its recording and its result are removed. The job is given in its new state,
    /// after the state that it is in.
    ///
    /// The record is written first: from then on a start completes what is left of it.
    ///
    /// # Errors
    /// When the volume cannot be written to.
    pub fn archive(&self, ended: &Job, archived: &Job) -> io::Result<()> {
        let folder = self.job_folder(Folder::of(&ended.state), ended.id);
        self.write_record(&folder, archived)?;
        self.move_on(&folder, Folder::Archived, archived)
    }

    /// Removes what deletions that were broken off left in `temp/`, as far as it can be removed now.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn sweep_deleted(&self) -> io::Result<()> {
        self.give_back_stranded();
        for entry in self.disk().entries(&self.folder(Folder::Temp))? {
            let path = entry?.path();
            let is_of_a_job = path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| stem.parse::<JobId>().is_ok());
            if is_of_a_job && path.extension().is_some_and(|extension| extension == "deleted") {
                match self.unname_deleted(&path).and_then(|()| self.disk().remove_folder(&path)) {
                    // A deletion is removing it just now.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    removed => removed?,
                }
            }
        }
        Ok(())
    }
}
