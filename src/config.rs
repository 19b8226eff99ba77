//! Settings: read once, checked once, immutable from then on.
//!
//! The built-in `config/default.yaml` is the base and names every setting; a file and the environment override it.
//! [`RawConfig`] has the shape of that file; [`Config`] is resolved: every value is possible. An error names the setting,
//! the value and what is allowed, in one line. No other module reads the environment.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use config::{Environment, File, FileFormat};
use serde::Deserialize;

use crate::audio::time::Millis;
use crate::messages::Language;
use crate::models::ModelsOptions;

const DEFAULTS: &str = include_str!("../config/default.yaml");

/// The seed specification's own names for four settings.
const SHORT_NAMES: [(&str, &str); 4] = [
    ("VOLUME_PATH", "volume.path"),
    ("LOG_LEVEL", "logging.level"),
    ("MAX_FILE_SIZE", "files.max_size"),
    ("QUEUE_POLL_INTERVAL", "queue.poll_interval"),
];

/// Why the settings cannot be used; one line.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that `CONFIG_PATH` names cannot be read.
    #[error("CONFIG_PATH names {path}, which cannot be read: {source}")]
    Unreadable {
        /// The path.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Not YAML, an unknown setting, or a value of the wrong type.
    #[error("settings: {0}")]
    Malformed(String),
    /// A value out of its range.
    #[error("setting {setting} is {value}, but must be {allowed}")]
    OutOfRange {
        /// Dotted name.
        setting: &'static str,
        /// As given.
        value: String,
        /// What would do.
        allowed: &'static str,
    },
}

macro_rules! section {
    ($name:ident { $($field:ident: $kind:ty),* $(,)? }) => {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $name { $($field: $kind),* }
    };
}

section!(RawConfig {
    server: RawServer,
    volume: RawVolume,
    logging: RawLogging,
    files: RawFiles,
    queue: RawQueue,
    engine: RawEngine,
    models: RawModels,
    diarization: RawSwitch,
    transcription: RawTranscription,
    recognition: RawRecognition,
    contacts: RawSwitch,
});
section!(RawServer { host: String, port: i64, idle_timeout_seconds: i64, language: String });
section!(RawVolume { path: String });
section!(RawLogging { level: String });
section!(RawFiles { max_size: i64, max_duration_seconds: i64, max_channels: i64 });
section!(RawQueue { max_length: i64, task_timeout: i64, poll_interval: i64, max_attempts: i64, shutdown_grace_seconds: i64 });
section!(RawEngine { threads: i64 });
section!(RawModels { dirs: Vec<String>, whisper: String, segmentation: String, speaker: String });
section!(RawSwitch { enabled: bool });
section!(RawTranscription { language: String });
section!(RawRecognition { enabled: bool, threshold: f64 });

/// All settings, valid.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How long a client may pause while it sends.
    pub idle_timeout: Duration,
    /// What is spoken to a client that does not say.
    pub language: Language,
    /// The folder that holds everything.
    pub volume: PathBuf,
    /// A tracing filter.
    pub log_filter: String,
    /// What a recording may be.
    pub files: FileLimits,
    /// How recordings wait and run.
    pub queue: QueueSettings,
    /// Threads of the models.
    pub threads: usize,
    /// Which models to use.
    pub models: ModelsOptions,
    /// What a job does that does not say.
    pub defaults: JobDefaults,
    /// Least cosine for a known voice; none: the speaker model's own.
    pub recognition_threshold: Option<f32>,
}

/// What a recording may be.
#[derive(Debug, Clone, Copy)]
pub struct FileLimits {
    /// In bytes.
    pub max_bytes: u64,
    /// Its length.
    pub max_duration: Millis,
    /// Its channels.
    pub max_channels: u16,
}

/// How recordings wait and run.
#[derive(Debug, Clone, Copy)]
pub struct QueueSettings {
    /// Most that may wait.
    pub max_length: usize,
    /// How long one may take.
    pub task_timeout: Option<Duration>,
    /// Between two looks when nothing wakes the worker.
    pub poll_interval: Duration,
    /// Most attempts at one recording.
    pub max_attempts: u32,
    /// How long a running job may go on after the first stop signal.
    pub shutdown_grace: Duration,
}

/// What a job does that does not say.
#[derive(Debug, Clone)]
pub struct JobDefaults {
    /// Diarize.
    pub diarize: bool,
    /// Compare with the enrolled voices.
    pub recognize: bool,
    /// Look up contacts.
    pub lookup_contacts: bool,
    /// ISO 639-1; none: find out.
    pub language: Option<String>,
}

impl Config {
    /// Reads the settings from the file that `CONFIG_PATH` names, if any, and from the environment.
    ///
    /// # Errors
    /// When a setting is unknown or impossible.
    pub fn load(environment: &HashMap<String, String>) -> Result<Self, ConfigError> {
        let mut builder = config::Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Yaml));
        if let Some(path) = environment.get("CONFIG_PATH").filter(|path| !path.is_empty()) {
            let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
            // An empty file, or one of comments alone, is no mapping but is no mistake either.
            if text.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
                builder = builder.add_source(File::from_str(&text, FileFormat::Yaml));
            }
        }
        let named: HashMap<String, String> = environment
            .iter()
            .filter(|(name, _)| name.starts_with("CALLANNOTATE__"))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        builder = builder.add_source(
            Environment::with_prefix("CALLANNOTATE")
                .prefix_separator("__")
                .separator("__")
                .try_parsing(true)
                .list_separator(",")
                .with_list_parse_key("models.dirs")
                .source(Some(named)),
        );
        for (name, setting) in SHORT_NAMES {
            if let Some(value) = environment.get(name).filter(|value| !value.is_empty()) {
                builder = builder
                    .set_override(setting, value.as_str())
                    .map_err(|error| ConfigError::Malformed(one_line(&format!("{name}: {error}"))))?;
            }
        }
        let merged = builder.build().map_err(|error| ConfigError::Malformed(one_line(&error.to_string())))?;
        let raw: RawConfig = merged.try_deserialize().map_err(|error| ConfigError::Malformed(one_line(&error.to_string())))?;
        Self::resolve(raw)
    }

    fn resolve(raw: RawConfig) -> Result<Self, ConfigError> {
        let host: IpAddr = raw.server.host.parse().map_err(|_| ConfigError::OutOfRange {
            setting: "server.host",
            value: format!("{:?}", raw.server.host),
            allowed: "an IP address such as 0.0.0.0 or ::1",
        })?;
        let port = in_range("server.port", raw.server.port, 0..=65535, "between 0 and 65535")?;
        let spoken = Language::find(raw.server.language.trim()).ok_or_else(|| ConfigError::OutOfRange {
            setting: "server.language",
            value: format!("{:?}", raw.server.language),
            allowed: Language::list(),
        })?;
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
        let task_timeout =
            in_range("queue.task_timeout", raw.queue.task_timeout, 0..=31_536_000, "between 0 (none) and 31536000")?;
        Ok(Self {
            listen: SocketAddr::new(host, u16::try_from(port).unwrap_or(u16::MAX)),
            idle_timeout: seconds(
                "server.idle_timeout_seconds",
                raw.server.idle_timeout_seconds,
                1..=3600,
                "between 1 and 3600",
            )?,
            language: spoken,
            log_filter: raw.logging.level,
            files: FileLimits {
                max_bytes: in_range("files.max_size", raw.files.max_size, 1024..=i64::MAX, "at least 1024 (bytes)")?,
                max_duration: Millis(
                    in_range("files.max_duration_seconds", raw.files.max_duration_seconds, 1..=86_400, "between 1 and 86400")?
                        * 1000,
                ),
                max_channels: in_range("files.max_channels", raw.files.max_channels, 1..=64, "between 1 and 64")? as u16,
            },
            queue: QueueSettings {
                max_length: in_range("queue.max_length", raw.queue.max_length, 1..=1_000_000, "between 1 and 1000000")? as usize,
                task_timeout: (task_timeout > 0).then(|| Duration::from_secs(task_timeout)),
                poll_interval: seconds("queue.poll_interval", raw.queue.poll_interval, 1..=3600, "between 1 and 3600")?,
                max_attempts: in_range("queue.max_attempts", raw.queue.max_attempts, 1..=100, "between 1 and 100")? as u32,
                shutdown_grace: seconds(
                    "queue.shutdown_grace_seconds",
                    raw.queue.shutdown_grace_seconds,
                    0..=3600,
                    "between 0 and 3600",
                )?,
            },
            threads: if threads == 0 { cores.min(8) } else { threads as usize },
            models: ModelsOptions {
                dirs: raw.models.dirs.iter().filter(|dir| !dir.trim().is_empty()).map(|dir| volume.join(dir.trim())).collect(),
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
            recognition_threshold: (threshold != 0.0).then_some(threshold as f32),
            volume,
        })
    }
}

fn some_name(name: String) -> Option<String> {
    (!name.trim().is_empty()).then_some(name)
}

fn non_empty(setting: &'static str, value: String) -> Result<String, ConfigError> {
    if value.trim().is_empty() {
        Err(ConfigError::OutOfRange { setting, value: "empty".to_owned(), allowed: "a path" })
    } else {
        Ok(value)
    }
}

fn in_range(
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

fn seconds(
    setting: &'static str,
    value: i64,
    range: std::ops::RangeInclusive<i64>,
    allowed: &'static str,
) -> Result<Duration, ConfigError> {
    in_range(setting, value, range, allowed).map(Duration::from_secs)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The environment as [`Config::load`] takes it; what is not UTF-8 cannot be one of ours.
pub fn environment() -> HashMap<String, String> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}
