//! Reads what the demuxer does not report about an MP4 file: the edit list of each track, and the code of an
//! unsupported codec.
//!
//! AAC begins with one or two frames of encoder delay, recorded in the edit list. Without trimming, all times of the
//! recording would be 20 to 130 ms late. Only the `moov` box is read, with a bound on its size; invalid parts are
//! ignored, since all of this is optional.

use std::io::{self, Read, Seek};

use super::bytes::read_at;

/// Maximum size of a `moov` box, about 40 hours of AAC; the demuxer keeps several copies of its tables in memory.
const MAX_MOOV: u64 = 64 << 20;

/// Maximum number of top-level boxes; fragmented recordings have about two per second.
const MAX_BOXES: usize = 1 << 20;

/// Facts about one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TrackFacts {
    pub(super) id: u32,
    pub(super) is_audio: bool,
    /// Code of the track's sample entry, such as `mp4a`, `alac` or `samr`.
    pub(super) codec: [u8; 4],
    pub(super) edit: Option<Edit>,
}

/// The part of a track to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    /// Ticks to skip at the start, and ticks per second.
    pub(super) skip: (u64, u32),
    /// Ticks to play, and ticks per second; zero ticks mean all.
    pub(super) keep: (u64, u32),
}

/// Reads the facts about all tracks, from `start` of a file of `end` bytes; `None` if the tables exceed [`MAX_MOOV`].
pub(super) fn read_tracks(file: &mut (impl Read + Seek), start: u64, end: u64) -> io::Result<Option<Vec<TrackFacts>>> {
    let mut at = start;
    for _ in 0..MAX_BOXES {
        let head = read_at(file, at, 16)?;
        let Some((kind, header, size)) = box_header(&head, end.saturating_sub(at)) else { break };
        if &kind == b"moov" {
            let size = size.min(end - at);
            if size > MAX_MOOV {
                return Ok(None);
            }
            let moov = read_at(file, at + header, (size - header.min(size)) as usize)?;
            return Ok(Some(parse_moov(&moov)));
        }
        at = match at.checked_add(size) {
            Some(next) if next < end => next,
            _ => break,
        };
    }
    Ok(Some(Vec::new()))
}

/// Type of a box, length of its header, and length of the whole box.
fn box_header(bytes: &[u8], rest: u64) -> Option<([u8; 4], u64, u64)> {
    let size = u64::from(long(bytes, 0)?);
    let kind = bytes.get(4..8)?.try_into().ok()?;
    let (header, size) = match size {
        0 => (8, rest),
        1 => (16, u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?)),
        size => (8, size),
    };
    (size >= header).then_some((kind, header, size))
}

/// Iterates over the boxes inside a box, with their types and contents.
fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (kind, header, size) = box_header(bytes, bytes.len() as u64)?;
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(bytes.len());
        let body = bytes.get(header as usize..size)?;
        bytes = &bytes[size..];
        Some((kind, body))
    })
}

fn child<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |bytes, kind| boxes(bytes).find(|(found, _)| found == *kind).map(|(_, body)| body))
}

fn parse_moov(moov: &[u8]) -> Vec<TrackFacts> {
    let movie_rate = child(moov, &[b"mvhd"]).and_then(time_scale);
    boxes(moov)
        .filter(|(kind, _)| kind == b"trak")
        .filter_map(|(_, trak)| {
            let header = child(trak, &[b"tkhd"])?;
            let id = long(header, if header.first() == Some(&1) { 20 } else { 12 })?;
            let media = child(trak, &[b"mdia"])?;
            let is_audio = child(media, &[b"hdlr"])?.get(8..12) == Some(b"soun");
            let entry = child(media, &[b"minf", b"stbl", b"stsd"])?;
            let codec = entry.get(12..16)?.try_into().ok()?;
            let media_rate = child(media, &[b"mdhd"]).and_then(time_scale);
            let edit = child(trak, &[b"edts", b"elst"]).and_then(|list| edit(list, media_rate?, movie_rate?));
            Some(TrackFacts { id, is_audio, codec, edit })
        })
        .collect()
}

/// Ticks per second in an `mvhd` or `mdhd` box.
fn time_scale(header: &[u8]) -> Option<u32> {
    long(header, if header.first() == Some(&1) { 20 } else { 12 }).filter(|&rate| rate > 0)
}

/// The only edit that is not a pause. Lists with several (edited films) are ignored; playing everything is the smaller
/// error.
fn edit(list: &[u8], media_rate: u32, movie_rate: u32) -> Option<Edit> {
    let is_long = list.first() == Some(&1);
    let count = long(list, 4)?.min(64) as usize;
    let width = if is_long { 20 } else { 12 };
    let mut edits = list.get(8..)?.chunks_exact(width).take(count).filter_map(|entry| {
        let (keep, skip) = if is_long {
            let wide = |at: usize| Some(u64::from_be_bytes(entry.get(at..at + 8)?.try_into().ok()?));
            (wide(0)?, wide(8)?.cast_signed())
        } else {
            (u64::from(long(entry, 0)?), i64::from(long(entry, 4)?.cast_signed()))
        };
        // A negative start is a pause before the track begins.
        let skip = u64::try_from(skip).ok()?;
        Some(Edit { skip: (skip, media_rate), keep: (keep, movie_rate) })
    });
    let first = edits.next()?;
    edits.next().is_none().then_some(first)
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Converts ticks to samples at `rate`.
pub(super) fn samples((ticks, ticks_per_second): (u64, u32), rate: u32) -> u64 {
    let scaled = u128::from(ticks) * u128::from(rate) / u128::from(ticks_per_second.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn boxed(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        let mut bytes = (body.len() as u32 + 8).to_be_bytes().to_vec();
        bytes.extend(kind);
        bytes.extend(body);
        bytes
    }

    fn header(rate: u32) -> Vec<u8> {
        let mut body = vec![0; 12];
        body.extend(rate.to_be_bytes());
        body
    }

    fn movie() -> Vec<u8> {
        let mut list = vec![0, 0, 0, 0, 0, 0, 0, 1];
        list.extend(2_000_u32.to_be_bytes());
        list.extend(1_024_u32.to_be_bytes());
        list.extend([0, 1, 0, 0]);
        let mut stsd = vec![0; 12];
        stsd.extend(b"samr");
        let media = [
            boxed(*b"mdhd", &header(44_100)),
            boxed(*b"hdlr", b"\0\0\0\0\0\0\0\0soun"),
            boxed(*b"minf", &boxed(*b"stbl", &boxed(*b"stsd", &stsd))),
        ];
        let mut track = boxed(*b"tkhd", &header(7));
        track.extend(boxed(*b"edts", &boxed(*b"elst", &list)));
        track.extend(boxed(*b"mdia", &media.concat()));
        let mut moov = boxed(*b"mvhd", &header(1_000));
        moov.extend(boxed(*b"trak", &track));
        let mut file = boxed(*b"ftyp", b"M4A ");
        file.extend(boxed(*b"moov", &moov));
        file
    }

    fn read(bytes: &[u8]) -> Option<Vec<TrackFacts>> {
        read_tracks(&mut Cursor::new(bytes), 0, bytes.len() as u64).unwrap()
    }

    #[test]
    fn the_edit_and_the_codec_are_found() {
        let edit = Edit { skip: (1_024, 44_100), keep: (2_000, 1_000) };
        let facts = TrackFacts { id: 7, is_audio: true, codec: *b"samr", edit: Some(edit) };
        assert_eq!(read(&movie()), Some(vec![facts]));
        assert_eq!(samples(edit.keep, 44_100), 88_200);
    }

    #[test]
    fn every_cut_and_every_giant_size_is_survived() {
        let whole = movie();
        for cut in 0..whole.len() {
            read(&whole[..cut]);
            let mut giant = whole.clone();
            giant[cut] = 0xFF;
            read(&giant);
        }
    }
}
