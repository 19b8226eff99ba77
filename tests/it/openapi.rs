//! The API description: the committed files match the program, and browsers can read them.

mod tables;

use std::path::{Path, PathBuf};
use std::process::Command;

use callannotate::api::openapi;
use serde_json::Value;

use super::support::app::TestApp;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files generated from the code.
fn published() -> [(PathBuf, String); 3] {
    [
        (root().join("docs/openapi.json"), openapi::text().to_owned()),
        (root().join("docs/schemas/result.schema.json"), openapi::result_text()),
        (root().join("docs/schemas/messages.schema.json"), openapi::messages_text()),
    ]
}

#[test]
fn the_published_files_are_what_the_code_says() {
    for (path, text) in published() {
        hold(&path, &text);
    }
}

/// Holds a file against what the code says, or rewrites it with `UPDATE_DOCS`.
fn hold(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    let remedy = "UPDATE_DOCS=1 cargo test --test it openapi::";
    assert!(found == text, "{} differs from the code; to make it anew: {remedy}", path.display());
}

#[test]
fn the_command_line_prints_them() {
    for (part, (_, text)) in ["document", "result", "messages"].into_iter().zip(published()) {
        let output = Command::new(env!("CARGO_BIN_EXE_callannotate")).args(["openapi", "--part", part]).output().unwrap();
        assert!(output.status.success());
        assert_eq!(String::from_utf8(output.stdout).unwrap(), text);
    }
}

#[tokio::test]
async fn the_server_gives_its_description_and_every_operation_of_it_is_there() {
    let app = TestApp::spawn().await;
    let response = app.get("/api/v1/openapi.json").await;
    assert_eq!(response.headers()["content-type"], "application/json");
    let text = response.text().await.unwrap();
    assert_eq!(text, openapi::text());
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, item) in document["paths"].as_object().unwrap() {
        let address = app.url(&path.replace("{job_id}", "00000000-0000-4000-8000-000000000000"));
        let refused = app.client.request(reqwest::Method::PATCH, &address).send().await.unwrap();
        assert_eq!(refused.status(), 405, "{path}");
        let allowed = refused.headers()["allow"].to_str().unwrap();
        let mut allowed: Vec<String> = allowed.split(',').map(str::to_lowercase).filter(|method| method != "head").collect();
        allowed.sort();
        let described: Vec<&String> = item.as_object().unwrap().keys().collect();
        assert_eq!(allowed.iter().collect::<Vec<_>>(), described, "{path}");
    }
}

#[tokio::test]
async fn the_pages_for_browsers_hold_all_they_name() {
    let app = TestApp::spawn().await;
    for path in ["/docs", "/docs/", "/api/v1/docs"] {
        let response = app.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'self';") && policy.contains("default-src 'none';"), "{policy}");
        let page = response.text().await.unwrap();
        assert!(!page.contains("://") && !page.contains("<script>"), "nothing from elsewhere, no script within: {page}");
        let named: Vec<&str> = page.split('"').filter(|text| text.starts_with("/docs/")).collect();
        assert_eq!(named.len(), 4, "{named:?}");
        for name in named {
            let asset = app.get(name).await;
            assert_eq!(asset.status(), 200, "{name}");
            assert!(!asset.bytes().await.unwrap().is_empty(), "{name}");
        }
    }
    let start = app.get("/docs/start.js").await;
    assert_eq!(start.headers()["content-type"], "text/javascript");
    for unknown in ["/docs/nothing.js", "/docs/index.html", "/docs/%2e%2e%2fCargo.toml"] {
        assert_eq!(app.get(unknown).await.status(), 404, "{unknown}");
    }
}

#[tokio::test]
async fn the_help_of_every_error_is_there() {
    let app = TestApp::spawn().await;
    let error = app.get_json("/nowhere").await["error"].clone();
    let (page, anchor) = error["help_url"].as_str().unwrap().split_once('#').unwrap();
    let text = app.get(page).await.text().await.unwrap();
    assert!(text.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    let document: Value = serde_json::from_str(openapi::text()).unwrap();
    for code in document["components"]["schemas"]["Error"]["properties"]["code"]["enum"].as_array().unwrap() {
        let id = code.as_str().unwrap().to_lowercase();
        assert!(text.contains(&format!("id=\"{id}\"")), "{id}");
    }
}
