//! The error of impossible settings: one line that names the setting, the value and what is allowed.

/// The reason why the settings cannot be used, in one line.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that `CONFIG_PATH` names cannot be read.
    #[error("CONFIG_PATH names {path}, which cannot be read: {cause}")]
    Unreadable { path: String, cause: std::io::Error },
    /// The file that `CONFIG_PATH` names is not YAML, or none that settings need.
    #[error("CONFIG_PATH names {path}, which cannot be used: {problem}")]
    File {
        path: String,
        /// What is wrong, and at which line.
        problem: String,
    },
    /// An unknown setting, or a value of the wrong type.
    #[error("settings: {0}")]
    Malformed(String),
    /// A value out of its range.
    #[error("setting {setting} is {value}, but must be {allowed}")]
    OutOfRange {
        /// The dotted name, such as `server.port`.
        setting: &'static str,
        value: String,
        allowed: &'static str,
    },
}
