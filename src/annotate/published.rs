//! From the annotation's own types to the published ones: ids, labels of channels, and rounding.

use super::segments::Segment;
use crate::document::{self, AudioInfo, Word};
use crate::media::SourceInfo;
use crate::recognize::Candidate;
use crate::transcribe::Language;

/// The published id; `speaker_01` is the speaker of the first turn.
pub(super) fn speaker_id(index: usize) -> String {
    format!("speaker_{:02}", index + 1)
}

/// A segment as published. `id` counts from 1; `publish_words` is whether its words are listed one by one.
pub(super) fn segment(id: usize, segment: &Segment, language: Option<&Language>, publish_words: bool) -> document::Segment {
    let words = segment.words.iter().map(|word| Word {
        word: word.word.text.clone(),
        start_time: word.word.span.start().as_seconds(),
        end_time: word.word.span.end().as_seconds(),
        confidence: ratio(word.word.confidence),
        speaker_id: speaker_id(word.speaker.0),
    });
    document::Segment {
        id,
        speaker_id: speaker_id(segment.speaker.0),
        channel: segment.channel,
        start_time: segment.span.start().as_seconds(),
        end_time: segment.span.end().as_seconds(),
        text: segment.text(),
        confidence: ratio(segment.confidence),
        language: language.map(|language| language.code.clone()),
        overlap: segment.overlap,
        words: publish_words.then(|| words.collect()),
    }
}

pub(super) fn candidate(candidate: &Candidate) -> document::Candidate {
    document::Candidate { name: candidate.name.clone(), score: to_four_places(candidate.score) }
}

pub(super) fn audio_info(source: &SourceInfo, size_bytes: u64, sha256: &str) -> AudioInfo {
    AudioInfo {
        format: source.format.name().to_owned(),
        codec: source.codec.clone(),
        sample_rate: source.sample_rate,
        channels: source.channels,
        duration: source.duration.as_seconds(),
        size_bytes,
        sha256: sha256.to_owned(),
    }
}

/// A ratio as published: clamped to 0 to 1, to four places; 0 for what is not a number.
pub(super) fn ratio(value: f32) -> f64 {
    if value.is_finite() { to_four_places(value.clamp(0.0, 1.0)) } else { 0.0 }
}

/// The mean of ratios as published; 0 when there are none.
pub(super) fn mean(values: impl Iterator<Item = f32>) -> f64 {
    let (sum, count) = values.fold((0.0f64, 0usize), |(sum, count), value| (sum + f64::from(value), count + 1));
    ratio(if count == 0 { 0.0 } else { (sum / count as f64) as f32 })
}

fn to_four_places(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}
