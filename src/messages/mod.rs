//! What the server says to people, in their language.
//!
//! The words stand in `assets/messages/<language>.ftl`, one file a language, in the syntax of Project Fluent; a language is
//! added by adding a file. All of them are part of the program. English is complete, the tests hold the others to it, and what
//! cannot be said in a language is said in English. This module knows nothing of HTTP, and nothing of what is said.

mod catalogue;
mod negotiate;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use catalogue::{CATALOGUES, Catalogue};
pub use negotiate::negotiate;

/// The language that every message exists in.
const ENGLISH: &str = "en";

/// A language that the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language(usize);

/// A value that a message speaks of; each language writes it in its own way.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// As it is. Also picks between the variants of a message.
    Text(String),
    /// A count, with the plural that goes with it.
    Count(u64),
    /// A size, in bytes: shown in the largest unit that leaves a short number.
    Bytes(u64),
    /// A length of time, in seconds: shown in hours, minutes and seconds.
    Seconds(f64),
}

/// The values that a message speaks of, by the names that it uses.
pub type Arguments = Vec<(&'static str, Argument)>;

/// The key of the message of a published name: `key("error", "NOT_FOUND")` is `error-not-found`.
pub fn key(prefix: &str, name: &str) -> String {
    format!("{prefix}-{}", name.to_ascii_lowercase().replace('_', "-"))
}

impl Language {
    /// English.
    pub fn english() -> Self {
        Self::all().find(|language| language.tag() == ENGLISH).unwrap_or(Self(0))
    }

    /// Every language, in the order of their tags.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..CATALOGUES.len()).map(Self)
    }

    /// The language of a tag such as `ru` (BCP 47), without regard to case.
    pub fn find(tag: &str) -> Option<Self> {
        Self::all().find(|language| language.tag().eq_ignore_ascii_case(tag))
    }

    /// The tag, as it stands in `Content-Language`.
    pub fn tag(self) -> &'static str {
        self.catalogue().map_or(ENGLISH, |catalogue| catalogue.tag)
    }

    /// All tags in one line.
    pub fn list() -> &'static str {
        static LIST: LazyLock<String> = LazyLock::new(|| Language::all().map(Language::tag).collect::<Vec<_>>().join(", "));
        &LIST
    }

    /// A message.
    pub fn say(self, key: &str, arguments: &[(&str, Argument)]) -> String {
        self.try_say(key, arguments).or_else(|| Self::english().try_say(key, arguments)).unwrap_or_else(|| key.to_owned())
    }

    fn try_say(self, key: &str, arguments: &[(&str, Argument)]) -> Option<String> {
        self.catalogue()?.say(key, arguments)
    }

    fn catalogue(self) -> Option<&'static Catalogue> {
        CATALOGUES.get(self.0)
    }
}
