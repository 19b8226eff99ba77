//! `GET /jobs`: pages that stay consistent while jobs come and go, filters, order, fields, and all errors of a request at once.

use serde_json::{Value, json};

use super::support::app::TestApp;
use super::support::audio::tone;
use super::support::scripted::Act;
use callannotate::jobs::stage::Stage;

/// A server whose jobs stay queued, since the first one is held.
async fn waiting(count: usize) -> (TestApp, Vec<String>) {
    let app = TestApp::spawn().await;
    app.script.set(Stage::Diarization, Act::Hold);
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(app.create_job(tone(300), &[]).await);
    }
    app.script.reached(1).await;
    (app, ids)
}

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|job| job["job_id"].as_str().unwrap().to_owned()).collect()
}

fn next_url(page: &Value) -> Option<&str> {
    page["meta"]["pagination"]["next_url"].as_str()
}

async fn send(app: &TestApp, filename: &str, metadata: &str) -> String {
    let file = reqwest::multipart::Part::bytes(tone(300)).file_name(filename.to_owned());
    let form = reqwest::multipart::Form::new().part("file", file).text("metadata", metadata.to_owned());
    let response = app.client.post(app.url("/api/v1/jobs")).multipart(form).send().await.unwrap();
    response.json::<Value>().await.unwrap()["job_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_empty_list_is_a_list() {
    let app = TestApp::spawn().await;
    let expected = json!({ "data": [], "meta": { "pagination": { "limit": 20, "next_cursor": null, "next_url": null } } });
    assert_eq!(app.get_json("/api/v1/jobs").await, expected);
}

#[tokio::test]
async fn pages_of_the_newest_stay_right_while_jobs_come_and_go() {
    let (app, made) = waiting(8).await;
    let first = app.get_json("/api/v1/jobs?limit=2").await;
    assert_eq!(ids(&first), [made[7].clone(), made[6].clone()]);
    // Deletes the job at the cursor and the next one, and adds a new one.
    for gone in [&made[6], &made[5]] {
        assert_eq!(app.delete(gone).await.status(), 204);
    }
    let new = app.create_job(tone(300), &[]).await;
    let second = app.get_json(next_url(&first).unwrap()).await;
    assert_eq!(ids(&second), [made[4].clone(), made[3].clone()]);
    let third = app.get_json(next_url(&second).unwrap()).await;
    assert_eq!(ids(&third), [made[2].clone(), made[1].clone()]);
    let last = app.get_json(next_url(&third).unwrap()).await;
    assert_eq!((ids(&last), next_url(&last)), (vec![made[0].clone()], None));
    assert_eq!(last["meta"]["pagination"]["next_cursor"], Value::Null);
    assert_eq!(ids(&app.get_json("/api/v1/jobs?limit=1").await), [new]);
}

#[tokio::test]
async fn pages_of_the_oldest_stay_right_and_end_with_what_came_meanwhile() {
    let (app, made) = waiting(5).await;
    let first = app.get_json("/api/v1/jobs?sort=created_at&limit=2").await;
    assert_eq!(ids(&first), made[..2]);
    for gone in [&made[1], &made[2]] {
        assert_eq!(app.delete(gone).await.status(), 204);
    }
    let new = app.create_job(tone(300), &[]).await;
    let second = app.get_json(next_url(&first).unwrap()).await;
    assert_eq!(ids(&second), made[3..]);
    let last = app.get_json(next_url(&second).unwrap()).await;
    assert_eq!((ids(&last), next_url(&last)), (vec![new], None));
}

#[tokio::test]
async fn a_cursor_outlives_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0")]).await;
    app.script.set(Stage::Diarization, Act::Hold);
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(app.create_job(tone(300), &[]).await);
    }
    app.script.reached(1).await;
    let first = app.get_json("/api/v1/jobs?limit=1").await;
    app.stop().await;
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let rest = app.get_json(next_url(&first).unwrap().replace("limit=1", "limit=9").as_str()).await;
    assert_eq!(ids(&rest), [made[1].clone(), made[0].clone()]);
}

#[tokio::test]
async fn the_next_address_keeps_every_parameter() {
    let (app, made) = waiting(4).await;
    let asked = "/api/v1/jobs?limit=1&status=queued&status=failed&fields=job_id,status&filename=CALL%2Ewav&colour=red%26blue";
    let mut seen = Vec::new();
    let mut address = asked.to_owned();
    loop {
        let page = app.get_json(&address).await;
        for job in page["data"].as_array().unwrap() {
            assert_eq!(*job, json!({ "job_id": job["job_id"], "status": "queued" }));
        }
        seen.extend(ids(&page));
        let Some(next) = next_url(&page) else { break };
        assert!(next.starts_with("/api/v1/jobs?limit=1&status=queued&status=failed&fields=job_id%2Cstatus&"), "{next}");
        assert!(next.contains("&colour=red%26blue&cursor="), "{next}");
        address = next.to_owned();
    }
    // The first job is running.
    assert_eq!(seen, [made[3].clone(), made[2].clone(), made[1].clone()]);
}

#[tokio::test]
async fn every_filter_lets_through_what_it_says() {
    let app = TestApp::spawn().await;
    let first = send(&app, "Sales call.WAV", r#"{"external_id": "A-1"}"#).await;
    assert_eq!(app.wait_until_finished(&first).await["status"], "completed");
    app.script.set(Stage::Diarization, Act::Hold);
    let second = send(&app, "звонок.wav", r#"{"external_id": "A-2"}"#).await;
    app.script.reached(3).await;
    let third = send(&app, "support call.wav", r#"{"external_id": "A-1"}"#).await;
    assert_eq!(app.change(&third, "cancel").await.0, 200);
    let fourth = send(&app, "plain.wav", r#"{"mine": 1}"#).await;
    let at = app.job(&second).await["created_at"].as_str().unwrap().to_owned();
    let with_offset = at.replace('Z', "%2B00:00");
    for (query, expected) in [
        ("status=completed".to_owned(), vec![&first]),
        ("status=cancelled&status=completed".to_owned(), vec![&third, &first]),
        ("status=queued,processing".to_owned(), vec![&fourth, &second]),
        ("status=failed".to_owned(), vec![]),
        ("external_id=A-1".to_owned(), vec![&third, &first]),
        ("external_id=a-1".to_owned(), vec![]),
        ("external_id=1".to_owned(), vec![]),
        ("external_id=".to_owned(), vec![&fourth, &third, &second, &first]),
        ("filename=CALL".to_owned(), vec![&third, &first]),
        ("filename=%D0%97%D0%92%D0%9E%D0%9D".to_owned(), vec![&second]),
        ("filename=call&external_id=A-1&status=completed".to_owned(), vec![&first]),
        ("created_before=2000-01-01T00:00:00Z".to_owned(), vec![]),
        ("created_after=2000-01-01T00:00:00Z&sort=created_at&limit=1".to_owned(), vec![&first]),
    ] {
        let expected: Vec<String> = expected.into_iter().cloned().collect();
        assert_eq!(ids(&app.get_json(&format!("/api/v1/jobs?{query}")).await), expected, "{query}");
    }
    // The bounds are exclusive, in any notation of the time.
    for at in [&at, &with_offset] {
        let before = ids(&app.get_json(&format!("/api/v1/jobs?created_before={at}")).await);
        let after = ids(&app.get_json(&format!("/api/v1/jobs?created_after={at}")).await);
        assert!(before.contains(&first) && !before.contains(&second) && !after.contains(&second), "{before:?} {after:?}");
        assert!(after.contains(&fourth) && after.contains(&third));
    }
}

#[tokio::test]
async fn fields_are_chosen_at_the_top_level() {
    let (app, made) = waiting(1).await;
    let page = app.get_json("/api/v1/jobs?fields=priority&fields=file_info,priority").await;
    let whole = app.get_json("/api/v1/jobs").await["data"][0].clone();
    assert_eq!(page["data"], json!([{ "priority": 5, "file_info": whole["file_info"] }]));
    let one = app.job(&made[0]).await;
    let mut names: Vec<&String> = one.as_object().unwrap().keys().collect();
    let mut listed: Vec<&String> = whole.as_object().unwrap().keys().collect();
    names.sort();
    listed.sort();
    assert_eq!(names, listed);
}

#[tokio::test]
async fn every_mistake_is_told_at_once() {
    let app = TestApp::spawn().await;
    let long = "x".repeat(256);
    let query = format!(
        "limit=0&status=lost&created_after=soon&created_before=2026-11-20&sort=size&cursor=5.x&fields=colour&filename={long}\
         &external_id={long}"
    );
    let response = app.get(&format!("/api/v1/jobs?{query}")).await;
    assert_eq!(response.status(), 400);
    let error = response.json::<Value>().await.unwrap()["error"].clone();
    assert_eq!(error["code"], "INVALID_QUERY");
    let mut fields: Vec<&str> =
        error["details"]["checks_failed"].as_array().unwrap().iter().map(|check| check["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    let expected = ["created_after", "created_before", "cursor", "external_id", "fields", "filename", "limit", "sort", "status"];
    assert_eq!(fields, expected.map(|name| format!("query.{name}")));
    for wrong in ["limit=101", "limit=-1", "limit=1.5", "limit=%2B1", "limit=1&limit=1", "limit=99999999999999999999999"] {
        let refused = app.refused(app.client.get(app.url(&format!("/api/v1/jobs?{wrong}")))).await;
        assert_eq!(refused, (400, "INVALID_QUERY".to_owned()), "{wrong}");
    }
    assert_eq!(app.get("/api/v1/jobs?limit=100").await.status(), 200);
}
