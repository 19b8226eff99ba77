//! Recordings that lie in `incoming/` because a person or another program put them there.
//!
//! This module only reads: which files are there, in which state, and with which sidecar. [`super::adopt`] makes jobs of them.
//! Names are bytes throughout, since a file may have any name; they become text only for people.

mod listing;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::disk::{Disk, Facts, Time};
use super::place::Place;
use super::{Folder, Volume};
pub use listing::Listing;

/// Identifies the content of a file without reading it: changes whenever the file is written to or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Imprint {
    modified: Time,
    size: u64,
    inode: i128,
}

impl Imprint {
    pub(super) fn of(facts: &Facts) -> Self {
        Self { modified: facts.modified(), size: facts.size(), inode: facts.inode() }
    }
}

/// A file that lies in `incoming/` under a name of its own.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) place: Place,
    pub(super) path: PathBuf,
    pub(super) imprint: Imprint,
}

/// A recording that lies in `incoming/`, with what lies beside it.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub(super) recording: Found,
    pub(super) sidecar: Option<Found>,
    disk: Disk,
}

impl Arrival {
    /// The name of the file as text, for people.
    pub fn name(&self) -> String {
        self.recording.place.name().to_string_lossy().into_owned()
    }

    /// The place of the file in `incoming/`.
    pub fn place(&self) -> &Place {
        &self.recording.place
    }

    /// Opens the file for reading, if it is still the one that was found.
    ///
    /// # Errors
    /// When it cannot be opened or is no plain file; `ResourceBusy` if it has changed.
    pub fn open(&self) -> io::Result<File> {
        open_unchanged(&self.disk, &self.recording)
    }

    /// Size of the file in bytes, as seen when it was found.
    pub fn size(&self) -> u64 {
        self.recording.imprint.size
    }

    /// The imprints of the file and of its sidecar.
    pub fn imprint(&self) -> (Imprint, Option<Imprint>) {
        (self.recording.imprint, self.sidecar.as_ref().map(|sidecar| sidecar.imprint))
    }

    /// The place of the sidecar, if there is one.
    pub fn sidecar(&self) -> Option<&Place> {
        self.sidecar.as_ref().map(|sidecar| &sidecar.place)
    }

    /// The first `at_most` bytes of the sidecar; empty if there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_sidecar(&self, at_most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if let Some(sidecar) = &self.sidecar {
            open_unchanged(&self.disk, sidecar)?.take(at_most).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }
}

/// Opens what was found, unless something else is there now.
fn open_unchanged(disk: &Disk, found: &Found) -> io::Result<File> {
    let changed = || io::Error::new(io::ErrorKind::ResourceBusy, "the file has changed");
    let file =
        disk.open(&found.path).map_err(|error| if error.kind() == io::ErrorKind::InvalidInput { changed() } else { error })?;
    if Imprint::of(&Facts::of(&file)?) == found.imprint { Ok(file) } else { Err(changed()) }
}

/// Read access to `incoming/`, the folder that recordings are dropped into.
#[derive(Debug, Clone)]
pub struct DropFolder(pub(super) Volume);

impl Volume {
    /// The folder that recordings are dropped into.
    pub fn drop_folder(&self) -> DropFolder {
        DropFolder(self.clone())
    }
}

impl DropFolder {
    /// Its path, to be watched.
    pub fn path(&self) -> PathBuf {
        self.0.folder(Folder::Incoming)
    }

    /// The plain file with this name directly in `incoming/`, if there is one. Its sidecar is not looked for.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn find(&self, name: &str) -> io::Result<Option<Arrival>> {
        let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
        if !is_plain {
            return Ok(None);
        }
        self.find_at(Place::new(None, OsString::from(name)))
    }

    /// The plain file at this place, if there is one. Its sidecar is not looked for.
    pub(super) fn find_at(&self, place: Place) -> io::Result<Option<Arrival>> {
        let recording = self.find_file(place)?;
        Ok(recording.map(|recording| Arrival { recording, sidecar: None, disk: self.0.disk().clone() }))
    }

    /// Whether the server has died on any file that is here.
    pub fn has_deadly(&self) -> bool {
        self.0.has_deadly()
    }

    /// How often the server has died while it examined this file, as it is now.
    pub fn deaths_on(&self, arrival: &Arrival) -> u32 {
        self.0.deaths_on(arrival)
    }

    /// The plain file at this place, if there is one.
    fn find_file(&self, place: Place) -> io::Result<Option<Found>> {
        let path = place.path(&self.path());
        match self.0.disk().facts(&path) {
            Ok(facts) if facts.is_plain_file() => Ok(Some(Found { imprint: Imprint::of(&facts), place, path })),
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The names that a recording's sidecar may have, the one that counts more first.
fn sidecar_names(recording: &OsStr) -> [OsString; 2] {
    let bytes = recording.as_bytes();
    let stem = match bytes.iter().rposition(|byte| *byte == b'.') {
        Some(dot) if dot > 0 => &bytes[..dot],
        Some(_) | None => bytes,
    };
    [bytes, stem].map(|name| OsString::from_vec([name, b".json"].concat()))
}
