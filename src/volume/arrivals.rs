//! Recordings that lie in `incoming/` because a person or another program put them there, and what is left in `temp/`.
//!
//! Taking such a file moves it, and no moment of the move may lose it: it goes into a folder in `temp/` that already holds the
//! job's record, with the name that the file had, and the folder then goes to `incoming/`. A start that finds such a folder
//! in `temp/` gives the file its name back.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use tracing::warn;

use super::disk::Disk;
use super::{Folder, Volume, record};
use crate::jobs::{Job, JobId};

/// A recording that lies in `incoming/` under a name of its own.
#[derive(Debug, Clone)]
pub struct Arrival {
    name: String,
    path: PathBuf,
    size: u64,
    modified: Option<SystemTime>,
    disk: Disk,
}

impl Arrival {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it lies; for probing.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// SHA-256 of its bytes, in lower-case hexadecimal.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn sha256(&self) -> io::Result<String> {
        let mut file = self.disk.open(&self.path)?;
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(super::spool::hexadecimal(&digest.finalize()));
            }
            digest.update(&buffer[..read]);
        }
    }
}

impl Volume {
    /// The file of this name lying directly in `incoming/`: none if there is none, or if it is not a plain file.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn find_arrival(&self, name: &str) -> io::Result<Option<Arrival>> {
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
        if !is_plain {
            return Ok(None);
        }
        let path = self.folder(Folder::Incoming).join(name);
        match self.disk().link_metadata(&path) {
            Ok(meta) if meta.is_file() => {
                let disk = self.disk().clone();
                Ok(Some(Arrival { name: name.to_owned(), path, size: meta.len(), modified: meta.modified().ok(), disk }))
            }
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a file in `incoming/` the recording of a job. Whatever goes wrong, the file keeps or regains its name.
    ///
    /// # Errors
    /// `NotFound` when the file is gone, `ResourceBusy` when it has changed since it was found; otherwise when the volume does
    /// not take it.
    pub fn take(&self, arrival: &Arrival, job: &Job) -> io::Result<()> {
        let folder = self.job_folder(Folder::Temp, job.id);
        // Not found is said of the file alone.
        self.disk()
            .create_folder(&folder)
            .map_err(|error| if error.kind() == io::ErrorKind::NotFound { io::Error::other(error) } else { error })?;
        let moved = self.take_into(&folder, arrival, job);
        if moved.is_err() {
            self.give_back(&folder, &arrival.name)?;
            self.disk().remove_folder(&folder)?;
        }
        moved
    }

    fn take_into(&self, folder: &Path, arrival: &Arrival, job: &Job) -> io::Result<()> {
        self.write_file(&folder.join(record::JOB_FILE), &record::encode_taken(job, Some(&arrival.name)))?;
        let recording = folder.join(record::recording_name(&job.file.format));
        // The folder has to last before it holds the only name of the file.
        self.disk().sync_folder(&self.folder(Folder::Temp))?;
        self.disk().rename(&arrival.path, &recording)?;
        self.disk().sync_folder(folder)?;
        // Not through a link that took the file's place since it was looked at.
        let meta = self.disk().link_metadata(&recording)?;
        if !meta.is_file() || meta.len() != arrival.size || meta.modified().ok() != arrival.modified {
            return Err(io::Error::new(io::ErrorKind::ResourceBusy, "the file is still being written"));
        }
        // It may belong to another user; what is not readable would fail only when its turn comes.
        let _readable = self.disk().open(&recording)?;
        self.take_in(folder, job.id)
    }

    /// Gives a recording in a folder of `temp/` its name in `incoming/` back, if it was taken from there.
    fn give_back(&self, folder: &Path, name: &str) -> io::Result<()> {
        for entry in self.disk().entries(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("recording.") {
                let mut place = self.folder(Folder::Incoming).join(name);
                if self.disk().exists(&place)? {
                    place = self.folder(Folder::Incoming).join(format!("{}-{name}", JobId::random()));
                }
                self.disk().rename(&entry.path(), &place)?;
            }
        }
        self.disk().sync_folder(&self.folder(Folder::Incoming))
    }

    /// Removes what a server that died left in `temp/`, and gives back what it was just taking from `incoming/`.
    pub(super) fn sweep(&self) -> io::Result<()> {
        for entry in self.disk().entries(&self.folder(Folder::Temp))? {
            let entry = entry?;
            if entry.file_name() == ".lock" || Self::is_cancellation(&entry.path()) {
                continue;
            }
            // What cannot be removed keeps nobody from working; the next start tries again.
            if let Err(error) = self.sweep_one(&entry) {
                warn!(event = "not_swept", cause = %error, "What a server left in temp/ could not be removed");
            }
        }
        Ok(())
    }

    fn sweep_one(&self, entry: &std::fs::DirEntry) -> io::Result<()> {
        if !entry.file_type()?.is_dir() {
            return self.disk().remove_file(&entry.path());
        }
        // A deleted job may have been taken once, too: its traces have to go.
        let is_deleted = entry.path().extension().is_some_and(|extension| extension == "deleted");
        if !is_deleted && let Some(name) = self.taken_from(&entry.path())? {
            self.give_back(&entry.path(), &name)?;
            warn!(event = "arrival_given_back", "A recording that was being taken from incoming/ lies there again");
        }
        self.disk().remove_folder(&entry.path())
    }

    /// The name that the recording in a folder of `temp/` had in `incoming/`, if it was taken from there.
    fn taken_from(&self, folder: &Path) -> io::Result<Option<String>> {
        match self.disk().read(&folder.join(record::JOB_FILE)) {
            Ok(bytes) => Ok(record::taken_from(&bytes).filter(|name| !name.contains(['/', '\\']))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}
