//! One `moof` box: the size of its tables. The demuxer keeps those of all fragments.

use std::io::{Read, Seek};

use super::boxes::{BoxAt, Boxes, BoxesError, long, of_kind};
use super::facts::TrackFacts;

/// Bytes of the demuxer's memory for a fragment, and in it for each track of the file, each part, and each run of samples without
/// its entries.
const FRAGMENT_BYTES: u64 = 160;
const TRACK_BYTES: u64 = 48;
const PART_BYTES: u64 = 96;
const RUN_BYTES: u64 = 112;

/// Takes the memory for the tables of the audio tracks, and keeps those of other tracks from the demuxer.
pub(super) fn read<F: Read + Seek>(boxes: &mut Boxes<'_, F>, moof: &BoxAt, tracks: &[TrackFacts]) -> Result<(), BoxesError> {
    boxes.spend(FRAGMENT_BYTES + TRACK_BYTES * tracks.len() as u64)?;
    let mut parts = 0;
    for part in boxes.children(moof.body, moof.end, *b"traf")?.iter().filter(|found| &found.kind == b"traf") {
        let inside = boxes.children(part.body, part.end, *b"trun")?;
        let header = of_kind(&inside, *b"tfhd").map(|header| boxes.content(&header, 8)).transpose()?;
        let id = header.and_then(|header| long(&header, 4));
        if !tracks.iter().any(|facts| Some(facts.id) == id) {
            boxes.hide(part)?;
            continue;
        }
        parts += 1;
        let runs = inside.iter().filter(|found| &found.kind == b"trun");
        boxes.spend(RUN_BYTES * grown(runs.clone().count()))?;
        // Short lists of numbers may have room for as many again.
        boxes.spend(2 * runs.map(BoxAt::size).sum::<u64>())?;
    }
    boxes.spend(PART_BYTES * grown(parts))
}

/// For how many elements a list of this many has room when it has grown step by step.
fn grown(count: usize) -> u64 {
    if count == 0 { 0 } else { count.next_power_of_two().max(4) as u64 }
}
