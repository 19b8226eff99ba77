//! Groups words into segments: what one speaker says without a long pause, in time order.

use super::words::SpokenWord;
use crate::audio::time::{Millis, TimeSpan};
use crate::diarize::{Diarization, SpeakerIndex};

/// A pause of this length ends a segment.
const LONG_PAUSE: Millis = Millis(1000);

/// A segment of at least this length ends at the next sentence end, so that it stays readable.
const LONG_SEGMENT: Millis = Millis(20_000);

/// The least amount of other speakers' speech that marks a segment as overlapped.
const OVERLAPPED: Millis = Millis(200);

/// What one speaker says without a long pause.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Segment {
    pub(super) speaker: SpeakerIndex,
    pub(super) channel: Option<u16>,
    pub(super) span: TimeSpan,
    /// In time order; empty when the recording was not transcribed.
    pub(super) words: Vec<SpokenWord>,
    /// Whether other speakers talk at the same time.
    pub(super) overlap: bool,
    /// The mean confidence of the words or, without words, the confidence of the turn; 0 to 1.
    pub(super) confidence: f32,
}

impl Segment {
    /// The words, joined by single spaces.
    pub(super) fn text(&self) -> String {
        self.words.iter().map(|word| word.word.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// Builds segments from words. A short remark of another speaker does not split a segment; the two overlap instead.
pub(super) fn from_words(words: &[SpokenWord], diarization: &Diarization) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut open: Vec<Option<usize>> = vec![None; diarization.speakers.len()];
    for word in words {
        let Some(place) = open.get_mut(word.speaker.0) else { continue };
        match place.and_then(|index| segments.get_mut(index)).filter(|segment| continues(segment, word)) {
            Some(segment) => {
                segment.span = segment.span.hull(word.word.span);
                segment.words.push(word.clone());
            }
            None => {
                *place = Some(segments.len());
                segments.push(Segment {
                    speaker: word.speaker,
                    channel: diarization.speakers[word.speaker.0].channel,
                    span: word.word.span,
                    words: vec![word.clone()],
                    overlap: false,
                    confidence: 0.0,
                });
            }
        }
    }
    for segment in &mut segments {
        segment.confidence =
            segment.words.iter().map(|word| word.word.confidence).sum::<f32>() / segment.words.len().max(1) as f32;
        segment.overlap = is_overlapped(segment, diarization);
    }
    segments.sort_by_key(|segment| (segment.span, segment.speaker));
    segments
}

/// Builds segments from turns alone, when the recording was not transcribed.
pub(super) fn from_turns(diarization: &Diarization) -> Vec<Segment> {
    diarization
        .turns
        .iter()
        .map(|turn| {
            let mut segment = Segment {
                speaker: turn.speaker,
                channel: diarization.speakers.get(turn.speaker.0).and_then(|speaker| speaker.channel),
                span: turn.span,
                words: Vec::new(),
                overlap: false,
                confidence: turn.confidence,
            };
            segment.overlap = is_overlapped(&segment, diarization);
            segment
        })
        .collect()
}

/// Whether a word belongs to the segment before it.
fn continues(segment: &Segment, word: &SpokenWord) -> bool {
    let pause = word.word.span.start().saturating_sub(segment.span.end());
    let sentence_ended = segment.words.last().is_some_and(|last| last.word.text.ends_with(['.', '?', '!', '…']));
    pause < LONG_PAUSE && !(sentence_ended && segment.span.duration() >= LONG_SEGMENT)
}

fn is_overlapped(segment: &Segment, diarization: &Diarization) -> bool {
    let shared: u64 = diarization
        .turns
        .iter()
        .filter(|turn| turn.speaker != segment.speaker)
        .map(|turn| turn.span.overlap(segment.span).0)
        .sum();
    shared >= OVERLAPPED.0
}
