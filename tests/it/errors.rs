//! The error envelope, for everything that can go wrong below and beside the handlers.

use serde_json::Value;

use super::support::app::TestApp;

#[tokio::test]
async fn every_error_has_the_envelope_and_the_request_id() {
    let app = TestApp::spawn().await;
    for (method, path, status, code) in [
        ("GET", "/nowhere", 404, "NOT_FOUND"),
        ("GET", "/api/v1/nowhere", 404, "NOT_FOUND"),
        ("GET", "/api/v1/jobs/550e8400-e29b-41d4-a716-446655440000", 404, "JOB_NOT_FOUND"),
        ("GET", "/api/v1/jobs/not-a-uuid", 404, "JOB_NOT_FOUND"),
        ("GET", "/api/v1/jobs/..%2f..%2fetc", 404, "JOB_NOT_FOUND"),
        ("GET", "/api/v1/jobs/%ff%fe/result", 404, "JOB_NOT_FOUND"),
        ("GET", "/api/v1/jobs/550e8400-e29b-41d4-a716-446655440000/result", 404, "JOB_NOT_FOUND"),
        ("DELETE", "/api/v1/jobs/550e8400-e29b-41d4-a716-446655440000", 404, "JOB_NOT_FOUND"),
        ("PATCH", "/api/v1/jobs", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/health", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/ws/550e8400-e29b-41d4-a716-446655440000", 400, "INVALID_REQUEST"),
    ] {
        let request = app.client.request(method.parse().unwrap(), app.url(path)).header("x-request-id", "req_mine-1");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{method} {path}");
        assert_eq!(response.headers()["x-request-id"], "req_mine-1");
        if status == 405 {
            assert!(!response.headers()["allow"].is_empty());
        }
        let error = response.json::<Value>().await.unwrap()["error"].clone();
        assert_eq!(error["code"], code, "{method} {path}");
        assert_eq!(error["request_id"], "req_mine-1");
        for field in ["message", "developer_message", "timestamp", "help_url"] {
            assert!(error[field].is_string(), "{field} in {error}");
        }
        assert!(error["details"].is_object() && error["retryable"].is_boolean());
    }
}

#[tokio::test]
async fn a_request_without_a_sane_id_gets_one() {
    let app = TestApp::spawn().await;
    let long = "x".repeat(500);
    for id in ["", "with space", "semi;colon", &long] {
        let response = app.client.get(app.url("/health")).header("x-request-id", id).send().await.unwrap();
        let given = response.headers()["x-request-id"].to_str().unwrap();
        assert!(given.starts_with("req_") && given.len() == 40, "{given}");
    }
}
