//! A signal of a recording, as the stages process it. Plain data.

use crate::audio::{Audio, channels};

/// A signal to process. `channel` is set when the recording's channels are processed separately.
pub(super) struct ChannelSignal {
    pub(super) channel: Option<u16>,
    pub(super) audio: Audio,
}

impl From<channels::Signal> for ChannelSignal {
    fn from(signal: channels::Signal) -> Self {
        // Channels with the same content count as the first of them.
        let channel = signal.channels.first().and_then(|channel| u16::try_from(*channel).ok());
        Self { channel, audio: signal.audio }
    }
}
