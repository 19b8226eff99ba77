//! Jobs that time out, and an engine that hangs in a call that cannot be interrupted.

use super::support::app::{DEADLINE, TestApp};
use super::support::audio::tone;
use super::support::scripted::Act;
use callannotate::app::AppError;
use callannotate::jobs::stage::Stage;

const SOON: (&str, &str) = ("CALLANNOTATE__ENGINE__STALL_TIMEOUT", "2");
const NEVER: (&str, &str) = ("CALLANNOTATE__ENGINE__STALL_TIMEOUT", "0");
const AT_ONCE: (&str, &str) = ("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0");

/// A server whose engine hangs in the transcription of this job.
async fn blocked(volume: &std::path::Path, more: &[(&str, &str)]) -> (TestApp, String) {
    let app = TestApp::spawn_on(volume, more).await;
    app.script.set(Stage::Transcription, Act::Block);
    let id = app.create_job(tone(1000), &[]).await;
    app.script.reached(2).await;
    (app, id)
}

#[tokio::test]
async fn a_server_whose_engine_stands_still_says_so_sets_the_job_aside_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (app, stuck) = blocked(folder.path(), &[SOON, ("CALLANNOTATE__RATE_LIMITS__ENABLED", "false")]).await;
    let waiting = app.create_job(tone(1000), &[]).await;
    let health = async {
        loop {
            let health = app.get("/health").await;
            let status = health.status();
            let body: serde_json::Value = health.json().await.unwrap();
            if body["queue_status"] == "stalled" {
                return (status.as_u16(), body["status"].clone(), body["components"]["audio_processing"].clone());
            }
            assert_eq!((status.as_u16(), body["queue_status"].as_str()), (200, Some("active")));
        }
    };
    let health = tokio::time::timeout(DEADLINE, health).await.unwrap();
    assert_eq!(health, (503, "unhealthy".into(), "unhealthy".into()));
    assert!(matches!(app.end().await, Err(AppError::Stalled(_))));

    let app = TestApp::spawn_on(folder.path(), &[]).await;
    assert_eq!(app.wait_until_finished(&waiting).await["status"], "completed");
    let job = app.job(&stuck).await;
    assert_eq!((job["status"].as_str(), job["error"]["code"].as_str()), (Some("failed"), Some("TIMEOUT")));
    assert_eq!(job["error"]["stage"], "transcription");
    assert_eq!((app.folders("failed"), app.folders("completed")), (vec![stuck], vec![waiting]));
}

#[tokio::test]
async fn an_engine_that_lives_may_take_longer_than_the_longest_silence() {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__ENGINE__STALL_TIMEOUT", "1")]).await;
    // While held, the stage keeps polling its stop signal.
    app.script.set(Stage::Transcription, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    app.script.reached(2).await;
    let mut job = app.job(&id).await;
    while job["progress"]["stage_progress"] != 50 {
        job = app.get_json(&format!("/api/v1/jobs/{id}?wait=10&last_seq={}", job["last_seq"])).await;
    }
    // Nothing changes for twice the stall timeout.
    let later = app.get_json(&format!("/api/v1/jobs/{id}?wait=2&last_seq={}", job["last_seq"])).await;
    assert_eq!((&later["last_seq"], app.get("/health").await.status().as_u16()), (&job["last_seq"], 200));
    app.script.release(1);
    assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
}

#[tokio::test]
async fn a_cancelled_job_that_cannot_be_stopped_is_cancelled_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (app, id) = blocked(folder.path(), &[SOON]).await;
    assert_eq!(app.change(&id, "cancel").await.0, 202);
    assert!(matches!(app.end().await, Err(AppError::Stalled(_))));
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    assert_eq!(app.job(&id).await["status"], "cancelled");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_an_engine_that_stands_still() {
    let folder = tempfile::tempdir().unwrap();
    let (app, id) = blocked(folder.path(), &[NEVER, AT_ONCE]).await;
    app.stop().await;
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let job = app.wait_until_finished(&id).await;
    assert_eq!((job["status"].as_str(), job["attempts"].as_u64()), (Some("completed"), Some(1)));
    assert_eq!(app.script.stages(), [Stage::Transcription]);
}

#[tokio::test]
async fn a_job_may_take_the_longer_of_both_times() {
    let factor = ("CALLANNOTATE__QUEUE__TASK_TIMEOUT_FACTOR", "0.5");
    for (more, fails) in [(vec![factor], true), (vec![factor, ("CALLANNOTATE__QUEUE__TASK_TIMEOUT", "3600")], false)] {
        let app = TestApp::spawn_with(&more).await;
        app.script.set(Stage::Transcription, Act::Hold);
        let id = app.create_job(tone(1000), &[]).await;
        if !fails {
            app.script.reached(2).await;
            app.script.release(1);
        }
        let job = app.wait_until_finished(&id).await;
        let expected = if fails { ("failed", Some("TIMEOUT")) } else { ("completed", None) };
        assert_eq!((job["status"].as_str().unwrap(), job["error"]["code"].as_str()), expected);
    }
}
