//! Synthetic calls: channels as samples, delayed, scaled, mixed, and diarized as in the pipeline.

use std::path::Path;

use callannotate::audio::Audio;
use callannotate::audio::channels::plan;
use callannotate::audio::decode::{DecodeLimits, decode};
use callannotate::context::JobContext;
use callannotate::diarize::{Diarization, Diarize, SpeakerCount, diarize_channels};
use callannotate::jobs::options::ChannelMode;

use super::der::{Turn, read_rttm};
use super::diarizers::call;

/// The channels of a sample call at 16 kHz.
pub fn sides(name: &str) -> Vec<Vec<f32>> {
    let path = call(&format!("{name}.flac"));
    let recording = decode(&path, &DecodeLimits::default(), &JobContext::detached()).unwrap();
    recording.channels.iter().map(|channel| channel.read(0..channel.len()).unwrap().into_owned()).collect()
}

/// The reference turns of a sample call.
pub fn reference(name: &str) -> Vec<Turn> {
    read_rttm(&call(&format!("{name}.rttm"))).0
}

pub fn scaled(samples: &[f32], factor: f32) -> Vec<f32> {
    samples.iter().map(|sample| factor * sample).collect()
}

pub fn decibels(level: f32) -> f32 {
    10.0_f32.powf(level / 20.0)
}

/// The samples delayed by this number of milliseconds, with the same length.
pub fn delayed(samples: &[f32], milliseconds: usize) -> Vec<f32> {
    let lag = milliseconds * 16;
    let mut late = vec![0.0; lag];
    late.extend_from_slice(&samples[..samples.len() - lag]);
    late
}

/// The sum of two signals, as long as the first.
pub fn sum(first: &[f32], second: &[f32]) -> Vec<f32> {
    let rest = second.iter().copied().chain(std::iter::repeat(0.0));
    first.iter().zip(rest).map(|(a, b)| a + b).collect()
}

/// Reproducible noise in [-1, 1].
pub fn noise(length: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// The turns found on these channels, and the grouping of channels.
pub fn diarize(diarizer: &mut dyn Diarize, channels: &[Vec<f32>], count: SpeakerCount) -> (Diarization, Vec<Vec<usize>>) {
    let channels = channels.iter().map(|samples| Audio::new(samples.clone())).collect();
    let plan = plan(channels, ChannelMode::Auto).unwrap();
    let alone = plan.signals().len() == 1;
    let signals: Vec<_> =
        plan.signals().iter().map(|signal| ((!alone).then(|| signal.channels[0] as u16), &signal.audio)).collect();
    let found = diarize_channels(diarizer, &JobContext::detached(), &signals, count).unwrap();
    (found, plan.signals().iter().map(|signal| signal.channels.clone()).collect())
}

/// Writes channels as a 16-bit WAV file at 16 kHz.
pub fn write_wav(path: &Path, channels: &[Vec<f32>]) {
    let length = channels.iter().map(Vec::len).max().unwrap_or(0);
    let sample = |channel: &Vec<f32>, index: usize| (channel.get(index).copied().unwrap_or(0.0) * 32_767.0).round() as i16;
    let samples: Vec<i16> = (0..length).flat_map(|index| channels.iter().map(move |channel| sample(channel, index))).collect();
    std::fs::write(path, super::audio::wav(16_000, channels.len() as u16, &samples)).unwrap();
}
