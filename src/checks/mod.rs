//! Checks of what a client sent: a failed check says where it failed, what kind of mistake it is, and which values are allowed.
//!
//! Used by everything that reads a client's values (job options, metadata, query parameters), so that every mistake is
//! reported in one form, and none is repeated at its full length. It knows nothing of HTTP. The texts are in the message files,
//! under `check-` and the mistake's name.

mod list;
mod quote;
pub mod values;

use serde_json::{Value, json};
use strum::{IntoStaticStr, VariantNames};

use crate::messages::{Argument, Arguments, Language, key};
pub use list::{Checks, MAX_LISTED};
pub use quote::{clipped, shown};

/// Longest name of a field that is repeated, in characters: longer than any that is known.
const MAX_FIELD_CHARS: usize = 100;

/// The published kinds of mistakes.
pub const ERROR_TYPES: &[&str] = ErrorType::VARIANTS;

/// The kind of a mistake, as published in `error_type`: stable, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
enum ErrorType {
    Type,
    Json,
    Depth,
    Length,
    Range,
    Format,
    Unknown,
    Duplicate,
}

/// One check of a request that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedCheck {
    /// The path of the field, for example `metadata.priority`; shortened, since clients name fields as they like.
    pub field: String,
    mistake: Mistake,
}

/// What is wrong with a value. `found` is the rejected value, shortened by [`shown`].
#[derive(Debug, Clone, PartialEq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Mistake {
    NotAnObject,
    /// Carries the parser's reason, for developers.
    NotJson(String),
    TooDeep {
        max: usize,
    },
    TooManyBytes {
        found: usize,
        max: usize,
    },
    TooManyCharacters {
        found: usize,
        max: usize,
    },
    TooManyItems {
        found: usize,
        max: usize,
    },
    NotAText {
        found: String,
    },
    NotABoolean {
        found: String,
    },
    NotAnArrayOfTexts {
        found: String,
    },
    OutOfRange {
        min: u64,
        max: u64,
        found: String,
    },
    NotALanguage {
        found: String,
    },
    NotOneOf {
        allowed: Vec<&'static str>,
        found: String,
    },
    NotATime {
        found: String,
    },
    NotACursor,
    Unknown {
        allowed: Vec<&'static str>,
    },
    Repeated,
    #[strum(serialize = "speaker-count")]
    NotASpeakerCount {
        max: u64,
    },
    CountAndLimits,
    MinOverMax {
        min: u64,
        max: u64,
    },
}

/// What a mistake is reported with: its kind, the allowed values, and the arguments of its message.
struct Report {
    error_type: ErrorType,
    constraints: Value,
    arguments: Arguments,
}

impl FailedCheck {
    pub fn new(field: impl Into<String>, mistake: Mistake) -> Self {
        let field = field.into();
        Self { field: if field.len() > MAX_FIELD_CHARS { clipped(&field, MAX_FIELD_CHARS) } else { field }, mistake }
    }

    /// The message for people: a sentence without its subject, since the field's name stands beside it.
    pub fn message(&self, language: Language) -> String {
        let name: &'static str = (&self.mistake).into();
        language.say(&key("check", name), &self.mistake.report().arguments)
    }

    /// The kind of mistake: stable, for programs.
    pub fn error_type(&self) -> &'static str {
        self.mistake.report().error_type.into()
    }

    /// The allowed values, where they can be expressed as JSON; else an empty object.
    pub fn constraints(&self) -> Value {
        self.mistake.report().constraints
    }

    /// The message for developers, always in English.
    pub fn developer_message(&self) -> String {
        let message = self.message(Language::english());
        if let Mistake::NotJson(reason) = &self.mistake {
            format!("{}: {message}: {reason}", self.field)
        } else {
            format!("{}: {message}", self.field)
        }
    }
}

impl Mistake {
    fn report(&self) -> Report {
        let report = |error_type, constraints, arguments| Report { error_type, constraints, arguments };
        let count = |name, number: usize| (name, Argument::Count(number as u64));
        let bytes = |name, number: usize| (name, Argument::Bytes(number as u64));
        let text = |found: &String| ("found", Argument::Text(found.clone()));
        match self {
            Self::NotAnObject | Self::NotJson(_) => {
                let error_type = if matches!(self, Self::NotAnObject) { ErrorType::Type } else { ErrorType::Json };
                report(error_type, json!({ "type": "object" }), vec![])
            }
            Self::TooDeep { max } => report(ErrorType::Depth, json!({ "max_depth": max }), vec![count("number", *max)]),
            Self::TooManyBytes { found, max } => {
                report(ErrorType::Length, json!({ "max_bytes": max }), vec![bytes("found", *found), bytes("max", *max)])
            }
            Self::TooManyCharacters { found, max } => {
                report(ErrorType::Length, json!({ "max_length": max }), vec![count("found", *found), count("number", *max)])
            }
            Self::TooManyItems { found, max } => {
                report(ErrorType::Length, json!({ "max_items": max }), vec![count("found", *found), count("number", *max)])
            }
            Self::NotAText { found } => report(ErrorType::Type, json!({ "type": "string" }), vec![text(found)]),
            Self::NotABoolean { found } => report(ErrorType::Type, json!({ "type": "boolean" }), vec![text(found)]),
            Self::NotAnArrayOfTexts { found } => {
                report(ErrorType::Type, json!({ "type": "array", "items": "string" }), vec![text(found)])
            }
            Self::OutOfRange { min, max, found } => report(
                ErrorType::Range,
                json!({ "min": min, "max": max }),
                vec![text(found), ("min", Argument::Count(*min)), ("max", Argument::Count(*max))],
            ),
            Self::NotALanguage { found } => {
                report(ErrorType::Format, json!({ "examples": ["auto", "ru", "en"] }), vec![text(found)])
            }
            Self::NotOneOf { allowed, found } => report(
                ErrorType::Format,
                json!({ "allowed": allowed }),
                vec![text(found), ("allowed", Argument::Text(allowed.join(", ")))],
            ),
            Self::NotATime { found } => report(ErrorType::Format, json!({ "format": "date-time" }), vec![text(found)]),
            Self::NotACursor => report(ErrorType::Format, json!({}), vec![]),
            Self::Unknown { allowed } => report(ErrorType::Unknown, json!({ "allowed": allowed }), vec![]),
            Self::Repeated => report(ErrorType::Duplicate, json!({}), vec![]),
            Self::NotASpeakerCount { max } => {
                let constraints = json!({ "count": { "min": 1, "max": max }, "min": { "min": 1 }, "max": { "max": max } });
                report(ErrorType::Type, constraints, vec![])
            }
            Self::CountAndLimits => report(ErrorType::Range, json!({}), vec![]),
            Self::MinOverMax { min, max } => report(
                ErrorType::Range,
                json!({ "min": { "max": max } }),
                vec![("min", Argument::Count(*min)), ("max", Argument::Count(*max))],
            ),
        }
    }
}
