//! Pipes, devices, links and folders in the place of files: nothing waits for them, and nothing reads them without an end.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use super::support::app::{DEADLINE, TestApp};
use super::support::audio::tone;
use super::support::dropping::watched;
use super::support::process::{Server, callannotate};
use super::support::sound::run;
use callannotate::volume::Volume;

/// What may lie where the server expects a file.
const KINDS: [&str; 4] = ["pipe", "link to a device", "link to a pipe", "folder"];

/// Puts something into the place of a file.
fn put(kind: &str, path: &Path) {
    let pipe = |path: &Path| run("mkfifo", &[path.to_str().unwrap()]);
    if std::fs::symlink_metadata(path).is_ok() {
        std::fs::remove_file(path).unwrap();
    }
    match kind {
        "pipe" => pipe(path),
        "link to a device" => symlink("/dev/zero", path).unwrap(),
        "link to a pipe" => {
            let outside = path.with_extension("elsewhere");
            if !outside.exists() {
                pipe(&outside);
            }
            symlink(outside, path).unwrap();
        }
        _ => std::fs::create_dir(path).unwrap(),
    }
}

/// The value, if it comes in time.
fn in_time<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(work()));
    receiver.recv_timeout(Duration::from_secs(10)).unwrap_or_else(|_| panic!("{what}: waits for ever"))
}

#[test]
fn what_takes_the_place_of_a_settled_file_is_neither_waited_for_nor_read() {
    for kind in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let volume = Volume::open(folder.path()).unwrap();
        let path = folder.path().join("incoming/call.wav");
        std::fs::write(&path, tone(300)).unwrap();
        std::fs::write(folder.path().join("incoming/call.json"), b"{}").unwrap();
        let arrival = volume.drop_folder().list(10).unwrap().arrivals.remove(0);
        for name in ["call.wav", "call.json"] {
            put(kind, &folder.path().join("incoming").join(name));
        }
        let (opened, sidecar) = in_time(kind, move || (arrival.open(), arrival.read_sidecar(1000)));
        assert!(opened.is_err() && sidecar.is_err(), "{kind}");
    }
}

#[tokio::test]
async fn a_pipe_in_incoming_holds_up_neither_the_watcher_nor_uploads() {
    let app = TestApp::watching(&[]).await;
    for (number, kind) in KINDS.iter().enumerate() {
        put(kind, &app.incoming(format!("{number}.wav")));
        app.lay(format!("good-{number}.wav"), &tone(300));
        put(kind, &app.incoming(format!("good-{number}.json")));
        let named = app.client.post(app.url("/api/v1/jobs")).json(&json!({ "filename": format!("{number}.wav") }));
        assert_eq!(app.refused(named).await, (404, "FILE_NOT_FOUND".to_owned()), "{kind}");
    }
    let sent = app.create_job(tone(300), &[]).await;
    assert_eq!(app.wait_until_finished(&sent).await["status"], "completed");
    assert_eq!(app.ended(KINDS.len() + 1).await.iter().filter(|job| job["status"] == "completed").count(), KINDS.len() + 1);
    app.stop().await;
}

#[tokio::test]
async fn a_server_starts_and_ends_whatever_lies_in_the_place_of_its_files() {
    for kind in KINDS {
        let folder = tempfile::tempdir().unwrap();
        let app = TestApp::spawn_on(folder.path(), &[]).await;
        let (kept, strange) = (app.create_job(tone(300), &[]).await, app.create_job(tone(300), &[]).await);
        for id in [&kept, &strange] {
            assert_eq!(app.wait_until_finished(id).await["status"], "completed");
        }
        app.stop().await;
        let temp = |name: &str| folder.path().join("temp").join(format!("3f2b8c1e-0000-4000-8000-000000000000.{name}"));
        put(kind, &folder.path().join("completed").join(&strange).join("job.json"));
        put(kind, &folder.path().join("completed").join(&kept).join("result.json"));
        put(kind, &folder.path().join("completed").join(&kept).join("recording.wav"));
        put(kind, &folder.path().join("speed.json"));
        put(kind, &folder.path().join("models/embeddings/voice.json"));
        put(kind, &folder.path().join("models/whisper/ggml-tiny.bin"));
        put(kind, &folder.path().join("models/speaker/model.onnx"));
        for name in ["naming", "cancelled", "look", "deleted"] {
            put(kind, &temp(name));
        }
        // A process of its own, with the engine that reads models and voices.
        let server = tokio::task::spawn_blocking({
            let volume = folder.path().to_path_buf();
            move || Server::start(&volume)
        });
        let server = tokio::time::timeout(DEADLINE, server).await.expect("the server starts").unwrap();
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        let status = async |path: String| client.get(format!("{}{path}", server.url())).send().await.unwrap().status().as_u16();
        assert_eq!(status(format!("/api/v1/jobs/{kept}")).await, 200, "{kind}");
        assert_eq!(status(format!("/api/v1/jobs/{strange}")).await, 404, "{kind}");
        for part in ["result", "audio"] {
            assert_eq!(status(format!("/api/v1/jobs/{kept}/{part}")).await, 500, "{kind}");
        }
        let part = reqwest::multipart::Part::bytes(tone(300)).file_name("call.wav");
        let form = reqwest::multipart::Form::new().part("file", part);
        let sent = client.post(format!("{}/api/v1/jobs", server.url())).multipart(form).send().await.unwrap();
        assert_eq!(sent.status(), 201);
    }
}

#[test]
fn a_key_file_or_a_lock_that_is_no_file_is_named_at_once() {
    for (place, command) in
        [("keys.json", &["keys", "list"][..]), ("temp/.lock", &["volume", "refused"]), ("seal.secret", &["serve"])]
    {
        for kind in KINDS {
            let folder = tempfile::tempdir().unwrap();
            drop(Volume::open(folder.path()).unwrap());
            put(kind, &folder.path().join(place));
            let mut line = callannotate(folder.path());
            line.args(command);
            let output = in_time(place, move || line.output().unwrap());
            assert_eq!(output.status.code(), Some(1), "{place} {kind}");
            assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 1, "{place} {kind}");
        }
    }
}

#[tokio::test]
async fn a_sidecar_that_never_ends_makes_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &watched(&[])).await;
    app.lay("call.json", &vec![b' '; 10 * 1024 * 1024]);
    app.lay("call.wav", &tone(300));
    let job = app.ended(1).await.remove(0);
    assert_eq!((&job["status"], &job["error"]["code"]), (&json!("failed"), &json!("INVALID_METADATA")));
}
