//! Calls with crosstalk between channels: every word is attributed to the right speaker, and appears once.

use std::process::Command;

use serde_json::Value;

use super::support::models;
use super::support::sides::{decibels, delayed, scaled, sides, sum, write_wav};
use super::support::wer::{self, Spoken};

fn spoken(items: &Value, speaker: &str, start: &str) -> Vec<Spoken> {
    let text = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
    let items = items.as_array().unwrap().iter();
    items
        .map(|item| Spoken { speaker: text(item, speaker), start: item[start].as_f64().unwrap(), text: text(item, "text") })
        .collect()
}

#[test]
fn words_stand_under_who_said_them_when_channels_leak_and_once_when_they_are_copies() {
    let Some(folder) = models::folder_with_whisper() else { return };
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(place.path().join("whisper")).unwrap();
    std::fs::copy(folder.join(models::ENGLISH), place.path().join(models::ENGLISH)).unwrap();
    let [left, right]: [Vec<f32>; 2] = sides("billing-stereo").try_into().unwrap();
    let mono = sides("support-mono").remove(0);
    let leak = decibels(-12.0);
    let crossed = vec![sum(&left, &scaled(&right, leak)), sum(&right, &scaled(&left, leak))];
    let doubled = vec![mono.clone(), scaled(&delayed(&mono, 150), 0.99)];
    // Call, channels, maximum WER, maximum cpWER minus WER: the bounds of the original calls, plus one point of WER for the leak.
    for (name, channels, most_wer, most_above) in [("billing-stereo", crossed, 3.5, 1.0), ("support-mono", doubled, 1.9, 3.0)] {
        let path = place.path().join(format!("{name}.wav"));
        write_wav(&path, &channels);
        let output = Command::new(env!("CARGO_BIN_EXE_callannotate"))
            .env("VOLUME_PATH", place.path())
            .env("CALLANNOTATE__MODELS__DIRS", place.path())
            .args(["annotate", "--format", "json"])
            .arg(&path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        let reference = std::fs::read(super::support::diarizers::call(&format!("{name}.json"))).unwrap();
        let reference: Value = serde_json::from_slice(&reference).unwrap();
        let reference = spoken(&reference["turns"], "speaker", "start");
        let found = spoken(&result["segments"], "speaker_id", "start_time");
        assert_eq!(result["metadata"]["speaker_count"], 2, "{name}");
        // On two channels the order of overlapping turns in one text is arbitrary.
        let score = if name.ends_with("stereo") { wer::per_channel } else { wer::plain };
        let wer = score(&reference, &found).percent();
        let cpwer = wer::concatenated(&reference, &found).percent();
        assert!(wer <= most_wer && cpwer <= wer + most_above, "{name}: WER {wer:.1} %, cpWER {cpwer:.1} %");
    }
}
