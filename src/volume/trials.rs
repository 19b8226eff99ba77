//! `models/trials.json`: the notes about model files that were not in use before ([`crate::models::trials`]).
//!
//! A missing or broken file only means that every model is tried.

use std::io::{self, Read};
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
    Trials::read(read(&Disk::default(), volume).as_deref())
}

fn read(disk: &Disk, volume: &Path) -> Option<Vec<u8>> {
    let path = volume.join(NOTES);
    let found = match disk.link_metadata(&path) {
        Ok(meta) if !meta.is_file() => Err("it is no file".to_owned()),
        Ok(meta) if meta.len() > MAX_BYTES => Err(format!("it holds {} bytes", meta.len())),
        Ok(_) => disk.open(&path).map_err(|error| error.to_string()).and_then(|file| {
            let mut bytes = Vec::new();
            file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
            Ok(bytes)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => Err(error.to_string()),
    };
    found.inspect_err(|cause| warn!(event = "trials_ignored", cause, "{NOTES} cannot be used; all models are tried")).ok()
}
