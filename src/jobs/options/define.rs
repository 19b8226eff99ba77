//! What an option is: the columns of the table, and the macro that turns its rows into [`JobOptions`](super::JobOptions).
//!
//! A row reads `field: Type = Kind, request: "...", published: "..."`, then `recorded_as:`, `setting:` and `example:` where the
//! option has them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::checks::Checks;

/// One option: its descriptions, and how it is read, recorded, published and described. `O` is the type of all options together.
pub(super) struct Definition<O> {
    pub(super) name: &'static str,
    /// The name in the job record; differs from the published one only for records of the first version.
    pub(super) recorded_as: &'static str,
    /// Describes what clients send.
    pub(super) request: &'static str,
    /// Describes what clients read back.
    pub(super) published: &'static str,
    /// The setting that holds the default.
    pub(super) setting: Option<&'static str>,
    pub(super) example: fn() -> Option<Value>,
    pub(super) read: fn(&mut O, &str, &Value, &mut Checks),
    pub(super) record: fn(&O) -> Value,
    pub(super) from_record: fn(&mut O, Value) -> serde_json::Result<()>,
    pub(super) publish: fn(&O) -> Value,
    /// The JSON Schema of what clients send, without its description.
    pub(super) request_schema: fn() -> Value,
    /// The JSON Schema of what clients read back, with its description.
    pub(super) effective_schema: fn(&str) -> Value,
    /// Whether null can be read back: the settings decide, or nothing was sent.
    pub(super) can_be_null: fn() -> bool,
    /// The limits of the value, for the documentation; empty when there are none.
    pub(super) limits: fn() -> String,
    #[cfg(test)]
    pub(super) sample: fn() -> Value,
}

/// A kind of value: the part of a definition that options of one type share. Implementations are in `kinds`.
pub(super) trait Kind {
    type Value: Default + Serialize + DeserializeOwned;

    /// Reads what a client sent. After a mistake, which is added to `checks`, the returned value is not used.
    fn read(&self, field: &str, value: &Value, checks: &mut Checks) -> Self::Value;
    fn request_schema(&self) -> Value;
    fn effective_schema(&self, description: &str) -> Value;

    /// The value of a job that does not set the option.
    fn default_value(&self) -> Self::Value {
        Self::Value::default()
    }

    fn publish(&self, value: &Self::Value) -> Value {
        json!(value)
    }

    fn record(&self, value: &Self::Value) -> Value {
        self.publish(value)
    }

    fn parse_record(&self, recorded: Value) -> serde_json::Result<Self::Value> {
        serde_json::from_value(recorded)
    }

    /// Whether null can be read back.
    fn can_be_null(&self) -> bool {
        false
    }

    /// The limits of the value, for the documentation.
    fn limits(&self) -> String {
        String::new()
    }

    /// A value that a client may send and that is not the default.
    #[cfg(test)]
    fn sample(&self) -> Value;
}

/// Makes `JobOptions`, its defaults, and the table `OPTIONS` of the rows.
macro_rules! job_options {
    ($(
        $field:ident: $type:ty = $kind:expr,
            request: $request:literal,
            published: $published:literal
            $(, recorded_as: $recorded_as:literal)?
            $(, setting: $setting:literal)?
            $(, example: $example:expr)?;
    )+) => {
        /// The options of one job. None means that the settings decide, or that nothing is known.
        #[derive(Debug, Clone, PartialEq)]
        pub struct JobOptions {
            $( #[doc = $published] pub $field: $type, )+
        }

        impl Default for JobOptions {
            fn default() -> Self {
                Self { $( $field: $kind.default_value(), )+ }
            }
        }

        /// All options, in the order in which they are published.
        const OPTIONS: &[Definition<JobOptions>] = &[ $( Definition {
            name: stringify!($field),
            recorded_as: crate::tables::first!($($recorded_as,)? stringify!($field)),
            request: $request,
            published: $published,
            setting: crate::tables::optional!($($setting)?),
            example: || crate::tables::optional!($($example)?),
            can_be_null: || $kind.can_be_null(),
            read: |options, field, value, checks| options.$field = $kind.read(field, value, checks),
            record: |options| $kind.record(&options.$field),
            from_record: |options, recorded| {
                options.$field = $kind.parse_record(recorded)?;
                Ok(())
            },
            publish: |options| $kind.publish(&options.$field),
            request_schema: || $kind.request_schema(),
            effective_schema: |description| $kind.effective_schema(description),
            limits: || $kind.limits(),
            #[cfg(test)]
            sample: || $kind.sample(),
        } ),+ ];
    };
}

pub(super) use job_options;
