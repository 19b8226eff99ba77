//! A job's life over REST, with scripted stages.

use serde_json::{Value, json};

use super::support::app::{NOTHING, TestApp};
use super::support::audio::tone;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;

#[tokio::test]
async fn a_recording_becomes_a_published_annotation() {
    let app = TestApp::spawn().await;
    let response = app.post(tone(1000), &[("metadata", r#"{"description": "Interview", "priority": 7, "mine": [1]}"#)]).await;
    assert_eq!(response.status(), 201);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let created: Value = response.json().await.unwrap();
    let id = created["job_id"].as_str().unwrap();
    assert_eq!(location, format!("/api/v1/jobs/{id}"));
    assert_eq!(created["status"], "queued");
    assert_eq!(created["progress_url"], location);
    assert_eq!(created["websocket_url"], format!("/ws/{id}"));
    assert_eq!(created["result_url"], format!("{location}/result"));
    assert_eq!(created["file_info"]["filename"], "call.wav");
    assert_eq!(created["file_info"]["format"], "wav");
    assert_eq!(created["file_info"]["duration"], 1.0);
    assert_eq!(created["file_info"]["size"], 16_044);
    assert!(created["estimated_duration"].as_f64().unwrap() > 0.0);
    assert_eq!(created["metadata"], json!({ "description": "Interview", "priority": 7, "mine": [1] }));

    let job = app.wait_until_finished(id).await;
    assert_eq!(job["status"], "completed");
    assert_eq!(job["progress"]["percentage"], 100);
    assert_eq!(job["progress"]["stages_remaining"], json!([]));
    assert!(job["started_at"].as_str().unwrap() <= job["completed_at"].as_str().unwrap());

    let body = app.get_json(&format!("/api/v1/jobs/{id}/result")).await;
    assert_eq!(body["status"], "completed");
    let result = &body["result"];
    assert_eq!(result["metadata"]["speaker_count"], 2);
    assert_eq!(result["metadata"]["word_count"], 3);
    assert_eq!(
        result["metadata"]["processing_stages"],
        json!({
            "validation": "completed", "preprocessing": "completed", "diarization": "completed", "transcription": "completed",
            "recognition": "skipped", "carddav_lookup": "skipped", "annotation": "completed",
        })
    );
    assert_eq!(result["metadata"]["warnings"], json!(["recognition was skipped: not in this test"]));
    assert_eq!(result["speakers"][0]["speaker_id"], "speaker_01");
    assert_eq!(result["speakers"][0]["identified_as"], "unknown");
    assert_eq!(result["speakers"][0]["segments"][0]["text"], "Hello there.");
    assert_eq!(result["speakers"][1]["segments"][0]["text"], "Hi.");
    assert_eq!(result["transcription"]["full_text"], "[speaker_01]: Hello there.\n[speaker_02]: Hi.");
    assert_eq!(result["segments"][0]["words"][1]["word"], "there.");
    assert_eq!(result["statistics"]["speech_seconds"], 0.8);
    assert_eq!(app.folders("completed"), [id]);
    assert_eq!(app.folders("temp"), NOTHING);
}

#[tokio::test]
async fn the_result_of_an_unfinished_job_is_a_conflict_that_tells_how_far_it_is() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Transcription, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    app.script.reached(2).await;
    let response = app.get(&format!("/api/v1/jobs/{id}/result")).await;
    assert_eq!(response.status(), 409);
    assert!(response.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    let error = response.json::<Value>().await.unwrap()["error"].clone();
    assert_eq!(error["code"], "RESULT_NOT_READY");
    assert_eq!(error["details"]["status"], "processing");
    assert_eq!(error["details"]["progress"]["current_stage"], "transcription");
    app.script.release(1);
}

#[tokio::test]
async fn a_running_job_is_stopped_and_removed_by_delete() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    app.script.reached(1).await;
    assert_eq!(app.delete(&id).await.status(), 204);
    assert_eq!(app.get(&format!("/api/v1/jobs/{id}")).await.status(), 404);
    assert_eq!(app.delete(&id).await.status(), 404);
    for folder in ["incoming", "processing", "completed", "failed", "temp"] {
        assert_eq!(app.folders(folder), NOTHING, "{folder}");
    }
}

#[tokio::test]
async fn a_waiting_and_a_finished_job_are_removed_by_delete() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let first = app.create_job(tone(1000), &[]).await;
    let second = app.create_job(tone(1000), &[]).await;
    app.script.reached(1).await;
    assert_eq!(app.delete(&second).await.status(), 204);
    assert_eq!(app.folders("incoming"), NOTHING);
    app.script.release(1);
    assert_eq!(app.wait_until_finished(&first).await["status"], "completed");
    assert_eq!(app.delete(&first).await.status(), 204);
    assert_eq!(app.folders("completed"), NOTHING);
    assert_eq!(app.get(&format!("/api/v1/jobs/{first}/result")).await.status(), 404);
}

#[tokio::test]
async fn a_stage_that_fails_is_reported_and_the_rest_stands() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Fail);
    let id = app.create_job(tone(1000), &[]).await;
    assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
    let result = app.get_json(&format!("/api/v1/jobs/{id}/result")).await["result"].clone();
    assert_eq!(result["processing"]["diarization"]["status"], "failed");
    assert_eq!(result["processing"]["diarization"]["reason"], "the diarization model failed: scripted");
    assert_eq!(result["metadata"]["warnings"][0], "diarization failed: the diarization model failed: scripted");
    assert_eq!(result["metadata"]["word_count"], 3);
    assert_eq!(result["metadata"]["speaker_count"], 1);
}

#[tokio::test]
async fn a_strict_job_fails_with_the_stage_that_failed() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Transcription, Act::Fail);
    let id = app.create_job(tone(1000), &[("options", r#"{"strict": true, "recognize": false}"#)]).await;
    let job = app.wait_until_finished(&id).await;
    assert_eq!(job["status"], "failed");
    assert_eq!(job["error"]["code"], "PROCESSING_FAILED");
    assert_eq!(job["error"]["stage"], "transcription");
    let response = app.get(&format!("/api/v1/jobs/{id}/result")).await;
    assert_eq!(response.status(), 409);
    assert_eq!(response.json::<Value>().await.unwrap()["error"]["code"], "JOB_FAILED");
    let error: Value =
        serde_json::from_slice(&std::fs::read(app.volume().join("failed").join(&id).join("error.json")).unwrap()).unwrap();
    assert_eq!(error["code"], "PROCESSING_FAILED");
}

#[tokio::test]
async fn a_strict_job_is_refused_when_a_stage_lacks_its_model() {
    let app = TestApp::spawn().await;
    let response = app.post(tone(1000), &[("options", r#"{"strict": true}"#)]).await;
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (503, "60"));
    let error = response.json::<Value>().await.unwrap()["error"].clone();
    assert_eq!(error["code"], "MODEL_UNAVAILABLE");
    assert_eq!(error["details"], json!({ "stage": "recognition", "reason": "not in this test" }));
    for folder in ["incoming", "processing", "failed", "temp"] {
        assert_eq!(app.folders(folder), NOTHING, "{folder}");
    }
}

#[tokio::test]
async fn a_panic_in_a_stage_fails_that_job_alone() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Transcription, Act::Panic);
    let broken = app.create_job(tone(1000), &[]).await;
    assert_eq!(app.wait_until_finished(&broken).await["error"]["code"], "INTERNAL_ERROR");
    app.script.set(Stage::Transcription, Act::Succeed);
    let next = app.create_job(tone(1000), &[]).await;
    assert_eq!(app.wait_until_finished(&next).await["status"], "completed");
    assert_eq!(app.folders("failed"), [broken]);
}

#[tokio::test]
async fn a_job_that_takes_too_long_fails_with_timeout() {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__QUEUE__TASK_TIMEOUT", "1")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    let job = app.wait_until_finished(&id).await;
    assert_eq!((job["status"].as_str(), job["error"]["code"].as_str()), (Some("failed"), Some("TIMEOUT")));
}

#[tokio::test]
async fn words_and_roles_follow_the_options() {
    let app = TestApp::spawn().await;
    let id = app.create_job(tone(1000), &[("options", r#"{"word_timestamps": false, "diarize": false}"#)]).await;
    assert_eq!(app.wait_until_finished(&id).await["status"], "completed");
    let result = app.get_json(&format!("/api/v1/jobs/{id}/result")).await["result"].clone();
    assert!(result["segments"][0].get("words").is_none());
    assert_eq!(result["processing"]["diarization"]["status"], "skipped");
    assert_eq!(result["processing"]["diarization"]["reason"], "switched off");
    assert_eq!(result["speakers"].as_array().unwrap().len(), 1);
}
