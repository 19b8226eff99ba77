//! From what is written to what holds: every value is checked, a section at a time.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::check::{fractional_seconds, in_range, non_empty, seconds, some_name, some_seconds};
use super::raw::{RawConfig, RawDiarization, RawFiles, RawIncoming, RawLimits, RawQueue, RawServer};
use super::retention::{log_files, retention};
use super::{
    AccessSettings, Config, ConfigError, ConnectionSettings, FileLimits, IncomingSettings, JobDefaults, QueueSettings,
    TurnSettings,
};
use crate::access::limits::{Allowance, LimitSettings};
use crate::access::origins::Origins;
use crate::access::proxies::TrustedProxies;
use crate::audio::time::Millis;
use crate::messages::Language;
use crate::models::ModelsOptions;
use crate::volume::ResultNames;

impl Config {
    pub(super) fn resolve(raw: RawConfig) -> Result<Self, ConfigError> {
        let volume = PathBuf::from(non_empty("volume.path", raw.volume.path)?);
        if raw.logging.level.parse::<tracing_subscriber::EnvFilter>().is_err() || raw.logging.level.is_empty() {
            return Err(ConfigError::OutOfRange {
                setting: "logging.level",
                value: format!("{:?}", raw.logging.level),
                allowed: "error, warn, info, debug, trace or a tracing filter",
            });
        }
        let threshold = raw.recognition.threshold;
        if !(-1.0..=1.0).contains(&threshold) {
            return Err(ConfigError::OutOfRange {
                setting: "recognition.threshold",
                value: threshold.to_string(),
                allowed: "between -1 and 1 (0: the model's own)",
            });
        }
        let language = raw.transcription.language.to_ascii_lowercase();
        if language != "auto" && !crate::jobs::options::is_language_code(&language) {
            return Err(ConfigError::OutOfRange {
                setting: "transcription.language",
                value: format!("{language:?}"),
                allowed: "auto or an ISO 639-1 code such as ru or en",
            });
        }
        let threads = in_range("engine.threads", raw.engine.threads, 0..=256, "between 0 and 256")?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            listen: listen(&raw.server)?,
            connections: connections(&raw.server)?,
            language: spoken(&raw.server)?,
            access: AccessSettings {
                keys: raw.access.enabled,
                limits: limits(&raw.rate_limits)?,
                proxies: proxies(&raw.server.trusted_proxies)?,
                origins: origins(&raw.server.cors_origins)?,
            },
            reserve: in_range("storage.reserve", raw.storage.reserve, 0..=1_000_000_000_000, "between 0 and 1000000000000")?,
            log_files: log_files(&raw.logging)?,
            log_filter: raw.logging.level,
            files: files(&raw.files)?,
            queue: queue(&raw.queue)?,
            incoming: incoming(&raw.incoming)?,
            retention: retention(&raw.retention)?,
            threads: if threads == 0 { cores.min(8) } else { threads as usize },
            stall_timeout: some_seconds(
                "engine.stall_timeout",
                raw.engine.stall_timeout,
                0..=86_400,
                "between 0 (none) and 86400",
            )?,
            models: ModelsOptions {
                dirs: given(&raw.models.dirs).map(|dir| volume.join(dir)).collect(),
                whisper: some_name(raw.models.whisper),
                segmentation: some_name(raw.models.segmentation),
                speaker: some_name(raw.models.speaker),
                vad: None,
            },
            defaults: JobDefaults {
                diarize: raw.diarization.enabled,
                recognize: raw.recognition.enabled,
                lookup_contacts: raw.contacts.enabled,
                language: (language != "auto").then_some(language),
            },
            turns: turns(&raw.diarization)?,
            denoise: raw.transcription.denoise,
            recognition_threshold: (threshold != 0.0).then_some(threshold as f32),
            volume,
        })
    }
}

/// The entries of a list; an empty environment variable is one empty entry.
fn given(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty())
}

fn listen(raw: &RawServer) -> Result<SocketAddr, ConfigError> {
    let host: IpAddr = raw.host.parse().map_err(|_| ConfigError::OutOfRange {
        setting: "server.host",
        value: format!("{:?}", raw.host),
        allowed: "an IP address such as 0.0.0.0 or ::1",
    })?;
    let port = in_range("server.port", raw.port, 0..=65535, "between 0 and 65535")?;
    Ok(SocketAddr::new(host, u16::try_from(port).unwrap_or(u16::MAX)))
}

fn spoken(raw: &RawServer) -> Result<Language, ConfigError> {
    Language::find(raw.language.trim()).ok_or_else(|| ConfigError::OutOfRange {
        setting: "server.language",
        value: format!("{:?}", raw.language),
        allowed: Language::list(),
    })
}

fn connections(raw: &RawServer) -> Result<ConnectionSettings, ConfigError> {
    const HOUR: &str = "between 1 and 3600";
    Ok(ConnectionSettings {
        idle_timeout: seconds("server.idle_timeout_seconds", raw.idle_timeout_seconds, 1..=3600, HOUR)?,
        header_timeout: seconds("server.header_timeout_seconds", raw.header_timeout_seconds, 1..=3600, HOUR)?,
        keep_alive: seconds("server.keep_alive_seconds", raw.keep_alive_seconds, 1..=3600, HOUR)?,
        write_timeout: seconds("server.write_timeout_seconds", raw.write_timeout_seconds, 1..=3600, HOUR)?,
        min_upload_rate: in_range(
            "server.min_upload_bytes_per_second",
            raw.min_upload_bytes_per_second,
            0..=1_000_000_000,
            "between 0 (any) and 1000000000",
        )?,
        max: in_range("server.max_connections", raw.max_connections, 1..=1_000_000, "between 1 and 1000000")? as usize,
    })
}

fn turns(raw: &RawDiarization) -> Result<TurnSettings, ConfigError> {
    let time = |setting, value| fractional_seconds(setting, value, 0.0..=10.0, "between 0 and 10");
    Ok(TurnSettings {
        longest_pause: time("diarization.longest_pause", raw.longest_pause)?,
        shortest_turn: time("diarization.shortest_turn", raw.shortest_turn)?,
    })
}

fn limits(raw: &RawLimits) -> Result<Option<LimitSettings>, ConfigError> {
    let number = |setting, value| in_range(setting, value, 1..=1_000_000, "between 1 and 1000000").map(|number| number as u32);
    let settings = LimitSettings {
        submissions: Allowance {
            per_minute: number("rate_limits.submissions_per_minute", raw.submissions_per_minute)?,
            burst: number("rate_limits.submissions_burst", raw.submissions_burst)?,
        },
        reads: Allowance {
            per_minute: number("rate_limits.reads_per_minute", raw.reads_per_minute)?,
            burst: number("rate_limits.reads_burst", raw.reads_burst)?,
        },
    };
    Ok(raw.enabled.then_some(settings))
}

fn proxies(raw: &[String]) -> Result<TrustedProxies, ConfigError> {
    TrustedProxies::parse(given(raw)).map_err(|value| ConfigError::OutOfRange {
        setting: "server.trusted_proxies",
        value: format!("{value:?}"),
        allowed: "a list of addresses and networks such as 10.0.0.0/8 or ::1",
    })
}

fn origins(raw: &[String]) -> Result<Origins, ConfigError> {
    Origins::parse(given(raw)).map_err(|value| ConfigError::OutOfRange {
        setting: "server.cors_origins",
        value: format!("{value:?}"),
        allowed: "a list of origins such as https://calls.example.org, or * or null",
    })
}

fn files(raw: &RawFiles) -> Result<FileLimits, ConfigError> {
    Ok(FileLimits {
        max_bytes: in_range("files.max_size", raw.max_size, 1024..=i64::MAX, "at least 1024 (bytes)")?,
        max_duration: Millis(
            in_range("files.max_duration_seconds", raw.max_duration_seconds, 1..=86_400, "between 1 and 86400")? * 1000,
        ),
        max_channels: in_range("files.max_channels", raw.max_channels, 1..=64, "between 1 and 64")? as u16,
    })
}

fn queue(raw: &RawQueue) -> Result<QueueSettings, ConfigError> {
    const YEAR: &str = "between 0 (none) and 31536000";
    let factor = raw.task_timeout_factor;
    if !(0.0..=10_000.0).contains(&factor) {
        return Err(ConfigError::OutOfRange {
            setting: "queue.task_timeout_factor",
            value: factor.to_string(),
            allowed: "between 0 (none) and 10000",
        });
    }
    Ok(QueueSettings {
        max_length: in_range("queue.max_length", raw.max_length, 1..=1_000_000, "between 1 and 1000000")? as usize,
        task_timeout: some_seconds("queue.task_timeout", raw.task_timeout, 0..=31_536_000, YEAR)?,
        task_timeout_factor: (factor > 0.0).then_some(factor),
        poll_interval: fractional_seconds("queue.poll_interval", raw.poll_interval, 0.1..=3600.0, "between 0.1 and 3600")?,
        max_attempts: in_range("queue.max_attempts", raw.max_attempts, 1..=100, "between 1 and 100")? as u32,
        shutdown_grace: seconds("queue.shutdown_grace_seconds", raw.shutdown_grace_seconds, 0..=3600, "between 0 and 3600")?,
    })
}

fn incoming(raw: &RawIncoming) -> Result<IncomingSettings, ConfigError> {
    let name_results = match raw.name_results.trim() {
        "none" | "" => ResultNames::None,
        "symlink" => ResultNames::Symlink,
        "copy" => ResultNames::Copy,
        _ => {
            return Err(ConfigError::OutOfRange {
                setting: "incoming.name_results",
                value: format!("{:?}", raw.name_results),
                allowed: "none, symlink or copy",
            });
        }
    };
    Ok(IncomingSettings { watch: raw.watch, name_results })
}
