//! The conditions that a request must meet before its handler runs, looked up by matched path and method.
//!
//! Closed by default: a route without an entry needs a key with the scope `write`. Filled once, when the router is built; a
//! lookup is one hash of the path.

use std::collections::HashMap;

use axum::http::Method;

use crate::access::Scope;
use crate::access::limits::Budget;

/// Whether a request needs a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// No key is needed, and a wrong one is accepted.
    Open,
    /// A key with this scope is needed.
    Key(Scope),
    /// As [`Access::Key`], except that a WebSocket upgrade without a key is admitted: its first message must authenticate, and
    /// each command has its own scope.
    Session(Scope),
}

/// The cost of a request against the client's rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// One request is charged to this budget.
    One(Budget),
    /// Nothing is charged: probes of orchestrators are never refused by the rate limit.
    Nothing,
}

/// The conditions of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) access: Access,
    pub(crate) cost: Cost,
}

impl Terms {
    /// Needs a key with this scope and costs one read.
    pub(crate) const fn key(scope: Scope) -> Self {
        Self { access: Access::Key(scope), cost: Cost::One(Budget::Reads) }
    }

    /// Needs no key and costs one read.
    pub(crate) const fn open() -> Self {
        Self { access: Access::Open, cost: Cost::One(Budget::Reads) }
    }

    /// A WebSocket: see [`Access::Session`].
    pub(crate) const fn session() -> Self {
        Self { access: Access::Session(Scope::Read), cost: Cost::One(Budget::Reads) }
    }
}

/// The terms of every route of the router.
#[derive(Debug, Default)]
pub(crate) struct Table {
    routes: HashMap<String, Vec<(Method, Terms)>>,
    /// Addresses that no route has; one that ends in `/` stands for everything below it.
    unserved: Vec<(&'static str, Access)>,
}

impl Table {
    pub(super) fn insert(&mut self, path: &str, method: Method, terms: Terms) {
        self.routes.entry(path.to_owned()).or_default().push((method, terms));
    }

    /// Admits requests for an address that no route has: they are answered 404 instead of 401. If it ends in `/`, everything
    /// below it is meant.
    pub(super) fn admit_unserved(&mut self, address: &'static str, access: Access) {
        self.unserved.push((address, access));
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (path, methods) in other.routes {
            self.routes.entry(path).or_default().extend(methods);
        }
        self.unserved.extend(other.unserved);
    }

    /// The terms of a request: `route` is the path of the matched route, `None` when no route has this address.
    pub(crate) fn terms(&self, route: Option<&str>, method: &Method, address: &str) -> Terms {
        let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        // These have no handler: 404, or 405 with `Allow`.
        let scope = if is_safe { Scope::Read } else { Scope::Write };
        let unserved = |access| match access {
            Access::Open => Terms::open(),
            Access::Session(_) => Terms { access: Access::Session(scope), ..Terms::session() },
            Access::Key(_) => Terms::key(scope),
        };
        let Some(route) = route else {
            let is_at = |place: &str| if place.ends_with('/') { address.starts_with(place) } else { address == place };
            let admitted = self.unserved.iter().find(|(place, _)| is_at(place));
            return unserved(admitted.map_or(Access::Key(scope), |(_, access)| *access));
        };
        let Some(methods) = self.routes.get(route) else { return Terms::key(Scope::Write) };
        let wanted = if *method == Method::HEAD { &Method::GET } else { method };
        if let Some((_, terms)) = methods.iter().find(|(method, _)| method == wanted) {
            return *terms;
        }
        match methods.first() {
            Some((_, terms)) if methods.iter().all(|(_, terms)| terms.access == Access::Open) => *terms,
            _ if methods.iter().any(|(_, terms)| matches!(terms.access, Access::Session(_))) => unserved(Access::Session(scope)),
            _ => unserved(Access::Key(scope)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_has_its_own_terms_and_everything_else_is_closed() {
        let submission = Terms { access: Access::Key(Scope::Write), cost: Cost::One(Budget::Submissions) };
        let probe = Terms { access: Access::Open, cost: Cost::Nothing };
        let mut table = Table::default();
        table.insert("/items", Method::GET, Terms::key(Scope::Read));
        table.insert("/items", Method::POST, submission);
        table.insert("/live", Method::GET, probe);
        table.insert("/talk", Method::GET, Terms::session());
        table.admit_unserved("/live/", Access::Open);
        table.admit_unserved("/help", Access::Open);
        table.admit_unserved("/talk/", Access::Session(Scope::Read));
        let talk = |scope| Terms { access: Access::Session(scope), ..Terms::session() };
        let (read, write) = (Terms::key(Scope::Read), Terms::key(Scope::Write));
        for (route, method, address, expected) in [
            (Some("/items"), Method::GET, "/items", read),
            (Some("/items"), Method::HEAD, "/items", read),
            (Some("/items"), Method::POST, "/items", submission),
            (Some("/items"), Method::OPTIONS, "/items", read),
            (Some("/items"), Method::DELETE, "/items", write),
            (Some("/live"), Method::HEAD, "/live", probe),
            (Some("/live"), Method::DELETE, "/live", probe),
            (Some("/undeclared"), Method::GET, "/undeclared", write),
            (None, Method::GET, "/nowhere", read),
            (None, Method::PUT, "/nowhere", write),
            (None, Method::GET, "/live/x", Terms::open()),
            (None, Method::GET, "/lively", read),
            (None, Method::GET, "/help", Terms::open()),
            (None, Method::GET, "/help/x", read),
            (Some("/talk"), Method::DELETE, "/talk", talk(Scope::Write)),
            (Some("/talk"), Method::OPTIONS, "/talk", talk(Scope::Read)),
            (None, Method::POST, "/talk/a/b", talk(Scope::Write)),
        ] {
            assert_eq!(table.terms(route, &method, address), expected, "{method} {address}");
        }
    }
}
