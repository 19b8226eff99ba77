//! The host that a request is for: exactly one, well-formed (RFC 9112, section 3.2), and one of this server's names.

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::{HeaderMap, HeaderValue, Version};

use super::error::ApiError;
use crate::access::hosts::{Host, Hosts};
use crate::checks::clipped;

/// The longest part of a host that the answer repeats, in characters.
const MAX_SHOWN_CHARS: usize = 100;

/// Checks that a request is for this server. Only HTTP/1.0, which no browser speaks, has requests without a host.
///
/// # Errors
/// When there is no host, more than one, a malformed one, or one that is not this server's.
pub(super) fn check(request: &Request, hosts: &Hosts) -> Result<(), ApiError> {
    let refused = |reason: &str| ApiError::InvalidRequest(format!("{reason} (RFC 9112, section 3.2)"));
    let mut lines = request.headers().get_all(HOST).iter();
    let line = match (lines.next(), lines.next()) {
        (None, _) if request.version() < Version::HTTP_11 => None,
        (None, _) => return Err(refused("the request has no `Host`")),
        (Some(line), None) => Some(line.to_str().ok().and_then(Host::parse).ok_or_else(|| refused("`Host` is malformed"))?),
        (Some(_), Some(_)) => return Err(refused("the request has more than one `Host`")),
    };
    // An address with a host takes precedence over the header.
    let host = match request.uri().authority() {
        Some(authority) => {
            Some(Host::parse(without_user(authority.as_str())).ok_or_else(|| refused("the address is malformed"))?)
        }
        None => line,
    };
    match host {
        Some(host) if !hosts.admit(&host) => Err(ApiError::HostNotAllowed { host: shown(&host) }),
        Some(_) | None => Ok(()),
    }
}

/// The host of a request as it was sent, with its port; for comparing it with the origin of a web page.
pub(super) fn of(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST).map(HeaderValue::to_str)?.ok()
}

fn without_user(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn shown(host: &Host) -> String {
    match host {
        Host::Address(address) => address.to_string(),
        Host::Name(name) => clipped(name, MAX_SHOWN_CHARS),
    }
}
