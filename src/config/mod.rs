//! Settings: read once, checked once, immutable from then on.
//!
//! `settings` defines each of them. Their defaults are the base; a file and the environment override them. Every value of a
//! [`Config`] is possible, and an error names the setting, the value and what is allowed, in one line. No other module reads
//! the environment.

mod check;
mod define;
mod derived;
mod error;
mod reference;
mod settings;
mod yaml;

use std::collections::HashMap;

use config::{Environment, File, FileFormat};

use crate::tables::one_line;
pub use derived::JobDefaults;
pub use error::ConfigError;
pub use reference::{default_file, settings_table, short_names_table};
pub use settings::{
    AccessSettings, Config, ContactsSettings, DiarizationSettings, EngineSettings, FileLimits, IncomingSettings, LoggingSettings,
    ModelSettings, QueueSettings, RateLimitSettings, RecognitionSettings, RetentionSettings, ServerSettings, StorageSettings,
    TranscriptionSettings, VolumeSettings,
};
use settings::{SETTINGS, raw};

impl Config {
    /// Reads the settings from the file that `CONFIG_PATH` names, if any, and from the environment.
    ///
    /// # Errors
    /// When a setting is unknown or impossible.
    pub fn load(environment: &HashMap<String, String>) -> Result<Self, ConfigError> {
        let mut builder = config::Config::builder().add_source(File::from_str(default_file(), FileFormat::Yaml));
        if let Some(path) = environment.get("CONFIG_PATH").filter(|path| !path.is_empty()) {
            let text = yaml::read(path).map_err(|cause| ConfigError::Unreadable { path: path.clone(), cause })?;
            let wrong = |problem| ConfigError::File { path: path.clone(), problem };
            yaml::check(&text).map_err(wrong)?;
            // An empty file, or one with comments only, is not a mapping, but it is not a mistake either.
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
        for list in SETTINGS.iter().filter(|setting| setting.is_list) {
            variables = variables.with_list_parse_key(&list.name());
        }
        builder = builder.add_source(variables);
        for (name, setting) in SETTINGS.iter().filter_map(|setting| Some((setting.short_name?, setting.name()))) {
            if let Some(value) = environment.get(name).filter(|value| !value.is_empty()) {
                builder =
                    builder.set_override(setting, value.as_str()).map_err(|error| malformed(&format!("{name}: {error}")))?;
            }
        }
        let merged = builder.build().map_err(|error| malformed(&error.to_string()))?;
        let raw: raw::Sections = merged.try_deserialize().map_err(|error| malformed(&error.to_string()))?;
        Self::checked(raw)?.consistent()
    }
}

/// The most characters of a library's message: it may quote the whole file.
const LONGEST_MESSAGE: usize = 500;

fn malformed(message: &str) -> ConfigError {
    ConfigError::Malformed(one_line(message).chars().take(LONGEST_MESSAGE).collect())
}

/// The environment as [`Config::load`] takes it. No setting has a value that is not UTF-8, so others are left out.
pub fn environment() -> HashMap<String, String> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect()
}
