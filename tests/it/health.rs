//! `/health`, `/info`, and the settings that they show.

use super::support::app::TestApp;

#[tokio::test]
async fn health_holds_both_bodies_of_the_specification_and_is_measured() {
    let app = TestApp::spawn().await;
    for path in ["/health", "/api/v1/health"] {
        let response = app.get(path).await;
        assert_eq!(response.status(), 200);
        let body: serde_json::Value = response.json().await.unwrap();
        // One stage of the scripted pipeline has no model.
        assert_eq!(body["status"], "degraded");
        assert_eq!(body["missing_stages"][0]["stage"], "recognition");
        assert_eq!(body["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(body["queue_status"], "active");
        assert!(body["uptime"].is_u64());
        let components = &body["components"];
        assert_eq!(components["queue_manager"], "healthy");
        assert_eq!(components["volume_access"], "healthy");
        assert_eq!(components["audio_processing"], "degraded");
        assert!(components["memory_usage"]["used_bytes"].as_u64().unwrap() > 1_000_000);
        assert!(components["memory_usage"]["percentage"].as_u64().unwrap() <= 100);
        assert!(components["disk_usage"]["volume_free_bytes"].as_u64().unwrap() > 0);
    }
    assert_eq!(app.get("/api/v1/health/live").await.status(), 200);
    assert_eq!(app.get("/api/v1/health/ready").await.status(), 200);
}

#[tokio::test]
async fn health_says_so_when_the_volume_is_gone() {
    let app = TestApp::spawn().await;
    std::fs::remove_dir_all(app.volume().join("temp")).unwrap();
    let response = app.get("/health").await;
    assert_eq!(response.status(), 503);
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!((body["status"].as_str(), body["components"]["volume_access"].as_str()), (Some("unhealthy"), Some("unhealthy")));
}

#[tokio::test]
async fn info_tells_what_the_server_is_and_runs_with() {
    let app = TestApp::spawn_with(&[("MAX_FILE_SIZE", "5000")]).await;
    for path in ["/info", "/api/v1/info"] {
        let body = app.get_json(path).await;
        assert_eq!(body["service"], "CallAnnotate");
        assert_eq!(body["max_file_size"], 5000);
        assert_eq!(body["processing_mode"], "asynchronous");
        assert_eq!(body["api_endpoints"]["rest"], "/api/v1");
        assert_eq!(body["api_endpoints"]["websocket"], "/ws");
        for format in ["wav", "mp3", "flac", "opus"] {
            assert!(body["supported_formats"].as_array().unwrap().iter().any(|known| known == format));
        }
        assert_eq!(body["engines"][0]["models"][0]["name"], "scripted-diarizer");
        assert_eq!(body["engines"][2]["available"], false);
    }
}
