//! Which kind of file this is, by its first bytes.
//!
//! Names and extensions are never asked: they are chosen by whoever sends the file. What can be decoded is told apart
//! here; what cannot is named where it is known, because "this is AMR" helps a user and "unknown" does not. What rests on
//! so few bits that headerless sound may have them by chance is said to be doubtful. Reads a few kilobytes; decodes nothing.

use std::io::{self, Read, Seek};

use super::bytes::read_at;
use super::wave::w64;
use super::{gsm, mpeg};
use crate::audio::headerless;

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
    /// No container at all: somebody said what the samples are.
    Headerless,
}

impl Container {
    /// The published name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Wave => "wav",
            Self::Mpeg => "mp3",
            Self::Flac => "flac",
            Self::Ogg => "ogg",
            Self::Mp4 => "m4a",
            Self::Aiff => "aiff",
            Self::Caf => "caf",
            Self::Matroska => "mkv",
            Self::Adts => "aac",
            Self::Wave64 => "w64",
            Self::Au => "au",
            Self::Gsm => "gsm",
            Self::Headerless => headerless::FORMAT,
        }
    }
}

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sniffed {
    /// It is this.
    Certain(Kind),
    /// It is this unless somebody knows better.
    Doubtful(Kind),
    /// Has no bytes at all.
    Empty,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Can be opened; it begins at this byte, after any tags.
    Container(Container, u64),
    /// Is known, and cannot be decoded.
    Unsupported(&'static str),
}

/// What a file is that nothing is known of.
pub(super) const UNKNOWN: &str = "unknown";

/// Fewer bytes than this prove nothing against somebody's word.
const CERTAIN_BYTES: usize = 4;

/// What is recognised without being decodable: offset, bytes, name.
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

/// Codecs in Ogg that cannot be decoded, by the start of their first packet.
const UNSUPPORTED_OGG: &[(&[u8], &str)] =
    &[(b"Speex   ", "speex"), (b"\x80theora", "theora"), (b"PCM     ", "ogg-pcm"), (b"CELT    ", "celt")];

/// How far behind the tags an MPEG or ADTS frame may begin: players write zeros or other junk there.
const JUNK: usize = 64 * 1024;

/// How many tags may precede the audio; some programs add one each time they touch a file.
const TAGS: usize = 16;

/// Looks at the first bytes of `file`, which is `length` bytes long.
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
        // Behind a tag or at the first byte a run of frames is no chance.
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

/// The name of what cannot be decoded, and how many bytes prove it.
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

/// The name of the codec of an Ogg file when it cannot be decoded. The first packet begins behind the table of segments.
fn ogg(head: &[u8]) -> Option<&'static str> {
    let segments = usize::from(*head.get(26)?);
    let packet = head.get(27 + segments..)?;
    UNSUPPORTED_OGG.iter().find(|(bytes, _)| packet.starts_with(bytes)).map(|(_, name)| *name)
}

/// The first byte behind the ID3v2 tags. A tag that claims to reach past the end of the file is not believed: only its
/// header is passed over, and the audio is searched for.
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
    fn what_cannot_be_decoded_is_named() {
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
    fn a_tag_that_lies_about_its_size_is_not_believed() {
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
