//! Another program may write into the volume's folders: what it lays there is no job, and no link there leads the server out.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::app::TestApp;
use super::support::audio::tone;
use super::support::process::callannotate;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;

const STATES: [&str; 5] = ["incoming", "processing", "completed", "failed", "archived"];

/// Without a grace, so that a held job is put back at once.
const NO_GRACE: (&str, &str) = ("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0");

/// A volume with a file beside it that no client may see or remove.
struct World {
    folder: TempDir,
    volume: PathBuf,
    secret: PathBuf,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (volume, secret) = (folder.path().join("volume"), folder.path().join("secret"));
        std::fs::write(&secret, tone(300)).unwrap();
        Self { folder, volume, secret }
    }

    async fn start(&self) -> TestApp {
        let archives_at_once = ("CALLANNOTATE__RETENTION__RESULTS_MAX_BYTES", "1");
        let recordings = ("CALLANNOTATE__RETENTION__RECORDINGS_MAX_BYTES", "1");
        TestApp::spawn_on(&self.volume, &[archives_at_once, recordings, ("CALLANNOTATE__RETENTION__CHECK_INTERVAL", "1")]).await
    }

    fn at(&self, state: &str, id: &str) -> PathBuf {
        self.volume.join(state).join(id)
    }
}

/// The record of a job as version 1.0 wrote it, in the state of a folder.
fn record(state: &str, id: &str, format: &str) -> Vec<u8> {
    let mut record = json!({
        "job_id": id,
        "file": {
            "filename": "call.wav", "size_bytes": 4, "format": format, "codec": "pcm_s16le", "sample_rate": 8000, "channels": 1,
            "duration_seconds": 1.0, "sha256": "x"
        },
        "priority": 5, "created_at": "2026-11-20T12:00:00Z", "sequence": 1
    });
    if state != "incoming" && state != "processing" {
        record["started_at"] = json!("2026-11-20T12:00:00Z");
        record["finished_at"] = json!("2026-11-20T12:00:01Z");
    }
    match state {
        "failed" => record["error"] = json!({ "code": "INTERNAL_ERROR", "message": "", "stage": null }),
        "archived" => record["archived_at"] = json!("2026-11-20T12:00:02Z"),
        _ => {}
    }
    serde_json::to_vec_pretty(&record).unwrap()
}

/// Lays a folder with a record and these links into a state folder.
fn lay(folder: &Path, record: &[u8], links: &[(&str, &Path)]) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("job.json"), record).unwrap();
    for (name, target) in links {
        symlink(target, folder.join(name)).unwrap();
    }
}

async fn problems(app: &TestApp) -> Value {
    app.get_json("/health").await["problems"].clone()
}

#[tokio::test]
async fn a_folder_that_another_program_laid_is_no_job_in_any_state() {
    let world = World::new();
    world.start().await.stop().await;
    let mut ids = Vec::new();
    for state in STATES {
        for format in ["wav", "x/../../../../secret"] {
            let id = uuid::Uuid::new_v4().to_string();
            let links: &[(&str, &Path)] = &[("recording.wav", &world.secret), ("result.json", &world.secret)];
            lay(&world.at(state, &id), &record(state, &id, format), links);
            ids.push((state, id));
        }
    }
    let app = world.start().await;
    assert_eq!(app.get_json("/api/v1/jobs").await["data"], json!([]));
    assert!(problems(&app).await.as_array().unwrap().contains(&json!("folders_refused")));
    for (state, id) in &ids {
        for part in ["", "/audio", "/result"] {
            assert_eq!(app.get(&format!("/api/v1/jobs/{id}{part}")).await.status(), 404, "{state}");
        }
        assert_eq!(app.delete(id).await.status(), 404);
    }
    app.stop().await;
    assert_eq!(std::fs::read(&world.secret).unwrap(), tone(300));
    // They are left where they are, for the operator.
    for (state, id) in &ids {
        assert_eq!(TestApp::files(&world.volume, state, id), ["job.json", "recording.wav", "result.json"]);
    }
    let listed = callannotate(&world.volume).args(["volume", "refused"]).output().unwrap();
    assert_eq!(String::from_utf8(listed.stdout).unwrap().lines().count(), ids.len());
    // Not even an operator makes a job of a folder with links.
    let accepted = callannotate(&world.volume).args(["volume", "accept", "--all"]).output().unwrap();
    assert_eq!((accepted.status.code(), String::from_utf8(accepted.stdout).unwrap().lines().count()), (Some(1), ids.len()));
}

#[tokio::test]
async fn a_copy_of_a_record_makes_no_second_job_and_another_job_takes_no_record() {
    let world = World::new();
    let app = TestApp::spawn_on(&world.volume, &[NO_GRACE]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let running = app.create_job(tone(300), &[]).await;
    let waiting = app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    let early = std::fs::read(world.at("incoming", &waiting).join("job.json")).unwrap();
    app.script.set(Stage::Diarization, Act::Succeed);
    app.script.release(1);
    for id in [&running, &waiting] {
        assert_eq!(app.wait_until_finished(id).await["status"], "completed");
    }
    app.stop().await;
    // An earlier record of the job, sealed as it was, and the same under the name of another job.
    lay(&world.at("incoming", &waiting), &early, &[("recording.wav", &world.secret)]);
    let other = uuid::Uuid::new_v4().to_string();
    lay(&world.at("incoming", &other), &early, &[("recording.wav", &world.secret)]);
    let app = TestApp::spawn_on(&world.volume, &[]).await;
    assert_eq!(app.get_json("/api/v1/jobs").await["data"].as_array().unwrap().len(), 2);
    assert_eq!(app.job(&waiting).await["status"], "completed");
    assert!(problems(&app).await.as_array().unwrap().contains(&json!("folders_refused")));
    let audio = app.get(&format!("/api/v1/jobs/{waiting}/audio")).await;
    assert_eq!((audio.status().as_u16(), audio.bytes().await.unwrap().to_vec()), (200, tone(300)));
}

#[tokio::test]
async fn links_that_are_put_in_the_place_of_files_and_folders_lead_nowhere() {
    let world = World::new();
    let app = TestApp::spawn_on(&world.volume, &[NO_GRACE]).await;
    let done = app.create_job(tone(300), &[]).await;
    assert_eq!(app.wait_until_finished(&done).await["status"], "completed");
    app.script.set(Stage::Diarization, Act::Hold);
    let running = app.create_job(tone(300), &[]).await;
    app.script.reached(2).await;
    let [waiting, cancelled] = [app.create_job(tone(300), &[]).await, app.create_job(tone(300), &[]).await];
    let folder = world.at("completed", &done);
    for name in ["recording.wav", "result.json"] {
        std::fs::remove_file(folder.join(name)).unwrap();
        symlink(&world.secret, folder.join(name)).unwrap();
    }
    for part in ["audio", "result"] {
        assert_eq!(app.get(&format!("/api/v1/jobs/{done}/{part}")).await.status(), 500, "{part}");
    }
    // Whole folders, which the server would write into, and whose files it would remove.
    let outside = world.folder.path().join("outside");
    for id in [&waiting, &cancelled] {
        std::fs::create_dir_all(outside.join(id)).unwrap();
        for name in ["result.json", "error.json", "recording.wav"] {
            std::fs::write(outside.join(id).join(name), tone(300)).unwrap();
        }
        std::fs::rename(world.at("incoming", id), outside.join(format!("{id}.taken"))).unwrap();
        symlink(outside.join(id), world.at("incoming", id)).unwrap();
    }
    assert_eq!(app.get(&format!("/api/v1/jobs/{waiting}/audio")).await.status(), 500);
    assert_eq!(app.change(&cancelled, "cancel").await.0, 500);
    app.script.release(1);
    assert_eq!(app.wait_until_finished(&running).await["status"], "completed");
    app.stop().await;
    for id in [&waiting, &cancelled] {
        let mut left: Vec<_> = std::fs::read_dir(outside.join(id)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["error.json", "recording.wav", "result.json"]);
    }
    assert_eq!(std::fs::read(&world.secret).unwrap(), tone(300));
}

/// Turns a volume into one that version 1.0 left: records without seals, and no secret.
fn as_of_1_0(volume: &Path) {
    std::fs::remove_file(volume.join("seal.secret")).unwrap();
    for state in STATES {
        for entry in std::fs::read_dir(volume.join(state)).unwrap() {
            let path = entry.unwrap().path().join("job.json");
            let mut job: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(job.as_object_mut().unwrap().remove("seal").unwrap().as_str().unwrap().len(), 64);
            std::fs::write(&path, serde_json::to_vec_pretty(&job).unwrap()).unwrap();
        }
    }
}

/// A volume with a waiting, a completed and a failed job.
async fn three_jobs(volume: &Path) -> [String; 3] {
    let app = TestApp::spawn_on(volume, &[NO_GRACE]).await;
    let done = app.create_job(tone(300), &[]).await;
    assert_eq!(app.wait_until_finished(&done).await["status"], "completed");
    app.script.set(Stage::Diarization, Act::Hold);
    let waiting = app.create_job(tone(300), &[]).await;
    app.script.reached(2).await;
    let failed = app.create_job(tone(300), &[]).await;
    assert_eq!(app.change(&failed, "cancel").await.0, 200);
    app.stop().await;
    [waiting, done, failed]
}

#[tokio::test]
async fn jobs_of_version_1_0_are_adopted_once() {
    let world = World::new();
    let [waiting, done, failed] = three_jobs(&world.volume).await;
    as_of_1_0(&world.volume);
    let late = uuid::Uuid::new_v4().to_string();
    for _ in 0..2 {
        let app = TestApp::spawn_on(&world.volume, &[]).await;
        assert_eq!(app.wait_until_finished(&waiting).await["status"], "completed");
        assert_eq!(app.job(&done).await["status"], "completed");
        assert_eq!(app.job(&failed).await["status"], "cancelled");
        assert_eq!(app.get(&format!("/api/v1/jobs/{done}/result")).await.status(), 200);
        assert_eq!(app.get(&format!("/api/v1/jobs/{late}")).await.status(), 404);
        app.stop().await;
        lay(&world.at("incoming", &late), &record("incoming", &late, "wav"), &[]);
    }
}

#[tokio::test]
async fn a_volume_without_its_secret_keeps_its_jobs_until_an_operator_accepts_them() {
    let world = World::new();
    let ids = three_jobs(&world.volume).await;
    std::fs::remove_file(world.volume.join("seal.secret")).unwrap();
    let app = TestApp::spawn_on(&world.volume, &[]).await;
    assert_eq!(app.get_json("/api/v1/jobs").await["data"], json!([]));
    assert_eq!(app.get_json("/health").await["components"]["volume_access"], "degraded");
    app.stop().await;
    let accept = |arguments: &[&str]| callannotate(&world.volume).args(["volume", "accept"]).args(arguments).status().unwrap();
    assert!(accept(&[&ids[1]]).success());
    let app = TestApp::spawn_on(&world.volume, &[]).await;
    assert_eq!(app.get_json("/api/v1/jobs").await["data"].as_array().unwrap().len(), 1);
    app.stop().await;
    assert!(accept(&["--all"]).success());
    let app = TestApp::spawn_on(&world.volume, &[]).await;
    assert_eq!(app.wait_until_finished(&ids[0]).await["status"], "completed");
    assert_eq!(app.get_json("/api/v1/jobs").await["data"].as_array().unwrap().len(), 3);
    assert_eq!(problems(&app).await, json!(["stages_missing"]));
    app.stop().await;
    let mode = std::fs::metadata(world.volume.join("seal.secret")).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, TestApp::files(&world.volume, "temp", "")), (0o600, vec![".lock".to_owned()]));
}
