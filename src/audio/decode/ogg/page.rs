//! One page of an Ogg file (RFC 3533): found by its marker and checked by its sum. Pure functions of bytes.

/// The first bytes of a page.
pub(super) const MARKER: &[u8; 4] = b"OggS";

/// Bytes before the table of segments, and of the longest page.
const HEADER: usize = 27;
pub(super) const MAX_PAGE: usize = HEADER + 255 + 255 * 255;

/// Offset of the check sum.
const SUM: std::ops::Range<usize> = 22..26;

/// Flags of a page.
const CONTINUED: u8 = 1;
const FIRST: u8 = 2;

/// A page whose structure and check sum are right.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page<'a> {
    bytes: &'a [u8],
    segments: &'a [u8],
    body: &'a [u8],
}

/// A piece of a packet on a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    /// Index of its first segment.
    pub(super) segment: usize,
    /// Offset of its first byte in the body.
    pub(super) offset: usize,
    pub(super) data: &'a [u8],
    /// True if the packet began on an earlier page.
    pub(super) is_continued: bool,
    /// True if the packet ends on this page.
    pub(super) is_end: bool,
}

impl<'a> Page<'a> {
    /// The page at the beginning of `bytes`.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let header = bytes.get(..HEADER).filter(|header| header.starts_with(MARKER))?;
        // There is one version, and three flags.
        if header[4] != 0 || header[5] & 0xF8 != 0 {
            return None;
        }
        let count = usize::from(header[26]);
        let segments = bytes.get(HEADER..HEADER + count)?;
        let length: usize = segments.iter().map(|&segment| usize::from(segment)).sum();
        let bytes = bytes.get(..HEADER + count + length)?;
        let body = bytes.get(HEADER + count..)?;
        (sum(bytes).to_le_bytes() == bytes[SUM]).then_some(Self { bytes, segments, body })
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn is_first(&self) -> bool {
        self.bytes[5] & FIRST != 0
    }

    pub(super) fn serial(&self) -> [u8; 4] {
        [self.bytes[14], self.bytes[15], self.bytes[16], self.bytes[17]]
    }

    /// The packets on this page, or the pieces of them that are here.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece<'a>> + use<'a> {
        let (segments, body) = (self.segments, self.body);
        let (mut segment, mut offset, mut is_continued) = (0, 0, self.bytes[5] & CONTINUED != 0);
        std::iter::from_fn(move || {
            let rest = segments.get(segment..).filter(|rest| !rest.is_empty())?;
            let last = rest.iter().position(|&length| length < 255);
            let count = last.map_or(rest.len(), |last| last + 1);
            let length: usize = rest[..count].iter().map(|&length| usize::from(length)).sum();
            let data = body.get(offset..offset + length)?;
            let piece = Piece { segment, offset, data, is_continued, is_end: last.is_some() };
            (segment, offset, is_continued) = (segment + count, offset + length, false);
            Some(piece)
        })
    }

    /// Writes this page without the packets before a piece.
    pub(super) fn write_from(&self, piece: &Piece<'_>, out: &mut Vec<u8>) {
        let (Some(segments), Some(body)) = (self.segments.get(piece.segment..), self.body.get(piece.offset..)) else { return };
        let mut header = self.bytes[..HEADER].to_vec();
        header[5] &= !CONTINUED;
        write(header, segments, body, out);
    }

    /// Writes a packet of a stream's header as pages that are numbered from `number`; returns the next number.
    pub(super) fn write_packet(serial: [u8; 4], number: u32, packet: &[u8], out: &mut Vec<u8>) -> u32 {
        let mut lacing = vec![255; packet.len() / 255];
        lacing.push((packet.len() % 255) as u8);
        let (mut rest, mut number) = (packet, number);
        for (index, segments) in lacing.chunks(255).enumerate() {
            let length = segments.iter().map(|&length| usize::from(length)).sum::<usize>();
            let (body, after) = rest.split_at(length.min(rest.len()));
            let mut header = MARKER.to_vec();
            header.extend([0, if index == 0 { 0 } else { CONTINUED }]);
            header.extend([0; 8]);
            header.extend(serial);
            header.extend(number.to_le_bytes());
            header.extend([0; 5]);
            write(header, segments, body, out);
            (rest, number) = (after, number + 1);
        }
        number
    }
}

/// Completes a header and writes its page.
fn write(mut header: Vec<u8>, segments: &[u8], body: &[u8], out: &mut Vec<u8>) {
    header[26] = segments.len() as u8;
    let begin = out.len();
    out.extend(header);
    out.extend(segments);
    out.extend(body);
    let sum = sum(&out[begin..]).to_le_bytes();
    out[begin + SUM.start..begin + SUM.end].copy_from_slice(&sum);
}

/// The check sum of a page, whose own place counts as zero: CRC-32 with the polynomial 04C11DB7, not reflected.
pub(super) fn sum(page: &[u8]) -> u32 {
    let next = |sum: u32, byte: &u8| sum << 8 ^ TABLE[usize::from((sum >> 24) as u8 ^ byte)];
    let before = page.iter().take(SUM.start).fold(0, next);
    page.iter().skip(SUM.end).fold([0; 4].iter().fold(before, next), next)
}

static TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut value = (index as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 0x8000_0000 == 0 { value << 1 } else { value << 1 ^ 0x04C1_1DB7 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}
