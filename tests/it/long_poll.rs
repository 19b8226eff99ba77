//! `GET /jobs/{job_id}` that waits for a change: by `?wait` or `Prefer`, from now on or after a given event.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::support::app::{DEADLINE, TestApp};
use super::support::audio::tone;

#[tokio::test]
async fn an_answer_comes_with_the_next_change() {
    let (app, id) = TestApp::held().await;
    let seen = app.job(&id).await["last_seq"].as_u64().unwrap();
    let url = app.url(&format!("/api/v1/jobs/{id}?wait=15&last_seq={seen}"));
    let waiting = tokio::spawn(app.client.get(url).send());
    // Other requests are answered meanwhile: waiting blocks only the waiting request.
    assert_eq!(app.get("/health").await.status(), 200);
    assert!(!waiting.is_finished());
    app.script.release(1);
    let response = waiting.await.unwrap().unwrap();
    assert_eq!(response.headers()["preference-applied"], "wait=15");
    let job: Value = response.json().await.unwrap();
    assert!(job["last_seq"].as_u64().unwrap() > seen, "{job}");
}

#[tokio::test]
async fn a_waiting_client_is_told_when_its_job_is_begun() {
    let (app, first) = TestApp::held().await;
    let second = app.create_job(tone(300), &[]).await;
    let url = app.url(&format!("/api/v1/jobs/{second}?wait=15&last_seq=1"));
    let waiting = tokio::spawn(app.client.get(url).send());
    assert_eq!(app.job(&second).await["status"], "queued");
    app.script.release(2);
    let job: Value = waiting.await.unwrap().unwrap().json().await.unwrap();
    assert_ne!(job["status"], "queued");
    assert_eq!(app.wait_until_finished(&first).await["status"], "completed");
}

#[tokio::test]
async fn what_has_ended_is_answered_at_once() {
    let app = TestApp::spawn().await;
    let id = app.create_job(tone(300), &[]).await;
    let last = app.wait_until_finished(&id).await["last_seq"].as_u64().unwrap();
    // The client disconnects long before these waits end.
    for query in ["wait=60".to_owned(), format!("wait=60&last_seq={last}"), format!("wait=60&last_seq={}", last + 500)] {
        let job = app.get_json(&format!("/api/v1/jobs/{id}?{query}")).await;
        assert_eq!((job["status"].as_str(), job["last_seq"].as_u64()), (Some("completed"), Some(last)), "{query}");
    }
}

#[tokio::test]
async fn what_happened_since_a_number_is_news_and_so_is_everything_after_a_number_never_given() {
    let (app, id) = TestApp::held().await;
    let last = app.job(&id).await["last_seq"].as_u64().unwrap();
    for number in [0, 1, last - 1, last + 1, u64::MAX] {
        let job = app.get_json(&format!("/api/v1/jobs/{id}?wait=60&last_seq={number}")).await;
        assert_eq!((job["status"].as_str(), job["last_seq"].as_u64()), (Some("processing"), Some(last)), "{number}");
    }
}

#[tokio::test]
async fn a_wait_that_is_over_is_answered_with_the_present_state() {
    let (app, id) = TestApp::held().await;
    let before = app.job(&id).await;
    let begun = Instant::now();
    let after = app.get_json(&format!("/api/v1/jobs/{id}?wait=1")).await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!((&after["status"], &after["last_seq"]), (&before["status"], &before["last_seq"]));
    let at_once = app.get_json(&format!("/api/v1/jobs/{id}?wait=0")).await;
    assert_eq!(at_once["last_seq"], before["last_seq"]);
}

#[tokio::test]
async fn a_preference_counts_unless_the_address_says_otherwise() {
    let app = TestApp::spawn().await;
    let id = app.create_job(tone(300), &[]).await;
    app.wait_until_finished(&id).await;
    for (query, preference, applied) in [
        ("", "wait=20", Some("wait=20")),
        ("", "respond-async, wait=\"7\"", Some("wait=7")),
        ("", "wait=100000", Some("wait=60")),
        ("?wait=5", "wait=20", Some("wait=5")),
        ("", "wait=soon", None),
        ("", "respond-async", None),
    ] {
        let url = app.url(&format!("/api/v1/jobs/{id}{query}"));
        let response = app.client.get(url).header("prefer", preference).send().await.unwrap();
        assert_eq!(response.status(), 200, "{preference}");
        let header = response.headers().get("preference-applied").map(|value| value.to_str().unwrap());
        assert_eq!(header, applied, "{query} {preference}");
    }
    for wrong in ["wait=61", "wait=-1", "wait=x", "last_seq=x", "wait=1&wait=2"] {
        let refused = app.refused(app.client.get(app.url(&format!("/api/v1/jobs/{id}?{wrong}")))).await;
        assert_eq!(refused, (400, "INVALID_QUERY".to_owned()), "{wrong}");
    }
}

#[tokio::test]
async fn a_job_that_is_deleted_under_a_waiting_client_is_not_found() {
    let (app, id) = TestApp::held().await;
    let url = app.url(&format!("/api/v1/jobs/{id}?wait=15"));
    let waiting = tokio::spawn(app.client.get(url).send());
    assert_eq!(app.delete(&id).await.status(), 204);
    assert_eq!(waiting.await.unwrap().unwrap().status(), 404);
}

#[tokio::test]
async fn a_stopping_server_answers_those_who_wait() {
    let (app, id) = TestApp::held().await;
    let seen = app.job(&id).await["last_seq"].as_u64().unwrap();
    let mut waiting = TcpStream::connect(&app.address).await.unwrap();
    let request = format!("GET /api/v1/jobs/{id}?wait=60&last_seq={seen} HTTP/1.1\r\nHost: x\r\n\r\n");
    waiting.write_all(request.as_bytes()).await.unwrap();
    // Connections are accepted in order: once a later one is answered, the request has arrived.
    assert_eq!(
        reqwest::Client::builder().no_proxy().build().unwrap().get(app.url("/health")).send().await.unwrap().status(),
        200
    );
    app.shutdown.soft.cancel();
    app.shutdown.hard.cancel();
    let mut answer = String::new();
    timeout(DEADLINE, waiting.read_to_string(&mut answer)).await.expect("an answer in time").unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let job: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&job["status"], &job["last_seq"]), (&json!("queued"), &json!(seen + 1)), "it was put back");
}
