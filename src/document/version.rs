//! The version of the result's format.
//!
//! A version is raised when a program that knows only the one before could misread a result: a field changes its meaning, or
//! goes. A field that is added raises nothing, since readers ignore fields that they do not know.

use serde::{Deserialize, Serialize};

/// The version that a result was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct FormatVersion(u32);

impl FormatVersion {
    /// The first version. Its earliest results do not name it.
    pub const FIRST: Self = Self(1);
    /// The version that this program writes, and the newest that it reads.
    pub const CURRENT: Self = Self(1);
}

impl Default for FormatVersion {
    /// The version of a result that names none: the first.
    fn default() -> Self {
        Self::FIRST
    }
}

impl From<FormatVersion> for u32 {
    fn from(version: FormatVersion) -> Self {
        version.0
    }
}

/// A result says that it was written in a version that this program cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("format version {0} of results is unknown; this program reads {first} to {current}",
    first = FormatVersion::FIRST.0, current = FormatVersion::CURRENT.0)]
pub struct UnknownVersion(u32);

impl TryFrom<u32> for FormatVersion {
    type Error = UnknownVersion;

    fn try_from(number: u32) -> Result<Self, UnknownVersion> {
        let version = Self(number);
        if (Self::FIRST..=Self::CURRENT).contains(&version) { Ok(version) } else { Err(UnknownVersion(number)) }
    }
}
