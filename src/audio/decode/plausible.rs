//! Whether a file without a header can be the sound that it is said to be.
//!
//! Any bytes can be decoded as G.711, so a text or a picture under the wrong name would become noise, which costs an hour of
//! transcription and means nothing. Sound can be told from it: a sample of a voice, of music or of a tone follows from the two
//! before it, for the greater part of its energy; a sample made of anything else does not, and such samples are loud. Read
//! under the other law, sound keeps some of that but grows much louder, since its quiet moments become loud.
//!
//! Measured on telephone and wide-band recordings of speech and music, and on texts, programs, compressed and linear data:
//! sound is predictable by 0.56 to 1.0, everything else by 0 to 0.25 and louder than -18 dB. Silence and soft noise are not
//! predictable either, but they are quiet, and believed. Reads at most 64 KiB.

use std::io::{self, Read, Seek};

use super::bytes::read_at;
use crate::audio::headerless::{Coding, Headerless};

/// Samples of a piece that one prediction is made for: 20 ms at 8 kHz, over which a voice stays the same.
const PIECE: usize = 160;

/// Places of the file that are looked at, evenly spread, and the bytes of each: a second of G.711 at 8 kHz.
const PLACES: u64 = 8;
const PLACE_BYTES: u64 = 8_192;

/// Below this mean level, in decibels of full scale, anything is believed: other data are never so quiet.
const QUIET_DB: f64 = -30.0;

/// The share of the energy that must follow from the samples before it, half-way between sound and everything else.
const PREDICTABLE: f64 = 0.4;

/// What is said is wrong when the sound is so much more predictable under another coding, and so many decibels softer.
const PLAINLY_MORE: f64 = 0.1;
const PLAINLY_SOFTER_DB: f64 = 4.0;

/// What the content says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It can be what it is said to be.
    Sound,
    /// It is sound, but coded so.
    Other(&'static str),
    /// It is no sound, or less than 20 ms of it.
    Noise,
}

/// From bytes to samples.
type Decode = fn(&[u8]) -> Vec<f64>;

/// What was measured of the samples under one coding.
#[derive(Debug, Clone, Copy)]
struct Measured {
    level_db: f64,
    predictable: f64,
}

/// Looks into a file of `length` bytes.
pub(super) fn judge(file: &mut (impl Read + Seek), length: u64, said: Headerless) -> io::Result<Verdict> {
    let frame = (said.coding.bytes() * usize::from(said.channels)) as u64;
    if length / frame < PIECE as u64 {
        return Ok(Verdict::Noise);
    }
    let places = look(file, length, frame)?;
    let (decode, decode_other, name): (Decode, Decode, _) = match said.coding {
        Coding::Alaw => (alaw, mulaw, "G.711 µ-law"),
        Coding::Mulaw => (mulaw, alaw, "G.711 A-law"),
        Coding::Linear => (linear, swapped, "16-bit samples with the low byte first"),
    };
    let found = measure(&places, usize::from(said.channels), decode);
    let other = measure(&places, usize::from(said.channels), decode_other);
    let is_other = other.predictable >= found.predictable + PLAINLY_MORE && other.level_db <= found.level_db - PLAINLY_SOFTER_DB;
    Ok(if is_other && other.predictable >= PREDICTABLE {
        Verdict::Other(name)
    } else if found.level_db > QUIET_DB && found.predictable < PREDICTABLE {
        Verdict::Noise
    } else {
        Verdict::Sound
    })
}

/// Pieces of the file, each beginning with a whole frame of all channels.
fn look(file: &mut (impl Read + Seek), length: u64, frame: u64) -> io::Result<Vec<Vec<u8>>> {
    if length <= PLACES * PLACE_BYTES {
        return Ok(vec![read_at(file, 0, length as usize)?]);
    }
    (0..PLACES)
        .map(|place| {
            let start = (length - PLACE_BYTES) / (PLACES - 1) * place;
            read_at(file, start - start % frame, PLACE_BYTES as usize)
        })
        .collect()
}

/// How loud the samples are, and how much of their energy follows from the two samples before them on the same channel.
fn measure(places: &[Vec<u8>], channels: usize, decode: Decode) -> Measured {
    let decoded: Vec<Vec<f64>> = places.iter().map(|bytes| decode(bytes)).collect();
    let count = decoded.iter().map(Vec::len).sum::<usize>().max(1) as f64;
    let energy: f64 = decoded.iter().flatten().map(|sample| sample * sample).sum();
    // No telephone carries a constant; what has one, has it as noise.
    let mean = decoded.iter().flatten().sum::<f64>() / count;
    let mut followed = 0.0;
    for samples in &decoded {
        for channel in 0..channels {
            let own: Vec<f64> = samples.iter().skip(channel).step_by(channels).map(|sample| sample - mean).collect();
            followed += own.chunks_exact(PIECE).map(predicted_energy).sum::<f64>();
        }
    }
    Measured { level_db: 10.0 * (energy / count + 1e-12).log10(), predictable: followed / energy.max(1e-12) }
}

/// The energy that the best linear prediction from two samples explains, by the autocorrelation at lags 1 and 2.
fn predicted_energy(piece: &[f64]) -> f64 {
    let at = |lag: usize| piece.iter().zip(piece.iter().skip(lag)).map(|(a, b)| a * b).sum::<f64>();
    let energy = at(0);
    if energy < 1e-9 {
        return 0.0;
    }
    let (first, second) = (at(1) / energy, at(2) / energy);
    let rest = 1.0 - first * first;
    let share = if rest < 1e-9 { 1.0 } else { (first * first + second * second - 2.0 * first * first * second) / rest };
    energy * share.clamp(0.0, 1.0)
}

/// G.711, A-law: sign, three bits of exponent, four of mantissa, every other bit turned.
fn alaw(bytes: &[u8]) -> Vec<f64> {
    let sample = |byte: &u8| {
        let code = byte ^ 0x55;
        let (exponent, mantissa) = (code >> 4 & 7, f64::from(code & 0xF));
        let size =
            if exponent == 0 { 2.0 * mantissa + 1.0 } else { (2.0 * mantissa + 33.0) * f64::from(1_u32 << (exponent - 1)) };
        size.copysign(if code & 0x80 == 0 { -1.0 } else { 1.0 }) / 4_096.0
    };
    bytes.iter().map(sample).collect()
}

/// G.711, µ-law: the same with all bits turned and a bias.
fn mulaw(bytes: &[u8]) -> Vec<f64> {
    let sample = |byte: &u8| {
        let code = !byte;
        let size = (2.0 * f64::from(code & 0xF) + 33.0) * f64::from(1_u32 << (code >> 4 & 7)) - 33.0;
        size.copysign(if code & 0x80 == 0 { 1.0 } else { -1.0 }) / 8_192.0
    };
    bytes.iter().map(sample).collect()
}

fn linear(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|pair| f64::from(i16::from_be_bytes(*pair)) / 32_768.0).collect()
}

fn swapped(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|pair| f64::from(i16::from_le_bytes(*pair)) / 32_768.0).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn verdict(bytes: &[u8], coding: Coding) -> Verdict {
        judge(&mut Cursor::new(bytes), bytes.len() as u64, Headerless { coding, rate: 8_000, channels: 1 }).unwrap()
    }

    #[test]
    fn the_laws_are_those_of_the_standard() {
        // The ends and the middle of table 1 of G.711, in units of full scale.
        assert_eq!(alaw(&[0xAA, 0x2A, 0xD5, 0x55]), [4032.0 / 4096.0, -4032.0 / 4096.0, 1.0 / 4096.0, -1.0 / 4096.0]);
        assert_eq!(mulaw(&[0x80, 0x00, 0xFF, 0xFE]), [8031.0 / 8192.0, -8031.0 / 8192.0, 0.0, 2.0 / 8192.0]);
    }

    #[test]
    fn silence_is_believed_and_texts_and_random_bytes_are_not() {
        for (coding, silence) in [(Coding::Alaw, 0xD5), (Coding::Alaw, 0x55), (Coding::Mulaw, 0xFF), (Coding::Linear, 0)] {
            assert_eq!(verdict(&[silence; 4_000], coding), Verdict::Sound, "{coding:?} {silence}");
        }
        let text = include_bytes!("plausible.rs");
        let random: Vec<u8> = (0..100_000_u32).map(|index| (index.wrapping_mul(0x9E37_79B9) >> 11 ^ index >> 3) as u8).collect();
        for coding in [Coding::Alaw, Coding::Mulaw, Coding::Linear] {
            assert_eq!(verdict(text, coding), Verdict::Noise, "{coding:?}");
            assert_eq!(verdict(&random, coding), Verdict::Noise, "{coding:?}");
            assert_eq!(verdict(&[0xD5; 100], coding), Verdict::Noise, "{coding:?}");
        }
    }
}
