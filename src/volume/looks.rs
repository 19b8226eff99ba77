//! Notes of what is being examined, so that a start knows what the server died on.
//!
//! Examining a recording runs decoders on bytes that anyone may have sent, and may end the process. A note `temp/<name>.look` is
//! there exactly as long as that lasts. It is not flushed: what a killed process has written stays, and a power failure is not the
//! recording's fault. The note of a dropped file also counts the deaths, and so stays until the file was examined; an upload is
//! sent again by its client, as another file. Without room for the note the recording is examined all the same.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{MutexGuard, PoisonError};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tracing::warn;

use super::arrivals::{Arrival, DropFolder};
use super::place::Place;
use super::{Folder, Volume};
use crate::jobs::JobId;

/// Extension of the names of notes.
const EXTENSION: &str = "look";
/// The largest note that is read, in bytes: the longest names take two thousand.
const MAX_BYTES: u64 = 16 * 1024;

/// What the note of a dropped file holds. That of an upload is empty.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Note {
    /// The place of the file in `incoming/`.
    file: String,
    /// How often the server has died while it examined the file.
    deaths: u32,
    /// Whether it is being examined.
    open: bool,
}

/// A recording that is going to be examined.
#[derive(Debug)]
pub struct Look {
    volume: Volume,
    note: PathBuf,
    text: Vec<u8>,
    begun: bool,
}

impl Look {
    /// Writes the note; it is removed when the returned value is dropped. The call blocks.
    #[must_use]
    pub fn begin(mut self) -> Self {
        let disk = self.volume.disk();
        let written = disk.create(&self.note).and_then(|file| match self.text.as_slice() {
            [] => Ok(()),
            text => disk.write(&file, &self.note, text),
        });
        if let Err(error) = written {
            warn!(event = "look_not_noted", cause = %error, "That a recording is examined could not be noted");
        }
        self.begun = true;
        self
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        if self.begun {
            // The recording was examined, and the server lives. A second try often succeeds; a note that stays counts one death
            // too many.
            let remove = || self.volume.disk().remove_file(&self.note);
            let _swept_later = remove().or_else(|_| remove());
            self.volume.deaths().remove(&name_of(&self.note));
        }
    }
}

impl Volume {
    fn deaths(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.0.deaths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often the server has died while it examined this file, as it is now.
    pub fn deaths_on(&self, arrival: &Arrival) -> u32 {
        self.deaths().get(&key(arrival)).copied().unwrap_or_default()
    }

    /// Whether the server has died on any dropped file.
    pub(super) fn has_deadly(&self) -> bool {
        !self.deaths().is_empty()
    }

    /// A look at an upload, which has not begun.
    pub fn look_at_upload(&self) -> Look {
        self.look(&JobId::random().to_string(), Vec::new())
    }

    /// A look at a dropped file, which has not begun.
    pub fn look_at_dropped(&self, arrival: &Arrival) -> Look {
        let note = Note { file: arrival.place().encode(), deaths: self.deaths_on(arrival), open: true };
        self.look(&key(arrival), to_json(&note))
    }

    fn look(&self, name: &str, text: Vec<u8>) -> Look {
        let note = self.folder(Folder::Temp).join(format!("{name}.{EXTENSION}"));
        Look { volume: self.clone(), note, text, begun: false }
    }

    /// Drops the note of a file that is a job now; a start drops it as well, since the file is gone.
    pub(super) fn forget_deaths_on(&self, arrival: &Arrival) {
        if self.deaths().remove(&key(arrival)).is_some() {
            let note = self.look(&key(arrival), Vec::new()).note.clone();
            let _swept_later = self.disk().remove_file(&note);
        }
    }

    /// Counts a death for every dropped file that was being examined when the server died, and forgets the files that have gone
    /// or changed. Returns whether anything was being examined.
    pub(super) fn end_looks(&self) -> io::Result<bool> {
        let mut was_any = false;
        for entry in self.disk().entries(&self.folder(Folder::Temp))? {
            let path = entry?.path();
            if !is_look(&path) {
                continue;
            }
            let (was_open, note) = self.read_look(&path);
            was_any |= was_open;
            let kept = match note {
                Some(note) => self.count(&path, note, was_open),
                None => self.disk().remove_file(&path),
            };
            if let Err(error) = kept {
                warn!(event = "not_swept", cause = %error, "A note of what was being examined could not be renewed");
            }
        }
        Ok(was_any)
    }

    /// Whether what a note names was being examined, and the note of a dropped file. Half a note was not written to its end, so
    /// the look had not begun.
    fn read_look(&self, path: &Path) -> (bool, Option<Note>) {
        match self.disk().read(path, MAX_BYTES) {
            Ok(text) if text.is_empty() => (true, None),
            Ok(text) => match decode(&text) {
                Some(note) => (note.open, Some(note)),
                None => (false, None),
            },
            Err(_) => (false, None),
        }
    }

    fn count(&self, path: &Path, note: Note, was_open: bool) -> io::Result<()> {
        let deaths = note.deaths.saturating_add(u32::from(was_open));
        let name = name_of(path);
        if !self.drop_folder().holds(&note.file, &name)? {
            return self.disk().remove_file(path);
        }
        self.deaths().insert(name, deaths);
        if was_open {
            warn!(event = "died_on_a_file", deaths, "The server died while it examined a file in incoming/");
            return self.write_file(path, &to_json(&Note { deaths, open: false, ..note }));
        }
        Ok(())
    }
}

impl DropFolder {
    /// Whether the file that a note names is there and has not changed since.
    fn holds(&self, file: &str, name: &str) -> io::Result<bool> {
        let Some(place) = Place::decode(file) else { return Ok(false) };
        Ok(self.find_at(place)?.is_some_and(|arrival| key(&arrival) == name))
    }
}

/// Whether a file in `temp/` is such a note.
pub(super) fn is_look(path: &Path) -> bool {
    path.extension() == Some(OsStr::new(EXTENSION))
}

fn name_of(note: &Path) -> String {
    note.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The note of a dropped file, by its bytes.
pub(super) fn decode(bytes: &[u8]) -> Option<Note> {
    serde_json::from_slice(bytes).ok()
}

fn to_json(note: &Note) -> Vec<u8> {
    serde_json::to_vec(note).expect("a text, a number and a truth value are always JSON")
}

/// The name of the note of a dropped file: another one once the file has changed.
fn key(arrival: &Arrival) -> String {
    let (recording, _) = arrival.imprint();
    let digest = Sha256::digest(format!("{} {recording:?}", arrival.place().encode()));
    HEXLOWER.encode(&digest[..16])
}
