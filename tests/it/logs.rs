//! The log files in the volume.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::support::audio::tone;
use super::support::observed::Observed;
use super::support::process::callannotate;

/// All lines of all files, the oldest first, and the total size in bytes.
fn logged(folder: &std::path::Path) -> (Vec<Value>, u64) {
    let mut paths: Vec<_> = std::fs::read_dir(folder.join("logs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let texts: Vec<String> = paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let bytes = texts.iter().map(|text| text.len() as u64).sum();
    (texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect(), bytes)
}

#[tokio::test]
async fn the_log_is_kept_in_files_that_take_no_more_room_than_they_may() {
    let folder = TempDir::new().unwrap();
    let limits = [("CALLANNOTATE__LOGGING__MAX_FILE_BYTES", "4096"), ("CALLANNOTATE__LOGGING__MAX_TOTAL_BYTES", "12000")];
    let server = Observed::start(folder.path(), &limits).unwrap();
    // A second server on the volume is refused, and does not touch the first one's files.
    let refused = callannotate(folder.path()).arg("serve").output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..100 {
        assert_eq!(client.get(format!("{}/info", server.url)).send().await.unwrap().status(), 200);
    }
    server.signal(Signal::TERM);
    assert!(server.end().success());
    let (lines, bytes) = logged(folder.path());
    assert!(bytes <= 12_000, "{bytes}");
    let count = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    // A line takes about 250 bytes: the first ones were removed, the last one is there.
    assert_eq!((count("listening"), count("stopped")), (0, 1));
    assert!((20..100).contains(&count("request")), "{}", count("request"));
}

/// The permissions of everything below a folder, by its name.
fn modes(folder: &Path, found: &mut BTreeMap<PathBuf, u32>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            modes(&path, found);
        }
        found.insert(path.clone(), std::fs::metadata(path).unwrap().permissions().mode() & 0o777);
    }
}

#[tokio::test]
async fn the_files_of_the_log_and_of_jobs_are_not_for_everybody_whatever_the_umask_is() {
    for (umask, folder_mode, file_mode) in [("000", 0o750, 0o640), ("077", 0o700, 0o600)] {
        let folder = TempDir::new().unwrap();
        let logs = folder.path().join("logs");
        std::fs::create_dir_all(&logs).unwrap();
        // As version 1.0 left them.
        for name in ["callannotate.log", "callannotate-20260101T000000.000Z-000000.log"] {
            std::fs::write(logs.join(name), "{}\n").unwrap();
            std::fs::set_permissions(logs.join(name), Permissions::from_mode(0o644)).unwrap();
        }
        let program = callannotate(folder.path());
        let mut command = Command::new("sh");
        command.args(["-c", "umask $1; exec $0 serve"]).arg(program.get_program()).arg(umask).env_clear();
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("CALLANNOTATE__LOGGING__MAX_FILE_BYTES", "4096");
        let server = Observed::start_as(command).unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for _ in 0..40 {
            assert_eq!(client.get(format!("{}/info", server.url)).send().await.unwrap().status(), 200);
        }
        let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(tone(300)).file_name("call.wav"));
        assert_eq!(client.post(format!("{}/api/v1/jobs", server.url)).multipart(form).send().await.unwrap().status(), 201);
        assert!(server.next("job_completed").is_some());
        server.signal(Signal::TERM);
        assert!(server.end().success());
        let mut found = BTreeMap::new();
        modes(&logs, &mut found);
        assert!(found.len() > 3 && found.values().all(|mode| *mode == 0o640), "{found:?}");
        let mut found = BTreeMap::new();
        modes(&folder.path().join("completed"), &mut found);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found.iter().all(|(path, mode)| *mode == if path.is_dir() { folder_mode } else { file_mode }), "{found:?}");
    }
}

#[test]
fn without_files_the_log_is_on_standard_output_alone() {
    let folder = TempDir::new().unwrap();
    let server = Observed::start(folder.path(), &[("CALLANNOTATE__LOGGING__FILES", "false")]).unwrap();
    server.signal(Signal::TERM);
    assert!(server.next("stopped").is_some());
    assert!(server.end().success());
    assert_eq!(logged(folder.path()), (Vec::new(), 0));
}
