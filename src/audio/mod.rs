//! From a file of any kind to 16 kHz samples, one signal a channel.

pub mod band;
pub mod channels;
pub mod decode;
pub mod denoise;
pub mod headerless;
mod leak_removed;
pub mod levels;
mod low_cut;
pub mod resample;
mod signal;
mod spilled;
pub mod time;
mod writer;

pub use signal::{Audio, BLOCK, Cursor, SignalError};
use time::Millis;

/// The rate of everything after decoding, in Hz.
pub const SAMPLE_RATE: u32 = 16_000;

/// The formats that are decoded, as published. What a file holds is decided by its content, not by its name.
pub const SUPPORTED_FORMATS: [&str; 14] =
    ["wav", "mp3", "flac", "opus", "ogg", "m4a", "aac", "aiff", "mkv", "caf", "w64", "au", "gsm", "raw"];

/// What a file says of itself, or was measured to be; known before anything is decoded in full.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceInfo {
    /// The container, as published: `wav`, `mp3`, `flac`, `ogg`, `m4a`, ... (Opus in Ogg is `opus`); `raw` when there is none.
    pub format: &'static str,
    /// The codec: `pcm_s16le`, `pcm_mulaw`, `mp3`, `flac`, `opus`, `vorbis`, `aac`, ...
    pub codec: String,
    /// In Hz, of the file.
    pub sample_rate: u32,
    /// Channels of the file.
    pub channels: u16,
    /// Length of the audio.
    pub duration: Millis,
}

/// A decoded recording: one signal a channel, all of one length; at least one channel.
#[derive(Debug, Clone)]
pub struct Recording {
    /// What the file was.
    pub source: SourceInfo,
    /// One signal a channel of the file.
    pub channels: Vec<Audio>,
    /// What was measured on each channel as the file has it, before anything was set right.
    pub levels: Vec<levels::Levels>,
    /// Packets that could not be decoded and were passed over.
    pub damaged_packets: u64,
}
