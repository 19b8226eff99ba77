//! The JSON bodies of the interface, as types: what the handlers answer with, the WebSocket says, and the OpenAPI document
//! describes. Field names are the public contract.

pub(super) mod error;
pub(super) mod health;
pub(super) mod info;
pub(super) mod job;
pub(super) mod message;
pub(super) mod options;
pub(super) mod page;
pub(super) mod progress;
pub(super) mod queue;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serializer;

/// What `GET /info` lists: the seed's four, and what else is decoded.
pub(super) const SUPPORTED_FORMATS: [&str; 14] =
    ["wav", "mp3", "flac", "opus", "ogg", "m4a", "aac", "aiff", "mkv", "caf", "w64", "au", "gsm", "raw"];

/// A time as published: RFC 3339 in UTC, in milliseconds.
pub(super) fn time_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Serializes a time as published.
pub(super) fn time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time_text(*time))
}

/// Serializes a time as published, or null.
#[expect(clippy::ref_option, reason = "serde hands it over so")]
pub(super) fn some_time<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_str(&time_text(*time)),
        None => serializer.serialize_none(),
    }
}

/// To a tenth of a second: no estimate is better than that.
pub(super) fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

/// Bytes in the largest unit that leaves a short number.
pub(super) fn human_bytes(bytes: u64) -> String {
    let units = ["bytes", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{}{}", (value * 10.0).round() / 10.0, units[unit]) }
}
