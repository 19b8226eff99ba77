//! `GET /jobs/{job_id}/events`: as a stream, and as a list for polling.

use serde_json::{Value, json};

use super::support::app::TestApp;
use super::support::audio::tone;
use super::support::scripted::Act;
use super::support::stream::EventStream;
use callannotate::jobs::stage::Stage;

/// The events as a list, with these parameters.
async fn list(app: &TestApp, id: &str, query: &str) -> Value {
    let url = app.url(&format!("/api/v1/jobs/{id}/events{query}"));
    let response = app.client.get(url).header("accept", "application/json").send().await.unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (200, &"application/json".parse().unwrap()));
    response.json().await.unwrap()
}

fn numbers(events: &Value) -> Vec<u64> {
    events["data"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_stream_tells_the_present_state_first_and_ends_with_the_outcome() {
    let (app, id) = TestApp::held().await;
    let present = app.job(&id).await;
    let mut stream = EventStream::open(&app, &id, None).await;
    assert_eq!(stream.next().await.unwrap().retry, Some(2000));
    let first = stream.next().await.unwrap();
    assert_eq!(first.id, present["last_seq"].as_u64());
    assert_eq!(first.data["type"], "status_update");
    assert_eq!(first.data["status"], "processing");
    assert_eq!(first.data["progress"]["percentage"], present["progress"]["percentage"]);
    app.script.release(1);
    let mut last = first;
    while let Some(event) = stream.next().await {
        assert_eq!(event.id, last.id.map(|number| number + 1));
        assert_eq!(event.data["seq"].as_u64(), event.id);
        last = event;
    }
    assert_eq!(last.data["type"], "result");
    assert_eq!(last.data["result"], app.get_json(&format!("/api/v1/jobs/{id}/result")).await["result"]);
    assert_eq!(last.id, app.job(&id).await["last_seq"].as_u64());
}

#[tokio::test]
async fn a_stream_goes_on_behind_the_last_event_and_is_refused_when_nothing_will_come() {
    let app = TestApp::spawn().await;
    let id = app.create_job(tone(300), &[]).await;
    let last = app.wait_until_finished(&id).await["last_seq"].as_u64().unwrap();
    let mut stream = EventStream::open(&app, &id, Some(last - 1)).await;
    assert_eq!(stream.message().await.unwrap().id, Some(last));
    assert_eq!(stream.message().await, None);
    let response = EventStream::request(&app, &id, Some(last)).send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.bytes().await.unwrap().len()), (204, 0));
    // Without `Last-Event-ID` the stream starts with the current state and the result.
    let mut stream = EventStream::open(&app, &id, None).await;
    let mut kinds = Vec::new();
    while let Some(event) = stream.message().await {
        kinds.push(event.data["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(kinds, ["status_update", "result"]);
    // The header overrides the query parameter: a browser reconnects with the original URL.
    let url = app.url(&format!("/api/v1/jobs/{id}/events?last_seq=0"));
    let response = app.client.get(url).header("last-event-id", last.to_string()).send().await.unwrap();
    assert_eq!(response.status(), 204);
    for wrong in ["x", "-1", "1.5"] {
        let request = app.client.get(app.url(&format!("/api/v1/jobs/{id}/events"))).header("last-event-id", wrong);
        assert_eq!(app.refused(request).await, (400, "INVALID_REQUEST".to_owned()), "{wrong}");
    }
}

#[tokio::test]
async fn a_stream_of_a_deleted_job_says_so_and_ends() {
    let (app, id) = TestApp::held().await;
    let mut stream = EventStream::open(&app, &id, None).await;
    assert!(stream.message().await.is_some());
    assert_eq!(app.delete(&id).await.status(), 204);
    let mut last = stream.message().await.unwrap();
    while last.data["type"] != "job_deleted" {
        last = stream.message().await.unwrap();
    }
    assert_eq!((last.id, &last.data["job_id"]), (None, &json!(id)));
    assert!(last.data["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(stream.message().await, None);
    assert_eq!(app.refused(EventStream::request(&app, &id, None)).await, (404, "JOB_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn streams_of_jobs_without_a_result_end_with_the_reason() {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Fail);
    let failed = app.create_job(tone(300), &[("options", r#"{"strict": true, "recognize": false}"#)]).await;
    let mut stream = EventStream::open(&app, &failed, Some(0)).await;
    let mut last = Value::Null;
    while let Some(event) = stream.message().await {
        last = event.data;
    }
    assert_eq!((&last["type"], &last["error"]["code"]), (&json!("error"), &json!("PROCESSING_FAILED")));
    assert_eq!(last["error"]["stage"], "diarization");

    app.script.set(Stage::Diarization, Act::Hold);
    let cancelled = app.create_job(tone(300), &[]).await;
    app.script.reached(2).await;
    let mut stream = EventStream::open(&app, &cancelled, Some(0)).await;
    assert_eq!(stream.message().await.unwrap().data["status"], "queued");
    assert_eq!(app.change(&cancelled, "cancel").await.0, 202);
    let mut statuses = Vec::new();
    while let Some(event) = stream.message().await {
        last = event.data;
        statuses.extend(last["status"].as_str().map(str::to_owned));
    }
    assert_eq!(statuses.last().unwrap(), "cancelled");
    assert_eq!((&last["type"], &last["error"]["code"]), (&json!("error"), &json!("JOB_CANCELLED")));
}

#[tokio::test]
async fn whoever_polls_gets_what_happened_and_can_wait_for_more() {
    let (app, id) = TestApp::held().await;
    let before = list(&app, &id, "").await;
    let last = app.job(&id).await["last_seq"].as_u64().unwrap();
    assert_eq!(numbers(&before), (1..=last).collect::<Vec<_>>());
    assert_eq!(before["meta"], json!({ "last_seq": last, "ended": false }));
    assert_eq!(before["data"][0]["status"], "queued");
    let nothing = list(&app, &id, &format!("?last_seq={last}")).await;
    assert_eq!(nothing, json!({ "data": [], "meta": { "last_seq": last, "ended": false } }));
    let url = app.url(&format!("/api/v1/jobs/{id}/events?last_seq={last}&wait=15"));
    let waiting = tokio::spawn(app.client.get(url).header("accept", "application/json").send());
    assert_eq!(app.get("/health").await.status(), 200);
    app.script.release(1);
    let mut page: Value = waiting.await.unwrap().unwrap().json().await.unwrap();
    let mut seen = last;
    let mut kinds = Vec::new();
    loop {
        for number in numbers(&page) {
            assert_eq!(number, seen + 1);
            seen = number;
        }
        kinds.extend(page["data"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap().to_owned()));
        assert_eq!(page["meta"]["last_seq"], seen);
        if page["meta"]["ended"] == true {
            break;
        }
        page = list(&app, &id, &format!("?wait=15&last_seq={seen}")).await;
    }
    assert_eq!(kinds.last().unwrap(), "result");
    // Replays all events as the same messages.
    let all = list(&app, &id, "").await;
    assert_eq!(numbers(&all), (1..=seen).collect::<Vec<_>>());
    assert_eq!(list(&app, &id, "?wait=60").await, all);
    let end = list(&app, &id, &format!("?wait=60&last_seq={seen}")).await;
    assert_eq!(end, json!({ "data": [], "meta": { "last_seq": seen, "ended": true } }));
}

#[tokio::test]
async fn a_list_of_a_job_that_is_deleted_meanwhile_is_not_found() {
    let (app, id) = TestApp::held().await;
    let last = app.job(&id).await["last_seq"].as_u64().unwrap();
    let url = app.url(&format!("/api/v1/jobs/{id}/events?last_seq={last}&wait=15"));
    let waiting = tokio::spawn(app.client.get(url).header("accept", "application/json").send());
    assert_eq!(app.get("/health").await.status(), 200);
    assert_eq!(app.delete(&id).await.status(), 204);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 404);
}

#[tokio::test]
async fn the_events_of_what_has_ended_are_the_same_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let done = app.create_job(tone(300), &[]).await;
    let last = app.wait_until_finished(&done).await["last_seq"].as_u64().unwrap();
    let before = list(&app, &done, &format!("?last_seq={}", last - 2)).await;
    app.stop().await;
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    assert_eq!(app.job(&done).await["last_seq"], last);
    assert_eq!(list(&app, &done, "").await, before);
    assert_eq!(EventStream::request(&app, &done, Some(last)).send().await.unwrap().status(), 204);
}

#[tokio::test]
async fn a_stream_that_a_stop_ends_says_why() {
    let (app, id) = TestApp::held().await;
    let mut response = EventStream::request(&app, &id, None).send().await.unwrap();
    let mut text = String::from_utf8(response.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    app.shutdown.soft.cancel();
    app.shutdown.hard.cancel();
    while let Some(chunk) = response.chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(text.starts_with("retry: 2000"), "{text}");
    assert!(text.trim_end().ends_with(": the server is stopping; connect again with the last id"), "{text}");
    app.stop().await;
}
