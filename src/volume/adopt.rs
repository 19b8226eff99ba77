//! Turns a file in `incoming/` into the recording of a job, and cleans up what a crashed server left in `temp/`.
//!
//! The file is moved, and no crash may lose it: it goes into a folder in `temp/` that already holds the job's record, with the
//! name that the file had, and the folder then moves to its state by one rename. A start that finds such a folder in `temp/`
//! gives the file its name back. A sidecar is moved the same way, before its recording.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use tracing::warn;

use super::arrivals::{Found, Imprint};
use super::looks::is_look;
use super::naming::is_note;
use super::origin::Origin;
use super::place::{MAX_NAME_BYTES, Place};
use super::{Arrival, Folder, Volume, record};
use crate::jobs::{Job, JobId, JobState};

impl Volume {
    /// Turns a file in `incoming/` into the recording of a job, which is waiting or failed as given. After any error the file and
    /// its sidecar keep or regain their names.
    ///
    /// # Errors
    /// `NotFound` if the file is missing, `ResourceBusy` if it or its sidecar has changed since it was found; otherwise when the
    /// volume cannot be written to.
    pub fn take(&self, arrival: &Arrival, job: &Job) -> io::Result<()> {
        let folder = self.job_folder(Folder::Temp, job.id);
        // `NotFound` is reserved for the file.
        self.disk()
            .create_folder(&folder)
            .map_err(|error| if error.kind() == io::ErrorKind::NotFound { io::Error::other(error) } else { error })?;
        let origin = Origin { recording: arrival.place().clone(), sidecar: arrival.sidecar().cloned() };
        let moved = self.take_into(&folder, arrival, job, &origin);
        if moved.is_err()
            && let Err(error) = self.undo(&folder, &origin)
        {
            warn!(event = "arrival_stranded", cause = %error, "A recording from incoming/ lies in temp/ until it can be given back");
            self.stranded().push((folder, origin));
        }
        if moved.is_ok() {
            self.forget_deaths_on(arrival);
        }
        moved
    }

    fn undo(&self, folder: &Path, origin: &Origin) -> io::Result<()> {
        self.give_back(folder, origin)?;
        self.disk().remove_folder(folder)
    }

    /// Tries again to move back the files of adoptions that failed half-way.
    pub(super) fn give_back_stranded(&self) {
        let stranded = std::mem::take(&mut *self.stranded());
        for (folder, origin) in stranded {
            if self.disk().exists(&folder).is_ok_and(|is_there| !is_there) {
                continue;
            }
            match self.undo(&folder, &origin) {
                Ok(()) => warn!(event = "arrival_given_back", "A recording that was being taken from incoming/ lies there again"),
                Err(_) => self.stranded().push((folder, origin)),
            }
        }
    }

    fn take_into(&self, folder: &Path, arrival: &Arrival, job: &Job, origin: &Origin) -> io::Result<()> {
        self.write_file(&folder.join(record::JOB_FILE), &self.seal().put_on(&record::encode_taken(job, origin))?)?;
        if let Some(error) = record::encode_error(job) {
            self.write_file(&folder.join(record::ERROR_FILE), &error)?;
        }
        // The folder has to last before it holds the only names of the files.
        self.disk().sync_folder(&self.folder(Folder::Temp))?;
        if let Some(sidecar) = &arrival.sidecar {
            self.take_file(sidecar, &folder.join(record::SIDECAR_FILE)).map_err(changed_if_gone)?;
        }
        self.take_file(&arrival.recording, &folder.join(record::recording_name(job.file.source.format)))?;
        self.disk().sync_folder(folder)?;
        if job.state == JobState::Queued {
            return self.take_in(folder, job.id);
        }
        // No client waits for a failed dropped file: in the worst case it is in incoming/ again.
        self.move_folder(folder, &self.job_folder(Folder::of(&job.state), job.id))
    }

    /// Gives the files in a folder of `temp/` their names in `incoming/` back, if they were taken from there. The sidecar
    /// first: its recording must not be found without it.
    fn give_back(&self, folder: &Path, origin: &Origin) -> io::Result<()> {
        if let Some(place) = &origin.sidecar {
            let sidecar = folder.join(record::SIDECAR_FILE);
            if self.disk().exists(&sidecar)? {
                self.give_name(&sidecar, place)?;
            }
        }
        for entry in self.disk().entries(folder)? {
            let entry = entry?;
            if entry.file_name().as_bytes().starts_with(b"recording.") {
                self.give_name(&entry.path(), &origin.recording)?;
            }
        }
        Ok(())
    }

    /// Moves a file to a place in `incoming/`, or beside it if the place was taken meanwhile.
    fn give_name(&self, file: &Path, place: &Place) -> io::Result<()> {
        let incoming = self.folder(Folder::Incoming);
        let folder = place.folder().map_or_else(|| incoming.clone(), |name| incoming.join(name));
        // The folder may have been removed or replaced meanwhile.
        let is_there =
            self.disk().facts(&folder).is_ok_and(|facts| facts.is_folder()) || self.disk().create_folder(&folder).is_ok();
        let folder = if is_there { folder } else { incoming };
        let mut to = folder.join(place.name());
        if self.disk().exists(&to)? {
            to = folder.join(another_name(place));
        }
        self.disk().rename(file, &to)?;
        self.disk().sync_folder(&folder)
    }

    /// Removes what a crashed server left in `temp/`, moves back files that it was adopting from `incoming/`, and completes its
    /// deletions.
    pub(super) fn sweep(&self) -> io::Result<()> {
        for entry in self.disk().entries(&self.folder(Folder::Temp))? {
            let entry = entry?;
            let path = entry.path();
            // Notes are carried out when every job is where it belongs.
            if entry.file_name() == ".lock" || is_note(&path) || Self::is_cancellation(&path) || is_look(&path) {
                continue;
            }
            // What cannot be removed does no harm; the next start tries again.
            if let Err(error) = self.sweep_one(&path, entry.is_folder()) {
                warn!(event = "not_swept", cause = %error, "What a server left in temp/ could not be removed");
            }
        }
        Ok(())
    }

    fn sweep_one(&self, path: &Path, is_folder: bool) -> io::Result<()> {
        if !is_folder {
            return self.disk().remove_file(path);
        }
        // A deleted job may have come from `incoming/`, too: its traces have to be removed.
        if path.extension().is_some_and(|extension| extension == "deleted") {
            self.unname_deleted(path)?;
        } else if let Some(origin) = self.origin_of(path)? {
            self.give_back(path, &origin)?;
            warn!(event = "arrival_given_back", "A recording that was being taken from incoming/ lies there again");
        }
        self.disk().remove_folder(path)
    }

    /// The places that the files in a folder of `temp/` were taken from, if they were. A record that cannot be read now is no
    /// reason to throw a recording away.
    fn origin_of(&self, folder: &Path) -> io::Result<Option<Origin>> {
        match self.disk().read(&folder.join(record::JOB_FILE), record::MAX_BYTES) {
            Ok(bytes) => Ok(record::origin(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Moves a file that was found, and checks that it has not changed, is readable, and is on the disk.
    fn take_file(&self, found: &Found, to: &Path) -> io::Result<()> {
        self.disk().rename(&found.path, to)?;
        // A link may have taken the file's place since it was looked at.
        let facts = self.disk().facts(to)?;
        if !facts.is_plain_file() || Imprint::of(&facts) != found.imprint {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "the file is still being written"));
        }
        // It may belong to another user; one that is not readable would otherwise fail only when its turn comes.
        let file = self.disk().open(to)?;
        self.disk().sync(&file, to)
    }
}

/// A missing sidecar means that the recording is not in the state that was found.
fn changed_if_gone(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::NotFound { io::Error::new(io::ErrorKind::ResourceBusy, error) } else { error }
}

/// A unique name that ends as the file's own name does.
fn another_name(place: &Place) -> OsString {
    let mut name = format!("{}-", JobId::random()).into_bytes();
    let own = place.name().as_bytes();
    let mut kept = &own[own.len().saturating_sub(MAX_NAME_BYTES - name.len())..];
    // Not from the middle of a character.
    while own.len() > kept.len() && kept.first().is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {
        kept = &kept[1..];
    }
    name.extend_from_slice(kept);
    OsString::from_vec(name)
}
