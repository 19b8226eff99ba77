//! A demuxer for audio that consists only of frames of one size: headerless samples, samples behind a header that was
//! parsed already, and GSM frames.
//!
//! The frame format is given by the caller; the bytes are not inspected. A partial frame at the end is dropped.

use std::io::Read;

use symphonia::core::audio::{Channels, layouts};
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters};
use symphonia::core::common::FourCc;
use symphonia::core::errors::{Result, SeekErrorKind, seek_error};
use symphonia::core::formats::{FormatId, FormatInfo, FormatReader, MediaInfo, SeekMode, SeekTo, SeekedTo, Track};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::{Metadata, MetadataLog};
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;

/// The format of fixed-size frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameShape {
    pub(super) codec: AudioCodecId,
    /// Sample rate in Hz.
    pub(super) rate: u32,
    pub(super) channels: u16,
    /// Bytes per frame; never zero.
    pub(super) bytes: u32,
    /// Samples per channel and frame.
    pub(super) samples: u32,
    /// Number of frames per packet.
    pub(super) at_once: u32,
}

impl FrameShape {
    /// The format of PCM with `bytes` bytes per sample; a frame is one sample of every channel.
    pub(super) fn of_samples(codec: AudioCodecId, rate: u32, channels: u16, bytes: u32) -> Self {
        let bytes = (bytes * u32::from(channels)).max(1);
        // Half a second of a telephone call; bounds the memory for recordings with many channels.
        Self { codec, rate, channels, bytes, samples: 1, at_once: (4_096 / bytes).max(1) }
    }
}

static INFO: FormatInfo =
    FormatInfo { format: FormatId::new(FourCc::new(*b"fram")), short_name: "frames", long_name: "Frames of one size" };

/// Demuxer for frames of one size.
pub(super) struct FixedFrames {
    stream: MediaSourceStream<'static>,
    shape: FrameShape,
    tracks: [Track; 1],
    media: MediaInfo,
    metadata: MetadataLog,
    /// Samples per channel delivered so far.
    delivered: u64,
}

impl FixedFrames {
    pub(super) fn new(stream: MediaSourceStream<'static>, shape: FrameShape) -> Self {
        let mut parameters = AudioCodecParameters::new();
        parameters.for_codec(shape.codec).with_sample_rate(shape.rate).with_channels(match shape.channels {
            1 => layouts::CHANNEL_LAYOUT_MONO,
            2 => layouts::CHANNEL_LAYOUT_STEREO,
            more => Channels::Discrete(more),
        });
        let mut track = Track::new(0);
        track.with_codec_params(CodecParameters::Audio(parameters));
        let tracks = [track];
        let media = MediaInfo::from_tracks(&tracks);
        Self { stream, shape, tracks, media, metadata: MetadataLog::default(), delivered: 0 }
    }
}

impl FormatReader for FixedFrames {
    fn format_info(&self) -> &FormatInfo {
        &INFO
    }

    fn media_info(&self) -> &MediaInfo {
        &self.media
    }

    fn metadata(&mut self) -> Metadata<'_> {
        self.metadata.metadata()
    }

    fn seek(&mut self, _mode: SeekMode, _to: SeekTo) -> Result<SeekedTo> {
        // Recordings are read from start to end.
        seek_error(SeekErrorKind::Unseekable)
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn next_packet(&mut self) -> Result<Option<Packet>> {
        let wanted = u64::from(self.shape.bytes) * u64::from(self.shape.at_once);
        let mut bytes = Vec::with_capacity(wanted as usize);
        self.stream.by_ref().take(wanted).read_to_end(&mut bytes)?;
        let frames = bytes.len() / self.shape.bytes as usize;
        if frames == 0 {
            return Ok(None);
        }
        bytes.truncate(frames * self.shape.bytes as usize);
        let samples = frames as u64 * u64::from(self.shape.samples);
        let begins = i64::try_from(self.delivered).unwrap_or(i64::MAX);
        self.delivered += samples;
        Ok(Some(Packet::new(0, begins.into(), Duration::from(samples), bytes)))
    }

    fn into_inner<'s>(self: Box<Self>) -> MediaSourceStream<'s>
    where
        Self: 's,
    {
        self.stream
    }
}
