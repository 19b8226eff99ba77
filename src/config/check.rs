//! Checks of single values: each makes a value of what is written, or an error that names the setting, the value and what is
//! allowed.
#![expect(clippy::needless_pass_by_value, reason = "every check has one shape: the settings table hands over owned values")]

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::error::ConfigError;
use crate::access::hosts::Hosts;
use crate::access::origins::Origins;
use crate::access::proxies::TrustedProxies;
use crate::audio::time::Millis;
use crate::jobs::options::is_language_code;
use crate::messages::Language;
use crate::volume::ResultNames;

/// A hundred years: a longer time is a mistake.
const MOST_DAYS: f64 = 36_500.0;
const SECONDS_OF_A_DAY: f64 = 86_400.0;
/// More threads than this do not make the models faster.
const MOST_THREADS_BY_DEFAULT: usize = 8;

fn refused<T>(setting: &'static str, value: impl ToString, allowed: &'static str) -> Result<T, ConfigError> {
    Err(ConfigError::OutOfRange { setting, value: value.to_string(), allowed })
}

fn refused_text<T>(setting: &'static str, value: &str, allowed: &'static str) -> Result<T, ConfigError> {
    refused(setting, format!("{value:?}"), allowed)
}

pub(super) fn whole<T: TryFrom<i64>>(
    range: RangeInclusive<i64>,
    allowed: &'static str,
) -> impl Fn(&'static str, i64) -> Result<T, ConfigError> {
    move |setting, value| match T::try_from(value) {
        Ok(number) if range.contains(&value) => Ok(number),
        Ok(_) | Err(_) => refused(setting, value, allowed),
    }
}

pub(super) fn seconds(
    range: RangeInclusive<i64>,
    allowed: &'static str,
) -> impl Fn(&'static str, i64) -> Result<Duration, ConfigError> {
    move |setting, value| whole(range.clone(), allowed)(setting, value).map(Duration::from_secs)
}

/// Seconds, of which 0 means none.
pub(super) fn some_seconds(
    range: RangeInclusive<i64>,
    allowed: &'static str,
) -> impl Fn(&'static str, i64) -> Result<Option<Duration>, ConfigError> {
    move |setting, value| seconds(range.clone(), allowed)(setting, value).map(|time| Some(time).filter(|time| !time.is_zero()))
}

/// Whole seconds as milliseconds of a recording.
pub(super) fn milliseconds(
    range: RangeInclusive<i64>,
    allowed: &'static str,
) -> impl Fn(&'static str, i64) -> Result<Millis, ConfigError> {
    move |setting, value| whole::<u64>(range.clone(), allowed)(setting, value).map(|seconds| Millis(seconds * 1000))
}

pub(super) fn fractional_seconds(
    range: RangeInclusive<f64>,
    allowed: &'static str,
) -> impl Fn(&'static str, f64) -> Result<Duration, ConfigError> {
    move |setting, value| {
        if range.contains(&value) { Ok(Duration::from_secs_f64(value)) } else { refused(setting, value, allowed) }
    }
}

/// Days, of which 0 means for ever.
pub(super) fn some_days(setting: &'static str, value: f64) -> Result<Option<Duration>, ConfigError> {
    if !(0.0..=MOST_DAYS).contains(&value) {
        return refused(setting, value, "a number of days, between 0 (for ever) and 36500");
    }
    Ok((value > 0.0).then(|| Duration::from_secs_f64(value * SECONDS_OF_A_DAY)))
}

pub(super) fn days(setting: &'static str, value: f64) -> Result<Duration, ConfigError> {
    some_days(setting, value)?.map_or_else(|| refused(setting, "0", "a number of days above 0"), Ok)
}

/// Bytes, of which 0 means no limit.
pub(super) fn some_bytes(setting: &'static str, value: i64) -> Result<Option<u64>, ConfigError> {
    let bytes = whole(0..=i64::MAX, "a number of bytes, 0 for no limit")(setting, value)?;
    Ok(Some(bytes).filter(|bytes| *bytes > 0))
}

/// A part of a whole that is not nothing.
pub(super) fn share(setting: &'static str, value: f64) -> Result<f64, ConfigError> {
    if value > 0.0 && value <= 1.0 { Ok(value) } else { refused(setting, value, "above 0, up to 1") }
}

/// A multiple of the recording's length, of which 0 means no limit.
pub(super) fn factor(setting: &'static str, value: f64) -> Result<Option<f64>, ConfigError> {
    if !(0.0..=10_000.0).contains(&value) {
        return refused(setting, value, "between 0 (none) and 10000");
    }
    Ok((value > 0.0).then_some(value))
}

/// A cosine similarity, of which 0 means the model's own threshold.
pub(super) fn by_cosine(setting: &'static str, value: f64) -> Result<Option<f32>, ConfigError> {
    if !(-1.0..=1.0).contains(&value) {
        return refused(setting, value, "between -1 and 1 (0: the model's own)");
    }
    Ok((value != 0.0).then_some(value as f32))
}

/// Threads of the models, of which 0 means one a core.
pub(super) fn threads(setting: &'static str, value: i64) -> Result<usize, ConfigError> {
    let threads = whole(0..=256, "between 0 and 256")(setting, value)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(if threads == 0 { cores.min(MOST_THREADS_BY_DEFAULT) } else { threads })
}

pub(super) fn path(setting: &'static str, value: String) -> Result<PathBuf, ConfigError> {
    if value.trim().is_empty() { refused(setting, "empty", "a path") } else { Ok(PathBuf::from(value)) }
}

/// A file name, of which an empty one means none.
#[expect(clippy::unnecessary_wraps, reason = "a check may fail")]
pub(super) fn file_name(_setting: &'static str, value: String) -> Result<Option<String>, ConfigError> {
    Ok(Some(value).filter(|name| !name.trim().is_empty()))
}

/// The entries of a list without empty ones: an empty environment variable is a list of one empty entry.
#[expect(clippy::unnecessary_wraps, reason = "a check may fail")]
pub(super) fn entries(_setting: &'static str, list: Vec<String>) -> Result<Vec<String>, ConfigError> {
    Ok(given(&list).map(str::to_owned).collect())
}

fn given(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty())
}

pub(super) fn ip_address(setting: &'static str, value: String) -> Result<IpAddr, ConfigError> {
    value.parse().or_else(|_| refused_text(setting, &value, "an IP address such as 0.0.0.0 or ::1"))
}

pub(super) fn filter(setting: &'static str, value: String) -> Result<String, ConfigError> {
    if value.is_empty() || value.parse::<tracing_subscriber::EnvFilter>().is_err() {
        return refused_text(setting, &value, "error, warn, info, debug, trace or a tracing filter");
    }
    Ok(value)
}

/// A language of messages for people.
pub(super) fn interface_language(setting: &'static str, value: String) -> Result<Language, ConfigError> {
    Language::find(value.trim()).map_or_else(|| refused_text(setting, &value, Language::list()), Ok)
}

/// A language of recordings, of which `auto` means none.
pub(super) fn job_language(setting: &'static str, value: String) -> Result<Option<String>, ConfigError> {
    match value.to_ascii_lowercase() {
        code if code == "auto" => Ok(None),
        code if is_language_code(&code) => Ok(Some(code)),
        code => refused_text(setting, &code, "auto or an ISO 639-1 code such as ru or en"),
    }
}

pub(super) fn proxies(setting: &'static str, list: Vec<String>) -> Result<TrustedProxies, ConfigError> {
    TrustedProxies::parse(given(&list))
        .or_else(|entry| refused_text(setting, &entry, "a list of addresses and networks such as 10.0.0.0/8 or ::1"))
}

pub(super) fn hosts(setting: &'static str, list: Vec<String>) -> Result<Hosts, ConfigError> {
    Hosts::parse(given(&list))
        .or_else(|entry| refused_text(setting, &entry, "a list of names without a port such as calls.example.org, or *"))
}

pub(super) fn origins(setting: &'static str, list: Vec<String>) -> Result<Origins, ConfigError> {
    Origins::parse(given(&list))
        .or_else(|entry| refused_text(setting, &entry, "a list of origins such as https://calls.example.org, or * or null"))
}

pub(super) fn result_names(setting: &'static str, value: String) -> Result<ResultNames, ConfigError> {
    match value.trim() {
        "none" | "" => Ok(ResultNames::None),
        "symlink" => Ok(ResultNames::Symlink),
        "copy" => Ok(ResultNames::Copy),
        _ => refused_text(setting, &value, "none, symlink or copy"),
    }
}
