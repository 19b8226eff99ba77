//! How values are written in bodies: times, seconds, and sizes for people.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serializer;

/// A time as published: RFC 3339 in UTC, in milliseconds.
pub(crate) fn time_text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Serializes a time as published.
pub(crate) fn time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time_text(*time))
}

/// Serializes a time as published, or null.
#[expect(clippy::ref_option, reason = "serde hands it over so")]
pub(crate) fn optional_time<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_str(&time_text(*time)),
        None => serializer.serialize_none(),
    }
}

/// Rounds seconds to tenths: no estimate is more precise.
pub(crate) fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

/// A size in the largest unit that leaves a short number, for example `1.5GB`.
pub(crate) fn human_bytes(bytes: u64) -> String {
    let units = ["bytes", "KB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} bytes") } else { format!("{}{}", (value * 10.0).round() / 10.0, units[unit]) }
}
