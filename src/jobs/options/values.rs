//! The types of option values that are more than a number or a text.

use serde::{Deserialize, Serialize};
use strum::{EnumString, VariantNames};

/// Bounds of the number of speakers: `1 <= min <= max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeakerRange {
    pub min: usize,
    pub max: usize,
}

/// How the channels of a recording are processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, EnumString, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ChannelMode {
    /// Decided from the signals.
    #[default]
    Auto,
    /// One signal, mixed from all channels.
    Mix,
    /// Each channel is a signal of its own.
    Split,
}

/// Whether a text has the form of an ISO 639-1 code, or of Whisper's few longer ones, such as `haw` and `yue`.
pub fn is_language_code(text: &str) -> bool {
    (2..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase())
}
