//! Which metadata and options are accepted, and which mistakes are reported.

use super::*;
use crate::jobs::options::SpeakerRange;
use proptest::prelude::*;

fn read_options(source: Source<'_>) -> Result<JobOptions, Checks> {
    options(&source.parsed())
}

fn read_metadata(source: Source<'_>) -> Result<Metadata, Checks> {
    metadata(&source.parsed())
}

#[test]
fn every_mistake_is_reported_at_once() {
    let checks =
        read_options(Source::Text(br#"{"language": 5, "speakers": {"min": 3, "max": 2}, "colour": 1, "translate": "yes"}"#))
            .unwrap_err();
    let mut fields: Vec<_> = checks.listed().iter().map(|check| check.field.as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["options.colour", "options.language", "options.speakers", "options.translate"]);
}

#[test]
fn a_number_is_whole_however_it_is_written() {
    let speakers = |text: &str| read_options(Source::Text(text.as_bytes())).map(|options| options.speakers);
    assert_eq!(speakers(r#"{"speakers": {"count": 2.0}}"#), Ok(Some(SpeakerRange { min: 2, max: 2 })));
    assert!(speakers(r#"{"speakers": {"count": 2.5}}"#).is_err());
    assert_eq!(read_metadata(Source::Text(br#"{"priority": 1e1}"#)).unwrap().priority, Some(10));
}

#[test]
fn the_size_of_metadata_is_that_of_its_json_without_the_description() {
    for text in ["{}", r#"{"description": "x"}"#, r#"{"a": 1, "description": "x", "b": ["я", null, 1.5, {"c": "\u0001"}]}"#] {
        let mut fields: Map<String, Value> = serde_json::from_str(text).unwrap();
        let counted = size_without(&fields, "description");
        fields.remove("description");
        assert_eq!(counted, Value::Object(fields).to_string().len(), "{text}");
    }
}

#[test]
fn a_label_is_never_a_path() {
    assert_eq!(file_label(Some("../../etc/passwd")), "passwd");
    assert_eq!(file_label(Some("C:\\calls\\a.wav")), "a.wav");
    assert_eq!(file_label(Some("..")), "recording");
    assert_eq!(file_label(None), "recording");
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        // Any bytes are either accepted or refused with at least one reason.
        prop_assert!(read_options(Source::Text(&bytes)).err().is_none_or(|checks| !checks.is_empty()));
        prop_assert!(read_metadata(Source::Text(&bytes)).err().is_none_or(|checks| !checks.is_empty()));
    }
}
