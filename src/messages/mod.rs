//! Messages for people, in their language.
//!
//! The texts are in `assets/messages/<language>.ftl`, one file per language, in the syntax of Project Fluent; adding a file adds
//! a language. All files are compiled into the program. English is complete, tests check that the others have the same
//! messages, and a message that a language lacks is shown in English. This module knows nothing of HTTP or of what the
//! messages are about.

mod argument;
mod catalogue;
mod negotiate;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

pub use argument::{Argument, Arguments};
use catalogue::{CATALOGUES, Catalogue};
pub use negotiate::negotiate;

/// The language that has every message.
const ENGLISH: &str = "en";

/// A language that the server has messages in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language(usize);

/// The key of the message of a published name: `key("error", "NOT_FOUND")` is `error-not-found`.
pub fn key(prefix: &str, name: &str) -> String {
    format!("{prefix}-{}", name.to_ascii_lowercase().replace('_', "-"))
}

impl Language {
    pub fn english() -> Self {
        Self::all().find(|language| language.tag() == ENGLISH).unwrap_or(Self(0))
    }

    /// Every language, in the order of their tags.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..CATALOGUES.len()).map(Self)
    }

    /// The language with a tag such as `ru` (BCP 47), ignoring case.
    pub fn find(tag: &str) -> Option<Self> {
        Self::all().find(|language| language.tag().eq_ignore_ascii_case(tag))
    }

    /// The tag, as in `Content-Language`.
    pub fn tag(self) -> &'static str {
        self.catalogue().map_or(ENGLISH, |catalogue| catalogue.tag)
    }

    /// All tags, separated by commas.
    pub fn list() -> &'static str {
        static LIST: LazyLock<String> = LazyLock::new(|| Language::all().map(Language::tag).collect::<Vec<_>>().join(", "));
        &LIST
    }

    /// The message with this key: in this language, else in English, else the key itself.
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
