//! Readers of single JSON values: each returns the value, or reports what is wrong with it.

use serde_json::Value;

use super::{Checks, FailedCheck, Mistake, shown};

/// A text of at most `max_chars` characters.
pub fn text(field: &str, value: &Value, max_chars: usize, checks: &mut Checks) -> Option<String> {
    let Some(text) = value.as_str() else {
        checks.push(FailedCheck::new(field, Mistake::NotAText { found: shown(value) }));
        return None;
    };
    let length = text.chars().count();
    if length > max_chars {
        checks.push(FailedCheck::new(field, Mistake::TooManyCharacters { found: length, max: max_chars }));
        return None;
    }
    Some(text.to_owned())
}

/// An array of at most `max_items` texts, each of at most `max_chars` characters.
pub fn texts(field: &str, value: &Value, max_items: usize, max_chars: usize, checks: &mut Checks) -> Vec<String> {
    let Some(items) = value.as_array() else {
        checks.push(FailedCheck::new(field, Mistake::NotAnArrayOfTexts { found: shown(value) }));
        return Vec::new();
    };
    if items.len() > max_items {
        checks.push(FailedCheck::new(field, Mistake::TooManyItems { found: items.len(), max: max_items }));
        return Vec::new();
    }
    let read = |(index, item)| text(&format!("{field}[{index}]"), item, max_chars, checks);
    items.iter().enumerate().filter_map(read).collect()
}

/// A boolean: `true` or `false`.
pub fn boolean(field: &str, value: &Value, checks: &mut Checks) -> Option<bool> {
    let found = value.as_bool();
    if found.is_none() {
        checks.push(FailedCheck::new(field, Mistake::NotABoolean { found: shown(value) }));
    }
    found
}

/// A whole number from 1 to `max`.
pub fn whole_up_to(field: &str, value: &Value, max: u64, checks: &mut Checks) -> Option<u64> {
    let found = whole(value).filter(|number| (1..=max).contains(number));
    if found.is_none() {
        checks.push(FailedCheck::new(field, Mistake::OutOfRange { min: 1, max, found: shown(value) }));
    }
    found
}

/// A whole number, whether it is written 4 or 4.0: in JSON both are the same number.
fn whole(value: &Value) -> Option<u64> {
    let written_as_fraction = || value.as_f64().filter(|number| number.fract() == 0.0 && (0.0..1e15).contains(number));
    value.as_u64().or_else(|| written_as_fraction().map(|number| number as u64))
}
