//! Noise reduction before transcription: how much noise is removed, and that voices and times are preserved.

use std::cell::Cell;
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use callannotate::audio::Audio;
use callannotate::audio::denoise::Noisy;
use callannotate::config::Config;
use callannotate::pipeline;
use callannotate::stop::Stopped;
use serde_json::Value;

use super::support::models;
use super::support::sides::{decibels, noise, scaled, sides, sum, write_wav};
use super::support::wer::{self, Spoken};

const SECOND: usize = 16_000;

fn cleaned(samples: &[f32], range: std::ops::Range<usize>) -> Vec<f32> {
    Noisy::read(&Audio::new(samples.to_vec()), range).unwrap().cleaned(&|| false).unwrap()
}

/// The level in dB relative to full scale.
fn level(samples: &[f32]) -> f32 {
    10.0 * (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32).log10()
}

/// The delay of `late` behind `early` in samples, at their highest correlation within 2 ms either way.
fn lag(early: &[f32], late: &[f32]) -> isize {
    const MOST: usize = 32;
    let alike = |lag: usize| -> f32 { early[MOST..early.len() - MOST].iter().zip(&late[lag..]).map(|(a, b)| a * b).sum() };
    (0..=2 * MOST).max_by(|&a, &b| alike(a).total_cmp(&alike(b))).unwrap().cast_signed() - MOST.cast_signed()
}

#[test]
fn noise_goes_and_a_voice_keeps_its_level_and_its_time() {
    let voice = sides("support-mono").remove(0);
    let noise = scaled(&noise(voice.len(), 7), decibels(-45.0));
    let noisy = sum(&voice, &noise);
    for (name, recording) in [("clean", &voice), ("noisy", &noisy)] {
        let clean = cleaned(recording, 0..recording.len());
        assert_eq!(clean.len(), recording.len());
        for start in (0..60).step_by(4) {
            let part = start * SECOND..(start + 4) * SECOND;
            if level(&voice[part.clone()]) < -40.0 {
                continue;
            }
            assert_eq!(lag(&voice[part.clone()], &clean[part.clone()]), 0, "{name}, {start} s");
            let change = level(&clean[part.clone()]) - level(&voice[part]);
            assert!(change.abs() < 1.5, "{name}, {start} s: {change:.1} dB");
        }
    }
    let silence = cleaned(&noise, 0..noise.len());
    // Without a voice some noise passes now and then, so the total level is measured.
    let (before, after) = (level(&noise[SECOND..]), level(&silence[SECOND..]));
    assert!(after < before - 8.0, "{after:.1} dB of {before:.1}");
}

#[test]
fn what_comes_before_a_stretch_is_run_in() {
    let noise = scaled(&noise(4 * SECOND, 11), decibels(-40.0));
    let clean = cleaned(&noise, 2 * SECOND..3 * SECOND);
    // From the first 10 ms on; without a run-in the first 100 ms would hardly be reduced.
    for part in clean.chunks(SECOND / 100) {
        assert!(level(part) < level(&noise) - 10.0, "{:.1} dB", level(part));
    }
}

#[test]
fn any_stretch_comes_back_as_long_as_it_was_and_the_same_every_time() {
    let voice = sides("voicemail").remove(0);
    let whole = voice.len();
    for range in
        [0..0, 0..1, 0..159, 0..160, 0..161, 5..6, 1_000..18_777, whole - 3..whole, whole - 3..whole + 9, whole..whole + 1]
    {
        let length = range.end.min(whole) - range.start;
        let once = cleaned(&voice, range.clone());
        assert_eq!(once.len(), length, "{range:?}");
        assert!(once.iter().all(|sample| (-1.0..=1.0).contains(sample)), "{range:?}");
        let _another = cleaned(&voice, 0..40_000);
        assert_eq!(cleaned(&voice, range.clone()), once, "{range:?}");
    }
    assert!(cleaned(&[], 0..100).is_empty());
    // Full-scale input: the output must not exceed it.
    let loud: Vec<f32> = noise(SECOND, 3).iter().map(|sample| sample.signum()).collect();
    assert!(cleaned(&loud, 0..SECOND).iter().all(|sample| (-1.0..=1.0).contains(sample)));
}

#[test]
fn it_stops_within_a_second_of_audio_when_it_is_told_to() {
    let asked = Cell::new(0);
    let stop_at_the_third = || {
        asked.set(asked.get() + 1);
        asked.get() == 3
    };
    let long = Noisy::read(&Audio::new(vec![0.1; 60 * SECOND]), 0..60 * SECOND).unwrap();
    assert_eq!(long.cleaned(&stop_at_the_third), Err(Stopped));
    assert_eq!(asked.get(), 3);
}

#[test]
fn what_was_worked_out_with_noise_is_not_taken_for_what_is_worked_out_without() {
    let folder = tempfile::tempdir().unwrap();
    let identity = |denoise: &str| {
        let environment: HashMap<String, String> =
            [("VOLUME_PATH", folder.path().to_str().unwrap()), ("CALLANNOTATE__TRANSCRIPTION__DENOISE", denoise)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        pipeline::builder(&Config::load(&environment).unwrap())().identity()
    };
    assert_eq!(identity("true"), identity("true"));
    assert_ne!(identity("true"), identity("false"));
}

/// The program's transcription of a recording.
fn segments(recording: &Path, models: &Path, denoise: &str) -> Value {
    let volume = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_callannotate"))
        .env("VOLUME_PATH", volume.path())
        .env("CALLANNOTATE__MODELS__DIRS", models)
        .env("CALLANNOTATE__TRANSCRIPTION__DENOISE", denoise)
        .args(["annotate", "--format", "json"])
        .arg(recording)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["segments"].take()
}

fn spoken(items: &Value, speaker: &str, start: &str) -> Vec<Spoken> {
    let item = |item: &Value| Spoken {
        speaker: item[speaker].as_str().unwrap().to_owned(),
        start: item[start].as_f64().unwrap(),
        text: item["text"].as_str().unwrap().to_owned(),
    };
    items.as_array().unwrap().iter().map(item).collect()
}

#[test]
fn a_noisy_call_is_heard_otherwise_and_still_understood() {
    let Some(models) = models::folder_with_whisper() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noisy.wav");
    let voice = sides("support-mono").remove(0);
    // Noise at 15 dB below the voices.
    write_wav(&path, &[sum(&voice, &scaled(&noise(voice.len(), 7), decibels(-40.0)))]);
    let call = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calls/support-mono.json");
    let reference: Value = serde_json::from_slice(&std::fs::read(call).unwrap()).unwrap();
    let said = spoken(&reference["turns"], "speaker", "start");
    let (as_recorded, denoised) = (segments(&path, &models, "false"), segments(&path, &models, "true"));
    assert_ne!(as_recorded, denoised);
    for (name, segments) in [("as recorded", as_recorded), ("denoised", denoised)] {
        let wer = wer::plain(&said, &spoken(&segments, "speaker_id", "start_time")).percent();
        assert!(wer <= 8.0, "{name}: WER {wer:.1} %");
    }
}
