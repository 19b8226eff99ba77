//! The sidecar: the JSON file beside a dropped recording with its metadata and options. It is checked like the parts of an
//! upload, and every mistake is reported.

use serde_json::Value;

use crate::checks::{Checks, Mistake};
use crate::intake::fields::Source;
use crate::intake::{InvalidRequest, JobRequest};
use crate::jobs::{Failure, FailureCode};

/// Size of the largest sidecar, as of the largest JSON body of a request: `metadata` and `options` at their limits fit in.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// Reads the request in a sidecar with this name, or why its job fails.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<JobRequest, Failure> {
    let (metadata, options) = parts(bytes).map_err(|mistake| failure(name, FailureCode::InvalidMetadata, &mistake))?;
    JobRequest::check(Source::Field(metadata.as_ref()), Source::Field(options.as_ref())).map_err(|invalid| match invalid {
        InvalidRequest::Metadata(checks) => failure(name, FailureCode::InvalidMetadata, &checks),
        InvalidRequest::Options(checks) => failure(name, FailureCode::InvalidOptions, &checks),
    })
}

/// The metadata, including a priority given at the top level, and the options.
fn parts(bytes: &[u8]) -> Result<(Option<Value>, Option<Value>), Checks> {
    let check = |mistake| Checks::one("the file", mistake);
    if bytes.len() > MAX_BYTES {
        return Err(check(Mistake::TooManyBytes { found: bytes.len(), max: MAX_BYTES }));
    }
    let mut object = match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return Err(check(Mistake::NotAnObject)),
        Err(error) => return Err(check(Mistake::NotJson(error.to_string()))),
    };
    let mut metadata =
        object.remove("metadata").filter(|value| !value.is_null()).unwrap_or_else(|| Value::Object(<_>::default()));
    let priority = object.remove("priority").filter(|value| !value.is_null());
    if let (Some(fields), Some(priority)) = (metadata.as_object_mut(), priority) {
        fields.insert("priority".to_owned(), priority);
    }
    Ok((Some(metadata), object.remove("options")))
}

fn failure(name: &str, code: FailureCode, checks: &Checks) -> Failure {
    Failure { code, message: format!("{name} is not valid: {}", checks.developer_message()), stage: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_priority_may_stand_beside_the_metadata_or_in_it() {
        for text in [r#"{"priority": 9}"#, r#"{"metadata": {"priority": 9}}"#, r#"{"metadata": {"priority": 1}, "priority": 9}"#]
        {
            assert_eq!(read("call.json", text.as_bytes()).unwrap().metadata.priority, Some(9), "{text}");
        }
        let request = read("call.json", br#"{"metadata": {"caller": "a"}, "options": {"translate": true}, "other": 1}"#).unwrap();
        assert_eq!((request.metadata.fields["caller"].as_str(), request.options.translate), (Some("a"), true));
        assert_eq!(read("call.json", br#"{"metadata": null, "options": null}"#).unwrap().metadata.priority, None);
    }

    #[test]
    fn every_mistake_is_named() {
        let text = br#"{"metadata": {"caller": 5}, "priority": 11, "options": {"colour": 1}}"#;
        let Failure { code, message, .. } = read("call.json", text).unwrap_err();
        assert_eq!(code, FailureCode::InvalidMetadata);
        assert!(message.starts_with("call.json is not valid: "), "{message}");
        for field in ["metadata.priority: ", "metadata.caller: ", "options.colour: "] {
            assert!(message.contains(field), "{message}");
        }
        assert_eq!(read("call.json", br#"{"options": {"colour": 1}}"#).unwrap_err().code, FailureCode::InvalidOptions);
        for text in ["", "[]", "{", "\"call\"", "\u{1}"] {
            let Failure { code, message, .. } = read("call.json", text.as_bytes()).unwrap_err();
            assert_eq!(code, FailureCode::InvalidMetadata);
            assert!(message.starts_with("call.json is not valid: the file: "), "{message}");
        }
        let large = format!("{{{}}}", " ".repeat(MAX_BYTES));
        assert!(read("call.json", large.as_bytes()).unwrap_err().message.contains("the file: "));
    }
}
