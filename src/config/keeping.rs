//! The settings of what is kept, and for how long.

use std::time::Duration;

use super::check::{in_range, seconds};
use super::raw::RawRetention;
use super::{ConfigError, RetentionSettings};
use crate::jobs::retention::{Retention, Rule};

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
