//! The file beside a recording that tells of the call: read as the parts of an upload are, with every mistake named.

use serde_json::Value;

use crate::checks::{FailedCheck, Mistake};
use crate::intake::fields::{self, Metadata, Source};
use crate::jobs::FailureCode;
use crate::jobs::options::JobOptions;

/// The largest sidecar, in bytes, as the largest JSON body of a request: `metadata` and `options` at their limits, and room
/// to spare.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// What a sidecar asks for.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) metadata: Metadata,
    pub(super) options: JobOptions,
}

/// What is wrong with a file: a code, and a sentence for people.
pub(super) type Flaw = (FailureCode, String);

/// Reads a sidecar of this name.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Wishes, Flaw> {
    let (metadata, options) = parts(bytes).map_err(|mistake| flaw(name, FailureCode::InvalidMetadata, &[mistake]))?;
    match (fields::metadata(Source::Field(metadata.as_ref())), fields::options(Source::Field(options.as_ref()))) {
        (Ok(metadata), Ok(options)) => Ok(Wishes { metadata, options }),
        (Err(mut checks), options) => {
            checks.extend(options.err().unwrap_or_default());
            Err(flaw(name, FailureCode::InvalidMetadata, &checks))
        }
        (Ok(_), Err(checks)) => Err(flaw(name, FailureCode::InvalidOptions, &checks)),
    }
}

/// The metadata, with the priority in it wherever it stood, and the options.
fn parts(bytes: &[u8]) -> Result<(Option<Value>, Option<Value>), FailedCheck> {
    let check = |mistake| FailedCheck::new("the file", mistake);
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

fn flaw(name: &str, code: FailureCode, checks: &[FailedCheck]) -> Flaw {
    let mistakes: Vec<String> = checks.iter().map(FailedCheck::developer_message).collect();
    (code, format!("{name} is not valid: {}", mistakes.join("; ")))
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
        let wishes = read("call.json", br#"{"metadata": {"caller": "a"}, "options": {"translate": true}, "other": 1}"#).unwrap();
        assert_eq!((wishes.metadata.fields["caller"].as_str(), wishes.options.translate), (Some("a"), true));
        assert_eq!(read("call.json", br#"{"metadata": null, "options": null}"#).unwrap().metadata.priority, None);
    }

    #[test]
    fn every_mistake_is_named() {
        let text = br#"{"metadata": {"caller": 5}, "priority": 11, "options": {"colour": 1}}"#;
        let (code, message) = read("call.json", text).unwrap_err();
        assert_eq!(code, FailureCode::InvalidMetadata);
        assert!(message.starts_with("call.json is not valid: "), "{message}");
        for field in ["metadata.priority: ", "metadata.caller: ", "options.colour: "] {
            assert!(message.contains(field), "{message}");
        }
        assert_eq!(read("call.json", br#"{"options": {"colour": 1}}"#).unwrap_err().0, FailureCode::InvalidOptions);
        for text in ["", "[]", "{", "\"call\"", "\u{1}"] {
            let (code, message) = read("call.json", text.as_bytes()).unwrap_err();
            assert_eq!(code, FailureCode::InvalidMetadata);
            assert!(message.starts_with("call.json is not valid: the file: "), "{message}");
        }
        let large = format!("{{{}}}", " ".repeat(MAX_BYTES));
        assert!(read("call.json", large.as_bytes()).unwrap_err().1.contains("the file: "));
    }
}
