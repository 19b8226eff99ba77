//! Diarization of the sample calls with the built-in models, and with third-party models if present.

use std::process::Command;

use callannotate::audio::Audio;
use callannotate::context::JobContext;
use callannotate::diarize::{Diarize, SpeakerCount, speech_regions};

use crate::support::der::{Errors, Turn, read_rttm, score, turns_of};
use crate::support::diarizers::{Voice, call, diarize_file, with_segmentation, without_segmentation};

/// The sample calls and their numbers of speakers.
const CALLS: [(&str, usize); 6] = [
    ("support-mono", 2),
    ("billing-stereo", 2),
    ("conference-mono", 3),
    ("voicemail", 1),
    ("hold-music", 0),
    ("support-ru-stereo", 2),
];

/// Diarizes the sample calls: the right number of speakers, one per channel of a stereo call, and a total error rate below `bar`.
fn check_calls(diarizer: &mut dyn Diarize, bar: f64) {
    let mut all = Errors::default();
    for (name, people) in CALLS {
        let (found, duration) = diarize_file(diarizer, &call(&format!("{name}.flac")), SpeakerCount::UNKNOWN);
        assert_eq!(found.speakers.len(), people, "{name}");
        if name.ends_with("stereo") {
            let mut channels: Vec<_> = found.speakers.iter().map(|speaker| speaker.channel).collect();
            channels.sort_unstable();
            assert_eq!(channels, [Some(0), Some(1)], "{name}");
        }
        assert!(found.speakers.iter().all(|speaker| speaker.voiceprint.is_some()), "{name}");
        let (reference, _) = read_rttm(&call(&format!("{name}.rttm")));
        all += score(&reference, &turns_of(&found), (0.0, duration.as_seconds()), 0.25);
        // The speech regions for transcription contain every word.
        let regions = speech_regions(&found, duration);
        let lost: f64 = reference.iter().map(|turn| outside(turn, &regions)).sum();
        assert!(lost < 0.5, "{name}: {lost} s of speech would not be transcribed");
    }
    assert!(all.rate() <= bar, "{:.2} % with a collar of 0.25 s", all.rate());
}

/// The seconds of a turn outside all regions.
fn outside(turn: &Turn, regions: &[callannotate::audio::time::TimeSpan]) -> f64 {
    let inside = |region: &callannotate::audio::time::TimeSpan| {
        (turn.end.min(region.end().as_seconds()) - turn.start.max(region.start().as_seconds())).max(0.0)
    };
    turn.end - turn.start - regions.iter().map(inside).sum::<f64>()
}

#[test]
fn our_calls_without_any_model_file() {
    let mut diarizer = without_segmentation(Voice::BuiltIn).unwrap();
    check_calls(diarizer.as_mut(), 4.0);
}

#[test]
fn our_calls_with_the_segmentation_model() {
    let Some(mut diarizer) = with_segmentation(Voice::BuiltIn) else { return };
    check_calls(diarizer.as_mut(), 5.0);
}

#[test]
fn our_calls_with_the_best_models() {
    let Some(mut diarizer) = with_segmentation(Voice::Ge2e) else { return };
    check_calls(diarizer.as_mut(), 4.0);
}

#[test]
fn tones_and_silence_are_nobody() {
    let diarizers = [without_segmentation(Voice::BuiltIn), with_segmentation(Voice::BuiltIn)];
    let tone = |hertz: f32| move |index: usize| (std::f32::consts::TAU * hertz * index as f32 / 16_000.0).sin();
    let ringing = |index: usize| if index % 64_000 < 16_000 { 0.4 * tone(425.0)(index) } else { 0.0 };
    for mut diarizer in diarizers.into_iter().flatten() {
        for (name, samples) in [
            ("silence", vec![0.0; 80_000]),
            ("nothing", Vec::new()),
            ("a pure tone", (0..80_000).map(tone(440.0)).collect()),
            ("ringing", (0..320_000).map(ringing).collect()),
        ] {
            let found = diarizer.diarize(&JobContext::detached(), &Audio::new(samples), SpeakerCount::UNKNOWN).unwrap();
            assert!(found.speakers.is_empty() && found.turns.is_empty(), "{name}: {found:?}");
        }
    }
}

#[test]
fn a_given_number_of_speakers_is_kept() {
    let mut diarizer = without_segmentation(Voice::BuiltIn).unwrap();
    for people in 1..=4 {
        let (found, _) = diarize_file(diarizer.as_mut(), &call("conference-mono.flac"), SpeakerCount::exactly(people));
        assert_eq!(found.speakers.len(), people);
    }
}

#[test]
fn a_job_that_is_stopped_is_not_diarized() {
    let stop = callannotate::stop::StopSignal::new();
    stop.raise(callannotate::stop::StopReason::Cancelled);
    let ctx = JobContext::new(stop, std::sync::Arc::new(|_, _| {}));
    let mut diarizer = without_segmentation(Voice::BuiltIn).unwrap();
    assert!(diarizer.diarize(&ctx, &Audio::new(vec![0.1; 16_000]), SpeakerCount::UNKNOWN).is_err());
}

/// The turns that the program finds with these settings: start and length in milliseconds.
fn turns_with(settings: &[(&str, &str)]) -> Vec<(u64, u64)> {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_callannotate"))
        .args(["annotate", "--format", "rttm", "--speakers", "2"])
        .arg(call("support-mono.flac"))
        .env("VOLUME_PATH", folder.path())
        .env("CALLANNOTATE__MODELS__DIRS", "none")
        .envs(settings.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let field = |line: &str, place: usize| {
        let seconds: f64 = line.split_whitespace().nth(place).unwrap().parse().unwrap();
        (seconds * 1000.0).round() as u64
    };
    text.lines().map(|line| (field(line, 3), field(line, 4))).collect()
}

#[test]
fn turns_are_cleaned_up_as_the_settings_say() {
    let usual = turns_with(&[]);
    let long = turns_with(&[("CALLANNOTATE__DIARIZATION__SHORTEST_TURN", "2.5")]);
    let kept: Vec<_> = usual.iter().copied().filter(|(_, length)| *length >= 2500).collect();
    assert!(kept.len() < usual.len());
    assert_eq!(long, kept);
    let joined = turns_with(&[("CALLANNOTATE__DIARIZATION__LONGEST_PAUSE", "1.5")]);
    assert!(joined.len() < usual.len());
    // A merged turn begins where one of its parts began.
    assert!(joined.iter().all(|(start, _)| usual.iter().any(|(known, _)| known == start)));
}
