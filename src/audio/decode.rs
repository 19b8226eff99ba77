//! From a file of any kind to 16 kHz samples, one signal a channel.
//!
//! This module, with the files in `decode/`, is the only one that names symphonia. It takes files from strangers: nothing
//! a file says is believed without a bound, memory grows with nothing a file says or holds (long audio goes to scratch files), and no content of a file can make it panic or run for ever.
//!
//! [`probe`] is for the moment of the upload: it says what the recording is, refuses what cannot be annotated, and is quick,
//! because it decodes only the beginning. [`decode`] does the whole work.

mod au;
mod bytes;
mod codecs;
mod flac;
mod frames;
mod gsm;
mod itunes;
mod mp4;
mod mpeg;
mod open;
mod plausible;
mod proof;
mod sink;
mod sniff;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod trim;
mod wave;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use self::sink::{Finished, Sink};
use self::stream::{AudioStream, Layout};
use super::headerless::Headerless;
use super::spilled::SAMPLE_BYTES;
use super::time::Millis;
use super::{Audio, Recording, SAMPLE_RATE, SignalError, SourceInfo};
use crate::context::JobContext;
use crate::jobs::stage::Stage;
use crate::stop::Stopped;

/// Bytes of scratch files a sample for the frames that voices are known by: 80 bands every 10 ms, the most that any recipe has.
const FRAME_BYTES: u64 = 2;

/// What a recording may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Longer recordings are refused.
    pub max_duration: Millis,
    /// Recordings of more channels are refused.
    pub max_channels: u16,
    /// Bytes of the scratch files for the decoded samples of all channels together; a recording that needs more counts as
    /// too long.
    pub max_decoded_bytes: u64,
    /// Bytes of memory that the decoded samples of all channels together may take before they go to scratch files.
    pub most_in_memory: usize,
}

impl Default for DecodeLimits {
    /// Four hours, 16 channels, 2 GiB (four hours of four channels). 64 MiB of memory: 17 minutes of one channel, so that
    /// nearly all calls never touch the disk again.
    fn default() -> Self {
        Self { max_duration: Millis(4 * 3_600_000), max_channels: 16, max_decoded_bytes: 2 << 30, most_in_memory: 64 << 20 }
    }
}

impl DecodeLimits {
    /// The longest recording of so many channels.
    fn longest(&self, channels: u16) -> Millis {
        let a_second = u64::from(SAMPLE_RATE) * SAMPLE_BYTES as u64 * u64::from(channels.max(1));
        self.max_duration.min(Millis(self.max_decoded_bytes.saturating_mul(1_000) / a_second))
    }

    /// Bytes of scratch files that work on such a recording takes: its samples, and the frames of one channel's voices.
    fn scratch_bytes(&self, source: &SourceInfo) -> u64 {
        let channels = u64::from(source.channels);
        let samples = source.duration.to_sample() as u64;
        if samples.saturating_mul(channels).saturating_mul(size_of::<f32>() as u64) <= self.most_in_memory as u64 {
            return 0;
        }
        samples.saturating_mul(channels * SAMPLE_BYTES as u64 + FRAME_BYTES)
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
    /// The decoded samples could not be kept.
    #[error(transparent)]
    Signal(#[from] SignalError),
    /// The job was told to stop.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// Finds out what a recording is, and that it can be decoded.
///
/// Reads the file once from start to end at most, decodes the first half second, and takes little memory.
///
/// # Errors
/// Any of [`DecodeError`] but `Signal` and `Stopped`.
pub fn probe(path: &Path, limits: &DecodeLimits) -> Result<SourceInfo, DecodeError> {
    probe_as(path, None, limits)
}

/// The same for a file of which somebody says what it is when it has no header; that is believed where it can be true.
///
/// # Errors
/// Any of [`DecodeError`] but `Stopped`.
pub fn probe_as(path: &Path, said: Option<Headerless>, limits: &DecodeLimits) -> Result<SourceInfo, DecodeError> {
    guarded(|| {
        let mut stream = AudioStream::open(path, said, limits)?;
        let layout = proof::prove(&mut stream)?;
        let limit = limits.longest(layout.0.channels);
        let seconds = match stream.exact_frames {
            Some(frames) => frames as f64 / f64::from(layout.0.rate),
            None => proof::scan(&mut stream, layout.1, limit)?,
        };
        let duration = Millis::from_seconds(seconds);
        if duration > limit {
            return Err(DecodeError::TooLong { limit });
        }
        // Less than half a sample at 16 kHz leaves nothing to work on.
        if seconds * f64::from(SAMPLE_RATE) < 0.5 {
            return Err(DecodeError::Empty);
        }
        // Less than half a millisecond is still something.
        Ok(describe(&stream, layout.0, duration.max(Millis(1))))
    })
}

/// Whether what a recording needs beside memory fits on the disk: better known before it is decoded than after hours of it.
///
/// # Errors
/// [`SignalError::NoRoom`] when it does not.
pub fn check_room(source: &SourceInfo, limits: &DecodeLimits, ctx: &JobContext) -> Result<(), SignalError> {
    let needed = limits.scratch_bytes(source);
    if needed == 0 || ctx.scratch().has_room(needed) { Ok(()) } else { Err(SignalError::NoRoom) }
}

/// Decodes a whole recording to 16 kHz, one signal a channel. A file that was cut off gives what is there.
///
/// # Errors
/// Any of [`DecodeError`].
pub fn decode(path: &Path, limits: &DecodeLimits, ctx: &JobContext) -> Result<Recording, DecodeError> {
    decode_as(path, None, limits, ctx)
}

/// The same for a file of which somebody says what it is when it has no header.
///
/// # Errors
/// Any of [`DecodeError`].
pub fn decode_as(
    path: &Path,
    said: Option<Headerless>,
    limits: &DecodeLimits,
    ctx: &JobContext,
) -> Result<Recording, DecodeError> {
    guarded(|| {
        ctx.check()?;
        let mut stream = AudioStream::open(path, said, limits)?;
        let mut sink: Option<Sink> = None;
        let mut reported = None;
        let total = usize::try_from(stream.total_bytes).unwrap_or(usize::MAX);
        while let Some(packet) = stream.next_packet()? {
            ctx.check()?;
            if let Some((layout, planes)) = stream.decode(packet)? {
                let sink = match &mut sink {
                    Some(sink) => sink,
                    none => none.insert(Sink::new(layout, limits, ctx.scratch())?),
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
        let Finished { first, channels, levels } = sink.finish()?;
        let duration = channels.first().map_or(Millis::ZERO, Audio::duration);
        if channels.iter().all(Audio::is_empty) {
            return Err(DecodeError::Empty);
        }
        if duration > limit {
            return Err(DecodeError::TooLong { limit });
        }
        let source = describe(&stream, first, duration.max(Millis(1)));
        Ok(Recording { source, channels, levels, damaged_packets: stream.damaged_packets })
    })
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
