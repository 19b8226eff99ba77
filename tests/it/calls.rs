//! The whole pipeline with real models on the sample calls, with the scores of `docs/benchmarks.md` as bounds.
//!
//! The bounds of the word error rate are those of plain whisper.cpp on the whole file (or on each channel), greedy, plus one
//! point; `tests/fixtures/calls/README.md` has the figures. The scores must not get worse than the last baseline, either
//! (`tests/fixtures/quality-words.json`, which `make quality` writes).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Once};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::TempDir;

use super::quality;
use super::support::models;
use super::support::needs::Need;
use super::support::wer::{self, Spoken};

/// Call, number of speakers, maximum WER, maximum cpWER minus WER; in percent and percentage points.
type Bounds = [(&'static str, usize, f64, f64); 4];

const BOUNDS: Bounds = [
    ("support-mono", 2, 1.9, 3.0),
    ("billing-stereo", 2, 2.5, 1.0),
    ("conference-mono", 3, 2.1, 3.0),
    ("voicemail", 1, 5.0, 0.0),
];

/// The setting with the Whisper model alone.
const BUILT_IN: &str = "built-in voiceprint";
/// The setting with the third-party segmentation model.
const SEGMENTED: &str = "segmentation and GE2E";
/// With the float32 segmentation model one reply of conference-mono is assigned to another speaker: cpWER may be this many points
/// above WER there.
const SEGMENTED_CONFERENCE_ABOVE: f64 = 5.5;

/// Word error rates in percent: of all words, and per speaker.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct WordErrors {
    wer: f64,
    cpwer: f64,
}

/// Scores by setting, then by call.
type Scores = BTreeMap<String, BTreeMap<String, WordErrors>>;

pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calls").join(name)
}

/// A folder with only the English model, copied by the first test that needs it.
static WHISPER_ALONE: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());
static COPIED: Once = Once::new();

/// The model folders to test: Whisper alone, with the voice encoder of `make test-models`, and with the third-party models
/// beside the checkout.
fn settings() -> Vec<(&'static str, String)> {
    let Some(folder) = models::folder_with_whisper() else { return Vec::new() };
    let empty = WHISPER_ALONE.path();
    COPIED.call_once(|| {
        std::fs::create_dir_all(empty.join("whisper")).unwrap();
        std::fs::copy(folder.join(models::ENGLISH), empty.join(models::ENGLISH)).unwrap();
    });
    let mut settings = vec![(BUILT_IN, empty.display().to_string())];
    let has_both = |folder: &PathBuf| folder.join("speaker/ge2e-256.onnx").is_file() && folder.join(models::ENGLISH).is_file();
    if let Some(own) = Need::VoiceEncoder.or_skip(Some(models::own()).filter(has_both)) {
        settings.push(("GE2E", own.display().to_string()));
    }
    if let Some(shared) = models::shared() {
        let dirs = format!("{},{}", empty.display(), shared.join("models").display());
        settings.push((SEGMENTED, dirs));
    }
    settings
}

fn annotate(recording: &Path, setting: &str, dirs: &str) -> Value {
    let volume = tempfile::tempdir().unwrap();
    // Named, because a folder of third-party models may hold others that would be preferred.
    let speaker = if setting == BUILT_IN { "" } else { "ge2e-256.onnx" };
    let output = Command::new(env!("CARGO_BIN_EXE_callannotate"))
        .env("VOLUME_PATH", volume.path())
        .env("CALLANNOTATE__MODELS__DIRS", dirs)
        .env("CALLANNOTATE__MODELS__SPEAKER", speaker)
        .args(["annotate", "--format", "json"])
        .arg(recording)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

pub(super) fn reference(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixture(&format!("{name}.json"))).unwrap()).unwrap()
}

pub(super) fn spoken(items: &Value, speaker: &str, start: &str) -> Vec<Spoken> {
    items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| Spoken {
            speaker: item[speaker].as_str().unwrap().to_owned(),
            start: item[start].as_f64().unwrap(),
            text: item["text"].as_str().unwrap().to_owned(),
        })
        .collect()
}

#[test]
fn english_calls_are_written_down_and_given_to_the_right_people() {
    let mut scores = Scores::new();
    for (setting, dirs) in settings() {
        // With the built-in voiceprint the words are the same: the embedding only changes who is said to speak them, which `quality.rs`
        // measures on all calls. `make quality` compares all of them.
        let calls = BOUNDS.iter().filter(|(name, ..)| setting != BUILT_IN || *name == "voicemail" || quality::report().is_some());
        for &(name, people, most_wer, most_above) in calls {
            let is_segmented_conference = setting == SEGMENTED && name == "conference-mono";
            let most_above = if is_segmented_conference { SEGMENTED_CONFERENCE_ABOVE } else { most_above };
            let result = annotate(&fixture(&format!("{name}.flac")), setting, &dirs);
            let (reference, found) =
                (spoken(&reference(name)["turns"], "speaker", "start"), spoken(&result["segments"], "speaker_id", "start_time"));
            assert_eq!(result["metadata"]["speaker_count"], people, "{name}, {setting}");
            let cpwer = wer::concatenated(&reference, &found).percent();
            // On two channels the order of overlapping turns in one text is arbitrary: the words are scored per channel.
            let wer = if name.ends_with("stereo") {
                wer::per_channel(&reference, &found).percent()
            } else {
                wer::plain(&reference, &found).percent()
            };
            assert!(wer <= most_wer, "{name}, {setting}: WER {wer:.1} %");
            assert!(cpwer <= wer + most_above, "{name}, {setting}: cpWER {cpwer:.1} %, WER {wer:.1} %");
            well_formed(&result);
            let errors = WordErrors { wer: quality::rounded(wer), cpwer: quality::rounded(cpwer) };
            scores.entry(setting.to_owned()).or_default().insert(name.to_owned(), errors);
        }
    }
    no_worse_than_before(&scores);
}

/// Compares with the baseline, or writes the new one.
fn no_worse_than_before(scores: &Scores) {
    if let Some(report) = quality::report() {
        std::fs::write(report.with_extension("words.json"), serde_json::to_string_pretty(scores).unwrap() + "\n").unwrap();
        return;
    }
    let before = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/quality-words.json");
    let before: Scores = serde_json::from_slice(&std::fs::read(before).unwrap()).unwrap();
    let is_worse = |now: f64, before: f64| now > before + quality::TOLERANCE;
    let measured = scores.iter().flat_map(|(setting, calls)| calls.iter().map(move |(call, now)| (setting, call, now)));
    let compared = measured.map(|(setting, call, now)| (setting, call, now, before[setting][call]));
    let worse: Vec<_> =
        compared.filter(|(.., now, before)| is_worse(now.wer, before.wer) || is_worse(now.cpwer, before.cpwer)).collect();
    assert!(worse.is_empty(), "worse than before: {worse:?}");
}

#[test]
fn hold_music_and_ringing_are_nobody_and_no_word() {
    for (setting, dirs) in settings() {
        let result = annotate(&fixture("hold-music.flac"), setting, &dirs);
        assert_eq!(result["processing"]["transcription"]["status"], "completed", "{setting}");
        assert_eq!(result["metadata"]["speaker_count"], 0, "{setting}");
        assert_eq!(result["metadata"]["word_count"], 0, "{setting}");
    }
}

#[test]
fn a_russian_call_is_diarized_and_the_english_model_says_that_it_cannot_do_more() {
    // One setting: the English model needs three times as long for Russian, and `diarization.rs` diarizes this call with all models.
    for (setting, dirs) in settings().into_iter().take(1) {
        let result = annotate(&fixture("support-ru-stereo.flac"), setting, &dirs);
        assert_eq!(result["metadata"]["speaker_count"], 2, "{setting}");
        let warnings = result["metadata"]["warnings"].as_array().unwrap();
        assert!(warnings.iter().any(|warning| warning.as_str().unwrap().contains("English")), "{setting}: {warnings:?}");
    }
}

/// The invariants of every document: times inside the recording, in order, words inside their segment.
pub(super) fn well_formed(result: &Value) {
    let end = result["metadata"]["total_duration"].as_f64().unwrap();
    let mut last_start = 0.0;
    for segment in result["segments"].as_array().unwrap() {
        let (start, stop) = (segment["start_time"].as_f64().unwrap(), segment["end_time"].as_f64().unwrap());
        assert!(last_start <= start && start <= stop && stop <= end, "{segment}");
        last_start = start;
        let mut last_word = start;
        for word in segment["words"].as_array().unwrap() {
            let (from, to) = (word["start_time"].as_f64().unwrap(), word["end_time"].as_f64().unwrap());
            assert!(last_word <= from && from <= to && to <= stop, "{word} in {segment}");
            last_word = from;
        }
    }
    let listed: usize =
        result["speakers"].as_array().unwrap().iter().map(|speaker| speaker["segments"].as_array().unwrap().len()).sum();
    assert_eq!(listed, result["segments"].as_array().unwrap().len());
}
