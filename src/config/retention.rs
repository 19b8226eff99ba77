//! The settings of what is kept, and for how long.

use std::time::Duration;

use super::check::{in_range, seconds};
use super::raw::{RawLogging, RawRetention};
use super::{ConfigError, RetentionSettings};
use crate::jobs::retention::{Retention, Rule};
use crate::volume::LogLimits;

/// A hundred years: any more is a mistake.
const MOST_DAYS: f64 = 36_500.0;

pub(super) fn retention(raw: &RawRetention) -> Result<RetentionSettings, ConfigError> {
    let rules = Retention {
        recordings: Rule {
            max_age: days("retention.recordings_max_age", raw.recordings_max_age)?,
            max_bytes: bytes("retention.recordings_max_bytes", raw.recordings_max_bytes)?,
        },
        results: Rule {
            max_age: days("retention.results_max_age", raw.results_max_age)?,
            max_bytes: bytes("retention.results_max_bytes", raw.results_max_bytes)?,
        },
        forget_after: days("retention.forget_after", raw.forget_after)?,
    };
    let check_interval = seconds("retention.check_interval", raw.check_interval, 1..=86_400, "between 1 and 86400")?;
    Ok(RetentionSettings { rules, check_interval })
}

pub(super) fn log_files(raw: &RawLogging) -> Result<Option<LogLimits>, ConfigError> {
    let file_bytes =
        in_range("logging.max_file_bytes", raw.max_file_bytes, 4096..=1_000_000_000, "between 4096 and 1000000000 (bytes)")?;
    let twice = raw.max_file_bytes * 2;
    let at_least = "at least twice logging.max_file_bytes";
    let total_bytes = in_range("logging.max_total_bytes", raw.max_total_bytes, twice..=i64::MAX, at_least)?;
    let Some(file_age) = days("logging.max_file_age", raw.max_file_age)? else {
        let allowed = "a number of days above 0";
        return Err(ConfigError::OutOfRange { setting: "logging.max_file_age", value: "0".to_owned(), allowed });
    };
    Ok(raw.files.then_some(LogLimits { file_bytes, file_age, total_bytes }))
}

fn days(setting: &'static str, value: f64) -> Result<Option<Duration>, ConfigError> {
    if !(0.0..=MOST_DAYS).contains(&value) {
        let allowed = "a number of days, between 0 (for ever) and 36500";
        return Err(ConfigError::OutOfRange { setting, value: value.to_string(), allowed });
    }
    Ok((value > 0.0).then(|| Duration::from_secs_f64(value * 86_400.0)))
}

fn bytes(setting: &'static str, value: i64) -> Result<Option<u64>, ConfigError> {
    let bytes = in_range(setting, value, 0..=i64::MAX, "a number of bytes, 0 for no limit")?;
    Ok((bytes > 0).then_some(bytes))
}
