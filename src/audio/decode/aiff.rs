//! Looks at the channel count of an AIFF file before the demuxer does: it multiplies the count with the size of a sample in 16 bits,
//! and overflows on a count that no recording has.

use std::io::{self, Read, Seek};

use super::bytes::read_at;

/// More channels than any recording has, and few enough for every sample size: 1024 samples of 8 bytes fit into 16 bits.
const MAX_CHANNELS: u16 = 1024;
/// More chunks than any recording has.
const MAX_CHUNKS: usize = 10_000;

/// Whether every common chunk of the file at `start` has a possible channel count. A broken sequence of chunks is left to the
/// demuxer to refuse.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn has_possible_channels(file: &mut (impl Read + Seek), start: u64, length: u64) -> io::Result<bool> {
    // Behind `FORM`, its size, and `AIFF` or `AIFC`.
    let mut offset = start + 12;
    for _ in 0..MAX_CHUNKS {
        if offset >= length {
            break;
        }
        let head = read_at(file, offset, 10)?;
        let Some((id, rest)) = head.split_first_chunk::<4>() else { break };
        let Some((size, rest)) = rest.split_first_chunk::<4>() else { break };
        if id == b"COMM"
            && let Some(channels) = rest.first_chunk::<2>()
            && u16::from_be_bytes(*channels) > MAX_CHANNELS
        {
            return Ok(false);
        }
        let size = u64::from(u32::from_be_bytes(*size));
        // Chunks are padded to an even length.
        offset += 8 + size + size % 2;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn has_possible(channels: u16) -> bool {
        let mut bytes = b"FORM\0\0\0\x40AIFFNAME\0\0\0\x01x\0COMM\0\0\0\x12".to_vec();
        bytes.extend(channels.to_be_bytes());
        bytes.resize(64, 0);
        has_possible_channels(&mut Cursor::new(&bytes), 0, bytes.len() as u64).unwrap()
    }

    #[test]
    fn a_channel_count_that_overflows_in_the_demuxer_is_found() {
        assert!(has_possible(0) && has_possible(2) && has_possible(1024));
        assert!(!has_possible(1025) && !has_possible(0xFFFE) && !has_possible(0x8000));
    }
}
