//! Headers of every response: security policies, CORS, and the remaining rate limit budget of the client.

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

/// How long a browser may cache the answer to a CORS preflight.
const PREFLIGHT_AGE: std::time::Duration = std::time::Duration::from_hours(1);

/// Adds the headers of every answer, errors and preflights included, where the handler has not set them. `whole` is the
/// quota to report where no budget was charged.
pub(super) fn protect(headers: &mut HeaderMap, whole: Option<Quota>, now: DateTime<Utc>) {
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Some(quota) = whole.filter(|_| !headers.contains_key(&LIMIT)) {
        write_quota(headers, &quota, now);
    }
}

/// Writes the client's quota: `X-RateLimit-Reset` is the Unix time, in seconds, at which the budget is full again.
pub(super) fn write_quota(headers: &mut HeaderMap, quota: &Quota, now: DateTime<Utc>) {
    let reset = u64::try_from(now.timestamp_millis()).unwrap_or(0).saturating_add(quota.refilled_in.as_millis() as u64);
    headers.insert(LIMIT.clone(), quota.limit.into());
    headers.insert(REMAINING.clone(), quota.remaining.into());
    headers.insert(RESET.clone(), reset.div_ceil(1000).into());
}

/// Lets web pages of the listed origins read answers; `None` when no page of another origin may. Keys travel in headers and
/// there are no cookies, so credentials are never allowed.
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
