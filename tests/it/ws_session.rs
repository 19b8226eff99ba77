//! `/ws`: a session can do everything that REST can do, and rejects misuse.

use serde_json::{Value, json};

use super::support::app::TestApp;
use super::support::audio::tone;
use super::support::scripted::Act;
use super::support::socket::Socket;
use callannotate::jobs::stage::Stage;

const UNKNOWN: &str = "550e8400-e29b-41d4-a716-446655440000";

/// A server with one job, held in its diarization.
async fn held() -> (TestApp, String) {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let id = app.create_job(tone(1000), &[]).await;
    app.script.reached(1).await;
    (app, id)
}

#[tokio::test]
async fn every_command_is_answered_as_rest_answers_and_repeats_its_id() {
    let (app, id) = held().await;
    let waiting = app.create_job(tone(300), &[]).await;
    let mut socket = Socket::open(&app).await;
    let about = |kind: &str, id: &str| json!({ "type": kind, "job_id": id, "request_id": kind });
    let answer = socket.ask(about("get_job", &waiting)).await;
    assert_eq!((&answer["type"], &answer["request_id"]), (&json!("job"), &json!("get_job")));
    assert_eq!(answer["job"], app.job(&waiting).await);
    let answer =
        socket.ask(json!({ "type": "list_jobs", "limit": 1, "status": ["queued"], "fields": ["job_id"], "request_id": 7 })).await;
    assert_eq!(
        (&answer["type"], &answer["request_id"], &answer["data"]),
        (&json!("jobs"), &json!(7), &json!([{ "job_id": waiting }]))
    );
    assert_eq!(answer["meta"]["pagination"]["limit"], 1);
    let answer = socket.ask(about("get_queue_status", "")).await;
    let status = app.get_json("/api/v1/queue/status").await;
    for name in ["queue_length", "processing_job"] {
        assert_eq!(answer[name], status[name]);
    }
    assert_eq!(answer["type"], "queue_status");
    let answer = socket.ask(about("get_info", "")).await;
    assert_eq!((&answer["type"], &answer["info"]), (&json!("info"), &app.get_json("/info").await));
    let answer = socket.ask(about("get_health", "")).await;
    assert_eq!((&answer["type"], &answer["health"]["status"]), (&json!("health"), &app.get_json("/health").await["status"]));
    let answer = socket.ask(about("cancel_job", &waiting)).await;
    assert_eq!((&answer["type"], &answer["job"]["status"]), (&json!("job"), &json!("cancelled")));
    let answer = socket.ask(about("retry_job", &waiting)).await;
    assert_eq!((&answer["type"], &answer["job"]["status"]), (&json!("job"), &json!("queued")));
    let answer = socket.ask(about("delete_job", &waiting)).await;
    assert_eq!(
        (&answer["type"], &answer["job_id"], &answer["request_id"]),
        (&json!("job_deleted"), &json!(waiting), &json!("delete_job"))
    );
    assert_eq!(app.get(&format!("/api/v1/jobs/{waiting}")).await.status(), 404);
    std::fs::write(app.volume().join("incoming/call.wav"), tone(300)).unwrap();
    let answer = socket.ask(json!({ "type": "create_job", "filename": "call.wav", "metadata": { "caller": "x" } })).await;
    assert_eq!(
        (&answer["type"], &answer["replayed"], &answer["job"]["status"]),
        (&json!("job_created"), &json!(false), &json!("queued"))
    );
    app.script.release(2);
    app.wait_until_finished(&id).await;
    let answer = socket.ask(about("get_result", &id)).await;
    let by_rest = app.get_json(&format!("/api/v1/jobs/{id}/result")).await;
    assert_eq!(
        (&answer["type"], &answer["result"], &answer["status"]),
        (&json!("result"), &by_rest["result"], &json!("completed"))
    );
    assert!(answer["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn what_cannot_be_done_is_the_same_error_as_over_rest_and_the_session_stays() {
    let (app, id) = held().await;
    let mut socket = Socket::open(&app).await;
    for kind in ["get_job", "get_result", "cancel_job", "retry_job", "delete_job", "subscribe_job"] {
        for unknown in [UNKNOWN, "nonsense", ""] {
            let answer = socket.ask(json!({ "type": kind, "job_id": unknown, "request_id": "r-1" })).await;
            assert_eq!(
                (&answer["type"], &answer["error"]["code"]),
                (&json!("error"), &json!("JOB_NOT_FOUND")),
                "{kind} {unknown}"
            );
            assert_eq!((&answer["request_id"], &answer["error"]["request_id"]), (&json!("r-1"), &json!("r-1")));
        }
    }
    for (command, code) in [
        (json!({ "type": "get_result", "job_id": id }), "RESULT_NOT_READY"),
        (json!({ "type": "list_jobs", "limit": 0 }), "INVALID_QUERY"),
        (json!({ "type": "list_jobs", "status": ["queued", "lost"] }), "INVALID_QUERY"),
        // Each violates a different rule, and together they exceed what one answer lists.
        (json!({ "type": "list_jobs", "status": (0..9_000).collect::<Vec<_>>() }), "INVALID_QUERY"),
        (json!({ "type": "create_job" }), "MISSING_FILE"),
        (json!({ "type": "create_job", "filename": "../x" }), "FILE_NOT_FOUND"),
        (json!({ "type": "create_job", "filename": "x", "options": { "colour": 1 } }), "INVALID_OPTIONS"),
        (json!({ "type": "create_job", "filename": "x", "idempotency_key": "" }), "INVALID_REQUEST"),
        (json!({ "type": "fly" }), "INVALID_REQUEST"),
        (json!({ "type": "get_job" }), "INVALID_REQUEST"),
        (json!({ "type": "get_job", "job_id": 5 }), "INVALID_REQUEST"),
        (json!({ "type": 5 }), "INVALID_REQUEST"),
        (json!({}), "INVALID_REQUEST"),
        (json!(null), "INVALID_REQUEST"),
        (json!({ "type": "subscribe_job", "job_id": id, "last_seq": -1 }), "INVALID_REQUEST"),
    ] {
        assert_eq!(socket.refused(command.clone()).await, code, "{command}");
    }
    socket.text("{\"type\": \"ping\"").await;
    assert_eq!(socket.next().await.unwrap()["error"]["code"], "INVALID_JSON");
    socket.text(format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))).await;
    assert_eq!(socket.next().await.unwrap()["error"]["code"], "INVALID_JSON");
    // Unknown fields are ignored, and an id that is neither a string nor a number is not echoed.
    let answer = socket.ask(json!({ "type": "ping", "colour": "red", "request_id": { "a": 1 } })).await;
    assert_eq!((&answer["type"], answer.get("request_id")), (&json!("pong"), None));
}

#[tokio::test]
async fn jobs_are_followed_and_left_in_any_number() {
    let (app, first) = held().await;
    let second = app.create_job(tone(300), &[]).await;
    let mut socket = Socket::open(&app).await;
    let subscribe = |id: &str, last: Value| json!({ "type": "subscribe_job", "job_id": id, "last_seq": last, "request_id": 1 });
    let answer = socket.ask(subscribe(&second, json!(0))).await;
    assert_eq!((&answer["type"], &answer["job_id"], &answer["last_seq"]), (&json!("subscribed"), &json!(second), &json!(0)));
    let queued = socket.next().await.unwrap();
    assert_eq!((&queued["job_id"], &queued["status"], &queued["seq"]), (&json!(second), &json!("queued"), &json!(1)));
    // Subscribes from the current state on, then unsubscribes.
    assert_eq!(socket.ask(subscribe(&first, Value::Null)).await["type"], "subscribed");
    let present = socket.next().await.unwrap();
    assert_eq!((&present["job_id"], &present["status"]), (&json!(first), &json!("processing")));
    socket.text(json!({ "type": "unsubscribe_job", "job_id": first }).to_string()).await;
    let mut answer = socket.next().await.unwrap();
    while answer["type"] == "status_update" {
        assert_eq!(answer["job_id"], first.as_str());
        answer = socket.next().await.unwrap();
    }
    assert_eq!((&answer["type"], &answer["job_id"]), (&json!("unsubscribed"), &json!(first)));
    app.script.release(2);
    let mut seen = 1;
    loop {
        let message = socket.next().await.unwrap();
        assert_eq!(message["job_id"], second.as_str(), "{message}");
        assert_eq!(message["seq"], seen + 1);
        seen += 1;
        if message["type"] == "result" {
            break;
        }
    }
    // Replays all events, after which the session still answers other commands.
    assert_eq!(socket.ask(subscribe(&second, json!(seen - 1))).await["last_seq"], seen - 1);
    assert_eq!(socket.next().await.unwrap()["type"], "result");
    assert_eq!(socket.ask(json!({ "type": "ping" })).await["type"], "pong");
}

#[tokio::test]
async fn a_job_that_is_deleted_is_told_to_those_who_follow_it_once() {
    let (app, id) = held().await;
    let mut other = Socket::open(&app).await;
    let mut own = Socket::open(&app).await;
    for socket in [&mut other, &mut own] {
        assert_eq!(
            socket.ask(json!({ "type": "subscribe_job", "job_id": id, "last_seq": u64::MAX })).await["type"],
            "subscribed"
        );
    }
    own.text(json!({ "type": "delete_job", "job_id": id, "request_id": "bye" }).to_string()).await;
    for (socket, request_id) in [(&mut own, json!("bye")), (&mut other, Value::Null)] {
        let mut message = socket.next().await.unwrap();
        while message["type"] == "status_update" {
            message = socket.next().await.unwrap();
        }
        assert_eq!((&message["type"], &message["job_id"]), (&json!("job_deleted"), &json!(id)));
        assert_eq!(message["request_id"], request_id);
        assert_eq!(socket.ask(json!({ "type": "ping" })).await["type"], "pong");
    }
}

#[tokio::test]
async fn a_session_follows_a_hundred_jobs_and_no_more() {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__QUEUE__MAX_LENGTH", "200")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    app.create_job(tone(100), &[]).await;
    app.script.reached(1).await;
    let mut socket = Socket::open(&app).await;
    let mut ids = Vec::new();
    for _ in 0..101 {
        ids.push(app.create_job(tone(100), &[]).await);
    }
    let subscribe = |id: &String| json!({ "type": "subscribe_job", "job_id": id, "last_seq": 1 });
    for id in &ids[..100] {
        assert_eq!(socket.ask(subscribe(id)).await["type"], "subscribed");
    }
    assert_eq!(socket.refused(subscribe(&ids[100])).await, "INVALID_REQUEST");
    assert_eq!(socket.ask(subscribe(&ids[0])).await["type"], "subscribed", "one that is followed already");
    assert_eq!(socket.ask(json!({ "type": "unsubscribe_job", "job_id": ids[1] })).await["type"], "unsubscribed");
    assert_eq!(socket.ask(subscribe(&ids[100])).await["type"], "subscribed");
}
