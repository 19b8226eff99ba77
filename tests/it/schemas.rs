//! The server's answers and the examples of the documentation, validated against the published schemas.

use std::path::Path;
use std::process::Command;

use callannotate::api::openapi;
use futures_util::{SinkExt, StreamExt};
use jsonschema::Validator;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::support::app::{DEADLINE, TestApp};
use super::support::audio::tone;
use super::support::models;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;

fn document() -> Value {
    serde_json::from_str(openapi::text()).unwrap()
}

/// A validator for a schema within a document, found by its JSON pointer.
fn within(document: &Value, address: &str) -> Validator {
    let mut schema = document.clone();
    if let Value::Object(fields) = &mut schema {
        fields.remove("anyOf");
    }
    schema["$ref"] = json!(address);
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
}

fn check(validator: &Validator, instance: &Value, what: &str) {
    let mistakes: Vec<String> =
        validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(mistakes.is_empty(), "{what}: {mistakes:#?}\n{instance:#}");
}

/// Sends a request and validates the answer against the operation's description.
async fn asked(app: &TestApp, document: &Value, method: &str, path: &str, id: &str) -> Value {
    let address = app.url(&path.replace("{job_id}", id));
    let request = app.client.request(method.to_uppercase().parse().unwrap(), address).header("accept", "application/json");
    let response = request.send().await.unwrap();
    let status = response.status().as_u16().to_string();
    let operation = &document["paths"][path][method];
    let described = &operation["responses"][&status];
    assert!(!described.is_null(), "{method} {path} is not described to answer {status}");
    for name in described["headers"].as_object().unwrap().keys().filter(|name| name.as_str() == "X-Request-Id") {
        assert!(response.headers().contains_key(name), "{method} {path} {status} has no {name}");
    }
    let bytes = response.bytes().await.unwrap();
    if described["content"].is_null() {
        assert!(bytes.is_empty(), "{method} {path} {status} has a body");
        return Value::Null;
    }
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    let part = |text: &str| text.replace('/', "~1").replace('{', "%7B").replace('}', "%7D");
    let place = format!("#/paths/{}/{method}/responses/{status}/content/application~1json/schema", part(path));
    check(&within(document, &place), &body, &format!("{method} {path} {status}"));
    body
}

#[tokio::test]
async fn the_answers_of_a_whole_life_keep_to_the_description() {
    let app = TestApp::spawn().await;
    let document = document();
    let unknown = "00000000-0000-4000-8000-000000000000";
    for path in ["/health", "/info", "/api/v1/health", "/api/v1/health/live", "/api/v1/health/ready", "/api/v1/info"] {
        asked(&app, &document, "get", path, unknown).await;
    }
    let (job, jobs) = ("/api/v1/jobs/{job_id}", "/api/v1/jobs");
    let result = "/api/v1/jobs/{job_id}/result";
    app.script.set(Stage::Transcription, Act::Hold);
    let first = app.create_job(tone(1000), &[("options", r#"{"speakers": {"count": 2}}"#)]).await;
    let second = app.create_job(tone(1000), &[("metadata", r#"{"description": "Interview", "priority": 3}"#)]).await;
    app.script.reached(2).await;
    for id in [&first, &second, unknown] {
        asked(&app, &document, "get", job, id).await;
        asked(&app, &document, "get", result, id).await;
    }
    asked(&app, &document, "get", "/api/v1/queue/status", unknown).await;
    asked(&app, &document, "post", "/api/v1/jobs/{job_id}/cancel", &second).await;
    app.script.release(1);
    assert_eq!(app.wait_until_finished(&first).await["status"], "completed");
    let schema: Value = serde_json::from_str(&openapi::result_text()).unwrap();
    let body = asked(&app, &document, "get", result, &first).await;
    check(&jsonschema::draft202012::new(&schema).unwrap(), &body, "the result");
    assert_eq!(body["result"]["speakers"].as_array().unwrap().len(), 2);
    for id in [&first, &second] {
        for path in [job, result, "/api/v1/jobs/{job_id}/events"] {
            asked(&app, &document, "get", path, id).await;
        }
        asked(&app, &document, "post", "/api/v1/jobs/{job_id}/cancel", id).await;
    }
    asked(&app, &document, "get", jobs, unknown).await;
    asked(&app, &document, "post", jobs, unknown).await;
    asked(&app, &document, "post", "/api/v1/jobs/{job_id}/retry", &first).await;
    asked(&app, &document, "delete", job, &first).await;
    asked(&app, &document, "delete", job, &first).await;
}

#[tokio::test]
async fn every_message_keeps_to_its_schema() {
    let app = TestApp::spawn().await;
    let schema: Value = serde_json::from_str(&openapi::messages_text()).unwrap();
    let (said, heard) = (within(&schema, "#/$defs/ClientMessage"), within(&schema, "#/$defs/ServerMessage"));
    let any = jsonschema::draft202012::new(&schema).unwrap();
    let done = app.create_job(tone(1000), &[]).await;
    app.wait_until_finished(&done).await;
    app.script.set(Stage::Transcription, Act::Fail);
    let failed = app.create_job(tone(1000), &[("options", r#"{"strict": false}"#)]).await;
    app.wait_until_finished(&failed).await;
    let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{}/ws", app.address)).await.unwrap();
    let recording = tone(500);
    let commands = [
        json!({ "type": "ping" }),
        json!({ "type": "get_job", "job_id": done }),
        json!({ "type": "list_jobs", "limit": 1, "status": ["completed"] }),
        json!({ "type": "get_result", "job_id": done }),
        json!({ "type": "get_result", "job_id": "unknown" }),
        json!({ "type": "create_job", "filename": "missing.wav", "metadata": { "priority": 3 } }),
        json!({ "type": "get_queue_status" }),
        json!({ "type": "get_health" }),
        json!({ "type": "get_info" }),
        json!({ "type": "cancel_job", "job_id": failed }),
        json!({ "type": "retry_job", "job_id": done }),
        json!({ "type": "upload_start", "filename": "a.wav", "size": recording.len(), "options": { "language": "en" } }),
        json!({ "type": "upload_abort" }),
        json!({ "type": "upload_finish" }),
        json!({ "type": "subscribe_job", "job_id": done, "last_seq": 0 }),
        json!({ "type": "unsubscribe_job", "job_id": failed }),
        json!({ "type": "delete_job", "job_id": done }),
    ];
    let mut types = std::collections::BTreeSet::new();
    for (number, mut command) in commands.into_iter().enumerate() {
        command["request_id"] = json!(number);
        check(&said, &command, "a command");
        check(&any, &command, "any message");
        socket.send(Message::Text(command.to_string().into())).await.unwrap();
        loop {
            let frame = timeout(DEADLINE, socket.next()).await.expect("an answer in time").unwrap().unwrap();
            let Message::Text(text) = frame else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            check(&heard, &message, "a message from the server");
            check(&any, &message, "any message");
            types.insert(message["type"].as_str().unwrap().to_owned());
            if message["request_id"] == number {
                break;
            }
        }
    }
    let expected = [
        "error",
        "health",
        "info",
        "job",
        "job_deleted",
        "jobs",
        "pong",
        "queue_status",
        "result",
        "subscribed",
        "unsubscribed",
        "upload_aborted",
        "upload_ready",
    ];
    for name in expected {
        assert!(types.contains(name), "{name} was not received: {types:?}");
    }
    for wrong in [json!({ "type": "get_lost" }), json!({ "type": "get_job" }), json!([])] {
        assert!(!said.is_valid(&wrong) && !any.is_valid(&wrong), "{wrong}");
    }
}

#[test]
fn a_real_annotation_keeps_to_the_schema() {
    let Some(models) = models::folder_with_whisper() else { return };
    let volume = tempfile::tempdir().unwrap();
    let recording = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calls/voicemail.flac");
    let output = Command::new(env!("CARGO_BIN_EXE_callannotate"))
        .env("VOLUME_PATH", volume.path())
        .env("CALLANNOTATE__MODELS__DIRS", models)
        .args(["annotate", "--format", "json"])
        .arg(recording)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let annotation: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(annotation["statistics"]["word_count"].as_u64().unwrap() > 10);
    let schema: Value = serde_json::from_str(&openapi::result_text()).unwrap();
    let address = schema["properties"]["result"]["$ref"].as_str().unwrap();
    check(&jsonschema::draft202012::new(&json!({ "$ref": address, "$defs": schema["$defs"] })).unwrap(), &annotation, "it");
}

/// The JSON blocks below a `<!-- body: … -->` mark, with the name of their schema.
fn marked(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for block in text.split("\n<!-- body: ").skip(1) {
        let (name, rest) = block.split_once(" -->\n```json\n").expect("a block of JSON under the mark");
        let (example, _) = rest.split_once("\n```").expect("the end of the block");
        found.push((name.to_owned(), example.to_owned()));
    }
    found
}

#[test]
fn every_example_of_the_documentation_that_is_marked_keeps_to_its_schema() {
    let document = document();
    let messages: Value = serde_json::from_str(&openapi::messages_text()).unwrap();
    let mut count = 0;
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        for (name, example) in marked(&std::fs::read_to_string(&path).unwrap()) {
            let example: Value = serde_json::from_str(&example).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let (single, examples) = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
                Some(single) => (single, example.as_array().unwrap().clone()),
                None => (name.as_str(), vec![example]),
            };
            let validator = if document["components"]["schemas"][single].is_object() {
                within(&document, &format!("#/components/schemas/{single}"))
            } else {
                within(&messages, &format!("#/$defs/{single}"))
            };
            for example in examples {
                check(&validator, &example, &format!("{}: {name}", path.display()));
                count += 1;
            }
        }
    }
    assert!(count >= 2, "the marks were not found");
}
