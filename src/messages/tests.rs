//! The catalogues compared with each other, formatting, and language negotiation.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey};

use super::catalogue::SOURCES;
use super::*;

/// The arguments of each message.
type Needs = BTreeMap<String, BTreeSet<String>>;

fn inline(expression: &InlineExpression<&str>, found: &mut BTreeSet<String>) {
    if let InlineExpression::VariableReference { id } = expression {
        found.insert(id.name.to_owned());
    }
    if let InlineExpression::Placeable { expression } = expression {
        expressions(expression, found);
    }
}

fn expressions(expression: &Expression<&str>, found: &mut BTreeSet<String>) {
    match expression {
        Expression::Inline(expression) => inline(expression, found),
        Expression::Select { selector, variants } => {
            inline(selector, found);
            for variant in variants {
                pattern(&variant.value, found);
            }
        }
    }
}

fn pattern(pattern: &Pattern<&str>, found: &mut BTreeSet<String>) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            expressions(expression, found);
        }
    }
}

fn needs(text: &str) -> Needs {
    let resource = fluent_syntax::parser::parse(text).expect("a catalogue without mistakes");
    let mut needs = Needs::new();
    for entry in resource.body {
        if let Entry::Message(message) = entry {
            assert!(message.attributes.is_empty(), "{} has attributes, which are not used", message.id.name);
            let mut found = BTreeSet::new();
            pattern(&message.value.expect("a message has a text"), &mut found);
            let before = needs.insert(message.id.name.to_owned(), found);
            assert_eq!(before, None, "{} is defined twice", message.id.name);
        }
    }
    needs
}

/// The variants of each message that are selected by published names instead of plural forms.
fn names(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    const PLURALS: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];
    let mut names = BTreeMap::new();
    for entry in fluent_syntax::parser::parse(text).expect("a catalogue without mistakes").body {
        let Entry::Message(message) = entry else { continue };
        for element in message.value.iter().flat_map(|pattern| &pattern.elements) {
            let PatternElement::Placeable { expression: Expression::Select { variants, .. } } = element else { continue };
            let keys = variants.iter().map(|variant| match variant.key {
                VariantKey::Identifier { name } | VariantKey::NumberLiteral { value: name } => name,
            });
            let ours: BTreeSet<String> = keys.filter(|key| !PLURALS.contains(key)).map(str::to_owned).collect();
            names.insert(message.id.name.to_owned(), ours);
        }
    }
    names.retain(|_, ours: &mut BTreeSet<String>| !ours.is_empty());
    names
}

fn source(tag: &str) -> &'static str {
    SOURCES.iter().find(|(known, _)| *known == tag).map(|(_, text)| *text).unwrap()
}

#[test]
fn every_language_has_exactly_the_messages_and_arguments_of_english() {
    let english = needs(source("en"));
    assert!(english.len() > 60, "the messages were not found");
    for (tag, text) in SOURCES {
        assert_eq!(needs(text), english, "{tag}.ftl");
        assert_eq!(names(text), names(source("en")), "the variants of {tag}.ftl");
        assert!(tag.parse::<unic_langid::LanguageIdentifier>().is_ok(), "{tag} is no language");
    }
}

#[test]
fn english_and_russian_are_available() {
    assert!(Language::list().contains("en, ") && Language::list().contains("ru"), "{}", Language::list());
    assert_eq!(Language::english().tag(), "en");
    assert_eq!(Language::find("RU").map(Language::tag), Some("ru"));
    assert_eq!(Language::find("xx"), None);
}

fn message(tag: &str, key: &str, name: &str, argument: Argument) -> String {
    Language::find(tag).unwrap().say(key, &[(name, argument)])
}

#[test]
fn sizes_are_formatted_by_language() {
    for (bytes, english, russian) in [
        (1, "1 byte", "1 байт"),
        (2, "2 bytes", "2 байта"),
        (11, "11 bytes", "11 байт"),
        (1023, "1023 bytes", "1023 байта"),
        (8192, "8 KB", "8 КБ"),
        (100_000, "97.7 KB", "97,7 КБ"),
        (1 << 30, "1 GB", "1 ГБ"),
        (3 << 29, "1.5 GB", "1,5 ГБ"),
        (u64::MAX, "16777216 TB", "16777216 ТБ"),
    ] {
        let within = |text: &str| format!("The recording is larger than allowed ({text})");
        assert_eq!(message("en", "error-file-too-large", "max_allowed", Argument::Bytes(bytes)), within(english));
        let within = |text: &str| format!("Размер файла превышает максимально допустимый ({text})");
        assert_eq!(message("ru", "error-file-too-large", "max_allowed", Argument::Bytes(bytes)), within(russian));
    }
}

#[test]
fn durations_are_formatted_by_language() {
    for (seconds, english, russian) in [
        (0.0, "0 seconds", "0 с"),
        (1.0, "1 second", "1 с"),
        (1.5, "1.5 seconds", "1,5 с"),
        (60.0, "1 minute", "1 мин"),
        (5400.0, "1 hour 30 minutes", "1 ч 30 мин"),
        (14_400.0, "4 hours", "4 ч"),
    ] {
        let text = message("en", "error-rate-limited", "retry_after", Argument::Seconds(seconds));
        assert_eq!(text, format!("Too many requests, try again in {english}"));
        let text = message("ru", "error-rate-limited", "retry_after", Argument::Seconds(seconds));
        assert_eq!(text, format!("Слишком много запросов, повторите через {russian}"));
    }
}

#[test]
fn counts_take_their_plural() {
    for (number, russian) in [
        (1, "ожидает 1 запись"),
        (3, "ожидают 3 записи"),
        (11, "ожидают 11 записей"),
        (21, "ожидает 21 запись"),
        (22, "ожидают 22 записи"),
        (1000, "ожидают 1000 записей"),
    ] {
        let text = message("ru", "error-queue-full", "number", Argument::Count(number));
        assert_eq!(text, format!("Очередь заполнена: {russian}. Повторите попытку позже"));
    }
}

#[test]
fn a_missing_message_is_shown_as_its_key() {
    let russian = Language::find("ru").unwrap();
    assert_eq!(russian.say("error-file-too-large", &[]), "error-file-too-large");
    assert_eq!(russian.say("no-such-message", &[]), "no-such-message");
}

#[test]
fn the_preferred_language_is_chosen() {
    let english = Language::english();
    for (accepted, expected) in [
        ("", "en"),
        ("ru", "ru"),
        ("RU", "ru"),
        ("ru-RU", "ru"),
        ("ru-Cyrl-RU", "ru"),
        ("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "ru"),
        ("en-US,en;q=0.9,ru;q=0.8", "en"),
        ("en;q=0.8, ru;q=0.9", "ru"),
        ("en;q=0.8, ru;q=0.801", "ru"),
        ("ru;q=0.5,en;q=0.5", "ru"),
        ("xx, ru;q=0.1", "ru"),
        ("xx, *;q=0.5, ru;q=0.1", "en"),
        ("*", "en"),
        ("ru;q=0, ru-RU", "en"),
        ("ru;q=0", "en"),
        ("ru ; q=1.000", "ru"),
        ("xx, yy", "en"),
        ("rusky", "en"),
        ("ru;q=2", "en"),
        ("ru;q=0.1234", "en"),
        ("ru;level=1", "en"),
        ("ru_RU", "en"),
        (";;;,,,q=,-,--", "en"),
        ("en;q=0, ru;q=0", "en"),
    ] {
        assert_eq!(negotiate(accepted, english).tag(), expected, "{accepted:?}");
    }
    // Any other language is acceptable.
    for accepted in ["en;q=0, *", "en;q=0", "*, en;q=0.5"] {
        assert_ne!(negotiate(accepted, english), english, "{accepted:?}");
    }
    let russian = Language::find("ru").unwrap();
    for (accepted, expected) in [("", "ru"), ("*", "ru"), ("xx", "ru"), ("en-GB", "en"), ("nonsense!", "ru")] {
        assert_eq!(negotiate(accepted, russian).tag(), expected, "{accepted:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_header_leads_to_some_language(accepted in ".{0,200}") {
        let language = negotiate(&accepted, Language::english());
        proptest::prop_assert!(Language::find(language.tag()).is_some());
    }
}
