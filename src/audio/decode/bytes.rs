//! Reads a few bytes at an offset of a file, for all header parsers.

use std::io::{self, Read, Seek, SeekFrom};

/// Reads up to `count` bytes from `offset`; fewer when the file ends before.
pub(super) fn read_at(file: &mut (impl Read + Seek), offset: u64, count: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
