//! The messages of one language, and how it writes numbers, sizes and lengths of time.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use super::Argument;

/// Tag and text of each catalogue, as the build found them.
pub(super) const SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalogues.rs"));

/// The catalogues, read once.
pub(super) static CATALOGUES: LazyLock<Vec<Catalogue>> =
    LazyLock::new(|| SOURCES.iter().map(|(tag, text)| Catalogue::read(tag, text)).collect());

/// Bytes in the next larger unit, as the operating systems' file managers and the specification's "1 GB" count.
const BYTES_PER_STEP: f64 = 1024.0;
/// The units of sizes, each `BYTES_PER_STEP` times the one before.
const SIZE_UNITS: [&str; 5] = ["size-bytes", "size-kilobytes", "size-megabytes", "size-gigabytes", "size-terabytes"];

/// The messages of one language.
pub(super) struct Catalogue {
    pub(super) tag: &'static str,
    bundle: FluentBundle<FluentResource>,
}

impl Catalogue {
    /// What cannot be read is left out; the tests show that there is no such message.
    fn read(tag: &'static str, text: &str) -> Self {
        let language: LanguageIdentifier = tag.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // The marks around arguments are for texts of mixed direction; in JSON they would be noise.
        bundle.set_use_isolating(false);
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(readable, _)| readable);
        bundle.add_resource_overriding(resource);
        Self { tag, bundle }
    }

    /// A message, unless it is missing here or lacks an argument.
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
        let said = parts
            .into_iter()
            // Nothing but zeros is "0 seconds".
            .filter(|(key, number)| *number > 0 || (whole == 0 && *key == "duration-seconds"))
            .filter_map(|(key, number)| self.say(key, &[("number", Argument::Count(number))]));
        said.collect::<Vec<_>>().join(" ")
    }

    /// A number with at most one decimal; a whole one counts, and so takes its plural.
    fn tenths(&self, value: f64) -> Argument {
        let rounded = (value * 10.0).round() / 10.0;
        if rounded.fract() == 0.0 {
            return Argument::Count(rounded as u64);
        }
        let mark = self.say("decimal-mark", &[]).unwrap_or_else(|| ".".to_owned());
        Argument::Text(rounded.to_string().replace('.', &mark))
    }
}
