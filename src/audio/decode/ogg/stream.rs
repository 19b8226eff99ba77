//! The streams of an Ogg file: which of their packets are headers, and which are audio.
//!
//! Opus (RFC 7845) has an identification and a comment header, Vorbis also a setup header, and FLAC any number of metadata blocks.

use std::io;

use super::page::{Page, Piece};

/// Maximum number of streams at a time.
const MAX_STREAMS: usize = 16;

/// Maximum bytes of a setup header; those of Vorbis have 3 to 10 KB.
const MAX_SETUP: usize = 256 << 10;

/// Maximum bytes of a packet of audio; a FLAC frame of 8 channels at 192 kHz has fewer.
const MAX_PACKET: usize = 2 << 20;

/// Bytes of a header that tell what it is.
const SIGNATURE: usize = 8;

const OPUS_COMMENT: &[u8] = b"OpusTags\0\0\0\0\0\0\0\0";
const VORBIS_COMMENT: &[u8] = b"\x03vorbis\0\0\0\0\0\0\0\0\x01";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    Opus,
    Vorbis,
    Flac,
    /// Video, text, or a codec that cannot be decoded.
    Other,
}

/// The streams of the recording that is being read; recordings may be joined end to end.
#[derive(Debug, Default)]
pub(super) struct Streams {
    streams: Vec<Stream>,
    /// True if the last page was the first of a stream.
    is_beginning: bool,
}

impl Streams {
    /// Writes what the demuxer may see of a page.
    ///
    /// # Errors
    /// If a header is larger than any recording needs.
    pub(super) fn pass(&mut self, page: &Page<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        let was_beginning = std::mem::replace(&mut self.is_beginning, page.is_first());
        if page.is_first() {
            if !was_beginning {
                // Another recording begins, with streams of its own.
                self.streams.clear();
            }
            if self.streams.len() < MAX_STREAMS {
                self.streams.push(Stream::new(page));
                out.extend(page.bytes());
            }
        } else if let Some(stream) = self.streams.iter_mut().find(|stream| stream.serial == page.serial()) {
            stream.pass(page, out)?;
        }
        Ok(())
    }
}

/// A stream and how far it has come.
#[derive(Debug)]
struct Stream {
    serial: [u8; 4],
    codec: Codec,
    /// The header that has begun but not ended.
    header: Option<Vec<u8>>,
    /// Number of the next page of headers.
    number: u32,
    /// True if nothing but audio follows.
    is_audio: bool,
    /// Bytes of the packet that has begun but not ended.
    packet: usize,
}

impl Stream {
    /// The stream that begins with this page.
    fn new(page: &Page<'_>) -> Self {
        let head = page.pieces().next().map_or(&[][..], |piece| piece.data);
        let codec = if head.starts_with(b"OpusHead") {
            Codec::Opus
        } else if head.starts_with(b"\x01vorbis") {
            Codec::Vorbis
        } else if head.starts_with(b"\x7FFLAC") {
            Codec::Flac
        } else {
            Codec::Other
        };
        Self { serial: page.serial(), codec, header: None, number: 1, is_audio: false, packet: 0 }
    }

    /// Writes what the demuxer may see of a page that is not the first.
    fn pass(&mut self, page: &Page<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        if self.codec == Codec::Other {
            return Ok(());
        }
        if self.is_audio {
            self.pass_audio(page, out);
            return Ok(());
        }
        for piece in page.pieces() {
            // FLAC does not say which metadata block is the last.
            self.is_audio |= self.codec == Codec::Flac && !piece.is_continued && piece.data.first() == Some(&0xFF);
            if self.is_audio {
                page.write_from(&piece, out);
                return Ok(());
            }
            self.take_header(&piece, out)?;
        }
        Ok(())
    }

    /// Writes a page of audio, unless it has packets that are none.
    fn pass_audio(&mut self, page: &Page<'_>, out: &mut Vec<u8>) {
        let mut is_sound = true;
        for piece in page.pieces() {
            let length = piece.data.len() + if piece.is_continued { self.packet } else { 0 };
            is_sound &= length <= MAX_PACKET && (piece.is_continued || !self.is_header(piece.data));
            self.packet = if piece.is_end { 0 } else { length };
        }
        if is_sound {
            out.extend(page.bytes());
        } else if self.packet > 0 {
            // The rest of the last packet is not passed either. The demuxer misses the pages as if they were damaged.
            self.packet = MAX_PACKET + 1;
        }
    }

    /// True if a packet cannot be audio.
    fn is_header(&self, packet: &[u8]) -> bool {
        match (self.codec, packet.first()) {
            (Codec::Vorbis, Some(first)) => first & 1 == 1,
            (Codec::Flac, Some(first)) => *first != 0xFF,
            (Codec::Opus | Codec::Other, _) | (_, None) => false,
        }
    }

    fn take_header(&mut self, piece: &Piece<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        if !piece.is_continued {
            self.header = Some(Vec::new());
        }
        let Some(header) = &mut self.header else { return Ok(()) };
        let is_setup = self.codec == Codec::Vorbis && header.first().or(piece.data.first()) == Some(&5);
        let most = if is_setup { MAX_SETUP } else { SIGNATURE };
        let room = most - header.len().min(most);
        if is_setup && piece.data.len() > room {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a setup header is larger than any recording needs"));
        }
        header.extend(&piece.data[..piece.data.len().min(room)]);
        if piece.is_end {
            self.end_header(out);
        }
        Ok(())
    }

    /// Writes a header that has ended, without its comments.
    fn end_header(&mut self, out: &mut Vec<u8>) {
        let Some(header) = self.header.take() else { return };
        match self.codec {
            Codec::Opus if header.starts_with(b"OpusTags") => {
                Page::write_packet(self.serial, self.number, OPUS_COMMENT, out);
                self.is_audio = true;
            }
            Codec::Vorbis if header.starts_with(b"\x03vorbis") && self.number == 1 => {
                self.number = Page::write_packet(self.serial, self.number, VORBIS_COMMENT, out);
            }
            Codec::Vorbis if header.starts_with(b"\x05vorbis") => {
                Page::write_packet(self.serial, self.number, &header, out);
                self.is_audio = true;
            }
            Codec::Opus | Codec::Vorbis | Codec::Flac | Codec::Other => {}
        }
    }
}
