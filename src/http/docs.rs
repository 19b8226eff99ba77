//! What a person with a browser reads: the description of the interface, Swagger UI over it, and the codes of errors. All of
//! it comes from the program itself; nothing is fetched from elsewhere.

use std::sync::{Arc, LazyLock};

use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use utoipa_swagger_ui::Config;

use super::error::{ApiError, reference};
use super::openapi;
use super::state::AppState;

/// The files of Swagger UI that its page names; the rest of them is for other uses.
const ASSETS: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];
/// Ours beside them: a policy that allows no script within the page needs it in a file.
const STARTER: &str = "start.js";
/// What the pages may do: run our scripts and ask this server. Swagger UI writes styles into its elements and has pictures
/// in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("../../assets/docs/index.html");
const START: &str = include_str!("../../assets/docs/start.js");

/// Description
///
/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "System", responses(
    (status = 200, description = "OpenAPI 3.1", body = Object),
))]
pub(super) async fn get_openapi(State(state): State<AppState>) -> Response {
    let text = if state.access.asks_for_keys() { openapi::text_with_keys() } else { openapi::text() };
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], text).into_response()
}

/// Swagger UI.
pub(super) async fn show_page() -> Response {
    page(PAGE)
}

/// A file that the page names.
pub(super) async fn send_asset(Path(name): Path<String>) -> Result<Response, ApiError> {
    if name == STARTER {
        return Ok(asset("text/javascript".to_owned(), START));
    }
    if !ASSETS.contains(&name.as_str()) {
        return Err(ApiError::NotFound);
    }
    let found = utoipa_swagger_ui::serve(&name, Arc::new(Config::default()));
    let file = found.map_err(|error| ApiError::Internal(format!("reading {name}: {error}")))?.ok_or(ApiError::NotFound)?;
    Ok(asset(file.content_type, file.bytes.into_owned()))
}

/// The codes of errors: where `help_url` leads.
pub(super) async fn show_errors() -> Response {
    static ERRORS_PAGE: LazyLock<String> = LazyLock::new(|| {
        let errors = reference::page();
        let mut body = String::new();
        let parser = pulldown_cmark::Parser::new_ext(&errors, pulldown_cmark::Options::ENABLE_TABLES);
        pulldown_cmark::html::push_html(&mut body, parser);
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Errors</title>\n<style>body \
             {{ font-family: sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em }} td, th {{ text-align: left; \
             vertical-align: top; padding: 0.3em 1em 0.3em 0 }} :target {{ scroll-margin-top: 2em }} pre {{ overflow: auto; \
             }} tr:has(:target) {{ background: #ffc }}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
        )
    });
    page(&ERRORS_PAGE)
}

fn page(text: &'static str) -> Response {
    let mut response = Html(text).into_response();
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

fn asset(content_type: String, bytes: impl IntoResponse) -> Response {
    ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache".to_owned())], bytes).into_response()
}
