//! The top level of an MP4 file and its `moov` box.
//!
//! The first `moov` counts. Metadata, indexes and further `moov` boxes are kept from the demuxer.

use std::io::{Read, Seek};

use super::super::file_section::Rename;
use super::boxes::{BoxAt, Boxes, BoxesError, long, of_kind};
use super::facts::TrackFacts;
use super::{comment, fragment, track};

/// Maximum number of top-level boxes; fragmented recordings have about two per second.
const MAX_BOXES: usize = 1 << 20;

/// Maximum number of audio tracks; further ones are not looked at.
const MAX_TRACKS: usize = 16;

/// Maximum bytes of the list of compatible brands.
const MAX_BRANDS: u64 = 4_096;

/// What is known about an MP4 file before it is demuxed.
#[derive(Debug, Default)]
pub(in super::super) struct Movie {
    pub(in super::super) tracks: Vec<TrackFacts>,
    /// The gapless comment of iTunes.
    pub(in super::super) comment: Option<String>,
    /// The boxes that the demuxer shall not see.
    pub(in super::super) renames: Vec<Rename>,
    /// Bytes from the start that make sense.
    pub(in super::super) length: u64,
}

/// Reads the boxes of the file that begins at `start` of a file of `end` bytes.
pub(in super::super) fn read(file: &mut (impl Read + Seek), start: u64, end: u64) -> Result<Movie, BoxesError> {
    let mut boxes = Boxes::new(file);
    let mut movie = Movie::default();
    let moov = find_moov(&mut boxes, start, end)?;
    if let Some(moov) = &moov {
        read_moov(&mut boxes, moov, &mut movie)?;
    }
    let mut at = start;
    let mut has_brands = false;
    for _ in 0..MAX_BOXES {
        let Some(found) = boxes.at(at, end)? else { break };
        if found.is_open && &found.kind != b"mdat" {
            // The demuxer would look for boxes in its content.
            break;
        }
        match &found.kind {
            b"ftyp" if !has_brands && found.size() <= MAX_BRANDS => has_brands = true,
            b"moov" if moov.is_some_and(|moov| moov.at == found.at) => {}
            b"moof" => fragment::read(&mut boxes, &found, &movie.tracks)?,
            b"ftyp" | b"moov" | b"meta" | b"sidx" => boxes.hide(&found)?,
            _ => {}
        }
        at = found.end;
    }
    // Audio at the end of the file may be cut off.
    let is_cut_audio = boxes.bytes(at, 8)?.get(4..8) == Some(b"mdat");
    movie.length = if is_cut_audio { end - start } else { at - start };
    movie.renames = boxes.renames;
    Ok(movie)
}

fn find_moov<F: Read + Seek>(boxes: &mut Boxes<'_, F>, start: u64, end: u64) -> Result<Option<BoxAt>, BoxesError> {
    let mut at = start;
    for _ in 0..MAX_BOXES {
        match boxes.at(at, end)? {
            Some(found) if &found.kind == b"moov" && !found.is_open => return Ok(Some(found)),
            Some(found) => at = found.end,
            None => break,
        }
    }
    Ok(None)
}

fn read_moov<F: Read + Seek>(boxes: &mut Boxes<'_, F>, moov: &BoxAt, movie: &mut Movie) -> Result<(), BoxesError> {
    let inside = boxes.children(moov.body, moov.end, *b"trak")?;
    let header = of_kind(&inside, *b"mvhd").map(|header| boxes.content(&header, 32)).transpose()?;
    let movie_rate = header.as_deref().and_then(track::time_scale);
    for trak in inside.iter().filter(|found| &found.kind == b"trak") {
        let facts = if movie.tracks.len() < MAX_TRACKS { track::read(boxes, trak, movie_rate)? } else { None };
        match facts {
            Some(facts) => movie.tracks.push(facts),
            None => boxes.hide(trak)?,
        }
    }
    if let Some(extends) = of_kind(&inside, *b"mvex") {
        // The demuxer wants one of these for each track.
        let mut wanted: Vec<u32> = movie.tracks.iter().map(|facts| facts.id).collect();
        for extend in boxes.children(extends.body, extends.end, *b"trex")?.iter().filter(|found| &found.kind == b"trex") {
            let id = long(&boxes.content(extend, 8)?, 4);
            match wanted.iter().position(|wanted| Some(*wanted) == id) {
                Some(place) => _ = wanted.swap_remove(place),
                None => boxes.hide(extend)?,
            }
        }
    }
    if let Some(data) = of_kind(&inside, *b"udta") {
        movie.comment = comment::gapless(boxes, &data)?;
        boxes.hide(&data)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::facts::{Edit, samples};
    use super::*;

    fn boxed(kind: [u8; 4], body: &[u8]) -> Vec<u8> {
        let mut bytes = (body.len() as u32 + 8).to_be_bytes().to_vec();
        bytes.extend(kind);
        bytes.extend(body);
        bytes
    }

    fn header(number: u32) -> Vec<u8> {
        let mut body = vec![0; 12];
        body.extend(number.to_be_bytes());
        body
    }

    fn track(id: u32, handler: [u8; 4]) -> Vec<u8> {
        let mut list = vec![0, 0, 0, 0, 0, 0, 0, 1];
        list.extend(2_000_u32.to_be_bytes());
        list.extend(1_024_u32.to_be_bytes());
        list.extend([0, 1, 0, 0]);
        let mut stsd = vec![0; 12];
        stsd.extend(b"samr");
        let media = [
            boxed(*b"mdhd", &header(44_100)),
            boxed(*b"hdlr", &[&[0; 8], &handler[..]].concat()),
            boxed(*b"minf", &boxed(*b"stbl", &boxed(*b"stsd", &stsd))),
        ];
        let mut track = boxed(*b"tkhd", &header(id));
        track.extend(boxed(*b"edts", &boxed(*b"elst", &list)));
        track.extend(boxed(*b"mdia", &media.concat()));
        boxed(*b"trak", &track)
    }

    fn movie() -> Vec<u8> {
        let gapless = [
            boxed(*b"mean", b"\0\0\0\0com.apple.iTunes"),
            boxed(*b"name", b"\0\0\0\0iTunSMPB"),
            boxed(*b"data", b"\0\0\0\x01\0\0\0\0 00000000 00000840"),
        ];
        let list = boxed(*b"ilst", &[boxed(*b"covr", &[0; 50]), boxed(*b"----", &gapless.concat())].concat());
        let meta = boxed(*b"meta", &[&[0; 4], &list[..]].concat());
        let moov = [boxed(*b"mvhd", &header(1_000)), track(3, *b"vide"), track(7, *b"soun"), boxed(*b"udta", &meta)].concat();
        let sections = [boxed(*b"ftyp", b"M4A "), boxed(*b"moov", &moov), boxed(*b"moov", b""), boxed(*b"mdat", b"audio")];
        sections.concat()
    }

    fn read_all(bytes: &[u8]) -> Result<Movie, BoxesError> {
        read(&mut Cursor::new(bytes), 0, bytes.len() as u64)
    }

    #[test]
    fn the_edit_and_the_codec_are_found() {
        let edit = Edit { skip: (1_024, 44_100), keep: (2_000, 1_000) };
        let found = read_all(&movie()).unwrap();
        assert_eq!(found.tracks, [TrackFacts { id: 7, codec: *b"samr", edit: Some(edit) }]);
        assert_eq!(samples(edit.keep, 44_100), 88_200);
        assert_eq!(found.comment.unwrap(), " 00000000 00000840");
    }

    #[test]
    fn what_no_recording_needs_is_renamed() {
        let mut bytes = movie();
        let found = read_all(&bytes).unwrap();
        assert_eq!(found.length, bytes.len() as u64);
        let mut renamed = Vec::new();
        for (at, name) in found.renames {
            let name_at = at as usize..at as usize + 4;
            renamed.push(String::from_utf8(bytes[name_at.clone()].to_vec()).unwrap());
            bytes[name_at].copy_from_slice(&name);
        }
        renamed.sort();
        assert_eq!(renamed, ["edts", "moov", "trak", "udta"]);
        assert!(read_all(&bytes).unwrap().renames.is_empty());
    }

    #[test]
    fn tables_are_measured_before_they_are_built() {
        let fragments = |count: usize| {
            let moof = boxed(*b"moof", &boxed(*b"mfhd", &[0; 8]));
            [movie(), moof.repeat(count)].concat()
        };
        assert!(read_all(&fragments(1_000)).is_ok());
        assert!(matches!(read_all(&fragments(300_000)), Err(BoxesError::TooLarge)));
    }

    #[test]
    fn a_box_that_the_demuxer_would_search_for_boxes_ends_the_file() {
        let whole = movie();
        let open = [&whole[..], b"\0\0\0\0free", &whole].concat();
        assert_eq!(read_all(&open).unwrap().length, whole.len() as u64);
        // Audio up to the end of the file is no such box.
        let open = [&whole[..], b"\0\0\0\0mdat", &whole].concat();
        assert_eq!(read_all(&open).unwrap().length, open.len() as u64);
    }

    #[test]
    fn every_cut_and_every_giant_size_is_survived() {
        let whole = movie();
        for cut in 0..whole.len() {
            let _ = read_all(&whole[..cut]);
            let mut giant = whole.clone();
            giant[cut] = 0xFF;
            let _ = read_all(&giant);
        }
    }
}
