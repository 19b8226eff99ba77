//! Times and time spans of a recording, in whole milliseconds.

pub use crate::media::Millis;

/// A non-empty span of time with `start < end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan {
    start: Millis,
    end: Millis,
}

impl TimeSpan {
    /// A span; `None` if it would be empty or reversed.
    #[must_use]
    pub const fn new(start: Millis, end: Millis) -> Option<Self> {
        if start.0 < end.0 { Some(Self { start, end }) } else { None }
    }

    /// Start of the span, inclusive.
    #[must_use]
    pub const fn start(self) -> Millis {
        self.start
    }

    /// End of the span, exclusive; later than the start.
    #[must_use]
    pub const fn end(self) -> Millis {
        self.end
    }

    /// Duration of the span; never zero.
    #[must_use]
    pub const fn duration(self) -> Millis {
        Millis(self.end.0 - self.start.0)
    }

    /// Duration of the intersection with `other`.
    #[must_use]
    pub fn overlap(self, other: Self) -> Millis {
        self.end.min(other.end).saturating_sub(self.start.max(other.start))
    }

    /// The time midway between start and end.
    #[must_use]
    pub const fn middle(self) -> Millis {
        Millis(self.start.0.midpoint(self.end.0))
    }

    /// The smallest span that contains both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// Sorts spans and merges those that overlap or are at most `gap` apart.
#[must_use]
pub fn merge(mut spans: Vec<TimeSpan>, gap: Millis) -> Vec<TimeSpan> {
    spans.sort_unstable();
    let mut merged: Vec<TimeSpan> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end + gap => *last = last.hull(span),
            _ => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: u64, end: u64) -> TimeSpan {
        TimeSpan::new(Millis(start), Millis(end)).unwrap()
    }

    #[test]
    fn a_span_is_never_empty_or_backwards() {
        assert_eq!(TimeSpan::new(Millis(5), Millis(5)), None);
        assert_eq!(TimeSpan::new(Millis(6), Millis(5)), None);
    }

    #[test]
    fn merging_joins_what_is_near_and_keeps_what_is_far() {
        let merged = merge(vec![span(50, 60), span(0, 10), span(12, 20), span(5, 8)], Millis(2));
        assert_eq!(merged, [span(0, 20), span(50, 60)]);
    }

    #[test]
    fn odd_seconds_become_a_valid_instant() {
        assert_eq!(Millis::from_seconds(f64::NAN), Millis(0));
        assert_eq!(Millis::from_seconds(-3.0), Millis(0));
        assert_eq!(Millis::from_seconds(1.2346), Millis(1235));
    }
}
