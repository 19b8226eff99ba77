//! `models/trials.json`: the notes about model files that were not in use before ([`crate::models::trials`]).
//!
//! A missing or broken file only means that every model is tried.

use std::io;
use std::path::Path;

use tracing::warn;

use super::Volume;
use super::disk::Disk;
use crate::models::trials::{NOTES, Trials};

/// The largest file that is read, in bytes: a note takes about 200 and the length of a path.
const MAX_BYTES: u64 = 512 * 1024;

impl Volume {
    /// Continues the notes about model files; what is noted from now on is written to the volume.
    pub fn resume_trials(&self) -> Trials {
        let written = read(self.disk(), self.path());
        let volume = self.clone();
        Trials::resume(written.as_deref(), Box::new(move |notes| volume.write_file(&volume.path().join(NOTES), notes)))
    }
}

/// The notes of a volume that a server may have open; nothing is changed.
pub fn read_trials(volume: &Path) -> Trials {
    Trials::read(read(&Disk::below(volume), volume).as_deref())
}

fn read(disk: &Disk, volume: &Path) -> Option<Vec<u8>> {
    match disk.read(&volume.join(NOTES), MAX_BYTES) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            warn!(event = "trials_ignored", cause = %error, "{NOTES} cannot be used; all models are tried");
            None
        }
    }
}
