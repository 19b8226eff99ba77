//! A job is created from a recording that is already in `incoming/`, by its name; on any failure the file keeps its name.

use std::path::Path;

use serde_json::{Value, json};

use super::support::app::{NOTHING, TestApp};
use super::support::audio::tone;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;
use callannotate::volume::Volume;

async fn take(app: &TestApp, body: &Value) -> (u16, Value) {
    let response = app.client.post(app.url("/api/v1/jobs")).json(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn refused(app: &TestApp, name: &str) -> (u16, String) {
    app.refused(app.client.post(app.url("/api/v1/jobs")).json(&json!({ "filename": name }))).await
}

fn lay(app: &TestApp, name: &str, bytes: &[u8]) {
    std::fs::write(app.volume().join("incoming").join(name), bytes).unwrap();
}

#[tokio::test]
async fn a_file_becomes_a_job_under_its_name() {
    let app = TestApp::spawn().await;
    let name = "Звонок 5 (копия).wav";
    lay(&app, name, &tone(1000));
    app.script.set(Stage::Diarization, Act::Hold);
    let body = json!({ "filename": name, "metadata": { "external_id": "x", "priority": 8 }, "options": { "diarize": true }, "other": 1 });
    let response = app.client.post(app.url("/api/v1/jobs")).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 201);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let job: Value = response.json().await.unwrap();
    let id = job["job_id"].as_str().unwrap();
    assert_eq!(location, format!("/api/v1/jobs/{id}"));
    assert_eq!((&job["file_info"]["filename"], &job["file_info"]["size"]), (&json!(name), &json!(16_044)));
    assert_eq!((&job["metadata"]["external_id"], &job["priority"]), (&json!("x"), &json!(8)));
    app.script.reached(1).await;
    assert_eq!((app.folders("incoming"), app.folders("temp")), (Vec::new(), Vec::new()));
    assert_eq!(refused(&app, name).await, (404, "FILE_NOT_FOUND".to_owned()));
    app.script.release(1);
    assert_eq!(app.wait_until_finished(id).await["status"], "completed");
    let sent = app.get(&format!("/api/v1/jobs/{id}/audio")).await.bytes().await.unwrap();
    assert_eq!(sent, tone(1000));
    // The same recording sent over the network has the same description.
    let other = app.create_job(tone(1000), &[]).await;
    assert_eq!(app.job(&other).await["file_info"]["sha256"], job["file_info"]["sha256"]);
}

#[tokio::test]
async fn only_a_plain_file_lying_directly_in_incoming_is_found() {
    let app = TestApp::spawn().await;
    let incoming = app.volume().join("incoming");
    lay(&app, "real.wav", &tone(300));
    lay(&app, ".hidden.wav", &tone(300));
    std::fs::create_dir_all(incoming.join("folder/deeper")).unwrap();
    std::fs::write(incoming.join("folder/call.wav"), tone(300)).unwrap();
    std::fs::write(app.volume().join("secret.wav"), tone(300)).unwrap();
    std::os::unix::fs::symlink(app.volume().join("secret.wav"), incoming.join("link.wav")).unwrap();
    std::os::unix::fs::symlink("/nowhere", incoming.join("dangling.wav")).unwrap();
    super::support::sound::run("mkfifo", &[incoming.join("pipe.wav").to_str().unwrap()]);
    let absolute = app.volume().join("secret.wav").display().to_string();
    let long = "x".repeat(5000);
    for name in [
        "absent.wav",
        "",
        ".",
        "..",
        "../secret.wav",
        "..\\secret.wav",
        "folder",
        "folder/call.wav",
        "folder/../real.wav",
        "./real.wav",
        "real.wav/",
        "/etc/passwd",
        &absolute,
        ".hidden.wav",
        "link.wav",
        "dangling.wav",
        "pipe.wav",
        "real.wav\u{0}",
        "REAL.WAV",
        "%72eal.wav",
        &long,
    ] {
        assert_eq!(refused(&app, name).await, (404, "FILE_NOT_FOUND".to_owned()), "{name:.40}");
    }
    for body in [json!({}), json!({ "filename": null })] {
        let (status, answer) = take(&app, &body).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("MISSING_FILE")), "{body}");
    }
    for body in [json!([]), json!({ "filename": 5 }), json!("real.wav")] {
        let (status, answer) = take(&app, &body).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("INVALID_JSON")), "{body}");
    }
    assert!(app.volume().join("secret.wav").is_file() && incoming.join("real.wav").is_file());
    assert_eq!(app.folders("temp"), NOTHING);
}

#[tokio::test]
async fn what_is_refused_stays_where_it_was() {
    let app = TestApp::spawn_with(&[("MAX_FILE_SIZE", "100000"), ("CALLANNOTATE__QUEUE__MAX_LENGTH", "1")]).await;
    for (name, bytes, status, code) in [
        ("note.txt", b"no sound at all".to_vec(), 415, "UNSUPPORTED_FORMAT"),
        ("broken.wav", b"RIFF\x24\x00\x00\x00WAVEfmt \xff\xff\xff\xff".to_vec(), 422, "INVALID_AUDIO"),
        ("empty.wav", Vec::new(), 422, "AUDIO_EMPTY"),
        ("large.wav", tone(10_000), 413, "FILE_TOO_LARGE"),
    ] {
        lay(&app, name, &bytes);
        assert_eq!(refused(&app, name).await, (status, code.to_owned()), "{name}");
        assert_eq!(std::fs::read(app.volume().join("incoming").join(name)).unwrap(), bytes, "{name}");
    }
    lay(&app, "good.wav", &tone(300));
    let wrong = json!({ "filename": "good.wav", "metadata": { "priority": 0 }, "options": { "colour": 1 } });
    let (status, answer) = take(&app, &wrong).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("INVALID_METADATA")));
    assert_eq!(answer["error"]["details"]["checks_failed"].as_array().unwrap().len(), 2);
    let strict = json!({ "filename": "good.wav", "options": { "strict": true } });
    assert_eq!(take(&app, &strict).await.0, 503);
    app.script.set(Stage::Diarization, Act::Hold);
    app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    app.create_job(tone(300), &[]).await;
    assert_eq!(refused(&app, "good.wav").await, (503, "QUEUE_FULL".to_owned()));
    assert!(app.volume().join("incoming/good.wav").is_file());
    assert_eq!(app.folders("temp"), NOTHING);
}

#[tokio::test]
async fn of_many_who_want_one_file_one_gets_it() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    lay(&app, "call.wav", &tone(300));
    let body = json!({ "filename": "call.wav" });
    let answers = futures_util::future::join_all((0..8).map(|_| take(&app, &body))).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1, "{answers:?}");
    let others = answers.iter().filter(|(status, answer)| (*status, &answer["error"]["code"]) == (404, &json!("FILE_NOT_FOUND")));
    assert_eq!(others.count(), 7, "{answers:?}");
    assert_eq!(app.folders("temp"), NOTHING);
}

/// A folder in `temp/` as left by a server that died while taking a recording.
fn half_taken(volume: &Path, folder: &str, taken_from: Option<&str>, recording: Option<&[u8]>) {
    let folder = volume.join("temp").join(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let record = json!({
        "job_id": "3f2b8c1e-0000-4000-8000-000000000000",
        "file": {
            "filename": "call.wav", "size_bytes": 4, "format": "wav", "codec": "pcm", "sample_rate": 8000, "channels": 1,
            "duration_seconds": 1.0, "sha256": "x"
        },
        "priority": 5, "created_at": "2026-11-20T12:00:00Z", "sequence": 1, "taken_from": taken_from
    });
    std::fs::write(folder.join("job.json"), record.to_string()).unwrap();
    if let Some(bytes) = recording {
        std::fs::write(folder.join("recording.wav"), bytes).unwrap();
    }
}

#[tokio::test]
async fn a_start_gives_back_what_a_server_that_died_was_taking() {
    let folder = tempfile::tempdir().unwrap();
    drop(Volume::open(folder.path()).unwrap());
    let incoming = folder.path().join("incoming");
    half_taken(folder.path(), "3f2b8c1e-0000-4000-8000-000000000001", Some("call.wav"), Some(b"mine"));
    // The name was reused meanwhile; nothing was moved yet; the client sent it; it was deleted afterwards; a forged name.
    std::fs::write(incoming.join("other.wav"), b"newer").unwrap();
    half_taken(folder.path(), "3f2b8c1e-0000-4000-8000-000000000002", Some("other.wav"), Some(b"older"));
    half_taken(folder.path(), "3f2b8c1e-0000-4000-8000-000000000003", Some("unmoved.wav"), None);
    half_taken(folder.path(), "3f2b8c1e-0000-4000-8000-000000000004", None, Some(b"sent"));
    half_taken(folder.path(), "3f2b8c1e-0000-4000-8000-000000000005.deleted", Some("deleted.wav"), Some(b"gone"));
    half_taken(folder.path(), "3f2b8c1e-0000-4000-8000-000000000006", Some("../failed/forged.wav"), Some(b"forged"));
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    assert_eq!(std::fs::read(incoming.join("call.wav")).unwrap(), b"mine");
    assert_eq!(std::fs::read(incoming.join("other.wav")).unwrap(), b"newer");
    let mut files = app.folders("incoming");
    files.retain(|name| !["call.wav", "other.wav"].contains(&name.as_str()));
    assert!(matches!(files.as_slice(), [name] if name.ends_with("-other.wav")), "{files:?}");
    assert_eq!(std::fs::read(incoming.join(&files[0])).unwrap(), b"older");
    assert_eq!((app.folders("temp"), app.folders("failed")), (Vec::new(), Vec::new()));
    assert_eq!(app.get_json("/api/v1/jobs").await["data"], json!([]));
}

#[tokio::test]
async fn a_volume_in_trouble_costs_no_file() {
    let app = TestApp::spawn().await;
    lay(&app, "call.wav", &tone(300));
    let incoming = app.volume().join("incoming");
    std::fs::rename(app.volume().join("temp"), app.volume().join("elsewhere")).unwrap();
    let (status, code) = refused(&app, "call.wav").await;
    assert_eq!((status, code.as_str()), (500, "INTERNAL_ERROR"));
    assert_eq!(std::fs::read(incoming.join("call.wav")).unwrap(), tone(300));
    std::fs::rename(app.volume().join("elsewhere"), app.volume().join("temp")).unwrap();
    assert_eq!(take(&app, &json!({ "filename": "call.wav" })).await.0, 201);
}
