//! The error rates of speaker recognition on clips of `scripts/quality/voiceprints.py`, measured by `make quality`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use callannotate::audio::channels::plan;
use callannotate::audio::decode::{DecodeLimits, decode};
use callannotate::context::JobContext;
use callannotate::jobs::options::ChannelMode;
use callannotate::recognize::default_threshold;
use callannotate::voiceprint::{Features, Voiceprint, VoiceprintModel};
use serde::Serialize;

use crate::quality::{report, rounded};
use crate::support::diarizers::{Voice, voiceprint};

/// A clip of one voice.
struct Clip {
    /// `tune` or `held`.
    half: String,
    who: String,
    telephone: bool,
    /// `full` or `short`.
    length: String,
    voiceprint: Voiceprint,
}

/// Error rates in percent of all pairs of clips of one kind.
#[derive(Debug, Clone, Copy, Serialize)]
struct ErrorRates {
    /// Equal error rate and the similarity at which it is reached.
    eer: f64,
    eer_at: f64,
    /// Similarity that one pair of strangers in a thousand reaches.
    one_in_thousand_at: f64,
    /// Errors at the shipped threshold: strangers accepted, and the same voice not recognized.
    false_accepts: f64,
    misses: f64,
    /// Pairs of strangers and of one voice.
    strangers: usize,
    same: usize,
}

fn clips(folder: &Path, model: &mut VoiceprintModel) -> Vec<Clip> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let clip = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let (half, rest) = name.split_once("_voice-").unwrap();
        let mut parts = rest.rsplitn(4, '-');
        let [length, band, _, who] = std::array::from_fn(|_| parts.next().unwrap().to_owned());
        let recording = decode(&path, &DecodeLimits::default(), &JobContext::detached()).unwrap();
        let plan = plan(recording.channels, ChannelMode::Auto).unwrap();
        let audio = &plan.signals()[0].audio;
        let features = Features::of(model.kind(), audio).unwrap();
        let frames: Vec<usize> = (0..features.len()).collect();
        let voiceprint = model.embed(&features, &frames).unwrap().unwrap();
        Clip { half: half.to_owned(), who, telephone: band == "tel", length, voiceprint }
    };
    paths.into_iter().map(clip).collect()
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn error_rates(same: &mut [f32], strangers: &mut [f32], threshold: f32) -> ErrorRates {
    same.sort_by(f32::total_cmp);
    strangers.sort_by(f32::total_cmp);
    let misses = |at: f32| 100.0 * same.partition_point(|score| *score < at) as f64 / same.len() as f64;
    let accepts = |at: f32| 100.0 * (1.0 - strangers.partition_point(|score| *score < at) as f64 / strangers.len() as f64);
    let eer_at = same
        .iter()
        .chain(&*strangers)
        .copied()
        .min_by(|one, other| (misses(*one) - accepts(*one)).abs().total_cmp(&(misses(*other) - accepts(*other)).abs()))
        .unwrap();
    let one_in_thousand = strangers[(strangers.len() * 999 / 1000).min(strangers.len() - 1)];
    ErrorRates {
        eer: rounded(f64::midpoint(misses(eer_at), accepts(eer_at))),
        eer_at: hundredths(eer_at.into()),
        one_in_thousand_at: hundredths(one_in_thousand.into()),
        false_accepts: hundredths(accepts(threshold)),
        misses: rounded(misses(threshold)),
        strangers: strangers.len(),
        same: same.len(),
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "prints the measurements")]
fn voices_are_recognized() {
    let Some(folder) = std::env::var_os("CALLANNOTATE_VOICEPRINTS").map(PathBuf::from) else { return };
    let mut rates: BTreeMap<String, ErrorRates> = BTreeMap::new();
    for (name, voice) in [("CAM++", Voice::CampPlus), ("GE2E", Voice::Ge2e)] {
        let Some(mut model) = voiceprint(voice) else { continue };
        let threshold = default_threshold(model.kind());
        let clips = clips(&folder, &mut model);
        for half in ["tune", "held"] {
            for length in ["full", "short"] {
                let chosen: Vec<&Clip> = clips.iter().filter(|clip| clip.half == half && clip.length == length).collect();
                for (condition, bands) in [("wide", (false, false)), ("telephone", (true, true)), ("across", (false, true))] {
                    let (mut same, mut strangers) = (Vec::new(), Vec::new());
                    for (place, one) in chosen.iter().enumerate() {
                        for (_, other) in chosen.iter().enumerate().filter(|(other, _)| *other != place) {
                            // Across, each pair has one order; otherwise it is counted twice, which changes no rate.
                            if (one.telephone, other.telephone) == bands {
                                let score = one.voiceprint.similarity(&other.voiceprint).unwrap();
                                if one.who == other.who { &mut same } else { &mut strangers }.push(score);
                            }
                        }
                    }
                    let found = error_rates(&mut same, &mut strangers, threshold);
                    eprintln!("{name:6} {half} {length:5} {condition:9} {found:?}");
                    // A wrong name is worse than none.
                    assert!(voice != Voice::CampPlus || found.false_accepts <= 0.1, "{half} {length} {condition}: {found:?}");
                    rates.insert(format!("{name}, {half}, {length}, {condition}"), found);
                }
            }
        }
    }
    if let Some(report) = report() {
        std::fs::write(report.with_extension("voices.json"), serde_json::to_string_pretty(&rates).unwrap() + "\n").unwrap();
    }
}
