//! The commands of `callannotate`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::support::audio::tone;
use super::support::process::{Server, callannotate};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn call(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/calls").join(name)
}

#[test]
fn the_version_is_the_packages() {
    let output = callannotate(Path::new("/nonexistent")).arg("--version").output().unwrap();
    assert_eq!(text(&output.stdout), format!("callannotate {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_file_that_cannot_be_annotated_is_one_line_and_exit_code_one() {
    let volume = tempfile::tempdir().unwrap();
    let broken = volume.path().join("broken.wav");
    std::fs::write(&broken, b"this is no audio").unwrap();
    for (file, part) in [(broken.as_path(), "not supported"), (Path::new("/nonexistent/call.wav"), "cannot read")] {
        let output = callannotate(volume.path()).arg("annotate").arg(file).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = text(&output.stderr);
        let last = error.lines().last().unwrap();
        assert!(last.starts_with("callannotate: ") && last.contains(part), "{error}");
    }
}

#[test]
fn without_any_model_who_speaks_when_is_still_found() {
    let volume = tempfile::tempdir().unwrap();
    let run = |format: &str| -> Output {
        let output =
            callannotate(volume.path()).arg("annotate").arg(call("voicemail.flac")).args(["--format", format]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        output
    };
    let document: Value = serde_json::from_slice(&run("json").stdout).unwrap();
    assert_eq!(document["metadata"]["speaker_count"], 1);
    assert_eq!(document["processing"]["transcription"]["status"], "skipped");
    let reason = document["processing"]["transcription"]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("make models"), "{reason}");
    assert!(
        document["metadata"]["warnings"].as_array().unwrap().iter().any(|warning| warning.as_str().unwrap().contains(&reason))
    );
    let turns = text(&run("rttm").stdout);
    assert_eq!(turns.lines().count(), document["turns"].as_array().unwrap().len());
    assert!(
        turns.lines().all(|line| line.starts_with("SPEAKER voicemail 1 ") && line.ends_with(" <NA> <NA> speaker_01 <NA> <NA>"))
    );
}

#[test]
fn the_health_check_follows_the_server() {
    let volume = tempfile::tempdir().unwrap();
    let server = Server::start(volume.path());
    let check =
        |port: &str| callannotate(volume.path()).env("CALLANNOTATE__SERVER__PORT", port).arg("healthcheck").output().unwrap();
    assert_eq!(check(&server.port).status.code(), Some(0));
    let port = server.port.clone();
    drop(server);
    let output = check(&port);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no server answers"));
}

#[test]
fn a_killed_server_loses_nothing() {
    let volume = tempfile::tempdir().unwrap();
    let server = Server::start(volume.path());
    let file = volume.path().join("tone.wav");
    std::fs::write(&file, tone(2000)).unwrap();
    let answer = Command::new("curl")
        .args([
            "-s",
            "--noproxy",
            "*",
            "-F",
            &format!("file=@{}", file.display()),
            &format!("http://127.0.0.1:{}/api/v1/jobs", server.port),
        ])
        .output()
        .unwrap();
    let created: Value = serde_json::from_slice(&answer.stdout).unwrap();
    let id = created["job_id"].as_str().unwrap();
    // Killed with SIGKILL, at any point of the job.
    drop(server);
    let server = Server::start(volume.path());
    let job = || -> Value {
        let url = format!("http://127.0.0.1:{}/api/v1/jobs/{id}", server.port);
        serde_json::from_slice(&Command::new("curl").args(["-s", "--noproxy", "*", &url]).output().unwrap().stdout).unwrap()
    };
    let deadline = std::time::Instant::now() + super::support::app::DEADLINE;
    while job()["status"] != "completed" {
        assert!(std::time::Instant::now() < deadline, "{}", job());
    }
}
