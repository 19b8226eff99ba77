//! What is known about the tracks of an MP4 file: plain data.

/// Facts about one audio track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct TrackFacts {
    pub(in super::super) id: u32,
    /// Code of the track's sample entry, such as `mp4a`, `alac` or `samr`.
    pub(in super::super) codec: [u8; 4],
    pub(in super::super) edit: Option<Edit>,
}

/// The part of a track to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Edit {
    /// Ticks to skip at the start, and ticks per second.
    pub(in super::super) skip: (u64, u32),
    /// Ticks to play, and ticks per second; zero ticks mean all.
    pub(in super::super) keep: (u64, u32),
}

/// Converts ticks to samples at `rate`.
pub(in super::super) fn samples((ticks, ticks_per_second): (u64, u32), rate: u32) -> u64 {
    let scaled = u128::from(ticks) * u128::from(rate) / u128::from(ticks_per_second.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}
