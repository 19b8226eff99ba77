//! From frames to turns: who speaks from when to when, and in which order speakers are counted. Pure.

use super::{Certainty, Diarization, DiarizedSpeaker, SpeakerIndex, SpeechTurn};
use crate::audio::time::{Millis, TimeSpan};

/// Of each frame and person whether that person speaks, and how sure that is.
#[derive(Debug, Clone)]
pub(super) struct Timeline {
    frames: usize,
    persons: usize,
    /// Samples from one frame to the next.
    step: usize,
    /// Probability in 254ths plus one; zero when silent.
    cells: Vec<u8>,
}

impl Timeline {
    pub(super) fn new(frames: usize, persons: usize, step: usize) -> Self {
        Self { frames, persons, step, cells: vec![0; frames * persons] }
    }

    /// That a person speaks in a frame.
    pub(super) fn set(&mut self, frame: usize, person: usize, probability: f32) {
        self.cells[frame * self.persons + person] = 1 + (probability.clamp(0.0, 1.0) * 254.0) as u8;
    }

    /// The probability, when the person speaks.
    pub(super) fn get(&self, frame: usize, person: usize) -> Option<f32> {
        let cell = self.cells[frame * self.persons + person];
        (cell > 0).then(|| f32::from(cell - 1) / 254.0)
    }

    /// The stretches, in frames, in which a person speaks.
    fn stretches(&self, person: usize) -> Vec<(usize, usize)> {
        let mut stretches: Vec<(usize, usize)> = Vec::new();
        for frame in (0..self.frames).filter(|frame| self.get(*frame, person).is_some()) {
            match stretches.last_mut() {
                Some((_, end)) if *end == frame => *end = frame + 1,
                _ => stretches.push((frame, frame + 1)),
            }
        }
        stretches
    }

    /// Mean probability over a stretch of time; where the person is silent, it is none.
    fn mean(&self, person: usize, span: TimeSpan) -> f32 {
        let from = (span.start().to_sample() / self.step).min(self.frames.saturating_sub(1));
        let to = span.end().to_sample().div_ceil(self.step).clamp(from + 1, self.frames.max(from + 1));
        (from..to.min(self.frames)).filter_map(|frame| self.get(frame, person)).sum::<f32>() / (to - from) as f32
    }

    fn belief(&self, person: usize, from: usize, to: usize) -> f32 {
        let known: Vec<f32> = (from..to).filter_map(|frame| self.get(frame, person)).collect();
        known.iter().sum::<f32>() / known.len().max(1) as f32
    }
}

/// How turns are cleaned up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tidying {
    /// Pauses of one speaker up to this are part of the turn.
    pub longest_pause: Millis,
    /// Shorter turns are dropped.
    pub shortest_turn: Millis,
}

impl Default for Tidying {
    /// Breathing pauses are closed, and what is shorter than a syllable is no turn.
    fn default() -> Self {
        Self { longest_pause: Millis(250), shortest_turn: Millis(100) }
    }
}

/// The turns of all persons, in order of time, speakers in order of their first turn. The second value says which person of
/// the timeline each speaker is.
pub(super) fn turns(timeline: &Timeline, duration: Millis, tidying: Tidying) -> (Diarization, Vec<usize>) {
    let instant = |frame: usize| Millis::from_sample(frame * timeline.step).min(duration);
    let mut found: Vec<(TimeSpan, usize, f32)> = Vec::new();
    for person in 0..timeline.persons {
        let mut joined: Vec<(usize, usize)> = Vec::new();
        for (start, end) in timeline.stretches(person) {
            match joined.last_mut() {
                Some(last) if instant(start).saturating_sub(instant(last.1)) <= tidying.longest_pause => last.1 = end,
                _ => joined.push((start, end)),
            }
        }
        for (start, end) in joined {
            if let Some(span) =
                TimeSpan::new(instant(start), instant(end)).filter(|span| span.duration() >= tidying.shortest_turn)
            {
                found.push((span, person, timeline.belief(person, start, end)));
            }
        }
    }
    found.sort_by_key(|(span, person, _)| (*span, *person));
    let mut order: Vec<usize> = Vec::new();
    let mut diarization = Diarization::default();
    for (span, person, confidence) in found {
        let index = order.iter().position(|known| *known == person).unwrap_or_else(|| {
            order.push(person);
            diarization.speakers.push(DiarizedSpeaker { channel: None, speech: Millis::ZERO, voiceprint: None });
            order.len() - 1
        });
        let speech = &mut diarization.speakers[index].speech;
        *speech = *speech + span.duration();
        let certainty = Certainty::of(span, |part| timeline.mean(person, part));
        diarization.turns.push(SpeechTurn { span, speaker: SpeakerIndex(index), confidence, certainty });
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
            for (frame, persons) in cells.iter().enumerate() {
                for person in (0..3).filter(|person| persons[*person]) {
                    timeline.set(frame, person, 0.7);
                }
            }
            let (diarization, order) = turns(&timeline, Millis(duration), Tidying::default());
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
