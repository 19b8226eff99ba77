//! One recording at a time, in order of priority and then of arrival.

use serde_json::{Value, json};

use super::support::app::TestApp;
use super::support::audio::tone;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;

#[tokio::test]
async fn jobs_run_one_at_a_time_by_priority_and_then_by_arrival() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let first = app.create_job(tone(500), &[]).await;
    app.script.reached(1).await;
    let mut expected = Vec::new();
    for priority in [5, 1, 10, 5, 7, 10] {
        let metadata = format!(r#"{{"priority": {priority}}}"#);
        let id = app.create_job(tone(500), &[("metadata", &metadata)]).await;
        expected.push((11 - priority, expected.len(), id));
    }
    expected.sort();
    let status = app.get_json("/api/v1/queue/status").await;
    assert_eq!(status["processing_job"], first.as_str());
    assert_eq!(status["queue_length"], 6);
    let listed: Vec<&str> = status["jobs"].as_array().unwrap().iter().map(|job| job["job_id"].as_str().unwrap()).collect();
    let ids: Vec<&str> = expected.iter().map(|(_, _, id)| id.as_str()).collect();
    assert_eq!(listed, ids);
    let positions: Vec<u64> = status["jobs"].as_array().unwrap().iter().map(|job| job["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5, 6]);
    let starts: Vec<&str> =
        status["jobs"].as_array().unwrap().iter().map(|job| job["estimated_start"].as_str().unwrap()).collect();
    assert!(starts.is_sorted());

    for (count, id) in ids.iter().enumerate() {
        app.script.release(1);
        // Each job reaches the diarization and the transcription; the next one is held at its diarization.
        app.script.reached(2 * count + 3).await;
        let status = app.get_json("/api/v1/queue/status").await;
        assert_eq!(status["processing_job"], *id);
        assert_eq!(status["queue_length"], ids.len() - count - 1);
        assert_eq!(app.folders("processing"), [*id]);
    }
    app.script.release(1);
    for id in ids {
        assert_eq!(app.wait_until_finished(id).await["status"], "completed");
    }
    let status = app.get_json("/api/v1/queue/status").await;
    assert_eq!((status["processing_job"].clone(), status["queue_length"].clone()), (Value::Null, json!(0)));
    assert!(status["average_processing_time"].is_number());
}

#[tokio::test]
async fn a_full_queue_refuses_and_takes_again_when_there_is_room() {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__QUEUE__MAX_LENGTH", "1")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let running = app.create_job(tone(500), &[]).await;
    app.script.reached(1).await;
    let waiting = app.create_job(tone(500), &[]).await;
    let refused = app.post(tone(500), &[]).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refused.json::<Value>().await.unwrap()["error"]["code"], "QUEUE_FULL");
    assert_eq!(app.get_json("/health").await["components"]["queue_manager"], "degraded");
    assert_eq!(app.delete(&waiting).await.status(), 204);
    let again = app.create_job(tone(500), &[]).await;
    app.script.release(2);
    for id in [running, again] {
        assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
    }
}

#[tokio::test]
async fn twenty_recordings_sent_at_once_are_all_annotated() {
    let app = TestApp::spawn().await;
    let sent = futures_util::future::join_all((0..20).map(|_| app.create_job(tone(300), &[]))).await;
    for id in &sent {
        assert_eq!(app.wait_until_finished(id).await["status"], "completed");
    }
    let mut sent = sent;
    sent.sort();
    assert_eq!(app.folders("completed"), sent);
}
