//! The pages and files of the documentation.

use std::sync::{Arc, LazyLock};

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use utoipa_swagger_ui::Config;

use crate::api::state::AppState;
use crate::http::error::{ApiError, reference};

/// The files of Swagger UI that its page loads.
const ASSETS: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];
/// Our script that starts Swagger UI: the policy allows none within the page.
const STARTER: &str = "start.js";
/// The content security policy of the pages: they may run our scripts and ask this server. Swagger UI sets styles of elements
/// and has pictures in its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE: &str = include_str!("../../../assets/docs/index.html");
const START: &str = include_str!("../../../assets/docs/start.js");

/// The description of the interface, as text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Documents {
    /// For a server that requires no keys.
    pub(crate) open: fn() -> &'static str,
    /// For a server that requires keys.
    pub(crate) with_keys: fn() -> &'static str,
}

/// Description
///
/// The OpenAPI 3.1 document of this interface: every operation, parameter, header and body. Where keys are required, it also
/// states which operations need one.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "System", responses(
    (status = 200, description = "OpenAPI 3.1", body = Object),
))]
pub(super) async fn get_openapi(State(state): State<AppState>, Extension(documents): Extension<Documents>) -> Response {
    let text = if state.gate.access.asks_for_keys() { (documents.with_keys)() } else { (documents.open)() };
    ([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")], text).into_response()
}

/// The page of Swagger UI.
pub(super) async fn show_page() -> Response {
    page(PAGE)
}

/// The content security policy of the files that the pages load, and of the 404 for a file that does not exist.
const ASSET_POLICY: &str = "frame-ancestors 'none'";

/// The route of the files that the pages load.
pub(super) fn assets() -> MethodRouter<AppState> {
    get(async |Path(name): Path<String>| {
        let mut response = send_asset(&name).into_response();
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(ASSET_POLICY));
        response
    })
}

/// A file that the page loads.
fn send_asset(name: &str) -> Result<Response, ApiError> {
    if name == STARTER {
        return Ok(asset("text/javascript".to_owned(), START));
    }
    if !ASSETS.contains(&name) {
        return Err(ApiError::NotFound);
    }
    let found = utoipa_swagger_ui::serve(name, Arc::new(Config::default()));
    let file = found.map_err(|error| ApiError::Internal(format!("reading {name}: {error}")))?.ok_or(ApiError::NotFound)?;
    Ok(asset(file.content_type, file.bytes.into_owned()))
}

/// The page of error codes, to which `help_url` leads.
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
