//! Writes a file into the models folder, completely or not at all.
//!
//! The file is written under a temporary name that the catalog ignores, in the target's folder so that the last step is a rename.
//! It is removed when it is dropped without having been renamed, so that a failed import leaves nothing behind.
#![expect(clippy::disallowed_methods, reason = "the import runs from the command line, outside a server")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::error::ImportError;
use super::shared_file::SharedFile;

/// The target folder. What was created for it and stays empty is removed again.
pub(super) struct Folder {
    path: PathBuf,
    /// The folders that did not exist before, innermost first.
    made: Vec<PathBuf>,
}

impl Folder {
    pub(super) fn ensure(path: PathBuf) -> Result<Self, ImportError> {
        let is_new = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.is_dir();
        let made = path.ancestors().take_while(is_new).map(Path::to_owned).collect();
        fs::create_dir_all(&path).map_err(|source| ImportError::Write { path: path.clone(), source })?;
        Ok(Self { path, made })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        for folder in &self.made {
            // Fails, as it should, when the folder is not empty.
            let _stays_if_used = fs::remove_dir(folder);
        }
    }
}

/// A file under a temporary name; removed when dropped.
pub(super) struct TemporaryFile {
    path: PathBuf,
    pub(super) file: File,
}

impl TemporaryFile {
    /// Creates an empty file in the folder where `name` will be.
    pub(super) fn create(folder: &Folder, name: &str) -> Result<Self, ImportError> {
        // The process id keeps two concurrent imports from writing to the same file.
        let path = folder.path.join(format!(".{name}.{}.part", std::process::id()));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path);
        match file {
            Ok(file) => Ok(Self { path, file }),
            Err(source) => Err(ImportError::Write { path, source }),
        }
    }

    /// A reader of what has been written.
    pub(super) fn reader(&self) -> Result<SharedFile, ImportError> {
        self.file.try_clone().and_then(SharedFile::new).map_err(ImportError::Read)
    }

    pub(super) fn write_error(&self, source: io::Error) -> ImportError {
        ImportError::Write { path: self.path.clone(), source }
    }

    /// Renames the finished file to `name`. Returns whether it is new; an existing identical file is no error, a different one is.
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
        // The rename is durable only once the folder has been flushed.
        File::open(&folder.path)
            .and_then(|folder| folder.sync_all())
            .map_err(|source| ImportError::Write { path: folder.path.clone(), source })?;
        Ok(true)
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // After `place` the name no longer exists; other failures cannot be reported here.
        let _gone_if_placed = fs::remove_file(&self.path);
    }
}

fn same_content(left: &Path, right: &Path) -> io::Result<bool> {
    if fs::metadata(left)?.len() != fs::metadata(right)?.len() {
        return Ok(false);
    }
    Ok(sha256(&mut File::open(left)?)? == sha256(&mut File::open(right)?)?)
}

/// The SHA-256 of the rest of `source`, in lower-case hexadecimal.
pub(super) fn sha256(source: &mut impl Read) -> io::Result<String> {
    let mut hasher = HashingWriter::new(io::sink());
    io::copy(&mut BufReader::with_capacity(1 << 16, source), &mut hasher)?;
    hasher.finish()
}

/// A writer that also computes the SHA-256 and the number of the bytes written.
pub(super) struct HashingWriter<W: Write> {
    target: BufWriter<W>,
    hasher: Sha256,
    pub(super) bytes: u64,
}

impl<W: Write> HashingWriter<W> {
    pub(super) fn new(target: W) -> Self {
        Self { target: BufWriter::with_capacity(1 << 16, target), hasher: Sha256::new(), bytes: 0 }
    }

    /// Flushes, and returns the SHA-256 in lower-case hexadecimal.
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
