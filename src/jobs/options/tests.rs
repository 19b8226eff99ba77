//! Walks the table of options: reading, the record, the published form, and the descriptions made from it.

use super::*;

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("{value} is no object") };
    object
}

/// Options of which each differs from its default.
fn samples() -> JobOptions {
    let sent = OPTIONS.iter().map(|option| (option.name.to_owned(), (option.sample)())).collect();
    let options = JobOptions::read(&sent).unwrap();
    for option in OPTIONS {
        assert_ne!((option.publish)(&options), (option.publish)(&JobOptions::default()), "{}", option.name);
    }
    options
}

#[test]
fn every_option_has_a_name_of_its_own_and_is_described() {
    let (request, effective, table) = (request_schema(), effective_schema(), reference_table());
    for option in OPTIONS {
        let name = option.name;
        assert_eq!(names().iter().filter(|other| **other == name).count(), 1, "{name}");
        assert!(request["properties"][name]["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        assert!(effective["properties"][name].to_string().contains("description"), "{name}");
        assert!(table.contains(&format!("| `{name}` | ")), "{name}");
    }
    assert!(JobOptions::read(&object(request["example"].clone())).is_ok());
}

#[test]
fn every_option_survives_the_record_and_can_be_sent_as_it_is_published() {
    for options in [JobOptions::default(), samples()] {
        assert_eq!(JobOptions::from_record(&options.record()).as_ref(), Ok(&options));
        assert_eq!(JobOptions::read(&object(json!(options))).as_ref(), Ok(&options));
    }
}

#[test]
fn every_option_is_part_of_the_fingerprint_of_checkpoints() {
    for option in OPTIONS {
        let sent = Map::from_iter([(option.name.to_owned(), (option.sample)())]);
        let options = JobOptions::read(&sent).unwrap();
        assert_ne!(format!("{options:?}"), format!("{:?}", JobOptions::default()), "{}", option.name);
    }
}

#[test]
fn the_records_of_the_first_version_are_read() {
    let record = json!({
        "language": "ru", "translate": true, "prompt": null, "hotwords": ["one"], "speakers": [1, 3], "channels": "split",
        "channel_roles": [], "omit_words": true, "diarize": false, "recognize": null, "lookup_contacts": null, "strict": true,
    });
    let expected = JobOptions {
        language: Some("ru".to_owned()),
        translate: true,
        hotwords: vec!["one".to_owned()],
        speakers: Some(SpeakerRange { min: 1, max: 3 }),
        channels: ChannelMode::Split,
        word_timestamps: false,
        diarize: Some(false),
        strict: true,
        ..JobOptions::default()
    };
    assert_eq!(JobOptions::from_record(&object(record.clone())).as_ref(), Ok(&expected));
    // The names and values are still written as the first version wrote them; later options are added to them.
    let written = expected.record();
    for (name, value) in object(record) {
        assert_eq!(written.get(&name), Some(&value), "{name}");
    }
}

#[test]
fn a_record_with_impossible_values_has_defaults_and_one_with_wrong_types_is_refused() {
    let impossible = json!({ "speakers": [3, 2], "channels": "left", "colour": 1 });
    assert_eq!(JobOptions::from_record(&object(impossible)), Ok(JobOptions::default()));
    assert!(JobOptions::from_record(&object(json!({ "translate": "yes" }))).is_err());
}
