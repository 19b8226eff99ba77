//! Many clients changing the same jobs at once: the reported states match the volume, before and
//! after a restart, and no place in the queue is lost.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::Value;

use super::support::app::{NOTHING, TestApp};
use super::support::audio::tone;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;

const CLIENTS: u64 = 12;
const STEPS: usize = 25;

/// A seeded random number generator: clients differ, runs do not.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Sends random requests for jobs that other clients change, too; every answer must be a documented one.
async fn client(app: &TestApp, ids: &[String], seed: u64) {
    let mut dice = Dice(seed);
    for _ in 0..STEPS {
        let id = &ids[dice.below(ids.len())];
        let (what, status, known): (&str, u16, &[u16]) = match dice.below(8) {
            0..3 => ("cancel", app.change(id, "cancel").await.0, &[200, 202, 404, 409]),
            3..6 => ("retry", app.change(id, "retry").await.0, &[202, 404, 409]),
            6 if dice.below(4) == 0 => ("delete", app.delete(id).await.status().as_u16(), &[204, 404]),
            _ => ("look", app.get(&format!("/api/v1/jobs/{id}/audio")).await.status().as_u16(), &[200, 404]),
        };
        assert!(known.contains(&status), "{what}: {status}");
    }
}

/// The status of all jobs.
async fn statuses(app: &TestApp) -> BTreeMap<String, String> {
    let page = app.get_json("/api/v1/jobs?limit=100&fields=job_id,status").await;
    let text = |job: &Value, name: &str| job[name].as_str().unwrap().to_owned();
    page["data"].as_array().unwrap().iter().map(|job| (text(job, "job_id"), text(job, "status"))).collect()
}

#[tokio::test]
async fn what_is_told_after_a_storm_is_what_lies_on_the_volume() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [("CALLANNOTATE__QUEUE__MAX_LENGTH", "20"), ("CALLANNOTATE__QUEUE__CLIENT_SHARE", "1")];
    let app = TestApp::spawn_on(folder.path(), &settings).await;
    let mut ids = Vec::new();
    app.script.set(Stage::Diarization, Act::Hold);
    for _ in 0..20 {
        ids.push(app.create_job(tone(100), &[]).await);
    }
    app.script.set(Stage::Diarization, Act::Succeed);
    app.script.release(1);
    join_all((1..=CLIENTS).map(|seed| client(&app, &ids, seed))).await;
    for id in statuses(&app).await.into_keys() {
        app.wait_until_finished(&id).await;
    }
    let reported = statuses(&app).await;
    assert!(reported.values().all(|status| status == "completed" || status == "cancelled"), "{reported:?}");
    for (folder, status) in [("completed", "completed"), ("failed", "cancelled")] {
        let expected: Vec<&String> = reported.iter().filter(|(_, found)| *found == status).map(|(id, _)| id).collect();
        assert_eq!(app.folders(folder).iter().collect::<Vec<_>>(), expected, "{folder}");
    }
    for empty in ["incoming", "processing", "temp"] {
        assert_eq!(app.folders(empty), NOTHING, "{empty}");
    }
    // All reserved places were released: the queue takes its maximum again while one job runs.
    app.script.set(Stage::Diarization, Act::Hold);
    let mut more = vec![app.create_job(tone(100), &[]).await];
    let running = app.get_json(&format!("/api/v1/jobs/{}?wait=10&last_seq=1", more[0])).await;
    assert_eq!(running["status"], "processing");
    for _ in 0..20 {
        more.push(app.create_job(tone(100), &[]).await);
    }
    assert_eq!(app.post(tone(100), &[]).await.status(), 503);
    for id in &more {
        assert_eq!(app.delete(id).await.status(), 204);
    }
    app.stop().await;
    let app = TestApp::spawn_on(folder.path(), &settings).await;
    assert_eq!(statuses(&app).await, reported);
}

#[tokio::test]
async fn a_deletion_goes_through_while_the_end_of_its_job_cannot_be_written() {
    let app = TestApp::spawn_with(&[("QUEUE_POLL_INTERVAL", "1")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(300), &[]).await;
    app.script.reached(1).await;
    // Blocks the job's folder, like a failing volume.
    let in_the_way = app.volume().join("completed").join(&id);
    std::fs::create_dir_all(in_the_way.join("x")).unwrap();
    app.script.set(Stage::Diarization, Act::Succeed);
    app.script.release(1);
    let mut job = app.job(&id).await;
    while job["progress"]["current_stage"] != "annotation" {
        let seen = job["last_seq"].as_u64().unwrap();
        job = app.get_json(&format!("/api/v1/jobs/{id}?wait=15&last_seq={seen}")).await;
    }
    assert_eq!(job["status"], "processing");
    let next = app.create_job(tone(300), &[]).await;
    assert_eq!(app.delete(&id).await.status(), 204);
    for folder in ["processing", "temp"] {
        assert!(!app.folders(folder).contains(&id), "{folder}");
    }
    assert!(!in_the_way.exists());
    assert_eq!(app.wait_until_finished(&next).await["status"], "completed");
}
