//! Routes and their declarations. Adding a handler and declaring its scope, budget, refusals, parameters, headers and
//! WebSocket counterpart is one expression, so that neither the guard nor the description can miss a route.

mod components;
mod operation;
mod table;

use axum::Router;
use axum::http::Method;
use axum::routing::MethodRouter;
use serde_json::Value;
use utoipa::openapi::path::PathItem;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

pub(crate) use components::{
    CACHE_CONTROL, COMMON_HEADERS, COMMON_PARAMETERS, CONTENT_RANGE, ERROR_HEADERS, ETAG, Header, Parameter, RETRY_AFTER,
    WWW_AUTHENTICATE, any_text,
};
pub(crate) use operation::{Counterpart, Operation};
pub(crate) use table::{Access, Cost, Table, Terms};

/// Routes with their declarations, of one resource or of all.
pub(crate) struct Routes<S> {
    router: OpenApiRouter<S>,
    table: Table,
    operations: Vec<Declared>,
    schemas: Vec<(&'static str, Value)>,
    examples: Vec<(&'static str, Value)>,
    tags: Vec<(&'static str, &'static str)>,
}

/// An operation at one address.
pub(crate) struct Declared {
    /// The path in the router's syntax.
    pub(crate) path: String,
    pub(crate) method: Method,
    pub(crate) operation: Operation,
}

/// The parts that the OpenAPI document is made from.
pub(crate) struct Description {
    /// The document derived from the handlers' types.
    pub(crate) openapi: utoipa::openapi::OpenApi,
    pub(crate) operations: Vec<Declared>,
    /// Schemas that are not derived from a type, by name.
    pub(crate) schemas: Vec<(&'static str, Value)>,
    /// Examples, by the name of their schema.
    pub(crate) examples: Vec<(&'static str, Value)>,
    /// The groups of operations, each with its description.
    pub(crate) tags: Vec<(&'static str, &'static str)>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    pub(crate) fn new() -> Self {
        Self {
            router: OpenApiRouter::default(),
            table: Table::default(),
            operations: Vec::new(),
            schemas: Vec::new(),
            examples: Vec::new(),
            tags: Vec::new(),
        }
    }

    /// Describes the tag that groups the operations of this resource in the document.
    pub(crate) fn tag(mut self, name: &'static str, description: &'static str) -> Self {
        self.tags.push((name, description));
        self
    }

    /// Adds one handler of `routes!` with its declaration.
    pub(crate) fn operation(mut self, (schemas, mut paths, handler): UtoipaMethodRouter<S>, operation: Operation) -> Self {
        let found = paths.paths.iter().find_map(|(path, item)| Some((path.clone(), only_operation(item)?)));
        let (path, (method, id)) = found.expect("`routes!` was given one handler");
        self.table.insert(&path, method.clone(), operation.terms);
        if let Some(alias) = operation.alias {
            let mut item = paths.paths.get(&path).cloned().unwrap_or_default();
            if let Some(described) = item.get.as_mut() {
                described.operation_id = Some(format!("{id}_at_root"));
            }
            paths.paths.insert(alias.to_owned(), item);
            self.table.insert(alias, method.clone(), operation.terms);
            self.operations.push(Declared { path: alias.to_owned(), method: method.clone(), operation });
        }
        self.operations.push(Declared { path, method, operation });
        self.router = self.router.routes((schemas, paths, handler));
        self
    }

    /// Adds a `GET` that is no operation of the interface: a page, or the upgrade to a WebSocket.
    pub(crate) fn page(mut self, path: &'static str, handler: MethodRouter<S>, terms: Terms) -> Self {
        self.table.insert(path, Method::GET, terms);
        self.router = self.router.route(path, handler);
        self
    }

    /// Answers an address that no route has 404 even without a key, so that the error of a mistyped probe or link is clear. If
    /// the address ends in `/`, everything below it is meant.
    pub(crate) fn admit_unserved(mut self, address: &'static str, access: Access) -> Self {
        self.table.admit_unserved(address, access);
        self
    }

    /// Adds a schema that is not derived from a type.
    pub(crate) fn schema(mut self, name: &'static str, schema: Value) -> Self {
        self.schemas.push((name, schema));
        self
    }

    /// Adds an example of a body; the name is that of its schema.
    pub(crate) fn example(mut self, name: &'static str, example: Value) -> Self {
        self.examples.push((name, example));
        self
    }

    /// Adds the routes of a resource.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.table.merge(other.table);
        self.operations.extend(other.operations);
        self.schemas.extend(other.schemas);
        self.examples.extend(other.examples);
        self.tags.extend(other.tags);
        self
    }

    pub(super) fn into_router(self) -> (Router<S>, Table) {
        (self.router.into(), self.table)
    }

    /// The parts of the OpenAPI document, without the handlers.
    pub(crate) fn describe(self) -> Description {
        Description {
            openapi: self.router.into_openapi(),
            operations: self.operations,
            schemas: self.schemas,
            examples: self.examples,
            tags: self.tags,
        }
    }
}

/// The method and the handler's name of a path with a single operation.
fn only_operation(item: &PathItem) -> Option<(Method, String)> {
    let described =
        [(Method::GET, &item.get), (Method::PUT, &item.put), (Method::POST, &item.post), (Method::DELETE, &item.delete)];
    described.into_iter().find_map(|(method, operation)| Some((method, operation.as_ref()?.operation_id.clone()?)))
}
