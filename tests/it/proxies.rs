//! Proxies and browsers: trusted forwarding headers, allowed origins, and security headers.

use reqwest::Response;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::support::app::TestApp;
use super::support::audio::tone;

async fn left(app: &TestApp, forwarded: &[&str]) -> String {
    let mut request = app.client.get(app.url("/info"));
    for value in forwarded {
        request = request.header("x-forwarded-for", *value);
    }
    request.send().await.unwrap().headers()["x-ratelimit-remaining"].to_str().unwrap().to_owned()
}

const SLOW_REFILL: (&str, &str) = ("CALLANNOTATE__RATE_LIMITS__READS_PER_MINUTE", "1");
const FIVE: (&str, &str) = ("CALLANNOTATE__RATE_LIMITS__READS_BURST", "5");

#[tokio::test]
async fn forwarded_addresses_are_believed_from_trusted_proxies_alone() {
    let app = TestApp::spawn_with(&[SLOW_REFILL, FIVE]).await;
    assert_eq!(left(&app, &["198.51.100.1"]).await, "4");
    assert_eq!(left(&app, &["198.51.100.2"]).await, "3");
    let trusting = ("CALLANNOTATE__SERVER__TRUSTED_PROXIES", "127.0.0.0/8,10.0.0.0/8");
    let app = TestApp::spawn_with(&[SLOW_REFILL, FIVE, trusting]).await;
    for (forwarded, remaining) in [
        (&["198.51.100.1"][..], "4"),
        (&["198.51.100.2"], "4"),
        // Entries that the client forged stand to the left.
        (&["203.0.113.1, 198.51.100.1"], "3"),
        (&["203.0.113.1", "198.51.100.1, 10.0.0.7"], "2"),
        (&["2001:db8::1"], "4"),
        (&["2001:db8::2"], "3"),
        // A missing or malformed header: the last proxy's own address counts.
        (&[], "4"),
        (&["nonsense"], "3"),
    ] {
        assert_eq!(left(&app, forwarded).await, remaining, "{forwarded:?}");
    }
}

async fn preflight(app: &TestApp, origin: &str) -> Response {
    let request = app.client.request(reqwest::Method::OPTIONS, app.url("/api/v1/jobs")).header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    request.header("access-control-request-headers", "x-api-key,idempotency-key").send().await.unwrap()
}

fn allowed(response: &Response) -> Option<&str> {
    response.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn pages_of_listed_origins_may_read_and_change() {
    let app = TestApp::spawn_with(&[
        ("CALLANNOTATE__SERVER__CORS_ORIGINS", "https://calls.example.org,http://localhost:3000"),
        ("CALLANNOTATE__ACCESS__ENABLED", "true"),
    ])
    .await;
    let response = preflight(&app, "https://calls.example.org").await;
    assert_eq!((response.status().as_u16(), allowed(&response)), (200, Some("https://calls.example.org")));
    assert_eq!(response.headers()["access-control-allow-headers"], "x-api-key,idempotency-key");
    assert!(response.headers()["access-control-allow-methods"].to_str().unwrap().contains("DELETE"));
    assert!(response.headers().contains_key("x-request-id") && response.headers().contains_key("x-ratelimit-limit"));
    assert_eq!(allowed(&preflight(&app, "https://evil.example").await), None);
    // Browsers can read error answers, too.
    let request = app.client.get(app.url("/api/v1/queue/status")).header("origin", "http://localhost:3000");
    let response = request.send().await.unwrap();
    assert_eq!((response.status().as_u16(), allowed(&response)), (401, Some("http://localhost:3000")));
    let exposed = response.headers()["access-control-expose-headers"].to_str().unwrap().to_owned();
    for header in
        ["location", "etag", "x-request-id", "x-ratelimit-remaining", "retry-after", "idempotency-replayed", "content-language"]
    {
        assert!(exposed.contains(header), "{header} in {exposed}");
    }
    assert_eq!(response.headers()["vary"], "origin, access-control-request-headers");
}

async fn post_from(app: &TestApp, origin: Option<&str>) -> u16 {
    let form = reqwest::multipart::Form::new().part("file", reqwest::multipart::Part::bytes(tone(300)));
    let mut request = app.client.post(app.url("/api/v1/jobs")).multipart(form);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    request.send().await.unwrap().status().as_u16()
}

async fn upgrade_from(app: &TestApp, origin: &str) -> u16 {
    let mut request = format!("ws://{}/ws/x", app.address).into_client_request().unwrap();
    request.headers_mut().insert("origin", origin.parse().unwrap());
    match tokio_tungstenite::connect_async(request).await {
        Ok((_, response)) => response.status().as_u16(),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_page_of_another_origin_can_neither_change_nor_open_a_websocket_once_there_is_a_list() {
    let app = TestApp::spawn_with(&[("CALLANNOTATE__SERVER__CORS_ORIGINS", "https://calls.example.org")]).await;
    let own = format!("http://{}", app.address);
    for (origin, post, upgrade) in
        [("https://calls.example.org", 201, 101), (&own, 201, 101), ("https://evil.example", 403, 403), ("null", 403, 403)]
    {
        assert_eq!((post_from(&app, Some(origin)).await, upgrade_from(&app, origin).await), (post, upgrade), "{origin}");
    }
    assert_eq!(post_from(&app, None).await, 201);
}

#[tokio::test]
async fn without_a_list_no_page_reads_answers_and_the_specifications_browser_client_works() {
    let app = TestApp::spawn().await;
    assert_eq!(allowed(&preflight(&app, "https://calls.example.org").await), None);
    assert_eq!(upgrade_from(&app, "null").await, 101);
    assert_eq!(upgrade_from(&app, "http://localhost:3000").await, 101);
    let any = TestApp::spawn_with(&[("CALLANNOTATE__SERVER__CORS_ORIGINS", "*")]).await;
    assert_eq!(allowed(&preflight(&any, "https://calls.example.org").await), Some("*"));
    assert_eq!(post_from(&any, Some("https://anywhere.example")).await, 201);
}

#[tokio::test]
async fn every_answer_carries_the_protecting_headers() {
    let app = TestApp::spawn().await;
    for path in ["/health", "/nowhere", "/api/v1/jobs/x", "/ws/x"] {
        let response = app.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(response.headers()[name], value, "{path}");
        }
    }
    assert_eq!(app.get("/docs/x").await.headers()["content-security-policy"], "frame-ancestors 'none'");
}
