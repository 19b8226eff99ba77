//! The log files in the volume.

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

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

#[test]
fn without_files_the_log_is_on_standard_output_alone() {
    let folder = TempDir::new().unwrap();
    let server = Observed::start(folder.path(), &[("CALLANNOTATE__LOGGING__FILES", "false")]).unwrap();
    server.signal(Signal::TERM);
    assert!(server.next("stopped").is_some());
    assert!(server.end().success());
    assert_eq!(logged(folder.path()), (Vec::new(), 0));
}
