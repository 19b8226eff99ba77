//! Identifies the kind of a file by its first bytes.
//!
//! File names and extensions are never consulted, since the sender chooses them. Known formats that cannot be decoded
//! are named, because "this is AMR" helps a user more than "unknown". A match on so few bits that headerless audio may
//! contain them by chance is reported as doubtful. Reads a few kilobytes and decodes nothing.

use std::io::{self, Read, Seek};

use super::bytes::read_at;
use super::wave::w64;
use super::{gsm, mpeg};
use crate::media::Format;

/// A container that can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Wave,
    Mpeg,
    Flac,
    Ogg,
    Mp4,
    Aiff,
    Caf,
    Matroska,
    Adts,
    Wave64,
    Au,
    Gsm,
    /// No container; the client declared the format of the samples.
    Headerless,
}

impl Container {
    /// The published format of a recording in this container with this codec.
    pub(super) fn format(self, codec: &str) -> Format {
        match self {
            Self::Wave => Format::Wav,
            Self::Mpeg => Format::Mp3,
            Self::Flac => Format::Flac,
            Self::Ogg if codec == "opus" => Format::Opus,
            Self::Ogg => Format::Ogg,
            Self::Mp4 => Format::M4a,
            Self::Aiff => Format::Aiff,
            Self::Caf => Format::Caf,
            Self::Matroska => Format::Mkv,
            Self::Adts => Format::Aac,
            Self::Wave64 => Format::W64,
            Self::Au => Format::Au,
            Self::Gsm => Format::Gsm,
            Self::Headerless => Format::Raw,
        }
    }

    /// The container of a recording that was identified before; `None` if it was not.
    pub(super) const fn of(format: Format) -> Option<Self> {
        Some(match format {
            Format::Wav => Self::Wave,
            Format::Mp3 => Self::Mpeg,
            Format::Flac => Self::Flac,
            Format::Ogg | Format::Opus => Self::Ogg,
            Format::M4a => Self::Mp4,
            Format::Aiff => Self::Aiff,
            Format::Caf => Self::Caf,
            Format::Mkv => Self::Matroska,
            Format::Aac => Self::Adts,
            Format::W64 => Self::Wave64,
            Format::Au => Self::Au,
            Format::Gsm => Self::Gsm,
            Format::Raw => Self::Headerless,
            Format::Unknown => return None,
        })
    }
}

/// The result of looking at the first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sniffed {
    /// The kind is certain.
    Certain(Kind),
    /// The kind is likely, but a declaration by the client takes precedence.
    Doubtful(Kind),
    /// The file has no bytes.
    Empty,
}

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A supported container, and the offset at which it begins, behind any tags.
    Container(Container, u64),
    /// A known format that cannot be decoded.
    Unsupported(&'static str),
}

/// Published name of an unknown format.
pub(super) const UNKNOWN: &str = "unknown";

/// A match on fewer bytes does not override a declaration.
const CERTAIN_BYTES: usize = 4;

/// Formats that are recognised but not supported: offset, bytes, name.
const UNSUPPORTED: &[(usize, &[u8], &str)] = &[
    (0, b"#!AMR-WB", "amr-wb"),
    (0, b"#!AMR", "amr"),
    (0, b"NIST_1A", "sphere"),
    (0, b"MThd", "midi"),
    (0, &[0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11], "wma"),
    (0, &[0x0B, 0x77], "ac3"),
    (0, &[0x7F, 0xFE, 0x80, 0x01], "dts"),
    (0, b"wvpk", "wavpack"),
    (0, b"ADIF", "adif"),
    (0, b"MAC ", "ape"),
    (0, b"TTA1", "tta"),
    (0, b"MPCK", "musepack"),
    (0, b"MP+", "musepack"),
    (0, b"RIFX", "rifx"),
    (8, b"AVI ", "avi"),
    (0, b"FLV\x01", "flv"),
    (0, b".RMF", "realmedia"),
    (0, b".ra\xFD", "realaudio"),
    (0, b"DSD ", "dsd"),
    (0, b"Creative Voice File", "voc"),
    (0, b"#!SILK_V3", "silk"),
    (1, b"#!SILK_V3", "silk"),
    (0, b"ajkg", "shorten"),
    (0, &[0, 0, 1, 0xBA], "mpeg"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"%PDF", "pdf"),
    (0, &[0x1F, 0x8B], "gzip"),
    (0, b"7z\xBC\xAF", "7z"),
    (0, b"Rar!", "rar"),
    (0, b"\x89PNG", "png"),
    (0, &[0xFF, 0xD8, 0xFF], "jpeg"),
    (0, b"GIF8", "gif"),
    (0, b"\x7FELF", "program"),
];

/// Unsupported codecs in Ogg, by the start of their first packet.
const UNSUPPORTED_OGG: &[(&[u8], &str)] =
    &[(b"Speex   ", "speex"), (b"\x80theora", "theora"), (b"PCM     ", "ogg-pcm"), (b"CELT    ", "celt")];

/// Bytes behind the tags in which an MPEG or ADTS frame is searched; some programs write zeros or garbage there.
const JUNK: usize = 64 * 1024;

/// Maximum number of tags before the audio; some programs add one on every edit.
const TAGS: usize = 16;

/// Offset at which the audio of a file of `length` bytes begins, given the container that it was identified as.
pub(super) fn start_of(container: Container, file: &mut (impl Read + Seek), length: u64) -> io::Result<u64> {
    if container == Container::Headerless {
        return Ok(0);
    }
    let start = after_tags(file, length)?;
    if !matches!(container, Container::Mpeg | Container::Adts) {
        return Ok(start);
    }
    // The first frame may follow junk.
    let head = read_at(file, start, JUNK)?;
    Ok(mpeg::find_stream(&head, length.saturating_sub(start)).map_or(start, |(_, offset)| start + offset as u64))
}

/// Identifies a file of `length` bytes.
pub(super) fn sniff(file: &mut (impl Read + Seek), length: u64) -> io::Result<Sniffed> {
    if length == 0 {
        return Ok(Sniffed::Empty);
    }
    let start = after_tags(file, length)?;
    let head = read_at(file, start, JUNK)?;
    if let Some(container) = by_magic(&head) {
        let refused = if container == Container::Ogg { ogg(&head) } else { None };
        return Ok(Sniffed::Certain(refused.map_or(Kind::Container(container, start), Kind::Unsupported)));
    }
    if let Some((name, bytes)) = unsupported(&head) {
        let kind = Kind::Unsupported(name);
        return Ok(if bytes < CERTAIN_BYTES { Sniffed::Doubtful(kind) } else { Sniffed::Certain(kind) });
    }
    if let Some((kind, offset)) = mpeg::find_stream(&head, length - start) {
        let container = match kind {
            mpeg::Kind::Mpeg => Container::Mpeg,
            mpeg::Kind::Adts => Container::Adts,
        };
        let kind = Kind::Container(container, start + offset as u64);
        // Behind a tag or at the first byte, a run of frames is no coincidence.
        return Ok(if offset == 0 || start > 0 { Sniffed::Certain(kind) } else { Sniffed::Doubtful(kind) });
    }
    if gsm::is_stream(&head) {
        return Ok(Sniffed::Doubtful(Kind::Container(Container::Gsm, start)));
    }
    Ok(Sniffed::Doubtful(Kind::Unsupported(if is_text(&head) { "text" } else { UNKNOWN })))
}

fn by_magic(head: &[u8]) -> Option<Container> {
    let at = |offset: usize, bytes: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(bytes));
    if (at(0, b"RIFF") || at(0, b"RF64") || at(0, b"BW64")) && at(8, b"WAVE") {
        Some(Container::Wave)
    } else if w64::is_wave64(head) {
        Some(Container::Wave64)
    } else if at(0, b".snd") {
        Some(Container::Au)
    } else if at(0, b"fLaC") {
        Some(Container::Flac)
    } else if at(0, b"OggS") {
        Some(Container::Ogg)
    } else if at(0, b"FORM") && (at(8, b"AIFF") || at(8, b"AIFC")) {
        Some(Container::Aiff)
    } else if at(0, b"caff") {
        Some(Container::Caf)
    } else if at(0, &[0x1A, 0x45, 0xDF, 0xA3]) {
        Some(Container::Matroska)
    } else if [&b"ftyp"[..], b"moov", b"moof", b"mdat", b"wide", b"free"].iter().any(|kind| at(4, kind)) {
        Some(Container::Mp4)
    } else {
        None
    }
}

/// Name of an unsupported format, and the number of bytes that identify it.
fn unsupported(head: &[u8]) -> Option<(&'static str, usize)> {
    let known = UNSUPPORTED
        .iter()
        .find(|(offset, bytes, _)| head.get(*offset..).is_some_and(|rest| rest.starts_with(bytes)))
        .map(|(_, bytes, name)| (*name, bytes.len()));
    let is_transport_stream = head.len() > 376 && [0, 188, 376].iter().all(|&at| head[at] == 0x47);
    known.or(is_transport_stream.then_some(("mpegts", 3)))
}

fn is_text(head: &[u8]) -> bool {
    let sample = &head[..head.len().min(512)];
    sample.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7E | 0x80..))
        && std::str::from_utf8(sample).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// Name of the unsupported codec of an Ogg file. The first packet begins behind the segment table.
fn ogg(head: &[u8]) -> Option<&'static str> {
    let segments = usize::from(*head.get(26)?);
    let packet = head.get(27 + segments..)?;
    UNSUPPORTED_OGG.iter().find(|(bytes, _)| packet.starts_with(bytes)).map(|(_, name)| *name)
}

/// Offset of the first byte behind the ID3v2 tags. If a tag claims to extend past the end of the file, only its header
/// is skipped and the audio is searched for.
fn after_tags(file: &mut (impl Read + Seek), length: u64) -> io::Result<u64> {
    let mut start = 0;
    for _ in 0..TAGS {
        let head = read_at(file, start, 10)?;
        let [b'I', b'D', b'3', major, minor, flags, size @ ..] = head.as_slice() else { break };
        if *major == 0xFF || *minor == 0xFF || size.len() != 4 || size.iter().any(|byte| byte & 0x80 != 0) {
            break;
        }
        let size = size.iter().fold(0_u64, |size, byte| size << 7 | u64::from(*byte));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        let next = start + 10 + size + footer;
        if next >= length {
            return Ok(start + 10);
        }
        start = next;
    }
    Ok(start)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn sniffed(bytes: &[u8]) -> Sniffed {
        sniff(&mut Cursor::new(bytes), bytes.len() as u64).unwrap()
    }

    #[test]
    fn unsupported_formats_are_named() {
        for (bytes, name) in [
            (&b"#!AMR\n\x3C\x08"[..], "amr"),
            (b"NIST_1A\n   1024\n", "sphere"),
            (b"MThd\0\0\0\x06", "midi"),
            (b"PK\x03\x04\x14\0", "zip"),
            (b"%PDF-1.7\n", "pdf"),
        ] {
            assert_eq!(sniffed(bytes), Sniffed::Certain(Kind::Unsupported(name)));
        }
        for (bytes, name) in
            [(&b"\x0B\x77\x12\x34"[..], "ac3"), (b"hello, this is no recording\n", "text"), (b"\x01\x02\x03\x04\x05", "unknown")]
        {
            assert_eq!(sniffed(bytes), Sniffed::Doubtful(Kind::Unsupported(name)));
        }
        assert_eq!(sniffed(b""), Sniffed::Empty);
    }

    #[test]
    fn tags_in_front_are_passed_over() {
        let mut bytes = b"ID3\x03\0\0\0\0\0\x05-----".to_vec();
        bytes.extend(b"fLaC....");
        assert_eq!(sniffed(&bytes), Sniffed::Certain(Kind::Container(Container::Flac, 15)));
    }

    #[test]
    fn a_tag_with_a_wrong_size_is_ignored() {
        let mut bytes = b"ID3\x03\0\0\x7F\x7F\x7F\x7F".to_vec();
        bytes.extend(b"fLaC....");
        assert_eq!(sniffed(&bytes), Sniffed::Certain(Kind::Container(Container::Flac, 10)));
    }

    #[test]
    fn speex_in_ogg_is_named() {
        let mut page = b"OggS".to_vec();
        page.resize(26, 0);
        page.extend([1, 80]);
        page.extend(b"Speex   1.2");
        assert_eq!(sniffed(&page), Sniffed::Certain(Kind::Unsupported("speex")));
    }
}
