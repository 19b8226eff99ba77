//! A page of a list.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::JobBody;

/// Some jobs, and where there are more.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = JobList)]
pub(crate) struct JobsPage {
    /// Jobs, whole or with the fields that were asked for.
    #[schema(value_type = Vec<JobFields>)]
    pub data: Vec<Map<String, Value>>,
    /// About the list.
    pub meta: PageMeta,
}

/// About a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PageMeta {
    /// Where the page stands.
    pub pagination: Pagination,
}

/// Where a page stands in its list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Pagination {
    /// Most items of a page.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: usize,
    /// Opaque; null on the last page.
    pub next_cursor: Option<String>,
    /// The next page; null on the last one.
    pub next_url: Option<String>,
}

/// A job in a list: whole, or with the fields that were asked for. Only a schema.
pub(crate) struct JobFields;

impl PartialSchema for JobFields {
    fn schema() -> RefOr<Schema> {
        let mut schema = JobBody::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.required.clear();
            object.description = Some("A job, whole or with the fields that were asked for.".to_owned());
        }
        schema
    }
}

impl ToSchema for JobFields {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        JobBody::schemas(schemas);
    }
}
