//! One check of what was asked for that failed: where, what kind of mistake, and what would do.

use serde_json::{Value, json};

use crate::messages::{Argument, Arguments, Language};

/// Most characters of a client's value that a message repeats.
const MAX_SHOWN_CHARS: usize = 40;

/// The kinds of mistakes, as they are published.
pub(crate) const ERROR_TYPES: [&str; 8] = ["type", "json", "depth", "length", "range", "format", "unknown", "duplicate"];

/// One check of a request that failed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FailedCheck {
    /// Where, for example `metadata.priority`.
    pub(crate) field: String,
    mistake: Mistake,
}

/// What is wrong with a value. What was found instead is a value as [`shown`] repeats it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mistake {
    NotAnObject,
    /// With the parser's reason, for developers.
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
    NotASpeakerCount {
        max: u64,
    },
    CountAndLimits,
    MinOverMax {
        min: u64,
        max: u64,
    },
}

impl FailedCheck {
    pub(crate) fn new(field: impl Into<String>, mistake: Mistake) -> Self {
        Self { field: field.into(), mistake }
    }

    /// In a sentence, without its subject: the field stands beside it.
    pub(crate) fn message(&self, language: Language) -> String {
        let (key, arguments) = self.mistake.key_and_arguments();
        language.say(key, &arguments)
    }

    /// The kind of mistake: stable, for programs.
    pub(crate) fn error_type(&self) -> &'static str {
        self.mistake.error_type()
    }

    /// What would do, where it can be said in values.
    pub(crate) fn constraints(&self) -> Value {
        self.mistake.constraints()
    }

    /// For developers, always in English.
    pub(crate) fn developer_message(&self) -> String {
        let message = self.message(Language::english());
        if let Mistake::NotJson(reason) = &self.mistake {
            format!("{}: {message}: {reason}", self.field)
        } else {
            format!("{}: {message}", self.field)
        }
    }
}

impl Mistake {
    /// The kind: stable, for programs.
    fn error_type(&self) -> &'static str {
        match self {
            Self::NotAnObject
            | Self::NotAText { .. }
            | Self::NotABoolean { .. }
            | Self::NotAnArrayOfTexts { .. }
            | Self::NotASpeakerCount { .. } => "type",
            Self::NotJson(_) => "json",
            Self::TooDeep { .. } => "depth",
            Self::TooManyBytes { .. } | Self::TooManyCharacters { .. } | Self::TooManyItems { .. } => "length",
            Self::OutOfRange { .. } | Self::CountAndLimits | Self::MinOverMax { .. } => "range",
            Self::NotALanguage { .. } | Self::NotOneOf { .. } | Self::NotATime { .. } | Self::NotACursor => "format",
            Self::Unknown { .. } => "unknown",
            Self::Repeated => "duplicate",
        }
    }

    /// What would do, where it can be said in values.
    fn constraints(&self) -> Value {
        match self {
            Self::NotAnObject | Self::NotJson(_) => json!({ "type": "object" }),
            Self::TooDeep { max } => json!({ "max_depth": max }),
            Self::TooManyBytes { max, .. } => json!({ "max_bytes": max }),
            Self::TooManyCharacters { max, .. } => json!({ "max_length": max }),
            Self::TooManyItems { max, .. } => json!({ "max_items": max }),
            Self::NotAText { .. } => json!({ "type": "string" }),
            Self::NotABoolean { .. } => json!({ "type": "boolean" }),
            Self::NotAnArrayOfTexts { .. } => json!({ "type": "array", "items": "string" }),
            Self::OutOfRange { min, max, .. } => json!({ "min": min, "max": max }),
            Self::NotALanguage { .. } => json!({ "examples": ["auto", "ru", "en"] }),
            Self::NotOneOf { allowed, .. } | Self::Unknown { allowed } => json!({ "allowed": allowed }),
            Self::NotATime { .. } => json!({ "format": "date-time" }),
            Self::NotASpeakerCount { max } => {
                json!({ "count": { "min": 1, "max": max }, "min": { "min": 1 }, "max": { "max": max } })
            }
            Self::MinOverMax { max, .. } => json!({ "min": { "max": max } }),
            Self::NotACursor | Self::Repeated | Self::CountAndLimits => json!({}),
        }
    }

    fn key_and_arguments(&self) -> (&'static str, Arguments) {
        let count = |number: usize| Argument::Count(number as u64);
        let bytes = |number: usize| Argument::Bytes(number as u64);
        let found = |text: &String| vec![("found", Argument::Text(text.clone()))];
        match self {
            Self::NotAnObject => ("check-not-an-object", vec![]),
            Self::NotJson(_) => ("check-not-json", vec![]),
            Self::TooDeep { max } => ("check-too-deep", vec![("number", count(*max))]),
            Self::TooManyBytes { found, max } => ("check-too-many-bytes", vec![("found", bytes(*found)), ("max", bytes(*max))]),
            Self::TooManyCharacters { found, max } => {
                ("check-too-many-characters", vec![("found", count(*found)), ("number", count(*max))])
            }
            Self::TooManyItems { found, max } => {
                ("check-too-many-items", vec![("found", count(*found)), ("number", count(*max))])
            }
            Self::NotAText { found: text } => ("check-not-a-text", found(text)),
            Self::NotABoolean { found: text } => ("check-not-a-boolean", found(text)),
            Self::NotAnArrayOfTexts { found: text } => ("check-not-an-array-of-texts", found(text)),
            Self::OutOfRange { min, max, found: text } => {
                let mut arguments = found(text);
                arguments.extend([("min", Argument::Count(*min)), ("max", Argument::Count(*max))]);
                ("check-out-of-range", arguments)
            }
            Self::NotALanguage { found: text } => ("check-not-a-language", found(text)),
            Self::NotOneOf { allowed, found: text } => {
                let mut arguments = found(text);
                arguments.push(("allowed", Argument::Text(allowed.join(", "))));
                ("check-not-one-of", arguments)
            }
            Self::NotATime { found: text } => ("check-not-a-time", found(text)),
            Self::NotACursor => ("check-not-a-cursor", vec![]),
            Self::Unknown { .. } => ("check-unknown", vec![]),
            Self::Repeated => ("check-repeated", vec![]),
            Self::NotASpeakerCount { .. } => ("check-speaker-count", vec![]),
            Self::CountAndLimits => ("check-count-and-limits", vec![]),
            Self::MinOverMax { min, max } => {
                ("check-min-over-max", vec![("min", Argument::Count(*min)), ("max", Argument::Count(*max))])
            }
        }
    }
}

/// A value as a message may repeat it: short.
pub(crate) fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= MAX_SHOWN_CHARS { text } else { text.chars().take(MAX_SHOWN_CHARS).chain(['…']).collect() }
}
