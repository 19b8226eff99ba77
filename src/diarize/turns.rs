//! Converts frame-level activity into turns, and numbers speakers by their first turn. Pure.

use super::{Diarization, DiarizedSpeaker, SpeakerIndex, SpeechTurn, TurnProbability};
use crate::audio::time::{Millis, TimeSpan};

/// Activity of each speaker label in each frame, with its probability.
#[derive(Debug, Clone)]
pub(super) struct Timeline {
    frames: usize,
    labels: usize,
    /// Number of samples between frames.
    step: usize,
    /// Probability in units of 1/254, plus one; 0 if silent.
    cells: Vec<u8>,
}

impl Timeline {
    pub(super) fn new(frames: usize, labels: usize, step: usize) -> Self {
        Self { frames, labels, step, cells: vec![0; frames * labels] }
    }

    /// Marks a label as active in a frame.
    pub(super) fn set(&mut self, frame: usize, label: usize, probability: f32) {
        self.cells[frame * self.labels + label] = 1 + (probability.clamp(0.0, 1.0) * 254.0) as u8;
    }

    /// The probability of an active label; `None` if it is silent.
    pub(super) fn get(&self, frame: usize, label: usize) -> Option<f32> {
        let cell = self.cells[frame * self.labels + label];
        (cell > 0).then(|| f32::from(cell - 1) / 254.0)
    }

    /// Ranges of frames in which a label is active.
    fn runs(&self, label: usize) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for frame in (0..self.frames).filter(|frame| self.get(*frame, label).is_some()) {
            match runs.last_mut() {
                Some((_, end)) if *end == frame => *end = frame + 1,
                _ => runs.push((frame, frame + 1)),
            }
        }
        runs
    }

    /// Mean probability over a span of time; silent frames count as 0.
    fn mean_over(&self, label: usize, span: TimeSpan) -> f32 {
        let from = (span.start().to_sample() / self.step).min(self.frames.saturating_sub(1));
        let to = span.end().to_sample().div_ceil(self.step).clamp(from + 1, self.frames.max(from + 1));
        (from..to.min(self.frames)).filter_map(|frame| self.get(frame, label)).sum::<f32>() / (to - from) as f32
    }

    fn mean_while_speaking(&self, label: usize, from: usize, to: usize) -> f32 {
        let known: Vec<f32> = (from..to).filter_map(|frame| self.get(frame, label)).collect();
        known.iter().sum::<f32>() / known.len().max(1) as f32
    }
}

/// How turns are smoothed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnSmoothing {
    /// Maximum pause of one speaker within a turn.
    pub longest_pause: Millis,
    /// Shorter turns are dropped.
    pub shortest_turn: Millis,
}

impl Default for TurnSmoothing {
    /// Closes breathing pauses (0.25 s) and drops what is shorter than a syllable (0.1 s).
    fn default() -> Self {
        Self { longest_pause: Millis(250), shortest_turn: Millis(100) }
    }
}

/// The turns of all labels in order of time, with speakers numbered by their first turn. The second value is the
/// timeline's label of each speaker.
pub(super) fn turns(timeline: &Timeline, duration: Millis, smoothing: TurnSmoothing) -> (Diarization, Vec<usize>) {
    let instant = |frame: usize| Millis::from_sample(frame * timeline.step).min(duration);
    let mut found: Vec<(TimeSpan, usize, f32)> = Vec::new();
    for label in 0..timeline.labels {
        let mut joined: Vec<(usize, usize)> = Vec::new();
        for (start, end) in timeline.runs(label) {
            match joined.last_mut() {
                Some(last) if instant(start).saturating_sub(instant(last.1)) <= smoothing.longest_pause => last.1 = end,
                _ => joined.push((start, end)),
            }
        }
        for (start, end) in joined {
            if let Some(span) =
                TimeSpan::new(instant(start), instant(end)).filter(|span| span.duration() >= smoothing.shortest_turn)
            {
                found.push((span, label, timeline.mean_while_speaking(label, start, end)));
            }
        }
    }
    found.sort_by_key(|(span, label, _)| (*span, *label));
    let mut order: Vec<usize> = Vec::new();
    let mut diarization = Diarization::default();
    for (span, label, confidence) in found {
        let index = order.iter().position(|known| *known == label).unwrap_or_else(|| {
            order.push(label);
            diarization.speakers.push(DiarizedSpeaker { channel: None, speech: Millis::ZERO, voiceprint: None });
            order.len() - 1
        });
        let speech = &mut diarization.speakers[index].speech;
        *speech = *speech + span.duration();
        let probability = TurnProbability::of(span, |part| timeline.mean_over(label, part));
        diarization.turns.push(SpeechTurn { span, speaker: SpeakerIndex(index), confidence, probability });
    }
    (diarization, order)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn turns_are_in_order_and_inside_the_recording(
            cells in prop::collection::vec(prop::collection::vec(any::<bool>(), 3), 0..400),
            duration in 0_u64..8000,
        ) {
            let mut timeline = Timeline::new(cells.len(), 3, 270);
            for (frame, labels) in cells.iter().enumerate() {
                for label in (0..3).filter(|label| labels[*label]) {
                    timeline.set(frame, label, 0.7);
                }
            }
            let (diarization, order) = turns(&timeline, Millis(duration), TurnSmoothing::default());
            prop_assert_eq!(order.len(), diarization.speakers.len());
            prop_assert!(diarization.turns.windows(2).all(|pair| pair[0].span <= pair[1].span));
            prop_assert!(diarization.turns.iter().all(|turn| turn.span.end() <= Millis(duration) && (turn.confidence - 0.7).abs() < 0.01));
            let mut seen = 0;
            for turn in &diarization.turns {
                prop_assert!(turn.speaker.0 <= seen);
                seen = seen.max(turn.speaker.0 + 1);
            }
            prop_assert_eq!(seen, diarization.speakers.len());
            for (index, speaker) in diarization.speakers.iter().enumerate() {
                let sum: u64 = diarization.turns.iter().filter(|turn| turn.speaker.0 == index).map(|turn| turn.span.duration().0).sum();
                prop_assert_eq!(speaker.speech, Millis(sum));
            }
        }
    }
}
