//! Many files in the watched folder at once, also requested by clients, and across a restart.

use std::time::{Duration, SystemTime};

use callannotate::jobs::stage::Stage;
use serde_json::json;

use super::support::app::{NOTHING, TestApp};
use super::support::audio::tone;
use super::support::dropping::{names, watched};
use super::support::scripted::Act;

#[tokio::test]
async fn files_wait_while_the_queue_is_full_and_are_taken_when_there_is_room() {
    let app = TestApp::watching(&[("CALLANNOTATE__QUEUE__MAX_LENGTH", "2")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    app.lay("0.wav", &tone(300));
    app.script.reached(1).await;
    for number in 1..6 {
        app.lay(format!("{number}.wav"), &tone(300));
        let file = std::fs::File::open(app.incoming(format!("{number}.wav"))).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(100 - number)).unwrap();
    }
    app.until("two of them are taken", |app| app.lying().len() == 3).await;
    app.looks(3).await;
    // The last files have the oldest times.
    assert_eq!(app.lying(), ["1.wav", "2.wav", "3.wav"]);
    assert_eq!(app.get_json("/api/v1/queue/status").await["queue_length"], 2);
    app.script.release(6);
    assert_eq!(names(&app.ended(6).await), ["0.wav", "5.wav", "4.wav", "3.wav", "2.wav", "1.wav"]);
    assert_eq!(app.folders("incoming"), NOTHING);
}

#[tokio::test]
async fn a_file_becomes_one_job_whoever_is_first() {
    const FILES: usize = 24;
    let app = TestApp::watching(&[]).await;
    let mut made = 0;
    for number in 0..FILES {
        let name = format!("{number}.wav");
        app.lay(&name, &tone(300));
        // Half of them at once, half while the watched folder takes them.
        if number % 2 == 1 {
            app.looks(0).await;
        }
        let sent = app.client.post(app.url("/api/v1/jobs")).json(&json!({ "filename": name })).send().await.unwrap();
        made += usize::from(sent.status() == 201);
    }
    let jobs = app.ended(FILES).await;
    let mut found = names(&jobs);
    found.sort_unstable();
    found.dedup();
    assert_eq!((found.len(), app.lying(), app.folders("temp")), (FILES, Vec::new(), Vec::new()));
    assert!(jobs.iter().all(|job| job["status"] == "completed"));
    assert!(made > 0, "no request was first");
}

#[tokio::test]
async fn what_lies_there_at_a_stop_is_taken_after_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &watched(&[("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0")])).await;
    app.script.set(Stage::Diarization, Act::Hold);
    for number in 0..40 {
        app.lay(format!("{number}.wav"), &tone(300));
    }
    app.script.reached(1).await;
    app.stop().await;
    let app = TestApp::spawn_on(folder.path(), &watched(&[])).await;
    let jobs = app.ended(40).await;
    let mut found = names(&jobs);
    found.sort_unstable();
    found.dedup();
    assert_eq!((found.len(), app.lying(), app.folders("temp")), (40, Vec::new(), Vec::new()));
    assert!(jobs.iter().all(|job| job["status"] == "completed"));
}

#[tokio::test]
async fn a_thousand_files_at_once_are_all_done_and_the_oldest_first() {
    const FILES: u64 = 1000;
    // In memory if there is room: the speed of the disk is not tested here.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let app = TestApp::spawn_on(folder.path(), &watched(&[])).await;
    let recording = tone(100);
    for number in 0..FILES {
        let path = app.volume().join(format!("{number}.wav"));
        std::fs::write(&path, &recording).unwrap();
        // In an order that differs from that of their names.
        let age = (number * 7919) % FILES;
        std::fs::File::open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(age)).unwrap();
    }
    for number in 0..FILES {
        let name = format!("{number}.wav");
        std::fs::rename(app.volume().join(&name), app.incoming(&name)).unwrap();
    }
    let is_done = |app: &TestApp| app.folders("completed").len() == FILES as usize;
    app.until_within(Duration::from_mins(2), "a thousand files", is_done).await;
    assert_eq!((app.folders("incoming"), app.folders("failed"), app.folders("temp")), (Vec::new(), Vec::new(), Vec::new()));
    let mut next = Some("/api/v1/jobs?limit=100&sort=created_at&fields=file_info".to_owned());
    let mut found = Vec::new();
    while let Some(url) = next {
        let page = app.get_json(&url).await;
        found
            .extend(page["data"].as_array().unwrap().iter().map(|job| job["file_info"]["filename"].as_str().unwrap().to_owned()));
        next = page["meta"]["pagination"]["next_url"].as_str().map(str::to_owned);
    }
    assert_eq!(found.len() as u64, FILES);
    let age = |name: &String| (name.trim_end_matches(".wav").parse::<u64>().unwrap() * 7919) % FILES;
    let ages: Vec<u64> = found.iter().map(age).collect();
    assert!(ages.is_sorted(), "{ages:?}");
}
