//! Walks the tables of codes: their documentation, examples, messages and headers.

use chrono::DateTime;
use serde_json::json;

use super::*;
use crate::jobs::stage::Stage;
use crate::jobs::{Failure, FailureCode};
use crate::messages::{Argument, Language};

#[test]
fn every_code_has_a_row_in_the_documentation_and_an_example_of_its_own() {
    let page = reference::page();
    for code in Code::all() {
        let name = code.name();
        assert_eq!(ApiError::example(code).code(), code);
        assert!(!code.meaning().is_empty() && !code.remedy().is_empty(), "{name}");
        let row = format!("| <a id=\"{}\"></a>`{name}` | {} | ", name.to_lowercase(), code.status().as_u16());
        assert_eq!(page.matches(&row).count(), 1, "{name}");
        assert_eq!(Code::all().filter(|other| other.name() == name).count(), 1, "{name} names two codes");
    }
    for code in FailureCode::all() {
        assert_eq!(FailureCode::from_name(code.name()), Some(code));
        assert!(!code.meaning().is_empty(), "{}", code.name());
        assert!(page.contains(&format!("\n| `{}` | ", code.name())), "{}", code.name());
    }
}

fn failure(code: FailureCode, stage: Option<Stage>) -> Failure {
    Failure { code, message: "the developer's text".to_owned(), stage }
}

/// Each error, with each text that it can have.
fn samples() -> Vec<ApiError> {
    let reason = || "the reason".to_owned();
    let check = |mistake| Checks::one("metadata.x", mistake);
    let found = || "5".to_owned();
    let mut samples: Vec<ApiError> = Code::all().map(ApiError::example).collect();
    samples.extend([ApiError::UpgradeRequired, ApiError::OriginNotAllowed, ApiError::RoomTaken]);
    samples.extend([ApiError::ConnectionsInUse { limit: 2 }, ApiError::PlacesTaken { limit: 2 }]);
    for stage in Stage::all() {
        samples.push(ApiError::ModelUnavailable { stage, reason: reason() });
        samples.extend(FailureCode::all().map(|code| ApiError::JobFailed(failure(code, Some(stage)))));
    }
    samples.extend(FailureCode::all().map(|code| ApiError::JobFailed(failure(code, None))));
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
fn every_error_has_its_messages_in_every_language() {
    let samples = samples();
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
                // A missing message is shown as its key.
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
fn a_refusal_stays_below_64_kib_whatever_the_client_sent() {
    // Characters that JSON writes with six bytes.
    let control = "\u{1}".repeat(1_000_000);
    let mut checks = Checks::default();
    let allowed = vec!["a_name_as_long_as_any"; 30];
    for _ in 0..1000 {
        let found = shown(&json!(control));
        checks.push(FailedCheck::new(control.clone(), Mistake::NotOneOf { allowed: allowed.clone(), found }));
    }
    let errors = [
        ApiError::InvalidOptions(checks),
        ApiError::InvalidMetadata(Checks::one(control.clone(), Mistake::NotJson(control.clone()))),
        ApiError::InvalidRequest(control.clone()),
        ApiError::InvalidJson(control.clone()),
        ApiError::UnsupportedMediaType { expected: "multipart/form-data", found: control },
    ];
    for language in Language::all() {
        for error in &errors {
            let object = error.object(language, DateTime::UNIX_EPOCH, &"\u{1}".repeat(255));
            let size = serde_json::to_string(&ErrorEnvelope { error: object }).unwrap().len();
            assert!(size < 64 * 1024, "{size} bytes: {:?}", error.code());
        }
    }
}

#[test]
fn mistakes_that_are_not_listed_are_counted_in_every_language() {
    let mut checks = Checks::default();
    (0..22).for_each(|number| checks.push(FailedCheck::new(format!("options.{number}"), Mistake::Repeated)));
    let error = ApiError::InvalidOptions(checks);
    for (tag, message) in [
        ("en", "The options are not valid (and 2 more mistakes than are listed)"),
        ("ru", "Параметры обработки заданы неверно (и ещё 2 ошибки сверх перечисленных)"),
    ] {
        let object = error.object(Language::find(tag).unwrap(), DateTime::UNIX_EPOCH, "req_1");
        assert_eq!(object.message, message);
        assert_eq!(object.details["checks_failed"].as_array().map(Vec::len), Some(20));
        assert_eq!(object.details["checks_not_listed"], 2);
        assert!(object.developer_message.ends_with("; and 2 more"), "{}", object.developer_message);
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

#[test]
fn every_stage_has_words_of_its_own_where_messages_name_the_stage() {
    for language in Language::all() {
        let message = |key: &str, stage: &str| language.say(key, &[("stage", Argument::Text(stage.to_owned()))]);
        for stage in Stage::all() {
            let failed = "failure-processing-failed";
            assert_ne!(message(failed, stage.name()), message(failed, "none"), "{failed}, {}", stage.name());
            for key in ["error-model-unavailable", "failure-model-unavailable"] {
                let has_words = message(key, stage.name()) != message(key, "none");
                assert_eq!(has_words, stage.is_optional(), "{key}, {}", stage.name());
            }
        }
    }
}
