//! Recordings of floats with values that are no level: they are replaced by silence, and everything else is as it was.

use std::io::Write as _;

use super::support::hostile::{chunk, second_of_a_call};
use callannotate::audio::decode::{DecodeLimits, decode, probe};
use callannotate::audio::levels::Levels;
use callannotate::context::JobContext;

/// Values that no recorder means.
const IMPOSSIBLE: [f64; 6] = [3e38, -3e38, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e30];

/// A tone with other samples in the middle.
fn tone(rate: u32, others: &[f64]) -> Vec<f64> {
    let mut samples: Vec<f64> = (0..rate).map(|index| 0.3 * (f64::from(index) * 0.2).sin()).collect();
    let middle = samples.len() / 2;
    for (sample, other) in samples[middle..].iter_mut().zip(others) {
        *sample = *other;
    }
    samples
}

#[derive(Debug, Clone, Copy)]
enum Float {
    Single,
    Double,
}

impl Float {
    fn bytes(self, samples: &[f64], is_big: bool) -> Vec<u8> {
        let all = samples.iter().map(|&sample| match self {
            Self::Single => (sample as f32).to_be_bytes().to_vec(),
            Self::Double => sample.to_be_bytes().to_vec(),
        });
        all.flat_map(|mut bytes| {
            if !is_big {
                bytes.reverse();
            }
            bytes
        })
        .collect()
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Single => 32,
            Self::Double => 64,
        }
    }
}

fn wav(float: Float, rate: u32, samples: &[f64]) -> Vec<u8> {
    let bytes = float.bytes(samples, false);
    let block = u32::from(float.bits()) / 8;
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x03\0\x01\0".to_vec();
    file.extend(rate.to_le_bytes());
    file.extend((rate * block).to_le_bytes());
    file.extend([block as u8, 0, float.bits(), 0]);
    file.extend(b"data");
    file.extend((bytes.len() as u32).to_le_bytes());
    file.extend(bytes);
    file
}

fn caf(float: Float, rate: u32, samples: &[f64]) -> Vec<u8> {
    let mut description = f64::from(rate).to_be_bytes().to_vec();
    description.extend(b"lpcm\0\0\0\x03\0\0\0");
    description.extend([float.bits() / 8, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, float.bits()]);
    let data = [&[0; 4][..], &float.bytes(samples, false)].concat();
    [&b"caff\0\x01\0\0"[..], &chunk(*b"desc", &description), &chunk(*b"data", &data)].concat()
}

fn aiff(float: Float, rate: u32, samples: &[f64]) -> Vec<u8> {
    let bytes = float.bytes(samples, true);
    // The rate as an 80-bit float.
    let shift = rate.leading_zeros();
    let mut common = b"\0\x01".to_vec();
    common.extend((samples.len() as u32).to_be_bytes());
    common.extend([0, float.bits()]);
    common.extend((0x3FFF + 31 - shift as u16).to_be_bytes());
    common.extend((u64::from(rate) << (shift + 32)).to_be_bytes());
    common.extend(if float.bits() == 32 { b"fl32\0\0" } else { b"fl64\0\0" });
    let mut file = b"FORM".to_vec();
    file.extend((4 + 8 + common.len() as u32 + 16 + bytes.len() as u32).to_be_bytes());
    file.extend(b"AIFCCOMM");
    file.extend((common.len() as u32).to_be_bytes());
    file.extend(common);
    file.extend(b"SSND");
    file.extend((8 + bytes.len() as u32).to_be_bytes());
    file.extend([0; 8]);
    file.extend(bytes);
    file
}

fn matroska(rate: u32, samples: &[f64]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("from.wav");
    std::fs::write(&from, wav(Float::Single, rate, samples)).unwrap();
    let to = folder.path().join("to.mka");
    super::support::sound::ffmpeg(&from, &["-c:a", "copy"], &to);
    std::fs::read(to).unwrap()
}

fn decoded(bytes: &[u8]) -> (Vec<f32>, Levels) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let limits = DecodeLimits::default();
    // Blocks of PCM in Matroska do not say how long they are.
    assert!(probe(file.path(), &limits).unwrap().duration.0.abs_diff(1_000) < 60);
    let recording = decode(file.path(), &limits, &JobContext::detached()).unwrap();
    assert_eq!((recording.damaged_packets, recording.source.duration.0), (0, 1_000));
    let channel = &recording.channels[0];
    (channel.read(0..channel.len()).unwrap().into_owned(), recording.levels[0])
}

/// Every container of floats that is read.
fn containers(rate: u32, samples: &[f64]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("wav of 32 bits", wav(Float::Single, rate, samples)),
        ("wav of 64 bits", wav(Float::Double, rate, samples)),
        ("caf of 32 bits", caf(Float::Single, rate, samples)),
        ("caf of 64 bits", caf(Float::Double, rate, samples)),
        ("aiff of 32 bits", aiff(Float::Single, rate, samples)),
        ("aiff of 64 bits", aiff(Float::Double, rate, samples)),
        ("matroska", matroska(rate, samples)),
    ]
}

#[test]
fn impossible_values_become_silence_and_nothing_else_changes() {
    for rate in [8_000, 16_000, 44_100] {
        let silent = containers(rate, &tone(rate, &[0.0; IMPOSSIBLE.len()]));
        for ((name, bytes), (_, silent)) in containers(rate, &tone(rate, &IMPOSSIBLE)).into_iter().zip(silent) {
            let ((samples, levels), (expected, _)) = (decoded(&bytes), decoded(&silent));
            assert!(samples == expected, "{name} at {rate} Hz");
            assert!((0.29..0.35).contains(&levels.peak), "{name} at {rate} Hz: {levels:?}");
        }
    }
}

#[test]
fn nothing_but_impossible_values_is_silence() {
    for rate in [8_000, 16_000, 44_100] {
        for value in IMPOSSIBLE {
            for (name, bytes) in containers(rate, &vec![value; rate as usize]) {
                let (samples, levels) = decoded(&bytes);
                assert!(samples.iter().all(|sample| *sample == 0.0), "{name} of {value} at {rate} Hz");
                assert!(levels.is_silent());
            }
        }
    }
}

#[test]
fn floats_at_the_scale_of_integers_are_scaled_down() {
    for scale in [32_768.0, 2_147_483_648.0] {
        for (name, bytes) in containers(8_000, &tone(8_000, &[]).iter().map(|sample| sample * scale).collect::<Vec<_>>()) {
            let (samples, _) = decoded(&bytes);
            let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            assert!((0.95..=1.0).contains(&peak), "{name} at {scale}: {peak}");
        }
    }
}

#[test]
fn a_call_of_floats_sounds_like_one_of_integers() {
    let folder = tempfile::tempdir().unwrap();
    let floats = second_of_a_call(folder.path(), "floats.wav", &["-c:a", "pcm_f32le"]);
    let integers = second_of_a_call(folder.path(), "integers.wav", &["-c:a", "pcm_s16le"]);
    assert!(decoded(&floats).0 == decoded(&integers).0);
}
