//! The bytes that a demuxer sees: a section of the file, behind a synthesized header where needed.
//!
//! This hides tags in front of the audio and wrong headers from the demuxer. It also tracks the read position, the only
//! measure of progress that is reliable for every format.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use symphonia::core::io::MediaSource;

/// Read position of a [`FileSection`], shared for progress reports.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadPosition(Arc<AtomicU64>);

impl ReadPosition {
    /// Position in bytes, including the prefix.
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// `prefix`, followed by `length` bytes of the file from `start`.
#[derive(Debug)]
pub(super) struct FileSection {
    file: File,
    prefix: Vec<u8>,
    start: u64,
    length: u64,
    position: u64,
    read: ReadPosition,
}

impl FileSection {
    pub(super) fn new(file: File, prefix: Vec<u8>, start: u64, length: u64) -> Self {
        Self { file, prefix, start, length, position: 0, read: ReadPosition::default() }
    }

    /// Total bytes, including the prefix.
    pub(super) fn total(&self) -> u64 {
        self.prefix.len() as u64 + self.length
    }

    pub(super) fn read_position(&self) -> ReadPosition {
        self.read.clone()
    }
}

impl Read for FileSection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let prefix = self.prefix.len() as u64;
        let count = if self.position < prefix {
            let rest = &self.prefix[self.position as usize..];
            let count = rest.len().min(buffer.len());
            buffer[..count].copy_from_slice(&rest[..count]);
            count
        } else {
            let inside = self.position - prefix;
            let wanted = self.length.saturating_sub(inside).min(buffer.len() as u64) as usize;
            // Seeking on every read keeps both positions in step; it costs one system call per 32 KiB.
            self.file.seek(SeekFrom::Start(self.start + inside))?;
            self.file.read(&mut buffer[..wanted])?
        };
        self.position += count as u64;
        self.read.0.store(self.position, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for FileSection {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.total().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        // Seeks past the end stop there: a demuxer that follows an offset from a hostile file must not get a position
        // on which later arithmetic overflows.
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?.min(self.total());
        Ok(self.position)
    }
}

impl MediaSource for FileSection {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.total())
    }
}
