//! Statistics of a whole recording: counts, and the durations of speech, silence and overlap.

use super::segments::Segment;
use crate::audio::time::{Millis, merge};
use crate::diarize::Diarization;
use crate::document::Statistics;

/// The statistics of a recording of this duration.
pub(super) fn count(diarization: &Diarization, segments: &[Segment], duration: Millis) -> Statistics {
    let speech: u64 =
        merge(diarization.turns.iter().map(|turn| turn.span).collect(), Millis::ZERO).iter().map(|span| span.duration().0).sum();
    Statistics {
        speaker_count: diarization.speakers.len(),
        segment_count: segments.len(),
        word_count: segments.iter().map(|segment| segment.words.len()).sum(),
        speech_seconds: Millis(speech).as_seconds(),
        silence_seconds: duration.saturating_sub(Millis(speech)).as_seconds(),
        overlap_seconds: Millis(overlapped(diarization)).as_seconds(),
    }
}

/// The time during which two or more speakers talk, in milliseconds.
fn overlapped(diarization: &Diarization) -> u64 {
    let mut edges: Vec<(Millis, i32)> =
        diarization.turns.iter().flat_map(|turn| [(turn.span.start(), 1), (turn.span.end(), -1)]).collect();
    // At the same instant ends come before starts: turns that touch do not overlap.
    edges.sort_unstable();
    let (mut active, mut total, mut since) = (0, 0, Millis::ZERO);
    for (time, change) in edges {
        if active >= 2 {
            total += time.0 - since.0;
        }
        active += change;
        since = time;
    }
    total
}
