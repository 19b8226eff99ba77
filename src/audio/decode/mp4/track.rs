//! One `trak` box: what kind of track it is, its edit list, and the size of its tables.

use std::io::{Read, Seek};

use super::boxes::{BoxAt, Boxes, BoxesError, long, of_kind};
use super::facts::{Edit, TrackFacts};

/// Bytes of the demuxer's memory for a track without its tables.
const TRACK_BYTES: u64 = 2_048;

/// Maximum bytes of the description of the samples.
const MAX_DESCRIPTION: u64 = 64 << 10;

/// Edits that are looked at.
const MAX_EDITS: u64 = 64;

/// Reads the facts about a track and takes the memory for its tables; `None` if it is no audio, or broken.
pub(super) fn read<F: Read + Seek>(
    boxes: &mut Boxes<'_, F>,
    trak: &BoxAt,
    movie_rate: Option<u32>,
) -> Result<Option<TrackFacts>, BoxesError> {
    let inside = boxes.inside(trak)?;
    let (Some(header), Some(media)) = (of_kind(&inside, *b"tkhd"), of_kind(&inside, *b"mdia")) else { return Ok(None) };
    let header = boxes.content(&header, 32)?;
    let Some(id) = long(&header, if header.first() == Some(&1) { 20 } else { 12 }) else { return Ok(None) };
    let in_media = boxes.inside(&media)?;
    let (Some(handler), Some(information)) = (of_kind(&in_media, *b"hdlr"), of_kind(&in_media, *b"minf")) else {
        return Ok(None);
    };
    if boxes.content(&handler, 12)?.get(8..12) != Some(b"soun") {
        return Ok(None);
    }
    let media_header = of_kind(&in_media, *b"mdhd").map(|header| boxes.content(&header, 32)).transpose()?;
    let media_rate = media_header.as_deref().and_then(time_scale);
    let in_information = boxes.inside(&information)?;
    let Some(tables) = of_kind(&in_information, *b"stbl") else { return Ok(None) };
    let tables = boxes.inside(&tables)?;
    let Some(description) = of_kind(&tables, *b"stsd") else { return Ok(None) };
    let Some(codec) = boxes.content(&description, 16)?.get(12..16).and_then(|code| code.try_into().ok()) else { return Ok(None) };
    if description.size() > MAX_DESCRIPTION {
        return Err(BoxesError::TooLarge);
    }
    boxes.spend(TRACK_BYTES + description.size())?;
    for table in &tables {
        match &table.kind {
            b"stts" | b"stsz" | b"stco" | b"co64" => boxes.spend(table.size())?,
            // Entries of 12 bytes are kept in 16.
            b"stsc" => boxes.spend(table.size() / 3 * 4)?,
            _ => {}
        }
    }
    let edits = of_kind(&inside, *b"edts");
    let list = match &edits {
        Some(edits) => {
            boxes.hide(edits)?;
            of_kind(&boxes.inside(edits)?, *b"elst")
        }
        None => None,
    };
    let list = list.map(|list| boxes.content(&list, 8 + 20 * MAX_EDITS)).transpose()?;
    let edit = list.and_then(|list| edit(&list, media_rate?, movie_rate?));
    Ok(Some(TrackFacts { id, codec, edit }))
}

/// Ticks per second in an `mvhd` or `mdhd` box.
pub(super) fn time_scale(header: &[u8]) -> Option<u32> {
    long(header, if header.first() == Some(&1) { 20 } else { 12 }).filter(|&rate| rate > 0)
}

/// The only edit that is not a pause. Lists with several (edited films) are ignored; playing everything is the smaller
/// error.
fn edit(list: &[u8], media_rate: u32, movie_rate: u32) -> Option<Edit> {
    let is_long = list.first() == Some(&1);
    let count = u64::from(long(list, 4)?).min(MAX_EDITS) as usize;
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
