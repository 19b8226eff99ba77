//! Settings: read once, checked once, immutable from then on.
//!
//! The built-in `config/default.yaml` is the base and names every setting; a file and the environment override it. `raw`
//! has the shape of that file; [`Config`] is resolved: every value is possible. An error names the setting, the value and
//! what is allowed, in one line. No other module reads the environment.

mod check;
mod raw;
mod resolve;
mod retention;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use config::{Environment, File, FileFormat};

use crate::access::limits::LimitSettings;
use crate::access::origins::Origins;
use crate::access::proxies::TrustedProxies;
use crate::audio::time::Millis;
use crate::jobs::retention::Retention;
use crate::messages::Language;
use crate::models::ModelsOptions;
use crate::volume::{LogLimits, ResultNames};
use raw::RawConfig;

/// Settings that are lists; in the environment their values are separated by commas.
const LISTS: [&str; 3] = ["models.dirs", "server.trusted_proxies", "server.cors_origins"];

const DEFAULTS: &str = include_str!("../../config/default.yaml");

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

/// All settings, valid.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What is asked of a connection.
    pub connections: ConnectionSettings,
    /// What is spoken to a client that does not say.
    pub language: Language,
    /// Who may ask, and from where.
    pub access: AccessSettings,
    /// The folder that holds everything.
    pub volume: PathBuf,
    /// Bytes of its disk that stay free of recordings.
    pub reserve: u64,
    /// A tracing filter.
    pub log_filter: String,
    /// How the log's files are kept; none: there are none.
    pub log_files: Option<LogLimits>,
    /// What a recording may be.
    pub files: FileLimits,
    /// How recordings wait and run.
    pub queue: QueueSettings,
    /// The watched folder.
    pub incoming: IncomingSettings,
    /// What is kept of jobs that have ended.
    pub retention: RetentionSettings,
    /// Threads of the models.
    pub threads: usize,
    /// How long the engine may give no sign of life; none: for ever.
    pub stall_timeout: Option<Duration>,
    /// Which models to use.
    pub models: ModelsOptions,
    /// What a job does that does not say.
    pub defaults: JobDefaults,
    /// How turns are cleaned up.
    pub turns: TurnSettings,
    /// Whether noise is taken out before the words are written down.
    pub denoise: bool,
    /// Least cosine for a known voice; none: the speaker model's own.
    pub recognition_threshold: Option<f32>,
}

/// What is asked of a connection.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionSettings {
    /// How long a client may pause while it sends a body.
    pub idle_timeout: Duration,
    /// How long the head of a request may take.
    pub header_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub keep_alive: Duration,
    /// How long a client may leave an answer untaken.
    pub write_timeout: Duration,
    /// Least bytes a second of a body; 0: any.
    pub min_upload_rate: u64,
    /// Most connections at once.
    pub max: usize,
}

/// Who may ask, and from where.
#[derive(Debug, Clone)]
pub struct AccessSettings {
    /// Whether keys are asked for.
    pub keys: bool,
    /// How much one client may ask; none: as much as it likes.
    pub limits: Option<LimitSettings>,
    /// Whose word about a client's address is taken.
    pub proxies: TrustedProxies,
    /// Which web pages may use the interface.
    pub origins: Origins,
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

/// How turns are cleaned up.
#[derive(Debug, Clone, Copy)]
pub struct TurnSettings {
    /// Pauses of one person up to this are part of the turn.
    pub longest_pause: Duration,
    /// Shorter turns are dropped.
    pub shortest_turn: Duration,
}

/// The watched folder.
#[derive(Debug, Clone, Copy)]
pub struct IncomingSettings {
    /// Whether what is dropped there becomes jobs by itself.
    pub watch: bool,
    /// Whether each result is also found by its recording's name.
    pub name_results: ResultNames,
}

/// How recordings wait and run.
#[derive(Debug, Clone, Copy)]
pub struct QueueSettings {
    /// Most that may wait.
    pub max_length: usize,
    /// How long one may take.
    pub task_timeout: Option<Duration>,
    /// The same in multiples of the recording's length; the longer of both counts.
    pub task_timeout_factor: Option<f64>,
    /// Between two looks when nothing wakes the worker.
    pub poll_interval: Duration,
    /// Most attempts at one recording.
    pub max_attempts: u32,
    /// How long a running job may go on after the first stop signal.
    pub shutdown_grace: Duration,
}

/// What is kept of jobs that have ended.
#[derive(Debug, Clone, Copy)]
pub struct RetentionSettings {
    /// The rules.
    pub rules: Retention,
    /// Between two looks for what has to go.
    pub check_interval: Duration,
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
        let mut variables = Environment::with_prefix("CALLANNOTATE")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .source(Some(named));
        for list in LISTS {
            variables = variables.with_list_parse_key(list);
        }
        builder = builder.add_source(variables);
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
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The environment as [`Config::load`] takes it; what is not UTF-8 cannot be one of ours.
pub fn environment() -> HashMap<String, String> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}
