//! Parses headers of MPEG audio (MP1, MP2, MP3) and ADTS (AAC) frames.
//!
//! Both begin with a run of set bits and nothing else, so a single header proves little: a stream is accepted if the
//! next frame begins where the first one ends. Pure functions of bytes.

/// The family of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Mpeg,
    Adts,
}

/// Bit rates in kbit/s by index 1 to 14: MPEG-1 layers I, II, III, then MPEG-2 layer I, and layers II and III.
const BIT_RATES: [[u32; 14]; 5] = [
    [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Frames in a row required of a stream that does not begin at the first byte.
const REQUIRED_FRAMES: usize = 3;

/// The parsed header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frame {
    kind: Kind,
    /// Version, layer and rate, which are equal in all frames of a stream.
    signature: u32,
    length: usize,
}

/// Finds the first stream in `head`, the first bytes of a file of `length` bytes; returns its kind and offset.
pub(super) fn find_stream(head: &[u8], length: u64) -> Option<(Kind, usize)> {
    (0..head.len().saturating_sub(4)).find_map(|offset| {
        let first = frame(&head[offset..])?;
        let wanted = if offset == 0 { REQUIRED_FRAMES - 1 } else { REQUIRED_FRAMES };
        proves(head, offset, first, wanted, length).then_some((first.kind, offset))
    })
}

/// True if `wanted` frames follow each other from `offset`. A short file needs only as many as fit into it.
fn proves(head: &[u8], offset: usize, first: Frame, wanted: usize, length: u64) -> bool {
    let mut at = offset;
    for count in 0..wanted {
        let Some(next) = head.get(at..).and_then(frame) else {
            // The file ends with this frame, apart from an ID3v1 tag; a file of one frame must begin with it.
            let ends = length.saturating_sub(at as u64) <= 128 + 4;
            return ends && (count > 1 || (count == 1 && offset == 0));
        };
        if next.signature != first.signature {
            return false;
        }
        at += next.length;
    }
    true
}

/// Parses the header of one frame; `None` if it is invalid.
fn frame(bytes: &[u8]) -> Option<Frame> {
    let [0xFF, second, third, fourth, rest @ ..] = bytes else { return None };
    if second & 0xF6 == 0xF0 {
        let length = usize::from(fourth & 3) << 11 | usize::from(*rest.first()?) << 3 | usize::from(*rest.get(1)? >> 5);
        let rate = third >> 2 & 0xF;
        let signature = u32::from(second & 0xF8) << 8 | u32::from(third & 0xFC);
        return (length > 7 && rate < 13).then_some(Frame { kind: Kind::Adts, signature, length });
    }
    if second & 0xE0 != 0xE0 {
        return None;
    }
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    let (bit_rate, rate) = (usize::from(third >> 4), usize::from(third >> 2 & 3));
    if version == 1 || layer == 0 || bit_rate == 0 || bit_rate == 15 || rate == 3 {
        return None;
    }
    let table = match (version, layer) {
        (3, 3) => 0,
        (3, 2) => 1,
        (3, _) => 2,
        (_, 3) => 3,
        (_, _) => 4,
    };
    let halvings = match version {
        3 => 0,
        2 => 1,
        _ => 2,
    };
    let hertz = [44_100, 48_000, 32_000][rate] >> halvings;
    let bits = BIT_RATES[table][bit_rate - 1] * 1_000;
    let padding = u32::from(third >> 1 & 1);
    let length = match layer {
        3 => (12 * bits / hertz + padding) * 4,
        2 => 144 * bits / hertz + padding,
        _ if version == 3 => 144 * bits / hertz + padding,
        _ => 72 * bits / hertz + padding,
    };
    let signature = u32::from(second & 0xFE) << 8 | u32::from(third & 0x0C);
    Some(Frame { kind: Kind::Mpeg, signature, length: length as usize })
}

/// Samples per channel in the MPEG frame in `packet`, before trimming.
pub(super) fn samples_in(packet: &[u8]) -> Option<u64> {
    let second = *packet.get(1)?;
    Some(match (second >> 1 & 3, second >> 3 & 3) {
        (3, _) => 384,
        (1, version) if version != 3 => 576,
        (_, _) => 1_152,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 64 kbit/s, 22.05 kHz, mono, MPEG-2 layer III: 208 bytes.
    const HEADER: [u8; 4] = [0xFF, 0xF3, 0x80, 0xC4];

    fn stream(frames: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..frames {
            bytes.extend(HEADER);
            bytes.resize(bytes.len().next_multiple_of(208), 0);
        }
        bytes
    }

    #[test]
    fn a_stream_is_found_at_once_and_behind_junk() {
        let plain = stream(5);
        assert_eq!(find_stream(&plain, plain.len() as u64), Some((Kind::Mpeg, 0)));
        let mut junk = vec![0; 333];
        junk.extend(&plain);
        assert_eq!(find_stream(&junk, junk.len() as u64), Some((Kind::Mpeg, 333)));
    }

    #[test]
    fn one_header_in_noise_is_not_a_stream() {
        let mut bytes = vec![0x55; 4_000];
        bytes[100..104].copy_from_slice(&HEADER);
        assert_eq!(find_stream(&bytes, 4_000), None);
    }

    #[test]
    fn a_file_of_one_frame_is_a_stream() {
        assert_eq!(find_stream(&stream(1), 208), Some((Kind::Mpeg, 0)));
    }
}
