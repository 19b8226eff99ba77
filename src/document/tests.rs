//! Any result comes back as it was written, and results of earlier versions are still read.

use chrono::DateTime;
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

/// A number as results have it: to the given number of decimal places.
fn decimal(places: i32) -> impl Strategy<Value = f64> {
    (0..20_000_000_u64).prop_map(move |number| number as f64 / 10_f64.powi(places))
}

fn word() -> impl Strategy<Value = Word> {
    (".*", decimal(3), decimal(3), decimal(4), "speaker_[0-9]{2}").prop_map(
        |(word, start_time, end_time, confidence, speaker_id)| Word { word, start_time, end_time, confidence, speaker_id },
    )
}

fn segment() -> impl Strategy<Value = Segment> {
    let words = of(proptest::collection::vec(word(), 0..4));
    (any::<usize>(), ".*", of(any::<u16>()), decimal(3), decimal(3), decimal(4), of("[a-z]{2}"), any::<bool>(), words).prop_map(
        |(id, text, channel, start_time, end_time, confidence, language, overlap, words)| Segment {
            id,
            speaker_id: "speaker_01".to_owned(),
            channel,
            start_time,
            end_time,
            text,
            confidence,
            language,
            overlap,
            words,
        },
    )
}

fn speaker() -> impl Strategy<Value = Speaker> {
    let candidate =
        (".*", -1.0..1.0).prop_map(|(name, score): (String, f64)| Candidate { name, score: (score * 1e4).round() / 1e4 });
    let candidates = proptest::collection::vec(candidate, 0..3);
    let contact = prop_oneof![Just(None), ".*".prop_map(|name| Some(json!({ "name": name })))];
    let segments = proptest::collection::vec(segment(), 0..3);
    (".*", of(".*"), any::<bool>(), of(any::<u16>()), of(".*"), decimal(3), contact, candidates, segments).prop_map(
        |(name, source, searched, channel, role, total_duration, contact, candidates, segments)| Speaker {
            speaker_id: "speaker_01".to_owned(),
            identified_as: name.clone(),
            confidence: 0.5,
            voice_embedding_source: source,
            carddav_search_performed: searched,
            label: name,
            channel,
            role,
            total_duration,
            contact,
            candidates,
            segments,
        },
    )
}

fn report() -> impl Strategy<Value = StageReport> {
    let status = prop_oneof![Just(StageStatus::Completed), Just(StageStatus::Skipped), Just(StageStatus::Failed)];
    let model = (".*", of(".*")).prop_map(|(name, license)| Model {
        name,
        framework: "rten".to_owned(),
        device: "cpu".to_owned(),
        license,
    });
    (status, of(".*"), of(model), decimal(3), decimal(3)).prop_map(|(status, reason, model, seconds, cpu_seconds)| StageReport {
        status,
        reason,
        model,
        seconds,
        cpu_seconds,
    })
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let stages = proptest::collection::vec(("[a-z_]{1,12}", report().prop_map(|report| report.status)), 0..4);
    let warnings = proptest::collection::vec(".*", 0..3);
    (decimal(3), any::<usize>(), decimal(4), stages, of("[a-z]{2}"), of(decimal(4)), any::<u64>(), any::<u32>(), warnings)
        .prop_map(|(duration, count, average, stages, language, certainty, size_bytes, sample_rate, warnings)| Metadata {
            total_duration: duration,
            speaker_count: count,
            word_count: count,
            confidence_average: average,
            processing_stages: stages.into_iter().collect(),
            language,
            language_confidence: certainty,
            audio: AudioInfo {
                format: "wav".to_owned(),
                codec: "pcm_s16le".to_owned(),
                sample_rate,
                channels: 2,
                duration,
                size_bytes,
                sha256: "0".repeat(64),
            },
            warnings,
        })
}

fn document() -> impl Strategy<Value = Document> {
    let turn = (decimal(3), decimal(3), decimal(4), of(any::<u16>())).prop_map(|(start_time, end_time, confidence, channel)| {
        Turn { speaker_id: "speaker_01".to_owned(), channel, start_time, end_time, confidence }
    });
    let transcription = (".*", of("[a-z]{2}"), decimal(4)).prop_map(|(full_text, language, confidence)| Transcription {
        full_text,
        language,
        confidence,
    });
    let statistics = (any::<usize>(), decimal(3)).prop_map(|(count, seconds)| Statistics {
        speaker_count: count,
        segment_count: count,
        word_count: count,
        speech_seconds: seconds,
        silence_seconds: seconds,
        overlap_seconds: seconds,
    });
    (
        proptest::collection::vec(speaker(), 0..3),
        proptest::collection::vec(segment(), 0..3),
        proptest::collection::vec(turn, 0..3),
        metadata(),
        of(transcription),
        statistics,
        proptest::collection::vec(("[a-z_]{1,12}", report()), 0..4),
    )
        .prop_map(|(speakers, segments, turns, metadata, transcription, statistics, processing)| Document {
            format_version: FormatVersion::CURRENT,
            speakers,
            segments,
            turns,
            metadata,
            transcription,
            statistics,
            processing: processing.into_iter().collect(),
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_result_comes_back_as_it_was_written(
        result in document(), id in any::<u128>(), milliseconds in 0..4_000_000_000_000_i64, processing_time in decimal(3)
    ) {
        let file = ResultFile {
            job_id: Uuid::from_u128(id),
            status: ResultStatus::Completed,
            completed_at: DateTime::from_timestamp_millis(milliseconds).unwrap(),
            processing_time,
            result,
        };
        let written = serde_json::to_vec(&file).unwrap();
        let read: ResultFile = serde_json::from_slice(&written).unwrap();
        prop_assert_eq!(&read, &file);
        prop_assert_eq!(serde_json::to_vec(&read).unwrap(), written);
    }
}

/// The results in `tests/fixtures/results`, each with its file's name.
fn fixtures() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/results");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    assert!(paths.len() >= 4, "the fixtures are not there");
    paths.into_iter().map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn results_of_earlier_versions_are_read_whole() {
    for (name, fixture) in fixtures() {
        let file: ResultFile = serde_json::from_str(&fixture).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut written = serde_json::to_string(&file).unwrap();
        // The first results did not name their version.
        if !fixture.contains("format_version") {
            assert_eq!(file.result.format_version, FormatVersion::FIRST);
            written = written.replacen("\"format_version\":1,", "", 1);
        }
        assert_eq!(written, fixture, "{name}");
    }
}

#[test]
fn what_a_later_version_adds_is_ignored_and_what_it_changes_is_refused() {
    let (_, fixture) = fixtures().into_iter().find(|(name, _)| name.ends_with("1.0-words-and-names.json")).unwrap();
    let mut fixture: Value = serde_json::from_str(&fixture).unwrap();
    fixture["result"]["analytics"] = json!({ "questions": 3 });
    fixture["result"]["speakers"][0]["identity"] = json!({ "source": "person" });
    fixture["result"]["processing"]["redaction"] = json!({ "status": "skipped", "seconds": 0.0, "cpu_seconds": 0.0 });
    let read: ResultFile = serde_json::from_value(fixture.clone()).unwrap();
    assert_eq!(read.result.processing.get("redaction").map(|report| report.status), Some(StageStatus::Skipped));

    fixture["result"]["format_version"] = json!(2);
    let error = serde_json::from_value::<ResultFile>(fixture).unwrap_err().to_string();
    assert_eq!(error, "format version 2 of results is unknown; this program reads 1 to 1");
}
