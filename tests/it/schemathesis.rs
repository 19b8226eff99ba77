//! Schemathesis reads the API description and sends valid and invalid requests, one by one and in sequences that follow the
//! links from a new job. All checks are enabled.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

use super::access;
use super::support::app::TestApp;

/// No limits on the number of requests, and a small maximum file size.
const SETTINGS: [(&str, &str); 3] = [
    ("MAX_FILE_SIZE", "1000000"),
    ("CALLANNOTATE__QUEUE__MAX_LENGTH", "100000"),
    ("CALLANNOTATE__RATE_LIMITS__ENABLED", "false"),
];
/// The time for one run, in seconds: with the fixed examples and some generated requests and sequences in `make test`, with many more in
/// `make chaos`, which sets `CALLANNOTATE_SCHEMATHESIS_SECONDS`.
const BUDGET_SECONDS: &str = "20";
/// The deadline of the whole run.
const GIVE_UP: Duration = Duration::from_secs(400);

/// Runs Schemathesis against a server, with these headers in every request.
async fn run(app: &TestApp, headers: &[String]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join(".venv/bin/python");
    assert!(python.exists(), "{} is missing: `make test` sets it up", python.display());
    let folder = TempDir::new().unwrap();
    let budget = std::env::var("CALLANNOTATE_SCHEMATHESIS_SECONDS").unwrap_or_else(|_| BUDGET_SECONDS.to_owned());
    let mut command = Command::new(python);
    command
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(root.join("tests/schemathesis/schemathesis.toml"))
        .args(["run", "--no-color", "--checks", "all", "--max-time", &budget, "--request-timeout", "20"])
        .args(["--seed", "1", "--no-shrink", "--continue-on-failure"])
        .arg(app.url("/api/v1/openapi.json"));
    for header in headers {
        command.args(["--header", header]);
    }
    command
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", root.join("tests/schemathesis"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(GIVE_UP, command.output()).await.expect("it ends in time").unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}\n{errors}");
    assert!(text.contains("Stateful (in"), "all phases were run: {text}\n{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_description_allows_or_forbids_is_answered_as_it_says() {
    let app = TestApp::spawn_with(&SETTINGS).await;
    run(&app, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_holds_where_keys_are_asked_for() {
    let folder = TempDir::new().unwrap();
    let (_, key) = access::create(folder.path(), "schemathesis", &["read", "write"]);
    let settings = [SETTINGS.as_slice(), &[("CALLANNOTATE__ACCESS__ENABLED", "true")]].concat();
    let app = TestApp::spawn_on(folder.path(), &settings).await;
    run(&app, &[format!("Authorization: Bearer {key}")]).await;
}
