//! JSON bodies of requests: bounded in size, depth and time, and refused in our envelope.

use std::future::Future;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRef, FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::error::ApiError;
use crate::checks::clipped;

/// Size of the largest body, in bytes: `metadata` and `options` at their limits fit with room to spare.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// How deep arrays and objects may be nested: `metadata` may be eight deep, and is a field of an object.
const MAX_DEPTH: usize = 16;
/// The greatest number of values in one text: `metadata` and `options` at their limits have half as many. Without a bound a
/// message of a mebibyte would become some tens of mebibytes in memory.
const MAX_VALUES: usize = 10_000;
/// The greatest number of characters that are repeated of the parser's message, which can quote the client's input.
const MAX_REASON_CHARS: usize = 200;

/// The time within which the whole body must arrive.
#[derive(Clone, Copy)]
pub(crate) struct BodyTimeout(pub(crate) Duration);

/// Extracts a JSON body as `T`.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<S, T> FromRequest<S> for JsonBody<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
    BodyTimeout: FromRef<S>,
{
    type Rejection = ApiError;

    fn from_request(request: Request, state: &S) -> impl Future<Output = Result<Self, ApiError>> + Send {
        let timeout_after = BodyTimeout::from_ref(state);
        async move {
            check_content_type(request.headers())?;
            let bytes = read(request.into_body(), timeout_after).await?;
            parse(&bytes).map(Self)
        }
    }
}

/// Parses JSON as `T`, from a body or a WebSocket message.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, ApiError> {
    let Shape { depth, values } = shape(text);
    if depth > MAX_DEPTH {
        return Err(ApiError::InvalidJson(format!("nested deeper than {MAX_DEPTH} levels")));
    }
    if values > MAX_VALUES {
        return Err(ApiError::InvalidJson(format!("more than {MAX_VALUES} values")));
    }
    serde_json::from_slice(text).map_err(|error| ApiError::InvalidJson(clipped(&error.to_string(), MAX_REASON_CHARS)))
}

/// Whether the content type of a request is JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn check_content_type(headers: &HeaderMap) -> Result<(), ApiError> {
    if is_json(headers) {
        return Ok(());
    }
    let found = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("none");
    Err(ApiError::UnsupportedMediaType { expected: "application/json", found: clipped(found, 100) })
}

async fn read(body: Body, BodyTimeout(timeout_after): BodyTimeout) -> Result<Vec<u8>, ApiError> {
    let too_large = || ApiError::RequestTooLarge { limit: MAX_BODY_BYTES as u64 };
    if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
        return Err(too_large());
    }
    let mut data = body.into_data_stream();
    let mut bytes = Vec::new();
    let all = async {
        while let Some(chunk) = data.next().await {
            let chunk: Bytes = chunk.map_err(|error| ApiError::InvalidRequest(format!("the body broke off: {error}")))?;
            if bytes.len() + chunk.len() > MAX_BODY_BYTES {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(())
    };
    tokio::time::timeout(timeout_after, all).await.map_err(|_| ApiError::RequestTimeout)??;
    Ok(bytes)
}

/// How large a text becomes when it is parsed.
struct Shape {
    /// The nesting depth of arrays and objects.
    depth: usize,
    /// The number of values, or a few more: an empty array or object counts twice.
    values: usize,
}

/// The shape of a text, whether or not it is valid JSON, in one pass without memory.
fn shape(text: &[u8]) -> Shape {
    let (mut depth, mut deepest, mut values) = (0_usize, 0, 1);
    let (mut in_text, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
                values += 1;
            }
            b',' if !in_text => values += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Shape { depth: deepest, values }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::post;
    use http_body_util::BodyExt;
    use proptest::prelude::*;
    use serde_json::Value;
    use tower::ServiceExt;

    use super::super::error::Code;
    use super::*;

    fn refused(text: &[u8]) -> Code {
        parse::<Value>(text).unwrap_err().code()
    }

    #[test]
    fn what_is_no_json_or_too_deep_is_refused() {
        for text in ["", "{", "{]", "nonsense", "{\"a\": 1} 2", "\u{1}", "\"\u{0}\"", "{\"a\":1,}"] {
            assert_eq!(refused(text.as_bytes()), Code::InvalidJson, "{text:?}");
        }
        assert_eq!(refused(b"\"\xff\""), Code::InvalidJson);
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse::<Value>(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(refused(nested(MAX_DEPTH + 1).as_bytes()), Code::InvalidJson);
        assert_eq!(refused(nested(1_000_000).as_bytes()), Code::InvalidJson);
        let list = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
        assert!(parse::<Value>(list(MAX_VALUES).as_bytes()).is_ok());
        for many in
            [list(MAX_VALUES + 1), format!("[{}", "{},".repeat(MAX_VALUES)), format!("{{{}", "\"\":0,".repeat(MAX_VALUES))]
        {
            assert_eq!(refused(many.as_bytes()), Code::InvalidJson);
        }
        // Brackets within texts do not count as nesting.
        assert!(parse::<Value>(format!("[\"\\\"{}\"]", "[".repeat(100)).as_bytes()).is_ok());
    }

    #[test]
    fn a_value_of_another_form_is_refused_with_the_place() {
        let Err(ApiError::InvalidJson(reason)) = parse::<Vec<u8>>(b"[1, \"x\"]") else { panic!("it is taken") };
        assert!(reason.contains("line 1 column 7"), "{reason}");
    }

    /// The status of the response to a body, and the value that the handler received.
    async fn sent(content_type: Option<&str>, body: Body, timeout_after: Duration) -> (u16, Option<Value>) {
        let handler = |JsonBody(value): JsonBody<Value>| async move { axum::Json(value) };
        let router = Router::new().route("/", post(handler)).with_state(BodyTimeout(timeout_after));
        let mut request = Request::post("/").body(body).unwrap();
        if let Some(content_type) = content_type {
            request.headers_mut().insert(CONTENT_TYPE, content_type.parse().unwrap());
        }
        let response = router.oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).ok())
    }

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn only_json_is_taken_for_json() {
        for (content_type, status) in [
            (Some("application/json"), 200),
            (Some("Application/JSON; charset=utf-8"), 200),
            (Some("text/json"), 415),
            (Some("application/jsonp"), 415),
            (Some("multipart/form-data; boundary=b"), 415),
            (None, 415),
        ] {
            let value = (status == 200).then(|| Value::from(1));
            assert_eq!(sent(content_type, Body::from("1"), LONG).await, (status, value), "{content_type:?}");
        }
        assert_eq!(sent(Some("application/json"), Body::from("{"), LONG).await, (400, None));
    }

    #[tokio::test]
    async fn a_body_is_bounded_in_size_and_time() {
        let json = Some("application/json");
        let text = |size: usize| format!("\"{}\"", "x".repeat(size - 2));
        assert_eq!(sent(json, Body::from(text(MAX_BODY_BYTES)), LONG).await.0, 200);
        assert_eq!(sent(json, Body::from(text(MAX_BODY_BYTES + 1)), LONG).await.0, 413);
        // Without a length known beforehand, and without an end.
        let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1000])));
        assert_eq!(sent(json, Body::from_stream(endless), LONG).await.0, 413);
        let silent = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        assert_eq!(sent(json, Body::from_stream(silent), Duration::from_millis(1)).await.0, 408);
    }

    /// A text inside this many arrays and objects.
    fn nested(text: String, levels: usize) -> Value {
        let around = |value, level| if level % 2 == 0 { Value::Array(vec![value]) } else { serde_json::json!({ "a": value }) };
        (0..levels).fold(Value::String(text), around)
    }

    /// The number of arrays and objects around the innermost value.
    fn levels_of(value: &Value) -> usize {
        match value {
            Value::Array(values) => 1 + values.iter().map(levels_of).max().unwrap_or(0),
            Value::Object(fields) => 1 + fields.values().map(levels_of).max().unwrap_or(0),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        }
    }

    proptest! {
        #[test]
        fn the_depth_of_json_is_counted_right(levels in 0..20_usize, text in "[\\[\\]{}\"\\\\a]{0,20}") {
            prop_assert_eq!(shape(nested(text, levels).to_string().as_bytes()).depth, levels);
        }

        #[test]
        fn json_within_the_depth_is_taken_and_everything_else_is_refused(
            levels in 0..20_usize,
            text in "[\\[\\]{}\"\\\\a]{0,20}",
            damage in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let mut bytes = nested(text, levels).to_string().into_bytes();
            if let Some((at, byte)) = damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let expected = serde_json::from_slice(&bytes).ok().filter(|value| levels_of(value) <= MAX_DEPTH);
            match parse::<Value>(&bytes) {
                Ok(value) => prop_assert_eq!(Some(value), expected),
                Err(error) => prop_assert_eq!((error.code(), expected), (Code::InvalidJson, None)),
            }
        }
    }
}
