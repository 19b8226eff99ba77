//! Decodes files of any supported format to 16 kHz samples, one signal per channel.
//!
//! This module, with the files in `decode/`, is the only one that names symphonia. Its input is untrusted: values in a
//! file are bounded before they are used, memory does not grow with a file's claims, its metadata or its length (long audio
//! goes to scratch files), and no content can cause a panic or an endless loop.
//!
//! [`probe()`] runs during the upload: it identifies the recording, refuses what cannot be annotated, and is fast because
//! it decodes only the beginning. [`decode`] does the full work.

mod aiff;
mod allowance;
mod au;
mod bytes;
mod caf;
mod channel_outputs;
mod codecs;
mod error;
mod file_section;
mod fixed_frames;
mod flac;
mod gsm;
mod limits;
mod matroska;
mod mp4;
mod mpeg;
mod ogg;
mod open;
mod plausible;
mod probe;
mod read_meter;
mod sniff;
mod stream;
#[cfg(test)]
mod tests;
mod trim;
mod vorbis;
mod wave;

use std::fs::File;
use std::io::Seek;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

pub use self::error::DecodeError;
pub use self::limits::DecodeLimits;

use self::channel_outputs::{ChannelOutputs, DecodedChannels};
use self::open::Knowledge;
use self::stream::{AudioStream, Layout};
use super::time::Millis;
use super::{Audio, Recording, SAMPLE_RATE, SignalError};
use crate::context::JobContext;
use crate::jobs::stage::Stage;
use crate::media::{Headerless, SourceInfo};
use crate::plain_file;

/// Identifies a recording and checks that it can be decoded.
///
/// Reads the file at most once, decodes the first half second, and needs little memory.
///
/// # Errors
/// Any of [`DecodeError`] except `Signal` and `Stopped`.
pub fn probe(path: &Path, limits: &DecodeLimits) -> Result<SourceInfo, DecodeError> {
    probe_as(path, None, limits)
}

/// Like [`probe()`], with the declared format of a file that may have no header. The declaration is used if the content
/// is compatible with it.
///
/// # Errors
/// Any of [`DecodeError`] except `Signal` and `Stopped`.
pub fn probe_as(path: &Path, declared: Option<Headerless>, limits: &DecodeLimits) -> Result<SourceInfo, DecodeError> {
    probe_file(&opened(path)?, declared, limits)
}

/// Like [`probe_as`], of a file that is open; its position is moved.
///
/// # Errors
/// Any of [`DecodeError`] except `Signal` and `Stopped`.
pub fn probe_file(file: &File, declared: Option<Headerless>, limits: &DecodeLimits) -> Result<SourceInfo, DecodeError> {
    guarded(|| {
        let mut stream = AudioStream::open(from_its_start(file)?, Knowledge::Declared(declared), limits)?;
        let layout = probe::decode_beginning(&mut stream)?;
        let limit = limits.max_duration_for(layout.0.channels);
        let seconds = match stream.exact_frames {
            Some(frames) => frames as f64 / f64::from(layout.0.rate),
            None => probe::scan_rest(&mut stream, layout.1, limit)?,
        };
        let duration = Millis::from_seconds(seconds);
        if duration > limit {
            return Err(DecodeError::TooLong { limit });
        }
        // Less than half a sample at 16 kHz leaves nothing to work on.
        if seconds * f64::from(SAMPLE_RATE) < 0.5 {
            return Err(DecodeError::Empty);
        }
        // A shorter recording counts as one millisecond.
        Ok(describe(&stream, layout.0, duration.max(Millis(1))))
    })
}

/// Checks before decoding that the scratch files of a recording fit on the disk.
///
/// # Errors
/// [`SignalError::NoRoom`] if they do not.
pub fn check_room(source: &SourceInfo, limits: &DecodeLimits, ctx: &JobContext) -> Result<(), SignalError> {
    let needed = limits.scratch_bytes(source);
    if needed == 0 || ctx.scratch().has_room(needed) { Ok(()) } else { Err(SignalError::NoRoom) }
}

/// Checks that a recording that was identified before is within the limits, which may have changed since.
///
/// # Errors
/// [`DecodeError::TooLong`] if it is too long for its number of channels.
pub fn check_length(source: &SourceInfo, limits: &DecodeLimits) -> Result<(), DecodeError> {
    let limit = limits.max_duration_for(source.channels);
    if source.duration > limit { Err(DecodeError::TooLong { limit }) } else { Ok(()) }
}

/// Decodes a whole recording to 16 kHz, one signal per channel. A truncated file gives the audio that is there.
///
/// # Errors
/// Any of [`DecodeError`].
pub fn decode(path: &Path, limits: &DecodeLimits, ctx: &JobContext) -> Result<Recording, DecodeError> {
    decode_as(path, None, limits, ctx)
}

/// Like [`decode`], with the declared format of a file that may have no header.
///
/// # Errors
/// Any of [`DecodeError`].
pub fn decode_as(
    path: &Path,
    declared: Option<Headerless>,
    limits: &DecodeLimits,
    ctx: &JobContext,
) -> Result<Recording, DecodeError> {
    decode_with(&opened(path)?, Knowledge::Declared(declared), limits, ctx)
}

/// Like [`decode`], of a file that is open and was identified before: it is not identified again.
///
/// # Errors
/// Any of [`DecodeError`].
pub fn decode_identified(
    file: &File,
    source: &SourceInfo,
    limits: &DecodeLimits,
    ctx: &JobContext,
) -> Result<Recording, DecodeError> {
    decode_with(file, Knowledge::Identified(source), limits, ctx)
}

fn opened(path: &Path) -> Result<File, DecodeError> {
    plain_file::open(path).map_err(DecodeError::Read)
}

/// The same open file for a reader of its own, at its start. Two readers must not be used by turns: they share the position.
fn from_its_start(file: &File) -> Result<File, DecodeError> {
    let mut own = file.try_clone().map_err(DecodeError::Read)?;
    own.rewind().map_err(DecodeError::Read)?;
    Ok(own)
}

fn decode_with(file: &File, knowledge: Knowledge<'_>, limits: &DecodeLimits, ctx: &JobContext) -> Result<Recording, DecodeError> {
    guarded(|| {
        ctx.check()?;
        let mut stream = AudioStream::open(from_its_start(file)?, knowledge, limits)?;
        let mut outputs: Option<ChannelOutputs> = None;
        let mut reported = None;
        let total = usize::try_from(stream.total_bytes).unwrap_or(usize::MAX);
        while let Some(packet) = stream.next_packet()? {
            ctx.check()?;
            if let Some((layout, planes)) = stream.decode(packet)? {
                let outputs = match &mut outputs {
                    Some(outputs) => outputs,
                    none => none.insert(ChannelOutputs::new(layout, limits, ctx.scratch())?),
                };
                outputs.push(layout, planes)?;
                let limit = limits.max_duration_for(outputs.first.channels);
                if Millis::from_sample(outputs.ready()) > limit {
                    return Err(DecodeError::TooLong { limit });
                }
            }
            let percent = stream.bytes_read().saturating_mul(100) / stream.total_bytes.max(1);
            if reported != Some(percent) {
                reported = Some(percent);
                ctx.report_part(Stage::Preprocessing, stream.bytes_read() as usize, total);
            }
        }
        let Some(outputs) = outputs else {
            return Err(match stream.damaged_packets {
                0 => DecodeError::Empty,
                _ => DecodeError::Invalid { reason: "none of its audio can be decoded".to_owned() },
            });
        };
        let limit = limits.max_duration_for(outputs.first.channels);
        let DecodedChannels { first, channels, levels } = outputs.finish()?;
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
        headerless: stream.headerless,
    }
}

/// Runs work that may panic inside a demuxer; the file is then reported as damaged and the demuxer is not used again.
fn guarded<T>(work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_panic| Err(DecodeError::Invalid { reason: "its structure makes no sense".to_owned() }))
}
