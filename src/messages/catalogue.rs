//! The messages of one language, and how it formats numbers, sizes and durations.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use super::Argument;

/// Tag and text of each catalogue, listed by the build script.
pub(super) const SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalogues.rs"));

/// The catalogues, parsed once.
pub(super) static CATALOGUES: LazyLock<Vec<Catalogue>> =
    LazyLock::new(|| SOURCES.iter().map(|(tag, text)| Catalogue::read(tag, text)).collect());

/// Factor between two units of size: 1 KB is 1024 bytes, as in file managers and in the specification's "1 GB".
const BYTES_PER_STEP: f64 = 1024.0;
/// The message keys of the units, each [`BYTES_PER_STEP`] times the one before.
const SIZE_UNITS: [&str; 5] = ["size-bytes", "size-kilobytes", "size-megabytes", "size-gigabytes", "size-terabytes"];

/// The messages of one language.
pub(super) struct Catalogue {
    pub(super) tag: &'static str,
    bundle: FluentBundle<FluentResource>,
}

impl Catalogue {
    /// Messages with syntax errors are left out; a test shows that there are none.
    fn read(tag: &'static str, text: &str) -> Self {
        let language: LanguageIdentifier = tag.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // Isolation marks around arguments are for bidirectional text; in JSON they would be noise.
        bundle.set_use_isolating(false);
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(readable, _)| readable);
        bundle.add_resource_overriding(resource);
        Self { tag, bundle }
    }

    /// A message, unless it is missing in this language or lacks an argument.
    pub(super) fn say(&self, key: &str, arguments: &[(&str, Argument)]) -> Option<String> {
        let pattern = self.bundle.get_message(key)?.value()?;
        let mut values = FluentArgs::with_capacity(arguments.len());
        for (name, argument) in arguments {
            values.set(*name, self.value(argument));
        }
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&values), &mut errors).into_owned();
        errors.is_empty().then_some(text)
    }

    fn value(&self, argument: &Argument) -> FluentValue<'static> {
        match argument {
            Argument::Text(text) => FluentValue::from(text.clone()),
            Argument::Count(number) => FluentValue::from(*number),
            Argument::Bytes(bytes) => FluentValue::from(self.bytes(*bytes)),
            Argument::Seconds(seconds) => FluentValue::from(self.seconds(*seconds)),
        }
    }

    fn bytes(&self, bytes: u64) -> String {
        let mut value = bytes as f64;
        let mut unit = 0;
        while value >= BYTES_PER_STEP && unit + 1 < SIZE_UNITS.len() {
            value /= BYTES_PER_STEP;
            unit += 1;
        }
        let number = if unit == 0 { Argument::Count(bytes) } else { self.tenths(value) };
        self.say(SIZE_UNITS[unit], &[("number", number)]).unwrap_or_else(|| bytes.to_string())
    }

    fn seconds(&self, seconds: f64) -> String {
        let whole = seconds as u64;
        if seconds.fract() > 0.0 && whole < 60 {
            return self.say("duration-seconds", &[("number", self.tenths(seconds))]).unwrap_or_default();
        }
        let parts = [("duration-hours", whole / 3600), ("duration-minutes", whole / 60 % 60), ("duration-seconds", whole % 60)];
        let formatted = parts
            .into_iter()
            // A duration of zero is "0 seconds".
            .filter(|(key, number)| *number > 0 || (whole == 0 && *key == "duration-seconds"))
            .filter_map(|(key, number)| self.say(key, &[("number", Argument::Count(number))]));
        formatted.collect::<Vec<_>>().join(" ")
    }

    /// A number with at most one decimal. A whole number is a count, which selects the plural form.
    fn tenths(&self, value: f64) -> Argument {
        let rounded = (value * 10.0).round() / 10.0;
        if rounded.fract() == 0.0 {
            return Argument::Count(rounded as u64);
        }
        let mark = self.say("decimal-mark", &[]).unwrap_or_else(|| ".".to_owned());
        Argument::Text(rounded.to_string().replace('.', &mark))
    }
}
