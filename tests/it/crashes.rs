//! A real process that dies, hangs or is stopped while it works, and its successor that continues.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use rustix::process::Signal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::checkpoints::without_times;
use super::support::app::{DEADLINE, TestApp};
use super::support::audio::tone;
use super::support::models;
use super::support::observed::Observed;
use super::support::scripted::Act;
use super::support::sound::fixture;
use callannotate::jobs::stage::Stage;

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Queues jobs on a volume and stops the server; the first has the highest priority.
async fn queued(volume: &Path, recordings: &[Vec<u8>]) -> Vec<String> {
    let app = TestApp::spawn_on(volume, &[("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let mut ids = Vec::new();
    for recording in recordings {
        ids.push(app.create_job(recording.clone(), &[]).await);
        app.script.reached(1).await;
    }
    app.stop().await;
    ids
}

async fn get(url: String) -> Value {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
    client.get(url).send().await.unwrap().json().await.unwrap()
}

/// Whether the job has failed; false if the server dies before it answers.
async fn has_failed(server: &Observed, id: &str) -> bool {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
    let Ok(answer) = client.get(format!("{}/api/v1/jobs/{id}", server.url)).send().await else { return false };
    answer.json::<Value>().await.is_ok_and(|job| job["status"] == "failed")
}

async fn send(server: &Observed, recording: Vec<u8>) -> String {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
    let part = reqwest::multipart::Part::bytes(recording).file_name("call.flac");
    let form = reqwest::multipart::Form::new().part("file", part);
    let answer = client.post(format!("{}/api/v1/jobs", server.url)).multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    answer.json::<Value>().await.unwrap()["job_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_recording_that_kills_the_server_is_set_aside_and_those_behind_it_are_done() {
    let folder = tempfile::tempdir().unwrap();
    let poison = tone(700);
    let faults = format!("abort-on-sha256:{}", sha256(&poison));
    let ids = queued(folder.path(), &[poison, tone(500), tone(600)]).await;
    let mut deaths = Vec::new();
    let last = loop {
        let end = match Observed::start(folder.path(), &[("CALLANNOTATE_FAULTS", faults.as_str())]) {
            Err(end) => end,
            Ok(_) if deaths.len() > 3 => panic!("the recording kills the server for ever"),
            Ok(server) => {
                if has_failed(&server, &ids[0]).await {
                    break server;
                }
                server.end()
            }
        };
        deaths.push(end);
        // After the second crash the job waits behind the others.
        if deaths.len() == 3 {
            assert_eq!(TestApp::files(folder.path(), "completed", &ids[1]), ["job.json", "recording.wav", "result.json"]);
            assert_eq!(TestApp::files(folder.path(), "completed", &ids[2]), ["job.json", "recording.wav", "result.json"]);
        }
    };
    assert_eq!(deaths.iter().map(ExitStatusExt::signal).collect::<Vec<_>>(), [Some(Signal::ABORT.as_raw()); 3]);
    let failed = get(format!("{}/api/v1/jobs/{}", last.url, ids[0])).await;
    assert_eq!((&failed["error"]["code"], &failed["attempts"]), (&json!("CRASHED_REPEATEDLY"), &json!(3)));
    for id in &ids[1..] {
        let job = get(format!("{}/api/v1/jobs/{id}", last.url)).await;
        assert_eq!((&job["status"], &job["attempts"]), (&json!("completed"), &json!(1)));
    }
}

#[tokio::test]
async fn an_engine_that_hangs_ends_the_process_with_a_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let stuck = tone(700);
    let faults = format!("stall-on-sha256:{}", sha256(&stuck));
    let settings = [("CALLANNOTATE_FAULTS", faults.as_str()), ("CALLANNOTATE__ENGINE__STALL_TIMEOUT", "1")];
    let ids = queued(folder.path(), &[stuck, tone(500)]).await;
    let server = Observed::start(folder.path(), &settings).unwrap();
    assert!(server.next("engine_stalled").is_some());
    assert_eq!(server.end().code(), Some(70));
    let server = Observed::start(folder.path(), &settings).unwrap();
    let job = get(format!("{}/api/v1/jobs/{}", server.url, ids[0])).await;
    assert_eq!((&job["status"], &job["error"]["code"]), (&json!("failed"), &json!("TIMEOUT")));
    assert!(server.next("job_completed").is_some());
    assert_eq!(get(format!("{}/api/v1/jobs/{}", server.url, ids[1])).await["status"], "completed");
}

#[tokio::test]
async fn a_stop_in_the_middle_of_a_hanging_call_ends_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let stuck = tone(700);
    let faults = format!("stall-on-sha256:{}", sha256(&stuck));
    let ids = queued(folder.path(), &[stuck]).await;
    let settings = [("CALLANNOTATE_FAULTS", faults.as_str()), ("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "1")];
    let server = Observed::start(folder.path(), &settings).unwrap();
    assert!(server.next("job_started").is_some());
    let began = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.end().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(TestApp::files(folder.path(), "incoming", &ids[0])[1..], ["job.json", "recording.wav"]);
}

/// A volume for real engines with the English model, on two threads.
struct Engines {
    folder: tempfile::TempDir,
    models: String,
}

impl Engines {
    fn new() -> Option<Self> {
        let models = models::folder_with_whisper()?.display().to_string();
        Some(Self { folder: tempfile::tempdir().unwrap(), models })
    }

    fn start(&self) -> Observed {
        let settings = [
            ("CALLANNOTATE__MODELS__DIRS", self.models.as_str()),
            ("CALLANNOTATE__ENGINE__THREADS", "2"),
            ("CALLANNOTATE__QUEUE__MAX_ATTEMPTS", "100"),
            ("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0"),
            ("LOG_LEVEL", "info,callannotate::checkpoints=debug"),
        ];
        Observed::start(self.folder.path(), &settings).unwrap()
    }

    /// Waits until the job has finished; returns its result, and the numbers of reused and new checkpoints.
    async fn finish(&self, server: Observed, id: &str) -> (Value, u64, u64) {
        let event = server.next("job_completed").unwrap();
        let result = get(format!("{}/api/v1/jobs/{id}/result", server.url)).await["result"].clone();
        server.kill();
        assert_eq!(TestApp::files(self.folder.path(), "completed", id), ["job.json", "recording.flac", "result.json"]);
        (without_times(result), event["recalled"].as_u64().unwrap(), event["kept"].as_u64().unwrap())
    }
}

#[tokio::test]
async fn a_call_whose_server_is_killed_after_each_piece_comes_out_as_if_undisturbed() {
    let Some(engines) = Engines::new() else { return };
    let recording = std::fs::read(fixture("billing-stereo.flac")).unwrap();
    let server = engines.start();
    let id = send(&server, recording.clone()).await;
    let (undisturbed, 0, pieces) = engines.finish(server, &id).await else { panic!("nothing was kept before") };
    assert!(pieces > 6, "the call has two channels and several windows: {pieces}");

    let mut server = engines.start();
    let id = send(&server, recording).await;
    let mut kept = 0;
    while kept < pieces {
        assert!(server.next("checkpoint_kept").is_some());
        server.kill();
        server = engines.start();
        // On a busy machine the last kill may come just after the end of the job.
        if engines.folder.path().join("completed").join(&id).exists() {
            break;
        }
        let resumed = server.next("job_resumed").unwrap()["checkpoints"].as_u64().unwrap();
        assert!(kept < resumed, "{kept} before, {resumed} after");
        kept = resumed;
    }
    assert!(kept >= 3, "the kills came too late: {kept}");
    let url = format!("{}/api/v1/jobs/{id}", server.url);
    let mut job = get(url.clone()).await;
    while job["status"] == "queued" || job["status"] == "processing" {
        job = get(format!("{url}?wait=10&last_seq={}", job["last_seq"])).await;
    }
    assert_eq!(job["status"], "completed");
    assert_eq!(without_times(get(format!("{url}/result")).await["result"].clone()), undisturbed);
    server.kill();
    assert_eq!(TestApp::files(engines.folder.path(), "completed", &id), ["job.json", "recording.flac", "result.json"]);
}

#[tokio::test]
async fn a_call_whose_server_is_stopped_goes_on_where_it_was() {
    let Some(engines) = Engines::new() else { return };
    let recording = std::fs::read(fixture("support-mono.flac")).unwrap();
    let server = engines.start();
    let id = send(&server, recording.clone()).await;
    let (undisturbed, 0, pieces) = engines.finish(server, &id).await else { panic!("nothing was kept before") };

    let server = engines.start();
    let id = send(&server, recording).await;
    // The diarization, and the first window.
    assert!(server.next("checkpoint_kept").is_some() && server.next("checkpoint_kept").is_some());
    let began = Instant::now();
    server.signal(Signal::TERM);
    let status: ExitStatus = server.end();
    assert_eq!(status.code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(TestApp::files(engines.folder.path(), "incoming", &id), ["checkpoints.log", "job.json", "recording.flac"]);
    let server = engines.start();
    assert_eq!(server.next("job_started").unwrap()["attempt"], 1);
    let (result, recalled, kept) = engines.finish(server, &id).await;
    assert_eq!((result, recalled + kept), (undisturbed, pieces));
    assert!(recalled >= 2, "{recalled}");
}
