//! Checks of single values, each with an error that names the setting, the value and what is allowed.

use std::time::Duration;

use super::ConfigError;

pub(super) fn some_name(name: String) -> Option<String> {
    (!name.trim().is_empty()).then_some(name)
}

pub(super) fn non_empty(setting: &'static str, value: String) -> Result<String, ConfigError> {
    if value.trim().is_empty() {
        Err(ConfigError::OutOfRange { setting, value: "empty".to_owned(), allowed: "a path" })
    } else {
        Ok(value)
    }
}

pub(super) fn in_range(
    setting: &'static str,
    value: i64,
    range: std::ops::RangeInclusive<i64>,
    allowed: &'static str,
) -> Result<u64, ConfigError> {
    match u64::try_from(value) {
        Ok(number) if range.contains(&value) => Ok(number),
        _ => Err(ConfigError::OutOfRange { setting, value: value.to_string(), allowed }),
    }
}

pub(super) fn seconds(
    setting: &'static str,
    value: i64,
    range: std::ops::RangeInclusive<i64>,
    allowed: &'static str,
) -> Result<Duration, ConfigError> {
    in_range(setting, value, range, allowed).map(Duration::from_secs)
}

/// The same, where 0 says none.
pub(super) fn some_seconds(
    setting: &'static str,
    value: i64,
    range: std::ops::RangeInclusive<i64>,
    allowed: &'static str,
) -> Result<Option<Duration>, ConfigError> {
    seconds(setting, value, range, allowed).map(|duration| Some(duration).filter(|duration| !duration.is_zero()))
}
