//! Every operation on files that the volume performs, one thin layer above the system.
//!
//! It has no policy: its callers decide what is written, in which order, and what is flushed. It exists so that a test can make
//! any single operation fail, or stop the disk at that point (feature `faults`). Without that feature each function only calls
//! the system's own.
//! All paths are below one folder, and none leads through a link ([`beneath`]). Files are opened only if they are plain ones, never
//! waiting, and read up to a bound.
#![expect(clippy::disallowed_methods, reason = "the one place that changes files")]

mod beneath;
mod facts;
#[cfg(feature = "faults")]
pub(super) mod faults;
pub(super) mod operation;

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

use crate::plain_file;
use beneath::Beneath;
pub(super) use beneath::{Entries, Entry};
pub(super) use facts::{Facts, Time};
#[cfg(feature = "faults")]
use faults::Faults;
use operation::Operation;

/// Access to the disk below a folder; the system's own functions unless a test injects faults.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    root: Arc<Beneath>,
    #[cfg(feature = "faults")]
    faults: Option<Faults>,
}

impl Disk {
    /// The disk below this folder.
    pub(super) fn below(root: &Path) -> Self {
        Self {
            root: Arc::new(Beneath::new(root)),
            #[cfg(feature = "faults")]
            faults: None,
        }
    }

    /// The same with faults that a test chooses.
    #[cfg(feature = "faults")]
    pub(super) fn failing(root: &Path, faults: Faults) -> Self {
        Self { faults: Some(faults), ..Self::below(root) }
    }

    /// Performs an operation. `part` is what remains when the operation is cut off half-way, where that is possible.
    #[cfg(feature = "faults")]
    fn act<T>(
        &self,
        operation: Operation,
        path: &Path,
        part: impl FnOnce() -> io::Result<()>,
        whole: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        match &self.faults {
            None => whole(),
            Some(faults) => faults.act(operation, path, part, whole),
        }
    }

    /// Performs an operation as it is.
    #[cfg(not(feature = "faults"))]
    #[expect(clippy::unused_self, reason = "the other form of it asks the faults")]
    fn act<T>(
        &self,
        _: Operation,
        _: &Path,
        _: impl FnOnce() -> io::Result<()>,
        whole: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        whole()
    }

    fn at_once<T>(&self, operation: Operation, path: &Path, whole: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.act(operation, path, || Ok(()), whole)
    }

    pub(super) fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.at_once(Operation::CreateFolder, path, || self.root.create_folder(path))
    }

    /// Creates a folder in the root, and its parents; an existing one is fine, even on a full disk.
    pub(super) fn create_folders(&self, path: &Path) -> io::Result<()> {
        if std::fs::exists(path)? {
            return Ok(());
        }
        self.at_once(Operation::CreateFolder, path, || std::fs::create_dir_all(path))
    }

    /// Creates a file, or empties an existing one.
    pub(super) fn create(&self, path: &Path) -> io::Result<File> {
        self.at_once(Operation::Create, path, || self.root.create(path))
    }

    /// Creates a file for reading and writing; no file with its name may exist.
    pub(super) fn create_to_read(&self, path: &Path) -> io::Result<File> {
        self.at_once(Operation::Create, path, || self.root.create_new(path))
    }

    /// Creates or empties a file, with these permissions whatever it had before and whatever the umask is.
    pub(super) fn create_with_mode(&self, path: &Path, mode: u32) -> io::Result<File> {
        self.at_once(Operation::Create, path, || {
            let file = self.root.open(path, OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC, mode)?;
            file.set_permissions(Permissions::from_mode(mode))?;
            Ok(file)
        })
    }

    /// Opens a file to append to, and creates it if need be.
    pub(super) fn create_to_append(&self, path: &Path) -> io::Result<File> {
        self.at_once(Operation::Create, path, || self.root.create_to_append(path))
    }

    /// Opens an existing file to read and append to.
    pub(super) fn open_to_append(&self, path: &Path) -> io::Result<File> {
        self.at_once(Operation::Read, path, || self.root.open(path, OFlags::RDWR | OFlags::APPEND, 0))
    }

    /// Gives a file these permissions; the path is that of the file.
    pub(super) fn set_mode(&self, file: &File, path: &Path, mode: u32) -> io::Result<()> {
        self.at_once(Operation::Write, path, || file.set_permissions(Permissions::from_mode(mode)))
    }

    /// Truncates a file to this length; the path is that of the file.
    pub(super) fn cut(&self, file: &File, path: &Path, length: u64) -> io::Result<()> {
        self.at_once(Operation::Write, path, || file.set_len(length))
    }

    /// Opens a file to be locked, and creates it if need be; its content stays.
    pub(super) fn open_lock(&self, path: &Path, mode: u32) -> io::Result<File> {
        let open = || self.root.open(path, OFlags::RDWR | OFlags::CREATE, mode);
        // An existing file needs no room.
        let operation = if self.exists(path)? { Operation::Read } else { Operation::Create };
        let lock = self.at_once(operation, path, open)?;
        #[cfg(feature = "faults")]
        if let Some(faults) = &self.faults {
            faults.release_when_stopped(lock.try_clone()?);
        }
        Ok(lock)
    }

    /// Appends bytes to a file; the path is that of the file.
    pub(super) fn write(&self, mut file: &File, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut half = file;
        self.act(Operation::Write, path, || half.write_all(&bytes[..bytes.len() / 2]), || file.write_all(bytes))
    }

    /// Flushes a file to the disk; the path is that of the file.
    pub(super) fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        self.at_once(Operation::Sync, path, || file.sync_all())
    }

    /// Flushes a folder: what was renamed in it is then on the disk.
    pub(super) fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.at_once(Operation::Sync, path, || self.root.sync_folder(path))
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.at_once(Operation::Rename, to, || self.root.rename(from, to))
    }

    /// Makes a symbolic link at `path`, if nothing is there.
    pub(super) fn link(&self, target: &str, path: &Path) -> io::Result<()> {
        self.at_once(Operation::Create, path, || self.root.link(target, path))
    }

    /// What a symbolic link holds.
    pub(super) fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        self.at_once(Operation::Read, path, || self.root.read_link(path))
    }

    pub(super) fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.at_once(Operation::Remove, path, || self.root.remove_file(path))
    }

    /// Removes a folder in a folder of the root, with all that is in it. The library follows no link in there.
    pub(super) fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let one_file = || match std::fs::read_dir(path)?.next() {
            Some(entry) => std::fs::remove_file(entry?.path()),
            None => Ok(()),
        };
        self.act(Operation::RemoveFolder, path, one_file, || std::fs::remove_dir_all(path))
    }

    /// Reads a plain file that holds at most this many bytes.
    pub(super) fn read(&self, path: &Path, at_most: u64) -> io::Result<Vec<u8>> {
        self.at_once(Operation::Read, path, || plain_file::read(&self.root.read_only(path)?, at_most))
    }

    /// Reads a file, twice if need be: a passing fault must not hide a job until the next start.
    pub(super) fn read_surely(&self, path: &Path, at_most: u64) -> io::Result<Vec<u8>> {
        match self.read(path, at_most) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => self.read(path, at_most),
            read => read,
        }
    }

    /// Opens a plain file for reading.
    pub(super) fn open(&self, path: &Path) -> io::Result<File> {
        self.at_once(Operation::Read, path, || self.root.read_only(path))
    }

    /// Fills `bytes` with what a file holds from byte `at` on; the path is that of the file.
    pub(super) fn read_at(&self, file: &File, path: &Path, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.at_once(Operation::Read, path, || file.read_exact_at(bytes, at))
    }

    pub(super) fn entries(&self, path: &Path) -> io::Result<Entries> {
        self.at_once(Operation::Read, path, || self.root.entries(path))
    }

    /// What is known about a file, a folder or a link itself, not about its target.
    pub(super) fn facts(&self, path: &Path) -> io::Result<Facts> {
        self.at_once(Operation::Read, path, || self.root.facts(path))
    }

    /// Whether a file, folder or link with this name exists.
    pub(super) fn exists(&self, path: &Path) -> io::Result<bool> {
        match self.facts(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}
