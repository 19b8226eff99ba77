//! The bytes that a demuxer gets to see: a part of the file, behind a header of our own making where that is needed.
//!
//! Tags in front of the audio and headers that lie never reach the demuxer that way. Keeps count of how far the file has
//! been read, which is the one honest measure of progress that every format has.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use symphonia::core::io::MediaSource;

/// How far into a [`Source`] the reading is; shared with whoever reports progress.
#[derive(Debug, Clone, Default)]
pub(super) struct ReadPosition(Arc<AtomicU64>);

impl ReadPosition {
    /// Bytes from the start.
    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// `prefix`, then `length` bytes of the file from `start` on.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    prefix: Vec<u8>,
    start: u64,
    length: u64,
    position: u64,
    read: ReadPosition,
}

impl Source {
    pub(super) fn new(file: File, prefix: Vec<u8>, start: u64, length: u64) -> Self {
        Self { file, prefix, start, length, position: 0, read: ReadPosition::default() }
    }

    /// Bytes in all.
    pub(super) fn total(&self) -> u64 {
        self.prefix.len() as u64 + self.length
    }

    pub(super) fn read_position(&self) -> ReadPosition {
        self.read.clone()
    }
}

impl Read for Source {
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
            // Seeking each time keeps the two positions from ever drifting apart; it costs one system call for 32 KiB.
            self.file.seek(SeekFrom::Start(self.start + inside))?;
            self.file.read(&mut buffer[..wanted])?
        };
        self.position += count as u64;
        self.read.0.store(self.position, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.total().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        // No seeking past the end: a demuxer that follows an offset from a hostile file gets the end there, not a place
        // whose arithmetic may overflow later.
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?.min(self.total());
        Ok(self.position)
    }
}

impl MediaSource for Source {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.total())
    }
}
