//! One open file that several readers use, each with a position of its own.
//!
//! An archive is opened and checked once, and each model in it then gets a reader. A file handle that is merely duplicated would
//! share its position, and opening the path again could open another file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use super::error::ImportError;
use crate::plain_file;

/// A buffered reader of a file; a clone starts at the beginning.
pub(super) struct SharedFile(BufReader<View>);

struct View {
    file: Arc<File>,
    length: u64,
    position: u64,
}

impl SharedFile {
    /// Opens the file at this path, which must not be a pipe or a folder.
    pub(super) fn open(path: &Path) -> Result<Self, ImportError> {
        plain_file::open(path).and_then(Self::new).map_err(|source| ImportError::Open { path: path.to_owned(), source })
    }

    /// A reader of this file, from its beginning.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self::view(Arc::new(file), length))
    }

    fn view(file: Arc<File>, length: u64) -> Self {
        Self(BufReader::with_capacity(1 << 16, View { file, length, position: 0 }))
    }

    /// The length of the file in bytes.
    pub(super) fn length(&self) -> u64 {
        self.0.get_ref().length
    }

    /// Moves forward without reading; cheap within the buffer.
    pub(super) fn skip_ahead(&mut self, bytes: u64) -> io::Result<()> {
        self.0.seek_relative(i64::try_from(bytes).map_err(io::Error::other)?)
    }
}

impl Clone for SharedFile {
    fn clone(&self) -> Self {
        let View { file, length, .. } = self.0.get_ref();
        Self::view(Arc::clone(file), *length)
    }
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl BufRead for SharedFile {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.0.seek(position)
    }
}

impl Read for View {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for View {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let target = match position {
            SeekFrom::Start(target) => Some(target),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
