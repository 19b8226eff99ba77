//! What follows from several settings together, in the form that the rest of the program takes.

use std::net::SocketAddr;

use super::error::ConfigError;
use super::settings::{Config, LoggingSettings, RateLimitSettings, RetentionSettings, ServerSettings};
use crate::access::limits::{Allowance, LimitSettings};
use crate::jobs::retention::{Retention, Rule};
use crate::models::ModelsOptions;
use crate::volume::LogLimits;

/// What a job does that does not set the option.
#[derive(Debug, Clone)]
pub struct JobDefaults {
    pub diarize: bool,
    pub recognize: bool,
    pub lookup_contacts: bool,
    /// ISO 639-1; none: detected.
    pub language: Option<String>,
}

impl Config {
    /// Checks the values that depend on each other.
    pub(super) fn consistent(self) -> Result<Self, ConfigError> {
        let LoggingSettings { max_file_bytes, max_total_bytes, .. } = self.logging;
        if max_total_bytes < max_file_bytes * 2 {
            let (setting, allowed) = ("logging.max_total_bytes", "at least twice logging.max_file_bytes");
            return Err(ConfigError::OutOfRange { setting, value: max_total_bytes.to_string(), allowed });
        }
        Ok(self)
    }

    /// The defaults of the options of jobs.
    pub fn job_defaults(&self) -> JobDefaults {
        JobDefaults {
            diarize: self.diarization.enabled,
            recognize: self.recognition.enabled,
            lookup_contacts: self.contacts.enabled,
            language: self.transcription.language.clone(),
        }
    }

    /// Which models are used, with the folders relative to the volume resolved.
    pub fn models(&self) -> ModelsOptions {
        ModelsOptions {
            dirs: self.models.dirs.iter().map(|dir| self.volume.path.join(dir)).collect(),
            whisper: self.models.whisper.clone(),
            segmentation: self.models.segmentation.clone(),
            speaker: self.models.speaker.clone(),
            vad: None,
        }
    }
}

impl ServerSettings {
    /// The address to listen on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

impl RateLimitSettings {
    /// The budgets of one client; none: clients are not limited.
    pub fn limits(&self) -> Option<LimitSettings> {
        let budget = |per_minute, burst| Allowance { per_minute, burst };
        self.enabled.then(|| LimitSettings {
            submissions: budget(self.submissions_per_minute, self.submissions_burst),
            reads: budget(self.reads_per_minute, self.reads_burst),
        })
    }
}

impl LoggingSettings {
    /// The limits of the log's files; none: there are no files.
    pub fn file_limits(&self) -> Option<LogLimits> {
        self.files.then_some(LogLimits {
            file_bytes: self.max_file_bytes,
            file_age: self.max_file_age,
            total_bytes: self.max_total_bytes,
        })
    }
}

impl RetentionSettings {
    /// The rules of retention.
    pub fn rules(&self) -> Retention {
        Retention {
            recordings: Rule { max_age: self.recordings_max_age, max_bytes: self.recordings_max_bytes },
            results: Rule { max_age: self.results_max_age, max_bytes: self.results_max_bytes },
            forget_after: self.forget_after,
        }
    }
}
