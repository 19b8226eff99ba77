//! Decoded audio: from a file of any supported format to 16 kHz signals, one per channel, and everything done to them
//! before the models.

pub mod channels;
pub mod decode;
pub mod denoise;
mod leak_removed;
pub mod levels;
mod low_cut;
pub mod resample;
mod signal;
mod signal_writer;
mod spilled;
pub mod telephone_band;
pub mod time;

pub use signal::{Audio, BLOCK, Cursor, SignalError};

use crate::media::SourceInfo;

/// Sample rate of all decoded signals, in Hz.
pub const SAMPLE_RATE: u32 = 16_000;

/// A decoded recording with at least one channel; all signals have equal length.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Facts about the file.
    pub source: SourceInfo,
    /// One signal per channel of the file.
    pub channels: Vec<Audio>,
    /// Levels of each channel in the file, before corrections.
    pub levels: Vec<levels::Levels>,
    /// Number of packets that could not be decoded and were replaced by silence.
    pub damaged_packets: u64,
}
