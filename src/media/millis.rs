//! The unit of times and durations of a recording.

/// Milliseconds from the start of the recording, or a duration in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// The start of the recording.
    pub const ZERO: Self = Self(0);

    /// Rounds to the nearest millisecond; negative values and NaN become zero.
    #[must_use]
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * 1000.0).round() as u64)
    }

    /// The same time in seconds.
    #[must_use]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The time of a sample at 16 kHz, rounded down.
    #[must_use]
    pub const fn from_sample(index: usize) -> Self {
        Self(index as u64 / 16)
    }

    /// The index of the sample at this time, at 16 kHz.
    #[must_use]
    pub const fn to_sample(self) -> usize {
        (self.0 * 16) as usize
    }

    /// The difference, or zero if `other` is later.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::ops::Add for Millis {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
