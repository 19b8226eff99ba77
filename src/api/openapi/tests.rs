//! The document against the declared routes, the commands, and its own examples.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{commands, documents, routes, whole};
use crate::http::routes::Counterpart;

/// Each operation with its path and method.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((path.clone(), method.clone(), operation.clone()));
        }
    }
    found
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = whole();
    let ids: Vec<String> =
        operations(&document).iter().map(|(_, _, operation)| operation["operationId"].as_str().unwrap().to_owned()).collect();
    let distinct: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    let declared = routes(documents()).describe().operations;
    assert_eq!(ids.len(), declared.len());
    assert_eq!(
        ids.iter().filter(|id| id.ends_with("_at_root")).count(),
        2,
        "health and info answer at the root as well: {ids:?}"
    );
}

#[test]
fn every_operation_belongs_to_a_tag_that_is_described_once() {
    let document = whole();
    let described: Vec<&str> = document["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    let operations = operations(&document);
    let used: BTreeSet<&str> = operations.iter().map(|(_, _, operation)| operation["tags"][0].as_str().unwrap()).collect();
    assert_eq!(described, used.into_iter().collect::<Vec<_>>());
}

#[test]
fn every_operation_has_its_command_or_a_reason_for_none() {
    for declared in routes(documents()).describe().operations {
        match declared.operation.counterpart {
            Counterpart::None(reason) => assert!(!reason.is_empty()),
            Counterpart::Commands(names) => {
                for name in names {
                    assert!(commands().has(name), "{} has no command {name}", declared.path);
                }
            }
        }
    }
    assert!(!commands().has("get_lost"));
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let document = whole();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    for kind in ["parameters", "headers", "schemas"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let is_named_in_details = ["FailedCheck"].contains(&name.as_str());
            assert!(is_named_in_details || found.contains(&format!("#/components/{kind}/{name}")), "{kind}/{name} is not used");
        }
    }
}

#[test]
fn every_example_keeps_to_its_schema() {
    let document = whole();
    let holds = |schema: &Value, example: &Value, name: &str| {
        let mut whole = schema.clone();
        whole["components"] = document["components"].clone();
        let validator = jsonschema::draft202012::new(&whole).unwrap();
        let mistakes: Vec<String> = validator.iter_errors(example).map(|error| error.to_string()).collect();
        assert!(mistakes.is_empty(), "{name}: {mistakes:?}");
    };
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if let Some(example) = schema.get("example") {
            holds(schema, example, name);
        }
    }
    for (path, method, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let body = &response["content"]["application/json"];
            for (code, example) in body["examples"].as_object().into_iter().flatten() {
                assert_eq!(example["value"]["error"]["code"], code.as_str());
                holds(&body["schema"], &example["value"], &format!("{method} {path} {status} {code}"));
            }
        }
    }
}
