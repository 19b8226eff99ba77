//! The list of jobs: pages by a cursor that stays valid while jobs come and go, filters, order, and a choice of fields.

use super::bodies::page::{PageMeta, Pagination};
use super::operations;
use crate::api::state::AppState;
use crate::http::outgoing::Outgoing;
use crate::http::requester::Requester;
use crate::lifecycle::{Filter, ListPosition, Order};

/// Number of items on a page without `limit`.
pub(crate) const DEFAULT_LIMIT: usize = 20;
/// The greatest number of items on a page.
pub(crate) const MAX_LIMIT: usize = 100;

/// A request for a page of the list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListRequest {
    pub(crate) filter: Filter,
    pub(crate) order: Order,
    /// The position after which the page starts; `None` for the first page.
    pub(crate) after: Option<ListPosition>,
    /// The greatest number of items on the page.
    pub(crate) limit: usize,
    /// The top-level fields of each job to return; all when empty.
    pub(crate) fields: Vec<&'static str>,
}

/// What an answer has in place of its jobs, until they are put there.
pub(crate) const NO_JOBS: &str = "\"data\":[]";

/// A page of the list, without the address of the next page: only REST has addresses.
pub(crate) struct ListPage {
    /// The jobs, to be put into an answer in place of [`NO_JOBS`].
    pub(crate) jobs: Outgoing,
    pub(crate) meta: PageMeta,
}

/// The page of the list.
pub(crate) fn list(state: &AppState, requester: &Requester, request: ListRequest) -> ListPage {
    let page = state.lifecycle.jobs().list(&requester.caller, &request.filter, request.order, request.after, request.limit);
    let next_cursor = page.jobs.last().filter(|_| page.has_more).map(|job| encode_cursor(ListPosition::of(job)));
    let meta = PageMeta { pagination: Pagination { limit: request.limit, next_cursor, next_url: None } };
    let (state, requester) = (state.clone(), requester.clone());
    let mut first = true;
    let written = page.jobs.into_iter().map(move |job| {
        let separator = if std::mem::take(&mut first) { "" } else { "," };
        format!("{separator}{}", fields_of(operations::body(&state, &requester, &job), &request.fields))
    });
    ListPage { jobs: Outgoing::of_parts(written).between("\"data\":[", "]"), meta }
}

/// A job as JSON, with these fields; with all when there are none.
fn fields_of(job: impl serde::Serialize, fields: &[&str]) -> String {
    let written = serde_json::to_value(job).map(|mut body| {
        if let Some(body) = body.as_object_mut().filter(|_| !fields.is_empty()) {
            body.retain(|name, _| fields.contains(&name.as_str()));
        }
        body.to_string()
    });
    written.expect("a job has string keys and finite numbers, so it is always JSON")
}

/// A position in the list as an opaque text.
fn encode_cursor(place: ListPosition) -> String {
    format!("{:x}.{}", place.sequence, place.id)
}

/// The position that a cursor encodes; `None` if the server did not make this cursor.
pub(crate) fn decode_cursor(text: &str) -> Option<ListPosition> {
    let (sequence, id) = text.split_once('.')?;
    let sequence = u64::from_str_radix(sequence, 16).ok().filter(|number| format!("{number:x}") == sequence)?;
    Some(ListPosition { sequence, id: id.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::JobId;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_its_place(sequence in any::<u64>()) {
            let place = ListPosition { sequence, id: JobId::random() };
            prop_assert_eq!(decode_cursor(&encode_cursor(place)), Some(place));
        }

        #[test]
        fn any_other_text_is_no_place(text in "\\PC{0,60}") {
            if let Some(place) = decode_cursor(&text) {
                prop_assert_eq!(encode_cursor(place), text);
            }
        }
    }
}
