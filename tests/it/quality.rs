//! The accuracy of diarization on all recordings with a reference, compared with the baseline in
//! `tests/fixtures/quality.json`, so that no change loses accuracy unnoticed.
//!
//! `make quality` runs this and the transcription test (`calls.rs`) with `CALLANNOTATE_QUALITY_REPORT` set, also on generated
//! conversations, and writes the new baselines and docs/benchmarks.md.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use callannotate::diarize::{Diarize, SpeakerCount};
use serde::{Deserialize, Serialize};

use crate::support::der::{Errors, read_rttm, read_uem, score, turns_of};
use crate::support::diarizers::{Voice, call, diarize_file, with_segmentation, without_segmentation};
use crate::support::models::shared_path;

/// The tolerated increase of an error rate in percentage points: processors differ in the last digits, which can add or remove
/// a speaker in a short recording.
pub(super) const TOLERANCE: f64 = 1.0;
/// The tolerated number of additional recordings with a wrong speaker count.
const COUNT_TOLERANCE: usize = 1;

const BEST: &str = "segmentation, CAM++";

/// A recording and its reference annotation.
struct Recording {
    audio: PathBuf,
    reference: PathBuf,
    region: Option<PathBuf>,
}

/// The scores of one system on one set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Score {
    /// Diarization error rate in percent with overlap scored: without a collar, and with one of 0.25 s.
    der: f64,
    der_collar: f64,
    /// The recordings with the right number of speakers, and all recordings.
    counted_right: usize,
    recordings: usize,
}

/// Scores by speaker count (`given` or `estimated`), set and system.
type Scores = BTreeMap<String, BTreeMap<String, BTreeMap<String, Score>>>;

/// A call of two people whose voices are hardly apart; of interest for the best system alone.
const SIMILAR: &str = "call of similar voices";

/// Kinds of recordings that are made to count people, by the start of the set's name, and of the file's after the half.
const COUNTED: [(&str, &str); 3] = [("one voice", "one"), ("two people", "two"), ("a short third", "third")];

/// Every score with its speaker count, set and system.
fn rows(scores: &Scores) -> impl Iterator<Item = (String, String, String, Score)> {
    scores.iter().flat_map(|(count, sets)| {
        sets.iter().flat_map(move |(set, systems)| {
            systems.iter().map(move |(system, score)| (count.clone(), set.clone(), system.clone(), *score))
        })
    })
}

/// The available sets of recordings: the sample calls and third-party sets.
fn sets() -> Vec<(String, Vec<Recording>)> {
    let own =
        |name: &str| Recording { audio: call(&format!("{name}.flac")), reference: call(&format!("{name}.rttm")), region: None };
    let mut sets = vec![("sample calls".to_owned(), ["support-mono", "conference-mono", "voicemail"].map(own).into())];
    let Some(references) = shared_path("audio/references") else { return sets };
    let folder = references.parent().unwrap();
    let others = |files: &[&str]| -> Vec<Recording> {
        let one = |file: &&str| {
            let stem = Path::new(file).file_stem().unwrap().to_string_lossy().replace("_mono", "");
            let beside = |extension| folder.join(format!("references/{stem}.{extension}"));
            Recording { audio: folder.join(file), reference: beside("rttm"), region: Some(beside("uem")) }
        };
        files.iter().map(one).collect()
    };
    let meetings: Vec<String> =
        ["dev00", "dev01"].map(str::to_owned).into_iter().chain((0..10).map(|n| format!("trn0{n}"))).collect();
    let meetings: Vec<String> = meetings.iter().map(|name| format!("diarization/ami-pyannote/{name}.flac")).collect();
    sets.push(("AMI".to_owned(), others(&meetings.iter().map(String::as_str).collect::<Vec<_>>())));
    let mixes = ["picovoice/falcon_test", "transcribe.cpp/multitalker-2spk-mix", "transcribe.cpp/sortformer-2spk-mix"];
    let mixes = mixes.map(|name| format!("diarization/{name}.wav"));
    sets.push(("small".to_owned(), others(&mixes.each_ref().map(String::as_str))));
    sets.push(("call".to_owned(), others(&["calls/derived/Auto_Repairs_40_mono.flac"])));
    sets.push((SIMILAR.to_owned(), others(&["calls/derived/Auto_Repairs_49_mono.flac"])));
    let synthetic = ["tel2a", "tel3a", "wide2a", "wide4a"].map(|name| format!("diarization/synth/synth_{name}.flac"));
    sets.push(("synthetic".to_owned(), others(&synthetic.each_ref().map(String::as_str))));
    sets
}

/// Recordings of `scripts/quality/counting.py`, in the same halves as the conversations.
fn counted(sets: &mut Vec<(String, Vec<Recording>)>) {
    for (half, name) in [("tune", "chosen on"), ("held", "held back")] {
        for (set, kind) in COUNTED {
            let recordings = made(&format!("{half}_{kind}"));
            if !recordings.is_empty() {
                sets.push((format!("{set}, {name}"), recordings));
            }
        }
    }
}

/// Recordings in the folder of generated ones whose names begin with this; none without such a folder.
fn made(start: &str) -> Vec<Recording> {
    let Some(folder) = std::env::var_os("CALLANNOTATE_CONVERSATIONS").map(PathBuf::from) else { return Vec::new() };
    let mut audio: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    audio.retain(|path| {
        path.extension().is_some_and(|end| end == "flac") && path.file_name().unwrap().to_string_lossy().starts_with(start)
    });
    audio.sort();
    audio.into_iter().map(|audio| Recording { reference: audio.with_extension("rttm"), region: None, audio }).collect()
}

/// Generated conversations: constants are tuned on the first half, the second is held out.
fn conversations(sets: &mut Vec<(String, Vec<Recording>)>) {
    // Their names go on with a number.
    for (set, half) in [("made, chosen on", "tune"), ("made, held back", "held")] {
        let recordings: Vec<Recording> = (0..10).flat_map(|digit| made(&format!("{half}_{digit}"))).collect();
        if !recordings.is_empty() {
            sets.push((set.to_owned(), recordings));
        }
    }
}

pub(super) fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The file for the measurements of `make quality`.
pub(super) fn report() -> Option<PathBuf> {
    std::env::var_os("CALLANNOTATE_QUALITY_REPORT").map(PathBuf::from)
}

fn measure(diarizer: &mut dyn Diarize, recordings: &[Recording], given: bool) -> Score {
    let (mut all, mut all_collar, mut counted_right) = (Errors::default(), Errors::default(), 0);
    for recording in recordings {
        let (reference, _) = read_rttm(&recording.reference);
        let region = recording.region.as_deref().and_then(read_uem);
        let scored = |turn: &&crate::support::der::Turn| region.is_none_or(|(start, end)| turn.start < end && turn.end > start);
        let mut people: Vec<usize> = reference.iter().filter(scored).map(|turn| turn.speaker).collect();
        people.sort_unstable();
        people.dedup();
        let count = if given { SpeakerCount::exactly(people.len()) } else { SpeakerCount::UNKNOWN };
        let (found, duration) = diarize_file(diarizer, &recording.audio, count);
        let region = region.unwrap_or((0.0, duration.as_seconds()));
        all += score(&reference, &turns_of(&found), region, 0.0);
        all_collar += score(&reference, &turns_of(&found), region, 0.25);
        counted_right += usize::from(found.speakers.len() == people.len());
    }
    Score { der: rounded(all.rate()), der_collar: rounded(all_collar.rate()), counted_right, recordings: recordings.len() }
}

#[test]
#[expect(clippy::print_stderr, reason = "prints the measurements")]
fn people_are_told_apart_no_worse_than_before() {
    let systems = [
        (BEST, with_segmentation(Voice::CampPlus)),
        ("segmentation, GE2E", with_segmentation(Voice::Ge2e)),
        ("segmentation, built-in", with_segmentation(Voice::BuiltIn)),
        ("VAD, GE2E", without_segmentation(Voice::Ge2e)),
        ("VAD, built-in", without_segmentation(Voice::BuiltIn)),
    ];
    let mut sets = sets();
    conversations(&mut sets);
    counted(&mut sets);
    let report = report();
    let mut scores = Scores::new();
    let only = std::env::var("CALLANNOTATE_QUALITY_SYSTEM").ok();
    for (system, diarizer) in systems {
        let Some(mut diarizer) = diarizer.filter(|_| only.as_deref().is_none_or(|only| only == system)) else { continue };
        for (set, recordings) in &sets {
            let counted = COUNTED.iter().any(|(name, _)| set.starts_with(name));
            if (counted || set == SIMILAR) && system != BEST {
                continue;
            }
            // The best system also with a given speaker count; `make quality` measures all systems that way.
            let counts =
                if !counted && (report.is_some() || system == BEST) { &["given", "estimated"][..] } else { &["estimated"] };
            for count in counts.iter().copied() {
                let score = measure(diarizer.as_mut(), recordings, count == "given");
                eprintln!(
                    "{system:24} {set:16} {count:10} {:5.1} {:5.1}  {} of {}",
                    score.der, score.der_collar, score.counted_right, score.recordings
                );
                scores.entry(count.to_owned()).or_default().entry(set.clone()).or_default().insert(system.to_owned(), score);
            }
        }
    }
    let baseline = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/quality.json");
    let baseline: Scores = serde_json::from_slice(&std::fs::read(baseline).unwrap()).unwrap();
    if let Some(report) = report {
        // With one system measured, the figures of the others stay.
        for (count, set, system, score) in rows(&baseline).filter(|_| only.is_some()) {
            scores.entry(count).or_default().entry(set).or_default().entry(system).or_insert(score);
        }
        std::fs::write(report, serde_json::to_string_pretty(&scores).unwrap() + "\n").unwrap();
        return;
    }
    let mut worse = Vec::new();
    for (count, sets) in &scores {
        for (set, systems) in sets {
            for (system, now) in systems {
                let before = baseline[count][set][system];
                let lost = now.der > before.der + TOLERANCE
                    || now.der_collar > before.der_collar + TOLERANCE
                    || now.counted_right + COUNT_TOLERANCE < before.counted_right;
                if lost {
                    worse.push(format!("{system}, {set}, count {count}: {now:?}, before {before:?}"));
                }
            }
        }
    }
    assert!(worse.is_empty(), "{}", worse.join("\n"));
}
