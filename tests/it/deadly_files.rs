//! A recording that the server dies on while it examines it: counted for that recording, and for nothing that was merely there.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use data_encoding::HEXLOWER;
use rustix::process::Signal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::support::app::{DEADLINE, TestApp};
use super::support::audio::tone;
use super::support::observed::Observed;

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap()
}

async fn get(server: &Observed, path: &str) -> Value {
    client().get(format!("{}{path}", server.url)).send().await.unwrap().json().await.unwrap()
}

/// The server's answer to a recording; none if it dies on it.
async fn send(server: &Observed, recording: Vec<u8>) -> Option<Value> {
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(recording).file_name("call.wav"));
    client().post(format!("{}/api/v1/jobs", server.url)).multipart(form).send().await.ok()?.json().await.ok()
}

/// Settings with which the server dies when it examines `bomb`, and hangs while it works on `held`.
struct Traps {
    faults: String,
}

impl Traps {
    fn new(bomb: &[u8], held: &[u8]) -> Self {
        let hash = HEXLOWER.encode(&Sha256::digest(held));
        Self { faults: format!("abort-on-probe-of:{},stall-on-sha256:{hash}", bomb.len()) }
    }

    fn start(&self, volume: &Path) -> Result<Observed, std::process::ExitStatus> {
        let settings = [
            ("CALLANNOTATE_FAULTS", self.faults.as_str()),
            ("CALLANNOTATE__INCOMING__WATCH", "true"),
            ("QUEUE_POLL_INTERVAL", "0.1"),
            ("CALLANNOTATE__ENGINE__STALL_TIMEOUT", "0"),
        ];
        Observed::start(volume, &settings)
    }
}

fn drop_file(volume: &Path, name: &str, bytes: &[u8]) {
    let hidden = volume.join("incoming").join(format!(".{name}"));
    std::fs::write(&hidden, bytes).unwrap();
    std::fs::rename(hidden, volume.join("incoming").join(name)).unwrap();
}

/// What lies in `temp/` beside the lock.
fn notes(volume: &Path) -> Vec<String> {
    TestApp::files(volume, "temp", "").into_iter().filter(|name| name != ".lock").collect()
}

#[tokio::test]
async fn a_dropped_file_that_kills_three_servers_is_set_aside_and_the_job_that_ran_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let volume = folder.path();
    let (bomb, held) = (tone(700), tone(500));
    let traps = Traps::new(&bomb, &held);
    let first = traps.start(volume).unwrap();
    let job = send(&first, held).await.unwrap()["job_id"].as_str().unwrap().to_owned();
    assert_eq!(first.next("job_started").unwrap()["attempt"], 1);
    drop_file(volume, "bomb.wav", &bomb);
    let mut deaths = vec![first.end()];
    let last = loop {
        assert_eq!(notes(volume).len(), 1);
        match traps.start(volume) {
            Ok(server) if deaths.len() == 3 => break server,
            Ok(server) => deaths.push(server.end()),
            Err(end) => deaths.push(end),
        }
        assert!(deaths.len() <= 3, "the file kills the server for ever");
    };
    assert_eq!(deaths.iter().map(ExitStatusExt::signal).collect::<Vec<_>>(), [Some(Signal::ABORT.as_raw()); 3]);
    // The job goes on, and no attempt was counted for it.
    assert_eq!(last.next("job_started").unwrap()["attempt"], 1);
    drop_file(volume, "good.wav", &tone(600));
    assert!(last.next("job_accepted").is_some());
    let jobs = get(&last, "/api/v1/jobs?sort=created_at").await["data"].clone();
    let failed = jobs.as_array().unwrap().iter().find(|job| job["status"] == "failed").unwrap();
    assert_eq!((&failed["error"]["code"], &failed["file_info"]["filename"]), (&json!("CRASHED_REPEATEDLY"), &json!("bomb.wav")));
    assert_eq!(failed["file_info"]["sha256"], json!(HEXLOWER.encode(&Sha256::digest(&bomb))));
    assert_eq!(get(&last, &format!("/api/v1/jobs/{job}")).await["status"], "processing");
    assert_eq!(notes(volume), <[String; 0]>::default());
    last.kill();
}

#[tokio::test]
async fn an_upload_that_kills_the_server_costs_the_job_that_ran_no_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let (bomb, held) = (tone(700), tone(500));
    let traps = Traps::new(&bomb, &held);
    let mut server = traps.start(folder.path()).unwrap();
    let job = send(&server, held).await.unwrap()["job_id"].as_str().unwrap().to_owned();
    for _ in 0..4 {
        assert_eq!(server.next("job_started").unwrap()["attempt"], 1);
        assert_eq!(send(&server, bomb.clone()).await, None);
        assert_eq!(server.end().signal(), Some(Signal::ABORT.as_raw()));
        server = traps.start(folder.path()).unwrap();
    }
    assert_eq!(server.next("job_started").unwrap()["attempt"], 1);
    // A death while nothing else was examined counts.
    server.kill();
    let server = traps.start(folder.path()).unwrap();
    assert_eq!(server.next("job_started").unwrap()["attempt"], 2);
    assert_eq!(get(&server, &format!("/api/v1/jobs/{job}")).await["status"], "processing");
    server.kill();
}

#[tokio::test]
async fn a_file_that_a_request_names_is_counted_and_then_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bomb = tone(700);
    let faults = format!("abort-on-probe-of:{}", bomb.len());
    let settings = [("CALLANNOTATE_FAULTS", faults.as_str()), ("CALLANNOTATE__INCOMING__WATCH", "false")];
    let start = || Observed::start(folder.path(), &settings).unwrap();
    let mut server = start();
    drop_file(folder.path(), "bomb.wav", &bomb);
    let ask = async |server: &Observed| {
        client().post(format!("{}/api/v1/jobs", server.url)).json(&json!({ "filename": "bomb.wav" })).send().await
    };
    for _ in 0..3 {
        assert!(ask(&server).await.is_err());
        server.end();
        server = start();
    }
    let refused = ask(&server).await.unwrap();
    assert_eq!(refused.status(), 422);
    assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], "INVALID_AUDIO");
    // Another file of this name has another chance.
    drop_file(folder.path(), "bomb.wav", &tone(600));
    assert_eq!(ask(&server).await.unwrap().status(), 201);
    server.kill();
}
