//! A signal to work on and where it comes from. Plain data.

use crate::audio::Audio;

/// A signal to work on, with the channels of the file it represents.
#[derive(Debug, Clone)]
pub struct Signal {
    /// The represented channels of the file, counted from 0; never empty.
    pub channels: Vec<usize>,
    /// The signal's samples at 16 kHz.
    pub audio: Audio,
}

impl Signal {
    /// The channel, if the signal represents only one.
    #[must_use]
    pub fn channel(&self) -> Option<usize> {
        match self.channels.as_slice() {
            [channel] => Some(*channel),
            _ => None,
        }
    }
}
