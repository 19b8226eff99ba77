//! What an error is: the columns of the table in `codes`, and the macro that turns its rows into `Code` and `ApiError`.
//!
//! A row reads `Name payload = STATUS { account: ..., example: ..., remedy: "..." }`. Its comment is the meaning of the code in
//! `docs/errors.md`. The example may be left out where there is no payload. The words for people are in the message files,
//! under `error-` and the name.

use std::borrow::Cow;

use axum::http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::checks::Checks;
use crate::jobs::Failure;
use crate::messages::{Argument, Arguments};

/// What an error reports besides its code: made by its row, from its payload.
pub(super) struct Account<'a> {
    /// For developers, always in English.
    pub(super) developer_message: Cow<'a, str>,
    /// Seconds after which the same request may succeed, where time alone can help.
    pub(super) retry_after_seconds: Option<u64>,
    pub(super) details: Details<'a>,
    /// The arguments of the message for people.
    pub(super) arguments: Arguments,
    /// The header that belongs to this error besides `Retry-After`.
    pub(super) header: Option<(HeaderName, HeaderValue)>,
    /// The cause that goes to the log and never to the client.
    pub(super) hidden_cause: Option<&'a str>,
}

/// The field `details` of the envelope.
pub(super) enum Details<'a> {
    Values(Value),
    /// Published with messages in the client's language.
    Checks(&'a Checks),
    /// Published with its message in the client's language.
    Failure(&'a Failure),
}

impl<'a> Account<'a> {
    pub(super) fn new(developer_message: impl Into<Cow<'a, str>>) -> Self {
        Self {
            developer_message: developer_message.into(),
            retry_after_seconds: None,
            details: Details::Values(json!({})),
            arguments: Vec::new(),
            header: None,
            hidden_cause: None,
        }
    }

    /// The account of failed checks: each with its message.
    pub(super) fn of_checks(checks: &'a Checks) -> Self {
        Self { details: Details::Checks(checks), ..Self::new(checks.developer_message()) }
    }

    pub(super) fn of_failure(failure: &'a Failure) -> Self {
        Self { details: Details::Failure(failure), ..Self::new(&failure.message) }
    }

    pub(super) fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after_seconds: Some(seconds), ..self }
    }

    pub(super) fn details(self, values: Value) -> Self {
        Self { details: Details::Values(values), ..self }
    }

    pub(super) fn argument(mut self, name: &'static str, argument: Argument) -> Self {
        self.arguments.push((name, argument));
        self
    }

    pub(super) fn header(self, name: HeaderName, value: Option<HeaderValue>) -> Self {
        Self { header: value.map(|value| (name, value)), ..self }
    }

    pub(super) fn hidden_cause(self, cause: &'a str) -> Self {
        Self { hidden_cause: Some(cause), ..self }
    }
}

/// Makes `Code` and `ApiError` of the rows. The rows after `variants` are further errors with the code of another row.
macro_rules! errors {
    (
        $(
            $(#[$attribute:meta])+
            $name:ident $(($slot:ident: $slot_type:ty))? $({ $($field:ident: $type:ty),+ })? = $status:ident {
                account: $account:expr,
                $(example: $example:expr,)?
                remedy: $remedy:literal,
            }
        )+
        variants $(
            $(#[$other_attribute:meta])+
            $other:ident $({ $($other_field:ident: $other_type:ty),+ })? = $code:ident { account: $other_account:expr, }
        )+
    ) => {
        /// The stable code of a refused request. A code is never renamed and never gets another status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, EnumMessage, IntoStaticStr, VariantArray)]
        #[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
        pub(crate) enum Code {
            $( $(#[$attribute])+ $name, )+
        }

        impl Code {
            /// The status that goes with the code.
            pub(crate) const fn status(self) -> StatusCode {
                match self { $( Self::$name => StatusCode::$status, )+ }
            }

            /// What the client can do, for the documentation.
            pub(crate) const fn remedy(self) -> &'static str {
                match self { $( Self::$name => $remedy, )+ }
            }
        }

        /// An error that a request is answered with.
        #[derive(Debug, Clone)]
        pub(crate) enum ApiError {
            $( $name $(($slot_type))? $({ $($field: $type),+ })?, )+
            $( $(#[$other_attribute])+ $other $({ $($other_field: $other_type),+ })?, )+
        }

        impl ApiError {
            pub(crate) const fn code(&self) -> Code {
                match self {
                    $( Self::$name { .. } => Code::$name, )+
                    $( Self::$other { .. } => Code::$code, )+
                }
            }

            /// What the error reports.
            pub(super) fn account(&self) -> Account<'_> {
                match self {
                    $( Self::$name $(($slot))? $({ $($field),+ })? => $account, )+
                    $( Self::$other $({ $($other_field),+ })? => $other_account, )+
                }
            }

            /// An error with this code and likely values, for the examples in OpenAPI.
            pub(crate) fn example(code: Code) -> Self {
                match code { $( Code::$name => define::example!($name $(, $example)?), )+ }
            }
        }
    };
}

/// The example of a row: its own, or the error itself where there is no payload.
macro_rules! example {
    ($name:ident) => {
        ApiError::$name
    };
    ($name:ident, $example:expr) => {
        $example
    };
}

pub(super) use {errors, example};
