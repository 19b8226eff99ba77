//! Reads what the demuxer does not report about an MP4 file, and keeps from it what no recording needs.
//!
//! AAC begins with one or two frames of encoder delay, recorded in the edit list or in a comment of iTunes. Without trimming, all
//! times of the recording would be 20 to 130 ms late. The demuxer holds all tables in memory, of every track, and all metadata.
//! So the tables of the audio tracks are measured before it builds them, and everything else is renamed to `free`, which it passes
//! over: the offsets in the tables stay right.

mod boxes;
mod comment;
mod fragment;
mod movie;
mod track;

pub(super) use self::boxes::BoxesError;
pub(super) use self::comment::edit as gapless;
pub(super) use self::movie::read;

/// Facts about one audio track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TrackFacts {
    pub(super) id: u32,
    /// Code of the track's sample entry, such as `mp4a`, `alac` or `samr`.
    pub(super) codec: [u8; 4],
    pub(super) edit: Option<Edit>,
}

/// The part of a track to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edit {
    /// Ticks to skip at the start, and ticks per second.
    pub(super) skip: (u64, u32),
    /// Ticks to play, and ticks per second; zero ticks mean all.
    pub(super) keep: (u64, u32),
}

/// Converts ticks to samples at `rate`.
pub(super) fn samples((ticks, ticks_per_second): (u64, u32), rate: u32) -> u64 {
    let scaled = u128::from(ticks) * u128::from(rate) / u128::from(ticks_per_second.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

