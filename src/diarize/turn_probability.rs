//! The probability, over the course of a turn, that its speaker is talking. Pure.

use std::sync::Arc;

use crate::audio::time::{Millis, TimeSpan};

/// Time step of the values: less than the duration of a short word.
const STEP: Millis = Millis(100);
/// The stored value of probability 1.
const ONE: f32 = 255.0;

/// Probability for each tenth of a second of a turn; empty if only the turn's mean is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TurnProbability(Arc<[u8]>);

impl TurnProbability {
    /// Computes the values of a turn from a function that returns the mean probability of a span.
    #[must_use]
    pub fn of(turn: TimeSpan, mean: impl Fn(TimeSpan) -> f32) -> Self {
        Self(parts(turn).map(|part| (mean(part).clamp(0.0, 1.0) * ONE).round() as u8).collect())
    }

    /// Restores values returned by [`Self::values`]; `None` if their number does not fit the turn.
    pub(super) fn from_values(turn: TimeSpan, values: Vec<u8>) -> Option<Self> {
        (values.is_empty() || values.len() == parts(turn).count()).then(|| Self(values.into()))
    }

    pub(super) fn values(&self) -> &[u8] {
        &self.0
    }

    /// Expected milliseconds of the speaker's speech within `span`; `None` if only the mean is known.
    pub(super) fn expected(&self, turn: TimeSpan, span: TimeSpan) -> Option<f64> {
        if self.0.is_empty() {
            return None;
        }
        let first = span.start().saturating_sub(turn.start()).0 / STEP.0;
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let reached = parts(turn).zip(self.0.iter()).skip(first).take_while(|(part, _)| part.start() < span.end());
        Some(reached.map(|(part, value)| part.overlap(span).0 as f64 * f64::from(f32::from(*value) / ONE)).sum())
    }
}

/// The tenths of a second of a turn; the last may be shorter.
fn parts(turn: TimeSpan) -> impl Iterator<Item = TimeSpan> {
    let starts = (0..).map(move |index| turn.start() + Millis(index * STEP.0));
    starts.map_while(move |start| TimeSpan::new(start, (start + STEP).min(turn.end())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u64, end: u64) -> TimeSpan {
        TimeSpan::new(Millis(start), Millis(end)).unwrap()
    }

    #[test]
    fn each_part_of_a_span_counts_with_its_own_probability() {
        let turn = span(1000, 1250);
        let probability = TurnProbability::of(turn, |part| if part.start() < Millis(1200) { 1.0 } else { 0.2 });
        assert_eq!(probability.values(), [255, 255, 51]);
        let expected = |from, to| probability.expected(turn, span(from, to)).unwrap();
        assert!((expected(1000, 1250) - 210.0).abs() < 1e-3);
        assert!((expected(1150, 1230) - 56.0).abs() < 1e-3);
        assert!((expected(0, 1010) - 10.0).abs() < 1e-3);
        assert!(expected(1250, 9000).abs() < 1e-9 && expected(0, 1000).abs() < 1e-9);
    }

    #[test]
    fn values_have_to_fit_the_turn() {
        assert_eq!(TurnProbability::from_values(span(0, 250), vec![1, 2, 3]).unwrap().values(), [1, 2, 3]);
        assert_eq!(TurnProbability::from_values(span(0, 250), vec![1, 2]), None);
        assert_eq!(TurnProbability::from_values(span(0, 250), Vec::new()), Some(TurnProbability::default()));
        assert_eq!(TurnProbability::default().expected(span(0, 250), span(0, 250)), None);
    }
}
