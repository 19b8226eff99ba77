//! The key file: `keys.json` in the volume's root, readable only by its owner.
//!
//! It does not need the volume to be open: keys are created and revoked beside a running server, which holds the volume's lock
//! and notices the changed file by its [`Stamp`]. Changes are serialized by a lock of their own. A crash leaves the old file or
//! the new one.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::disk::{Disk, Facts, Time};
use crate::access::keys::{Key, SecretHash};
use crate::access::{KeyId, Scope};

const KEY_FILE: &str = "keys.json";
const LOCK_FILE: &str = "keys.lock";
/// Readable and writable only by its owner: a program that can write it can grant every right.
const MODE: u32 = 0o600;

/// The largest key file that is read, in bytes: a key takes about 400.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Why the key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It cannot be read or written.
    #[error("the key file {path} cannot be used: {source}")]
    Io { path: PathBuf, source: io::Error },
    /// It does not have the form that this module writes.
    #[error("the key file {path} is malformed: {reason}")]
    Malformed { path: PathBuf, reason: String },
}

/// A stamp of the file that changes whenever the file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: i128,
    size: u64,
    modified: Time,
    changed: Time,
}

/// The file that holds the keys of a volume.
#[derive(Debug, Clone)]
pub struct KeyFile {
    folder: PathBuf,
    disk: Disk,
}

#[derive(Serialize, Deserialize)]
struct KeysRecord {
    keys: Vec<KeyRecord>,
}

#[derive(Serialize, Deserialize)]
struct KeyRecord {
    id: String,
    label: String,
    scopes: Vec<String>,
    created_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
    secret_sha256: String,
}

impl KeyFile {
    /// The key file of the volume at this path.
    pub fn of(volume: &Path) -> Self {
        Self { folder: volume.to_path_buf(), disk: Disk::below(volume) }
    }

    /// The same, on a disk that fails where a test wants it to.
    #[cfg(feature = "faults")]
    pub fn failing(volume: &Path, faults: super::Faults) -> Self {
        Self { folder: volume.to_path_buf(), disk: Disk::failing(volume, faults) }
    }

    /// All keys, revoked ones too. A file that is not there holds none.
    ///
    /// # Errors
    /// When it cannot be read or is malformed.
    pub fn read(&self) -> Result<Vec<Key>, KeyFileError> {
        let bytes = match self.disk.read(&self.path(), MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.failed(source)),
        };
        parse(&bytes).map_err(|reason| KeyFileError::Malformed { path: self.path(), reason })
    }

    /// The file's stamp, or none if there is no file. One `stat`.
    ///
    /// # Errors
    /// When the file cannot be examined.
    pub fn stamp(&self) -> io::Result<Option<Stamp>> {
        match self.disk.facts(&self.path()) {
            Ok(facts) => {
                Ok(Some(Stamp { inode: facts.inode(), size: facts.size(), modified: facts.modified(), changed: facts.changed() }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Changes the keys under the lock, and returns what `change` returns.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn change<T>(&self, change: impl FnOnce(&mut Vec<Key>) -> T) -> Result<T, KeyFileError> {
        let failed = |source| self.failed(source);
        self.disk.create_folders(&self.folder).map_err(failed)?;
        let lock = self.disk.open_lock(&self.folder.join(LOCK_FILE), MODE).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut keys = self.read()?;
        let changed = change(&mut keys);
        self.write(&keys).map_err(failed)?;
        Ok(changed)
    }

    fn write(&self, keys: &[Key]) -> io::Result<()> {
        let record = KeysRecord { keys: keys.iter().map(encode).collect() };
        let temporary = self.path().with_extension("tmp");
        // A crash may have left one with other permissions.
        let file = self.disk.create_with_mode(&temporary, MODE)?;
        self.give_to_the_owner_of_the_volume(&file);
        self.disk.write(&file, &temporary, &serde_json::to_vec_pretty(&record)?)?;
        self.disk.sync(&file, &temporary)?;
        self.disk.rename(&temporary, &self.path())?;
        self.disk.sync_folder(&self.folder)
    }

    /// An administrator may run the command as root beside a server that is not.
    fn give_to_the_owner_of_the_volume(&self, file: &File) {
        let (Ok(folder), Ok(own)) = (std::fs::metadata(&self.folder), Facts::of(file)) else { return };
        if folder.uid() != own.owner() {
            // Only root may change the owner; otherwise the file keeps the owner who created it.
            let _only_root_may = std::os::unix::fs::fchown(file, Some(folder.uid()), Some(folder.gid()));
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(KEY_FILE)
    }

    fn failed(&self, source: io::Error) -> KeyFileError {
        KeyFileError::Io { path: self.path(), source }
    }
}

/// The keys in the bytes of a key file.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Key>, String> {
    let record: KeysRecord = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    record.keys.into_iter().map(decode).collect()
}

fn encode(key: &Key) -> KeyRecord {
    KeyRecord {
        id: key.id.to_string(),
        label: key.label.clone(),
        scopes: key.scopes.iter().map(|scope| scope.name().to_owned()).collect(),
        created_at: key.created_at,
        revoked_at: key.revoked_at,
        secret_sha256: key.hash.to_string(),
    }
}

fn decode(record: KeyRecord) -> Result<Key, String> {
    let scope = |name: &String| Scope::from_name(name).ok_or_else(|| format!("{} has the unknown scope {name:?}", record.id));
    Ok(Key {
        scopes: record.scopes.iter().map(scope).collect::<Result<_, _>>()?,
        hash: SecretHash::parse(&record.secret_sha256)
            .ok_or_else(|| format!("the secret_sha256 of {} is no SHA-256 in hexadecimal", record.id))?,
        id: KeyId::new(record.id),
        label: record.label,
        created_at: record.created_at,
        revoked_at: record.revoked_at,
    })
}
