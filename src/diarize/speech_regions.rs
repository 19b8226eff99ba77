//! The regions of a recording to transcribe: all turns with padding, merged across short pauses. Pure.

use super::Diarization;
use crate::audio::time::{Millis, TimeSpan, merge};

/// Padding on both sides of each turn, since words begin and end softly.
const PADDING: Millis = Millis(300);
/// Pauses up to this length stay in a region: cutting them saves little, and a cut inside a word costs the word.
const LONGEST_GAP: Millis = Millis(500);

/// The speech regions in order, within `duration` and more than [`LONGEST_GAP`] apart.
#[must_use]
pub fn speech_regions(diarization: &Diarization, duration: Millis) -> Vec<TimeSpan> {
    let padded = diarization.turns.iter().filter_map(|turn| {
        let start = turn.span.start().saturating_sub(PADDING);
        TimeSpan::new(start, Millis(turn.span.end().0.saturating_add(PADDING.0)).min(duration))
    });
    merge(padded.collect(), LONGEST_GAP)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diarize::{SpeakerIndex, SpeechTurn, TurnProbability};

    proptest! {
        #[test]
        fn every_turn_is_inside_a_region_and_regions_are_apart(spans in prop::collection::vec((0_u64..50_000, 1_u64..5000), 0..40)) {
            let duration = Millis(60_000);
            let turns = spans.iter().filter_map(|(start, length)| TimeSpan::new(Millis(*start), Millis(start + length)));
            let turns = turns.map(|span| SpeechTurn { span, speaker: SpeakerIndex(0), confidence: 1.0, probability: TurnProbability::default() }).collect();
            let diarization = Diarization { speakers: Vec::new(), turns };
            let regions = speech_regions(&diarization, duration);
            prop_assert!(diarization.turns.iter().all(|turn| regions.iter().any(|region| region.overlap(turn.span) == turn.span.duration())));
            prop_assert!(regions.windows(2).all(|pair| pair[1].start().saturating_sub(pair[0].end()) > LONGEST_GAP));
            prop_assert!(regions.iter().all(|region| region.end() <= duration));
        }
    }

    #[test]
    fn no_turns_mean_no_speech() {
        assert!(speech_regions(&Diarization::default(), Millis(1000)).is_empty());
    }
}
