//! Determines the duration of a recording, and whether it can be decoded, without decoding all of it.
//!
//! The beginning is decoded, since only that distinguishes audio from garbage behind a valid header. The rest is read
//! packet by packet, because in every format there are headers with missing, estimated or wrong durations.

use symphonia::core::packet::Packet;

use super::stream::{AudioStream, Layout};
use super::{DecodeError, Millis};

/// Seconds of audio that must be decoded to accept a recording.
const PROBE_SECONDS: f64 = 0.5;
/// Maximum number of packets decoded for that.
const MAX_PROBE_PACKETS: u32 = 256;

/// The duration of a recording, as known so far.
#[derive(Default)]
pub(super) struct LengthEstimate {
    /// Duration of the decoded beginning after trimming, in seconds.
    played_seconds: f64,
    /// Total duration of the remaining packets, in seconds.
    rest: f64,
    /// Start of the first and end of the last remaining packet by their timestamps, in seconds.
    span: Option<(f64, f64)>,
    /// Duration of the last decoded packet, in seconds; used for packets without a stated duration.
    usual: f64,
    /// True if any packet had no stated duration.
    guessed: bool,
}

impl LengthEstimate {
    fn add(&mut self, stream: &AudioStream, packet: &Packet) {
        let stated = stream.seconds(packet);
        self.guessed |= stated.is_none();
        let length = stated.unwrap_or(self.usual);
        self.rest += length;
        let begin = stream.begins_at(packet);
        let (first, _) = *self.span.get_or_insert((begin, begin));
        self.span = Some((first, begin + length));
    }

    /// Estimated duration of the recording in seconds; timestamps are preferred where durations are missing.
    fn seconds(&self, stream: &AudioStream) -> f64 {
        let span = self.span.map_or(0.0, |(first, last)| last - first);
        let rest = if self.guessed && span > 0.0 { span } else { self.rest };
        stream.played_seconds(self.played_seconds, rest)
    }
}

/// Decodes the beginning; fails if none of it can be decoded.
pub(super) fn decode_beginning(stream: &mut AudioStream) -> Result<(Layout, LengthEstimate), DecodeError> {
    let (mut estimate, mut decoded) = (LengthEstimate::default(), 0.0);
    let mut packets = 0;
    while decoded < PROBE_SECONDS && packets < MAX_PROBE_PACKETS {
        let Some(packet) = stream.next_packet()? else { break };
        packets += 1;
        let damaged = stream.damaged_packets;
        if let Some((layout, planes)) = stream.decode(packet)? {
            let length = planes.first().map_or(0, Vec::len) as f64 / f64::from(layout.rate);
            estimate.played_seconds += length;
            if stream.damaged_packets == damaged && length > 0.0 {
                decoded += length;
                estimate.usual = length;
            }
        }
    }
    match stream.layout() {
        Some(layout) => Ok((layout, estimate)),
        None if packets == 0 && stream.damaged_packets == 0 => Err(DecodeError::Empty),
        None => Err(DecodeError::Invalid { reason: "none of its audio can be decoded".to_owned() }),
    }
}

/// Reads the remaining packets without decoding them, and returns the duration of the recording in seconds.
pub(super) fn scan_rest(stream: &mut AudioStream, mut estimate: LengthEstimate, limit: Millis) -> Result<f64, DecodeError> {
    while let Some(packet) = stream.next_packet()? {
        estimate.add(stream, &packet);
        if estimate.seconds(stream) > limit.as_seconds() + 1.0 {
            return Err(DecodeError::TooLong { limit });
        }
    }
    Ok(estimate.seconds(stream))
}
