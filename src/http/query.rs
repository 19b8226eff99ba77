//! Reads query parameters. Every mistake is reported, not only the first; unknown parameters are ignored.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::error::{ApiError, Checks, FailedCheck, Mistake, shown};

/// The greatest number of items of a list parameter: more than there are choices, and few enough to report each mistake.
pub(crate) const MAX_ITEMS: usize = 100;

/// The parameters of a request. Each is read by name; [`Parameters::finish`] reports all mistakes.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    given: Vec<(String, String)>,
    checks: Checks,
}

impl Parameters {
    pub(crate) fn read(query: &str) -> Self {
        Self { given: form_urlencoded::parse(query.as_bytes()).into_owned().collect(), checks: Checks::default() }
    }

    /// Reads the fields of a JSON object like parameters: an array is a repeated parameter, null is none.
    pub(crate) fn from_fields(fields: &Map<String, Value>) -> Self {
        let mut given = Vec::new();
        for (name, value) in fields {
            let values = if let Value::Array(items) = value { items.as_slice() } else { std::slice::from_ref(value) };
            for value in values {
                match value {
                    Value::Null => {}
                    Value::String(text) => given.push((name.clone(), text.clone())),
                    Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                        given.push((name.clone(), value.to_string()));
                    }
                }
            }
        }
        Self { given, checks: Checks::default() }
    }

    /// A text; `None` if it is missing or empty.
    pub(crate) fn text(&mut self, name: &str, max_chars: usize) -> Option<String> {
        let text = self.single(name).filter(|text| !text.is_empty())?;
        let length = text.chars().count();
        if length > max_chars {
            self.refuse(name, Mistake::TooManyCharacters { found: length, max: max_chars });
            return None;
        }
        Some(text)
    }

    pub(crate) fn whole_number(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let text = self.single(name)?;
        // Digits alone: "+5" is a number to the standard library.
        let number = text.parse().ok().filter(|number| range.contains(number) && text.bytes().all(|byte| byte.is_ascii_digit()));
        if number.is_none() {
            self.refuse(name, Mistake::OutOfRange { min: *range.start(), max: *range.end(), found: quoted(text) });
        }
        number
    }

    /// A time with its offset (RFC 3339).
    pub(crate) fn time(&mut self, name: &str) -> Option<DateTime<Utc>> {
        let text = self.single(name)?;
        // A plus sign that was not encoded has become a space.
        let time = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok();
        if time.is_none() {
            self.refuse(name, Mistake::NotATime { found: quoted(text) });
        }
        time.map(|time| time.to_utc())
    }

    /// One of the given choices.
    pub(crate) fn one_of<T: Copy>(&mut self, name: &str, choices: &[(&'static str, T)]) -> Option<T> {
        let text = self.single(name)?;
        self.choose(name, text, choices)
    }

    /// Any number of the choices, from repeated parameters or separated by commas, without duplicates, in the given order.
    pub(crate) fn several_of<T: Copy + PartialEq>(&mut self, name: &str, choices: &[(&'static str, T)]) -> Vec<T> {
        let found = self.all(name).flat_map(|text| text.split(',')).count();
        if found > MAX_ITEMS {
            self.refuse(name, Mistake::TooManyItems { found, max: MAX_ITEMS });
            return Vec::new();
        }
        let items: Vec<String> = self.all(name).flat_map(|text| text.split(',')).map(|item| item.trim().to_owned()).collect();
        let mut chosen = Vec::new();
        for item in items {
            if let Some(value) = self.choose(name, item, choices)
                && !chosen.contains(&value)
            {
                chosen.push(value);
            }
        }
        chosen
    }

    /// Records a mistake that the caller found.
    pub(crate) fn refuse(&mut self, name: &str, mistake: Mistake) {
        let check = FailedCheck::new(format!("query.{name}"), mistake);
        if !self.checks.listed().contains(&check) {
            self.checks.push(check);
        }
    }

    /// Reports all mistakes together.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.checks.is_empty() { Ok(()) } else { Err(ApiError::InvalidQuery(self.checks)) }
    }

    fn choose<T: Copy>(&mut self, name: &str, text: String, choices: &[(&'static str, T)]) -> Option<T> {
        let found = choices.iter().find(|(choice, _)| *choice == text).map(|(_, value)| *value);
        if found.is_none() {
            let allowed = choices.iter().map(|(choice, _)| *choice).collect();
            self.refuse(name, Mistake::NotOneOf { allowed, found: quoted(text) });
        }
        found
    }

    fn single(&mut self, name: &str) -> Option<String> {
        let (first, repeated) = {
            let mut values = self.all(name);
            (values.next().map(str::to_owned), values.next().is_some())
        };
        if repeated {
            self.refuse(name, Mistake::Repeated);
            return None;
        }
        first
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.given.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

fn quoted(text: String) -> String {
    shown(&Value::String(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SORTS: [(&str, u8); 2] = [("created_at", 1), ("-created_at", 2)];

    #[test]
    fn what_is_right_is_taken_and_what_is_unknown_or_empty_is_ignored() {
        let mut given = Parameters::read("limit=20&colour=red&sort=-created_at&status=a,b&status=a&filename=%D1%8F&external_id=");
        assert_eq!(given.whole_number("limit", 1..=100), Some(20));
        assert_eq!(given.one_of("sort", &SORTS), Some(2));
        assert_eq!(given.several_of("status", &[("a", 'a'), ("b", 'b')]), ['a', 'b']);
        assert_eq!(given.text("filename", 1), Some("я".to_owned()));
        assert_eq!(given.text("external_id", 1), None);
        assert_eq!(given.time("created_after"), None);
        assert!(given.finish().is_ok());
    }

    #[test]
    fn what_is_no_text_cannot_be_empty() {
        let mut given = Parameters::read("limit=&sort=&created_after=&status=");
        assert_eq!(given.whole_number("limit", 1..=100), None);
        assert_eq!(given.one_of("sort", &SORTS), None);
        assert_eq!(given.time("created_after"), None);
        assert_eq!(given.several_of("status", &[("a", 'a')]), []);
        let Err(ApiError::InvalidQuery(checks)) = given.finish() else { panic!("all of it is taken") };
        assert_eq!(checks.listed().len(), 4, "{checks:?}");
    }

    #[test]
    fn a_time_may_have_an_offset_with_or_without_its_encoding() {
        let expected = "2026-11-20T09:00:00Z".parse::<DateTime<Utc>>().unwrap();
        for query in ["at=2026-11-20T12:00:00%2B03:00", "at=2026-11-20T12:00:00+03:00", "at=2026-11-20T09:00:00Z"] {
            assert_eq!(Parameters::read(query).time("at"), Some(expected), "{query}");
        }
    }

    #[test]
    fn every_mistake_is_reported_at_once() {
        let mut given = Parameters::read("limit=0&limit2=+5&sort=name&status=x,y,x&created_after=soon&a=1&a=2&filename=abc");
        given.whole_number("limit", 1..=100);
        given.whole_number("limit2", 1..=100);
        given.one_of("sort", &SORTS);
        given.several_of("status", &[("a", 'a')]);
        given.time("created_after");
        given.text("a", 5);
        given.text("filename", 2);
        given.refuse("cursor", Mistake::NotACursor);
        let Err(ApiError::InvalidQuery(checks)) = given.finish() else { panic!("all of it is taken") };
        let fields: Vec<&str> = checks.listed().iter().map(|check| check.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "query.limit",
                "query.limit2",
                "query.sort",
                "query.status",
                "query.status",
                "query.created_after",
                "query.a",
                "query.filename",
                "query.cursor"
            ]
        );
    }
}
