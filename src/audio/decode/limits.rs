//! Limits on the recordings to decode, and the scratch space that they need.

use crate::audio::SAMPLE_RATE;
use crate::audio::spilled::SAMPLE_BYTES;
use crate::audio::time::Millis;
use crate::media::SourceInfo;

/// Bytes of scratch file per sample for voiceprint features: 80 bands every 10 ms, the most of all recipes.
const FEATURE_BYTES: u64 = 2;

/// Limits on a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Longer recordings are refused.
    pub max_duration: Millis,
    /// Recordings with more channels are refused.
    pub max_channels: u16,
    /// Maximum bytes of scratch files for the decoded samples of all channels; a recording that needs more is too long.
    pub max_decoded_bytes: u64,
    /// Maximum bytes of memory for the decoded samples of all channels; larger recordings go to scratch files.
    pub max_memory_bytes: usize,
}

impl Default for DecodeLimits {
    /// Four hours, 16 channels, 2 GiB (four hours of four channels), and 64 MiB of memory: 17 minutes of one channel,
    /// so that most calls need no scratch files.
    fn default() -> Self {
        Self { max_duration: Millis(4 * 3_600_000), max_channels: 16, max_decoded_bytes: 2 << 30, max_memory_bytes: 64 << 20 }
    }
}

impl DecodeLimits {
    /// Maximum duration of a recording with this many channels.
    pub(super) fn max_duration_for(&self, channels: u16) -> Millis {
        let a_second = u64::from(SAMPLE_RATE) * SAMPLE_BYTES as u64 * u64::from(channels.max(1));
        self.max_duration.min(Millis(self.max_decoded_bytes.saturating_mul(1_000) / a_second))
    }

    /// Bytes of scratch files needed for a recording: its samples, and voiceprint features of one channel at a time.
    pub(super) fn scratch_bytes(&self, source: &SourceInfo) -> u64 {
        let channels = u64::from(source.channels);
        let samples = source.duration.to_sample() as u64;
        if samples.saturating_mul(channels).saturating_mul(size_of::<f32>() as u64) <= self.max_memory_bytes as u64 {
            return 0;
        }
        samples.saturating_mul(channels * SAMPLE_BYTES as u64 + FEATURE_BYTES)
    }
}
