//! The gapless comment of iTunes (`iTunSMPB`), used by MP4 files without an edit list.

use symphonia::core::formats::FormatReader;

use super::mp4::Edit;

/// The part of the track to play, from the delay and the length (hexadecimal sample counts) in the comment; `None` without one.
pub(super) fn edit(demuxer: &mut dyn FormatReader, rate: u32) -> Option<Edit> {
    let metadata = demuxer.metadata();
    let revision = metadata.current()?;
    let tag = revision.media.tags.iter().find(|tag| tag.raw.key.contains("iTunSMPB"))?;
    let text = tag.raw.value.to_string();
    let mut numbers = text.split_whitespace().skip(1).map(|word| u64::from_str_radix(word, 16));
    let (delay, _padding, length) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    (rate > 0).then_some(Edit { skip: (delay, rate), keep: (length, rate) })
}
