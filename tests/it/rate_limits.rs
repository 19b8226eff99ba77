//! Rate limits per client, and the headers and errors that report them.

use reqwest::Response;
use serde_json::Value;

use super::support::app::TestApp;
use super::support::audio::tone;

/// Two submissions and four other requests at once, then one a minute.
const TIGHT: [(&str, &str); 4] = [
    ("CALLANNOTATE__RATE_LIMITS__SUBMISSIONS_PER_MINUTE", "1"),
    ("CALLANNOTATE__RATE_LIMITS__SUBMISSIONS_BURST", "2"),
    ("CALLANNOTATE__RATE_LIMITS__READS_PER_MINUTE", "1"),
    ("CALLANNOTATE__RATE_LIMITS__READS_BURST", "4"),
];

/// The limit, the remaining requests, and the seconds until the limit is full again.
fn quota(response: &Response) -> (u32, u32, i64) {
    let number = |name: &str| response.headers()[name].to_str().unwrap().parse::<i64>().unwrap();
    let reset = number("x-ratelimit-reset") - chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()).timestamp();
    (number("x-ratelimit-limit") as u32, number("x-ratelimit-remaining") as u32, reset)
}

#[tokio::test]
async fn every_answer_tells_what_is_left() {
    let app = TestApp::spawn_with(&TIGHT).await;
    for (path, status, remaining) in [("/health", 200, 3), ("/nowhere", 404, 2), ("/ws/x", 400, 1)] {
        let response = app.get(path).await;
        let (limit, left, reset) = quota(&response);
        assert_eq!((response.status().as_u16(), limit, left), (status, 4, remaining), "{path}");
        let expected = i64::from(60 * (4 - remaining));
        assert!((expected - 10..=expected + 1).contains(&reset), "{path}: {reset}");
    }
    let response = app.client.patch(app.url("/api/v1/jobs")).send().await.unwrap();
    assert_eq!((response.status().as_u16(), quota(&response).1), (405, 0));
    // Health probes are never limited.
    for path in ["/api/v1/health/live", "/api/v1/health/ready", "/api/v1/health/live"] {
        let response = app.get(path).await;
        assert_eq!((response.status().as_u16(), quota(&response).1), (200, 4), "{path}");
    }
}

#[tokio::test]
async fn a_spent_budget_is_answered_429_and_leaves_the_other_alone() {
    let app = TestApp::spawn_with(&TIGHT).await;
    for left in [1, 0] {
        let response = app.post(tone(400), &[]).await;
        assert_eq!((response.status().as_u16(), quota(&response).1), (201, left));
    }
    let response = app.post(tone(20_000), &[]).await;
    let (limit, left, reset) = quota(&response);
    assert_eq!((response.status().as_u16(), limit, left), (429, 2, 0));
    let retry: i64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((50..=61).contains(&retry) && (retry + 58..=retry + 61).contains(&reset), "{retry} {reset}");
    let error = response.json::<Value>().await.unwrap()["error"].clone();
    assert_eq!((error["code"].as_str(), error["retryable"].as_bool()), (Some("RATE_LIMITED"), Some(true)));
    assert_eq!((error["details"]["limit"].as_u64(), error["details"]["retry_after_seconds"].as_i64()), (Some(2), Some(retry)));
    assert_eq!(app.get("/api/v1/queue/status").await.status(), 200);
}

#[tokio::test]
async fn a_busy_honest_client_never_meets_the_default_limits() {
    let app = TestApp::spawn().await;
    for _ in 0..40 {
        assert_eq!(app.post(tone(200), &[]).await.status(), 201);
    }
    for _ in 0..500 {
        assert_eq!(app.get("/api/v1/queue/status").await.status(), 200);
    }
}

#[tokio::test]
async fn without_limits_nothing_is_told_and_nothing_refused() {
    let mut settings = TIGHT.to_vec();
    settings.push(("CALLANNOTATE__RATE_LIMITS__ENABLED", "false"));
    let app = TestApp::spawn_with(&settings).await;
    for _ in 0..20 {
        let response = app.get("/health").await;
        assert_eq!(response.status(), 200);
        assert!(!response.headers().contains_key("x-ratelimit-limit"));
    }
}

#[tokio::test]
async fn each_key_has_its_own_budget_and_wrong_keys_spend_the_addresss() {
    let folder = tempfile::tempdir().unwrap();
    let secret = || {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_callannotate"))
            .args(["keys", "create", "--label", "test", "--scope", "read"])
            .env("VOLUME_PATH", folder.path())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let (first, second) = (secret(), secret());
    let mut settings = TIGHT.to_vec();
    settings.push(("CALLANNOTATE__ACCESS__ENABLED", "true"));
    let app = TestApp::spawn_on(folder.path(), &settings).await;
    let ask = async |key: &str| {
        let response = app.client.get(app.url("/api/v1/queue/status")).bearer_auth(key).send().await.unwrap();
        (response.status().as_u16(), quota(&response).1)
    };
    for (key, expected) in [
        (first.as_str(), [(200, 3), (200, 2), (200, 1), (200, 0), (429, 0)]),
        (second.as_str(), [(200, 3), (200, 2), (200, 1), (200, 0), (429, 0)]),
        ("ca_wrong", [(401, 3), (401, 2), (401, 1), (401, 0), (429, 0)]),
    ] {
        for answer in expected {
            assert_eq!(ask(key).await, answer);
        }
    }
}
