//! GSM full rate is decoded bit for bit as by other decoders.
//!
//! The reference decoder's output is written as PCM and decoded like any recording, so that both take the same path from 8 kHz on.

use std::path::Path;

use super::support::sound::{ffmpeg, fixture, run, text};
use callannotate::audio::Recording;
use callannotate::audio::decode::{DecodeLimits, decode};
use callannotate::context::JobContext;
use tempfile::TempDir;

fn open(path: &Path) -> Recording {
    decode(path, &DecodeLimits::default(), &JobContext::detached()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn samples(recording: &Recording) -> Vec<f32> {
    recording.channels[0].read(0..usize::MAX).unwrap().into_owned()
}

/// Compares our decoding of a file with the reference decoder's output.
fn check(coded: &Path, theirs: &Path, whole_frames: usize) {
    let (ours, theirs) = (open(coded), open(theirs));
    assert_eq!(ours.damaged_packets, 0);
    let (ours, theirs) = (samples(&ours), samples(&theirs));
    // The end depends on how much of the last block each decoder returns, so it is not compared.
    let sure = whole_frames * 320 - 1_000;
    assert!(ours.len() >= sure && theirs.len() >= sure, "{} and {} samples, {sure} wanted", ours.len(), theirs.len());
    let differing = ours[..sure].iter().zip(&theirs[..sure]).position(|(ours, theirs)| ours.to_bits() != theirs.to_bits());
    assert_eq!(differing, None);
}

#[test]
fn frames_are_decoded_as_libgsm_decodes_them() {
    let folder = TempDir::new().unwrap();
    let [coded, theirs] = ["a.gsm", "a.wav"].map(|name| folder.path().join(name));
    run("sox", &[text(&fixture("voicemail.flac")), "-r", "8000", text(&coded), "trim", "0", "6"]);
    run("sox", &[text(&coded), "-b", "16", "-e", "signed-integer", text(&theirs)]);
    check(&coded, &theirs, 300);
}

#[test]
fn blocks_are_decoded_as_ffmpeg_decodes_them() {
    let folder = TempDir::new().unwrap();
    let [coded, theirs] = ["a.wav", "b.wav"].map(|name| folder.path().join(name));
    run(
        "sox",
        &[text(&fixture("billing-stereo.flac")), "-r", "8000", "-c", "1", "-e", "gsm-full-rate", text(&coded), "trim", "0", "6"],
    );
    ffmpeg(&coded, &["-c:a", "pcm_s16le"], &theirs);
    check(&coded, &theirs, 300);
}

#[test]
fn frames_of_any_bits_are_decoded_as_libgsm_decodes_them() {
    let folder = TempDir::new().unwrap();
    let [coded, theirs] = ["a.gsm", "a.wav"].map(|name| folder.path().join(name));
    let mut state = 1_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let frames: Vec<u8> = (0..500)
        .flat_map(|_| std::array::from_fn::<u8, 33, _>(|at| if at == 0 { 0xD0 | random() & 0xF } else { random() }))
        .collect();
    std::fs::write(&coded, frames).unwrap();
    run("sox", &[text(&coded), "-b", "16", "-e", "signed-integer", text(&theirs)]);
    check(&coded, &theirs, 500);
}

#[test]
fn a_damaged_frame_costs_20_ms_and_moves_nothing() {
    let folder = TempDir::new().unwrap();
    let coded = folder.path().join("a.gsm");
    run("sox", &[text(&fixture("voicemail.flac")), "-r", "8000", text(&coded), "trim", "0", "6"]);
    let whole = open(&coded);
    let mut bytes = std::fs::read(&coded).unwrap();
    bytes[33 * 200] = 0;
    std::fs::write(&coded, bytes).unwrap();
    let damaged = open(&coded);
    assert_eq!((damaged.damaged_packets, damaged.source.duration), (1, whole.source.duration));
    let (before, after) = (samples(&whole), samples(&damaged));
    // Everything is identical up to the resampler's reach before the damaged frame; the frame itself is silent.
    assert!(before[..48_000] == after[..48_000]);
    assert!(after[64_160..64_240].iter().all(|sample| sample.abs() < 0.01));
}
