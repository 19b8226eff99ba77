//! The documentation that the server gives of itself: the description of the interface, Swagger UI over it, and the codes of
//! errors. All of it is part of the program; nothing is fetched from elsewhere.

mod pages;

use axum::Extension;
use axum::routing::get;
use utoipa_axum::router::UtoipaMethodRouterExt;
use utoipa_axum::routes;

use super::state::AppState;
use crate::http::routes::{Access, Counterpart, Operation, Routes, Terms};
pub(super) use pages::Documents;

/// The routes of the documentation. People with a browser have no key, so they need none.
pub(super) fn routes(documents: Documents) -> Routes<AppState> {
    Routes::new()
        .operation(
            routes!(pages::get_openapi).layer(Extension(documents)),
            Operation::open(Counterpart::None("it describes HTTP; the messages have a schema of their own")),
        )
        .page("/docs", get(pages::show_page), Terms::open())
        .page("/docs/", get(pages::show_page), Terms::open())
        .page("/docs/errors", get(pages::show_errors), Terms::open())
        .page("/docs/{asset}", pages::assets(), Terms::open())
        .page("/api/v1/docs", get(pages::show_page), Terms::open())
        .admit_unserved("/docs/", Access::Open)
        .admit_unserved("/api/v1/docs/", Access::Open)
        .admit_unserved("/openapi.json", Access::Open)
}
