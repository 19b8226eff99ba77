//! The kinds of option values: how each is read, recorded, published and described.

use std::marker::PhantomData;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use strum::VariantNames;

use super::define::Kind;
use super::values::is_language_code;
use crate::checks::{Checks, FailedCheck, Mistake, shown, values};

/// True or false; false unless set.
pub(super) struct Flag;

/// True or false; true unless set. Recorded as its opposite.
pub(super) struct InvertedFlag;

/// True or false; a setting decides unless set.
pub(super) struct Switch;

/// A language, or `auto` for none.
pub(super) struct LanguageCode;

/// A text of limited length.
pub(super) struct Text {
    pub(super) max_chars: usize,
}

/// A list of texts, both limited.
pub(super) struct Texts {
    pub(super) max_items: usize,
    pub(super) max_chars: usize,
}

/// One of the names of an enum's variants; its default unless set.
pub(super) struct Choice<T>(PhantomData<T>);

impl<T> Choice<T> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl Kind for Flag {
    type Value = bool;

    fn read(&self, field: &str, value: &Value, checks: &mut Checks) -> bool {
        values::boolean(field, value, checks).unwrap_or_default()
    }

    fn request_schema(&self) -> Value {
        json!({ "type": ["boolean", "null"], "default": false })
    }

    fn effective_schema(&self, description: &str) -> Value {
        json!({ "type": "boolean", "description": description })
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        json!(true)
    }
}

impl Kind for InvertedFlag {
    type Value = bool;

    fn default_value(&self) -> bool {
        true
    }

    fn read(&self, field: &str, value: &Value, checks: &mut Checks) -> bool {
        values::boolean(field, value, checks).unwrap_or(true)
    }

    fn record(&self, value: &bool) -> Value {
        json!(!value)
    }

    fn parse_record(&self, recorded: Value) -> serde_json::Result<bool> {
        serde_json::from_value::<bool>(recorded).map(|opposite| !opposite)
    }

    fn request_schema(&self) -> Value {
        json!({ "type": ["boolean", "null"], "default": true })
    }

    fn effective_schema(&self, description: &str) -> Value {
        Flag.effective_schema(description)
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        json!(false)
    }
}

impl Kind for Switch {
    type Value = Option<bool>;

    fn read(&self, field: &str, value: &Value, checks: &mut Checks) -> Option<bool> {
        values::boolean(field, value, checks)
    }

    fn request_schema(&self) -> Value {
        json!({ "type": ["boolean", "null"] })
    }

    fn effective_schema(&self, description: &str) -> Value {
        json!({ "type": ["boolean", "null"], "description": description })
    }

    fn can_be_null(&self) -> bool {
        true
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        json!(true)
    }
}

impl Kind for LanguageCode {
    type Value = Option<String>;

    fn read(&self, field: &str, value: &Value, checks: &mut Checks) -> Option<String> {
        let code = value.as_str().map(str::to_ascii_lowercase);
        match code {
            Some(code) if code == "auto" => None,
            Some(code) if is_language_code(&code) => Some(code),
            _ => {
                checks.push(FailedCheck::new(field, Mistake::NotALanguage { found: shown(value) }));
                None
            }
        }
    }

    fn request_schema(&self) -> Value {
        json!({ "type": ["string", "null"], "pattern": "^([A-Za-z]{2,3}|[Aa][Uu][Tt][Oo])$" })
    }

    fn effective_schema(&self, description: &str) -> Value {
        json!({ "type": ["string", "null"], "description": description })
    }

    fn can_be_null(&self) -> bool {
        true
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        json!("ru")
    }
}

impl Kind for Text {
    type Value = Option<String>;

    fn read(&self, field: &str, value: &Value, checks: &mut Checks) -> Option<String> {
        values::text(field, value, self.max_chars, checks)
    }

    fn request_schema(&self) -> Value {
        json!({ "type": ["string", "null"], "maxLength": self.max_chars })
    }

    fn effective_schema(&self, description: &str) -> Value {
        json!({ "type": ["string", "null"], "description": description })
    }

    fn can_be_null(&self) -> bool {
        true
    }

    fn limits(&self) -> String {
        format!("Up to {} characters.", self.max_chars)
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        json!("Hello")
    }
}

impl Kind for Texts {
    type Value = Vec<String>;

    fn read(&self, field: &str, value: &Value, checks: &mut Checks) -> Vec<String> {
        values::texts(field, value, self.max_items, self.max_chars, checks)
    }

    fn request_schema(&self) -> Value {
        let item = json!({ "type": "string", "maxLength": self.max_chars });
        json!({ "type": ["array", "null"], "maxItems": self.max_items, "items": item })
    }

    fn effective_schema(&self, description: &str) -> Value {
        json!({ "type": "array", "items": { "type": "string" }, "description": description })
    }

    fn limits(&self) -> String {
        format!("Up to {} texts of up to {} characters.", self.max_items, self.max_chars)
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        json!(["one"])
    }
}

impl<T> Kind for Choice<T>
where
    T: Default + FromStr + Serialize + DeserializeOwned + VariantNames,
{
    type Value = T;

    fn read(&self, field: &str, value: &Value, checks: &mut Checks) -> T {
        value.as_str().and_then(|name| name.parse().ok()).unwrap_or_else(|| {
            checks.push(FailedCheck::new(field, Mistake::NotOneOf { allowed: T::VARIANTS.to_vec(), found: shown(value) }));
            T::default()
        })
    }

    /// A name that this version does not know counts as absent.
    fn parse_record(&self, recorded: Value) -> serde_json::Result<T> {
        let name: Option<String> = serde_json::from_value(recorded)?;
        Ok(name.and_then(|name| name.parse().ok()).unwrap_or_default())
    }

    fn request_schema(&self) -> Value {
        let mut names: Vec<Value> = T::VARIANTS.iter().map(|name| json!(name)).collect();
        names.push(Value::Null);
        json!({ "type": ["string", "null"], "enum": names, "default": self.publish(&T::default()) })
    }

    fn effective_schema(&self, description: &str) -> Value {
        json!({ "type": "string", "description": description })
    }

    fn limits(&self) -> String {
        let names: Vec<String> = T::VARIANTS.iter().map(|name| format!("`{name}`")).collect();
        format!("One of {}.", names.join(", "))
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        json!(T::VARIANTS.last())
    }
}
