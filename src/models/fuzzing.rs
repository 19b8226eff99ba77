//! Entry point of the fuzz target for Whisper files; compiled only for fuzzing.

use std::io::{self, Read, Seek, SeekFrom};

use super::ggml;

/// Reads a Whisper file whose weights and filters are left out: what is skipped takes no bytes.
pub fn ggml(bytes: &[u8]) {
    let file = WithoutSkipped { left: bytes, position: 0 };
    let _refused = ggml::inspect_reader(file, u64::MAX);
}

struct WithoutSkipped<'a> {
    left: &'a [u8],
    position: u64,
}

impl Read for WithoutSkipped<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.left.read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for WithoutSkipped<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
            SeekFrom::End(_) => None,
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
