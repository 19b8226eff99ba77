//! Recordings that lie in `incoming/` because a person or another program put them there.
//!
//! Here they are only looked at: what is there, in which state, and with which sidecar beside it. [`super::taking`] makes jobs of
//! them. Names are bytes all the way, since a file may have any name; text is made of them for people alone.

mod listing;
mod names;

use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::disk::Disk;
use super::{Folder, Volume};
pub use listing::Listing;

/// Where a file lies: in `incoming/`, or in a folder of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    folder: Option<OsString>,
    name: OsString,
}

impl Place {
    /// In `incoming/` itself, or in this folder of it.
    pub fn new(folder: Option<OsString>, name: OsString) -> Self {
        Self { folder, name }
    }

    /// The folder in `incoming/`; none for `incoming/` itself.
    pub fn folder(&self) -> Option<&OsStr> {
        self.folder.as_deref()
    }

    /// The file's own name.
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    fn beside(&self, name: OsString) -> Self {
        Self { folder: self.folder.clone(), name }
    }

    /// The same as text that holds every byte of it.
    pub(super) fn encode(&self) -> String {
        names::encode(self)
    }

    /// The place that a text tells of; none when that is not in `incoming/`.
    pub(super) fn decode(text: &str) -> Option<Self> {
        names::decode(text)
    }

    pub(super) fn path(&self, incoming: &Path) -> PathBuf {
        match &self.folder {
            Some(folder) => incoming.join(folder).join(&self.name),
            None => incoming.join(&self.name),
        }
    }
}

/// What changes when a file is written to or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Imprint {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

impl Imprint {
    pub(super) fn of(meta: &Metadata) -> Self {
        Self { modified: meta.modified().ok(), size: meta.len(), inode: meta.ino() }
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
    /// Its name, for people.
    pub fn name(&self) -> String {
        self.recording.place.name.to_string_lossy().into_owned()
    }

    /// Where it lies in `incoming/`.
    pub fn place(&self) -> &Place {
        &self.recording.place
    }

    /// Where it lies; for probing.
    pub fn path(&self) -> &Path {
        &self.recording.path
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.recording.imprint.size
    }

    /// What changes when it or its sidecar is written to or replaced.
    pub fn imprint(&self) -> (Imprint, Option<Imprint>) {
        (self.recording.imprint, self.sidecar.as_ref().map(|sidecar| sidecar.imprint))
    }

    /// Where its sidecar lies, if there is one.
    pub fn sidecar(&self) -> Option<&Place> {
        self.sidecar.as_ref().map(|sidecar| &sidecar.place)
    }

    /// The first bytes of its sidecar, at most so many; nothing if there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_sidecar(&self, at_most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if let Some(sidecar) = &self.sidecar {
            self.disk.open(&sidecar.path)?.take(at_most).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }

    /// SHA-256 of its bytes, in lower-case hexadecimal.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn sha256(&self) -> io::Result<String> {
        let mut file = self.disk.open(&self.recording.path)?;
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(HEXLOWER.encode(&digest.finalize()));
            }
            digest.update(&buffer[..read]);
        }
    }
}

/// The folder that recordings are dropped into, to look at: it changes nothing but what was stranded on its way out.
#[derive(Debug, Clone)]
pub struct Incoming(pub(super) Volume);

impl Volume {
    /// The folder that recordings are dropped into.
    pub fn incoming(&self) -> Incoming {
        Incoming(self.clone())
    }
}

impl Incoming {
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
        let recording = self.find_file(Place::new(None, OsString::from(name)))?;
        Ok(recording.map(|recording| Arrival { recording, sidecar: None, disk: self.0.disk().clone() }))
    }

    /// The plain file at this place, if there is one.
    fn find_file(&self, place: Place) -> io::Result<Option<Found>> {
        let path = place.path(&self.path());
        match self.0.disk().link_metadata(&path) {
            Ok(meta) if meta.is_file() => Ok(Some(Found { imprint: Imprint::of(&meta), place, path })),
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
