//! Checks whether a file without a header can be the audio it is declared to be.
//!
//! Any bytes can be decoded as G.711, so a text or an image with a wrong type would become noise and waste an hour of
//! transcription. Audio is distinguishable: most of the energy of a sample of voice, music or a tone is predictable
//! from the two samples before it; samples decoded from other data are not predictable, and loud. Decoded with the
//! other law, audio keeps some of its predictability but becomes much louder, since its quiet moments become loud.
//!
//! Measured on telephone and wideband recordings of speech and music, and on texts, programs, compressed and linear
//! data: audio is predictable by 0.56 to 1.0, everything else by 0 to 0.25 and louder than -18 dB. Silence and soft
//! noise are not predictable either, but quiet, and are accepted. Reads at most 64 KiB.

use std::io::{self, Read, Seek};

use super::bytes::read_at;
use crate::media::{Coding, Headerless};

/// Samples per prediction: 20 ms at 8 kHz, over which a voice is stationary.
const PIECE: usize = 160;

/// Number of evenly spread places that are read, and bytes per place: a second of G.711 at 8 kHz.
const PLACES: u64 = 8;
const PLACE_BYTES: u64 = 8_192;

/// Mean level in dBFS below which everything is accepted; other data are never this quiet.
const QUIET_DB: f64 = -30.0;

/// Minimum predictable share of the energy, midway between audio and everything else.
const MIN_PREDICTABLE: f64 = 0.4;

/// The declaration is wrong if another coding makes the audio more predictable by this share of its energy and softer
/// by this many dB.
const CLEARLY_MORE_PREDICTABLE: f64 = 0.1;
const CLEARLY_SOFTER_DB: f64 = 4.0;

/// The result of checking the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The content can be what it is declared to be.
    Sound,
    /// The content is audio in this other coding.
    Other(&'static str),
    /// The content is not audio, or shorter than 20 ms.
    Noise,
}

/// Decodes bytes to samples in [-1, 1].
type Decode = fn(&[u8]) -> Vec<f64>;

/// Level and predictability of the samples under one coding.
#[derive(Debug, Clone, Copy)]
struct Measured {
    level_db: f64,
    predictable: f64,
}

/// Checks the content of a file of `length` bytes against its declaration.
pub(super) fn judge(file: &mut (impl Read + Seek), length: u64, declared: Headerless) -> io::Result<Verdict> {
    let frame = (declared.coding.bytes() * usize::from(declared.channels)) as u64;
    if length / frame < PIECE as u64 {
        return Ok(Verdict::Noise);
    }
    let places = read_places(file, length, frame)?;
    let (decode, decode_other, name): (Decode, Decode, _) = match declared.coding {
        Coding::Alaw => (alaw, mulaw, "G.711 µ-law"),
        Coding::Mulaw => (mulaw, alaw, "G.711 A-law"),
        Coding::Linear => (linear, swapped, "16-bit samples with the low byte first"),
    };
    let found = measure(&places, usize::from(declared.channels), decode);
    let other = measure(&places, usize::from(declared.channels), decode_other);
    let is_other =
        other.predictable >= found.predictable + CLEARLY_MORE_PREDICTABLE && other.level_db <= found.level_db - CLEARLY_SOFTER_DB;
    Ok(if is_other && other.predictable >= MIN_PREDICTABLE {
        Verdict::Other(name)
    } else if found.level_db > QUIET_DB && found.predictable < MIN_PREDICTABLE {
        Verdict::Noise
    } else {
        Verdict::Sound
    })
}

/// Reads pieces of the file, each beginning at a frame boundary.
fn read_places(file: &mut (impl Read + Seek), length: u64, frame: u64) -> io::Result<Vec<Vec<u8>>> {
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

/// Measures the level, and the share of energy predictable from the two previous samples of the channel.
fn measure(places: &[Vec<u8>], channels: usize, decode: Decode) -> Measured {
    let decoded: Vec<Vec<f64>> = places.iter().map(|bytes| decode(bytes)).collect();
    let count = decoded.iter().map(Vec::len).sum::<usize>().max(1) as f64;
    let energy: f64 = decoded.iter().flatten().map(|sample| sample * sample).sum();
    // Telephone lines do not transmit DC, so an offset is a sign of other data.
    let mean = decoded.iter().flatten().sum::<f64>() / count;
    let mut predicted = 0.0;
    for samples in &decoded {
        for channel in 0..channels {
            let own: Vec<f64> = samples.iter().skip(channel).step_by(channels).map(|sample| sample - mean).collect();
            predicted += own.chunks_exact(PIECE).map(predicted_energy).sum::<f64>();
        }
    }
    Measured { level_db: 10.0 * (energy / count + 1e-12).log10(), predictable: predicted / energy.max(1e-12) }
}

/// The energy explained by the best linear prediction from two samples, from the autocorrelation at lags 1 and 2.
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

/// G.711 A-law: sign, three bits of exponent, four of mantissa, with every other bit inverted.
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

/// G.711 µ-law: the same with all bits inverted and a bias.
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
        // The extremes and the middle of table 1 of G.711, relative to full scale.
        assert_eq!(alaw(&[0xAA, 0x2A, 0xD5, 0x55]), [4032.0 / 4096.0, -4032.0 / 4096.0, 1.0 / 4096.0, -1.0 / 4096.0]);
        assert_eq!(mulaw(&[0x80, 0x00, 0xFF, 0xFE]), [8031.0 / 8192.0, -8031.0 / 8192.0, 0.0, 2.0 / 8192.0]);
    }

    #[test]
    fn silence_is_accepted_and_texts_and_random_bytes_are_not() {
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
