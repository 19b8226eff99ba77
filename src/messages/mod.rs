//! What the server says to people, in their language.
//!
//! The words stand in `assets/messages/<language>.ftl`, one file a language, in the syntax of Project Fluent; a language is
//! added by adding a file. All of them are part of the program. English is complete, the tests hold the others to it, and what
//! cannot be said in a language is said in English. This module knows nothing of HTTP, and nothing of what is said.

mod argument;
mod catalogue;
mod negotiate;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

pub use argument::{Argument, Arguments};
use catalogue::{CATALOGUES, Catalogue};
pub use negotiate::negotiate;

/// The language that every message exists in.
const ENGLISH: &str = "en";

/// A language that the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language(usize);

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
