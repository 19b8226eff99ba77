//! Maps word times from chunks to the recording, and makes them consistent.
//!
//! Afterwards, whatever the model produced, every word lies within the recording and within speech, has a positive duration, and
//! starts no earlier than the word before it ended. Pure.

use std::ops::Range;

use super::Word;
use super::packing::Chunk;
use super::words::ChunkWord;
use crate::audio::time::{Millis, TimeSpan};

/// The model includes a pause in the word next to it; no such word may be longer than this multiple of the chunk's median.
const LONGEST_IN_MEDIANS: usize = 2;
/// Upper limit of the median word length, in samples: 0.5 s.
const LONGEST_MEDIAN: usize = 8_000;
/// The longest duration that a word outside of speech gets in the nearest speech region.
const STUB: Millis = Millis(100);

/// Removes pauses from the words at sentence borders: the last word of a sentence is cut at its end, the first at its start.
pub fn shorten(words: &mut [ChunkWord]) {
    let mut lengths: Vec<usize> = words.iter().map(|word| word.span.len()).filter(|&length| length > 0).collect();
    lengths.sort_unstable();
    let Some(&median) = lengths.get(lengths.len() / 2) else { return };
    let longest = median.min(LONGEST_MEDIAN) * LONGEST_IN_MEDIANS;
    let mut begins = true;
    for word in words {
        let ends = word.text.ends_with(['.', '!', '?', '。', '！', '？']);
        if word.span.len() > longest {
            if begins {
                word.span.start = word.span.end - longest;
            } else if ends {
                word.span.end = word.span.start + longest;
            }
        }
        begins = ends;
    }
}

/// A chunk's word with its time in the recording; none when there is no speech.
pub(super) fn place(chunk: &Chunk, word: ChunkWord, starts_phrase: bool, speech: &[TimeSpan]) -> Option<Word> {
    let Range { start, end } = chunk.to_signal(word.span);
    let span = within((Millis::from_sample(start), Millis::from_sample(end)), speech)?;
    Some(Word { text: word.text, span, confidence: word.confidence, starts_phrase })
}

/// The part of an interval that lies in the speech region it overlaps most, or else a stub in the nearest region. The interval may
/// be empty.
fn within((start, end): (Millis, Millis), speech: &[TimeSpan]) -> Option<TimeSpan> {
    let shared = |region: &TimeSpan| end.min(region.end()).saturating_sub(start.max(region.start()));
    let distance = |region: &TimeSpan| region.start().saturating_sub(end).max(start.saturating_sub(region.end()));
    let region = speech.iter().max_by(|a, b| shared(a).cmp(&shared(b)).then_with(|| distance(b).cmp(&distance(a))))?;
    let inside = (start.clamp(region.start(), region.end()), end.clamp(region.start(), region.end()));
    if let Some(span) = TimeSpan::new(inside.0, inside.1).filter(|span| span.duration() >= STUB.min(end.saturating_sub(start))) {
        return Some(span);
    }
    // Too little of the interval is inside: take a stub at that side of the region.
    let length = STUB.min(region.duration());
    let start = inside.0.min(region.end().saturating_sub(length));
    TimeSpan::new(start, start + length)
}

/// Puts words in sequence: none starts before its predecessor has ended, and all end by `limit`.
#[must_use]
pub(super) fn in_order(mut words: Vec<Word>, limit: Millis) -> Vec<Word> {
    let mut earliest = Millis::ZERO;
    for word in &mut words {
        let start = word.span.start().max(earliest);
        let end = word.span.end().max(start + Millis(1));
        earliest = end;
        // `start < end` by the line above, so the span exists.
        if let Some(span) = TimeSpan::new(start, end) {
            word.span = span;
        }
    }
    // Words that were pushed past the end move back to one millisecond each; those that still find no room are dropped.
    let mut latest = limit;
    let mut kept = Vec::with_capacity(words.len());
    for mut word in words.into_iter().rev() {
        let end = word.span.end().min(latest);
        let start = word.span.start().min(end.saturating_sub(Millis(1)));
        let Some(span) = TimeSpan::new(start, end) else { continue };
        word.span = span;
        latest = start;
        kept.push(word);
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(start: u64, end: u64) -> TimeSpan {
        TimeSpan::new(Millis(start), Millis(end)).unwrap()
    }

    fn word(start: u64, end: u64) -> Word {
        Word { text: "a".to_owned(), span: span(start, end), confidence: 1.0, starts_phrase: false }
    }

    #[test]
    fn a_word_is_cut_to_its_speech_region() {
        let speech = [span(1000, 2000), span(3000, 4000)];
        assert_eq!(within((Millis(900), Millis(1400)), &speech), Some(span(1000, 1400)));
        assert_eq!(within((Millis(1900), Millis(3600)), &speech), Some(span(3000, 3600)));
    }

    #[test]
    fn a_word_outside_of_speech_moves_to_the_nearest() {
        let speech = [span(1000, 2000), span(3000, 4000)];
        assert_eq!(within((Millis(2100), Millis(2300)), &speech), Some(span(1900, 2000)));
        assert_eq!(within((Millis(2900), Millis(2950)), &speech), Some(span(3000, 3100)));
        assert_eq!(within((Millis(2900), Millis(2950)), &[]), None);
    }

    #[test]
    fn a_pause_is_taken_from_the_words_beside_it() {
        let word = |text: &str, span| ChunkWord { text: text.to_owned(), span, confidence: 1.0 };
        let mut words = [
            word("So", 0..4000),
            word("it", 4000..8000),
            word("is.", 8000..48_000),
            word("Yes", 48_000..96_000),
            word("it", 96_000..100_000),
        ];
        shorten(&mut words);
        assert_eq!(words.map(|word| word.span), [0..4000, 4000..8000, 8000..16_000, 88_000..96_000, 96_000..100_000]);
    }

    proptest! {
        #[test]
        fn words_follow_each_other_inside_the_recording(
            spans in prop::collection::vec((0_u64..2000, 1_u64..300), 0..60), limit in 0_u64..2500,
        ) {
            let words = spans.iter().map(|&(start, length)| word(start, start + length)).collect();
            let ordered = in_order(words, Millis(limit));
            prop_assert!(ordered.len() == spans.len().min(usize::try_from(limit).unwrap()));
            prop_assert!(ordered.iter().all(|word| word.span.end() <= Millis(limit)));
            prop_assert!(ordered.windows(2).all(|pair| pair[0].span.end() <= pair[1].span.start()));
        }
    }
}
