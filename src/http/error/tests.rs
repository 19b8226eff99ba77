//! The table of codes against the documentation and the catalogues.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde_json::json;

use super::*;
use crate::jobs::FailureCode;
use crate::messages::Language;

const DOCUMENTATION: &str = include_str!("../../../docs/errors.md");

/// The rows of the table under a heading: the anchor, the code and the status.
fn documented(heading: &str) -> BTreeMap<String, (String, String)> {
    let section = DOCUMENTATION.split("\n## ").find(|section| section.starts_with(heading)).expect("the section");
    let mut rows = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let (anchor, rest) =
            cells[0].strip_prefix("<a id=\"").and_then(|cell| cell.split_once("\"></a>")).unwrap_or(("", cells[0]));
        let before = rows.insert(rest.trim_matches('`').to_owned(), (anchor.to_owned(), cells[1].to_owned()));
        assert_eq!(before, None, "{rest} is documented twice");
        assert!(cells.iter().all(|cell| !cell.is_empty()), "{line}");
    }
    rows
}

#[test]
fn the_documentation_has_every_code_with_its_status_and_no_other() {
    let mut expected = BTreeMap::new();
    for code in Code::ALL {
        expected.insert(code.name().to_owned(), (code.name().to_lowercase(), code.status().as_u16().to_string()));
    }
    assert_eq!(expected.len(), Code::ALL.len(), "two codes have one name");
    assert_eq!(documented("Codes of requests"), expected);
}

#[test]
fn the_documentation_has_every_code_of_jobs_and_no_other() {
    let found: Vec<String> = documented("Codes of jobs").into_keys().collect();
    let mut expected: Vec<String> = FailureCode::ALL.iter().map(|code| code.name().to_owned()).collect();
    expected.sort();
    assert_eq!(found, expected);
}

fn failure(code: FailureCode, stage: Option<Stage>) -> Failure {
    Failure { code, message: "the developer's text".to_owned(), stage }
}

/// Each error once, and with each text that it can have.
fn samples() -> Vec<ApiError> {
    let reason = || "the reason".to_owned();
    let check = |mistake| vec![FailedCheck::new("metadata.x", mistake)];
    let found = || "5".to_owned();
    let mut samples = vec![
        ApiError::InvalidRequest(reason()),
        ApiError::UpgradeRequired,
        ApiError::InvalidJson(reason()),
        ApiError::MissingFile,
        ApiError::InvalidMetadata(check(Mistake::NotAnObject)),
        ApiError::InvalidOptions(check(Mistake::Unknown { allowed: vec!["a"] })),
        ApiError::Unauthorized,
        ApiError::Forbidden { scope: Scope::Write },
        ApiError::OriginNotAllowed,
        ApiError::JobNotFound,
        ApiError::FileNotFound,
        ApiError::NotFound,
        ApiError::MethodNotAllowed,
        ApiError::RequestTimeout,
        ApiError::ResultNotReady { job: Box::new(json!({ "status": "queued" })), retry_after_seconds: 7 },
        ApiError::JobCancelled,
        ApiError::JobFinished { status: "completed" },
        ApiError::IdempotencyKeyReused,
        ApiError::ResultArchived,
        ApiError::FileTooLarge { size: Some(1_073_741_825), limit: 1_073_741_824 },
        ApiError::RequestTooLarge { limit: 65_536 },
        ApiError::UnsupportedFormat(reason()),
        ApiError::UnsupportedMediaType { expected: "application/json", found: "text/plain".to_owned() },
        ApiError::RangeNotSatisfiable { size: 10 },
        ApiError::InvalidAudio(reason()),
        ApiError::AudioTooLong { limit_seconds: 14_400.0 },
        ApiError::AudioEmpty,
        ApiError::RateLimited { limit: 10, retry_after_seconds: 3 },
        ApiError::Internal(reason()),
        ApiError::QueueFull { max_queued: 2 },
        ApiError::StorageFull,
        ApiError::ShuttingDown,
    ];
    for stage in Stage::ALL {
        samples.push(ApiError::ModelUnavailable { stage, reason: reason() });
        samples.extend(FailureCode::ALL.map(|code| ApiError::JobFailed(failure(code, Some(stage)))));
    }
    samples.extend(FailureCode::ALL.map(|code| ApiError::JobFailed(failure(code, None))));
    let mistakes = [
        Mistake::NotAnObject,
        Mistake::NotJson(reason()),
        Mistake::TooDeep { max: 8 },
        Mistake::TooManyBytes { found: 9000, max: 8192 },
        Mistake::TooManyCharacters { found: 300, max: 255 },
        Mistake::TooManyItems { found: 101, max: 100 },
        Mistake::NotAText { found: found() },
        Mistake::NotABoolean { found: found() },
        Mistake::NotAnArrayOfTexts { found: found() },
        Mistake::OutOfRange { min: 1, max: 10, found: found() },
        Mistake::NotALanguage { found: found() },
        Mistake::NotOneOf { allowed: vec!["a", "b"], found: found() },
        Mistake::NotATime { found: found() },
        Mistake::NotACursor,
        Mistake::Unknown { allowed: vec!["a", "b"] },
        Mistake::Repeated,
        Mistake::NotASpeakerCount { max: 20 },
        Mistake::CountAndLimits,
        Mistake::MinOverMax { min: 3, max: 2 },
    ];
    samples.extend(mistakes.map(|mistake| ApiError::InvalidQuery(check(mistake))));
    samples
}

#[test]
fn every_code_can_be_said_in_every_language() {
    let samples = samples();
    for code in Code::ALL {
        assert!(samples.iter().any(|sample| sample.code() == code), "{} has no sample", code.name());
    }
    for language in Language::all() {
        for sample in &samples {
            let object = serde_json::to_value(sample.object(language, DateTime::UNIX_EPOCH, "req_1")).unwrap();
            let mut texts = vec![object["message"].as_str().unwrap()];
            texts.extend(
                object["details"]["checks_failed"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|check| check["message"].as_str().unwrap()),
            );
            if matches!(sample, ApiError::JobFailed(_)) {
                texts.push(object["details"]["message"].as_str().unwrap());
            }
            for text in texts {
                // A message that cannot be said is its own key.
                assert!(!text.is_empty() && !text.starts_with("error-") && !text.starts_with("check-"), "{text} in {object}");
                assert!(!text.starts_with("failure-") && !text.contains('{') || text.contains("\"count\""), "{text} in {object}");
                let cyrillic = text.chars().any(|letter| ('а'..='я').contains(&letter));
                assert!(language.tag() != "en" || !cyrillic, "{text} is not English");
                assert!(language.tag() != "ru" || cyrillic, "{text} is not Russian");
            }
            assert!(object["developer_message"].as_str().is_some_and(|text| !text.is_empty() && text.is_ascii()), "{object}");
        }
    }
}

#[test]
fn the_specification_s_own_example_comes_out_word_for_word() {
    let error = ApiError::FileTooLarge { size: Some(1_073_741_825), limit: 1_073_741_824 };
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let russian = Language::find("ru").unwrap();
    assert_eq!(
        serde_json::to_value(error.object(russian, now, "req_550e8400-e29b-41d4-a716-446655440000")).unwrap(),
        json!({
            "code": "FILE_TOO_LARGE",
            "message": "Размер файла превышает максимально допустимый (1 ГБ)",
            "developer_message": "the file part is larger than files.max_size",
            "details": { "file_size": 1_073_741_825, "max_allowed": 1_073_741_824 },
            "timestamp": "2026-11-20T12:00:00.000Z",
            "request_id": "req_550e8400-e29b-41d4-a716-446655440000",
            "retryable": false,
            "help_url": "/docs/errors#file_too_large",
        })
    );
    let failed = failure(FailureCode::ProcessingFailed, Some(Stage::Diarization));
    assert_eq!(failure_message(&failed, russian), "Ошибка при диаризации аудиофайла");
}

#[test]
fn errors_bring_the_headers_that_belong_to_them() {
    for (error, name, value) in [
        (ApiError::Unauthorized, "www-authenticate", "Bearer"),
        (ApiError::RangeNotSatisfiable { size: 10 }, "content-range", "bytes */10"),
        (ApiError::RateLimited { limit: 10, retry_after_seconds: 3 }, "retry-after", "3"),
        (ApiError::ModelUnavailable { stage: Stage::Recognition, reason: String::new() }, "retry-after", "60"),
        (ApiError::UpgradeRequired, "sec-websocket-version", "13"),
    ] {
        let response = error.clone().into_response();
        assert_eq!(response.headers()[name], value, "{error:?}");
    }
}
