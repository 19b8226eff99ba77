//! A page of the list of jobs.

use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::JobBody;

/// A page of the list of jobs. The jobs are written one by one while they are sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = JobList)]
pub(crate) struct JobsPage {
    /// The jobs of this page, each with all its fields or with the requested ones; empty if there are none.
    #[schema(value_type = Vec<JobFields>)]
    pub data: [(); 0],
    /// The position of this page in the list.
    pub meta: PageMeta,
}

/// Facts about a list beside its items.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PageMeta {
    /// The position of the page, and how to get the next one.
    pub pagination: Pagination,
}

/// The position of a page in its list, and how to get the next one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Pagination {
    /// The greatest number of jobs on a page.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: usize,
    /// The `cursor` of the next page, opaque to clients; null on the last page.
    pub next_cursor: Option<String>,
    /// The address of the next page, relative to the server's root; null on the last page, and over WebSocket.
    pub next_url: Option<String>,
}

/// The schema of a job in a list: with all its fields or with the requested ones.
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
