//! The watched folder: a file dropped into `incoming/` becomes a job once it has stopped changing, and not before.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use callannotate::clock::Clock;
use chrono::DateTime;
use serde_json::{Value, json};

use super::support::app::{NOTHING, TestApp};
use super::support::audio::tone;
use super::support::dropping::{names, watched};
use super::support::sound::run;

/// A clock that only the test moves.
fn held_clock() -> (Clock, Arc<AtomicI64>) {
    let millis = Arc::new(AtomicI64::new(1_800_000_000_000));
    let now = Arc::clone(&millis);
    (Clock::from_fn(move || DateTime::from_timestamp_millis(now.load(Ordering::SeqCst)).unwrap()), millis)
}

async fn listed(app: &TestApp) -> Vec<Value> {
    app.get_json("/api/v1/jobs?limit=100&sort=created_at").await["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_dropped_recording_becomes_a_job_with_what_its_sidecar_says() {
    let app = TestApp::watching(&[]).await;
    app.lay("call.json", br#"{"metadata": {"caller": "stays"}}"#);
    app.lay("call.wav.json", br#"{"metadata": {"caller": "anna", "x": 1}, "options": {"diarize": false}, "priority": 7}"#);
    app.lay("call.wav", &tone(300));
    let jobs = app.ended(1).await;
    let job = &jobs[0];
    assert_eq!((&job["status"], &job["file_info"]["filename"]), (&json!("completed"), &json!("call.wav")));
    assert_eq!(job["metadata"], json!({ "caller": "anna", "x": 1, "priority": 7 }));
    assert_eq!((&job["priority"], &job["options"]["diarize"]), (&json!(7), &json!(false)));
    // The sidecar that applied was moved with the recording; the other one may belong to another recording.
    assert_eq!(app.lying(), ["call.json"]);
    let folder = app.volume().join("completed").join(job["job_id"].as_str().unwrap());
    assert_eq!(std::fs::read(folder.join("recording.wav")).unwrap(), tone(300));
    assert!(std::fs::read_to_string(folder.join("sidecar.json")).unwrap().contains("anna"));
    assert_eq!(app.folders("temp"), NOTHING);
}

#[tokio::test]
async fn a_folder_in_incoming_is_a_label_and_deeper_ones_are_left_alone() {
    let app = TestApp::watching(&[]).await;
    std::fs::create_dir_all(app.incoming("Отдел продаж/2026")).unwrap();
    app.lay("Отдел продаж/2026/deep.wav", &tone(300));
    app.lay("Отдел продаж/one.json", br#"{"metadata": {"caller": "anna"}}"#);
    app.lay("Отдел продаж/one.wav", &tone(300));
    app.ended(1).await;
    app.lay("Отдел продаж/two.json", br#"{"metadata": {"folder": "mine"}}"#);
    app.lay("Отдел продаж/two.wav", &tone(300));
    let jobs = app.ended(2).await;
    assert_eq!(jobs[0]["metadata"], json!({ "caller": "anna", "folder": "Отдел продаж" }));
    assert_eq!(jobs[1]["metadata"], json!({ "folder": "mine" }));
    assert_eq!(names(&jobs), ["one.wav", "two.wav"]);
    assert_eq!(std::fs::read(app.incoming("Отдел продаж/2026/deep.wav")).unwrap(), tone(300));
    // A folder that a user created is not treated as an unreadable job.
    let volume = app.volume().to_path_buf();
    assert!(volume.join("incoming/Отдел продаж").is_dir());
}

#[tokio::test]
async fn a_slow_copy_is_never_taken_early() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, millis) = held_clock();
    let app = TestApp::spawn_at(folder.path(), &watched(&[]), clock).await;
    let whole = tone(1000);
    // No process has the file open between the pieces, so only its growth shows that it is incomplete.
    for piece in whole.chunks(whole.len() / 4 + 1) {
        let mut file = std::fs::File::options().create(true).append(true).open(app.incoming("call.wav")).unwrap();
        file.write_all(piece).unwrap();
        drop(file);
        app.looks(2).await;
        millis.fetch_add(99, Ordering::SeqCst);
        app.looks(2).await;
        assert!(app.incoming("call.wav").is_file());
    }
    assert_eq!(listed(&app).await, NOTHING.map(Value::from));
    millis.fetch_add(1, Ordering::SeqCst);
    let jobs = app.ended(1).await;
    assert_eq!(jobs[0]["file_info"]["size"], whole.len());
    assert_eq!(jobs[0]["status"], "completed");
}

#[tokio::test]
async fn what_a_program_still_has_open_is_left_alone_however_long_it_pauses() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, millis) = held_clock();
    let app = TestApp::spawn_at(folder.path(), &watched(&[]), clock).await;
    app.looks(1).await;
    let whole = tone(1000);
    let mut file = std::fs::File::create(app.incoming("call.wav")).unwrap();
    file.write_all(&whole[..4000]).unwrap();
    for _ in 0..3 {
        app.looks(2).await;
        millis.fetch_add(3_600_000, Ordering::SeqCst);
    }
    app.looks(2).await;
    assert_eq!(app.lying(), ["call.wav"]);
    file.write_all(&whole[4000..]).unwrap();
    drop(file);
    app.looks(2).await;
    assert_eq!(app.lying(), ["call.wav"]);
    millis.fetch_add(100, Ordering::SeqCst);
    assert_eq!(app.ended(1).await[0]["file_info"]["size"], whole.len());
}

#[tokio::test]
async fn a_sidecar_that_comes_or_changes_in_time_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, millis) = held_clock();
    let app = TestApp::spawn_at(folder.path(), &watched(&[]), clock).await;
    app.lay("call.wav", &tone(300));
    for text in [r#"{"metadata": "unfinished"#, r#"{"metadata": {"caller": "anna"}}"#] {
        app.looks(2).await;
        millis.fetch_add(99, Ordering::SeqCst);
        std::fs::write(app.incoming("call.json"), text).unwrap();
        app.looks(2).await;
        millis.fetch_add(99, Ordering::SeqCst);
        app.looks(2).await;
        assert_eq!(app.lying(), ["call.json", "call.wav"]);
    }
    millis.fetch_add(1, Ordering::SeqCst);
    let jobs = app.ended(1).await;
    assert_eq!(jobs[0]["metadata"], json!({ "caller": "anna" }));
    // A sidecar that arrives later waits for another recording of that name.
    app.lay("call.json", br#"{"metadata": {"caller": "late"}}"#);
    app.looks(2).await;
    millis.fetch_add(1000, Ordering::SeqCst);
    app.looks(2).await;
    assert_eq!((app.lying(), listed(&app).await.len()), (vec!["call.json".into()], 1));
}

#[tokio::test]
async fn a_bad_sidecar_sets_its_recording_aside_and_names_every_mistake() {
    let app = TestApp::watching(&[]).await;
    app.lay("call.json", br#"{"metadata": {"caller": 5}, "priority": 11, "options": {"colour": 1}}"#);
    app.lay("call.wav", &tone(300));
    let jobs = app.ended(1).await;
    let (id, error) = (jobs[0]["job_id"].as_str().unwrap(), &jobs[0]["error"]);
    assert_eq!(
        (&jobs[0]["status"], &error["code"], &error["stage"]),
        (&json!("failed"), &json!("INVALID_METADATA"), &Value::Null)
    );
    let folder = app.volume().join("failed").join(id);
    let written: Value = serde_json::from_slice(&std::fs::read(folder.join("error.json")).unwrap()).unwrap();
    assert_eq!((&written["code"], &written["filename"]), (&json!("INVALID_METADATA"), &json!("call.wav")));
    let message = written["message"].as_str().unwrap();
    for part in ["call.json", "metadata.caller", "metadata.priority", "options.colour"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(std::fs::read(folder.join("recording.wav")).unwrap(), tone(300));
    assert!(folder.join("sidecar.json").is_file());
    assert!(app.lying().is_empty());
    // The recording itself is valid: it can be retried without the rejected options.
    assert_eq!(app.change(id, "retry").await.0, 202);
    assert_eq!(app.wait_until_finished(id).await["status"], "completed");
}

#[tokio::test]
async fn unusable_files_are_failed_jobs_that_a_deletion_removes_for_good() {
    let app = TestApp::watching(&[("MAX_FILE_SIZE", "100000"), ("CALLANNOTATE__FILES__MAX_DURATION_SECONDS", "4")]).await;
    let broken: &[u8] = b"RIFF\x24\x00\x00\x00WAVEfmt \xff\xff\xff\xff";
    let files: [(&str, &[u8], &str); 5] = [
        ("note.txt", b"no sound at all", "UNSUPPORTED_FORMAT"),
        ("broken.wav", broken, "INVALID_AUDIO"),
        ("empty.wav", b"", "AUDIO_EMPTY"),
        ("large.wav", &tone(10_000), "FILE_TOO_LARGE"),
        ("long.wav", &tone(5000), "AUDIO_TOO_LONG"),
    ];
    for (name, bytes, _) in files {
        app.lay(name, bytes);
    }
    let jobs = app.ended(5).await;
    for (name, bytes, code) in files {
        let job = jobs.iter().find(|job| job["file_info"]["filename"] == name).unwrap();
        assert_eq!((&job["status"], &job["error"]["code"]), (&json!("failed"), &json!(code)), "{name}");
        let folder = app.volume().join("failed").join(job["job_id"].as_str().unwrap());
        let error: Value = serde_json::from_slice(&std::fs::read(folder.join("error.json")).unwrap()).unwrap();
        assert_eq!((&error["code"], &error["filename"]), (&json!(code), &json!(name)));
        assert_eq!(std::fs::read(folder.join("recording.unknown")).unwrap(), bytes, "{name}");
    }
    assert!(app.lying().is_empty() && app.folders("temp").is_empty());
    let volume = app.volume().to_path_buf();
    for job in &jobs {
        assert_eq!(app.delete(job["job_id"].as_str().unwrap()).await.status(), 204);
    }
    app.looks(2).await;
    assert_eq!((listed(&app).await.len(), app.folders("failed"), app.lying()), (0, Vec::new(), Vec::new()));
    assert_eq!(std::fs::read_dir(volume.join("temp")).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_that_was_too_large_is_identified_when_it_is_retried_under_a_higher_limit() {
    let folder = tempfile::tempdir().unwrap();
    let id = {
        let app = TestApp::spawn_on(folder.path(), &watched(&[("MAX_FILE_SIZE", "1024")])).await;
        app.lay("large.wav", &tone(300));
        let jobs = app.ended(1).await;
        assert_eq!(jobs[0]["error"]["code"], "FILE_TOO_LARGE");
        let id = jobs[0]["job_id"].as_str().unwrap().to_owned();
        app.stop().await;
        id
    };
    let app = TestApp::spawn_on(folder.path(), &watched(&[])).await;
    assert_eq!(app.change(&id, "retry").await.0, 202);
    let job = app.wait_until_finished(&id).await;
    assert_eq!(job["status"], "completed", "{job}");
    let result = app.get_json(&format!("/api/v1/jobs/{id}/result")).await;
    assert_eq!(result["result"]["metadata"]["audio"]["format"], "wav");
}

#[tokio::test]
async fn what_is_not_whole_by_its_name_or_no_plain_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, millis) = held_clock();
    let app = TestApp::spawn_at(folder.path(), &watched(&[]), clock).await;
    let partial = ["a.wav.part", "b.TMP", "c.wav.crdownload", "d.filepart", ".hidden.wav", "e.wav~", "lone.json", "f.wav.json"];
    for name in partial {
        app.lay(name, &tone(300));
    }
    // A browser reserves the name and writes to another file beside it.
    app.lay("a.wav", b"");
    std::fs::write(app.volume().join("secret.wav"), tone(300)).unwrap();
    symlink(app.volume().join("secret.wav"), app.incoming("link.wav")).unwrap();
    symlink(app.volume(), app.incoming("linked folder")).unwrap();
    run("mkfifo", &[app.incoming("pipe.wav").to_str().unwrap()]);
    std::fs::create_dir(app.incoming("folder.wav")).unwrap();
    app.looks(1).await;
    millis.fetch_add(10_000, Ordering::SeqCst);
    app.looks(2).await;
    let mut all: Vec<std::ffi::OsString> = partial.iter().map(Into::into).collect();
    all.extend(["a.wav", "link.wav", "linked folder", "pipe.wav", "folder.wav"].map(Into::into));
    all.sort();
    assert_eq!(app.lying(), all);
    assert_eq!(listed(&app).await, NOTHING.map(Value::from));
    // Now the file is complete.
    std::fs::rename(app.incoming("a.wav.part"), app.incoming("a.wav")).unwrap();
    app.looks(2).await;
    millis.fetch_add(100, Ordering::SeqCst);
    assert_eq!(names(&app.ended(1).await), ["a.wav"]);
}
