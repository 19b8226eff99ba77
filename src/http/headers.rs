//! Headers of every answer: what browsers may do with it, which pages may read it, and what is left of the client's budget.

use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_RANGE, CONTENT_SECURITY_POLICY, ETAG, LOCATION, REFERRER_POLICY,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use chrono::{DateTime, Utc};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use super::state::AppState;
use crate::access::limits::{Budget, Quota};
use crate::access::origins::Origins;

static LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
static REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
static RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// How long a browser may remember what it was told about other pages' requests.
const PREFLIGHT_AGE: std::time::Duration = std::time::Duration::from_hours(1);

/// The outermost layer: what it adds is in every answer, errors and preflights included.
pub(super) async fn protect(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // The documentation is a page with scripts and styles of its own server.
    let page = path.starts_with("/docs") || path.starts_with("/api/v1/docs");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = if page { "frame-ancestors 'none'" } else { "default-src 'none'; frame-ancestors 'none'" };
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-store"),
    ] {
        // A handler that says otherwise knows better.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    // What was answered before the budget was asked costs nothing.
    if !headers.contains_key(&LIMIT)
        && let Some(quota) = state.limits.whole(Budget::Reads)
    {
        write_quota(headers, &quota, state.clock.now());
    }
    response
}

/// Tells what is left: `X-RateLimit-Reset` is the Unix time, in seconds, at which the budget is whole again.
pub(super) fn write_quota(headers: &mut HeaderMap, quota: &Quota, now: DateTime<Utc>) {
    let reset = u64::try_from(now.timestamp_millis()).unwrap_or(0).saturating_add(quota.refilled_in.as_millis() as u64);
    headers.insert(LIMIT.clone(), quota.limit.into());
    headers.insert(REMAINING.clone(), quota.remaining.into());
    headers.insert(RESET.clone(), reset.div_ceil(1000).into());
}

/// Lets pages of the listed origins read answers; none: no page of another origin may. Keys travel in headers and there are
/// no cookies, so credentials are never allowed.
pub(super) fn cors(origins: &Origins) -> Option<CorsLayer> {
    let allowed = match origins {
        Origins::Unset => return None,
        Origins::Any => AllowOrigin::any(),
        Origins::Listed(listed) => AllowOrigin::list(listed.iter().filter_map(|origin| HeaderValue::from_str(origin).ok())),
    };
    let exposed = [
        LOCATION,
        ETAG,
        RETRY_AFTER,
        CONTENT_LANGUAGE,
        CONTENT_RANGE,
        ACCEPT_RANGES,
        HeaderName::from_static("x-request-id"),
        LIMIT.clone(),
        REMAINING.clone(),
        RESET.clone(),
        HeaderName::from_static("idempotency-replayed"),
        HeaderName::from_static("preference-applied"),
    ];
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(exposed)
            .max_age(PREFLIGHT_AGE),
    )
}
