//! The options of a job as clients read them back: [`JobOptions`] with its OpenAPI description.

use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::jobs::options::{JobOptions, effective_schema, speaker_range_schema};

/// The options of a job; null means that the settings decide.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct OptionsBody(JobOptions);

impl OptionsBody {
    pub(crate) fn new(options: &JobOptions) -> Self {
        Self(options.clone())
    }
}

impl ToSchema for OptionsBody {
    fn name() -> std::borrow::Cow<'static, str> {
        "EffectiveOptions".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("SpeakerRange".to_owned(), parsed(speaker_range_schema())));
    }
}

impl PartialSchema for OptionsBody {
    fn schema() -> RefOr<Schema> {
        parsed(effective_schema())
    }
}

fn parsed(schema: serde_json::Value) -> RefOr<Schema> {
    serde_json::from_value(schema).expect("a schema made from the table of options is a schema")
}
