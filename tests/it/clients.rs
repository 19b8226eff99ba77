//! The clients of `docs/examples` and the Postman collection, against a real server with the real model.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::models;
use super::support::nginx::Nginx;
use super::support::process::{Server, callannotate, client, printed};

const CALL: &str = "tests/fixtures/calls/support-mono.flac";
const SHORT_CALL: &str = "tests/fixtures/calls/voicemail.flac";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A server with models on its own volume; none if the models are missing.
fn server() -> Option<(TempDir, Server)> {
    let volume = TempDir::new().unwrap();
    let server = server_on(volume.path(), &[])?;
    Some((volume, server))
}

fn server_on(volume: &Path, more: &[(&str, &str)]) -> Option<Server> {
    let models = models::folder_with_whisper()?.canonicalize().unwrap().display().to_string();
    let mut settings = vec![("CALLANNOTATE__MODELS__DIRS", models.as_str())];
    settings.extend_from_slice(more);
    Some(Server::start_with(volume, &settings))
}

fn python_client(server: &Server) -> Command {
    let python = root().join(".venv/bin/python");
    assert!(python.exists(), "{} is missing: `make test` sets it up", python.display());
    let mut command = client(python);
    command.arg(root().join("docs/examples/python/callannotate_client.py")).env("CALLANNOTATE_URL", server.url());
    command.current_dir(root());
    command
}

#[test]
fn the_python_client_survives_what_servers_and_networks_do() {
    let python = root().join(".venv/bin/python");
    let mut command = client(python);
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]).arg(root().join("tests/clients/test_python_client.py"));
    assert!(printed(&mut command).contains(" passed"));
}

#[test]
fn the_pages_script_survives_what_servers_and_networks_do() {
    let mut command = client("node");
    command.args(["--test", "--test-reporter=tap"]).arg(root().join("tests/clients/client.test.js"));
    assert!(printed(&mut command).contains("# fail 0\n"));
}

#[test]
fn the_python_client_follows_a_job_in_every_way_to_the_same_result() {
    let Some((_volume, server)) = server() else { return };
    let id = printed(python_client(&server).args(["submit", SHORT_CALL, "--language", "en", "--description", "A reminder"]));
    let id = id.trim();
    let first = printed(python_client(&server).args(["watch", id, "--follow", "ws"]));
    assert_eq!(first.lines().last(), Some("completed 100 % annotation"));
    let result: Value = serde_json::from_str(&printed(python_client(&server).args(["result", id, "--format", "json"]))).unwrap();
    assert_eq!(result["status"], "completed");
    let dialogue = printed(python_client(&server).args(["result", id]));
    assert!(dialogue.starts_with("[00:01.") && dialogue.contains("] speaker_01: ") && dialogue.contains("insurance card"));
    for follow in ["poll", "longpoll", "ws", "sse"] {
        let args = ["submit", SHORT_CALL, "--language", "en", "--wait", "--follow", follow, "--format", "json"];
        let other: Value = serde_json::from_str(&printed(python_client(&server).args(args))).unwrap();
        assert_eq!(other["result"]["segments"], result["result"]["segments"], "{follow}");
        assert_eq!(other["result"]["speakers"], result["result"]["speakers"], "{follow}");
    }
    assert_eq!(printed(python_client(&server).args(["delete", id])), "");
    let gone = python_client(&server).args(["status", id]).output().unwrap();
    let error = String::from_utf8_lossy(&gone.stderr).into_owned();
    assert_eq!(gone.status.code(), Some(1), "{error}");
    assert!(error.starts_with("error: JOB_NOT_FOUND: ") && error.contains("\n  request req_"), "{error}");
}

#[test]
fn the_python_client_names_each_field_that_was_refused() {
    let Some((_volume, server)) = server() else { return };
    let refused =
        python_client(&server).args(["submit", SHORT_CALL, "--language", "klingon", "--speakers", "99"]).output().unwrap();
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{error}");
    assert!(error.starts_with("error: INVALID_OPTIONS: "), "{error}");
    assert!(error.contains("\n  options.language: ") && error.contains("\n  options.speakers"), "{error}");
}

#[test]
fn the_python_client_lists_cancels_and_retries() {
    let Some((_volume, server)) = server() else { return };
    let submit = |file: &str| printed(python_client(&server).args(["submit", file, "--idempotency-key", file])).trim().to_owned();
    // The first keeps the engine busy, so that the second can be cancelled while it waits.
    let (first, second) = (submit(CALL), submit(SHORT_CALL));
    assert_eq!(submit(SHORT_CALL), second);
    let cancelled: Value =
        serde_json::from_str(&printed(python_client(&server).args(["cancel", &second, "--format", "json"]))).unwrap();
    assert_eq!(cancelled["status"], "cancelled");
    let watched = python_client(&server).args(["watch", &second]).output().unwrap();
    assert_eq!(watched.status.code(), Some(3));
    let listed = printed(python_client(&server).args(["list", "--format", "json"]));
    let ids: Vec<String> =
        listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["job_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, [second.clone(), first.clone()]);
    let of_status = printed(python_client(&server).args(["list", "--status", "cancelled"]));
    assert!(of_status.lines().count() == 1 && of_status.starts_with(&second), "{of_status}");
    printed(python_client(&server).args(["retry", &second]));
    for id in [&first, &second] {
        assert!(printed(python_client(&server).args(["watch", id])).ends_with("completed 100 % annotation\n"));
    }
}

#[test]
fn the_life_of_a_job_with_curl() {
    let Some((_volume, server)) = server() else { return };
    let mut command = client(root().join("docs/examples/curl.sh"));
    let text = printed(command.arg(root().join(SHORT_CALL)).env("CALLANNOTATE_URL", server.url()));
    let lines: Vec<&str> = text.lines().collect();
    let after = |heading: &str| {
        let at = lines.iter().position(|line| line.starts_with(heading)).unwrap_or_else(|| panic!("no {heading} in {text}"));
        &lines[at + 1..]
    };
    let events = after("== events");
    assert!(events[0].starts_with("id: "), "{text}");
    let result = after("== result");
    assert!(result[0].contains("insurance card") && result[1] == "304", "{text}");
    assert_eq!(after("== the first 1,024")[0], "206 1024 bytes");
    let list: Value = serde_json::from_str(after("== the jobs of today")[0]).unwrap();
    let id = after("== submit")[0].strip_prefix("job ").unwrap();
    assert_eq!(list["data"], json!([{ "job_id": id, "status": "completed" }]));
    let end = after("== cancel");
    assert!(["200", "202"].contains(&end[0]), "{text}");
    assert_eq!(end[1..], ["202", "204", "204", "curl: ok"]);
}

/// Runs the Postman collection with newman and returns its report.
fn newman(server: &Server, key: &str) -> Value {
    // The collection sends the file with this name from the working directory.
    let folder = TempDir::new().unwrap();
    std::fs::copy(root().join(SHORT_CALL), folder.path().join("recording.flac")).unwrap();
    let report = folder.path().join("report.json");
    let mut command = client("node");
    command.arg(root().join("tests/clients/node_modules/newman/bin/newman.js"));
    command.arg("run").arg(root().join("docs/postman_collection.json"));
    command.args(["--env-var", &format!("base_url={}", server.url()), "--env-var", &format!("api_key={key}")]);
    command.arg("--working-dir").arg(folder.path());
    command.args(["--reporters", "json", "--reporter-json-export"]).arg(&report);
    printed(&mut command);
    serde_json::from_slice::<Value>(&std::fs::read(report).unwrap()).unwrap()["run"].take()
}

fn assert_passed(run: &Value) {
    assert_eq!(run["failures"], json!([]));
    let executions = run["executions"].as_array().unwrap();
    let mut names: Vec<&str> = executions.iter().map(|execution| execution["item"]["name"].as_str().unwrap()).collect();
    // The result is requested until it is available.
    names.dedup();
    let expected = ["Health Check", "Service Info", "Submit Job", "Job Status", "Job Result", "Delete Job", "Queue Status"];
    assert_eq!(names, expected);
    assert_eq!(run["stats"]["assertions"], json!({ "total": 28, "pending": 0, "failed": 0 }));
}

#[test]
fn the_postman_collection_passes_its_own_tests() {
    let Some((_volume, server)) = server() else { return };
    assert_passed(&newman(&server, ""));
}

/// The final content of the page of `docs/examples/browser`, after it has annotated a recording.
fn page(page: &str, server: &str, recording: &Path, key: &str) -> Value {
    let browser = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
        .expect("Chromium is there: `make test` installs it");
    let mut command = client("node");
    command.arg(root().join("tests/clients/page.js")).arg(browser).args([page, server]).arg(recording).arg(key);
    serde_json::from_str(&printed(&mut command)).unwrap()
}

fn assert_annotated(page: &Value) {
    assert_eq!(page["exceptions"], json!([]));
    assert_eq!((&page["resultShown"], &page["errorShown"]), (&json!(true), &json!(false)), "{page}");
    let shown: Vec<&str> = page["shown"].as_array().unwrap().iter().map(|state| state.as_str().unwrap()).collect();
    let place =
        |state: &str| shown.iter().position(|shown| shown.starts_with(state)).unwrap_or_else(|| panic!("{state}: {page}"));
    let order = ["sending: support-mono.flac", "queued", "processing: transcription", "completed: annotation, 100 %"].map(place);
    assert!(order.is_sorted(), "{page}");
    assert_eq!(page["progress"], 100);
    assert!(page["summary"].as_str().unwrap().starts_with("2 speakers, "), "{page}");
    assert!(page["summary"].as_str().unwrap().contains(" words, 01:13 long, annotated in "), "{page}");
    assert_eq!(page["speakers"], json!(["speaker_01", "speaker_02"]));
    let first = &page["dialogue"][0];
    assert_eq!((&first[0], &first[1]), (&json!("00:00"), &json!("speaker_01")));
    assert!(first[2].as_str().unwrap().contains("Northwind Broadband"), "{page}");
    assert_eq!(page["canSend"], true);
    assert_eq!(page["afterDeletion"], "deleted");
}

#[test]
fn the_page_shows_progress_and_dialogue() {
    let Some((_volume, server)) = server() else { return };
    let nginx = Nginx::in_front_of(&format!("127.0.0.1:{}", server.port));
    let address = nginx.url("/");
    let seen = page(&address, address.trim_end_matches('/'), &root().join(CALL), "");
    assert_eq!(seen["offered"], address.trim_end_matches('/'));
    assert_annotated(&seen);
}

#[test]
fn the_page_shows_errors_and_takes_no_text_for_markup() {
    let Some((_volume, server)) = server() else { return };
    let nginx = Nginx::in_front_of(&format!("127.0.0.1:{}", server.port));
    let folder = TempDir::new().unwrap();
    let name = "<img src=x onerror=\"document.title='markup'\">.wav";
    std::fs::write(folder.path().join(name), "this is no audio").unwrap();
    let seen = page(&nginx.url("/"), &nginx.url(""), &folder.path().join(name), "");
    assert!(seen["error"].as_str().unwrap().ends_with(" (UNSUPPORTED_FORMAT)"), "{seen}");
    assert_eq!(seen["shown"][0], format!("sending: {name}"));
    assert_eq!((&seen["resultShown"], &seen["images"], &seen["title"]), (&json!(false), &json!(0), &json!("CallAnnotate")));
    assert_eq!(seen["exceptions"], json!([]));
    assert_eq!(seen["canSend"], true);
}

/// A new key, as `callannotate keys create` prints it.
fn key(volume: &Path) -> String {
    let mut command = callannotate(volume);
    let text = printed(command.args(["keys", "create", "--label", "page", "--scope", "read", "--scope", "write"]));
    text.split_whitespace().find(|word| word.starts_with("ca_")).unwrap_or_else(|| panic!("no key in {text}")).to_owned()
}

#[test]
fn clients_with_a_key_and_a_page_from_disk_are_let_in() {
    let volume = TempDir::new().unwrap();
    // Created before the start, since a running server notices keys with a delay.
    let key = key(volume.path());
    let access = [("CALLANNOTATE__ACCESS__ENABLED", "true"), ("CALLANNOTATE__SERVER__CORS_ORIGINS", "null")];
    let Some(server) = server_on(volume.path(), &access) else { return };
    let without = python_client(&server).args(["submit", SHORT_CALL]).output().unwrap();
    assert_eq!(without.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&without.stderr).starts_with("error: UNAUTHORIZED: "));
    for follow in ["poll", "longpoll", "sse", "ws"] {
        let mut command = python_client(&server);
        command.env("CALLANNOTATE_API_KEY", &key).args(["submit", SHORT_CALL, "--follow", follow]);
        assert!(printed(&mut command).contains("insurance card"), "{follow}");
    }
    assert_passed(&newman(&server, &key));
    let from_disk = format!("file://{}", root().join("docs/examples/browser/index.html").display());
    let refused = page(&from_disk, &server.url(), &root().join(CALL), "");
    assert!(refused["error"].as_str().unwrap().ends_with("(UNAUTHORIZED)"), "{refused}");
    let seen = page(&from_disk, &server.url(), &root().join(CALL), &key);
    assert_eq!(seen["offered"], "http://localhost:8000");
    assert_annotated(&seen);
}
