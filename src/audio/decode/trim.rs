//! Removes encoder delay and padding, so that times are correct.
//!
//! Every frame-based encoder begins with some silence and pads its last frame; the container states how much. Demuxers
//! report that in four different ways, some of them estimates, so for the codecs where it matters samples are counted
//! here, across packets. Pure bookkeeping.

use symphonia::core::codecs::audio::AudioCodecParameters;
use symphonia::core::codecs::audio::well_known as id;
use symphonia::core::formats::Track;
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;

use super::open::{Container, Opened};
use super::{codecs, mp4};

/// More samples than any MPEG encoder pads at the end.
const MPEG_PADDING: u64 = 3 * 1_152;

/// The trimming of a stream and its progress.
#[derive(Debug, Clone)]
pub(super) struct Trim {
    kind: Kind,
    skip: Ticks,
    keep: Option<Ticks>,
    skipped: u64,
    kept: u64,
}

/// A count and its unit per second; without a rate, samples at the decoded rate.
type Ticks = (u64, Option<u32>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The demuxer marks packets and the decoder trims them.
    Packets,
    /// MPEG: marks are partly estimates, so everything is counted here.
    Mpeg,
    /// Opus: the start is counted here, the end is marked.
    Opus,
    /// Nothing is marked, so everything is counted here.
    Counted,
}

impl Trim {
    pub(super) fn new(track: &Track, parameters: &AudioCodecParameters, opened: &Opened) -> Self {
        let delay = (u64::from(track.delay.unwrap_or(0)), None);
        let keep = |frames: Option<u64>| frames.map(|frames| (frames, None));
        let edit = opened.edit(track.id);
        let (kind, skip, keep) = match parameters.codec {
            _ if edit.is_some() => {
                let edit = edit.map(|edit| (edit.skip, edit.keep));
                let (skip, kept) = edit.unwrap_or(((0, 1), (0, 1)));
                (Kind::Counted, (skip.0, Some(skip.1)), Some((kept.0, Some(kept.1))).filter(|kept| kept.0 > 0))
            }
            // Without padding in the LAME tag the length is estimated from the bit rate, and trimming by it would lose
            // speech.
            id::CODEC_ID_MP1 | id::CODEC_ID_MP2 | id::CODEC_ID_MP3 => {
                (Kind::Mpeg, delay, keep(track.num_frames.filter(|_| track.padding.is_some())))
            }
            id::CODEC_ID_OPUS => (Kind::Opus, (codecs::opus_delay(parameters).unwrap_or(0), Some(48_000)), None),
            _ if opened.exact_frames.is_some() => (Kind::Counted, (0, None), keep(opened.exact_frames)),
            _ if opened.container == Container::Caf => {
                (Kind::Counted, delay, keep(track.num_frames.filter(|&frames| frames > 0)))
            }
            _ => (Kind::Packets, (0, None), None),
        };
        Self { kind, skip, keep, skipped: 0, kept: 0 }
    }

    /// Restarts for the next stream of a chained file.
    pub(super) fn restart(&mut self, parameters: &AudioCodecParameters) {
        if let Some(delay) = codecs::opus_delay(parameters) {
            self.kind = Kind::Opus;
            self.skip = (delay, Some(48_000));
        }
        self.keep = None;
        self.skipped = 0;
    }

    pub(super) fn is_mpeg(&self) -> bool {
        self.kind == Kind::Mpeg
    }

    /// Clears a packet's marks that are replaced by counting.
    pub(super) fn take_over(&self, mut packet: Packet) -> Packet {
        match self.kind {
            Kind::Packets => {}
            Kind::Opus => packet.trim_start = Duration::ZERO,
            Kind::Mpeg | Kind::Counted => (packet.trim_start, packet.trim_end) = (Duration::ZERO, Duration::ZERO),
        }
        packet
    }

    /// Trims a decoded piece, all channels alike.
    pub(super) fn apply(&mut self, rate: u32, planes: &mut [Vec<f32>]) {
        let length = planes.iter().map(Vec::len).min().unwrap_or(0) as u64;
        let front = samples(self.skip, rate).saturating_sub(self.skipped).min(length);
        self.skipped += front;
        let room = self.keep.map_or(u64::MAX, |keep| samples(keep, rate).saturating_sub(self.kept));
        let count = self.tolerated(rate, length - front, room);
        self.kept += length - front;
        for plane in planes {
            plane.truncate((front + count) as usize);
            plane.drain(..front as usize);
        }
    }

    /// How many of the next `length` samples are kept if `room` samples remain. Audio that continues for longer than
    /// any padding past the stated end is kept: the file was joined from several, and the header describes only the
    /// first.
    fn tolerated(&self, rate: u32, length: u64, room: u64) -> u64 {
        let overshoot = self.keep.map_or(0, |keep| self.kept.saturating_sub(samples(keep, rate)));
        if self.kind == Kind::Mpeg && overshoot > MPEG_PADDING { length } else { length.min(room) }
    }

    /// Total duration after trimming, if `seconds` more of the stream follow `before` seconds of trimmed audio.
    pub(super) fn played_seconds(&self, before: f64, seconds: f64, rate: u32) -> f64 {
        let left = samples(self.skip, rate).saturating_sub(self.skipped);
        let rate_hz = f64::from(rate.max(1));
        let all = before + (seconds - left as f64 / rate_hz).max(0.0);
        let Some(keep) = self.keep.map(|keep| samples(keep, rate) as f64 / rate_hz) else { return all };
        let padding = MPEG_PADDING as f64 / rate_hz;
        if self.kind == Kind::Mpeg && all > keep + padding { all - padding } else { all.min(keep) }
    }
}

fn samples((count, own): Ticks, rate: u32) -> u64 {
    own.map_or(count, |own| mp4::samples((count, own), rate))
}
