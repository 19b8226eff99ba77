//! Puts a finished file into the models folder, whole or not at all.
//!
//! What is being written lies under a temporary name that no catalog takes for a model, in the target's own folder so that
//! the last step is a rename. It goes when it is dropped without having been placed: an import that fails leaves nothing.
#![expect(clippy::disallowed_methods, reason = "the import runs from the command line, outside a server")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::error::ImportError;

/// The folder to write to; if it was made for this import and stays empty, it goes again.
pub(super) struct Folder {
    path: PathBuf,
    made: bool,
}

impl Folder {
    pub(super) fn ensure(path: PathBuf) -> Result<Self, ImportError> {
        let made = !path.is_dir();
        if made {
            fs::create_dir_all(&path).map_err(|source| ImportError::Write { path: path.clone(), source })?;
        }
        Ok(Self { path, made })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.made {
            // Fails, as it should, when something lies in it.
            let _stays_if_used = fs::remove_dir(&self.path);
        }
    }
}

/// A file under a temporary name.
pub(super) struct TemporaryFile {
    path: PathBuf,
    pub(super) file: File,
}

impl TemporaryFile {
    /// Makes an empty one beside where `name` is to be.
    pub(super) fn create(folder: &Folder, name: &str) -> Result<Self, ImportError> {
        // The process makes it unique: two imports at once do not write into each other.
        let path = folder.path.join(format!(".{name}.{}.part", std::process::id()));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path);
        match file {
            Ok(file) => Ok(Self { path, file }),
            Err(source) => Err(ImportError::Write { path, source }),
        }
    }

    pub(super) fn write_error(&self, source: io::Error) -> ImportError {
        ImportError::Write { path: self.path.clone(), source }
    }

    /// Gives the finished file its name. Says whether it was new: the same file twice is no error, another one is.
    pub(super) fn place(self, folder: &Folder, name: &str) -> Result<bool, ImportError> {
        let target = folder.path.join(name);
        if target.symlink_metadata().is_ok() {
            return match same_content(&self.path, &target) {
                Ok(true) => Ok(false),
                Ok(false) | Err(_) => Err(ImportError::Exists { path: target }),
            };
        }
        self.file.sync_all().map_err(|source| self.write_error(source))?;
        fs::rename(&self.path, &target).map_err(|source| ImportError::Write { path: target, source })?;
        // The rename itself is on disk only once the folder is.
        File::open(&folder.path)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| ImportError::Write { path: folder.path.clone(), source })?;
        Ok(true)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // After `place` it is gone; there is nobody to tell about another failure.
        let _gone_if_placed = fs::remove_file(&self.path);
    }
}

fn same_content(left: &Path, right: &Path) -> io::Result<bool> {
    if fs::metadata(left)?.len() != fs::metadata(right)?.len() {
        return Ok(false);
    }
    Ok(sha256(&mut File::open(left)?)? == sha256(&mut File::open(right)?)?)
}

/// The SHA-256 of what is left of `source`, as hexadecimal digits.
pub(super) fn sha256(source: &mut impl Read) -> io::Result<String> {
    let mut hasher = HashingWriter::new(io::sink());
    io::copy(&mut BufReader::with_capacity(1 << 16, source), &mut hasher)?;
    hasher.finish()
}

/// Passes bytes on, and knows their hash and number in the end.
pub(super) struct HashingWriter<W: Write> {
    target: BufWriter<W>,
    hasher: Sha256,
    pub(super) bytes: u64,
}

impl<W: Write> HashingWriter<W> {
    pub(super) fn new(target: W) -> Self {
        Self { target: BufWriter::with_capacity(1 << 16, target), hasher: Sha256::new(), bytes: 0 }
    }

    /// Flushes, and gives the SHA-256 as hexadecimal digits.
    pub(super) fn finish(mut self) -> io::Result<String> {
        self.target.flush()?;
        Ok(HEXLOWER.encode(&self.hasher.finalize()))
    }
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.target.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.target.flush()
    }
}
