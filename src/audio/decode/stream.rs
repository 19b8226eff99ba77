//! A recording as a sequence of decoded pieces.
//!
//! Owns the demuxer and the decoder of one audio track, and contains their failures: damaged packets become silence of
//! the same duration (so that later times stay correct), a decoder that panics is replaced, and a file that never ends
//! is cut off. Knows nothing about 16 kHz, duration limits or jobs.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, CODEC_ID_NULL_AUDIO};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatReader, Track};
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, TimeBase};

use super::allowance::MAX_PACKET;
use super::open::{self, Knowledge, Opened};
use super::read_meter::ReadMeter;
use super::trim::Trim;
use super::{DecodeError, DecodeLimits, codecs, mpeg};
use crate::audio::resample;
use crate::media::{Format, Headerless};

/// Accepted sample rates in Hz.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

/// Maximum samples of all channels in the blocks that are resampled, for which 32 MiB are needed. A recording at an odd rate above
/// 160 kHz has more on two channels, one at a usual rate never.
const MAX_BLOCKS: usize = 640 << 10;

/// Consecutive demuxer errors after which the rest of the file is abandoned.
const DEMUXER_ERRORS: u32 = 16;

/// Consecutive undecodable packets after which the decoder is replaced: it may be bound to a rate or channel layout
/// that the stream no longer has. If the new one cannot decode them either, it is replaced after twice as many.
const FAILURES_BEFORE_NEW_DECODER: u32 = 2;

/// How often the decoder is replaced; recordings are joined from a few parts, and each decoder costs time and leaves gaps in memory.
const NEW_DECODERS: u32 = 256;

/// Sample rate and channels of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) rate: u32,
    pub(super) channels: u16,
}

/// A decoded piece: its layout and one run of samples per channel.
pub(super) type Piece<'a> = (Layout, &'a [Vec<f32>]);

/// The decoded audio of one file.
pub(super) struct AudioStream {
    demuxer: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    parameters: AudioCodecParameters,
    time_base: Option<TimeBase>,
    trim: Trim,
    max_channels: u16,
    layout: Option<Layout>,
    planes: Vec<Vec<f32>>,
    failures: u32,
    /// How often the decoder may still be replaced.
    new_decoders_left: u32,
    /// True if the decoder panicked and was not replaced.
    is_lost: bool,
    packets_left: u64,
    meter: ReadMeter,
    packet_allowance: u64,
    /// Published name of the container.
    pub(super) format: Format,
    /// How the samples are read, if the file has no header.
    pub(super) headerless: Option<Headerless>,
    pub(super) codec: &'static str,
    /// Samples per channel, if the header states them and the file is long enough.
    pub(super) exact_frames: Option<u64>,
    pub(super) total_bytes: u64,
    pub(super) damaged_packets: u64,
}

impl AudioStream {
    /// Opens a file and selects its first audio track that can be decoded. A declaration is used if the file has no header and
    /// its content is compatible.
    pub(super) fn open(file: File, knowledge: Knowledge<'_>, limits: &DecodeLimits) -> Result<Self, DecodeError> {
        let opened = open::open(file, knowledge)?;
        let (track, parameters, decoder) = select(&opened)?;
        let codec = codecs::name(parameters.codec).unwrap_or("unknown");
        let (time_base, track_id) = (track.time_base, track.id);
        let trim = Trim::new(track, &parameters, &opened);
        Ok(Self {
            track: track_id,
            decoder,
            time_base,
            trim,
            parameters,
            max_channels: limits.max_channels,
            layout: None,
            planes: Vec::new(),
            failures: 0,
            new_decoders_left: NEW_DECODERS,
            is_lost: false,
            // Every packet takes at least one byte of the file, so more packets than bytes are a loop.
            packets_left: opened.total_bytes.saturating_add(1_000),
            meter: opened.meter,
            packet_allowance: opened.packet_allowance,
            format: opened.container.format(codec),
            headerless: opened.headerless,
            codec,
            exact_frames: opened.exact_frames,
            total_bytes: opened.total_bytes,
            damaged_packets: 0,
            demuxer: opened.demuxer,
        })
    }

    /// Bytes of the file read so far, out of [`Self::total_bytes`].
    pub(super) fn bytes_read(&self) -> u64 {
        self.meter.bytes()
    }

    /// Rate and channels; `None` before anything was decoded.
    pub(super) fn layout(&self) -> Option<Layout> {
        self.layout
    }

    /// The next packet of the track; `None` at the end or where the rest is unreadable.
    pub(super) fn next_packet(&mut self) -> Result<Option<Packet>, DecodeError> {
        let mut errors = 0;
        while self.packets_left > 0 {
            self.packets_left -= 1;
            self.meter.allow(self.packet_allowance);
            let next = self.demuxer.next_packet();
            if self.meter.exceeded() {
                return Err(DecodeError::too_large());
            }
            match next {
                Ok(None) => return Ok(None),
                Ok(Some(packet)) if packet.track_id == self.track && packet.data.len() > MAX_PACKET => {
                    return Err(DecodeError::too_large());
                }
                Ok(Some(packet)) if packet.track_id == self.track => return Ok(Some(packet)),
                Ok(Some(_)) => errors = 0,
                Err(Error::ResetRequired) => self.follow_chain()?,
                Err(Error::IoError(error)) if open::is_end_or_nonsense(&error) => return Ok(None),
                Err(Error::IoError(error)) => return Err(DecodeError::Read(error)),
                Err(_) => {
                    errors += 1;
                    self.damaged_packets += 1;
                    if errors >= DEMUXER_ERRORS {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(None)
    }

    /// Continues with the next stream of a chained file (recordings joined end to end).
    fn follow_chain(&mut self) -> Result<(), DecodeError> {
        // The demuxer would keep the metadata of all of them.
        while self.demuxer.metadata().pop().is_some() {}
        let found = self.demuxer.tracks().iter().find_map(|track| {
            let parameters = track.codec_params.as_ref()?.audio()?.clone();
            let decoder = codecs::decoder(&parameters).ok()?;
            Some((track.id, track.time_base, parameters, decoder))
        });
        let Some((track, time_base, parameters, decoder)) = found else {
            return Err(DecodeError::Invalid { reason: "the recording goes on in a codec that is not supported".to_owned() });
        };
        self.trim.restart(&parameters);
        (self.track, self.time_base, self.parameters, self.decoder) = (track, time_base, parameters, decoder);
        self.is_lost = false;
        Ok(())
    }

    /// Stated duration of a packet in seconds, without decoding it; `None` if unknown.
    pub(super) fn seconds(&self, packet: &Packet) -> Option<f64> {
        if self.trim.is_mpeg() {
            let rate = self.layout.map(|layout| layout.rate).or(self.parameters.sample_rate)?;
            return mpeg::samples_in(&packet.data).map(|samples| samples as f64 / f64::from(rate));
        }
        Some(self.in_seconds(packet.dur)).filter(|&seconds| seconds > 0.0)
    }

    /// Timestamp of the start of a packet, in seconds.
    pub(super) fn begins_at(&self, packet: &Packet) -> f64 {
        self.time_base.map_or(0.0, |base| packet.pts.get() as f64 * f64::from(base.numer.get()) / f64::from(base.denom.get()))
    }

    fn in_seconds(&self, duration: Duration) -> f64 {
        self.time_base.map_or(0.0, |base| duration.get() as f64 * f64::from(base.numer.get()) / f64::from(base.denom.get()))
    }

    /// Total duration after trimming, if `seconds` more of packets follow `before` seconds of trimmed audio.
    pub(super) fn played_seconds(&self, before: f64, seconds: f64) -> f64 {
        self.trim.played_seconds(before, seconds, self.layout.map_or(1, |layout| layout.rate))
    }

    /// Decodes a packet and returns its trimmed samples, which may be empty. `Ok(None)` if the packet is damaged and
    /// nothing was decoded before.
    pub(super) fn decode(&mut self, packet: Packet) -> Result<Option<Piece<'_>>, DecodeError> {
        let length = self.seconds(&packet);
        let packet = self.trim.take_over(packet);
        let mut found = self.decode_once(&packet);
        if found.is_none() {
            self.failures = self.failures.saturating_add(1);
            if self.failures >= FAILURES_BEFORE_NEW_DECODER && self.failures.is_power_of_two() && self.renew() {
                found = self.decode_once(&packet);
            }
        }
        if let Some(layout) = found {
            self.failures = 0;
            self.accept(layout)?;
        } else {
            self.damaged_packets += 1;
            let Some(layout) = self.layout else { return Ok(None) };
            // Packets last a fraction of a second; longer durations are not credible.
            let silence = (length.unwrap_or(0.0).clamp(0.0, 1.0) * f64::from(layout.rate)) as usize;
            for plane in &mut self.planes {
                plane.clear();
                plane.resize(silence, 0.0);
            }
        }
        let Some(layout) = self.layout else { return Ok(None) };
        self.trim.apply(layout.rate, &mut self.planes);
        Ok(Some((layout, &self.planes)))
    }

    fn accept(&mut self, layout: Layout) -> Result<(), DecodeError> {
        let block = resample::block_length(layout.rate).unwrap_or(usize::MAX);
        if !RATES.contains(&layout.rate) || block.saturating_mul(layout.channels.into()) > MAX_BLOCKS {
            let Layout { rate, channels } = layout;
            return Err(DecodeError::Invalid {
                reason: format!("a sample rate of {rate} Hz on {channels} channels is not believable"),
            });
        }
        if layout.channels == 0 || layout.channels > self.max_channels {
            let (found, allowed) = (layout.channels, self.max_channels);
            return Err(DecodeError::Invalid { reason: format!("it has {found} channels, 1 to {allowed} are allowed") });
        }
        self.layout = Some(layout);
        Ok(())
    }

    /// Decodes into `planes`; `None` if that fails.
    fn decode_once(&mut self, packet: &Packet) -> Option<Layout> {
        if self.is_lost {
            return None;
        }
        let (decoder, planes) = (&mut self.decoder, &mut self.planes);
        // A panic leaves the decoder in an unknown state; it is replaced without being used again.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let buffer = decoder.decode(packet).ok()?;
            let layout = Layout {
                rate: buffer.spec().rate(),
                channels: u16::try_from(buffer.spec().channels().count()).unwrap_or(u16::MAX),
            };
            buffer.copy_to_vecs_planar(planes);
            Some(layout)
        }));
        outcome.unwrap_or_else(|_panic| {
            self.is_lost = !self.renew();
            None
        })
    }

    /// Replaces the decoder; false if that fails, or was done too often.
    fn renew(&mut self) -> bool {
        let Some(left) = self.new_decoders_left.checked_sub(1) else { return false };
        self.new_decoders_left = left;
        codecs::decoder(&self.parameters).map(|decoder| self.decoder = decoder).is_ok()
    }
}

/// The first audio track that can be decoded; otherwise an error that names the unsupported codec.
fn select(opened: &Opened) -> Result<(&Track, AudioCodecParameters, Box<dyn AudioDecoder>), DecodeError> {
    let mut unsupported = opened.unsupported_codec();
    let mut broken = None;
    for track in opened.demuxer.tracks() {
        let Some(parameters) = track.codec_params.as_ref().and_then(|parameters| parameters.audio()) else { continue };
        match codecs::decoder(parameters) {
            Ok(decoder) => return Ok((track, parameters.clone(), decoder)),
            Err(Error::Unsupported(_)) if parameters.codec != CODEC_ID_NULL_AUDIO => {
                let name = codecs::name(parameters.codec).map(str::to_owned);
                unsupported = name.or(unsupported).or_else(|| Some("unknown codec".to_owned()));
            }
            Err(Error::Unsupported(_)) => unsupported = unsupported.or_else(|| Some("unknown codec".to_owned())),
            Err(error) => broken = Some(error.to_string()),
        }
    }
    Err(match (unsupported, broken) {
        (_, Some(reason)) => DecodeError::Invalid { reason },
        (Some(format), None) => DecodeError::Unsupported { format },
        (None, None) => DecodeError::Invalid { reason: "it has no audio track".to_owned() },
    })
}
