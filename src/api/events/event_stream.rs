//! The wire format of Server-Sent Events (HTML standard, section 9.2). An event with a large result is sent in pieces.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use tokio::time::timeout;

use crate::http::outgoing::Outgoing;

/// The time between two comments that keep a silent connection open.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// An event: a message, and its number if it has one.
pub(super) fn event(number: Option<u64>, message: Outgoing) -> Outgoing {
    let id = number.map(|number| format!("id: {number}\n")).unwrap_or_default();
    message.mapped(single_line).between(&format!("{id}data: "), "\n\n")
}

/// A line that clients ignore.
pub(super) fn comment(text: &str) -> Outgoing {
    format!(": {text}\n\n").into()
}

/// How long a client waits before it reconnects.
pub(super) fn retry(after: Duration) -> Outgoing {
    format!("retry: {}\n\n", after.as_millis()).into()
}

/// The response that sends these events as they come.
pub(super) fn response(events: impl Stream<Item = Outgoing> + Send + 'static) -> Response {
    let body = stream::unfold(Box::pin(events), |mut events| async move {
        let next = timeout(HEARTBEAT, events.next()).await.unwrap_or_else(|_| Some(comment("still here")))?;
        Some((next.into_pieces(), events))
    });
    let mut response = Body::from_stream(body.flatten()).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// A line end within an event would end its line. In JSON there is none but between values.
fn single_line(piece: Bytes) -> Bytes {
    let ends = |byte: &u8| matches!(byte, b'\n' | b'\r');
    if piece.iter().any(ends) { piece.iter().map(|byte| if ends(byte) { b' ' } else { *byte }).collect() } else { piece }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn events_are_written_one_per_block_and_silence_is_filled() {
        let late = async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            event(None, "{}".to_owned().into())
        };
        let pieces = Outgoing::pieces(Box::pin(stream::iter(["{\n", "}"]).map(|piece| Ok(Bytes::from(piece)))));
        let first = [retry(Duration::from_secs(2)), event(Some(7), pieces), event(Some(8), "[\r\n]".to_owned().into())];
        let response = response(stream::iter(first).chain(stream::once(late)));
        assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let expected = "retry: 2000\n\nid: 7\ndata: { }\n\nid: 8\ndata: [  ]\n\n: still here\n\ndata: {}\n\n";
        assert_eq!(std::str::from_utf8(&body), Ok(expected));
    }
}
