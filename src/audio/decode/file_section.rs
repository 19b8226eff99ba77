//! The bytes that a demuxer sees: a section of the file, behind a synthesized header where needed.
//!
//! This hides tags in front of the audio, wrong headers, and metadata that no recording needs from the demuxer. It also meters
//! what is read: the only measure of progress that is reliable for every format, and the bound on a demuxer's memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

use super::read_meter::ReadMeter;

/// Four bytes of the file that the demuxer sees in place of those at an offset; they rename a part of the file.
pub(super) type Rename = (u64, [u8; 4]);

/// `prefix`, followed by `length` bytes of the file from `start`.
#[derive(Debug)]
pub(super) struct FileSection {
    file: File,
    prefix: Vec<u8>,
    start: u64,
    length: u64,
    position: u64,
    /// By offset in the file.
    renames: Vec<Rename>,
    meter: ReadMeter,
}

impl FileSection {
    pub(super) fn new(file: File, prefix: Vec<u8>, start: u64, length: u64) -> Self {
        Self { file, prefix, start, length, position: 0, renames: Vec::new(), meter: ReadMeter::unlimited() }
    }

    /// This section with parts of the file renamed.
    pub(super) fn renamed(mut self, mut renames: Vec<Rename>) -> Self {
        renames.sort_unstable();
        self.renames = renames;
        self
    }

    /// Total bytes, including the prefix.
    pub(super) fn total(&self) -> u64 {
        self.prefix.len() as u64 + self.length
    }

    pub(super) fn meter(&self) -> ReadMeter {
        self.meter.clone()
    }

    /// Applies the renames to bytes that were read from `offset` in the file.
    fn rename(&self, offset: u64, bytes: &mut [u8]) {
        let end = offset + bytes.len() as u64;
        let first = self.renames.partition_point(|(at, _)| at + 4 <= offset);
        for (at, name) in self.renames[first..].iter().take_while(|(at, _)| *at < end) {
            for (place, byte) in (*at..).zip(name) {
                let index = place.checked_sub(offset).and_then(|index| usize::try_from(index).ok());
                if let Some(target) = index.and_then(|index| bytes.get_mut(index)) {
                    *target = *byte;
                }
            }
        }
    }
}

impl Read for FileSection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let granted = self.meter.grant(buffer.len())?;
        let prefix = self.prefix.len() as u64;
        let count = if self.position < prefix {
            let rest = &self.prefix[self.position as usize..];
            let count = rest.len().min(granted);
            buffer[..count].copy_from_slice(&rest[..count]);
            count
        } else {
            let inside = self.position - prefix;
            let wanted = self.length.saturating_sub(inside).min(granted as u64) as usize;
            let offset = self.start + inside;
            // Seeking on every read keeps both positions in step; it costs one system call per 32 KiB.
            self.file.seek(SeekFrom::Start(offset))?;
            let count = self.file.read(&mut buffer[..wanted])?;
            self.rename(offset, &mut buffer[..count]);
            count
        };
        self.position += count as u64;
        self.meter.record(count, self.position);
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn section(bytes: &[u8]) -> FileSection {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        FileSection::new(file, b"..".to_vec(), 1, bytes.len() as u64 - 1)
    }

    #[test]
    fn parts_are_renamed_wherever_a_read_begins_and_ends() {
        for step in 1..12 {
            let mut source = section(b"0123456789abcdef").renamed(vec![(8, *b"WXYZ"), (2, *b"free")]);
            let mut seen: Vec<u8> = Vec::new();
            let mut piece = vec![0; step];
            loop {
                let count = source.read(&mut piece).unwrap();
                if count == 0 {
                    break;
                }
                seen.extend(&piece[..count]);
            }
            assert_eq!(seen, *b"..1free67WXYZcdef", "{step}");
        }
    }

    #[test]
    fn a_step_reads_what_it_may_and_then_fails() {
        let mut source = section(b"0123456789");
        let meter = source.meter();
        meter.allow(5);
        let mut piece = [0; 4];
        assert_eq!(source.read(&mut piece).unwrap(), 2);
        assert_eq!(source.read(&mut piece).unwrap(), 3);
        assert!(!meter.exceeded());
        assert!(source.read(&mut piece).is_err());
        assert!(meter.exceeded());
    }
}
