//! One job followed in four ways: by polling, long polling, event stream, and WebSocket. All see the same,
//! and a client that disconnects at any point and resumes misses nothing and sees nothing twice.

use serde_json::{Value, json};

use super::support::app::TestApp;
use super::support::audio::tone;
use super::support::scripted::Act;
use super::support::socket::Socket;
use super::support::stream::EventStream;
use callannotate::jobs::stage::Stage;

/// A client that asks again at once asks too often.
const UNLIMITED: (&str, &str) = ("CALLANNOTATE__RATE_LIMITS__ENABLED", "false");

/// A message or a result without its varying parts: ids, times, durations.
fn plain(value: &Value) -> Value {
    let varying = ["job_id", "timestamp", "estimated_completion", "completed_at", "processing_time", "seconds", "cpu_seconds"];
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| !varying.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn seq(message: &Value) -> u64 {
    message["seq"].as_u64().unwrap_or_else(|| panic!("no number: {message}"))
}

async fn events(app: &TestApp, id: &str, query: &str) -> Value {
    let url = app.url(&format!("/api/v1/jobs/{id}/events{query}"));
    app.client.get(url).header("accept", "application/json").send().await.unwrap().json().await.unwrap()
}

/// What a client saw of a job: the events, and the result.
type Life = (Vec<Value>, Value);

async fn by_asking(app: &TestApp) -> Life {
    let id = app.create_job(tone(1000), &[]).await;
    let mut job = app.job(&id).await;
    while job["status"] != "completed" {
        job = app.job(&id).await;
    }
    let all = events(app, &id, "").await;
    let result = app.get_json(&format!("/api/v1/jobs/{id}/result")).await;
    (all["data"].as_array().unwrap().clone(), result["result"].clone())
}

async fn by_waiting(app: &TestApp) -> Life {
    let id = app.create_job(tone(1000), &[]).await;
    let (mut seen, mut all) = (0, Vec::new());
    loop {
        let page = events(app, &id, &format!("?wait=15&last_seq={seen}")).await;
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        seen = page["meta"]["last_seq"].as_u64().unwrap();
        if page["meta"]["ended"] == true {
            break;
        }
    }
    let job = app.get_json(&format!("/api/v1/jobs/{id}?wait=15&last_seq={}", seen - 1)).await;
    assert_eq!((job["status"].as_str(), job["last_seq"].as_u64()), (Some("completed"), Some(seen)));
    let result = app.get_json(&format!("/api/v1/jobs/{id}/result")).await;
    (all, result["result"].clone())
}

async fn by_a_stream(app: &TestApp) -> Life {
    let id = app.create_job(tone(1000), &[]).await;
    let mut stream = EventStream::open(app, &id, Some(0)).await;
    let mut all = Vec::new();
    while let Some(event) = stream.message().await {
        assert_eq!(event.id, Some(seq(&event.data)));
        all.push(event.data);
    }
    let result = all.last().unwrap()["result"].clone();
    (all, result)
}

async fn over_websocket_alone(app: &TestApp) -> Life {
    let mut socket = Socket::open(app).await;
    let created = socket.upload(json!({ "filename": "call.wav" }), &tone(1000)).await;
    let id = &created["job"]["job_id"];
    let answer = socket.ask(json!({ "type": "subscribe_job", "job_id": id, "last_seq": 0 })).await;
    assert_eq!(answer["type"], "subscribed");
    let mut all = Vec::new();
    while all.last().is_none_or(|message: &Value| message["type"] != "result") {
        all.push(socket.next().await.unwrap());
    }
    let answer = socket.ask(json!({ "type": "get_result", "job_id": id })).await;
    (all, answer["result"].clone())
}

#[tokio::test]
async fn four_clients_see_the_same_life() {
    let app = TestApp::spawn_with(&[UNLIMITED]).await;
    let lives = [by_asking(&app).await, by_waiting(&app).await, by_a_stream(&app).await, over_websocket_alone(&app).await];
    let plain_lives = lives.map(|(events, result)| (events.iter().map(plain).collect::<Vec<_>>(), plain(&result)));
    let (events, result) = &plain_lives[0];
    assert_eq!(events.iter().map(seq).collect::<Vec<_>>(), (1..=events.len() as u64).collect::<Vec<_>>());
    assert_eq!((&events[0]["status"], &events[1]["status"]), (&json!("queued"), &json!("processing")));
    assert_eq!(plain(&events.last().unwrap()["result"]), *result);
    assert!(events.len() > 8, "a life has more events: {events:#?}");
    for other in &plain_lives[1..] {
        assert_eq!(*other, plain_lives[0]);
    }
}

/// The events after a number, received over a new WebSocket until the result.
async fn rest_over_websocket(app: &TestApp, id: &str, last: u64) -> Vec<Value> {
    let mut socket = Socket::at(app, &format!("/ws/{id}?last_seq={last}")).await;
    let mut rest = Vec::new();
    loop {
        match socket.next().await {
            Ok(message) => rest.push(message),
            Err(code) => {
                assert_eq!(code, 1000);
                return rest;
            }
        }
    }
}

#[tokio::test]
async fn whoever_was_cut_off_after_any_event_sees_the_rest() {
    let app = TestApp::spawn_with(&[UNLIMITED]).await;
    let (all, _) = by_a_stream(&app).await;
    let id = all[0]["job_id"].as_str().unwrap();
    for cut in 0..=all.len() {
        let last = if cut == 0 { 0 } else { seq(&all[cut - 1]) };
        assert_eq!(rest_over_websocket(&app, id, last).await, all[cut..], "over WebSocket, cut off after {cut}");
        let listed = events(&app, id, &format!("?last_seq={last}")).await;
        assert_eq!(listed["data"].as_array().unwrap()[..], all[cut..], "as a list, cut off after {cut}");
        if cut == all.len() {
            assert_eq!(EventStream::request(&app, id, Some(last)).send().await.unwrap().status(), 204);
            continue;
        }
        let mut stream = EventStream::open(&app, id, Some(last)).await;
        let mut rest = Vec::new();
        while let Some(event) = stream.message().await {
            rest.push(event.data);
        }
        assert_eq!(rest, all[cut..], "as a stream, cut off after {cut}");
    }
}

/// Follows a job with a new connection for every event until the result.
async fn in_pieces(app: &TestApp, id: &str, over_websocket: bool, mut last: u64) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    while all.last().is_none_or(|message| message["type"] != "result") {
        let message = if over_websocket {
            Socket::at(app, &format!("/ws/{id}?last_seq={last}")).await.next().await.unwrap()
        } else {
            EventStream::open(app, id, Some(last)).await.message().await.unwrap().data
        };
        assert!(seq(&message) > last, "{message} after {last}");
        last = seq(&message);
        all.push(message);
    }
    all
}

#[tokio::test]
async fn clients_that_come_back_for_every_event_while_the_job_runs_see_each_once() {
    let app = TestApp::spawn_with(&[UNLIMITED]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    app.script.set(Stage::Transcription, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    let (by_socket, by_stream, ()) = tokio::join!(in_pieces(&app, &id, true, 0), in_pieces(&app, &id, false, 0), async {
        app.script.reached(1).await;
        app.script.release(1);
        app.script.reached(2).await;
        app.script.release(1);
    });
    let all = events(&app, &id, "").await["data"].as_array().unwrap().clone();
    assert_eq!(by_socket, all);
    assert_eq!(by_stream, all);
}

/// Follows a job across the end of a server during the work; `crashed` moves the job to where a crash leaves it.
async fn through_a_restart(crashed: bool) {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    app.script.reached(1).await;
    let mut socket = Socket::at(&app, &format!("/ws/{id}?last_seq=0")).await;
    let mut before = Vec::new();
    while before.last().is_none_or(|message: &Value| message["progress"]["stage_progress"] != 50) {
        before.push(socket.next().await.unwrap());
    }
    let record = folder.path().join("processing").join(&id).join("job.json");
    let as_claimed = std::fs::read(record).unwrap();
    app.stop().await;
    assert_eq!(socket.close_code().await, 1012);
    if crashed {
        let dead = folder.path().join("processing").join(&id);
        std::fs::rename(folder.path().join("incoming").join(&id), &dead).unwrap();
        std::fs::write(dead.join("job.json"), as_claimed).unwrap();
    }
    let last = seq(before.last().unwrap());
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let by_socket = in_pieces(&app, &id, true, last).await;
    let by_stream = in_pieces(&app, &id, false, last).await;
    assert_eq!(by_socket, by_stream);
    assert_eq!(by_socket[0]["status"], "queued");
    let numbers: Vec<u64> = before.iter().chain(&by_socket).map(seq).collect();
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    // After the restart there is no gap in the numbers.
    assert!(numbers[before.len()..].windows(2).all(|pair| pair[0] + 1 == pair[1]), "{numbers:?}");
    assert_eq!(app.job(&id).await["last_seq"].as_u64(), numbers.last().copied());
}

#[tokio::test]
async fn numbers_go_on_after_an_orderly_restart() {
    through_a_restart(false).await;
}

#[tokio::test]
async fn numbers_go_on_after_a_crash() {
    through_a_restart(true).await;
}
