//! Tests of packing: what is sent to the model, and the mapping of times.

use proptest::prelude::*;

use super::*;

const SECOND: usize = SAMPLE_RATE as usize;

fn span(start: u64, end: u64) -> TimeSpan {
    TimeSpan::new(Millis(start), Millis(end)).unwrap()
}

#[test]
fn short_pauses_stay_and_long_ones_are_cut() {
    let signal = Audio::new(vec![0.1; 20 * SECOND]);
    let chunks = pack(&signal, &[span(1000, 2000), span(2400, 3000), span(10_000, 11_000)], Packing::default()).unwrap();
    assert_eq!(chunks.len(), 1);
    let sources: Vec<_> = chunks[0].sources().collect();
    assert_eq!(sources, [SECOND * 3 / 4..SECOND * 13 / 4, SECOND * 39 / 4..SECOND * 45 / 4]);
}

#[test]
fn long_speech_is_cut_where_it_is_quiet() {
    let mut signal = vec![0.5; 50 * SECOND];
    signal[26 * SECOND..26 * SECOND + SECOND / 4].fill(0.0);
    let chunks = pack(&Audio::new(signal), &[span(0, 50_000)], Packing::default()).unwrap();
    assert_eq!(chunks.len(), 2);
    let cut = chunks[0].len();
    assert!((26 * SECOND..26 * SECOND + SECOND / 4).contains(&cut), "{cut}");
}

#[test]
fn a_chunk_is_closed_at_a_pause_when_it_is_nearly_full() {
    let signal = Audio::new(vec![0.1; 60 * SECOND]);
    let chunks = pack(&signal, &[span(0, 25_000), span(30_000, 48_000)], Packing::default()).unwrap();
    assert_eq!(chunks.iter().map(|chunk| chunk.sources().count()).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn a_time_across_pieces_maps_to_the_piece_that_holds_more() {
    let chunk = Chunk::new(&[100..200, 500..600]);
    assert_eq!(chunk.to_signal(20..40), 120..140);
    assert_eq!(chunk.to_signal(90..150), 500..550);
    assert_eq!(chunk.to_signal(40..110), 140..200);
    assert_eq!(chunk.to_signal(100..100), 500..500);
    assert_eq!(chunk.to_signal(900..950), 600..600);
}

#[test]
fn the_speech_in_a_range_is_summed() {
    let chunk = Chunk::new(&[0..SECOND, 5 * SECOND..6 * SECOND]);
    let speech = [span(500, 800), span(5200, 9000)];
    assert_eq!(chunk.speech_between(0..usize::MAX, &speech), Millis(1100));
    assert_eq!(chunk.speech_between(SECOND * 3 / 2..usize::MAX, &speech), Millis(500));
    assert_eq!(chunk.speech_between(9 * SECOND..usize::MAX, &speech), Millis::ZERO);
    assert_eq!(chunk.speech_between(SECOND / 2..SECOND * 5 / 4, &speech), Millis(350));
}

proptest! {
    #[test]
    fn all_speech_is_sent_once_and_in_order(
        spans in prop::collection::vec((0_u64..90_000, 1_u64..45_000), 0..12), seconds in 0_usize..100, around in 0_u64..800,
    ) {
        let signal = Audio::new((0..seconds * SECOND).map(|index| ((index / 977) % 17) as f32 / 17.0).collect());
        let speech: Vec<TimeSpan> = spans.iter().map(|&(start, length)| span(start, start + length)).collect();
        let chunks = pack(&signal, &speech, Packing { around: Millis(around), ..Packing::default() }).unwrap();
        prop_assert!(chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= CHUNK_SAMPLES + 4 * SECOND));
        let sources: Vec<_> = chunks.iter().flat_map(Chunk::sources).collect();
        prop_assert!(sources.windows(2).all(|pair| pair[0].end <= pair[1].start));
        prop_assert!(sources.iter().all(|source| source.end <= signal.len()));
        for region in speech {
            let (start, end) = (region.start().to_sample(), region.end().to_sample().min(signal.len()));
            let sent: usize = sources.iter().map(|s| s.end.min(end).saturating_sub(s.start.max(start))).sum();
            prop_assert_eq!(sent, end.saturating_sub(start));
        }
    }

    #[test]
    fn times_come_back_exactly_and_in_order(
        pieces in prop::collection::vec((0_usize..50, 1_usize..80), 1..6), from in 0_usize..500, length in 0_usize..90,
    ) {
        let mut at = 0;
        let sources: Vec<_> = pieces.iter().map(|&(gap, length)| { let start = at + gap; at = start + length; start..at }).collect();
        let chunk = Chunk::new(&sources);
        let carried: Vec<usize> = sources.iter().cloned().flatten().collect();
        for (sample, &original) in carried.iter().enumerate() {
            prop_assert_eq!(chunk.to_signal(sample..sample + 1), original..original + 1);
        }
        let (a, b) = (chunk.to_signal(from..from + length), chunk.to_signal(from + length..from + 2 * length));
        prop_assert!(a.start <= a.end && a.start <= b.start && b.end <= at);
    }
}
