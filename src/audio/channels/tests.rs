//! Tests of channel planning, on synthetic signals and on the sample calls.

use std::path::{Path, PathBuf};

use super::*;
use crate::audio::decode::{DecodeLimits, decode};
use crate::context::JobContext;

fn fixture(name: &str) -> Vec<Audio> {
    load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calls").join(name))
}

fn load(path: &Path) -> Vec<Audio> {
    decode(path, &DecodeLimits::default(), &JobContext::detached()).unwrap().channels
}

/// Loads a recording outside the repository; `None` if it is missing, and the test then checks nothing.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn shared(name: &str) -> Option<Vec<Audio>> {
    let root = std::env::var_os("CALLANNOTATE_TEST_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = root.join("audio").join(name);
    if !path.exists() {
        eprintln!("skipped: {name} is not on this machine");
        return None;
    }
    Some(load(&path))
}

fn samples(audio: &Audio) -> Vec<f32> {
    audio.read(0..audio.len()).unwrap().into_owned()
}

fn map(audio: &Audio, change: impl Fn(usize, f32) -> f32) -> Audio {
    Audio::new(samples(audio).iter().enumerate().map(|(index, &sample)| change(index, sample)).collect())
}

/// Deterministic pseudo-random noise, -1 to 1.
fn noise(index: usize, seed: u32) -> f32 {
    let mut state = (index as u32).wrapping_mul(0x9E37_79B9) ^ seed;
    state = (state ^ state >> 16).wrapping_mul(0x85EB_CA6B);
    state = (state ^ state >> 13).wrapping_mul(0xC2B2_AE35);
    (state ^ state >> 16) as f32 / u32::MAX as f32 * 2.0 - 1.0
}

fn shape(plan: &ChannelPlan) -> Vec<Vec<usize>> {
    plan.signals().iter().map(|signal| signal.channels.clone()).collect()
}

fn auto(channels: Vec<Audio>) -> ChannelPlan {
    plan(channels, ChannelMode::Auto).unwrap()
}

#[test]
fn the_two_sides_of_a_call_stay_apart() {
    for name in ["billing-stereo.flac", "support-ru-stereo.flac"] {
        assert_eq!(shape(&auto(fixture(name))), [[0], [1]], "{name}");
    }
}

#[test]
fn sides_with_cross_talk_and_noise_stay_apart() {
    let call = fixture("billing-stereo.flac");
    for cross_talk in [0.003_f32, 0.01, 0.03, 0.06] {
        let mixed = |own: usize, other: usize| {
            let crosstalk = samples(&call[other]);
            map(&call[own], |index, sample| sample + cross_talk * crosstalk[index] + 0.002 * noise(index, own as u32))
        };
        assert_eq!(shape(&auto(vec![mixed(0, 1), mixed(1, 0)])), [[0], [1]], "{cross_talk}");
    }
}

#[test]
fn one_signal_written_twice_is_one_whatever_its_level_and_phase() {
    let voice = fixture("voicemail.flac").remove(0);
    for gain in [1.0_f32, 0.5, -1.0, -0.3, 0.05] {
        let planned = auto(vec![voice.clone(), map(&voice, |_, sample| gain * sample)]);
        assert_eq!(shape(&planned), [[0, 1]], "{gain}");
        assert!(samples(&planned.signals()[0].audio) == samples(&voice), "{gain}: not the louder one");
    }
}

#[test]
fn opposite_phases_do_not_cancel_when_mixed() {
    let voice = fixture("voicemail.flac").remove(0);
    let planned = plan(vec![voice.clone(), map(&voice, |_, sample| -sample)], ChannelMode::Mix).unwrap();
    assert!(planned.signals()[0].audio.levels().unwrap().rms > 0.9 * voice.levels().unwrap().rms);
}

#[test]
fn a_dead_channel_is_left_out() {
    let voice = fixture("voicemail.flac").remove(0);
    for level in [0.0, 0.000_3] {
        let dead = map(&voice, |index, _| level * noise(index, 1));
        assert_eq!(shape(&auto(vec![dead, voice.clone()])), [[1]]);
    }
}

#[test]
fn two_microphones_in_one_room_are_one_signal() {
    let voices = fixture("conference-mono.flac").remove(0);
    let samples = samples(&voices);
    let echo = |index: usize, delay: usize| index.checked_sub(delay).map_or(0.0, |index| samples[index]);
    let left = map(&voices, |index, sample| sample + 0.2 * echo(index, 250) + 0.001 * noise(index, 1));
    let right = map(&voices, |index, _| 0.6 * echo(index, 12) + 0.15 * echo(index, 300) + 0.001 * noise(index, 2));
    assert_eq!(shape(&auto(vec![left, right])), [[0, 1]]);
}

#[test]
fn more_than_two_channels_are_separated_up_to_a_limit() {
    let call = fixture("billing-stereo.flac");
    let doubled = vec![call[0].clone(), call[0].clone(), call[1].clone()];
    assert_eq!(shape(&auto(doubled)), [vec![0, 1], vec![2]]);
    let many = (0..9).map(|seed| map(&call[0], |index, _| 0.2 * noise(index, seed))).collect();
    assert!(matches!(auto(many), ChannelPlan::Together(_)));
}

#[test]
fn the_client_decides_when_it_wants_to() {
    let call = fixture("billing-stereo.flac");
    assert_eq!(shape(&plan(call.clone(), ChannelMode::Mix).unwrap()), [[0, 1]]);
    let twice = vec![call[0].clone(), call[0].clone()];
    assert_eq!(shape(&plan(twice, ChannelMode::Split).unwrap()), [[0], [1]]);
}

#[test]
fn silence_and_nothing_are_one_signal() {
    assert_eq!(shape(&auto(vec![Audio::new(vec![0.0; 16_000]); 2])), [[0]]);
    assert_eq!(shape(&auto(Vec::new())), [[0]]);
}

#[test]
fn a_side_that_says_only_one_word_is_a_side() {
    let call = fixture("billing-stereo.flac");
    let (talker, other) = (samples(&call[1]), samples(&call[0]));
    // Half a minute of one side, with one short word of the other and crosstalk in both directions.
    let word = |index: usize| if (320_000..326_400).contains(&index) { other[index - 300_000] } else { 0.0 };
    let length = talker.len().min(480_000);
    let first = Audio::new((0..length).map(|index| talker[index] + 0.02 * word(index)).collect());
    let second = Audio::new((0..length).map(|index| 0.02 * talker[index] + word(index)).collect());
    assert_eq!(shape(&auto(vec![first, second])), [[0], [1]]);
}

#[test]
fn real_recordings_are_understood() {
    for (name, apart) in [
        ("calls/derived/Auto_Repairs_40_stereo.flac", true),
        ("asr-en/google/two_channel_16k.wav", true),
        ("asr-en/jfk.flac", false),
        ("codecs/lhotse/stereo.wav", false),
        ("diarization/azure/katiesteve.wav", false),
    ] {
        let Some(channels) = shared(name) else { continue };
        assert_eq!(matches!(auto(channels), ChannelPlan::Apart(_)), apart, "{name}");
    }
}
