//! What a setting is: the columns of the tables in `settings`, and the macro that turns their rows into [`Config`](super::Config).
//!
//! A row reads `field ("key in the file"): Raw => Value = default, check: ..., short_name: "...";`. The key may be left out where
//! it is the field's name, the value where it is the raw type, the check where every raw value is possible. The comment of a
//! row is what `config/default.yaml` and `docs/configuration.md` say about the setting.

/// A setting, as its row has it.
pub(super) struct Setting {
    pub(super) section: &'static str,
    pub(super) key: &'static str,
    /// The default as it is written in the row.
    pub(super) default: &'static str,
    pub(super) comment: &'static [&'static str],
    /// Whether the value is a list; in the environment its entries are separated by commas.
    pub(super) is_list: bool,
    /// An environment variable that sets it as well.
    pub(super) short_name: Option<&'static str>,
}

impl Setting {
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// The default as YAML: texts need quotes only where they are empty.
    pub(super) fn default(&self) -> String {
        match self.default.trim_matches('"') {
            "" => "\"\"".to_owned(),
            default => default.replace('_', if self.default.starts_with('"') { "_" } else { "" }),
        }
    }

    /// The comment as one line.
    pub(super) fn comment(&self) -> String {
        crate::tables::one_line(&self.comment.concat())
    }
}

/// The types that settings are written in.
pub(super) trait Written {
    const IS_LIST: bool;
}

impl Written for bool {
    const IS_LIST: bool = false;
}

impl Written for i64 {
    const IS_LIST: bool = false;
}

impl Written for f64 {
    const IS_LIST: bool = false;
}

impl Written for String {
    const IS_LIST: bool = false;
}

impl Written for Vec<String> {
    const IS_LIST: bool = true;
}

/// Makes the raw sections, the checked ones, and the list of all settings.
macro_rules! settings {
    ($(
        $(#[$about:meta])+
        $section:ident: $name:ident { $(
            $(#[doc = $comment:literal])+
            $field:ident $(($key:literal))?: $raw:ty $(=> $value:ty)? = $default:literal
                $(, check: $check:expr)?
                $(, short_name: $short_name:literal)?;
        )+ }
    )+) => {
        /// The settings as they are written: types and names are checked, values are not.
        pub(super) mod raw {
            use serde::Deserialize;

            #[derive(Debug, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(in crate::config) struct Sections { $( pub(super) $section: $name, )+ }

            $(
                #[derive(Debug, Deserialize)]
                #[serde(deny_unknown_fields)]
                pub(super) struct $name { $( $(#[serde(rename = $key)])? pub(super) $field: $raw, )+ }
            )+
        }

        /// All settings, valid: a section has the name that it has in the file.
        #[derive(Debug, Clone)]
        pub struct Config { $( $(#[$about])+ pub $section: $name, )+ }

        impl Config {
            /// Checks each value, independently of the others.
            pub(super) fn checked(raw: raw::Sections) -> Result<Self, ConfigError> {
                Ok(Self { $( $section: $name::checked(raw.$section)?, )+ })
            }
        }

        $(
            $(#[$about])+
            #[derive(Debug, Clone)]
            pub struct $name { $( $(#[doc = $comment])+ pub $field: define::value_type!($raw $(, $value)?), )+ }

            impl $name {
                fn checked(raw: raw::$name) -> Result<Self, ConfigError> {
                    Ok(Self { $( $field: define::checked!(
                        concat!(stringify!($section), ".", tables::first!($($key,)? stringify!($field))),
                        raw.$field
                        $(, $check)?
                    ), )+ })
                }
            }
        )+

        /// Every setting, in the order of the file.
        pub(super) const SETTINGS: &[Setting] = &[ $( $( Setting {
            section: stringify!($section),
            key: tables::first!($($key,)? stringify!($field)),
            default: stringify!($default),
            comment: &[ $($comment),+ ],
            is_list: <$raw as Written>::IS_LIST,
            short_name: tables::optional!($($short_name)?),
        }, )+ )+ ];
    };
}

/// The type of a checked value: the raw one, unless the row has another.
macro_rules! value_type {
    ($raw:ty) => {
        $raw
    };
    ($raw:ty, $value:ty) => {
        $value
    };
}

/// A value after its check, if it has one.
macro_rules! checked {
    ($setting:expr, $raw:expr) => {
        $raw
    };
    ($setting:expr, $raw:expr, $check:expr) => {
        $check($setting, $raw)?
    };
}

pub(super) use {checked, settings, value_type};
