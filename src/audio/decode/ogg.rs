//! The pages of an Ogg file that a demuxer may see: whole pages with audio, and headers without comments.
//!
//! The demuxer holds comments (with pictures in them) many times over, keeps every setup header that it meets, and a stream for
//! each first page. So this source finds and checks the pages itself, drops what is neither audio nor needed to decode it, replaces
//! comments by empty ones, and bounds headers and packets. It holds one page, and one header of bounded size per stream. It
//! cannot seek, which no decoding needs.

mod page;
mod stream;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

use self::page::{MARKER, MAX_PAGE, Page};
use self::stream::Streams;
use super::read_meter::ReadMeter;

/// Bytes read at a time.
const BLOCK: usize = 64 << 10;

/// The filtered pages of a file.
pub(super) struct OggPages {
    file: File,
    /// Offset of the next byte to read.
    at: u64,
    is_at_end: bool,
    /// Bytes that were read, and how many of them were looked at.
    waiting: Vec<u8>,
    seen: usize,
    /// Bytes for the demuxer, and how many of them it has.
    ready: Vec<u8>,
    taken: usize,
    streams: Streams,
    meter: ReadMeter,
}

impl OggPages {
    /// The pages from an offset of a file.
    pub(super) fn new(file: File, start: u64) -> Self {
        Self {
            file,
            at: start,
            is_at_end: false,
            waiting: Vec::new(),
            seen: 0,
            ready: Vec::new(),
            taken: 0,
            streams: Streams::default(),
            meter: ReadMeter::unlimited(),
        }
    }

    pub(super) fn meter(&self) -> ReadMeter {
        self.meter.clone()
    }

    /// Reads on until the longest page would be there, or the file ends.
    fn fill(&mut self) -> io::Result<()> {
        while self.waiting.len() - self.seen < MAX_PAGE && !self.is_at_end {
            self.waiting.drain(..std::mem::take(&mut self.seen));
            self.file.seek(SeekFrom::Start(self.at))?;
            let read = (&mut self.file).take(BLOCK as u64).read_to_end(&mut self.waiting)?;
            self.at += read as u64;
            self.is_at_end = read == 0;
        }
        Ok(())
    }

    /// Prepares the next bytes for the demuxer; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        self.ready.clear();
        self.taken = 0;
        while self.ready.is_empty() {
            self.fill()?;
            let waiting = &self.waiting[self.seen..];
            let Some(begin) = waiting.windows(MARKER.len()).position(|window| window == MARKER) else {
                if self.is_at_end {
                    return Ok(false);
                }
                // The beginning of a page may be in the last bytes.
                self.seen += waiting.len().saturating_sub(MARKER.len() - 1);
                continue;
            };
            if begin > 0 {
                self.seen += begin;
                continue;
            }
            let Some(page) = Page::parse(waiting) else {
                self.seen += MARKER.len();
                continue;
            };
            self.seen += page.bytes().len();
            self.streams.pass(&page, &mut self.ready)?;
        }
        Ok(true)
    }
}

impl Read for OggPages {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken >= self.ready.len() && !self.advance()? {
            return Ok(0);
        }
        let rest = &self.ready[self.taken..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        self.meter.record(count, self.at);
        Ok(count)
    }
}

impl Seek for OggPages {
    fn seek(&mut self, _to: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl MediaSource for OggPages {
    fn is_seekable(&self) -> bool {
        false
    }

    fn byte_len(&self) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests;
