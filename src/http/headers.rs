//! Headers of every answer: what browsers may do with it, which pages may read it, and what is left of the client's budget.

use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_RANGE, CONTENT_SECURITY_POLICY, ETAG, LOCATION, REFERRER_POLICY,
    RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use chrono::{DateTime, Utc};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::access::limits::Quota;
use crate::access::origins::Origins;

static LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
static REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
static RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// How long a browser may remember what it was told about other pages' requests.
const PREFLIGHT_AGE: std::time::Duration = std::time::Duration::from_hours(1);

/// Whether an address is that of the documentation: a page with scripts and styles of its own server.
pub(super) fn is_page(path: &str) -> bool {
    path.starts_with("/docs") || path.starts_with("/api/v1/docs")
}

/// What is in every answer, errors and preflights included. `whole` is told where no budget was asked: it cost nothing.
pub(super) fn protect(headers: &mut HeaderMap, page: bool, whole: Option<Quota>, now: DateTime<Utc>) {
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
    if let Some(quota) = whole.filter(|_| !headers.contains_key(&LIMIT)) {
        write_quota(headers, &quota, now);
    }
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
