//! How long a recording is and whether it can be decoded, found out without decoding all of it.
//!
//! The beginning is decoded, because only that tells audio from rubbish with a right header; the rest is gone through packet
//! by packet, because headers say a length that is missing, guessed or wrong in every format there is.

use symphonia::core::packet::Packet;

use super::stream::{AudioStream, Layout};
use super::{DecodeError, Millis};

/// How much is decoded of a recording to believe it, in seconds, and in how many packets that must succeed.
const PROOF: (f64, u32) = (0.5, 256);

/// How far a probe has come.
#[derive(Default)]
pub(super) struct Scanned {
    /// What was decoded and is heard, in seconds.
    heard: f64,
    /// Sum of the lengths of the packets after that.
    rest: f64,
    /// Where the packets after that begin and the last one ends, by their own account.
    span: Option<(f64, f64)>,
    /// Length of the last packet that was decoded; stands in where packets do not tell theirs.
    usual: f64,
    /// Whether some packet did not tell its length.
    guessed: bool,
}

impl Scanned {
    fn add(&mut self, stream: &AudioStream, packet: &Packet) {
        let told = stream.seconds(packet);
        self.guessed |= told.is_none();
        let length = told.unwrap_or(self.usual);
        self.rest += length;
        let begin = stream.begins_at(packet);
        let (first, _) = *self.span.get_or_insert((begin, begin));
        self.span = Some((first, begin + length));
    }

    /// The length of the whole; where packets did not tell theirs, their times are the better witness.
    fn seconds(&self, stream: &AudioStream) -> f64 {
        let span = self.span.map_or(0.0, |(first, last)| last - first);
        let rest = if self.guessed && span > 0.0 { span } else { self.rest };
        stream.heard(self.heard, rest)
    }
}

/// Decodes the beginning. An error when nothing there can be decoded.
pub(super) fn prove(stream: &mut AudioStream) -> Result<(Layout, Scanned), DecodeError> {
    let (mut scanned, mut decoded) = (Scanned::default(), 0.0);
    let (wanted, most_packets) = PROOF;
    let mut packets = 0;
    while decoded < wanted && packets < most_packets {
        let Some(packet) = stream.next_packet()? else { break };
        packets += 1;
        let damaged = stream.damaged_packets;
        if let Some((layout, planes)) = stream.decode(packet)? {
            let length = planes.first().map_or(0, Vec::len) as f64 / f64::from(layout.rate);
            scanned.heard += length;
            if stream.damaged_packets == damaged && length > 0.0 {
                decoded += length;
                scanned.usual = length;
            }
        }
    }
    match stream.layout() {
        Some(layout) => Ok((layout, scanned)),
        None if packets == 0 && stream.damaged_packets == 0 => Err(DecodeError::Empty),
        None => Err(DecodeError::Invalid { reason: "none of its audio can be decoded".to_owned() }),
    }
}

/// Goes through the rest of the packets without decoding them, and gives the length of the whole in seconds.
pub(super) fn scan(stream: &mut AudioStream, mut scanned: Scanned, limit: Millis) -> Result<f64, DecodeError> {
    while let Some(packet) = stream.next_packet()? {
        scanned.add(stream, &packet);
        if scanned.seconds(stream) > limit.as_seconds() + 1.0 {
            return Err(DecodeError::TooLong { limit });
        }
    }
    Ok(scanned.seconds(stream))
}
