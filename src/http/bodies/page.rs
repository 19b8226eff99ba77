//! A page of a list.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Some jobs, and where there are more.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = JobList)]
pub(in crate::http) struct JobsPage {
    /// Jobs, whole or with the fields that were asked for.
    #[schema(value_type = Vec<super::job::JobFields>)]
    pub data: Vec<Map<String, Value>>,
    /// About the list.
    pub meta: PageMeta,
}

/// About a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::http) struct PageMeta {
    /// Where the page stands.
    pub pagination: Pagination,
}

/// Where a page stands in its list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(in crate::http) struct Pagination {
    /// Most items of a page.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: usize,
    /// Opaque; null on the last page.
    pub next_cursor: Option<String>,
    /// The next page; null on the last one.
    pub next_url: Option<String>,
}
