//! A disk that is really full: a small file system, where the test may mount one.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use futures_util::stream;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::app::{DEADLINE, NOTHING, TestApp};
use super::support::audio::{tone, wav};
use super::support::needs::Need;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;

const MIB: usize = 1024 * 1024;

/// A file system of 32 MiB, unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// Returns none if mounting is not allowed.
    fn mount() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=32m", "none"]).arg(folder.path());
        let mounted = mount.output().is_ok_and(|done| done.status.success());
        Need::Mount.or_skip(mounted.then(|| Self(folder)))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills the disk with a file.
    fn fill(&self) {
        let mut filler = File::create(self.path().join("filler")).unwrap();
        while filler.write_all(&[1; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        assert!(Command::new("umount").args(["--lazy"]).arg(self.path()).status().unwrap().success());
    }
}

const SETTINGS: [(&str, &str); 3] = [
    ("CALLANNOTATE__STORAGE__RESERVE", "8388608"),
    ("QUEUE_POLL_INTERVAL", "1"),
    ("CALLANNOTATE__RATE_LIMITS__ENABLED", "false"),
];

fn problems(health: &Value) -> Vec<&str> {
    health["problems"].as_array().unwrap().iter().map(|problem| problem.as_str().unwrap()).collect()
}

async fn until_paused(app: &TestApp, is_paused: bool) -> Value {
    let watch = async {
        loop {
            let health = app.get_json("/health").await;
            if (health["queue_status"] == "paused") == is_paused {
                return health;
            }
        }
    };
    tokio::time::timeout(DEADLINE, watch).await.expect("the queue did not do as it should")
}

#[tokio::test]
async fn a_recording_that_would_take_the_reserve_is_refused() {
    let Some(disk) = SmallDisk::mount() else { return };
    let app = TestApp::spawn_on(disk.path(), &SETTINGS).await;
    assert_eq!(problems(&app.get_json("/health").await), ["stages_missing"]);
    // Refused because of its Content-Length.
    let announced =
        reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(vec![0; 26 * MIB]).file_name("call.wav"));
    let refused = app.refused(app.client.post(app.url("/api/v1/jobs")).multipart(announced)).await;
    assert_eq!(refused, (503, "STORAGE_FULL".to_owned()));
    // Refused during the upload, since it has no Content-Length.
    let chunks = stream::iter((0..30).map(|_| Ok::<_, std::io::Error>(vec![0; MIB])));
    let part = reqwest::multipart::Part::stream(reqwest::Body::wrap_stream(chunks)).file_name("call.wav");
    let request = app.client.post(app.url("/api/v1/jobs")).multipart(reqwest::multipart::Form::new().part("file", part));
    assert_eq!(app.refused(request).await, (503, "STORAGE_FULL".to_owned()));
    assert_eq!(app.folders("temp"), NOTHING);
    // A small recording still fits.
    let id = app.create_job(tone(300), &[]).await;
    assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
}

#[tokio::test]
async fn what_is_accepted_waits_for_room_and_goes_on_by_itself() {
    let Some(disk) = SmallDisk::mount() else { return };
    let app = TestApp::spawn_on(disk.path(), &SETTINGS).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let running = app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    let waiting = app.create_job(tone(300), &[]).await;
    disk.fill();
    app.script.set(Stage::Diarization, Act::Succeed);
    app.script.release(1);
    let health = until_paused(&app, true).await;
    assert_eq!((&health["status"], problems(&health)), (&json!("degraded"), vec!["storage_full", "stages_missing"]));
    assert_eq!(health["components"]["volume_access"], "degraded");
    assert_eq!(app.job(&running).await["status"], "processing");
    assert_eq!(app.job(&waiting).await["status"], "queued");
    let refused = app.post(tone(300), &[]).await;
    assert_eq!((refused.status().as_u16(), refused.headers().contains_key("retry-after")), (503, true));
    assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], "STORAGE_FULL");
    disk.free();
    for id in [&running, &waiting] {
        assert_eq!(app.wait_until_finished(id).await["status"], "completed");
        assert_eq!(app.job(id).await["attempts"], 1);
    }
    let health = until_paused(&app, false).await;
    assert_eq!(problems(&health), ["stages_missing"]);
    assert_eq!(app.folders("temp"), NOTHING);
}

/// A server that starts on a full disk loads the existing jobs, and processes them once there is room.
#[tokio::test]
async fn a_start_on_a_full_disk_loses_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let app = TestApp::spawn_on(disk.path(), &SETTINGS).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    disk.fill();
    app.shutdown.hard.cancel();
    app.stop().await;
    let app = TestApp::spawn_on(disk.path(), &SETTINGS).await;
    until_paused(&app, true).await;
    assert_eq!(app.job(&id).await["status"], "queued");
    disk.free();
    assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
}

#[tokio::test]
async fn a_recording_that_needs_more_beside_memory_than_there_is_waits_until_there_is() {
    let Some(disk) = SmallDisk::mount() else { return };
    let app = TestApp::spawn_on(disk.path(), &SETTINGS).await;
    // 1,000 samples a second: 2 MB in the file, 70 MB when resampled to 16 kHz.
    let id = app.create_job(wav(1_000, 1, &vec![300; 1_100_000]), &[]).await;
    until_paused(&app, true).await;
    // Jobs that need less room do not wait for it.
    let small = app.create_job(tone(300), &[]).await;
    assert_eq!(app.wait_until_finished(&small).await["status"], "completed");
    assert_ne!(app.job(&id).await["status"], "completed");
    let grown = Command::new("mount").args(["-o", "remount,size=256m"]).arg(disk.path()).status().unwrap();
    assert!(grown.success());
    assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
    assert_eq!(app.job(&id).await["attempts"], 1);
    assert_eq!(app.folders("temp"), NOTHING);
}

/// The job that did not fit was overtaken by all later jobs for as long as any arrived.
#[tokio::test]
async fn a_recording_that_there_was_no_room_for_is_tried_again_when_another_job_has_ended() {
    let Some(disk) = SmallDisk::mount() else { return };
    let app = TestApp::spawn_on(disk.path(), &SETTINGS).await;
    let large = app.create_job(wav(1_000, 1, &vec![300; 1_100_000]), &[]).await;
    until_paused(&app, true).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let first = app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    let second = app.create_job(tone(300), &[]).await;
    let grown = Command::new("mount").args(["-o", "remount,size=256m"]).arg(disk.path()).status().unwrap();
    assert!(grown.success());
    app.script.set(Stage::Diarization, Act::Succeed);
    app.script.release(1);
    let mut begun = Vec::new();
    for id in [&first, &large, &second] {
        let job = app.wait_until_finished(id).await;
        assert_eq!(job["status"], "completed");
        begun.push(job["started_at"].as_str().unwrap().to_owned());
    }
    assert!(begun.is_sorted(), "{begun:?}");
}
