//! One `moof` box: the size of its tables. The demuxer keeps those of all fragments.

use std::io::{Read, Seek};

use super::boxes::{BoxAt, Boxes, BoxesError, long, of_kind};
use super::facts::TrackFacts;

/// Bytes of the demuxer's memory for a fragment, for each track of the file in it, and for a table without its entries.
const FRAGMENT_BYTES: u64 = 192;
const TRACK_BYTES: u64 = 48;
const TABLE_BYTES: u64 = 128;

/// Takes the memory for the tables of the audio tracks, and keeps those of other tracks from the demuxer.
pub(super) fn read<F: Read + Seek>(boxes: &mut Boxes<'_, F>, moof: &BoxAt, tracks: &[TrackFacts]) -> Result<(), BoxesError> {
    boxes.spend(FRAGMENT_BYTES + TRACK_BYTES * tracks.len() as u64)?;
    for part in boxes.children(moof.body, moof.end, *b"traf")?.iter().filter(|found| &found.kind == b"traf") {
        let inside = boxes.children(part.body, part.end, *b"trun")?;
        let header = of_kind(&inside, *b"tfhd").map(|header| boxes.content(&header, 8)).transpose()?;
        let id = header.and_then(|header| long(&header, 4));
        if !tracks.iter().any(|facts| Some(facts.id) == id) {
            boxes.hide(part)?;
            continue;
        }
        boxes.spend(TABLE_BYTES)?;
        for run in inside.iter().filter(|found| &found.kind == b"trun") {
            boxes.spend(TABLE_BYTES + run.size())?;
        }
    }
    Ok(())
}
