//! The gapless comment of iTunes (`iTunSMPB`), used by MP4 files without an edit list.

use std::io::{Read, Seek};

use super::boxes::{BoxAt, Boxes, BoxesError, of_kind};
use super::facts::Edit;

const NAME: &[u8] = b"iTunSMPB";

/// Maximum bytes of the comment; it has twelve numbers.
const MAX_COMMENT: u64 = 256;

/// The comment in a `udta` box.
pub(super) fn gapless<F: Read + Seek>(boxes: &mut Boxes<'_, F>, data: &BoxAt) -> Result<Option<String>, BoxesError> {
    let Some(meta) = of_kind(&boxes.inside(data)?, *b"meta") else { return Ok(None) };
    // Its boxes follow a version and flags.
    let Some(list) = of_kind(&boxes.children(meta.body + 4, meta.end, [0; 4])?, *b"ilst") else { return Ok(None) };
    for entry in boxes.children(list.body, list.end, *b"----")?.iter().filter(|found| &found.kind == b"----") {
        let inside = boxes.inside(entry)?;
        let (Some(name), Some(value)) = (of_kind(&inside, *b"name"), of_kind(&inside, *b"data")) else { continue };
        if boxes.content(&name, 16)?.get(4..) == Some(NAME) {
            let value = boxes.content(&value, MAX_COMMENT)?;
            return Ok(value.get(8..).map(|text| String::from_utf8_lossy(text).into_owned()));
        }
    }
    Ok(None)
}

/// The part of the track to play, from the delay and the length (hexadecimal sample counts) in the comment.
pub(in super::super) fn edit(text: &str, rate: u32) -> Option<Edit> {
    let mut numbers = text.split_whitespace().skip(1).map(|word| u64::from_str_radix(word, 16));
    let (delay, _padding, length) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    (rate > 0).then_some(Edit { skip: (delay, rate), keep: (length, rate) })
}
