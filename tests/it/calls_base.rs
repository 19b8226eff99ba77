//! The sample calls with what `make models` brings: Whisper base, the segmentation and CAM++.
//!
//! The scores must not get worse than the last baseline (`tests/fixtures/quality-base.json`, which `make quality` writes). `make test`
//! transcribes the Russian call alone, `make quality` all calls.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::calls::{fixture, reference, spoken, well_formed};
use super::quality;
use super::support::models;
use super::support::process::callannotate;
use super::support::wer;

const RUSSIAN: &str = "support-ru-stereo";
const ENGLISH: [&str; 4] = ["support-mono", "billing-stereo", "conference-mono", "voicemail"];
/// The most character errors that the Russian call may have when a baseline is written, in percent. Processors differ in the last
/// digits, so a test on another one has the tolerance of the baseline.
const MOST_CHARACTER_ERRORS: f64 = 5.0;

/// Error rates in percent: of words, and of characters.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Errors {
    wer: f64,
    cer: f64,
}

/// The language of the result, and its errors.
fn transcribe(models: &Path, name: &str) -> (String, Errors) {
    let volume = tempfile::tempdir().unwrap();
    let output = callannotate(volume.path())
        .env("CALLANNOTATE__MODELS__DIRS", models)
        .args(["annotate", "--format", "json"])
        .arg(fixture(&format!("{name}.flac")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    well_formed(&result);
    let (said, heard) =
        (spoken(&reference(name)["turns"], "speaker", "start"), spoken(&result["segments"], "speaker_id", "start_time"));
    // On two channels the order of overlapping turns in one text is arbitrary: the words are scored per channel.
    let words = if name.ends_with("stereo") { wer::per_channel(&said, &heard) } else { wer::plain(&said, &heard) };
    let rates = [words, wer::characters(&said, &heard)].map(|score| quality::rounded(score.percent()));
    (result["metadata"]["language"].as_str().unwrap().to_owned(), Errors { wer: rates[0], cer: rates[1] })
}

#[test]
fn russian_and_english_calls_are_written_down_no_worse_than_before() {
    let Some(models) = models::defaults() else { return };
    let mut scores = BTreeMap::new();
    let (language, errors) = transcribe(&models, RUSSIAN);
    assert_eq!(language, "ru");
    scores.insert(RUSSIAN, errors);
    if let Some(report) = quality::report() {
        assert!(errors.cer <= MOST_CHARACTER_ERRORS, "{errors:?}");
        for name in ENGLISH {
            let (language, errors) = transcribe(&models, name);
            assert_eq!(language, "en", "{name}");
            scores.insert(name, errors);
        }
        std::fs::write(report.with_extension("base.json"), serde_json::to_string_pretty(&scores).unwrap() + "\n").unwrap();
        return;
    }
    let before = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/quality-base.json");
    let before: BTreeMap<String, Errors> = serde_json::from_slice(&std::fs::read(before).unwrap()).unwrap();
    for (name, now) in scores {
        let before = before[name];
        let is_worse = |now: f64, before: f64| now > before + quality::TOLERANCE;
        assert!(!is_worse(now.wer, before.wer) && !is_worse(now.cer, before.cer), "{name}: {now:?}, before {before:?}");
    }
}
