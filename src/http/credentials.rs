//! The key that a request carries: `Authorization: Bearer`, `X-API-Key` or, for the WebSockets of browsers, which cannot set
//! headers, a subprotocol.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};

/// The subprotocol of the WebSocket, and the only one that the server ever selects.
pub(super) const SUBPROTOCOL: &str = "callannotate";
/// The prefix of a key that is offered as a subprotocol.
const KEY_PROTOCOL: &str = "callannotate.key.";

/// The key of a request; `None` if it has none. An unreadable header yields an empty key, which is not valid.
pub(super) fn secret(headers: &HeaderMap) -> Option<&str> {
    bearer(headers).or_else(|| headers.get("x-api-key").map(|value| value.to_str().unwrap_or_default().trim())).or_else(|| {
        let offers = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
        offers.flat_map(|value| value.split(',')).find_map(|offer| offer.trim().strip_prefix(KEY_PROTOCOL))
    })
}

/// The key in `Authorization`. Other schemes are ignored: a proxy may ask for a password of its own and pass it on.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = text.split_once(' ').unwrap_or((text, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_key_is_found_wherever_it_may_stand() {
        for (name, value, expected) in [
            ("authorization", "Bearer ca_1", Some("ca_1")),
            ("authorization", "bearer  ca_1 ", Some("ca_1")),
            ("authorization", "Bearer", Some("")),
            ("authorization", "Basic dXNlcjpwYXNz", None),
            ("x-api-key", "ca_1", Some("ca_1")),
            ("sec-websocket-protocol", "callannotate, callannotate.key.ca_1", Some("ca_1")),
            ("sec-websocket-protocol", "callannotate", None),
            ("accept", "ca_1", None),
        ] {
            let name: HeaderName = name.parse().unwrap();
            let headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static(value))]);
            assert_eq!(secret(&headers), expected, "{name}: {value}");
        }
    }
}
