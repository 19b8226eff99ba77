//! Folders of jobs that the server refused, and how an operator accepts them: after a backup was restored without its secret, after
//! folders were brought from another volume, or after a record was changed by hand.
//!
//! Only a person can know that these are jobs and not what another program laid there, so nothing here is done by a start.

use std::io;
use std::path::{Path, PathBuf};

use super::recover::{Flaw, Read, check, job_named};
use super::seal::Mark;
use super::{Folder, Volume};
use crate::jobs::JobId;

/// A folder that a start refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Its path, relative to the volume.
    pub path: PathBuf,
    pub reason: String,
}

/// The refused folders that an operator accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    All,
    /// Those of these jobs.
    Jobs(Vec<JobId>),
}

impl Volume {
    /// The folders that a start refuses.
    ///
    /// # Errors
    /// When the volume cannot be read.
    pub fn refused(&self) -> io::Result<Vec<Refused>> {
        self.sort_out(&Wanted::Jobs(Vec::new())).map(|(_, refused)| refused)
    }

    /// Seals the records of refused folders, so that the next start takes them for jobs. Returns their number, and what is still
    /// refused: folders that were not wanted, that hold no record, or hold something else than plain files.
    ///
    /// # Errors
    /// When the volume cannot be read or written to.
    pub fn accept_refused(&self, wanted: &Wanted) -> io::Result<(usize, Vec<Refused>)> {
        self.sort_out(wanted)
    }

    fn sort_out(&self, wanted: &Wanted) -> io::Result<(usize, Vec<Refused>)> {
        let (mut accepted, mut refused) = (0, Vec::new());
        let places = self.places()?;
        let records = self.records(&places);
        let is_any = |mark| records.iter().flatten().any(|read| read.mark == mark);
        let adopts = self.seal().begin(is_any(Mark::Missing), is_any(Mark::Foreign));
        for ((folder, path), read) in places.iter().zip(records) {
            let is_wanted = match wanted {
                Wanted::All => true,
                Wanted::Jobs(ids) => job_named(path).is_some_and(|id| ids.contains(&id)),
            };
            let reason = match self.flaw(*folder, path, &read) {
                Some(flaw) => flaw,
                None => match read {
                    Ok(read) if self.check_older(path, &read, adopts).is_ok() => continue,
                    Ok(read) if is_wanted => {
                        self.write_record(path, &read.job)?;
                        accepted += 1;
                        continue;
                    }
                    Ok(_) => "its job.json was not sealed on this volume, or changed since".to_owned(),
                    Err(flaw) => flaw.reason,
                },
            };
            let path = path.strip_prefix(self.path()).unwrap_or(path).to_path_buf();
            refused.push(Refused { path, reason });
        }
        Ok((accepted, refused))
    }

    /// Why a folder cannot be accepted, even if it is wanted.
    fn flaw(&self, folder: Folder, path: &Path, read: &Result<Read, Flaw>) -> Option<String> {
        let read = read.as_ref().ok()?;
        let checked = check(folder, path, read);
        let checked = if read.mark == Mark::Own { checked } else { checked.and_then(|()| self.check_files(path)) };
        checked.err().map(|flaw| flaw.reason)
    }
}
