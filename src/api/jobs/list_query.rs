//! The query of the list of jobs: filters, order, page and fields.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::{Value, json};

use super::bodies::JobBody;
use super::list::{DEFAULT_LIMIT, ListRequest, MAX_LIMIT, decode_cursor};
use crate::http::error::{ApiError, Mistake};
use crate::http::query::{MAX_ITEMS, Parameters};
use crate::http::routes::Parameter;
use crate::jobs::JobState;
use crate::lifecycle::{Filter, Order};

/// The greatest number of characters of a search text.
const MAX_TEXT_CHARS: usize = 255;
/// The greatest number of characters of a cursor; the server's own have at most 53.
const MAX_CURSOR_CHARS: usize = 64;
/// The form of a cursor, so that testing tools generate valid ones; its meaning is private to the server.
const CURSOR: &str = "^((0|[1-9a-f][0-9a-f]{0,15})\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$";

/// The parameters of the list.
pub(super) const PARAMETERS: [Parameter; 9] = [
    Parameter::query(
        "Limit",
        "limit",
        || json!({ "type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT }),
        "Most jobs of the page.",
    ),
    Parameter::query(
        "Cursor",
        "cursor",
        || json!({ "type": "string", "maxLength": MAX_CURSOR_CHARS, "pattern": CURSOR }),
        "Where the page begins: `next_cursor` of the page before.",
    ),
    Parameter::query("Status", "status", || names(JobState::NAMES), "Only jobs in one of these."),
    Parameter::query("CreatedAfter", "created_after", moment, "Only jobs accepted later than this."),
    Parameter::query("CreatedBefore", "created_before", moment, "Only jobs accepted earlier than this."),
    Parameter::query("ExternalId", "external_id", text, "Only jobs with this `metadata.external_id`."),
    Parameter::query("Filename", "filename", text, "Only jobs whose file name holds this."),
    Parameter::query(
        "Sort",
        "sort",
        || json!({ "type": "string", "enum": ["-created_at", "created_at"], "default": "-created_at" }),
        "The order: newest or oldest first.",
    ),
    Parameter::query(
        "Fields",
        "fields",
        || names(&JobBody::FIELDS),
        "The fields of each job to return, separated by commas; all when left out.",
    )
    .comma_separated(),
];

fn names(choices: &[&str]) -> Value {
    json!({ "type": "array", "minItems": 1, "maxItems": MAX_ITEMS, "items": { "type": "string", "enum": choices } })
}

fn text() -> Value {
    json!({ "type": "string", "maxLength": MAX_TEXT_CHARS })
}

fn moment() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// The query of `GET /jobs`.
#[derive(Debug)]
pub(super) struct ListQuery {
    pub(super) request: ListRequest,
    pub(super) given: Given,
}

/// The parameters as the client sent them, without the cursor.
#[derive(Debug)]
pub(super) struct Given(String);

impl Given {
    /// The address of the page that starts at this cursor.
    pub(super) fn next_url(&self, path: &str, cursor: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(self.0.clone());
        query.append_pair("cursor", cursor);
        format!("{path}?{}", query.finish())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ListQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let request = list_request(Parameters::read(query))?;
        let others = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "cursor");
        let given = form_urlencoded::Serializer::new(String::new()).extend_pairs(others).finish();
        Ok(Self { request, given: Given(given) })
    }
}

/// Reads the parameters of the list.
///
/// # Errors
/// With every mistake, not only the first.
pub(in crate::api) fn list_request(mut given: Parameters) -> Result<ListRequest, ApiError> {
    let statuses: Vec<_> = JobState::NAMES.iter().map(|name| (*name, *name)).collect();
    let filter = Filter {
        statuses: given.several_of("status", &statuses),
        created_after: given.time("created_after"),
        created_before: given.time("created_before"),
        external_id: given.text("external_id", MAX_TEXT_CHARS),
        filename: given.text("filename", MAX_TEXT_CHARS),
    };
    let order = given.one_of("sort", &[("-created_at", Order::Newest), ("created_at", Order::Oldest)]).unwrap_or_default();
    let limit = given.whole_number("limit", 1..=MAX_LIMIT as u64).and_then(|limit| usize::try_from(limit).ok());
    let after = given.text("cursor", MAX_CURSOR_CHARS).and_then(|text| {
        let place = decode_cursor(&text);
        if place.is_none() {
            given.refuse("cursor", Mistake::NotACursor);
        }
        place
    });
    let fields = given.several_of("fields", &JobBody::FIELDS.map(|name| (name, name)));
    given.finish()?;
    Ok(ListRequest { filter, order, after, limit: limit.unwrap_or(DEFAULT_LIMIT), fields })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_mistake_in_the_list_is_reported() {
        let query = "status=lost&created_after=soon&sort=size&limit=101&cursor=xyz&fields=job_id,colour";
        let Err(ApiError::InvalidQuery(checks)) = list_request(Parameters::read(query)) else { panic!("it is taken") };
        assert_eq!(checks.listed().len(), 6, "{checks:?}");
    }

    proptest! {
        #[test]
        fn any_query_is_answered(query in "\\PC{0,80}") {
            match list_request(Parameters::read(&query)) {
                Ok(request) => prop_assert!((1..=MAX_LIMIT).contains(&request.limit)),
                Err(error) => prop_assert!(matches!(error, ApiError::InvalidQuery(checks) if !checks.is_empty())),
            }
        }
    }
}
