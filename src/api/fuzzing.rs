//! Entry points of the fuzz targets: the parsers of a request's parts, without the connection around them. Compiled for
//! fuzzing only.

use serde::Deserialize;
use serde_json::Value;

use super::commands;
use super::jobs::commands::ListJobs;
use super::jobs::list_query::list_request;
use crate::http::json;
use crate::http::query::Parameters;
use crate::intake::fields::{self, Source};

/// Reads a `metadata` part.
///
/// # Panics
/// When it is refused without a reason.
pub fn metadata(bytes: &[u8]) {
    let read = fields::metadata(&Source::Text(bytes).parsed());
    assert!(read.err().is_none_or(|checks| !checks.is_empty()), "refused without a reason");
}

/// Reads an `options` part.
///
/// # Panics
/// When it is refused without a reason.
pub fn options(bytes: &[u8]) {
    let read = fields::options(&Source::Text(bytes).parsed());
    assert!(read.err().is_none_or(|checks| !checks.is_empty()), "refused without a reason");
}

/// Reads the parameters of the list of jobs, including its cursor.
pub fn query(text: &str) {
    // Both outcomes are fine: only a panic is a failure.
    let _answered = list_request(Parameters::read(text));
}

/// Reads a message that came over a WebSocket.
pub fn message(text: &str) {
    let Ok(message) = json::parse::<Value>(text.as_bytes()) else { return };
    commands().check(&message);
    if let Ok(command) = ListJobs::deserialize(&message) {
        // Both outcomes are fine: only a panic is a failure.
        let _answered = command.request();
    }
}

/// Reads a `Range` header for a recording of `size` bytes.
///
/// # Panics
/// When the part does not lie within the recording.
pub fn range(text: &str, size: u64) {
    if let Ok(Some((start, length))) = crate::http::range::range(text, size) {
        assert!(length > 0 && start.checked_add(length).is_some_and(|end| end <= size), "{start}+{length} of {size}");
    }
}
