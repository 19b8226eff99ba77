//! From a file of any kind to 16 kHz samples, one signal a channel.
//!
//! This module, with the files in `decode/`, is the only one that names symphonia. It takes files from strangers: nothing
//! a file says is believed without a bound, memory grows with the length of the decoded audio (which is limited) and with
//! nothing else, and no content of a file can make it panic or run for ever.
//!
//! [`probe`] is for the moment of the upload: it says what the recording is, refuses what cannot be annotated, and is quick,
//! because it decodes only the beginning. [`decode`] does the whole work.

mod codecs;
mod mp4;
mod mpeg;
mod open;
mod sniff;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod trim;
mod wave;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use self::stream::{AudioStream, Layout};
use super::resample::Resampler;
use super::time::Millis;
use super::{Audio, Recording, SAMPLE_RATE, SourceInfo};
use crate::context::JobContext;
use crate::jobs::stage::Stage;
use crate::stop::Stopped;

/// What a recording may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Longer recordings are refused.
    pub max_duration: Millis,
    /// Recordings of more channels are refused.
    pub max_channels: u16,
    /// Memory for the decoded samples of all channels together; a recording that needs more counts as too long.
    pub max_decoded_bytes: u64,
}

impl Default for DecodeLimits {
    /// Four hours, 16 channels, 2 GiB.
    fn default() -> Self {
        Self { max_duration: Millis(4 * 3_600_000), max_channels: 16, max_decoded_bytes: 2 << 30 }
    }
}

impl DecodeLimits {
    /// The longest recording of so many channels.
    fn longest(&self, channels: u16) -> Millis {
        let a_second = u64::from(SAMPLE_RATE) * size_of::<f32>() as u64 * u64::from(channels.max(1));
        self.max_duration.min(Millis(self.max_decoded_bytes.saturating_mul(1_000) / a_second))
    }
}

/// Why a recording cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Send it in another format.
    #[error("recordings of the kind `{format}` are not supported")]
    Unsupported {
        /// The container or codec, `unknown` when not even that is known.
        format: String,
    },
    /// The file is broken, or is not what it claims to be.
    #[error("the recording cannot be decoded: {reason}")]
    Invalid {
        /// What is wrong with it, for the developer.
        reason: String,
    },
    /// Send it in parts.
    #[error("the recording is longer than {} seconds", limit.as_seconds())]
    TooLong {
        /// The longest that is taken of as many channels.
        limit: Millis,
    },
    /// There is no sample in it.
    #[error("the recording holds no audio")]
    Empty,
    /// The file could not be read.
    #[error("could not read the recording")]
    Read(#[source] std::io::Error),
    /// The job was told to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// How much is decoded of a recording to believe it, in seconds, and in how many packets that must succeed.
const PROOF: (f64, u32) = (0.5, 256);

/// Finds out what a recording is, and that it can be decoded.
///
/// Reads the file once from start to end at most, decodes the first half second, and takes little memory.
///
/// # Errors
/// Any of [`DecodeError`] but `Stopped`.
pub fn probe(path: &Path, limits: &DecodeLimits) -> Result<SourceInfo, DecodeError> {
    guarded(|| {
        let mut stream = AudioStream::open(path, limits)?;
        let layout = prove(&mut stream)?;
        let limit = limits.longest(layout.0.channels);
        let seconds = match stream.exact_frames {
            Some(frames) => frames as f64 / f64::from(layout.0.rate),
            None => scan(&mut stream, layout.1, limit)?,
        };
        let duration = Millis::from_seconds(seconds);
        if duration > limit {
            return Err(DecodeError::TooLong { limit });
        }
        if seconds <= 0.0 {
            return Err(DecodeError::Empty);
        }
        // Less than half a millisecond is still something.
        Ok(describe(&stream, layout.0, duration.max(Millis(1))))
    })
}

/// How far a probe has come.
#[derive(Default)]
struct Scanned {
    /// Sum of the lengths of the packets, in seconds.
    sum: f64,
    /// Start of the first packet and end of the last, by their own account.
    span: Option<(f64, f64)>,
    /// Length of the last packet that was decoded; stands in where packets do not tell theirs.
    usual: f64,
    /// Whether some packet did not tell its length.
    guessed: bool,
}

impl Scanned {
    fn add(&mut self, stream: &AudioStream, packet: &symphonia::core::packet::Packet) {
        let told = stream.seconds(packet);
        self.guessed |= told.is_none();
        let length = told.unwrap_or(self.usual);
        self.sum += length;
        let begin = stream.begins_at(packet);
        let (first, _) = *self.span.get_or_insert((begin, begin));
        self.span = Some((first, begin + length));
    }

    /// The length of what was seen; where packets did not tell theirs, their times are the better witness.
    fn seconds(&self) -> f64 {
        let span = self.span.map_or(0.0, |(first, last)| last - first);
        if self.guessed && span > 0.0 { span } else { self.sum }
    }
}

/// Decodes the beginning. An error when nothing there can be decoded.
fn prove(stream: &mut AudioStream) -> Result<(Layout, Scanned), DecodeError> {
    let (mut scanned, mut decoded) = (Scanned::default(), 0.0);
    let (wanted, most_packets) = PROOF;
    let mut packets = 0;
    while decoded < wanted && packets < most_packets {
        let Some(packet) = stream.next_packet()? else { break };
        packets += 1;
        let outline = packet.clone();
        let damaged = stream.damaged_packets;
        if let Some((layout, planes)) = stream.decode(packet)? {
            let frames = planes.first().map_or(0, Vec::len);
            let length = frames as f64 / f64::from(layout.rate);
            if stream.damaged_packets == damaged {
                decoded += length;
                if length > 0.0 {
                    scanned.usual = length;
                }
            }
        }
        scanned.add(stream, &outline);
    }
    match stream.layout() {
        Some(layout) => Ok((layout, scanned)),
        None if packets == 0 && stream.damaged_packets == 0 => Err(DecodeError::Empty),
        None => Err(DecodeError::Invalid { reason: "none of its audio can be decoded".to_owned() }),
    }
}

/// Goes through the rest of the packets without decoding them, and gives the length of the whole in seconds.
fn scan(stream: &mut AudioStream, mut scanned: Scanned, limit: Millis) -> Result<f64, DecodeError> {
    let (skip, keep) = stream.trim_seconds();
    let heard = |scanned: &Scanned| {
        let rest = (scanned.seconds() - skip).max(0.0);
        keep.map_or(rest, |keep| keep.min(rest))
    };
    while let Some(packet) = stream.next_packet()? {
        scanned.add(stream, &packet);
        if heard(&scanned) > limit.as_seconds() {
            return Err(DecodeError::TooLong { limit });
        }
    }
    Ok(heard(&scanned))
}

/// Decodes a whole recording to 16 kHz, one signal a channel. A file that was cut off gives what is there.
///
/// # Errors
/// Any of [`DecodeError`].
pub fn decode(path: &Path, limits: &DecodeLimits, ctx: &JobContext) -> Result<Recording, DecodeError> {
    guarded(|| {
        ctx.check()?;
        let mut stream = AudioStream::open(path, limits)?;
        let mut sink: Option<Sink> = None;
        let mut reported = None;
        let total = usize::try_from(stream.total_bytes).unwrap_or(usize::MAX);
        while let Some(packet) = stream.next_packet()? {
            ctx.check()?;
            if let Some((layout, planes)) = stream.decode(packet)? {
                let sink = match &mut sink {
                    Some(sink) => sink,
                    none => none.insert(Sink::new(layout)?),
                };
                sink.push(layout, planes)?;
                let limit = limits.longest(sink.first.channels);
                if Millis::from_sample(sink.ready()) > limit {
                    return Err(DecodeError::TooLong { limit });
                }
            }
            let percent = stream.bytes_read().saturating_mul(100) / stream.total_bytes.max(1);
            if reported != Some(percent) {
                reported = Some(percent);
                ctx.report_part(Stage::Preprocessing, stream.bytes_read() as usize, total);
            }
        }
        let Some(sink) = sink else {
            return Err(match stream.damaged_packets {
                0 => DecodeError::Empty,
                _ => DecodeError::Invalid { reason: "none of its audio can be decoded".to_owned() },
            });
        };
        let limit = limits.longest(sink.first.channels);
        let (first, channels) = sink.finish();
        let duration = channels.first().map_or(Millis::ZERO, Audio::duration);
        if channels.iter().all(|channel| channel.samples().is_empty()) {
            return Err(DecodeError::Empty);
        }
        if duration > limit {
            return Err(DecodeError::TooLong { limit });
        }
        let source = describe(&stream, first, duration.max(Millis(1)));
        Ok(Recording { source, channels, damaged_packets: stream.damaged_packets })
    })
}

/// The channels on their way to 16 kHz.
struct Sink {
    /// What the first piece was; it decides how many channels the recording has.
    first: Layout,
    rate: u32,
    running: Vec<Resampler>,
    /// What was decoded at an earlier rate, when the rate changed on the way.
    done: Vec<Vec<f32>>,
}

impl Sink {
    fn new(layout: Layout) -> Result<Self, DecodeError> {
        let done = vec![Vec::new(); usize::from(layout.channels)];
        Ok(Self { first: layout, rate: layout.rate, running: resamplers(layout)?, done })
    }

    fn push(&mut self, layout: Layout, planes: &[Vec<f32>]) -> Result<(), DecodeError> {
        if layout.rate != self.rate {
            let next = resamplers(Layout { rate: layout.rate, channels: self.first.channels })?;
            let ended = std::mem::replace(&mut self.running, next);
            self.done.iter_mut().zip(ended).for_each(|(done, ended)| done.extend(ended.finish()));
            self.rate = layout.rate;
        }
        // Where a joined recording goes on with fewer channels, the last one stands for the missing; additional ones have
        // no counterpart in the beginning and are left out.
        for (index, resampler) in self.running.iter_mut().enumerate() {
            if let Some(plane) = planes.get(index).or(planes.last()) {
                resampler.push(plane);
            }
        }
        Ok(())
    }

    fn ready(&self) -> usize {
        self.done.first().map_or(0, Vec::len) + self.running.first().map_or(0, Resampler::ready)
    }

    fn finish(self) -> (Layout, Vec<Audio>) {
        let channels = self.done.into_iter().zip(self.running).map(|(mut done, running)| {
            let rest = running.finish();
            if done.is_empty() {
                return Audio::new(rest);
            }
            done.extend(rest);
            Audio::new(done)
        });
        (self.first, channels.collect())
    }
}

fn resamplers(layout: Layout) -> Result<Vec<Resampler>, DecodeError> {
    (0..layout.channels)
        .map(|_| Resampler::new(layout.rate))
        .collect::<Result<_, _>>()
        .map_err(|error| DecodeError::Invalid { reason: error.to_string() })
}

fn describe(stream: &AudioStream, layout: Layout, duration: Millis) -> SourceInfo {
    SourceInfo {
        format: stream.format,
        codec: stream.codec.to_owned(),
        sample_rate: layout.rate,
        channels: layout.channels,
        duration,
    }
}

/// Runs work on a file that may make a demuxer panic; such a file is broken, and nothing of the demuxer is used again.
fn guarded<T>(work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_panic| Err(DecodeError::Invalid { reason: "its structure makes no sense".to_owned() }))
}
