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
    open_prefixes: Vec<&'static str>,
}

impl Table {
    pub(super) fn insert(&mut self, path: &str, method: Method, terms: Terms) {
        self.routes.entry(path.to_owned()).or_default().push((method, terms));
    }

    /// Addresses that no route has are open below this prefix: they are answered 404 instead of 401.
    pub(super) fn open_below(&mut self, prefix: &'static str) {
        self.open_prefixes.push(prefix);
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (path, methods) in other.routes {
            self.routes.entry(path).or_default().extend(methods);
        }
        self.open_prefixes.extend(other.open_prefixes);
    }

    /// The terms of a request: `route` is the path of the matched route, `None` when no route has this address.
    pub(crate) fn terms(&self, route: Option<&str>, method: &Method, address: &str) -> Terms {
        let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        // These have no handler: 404, or 405 with `Allow`.
        let unserved = Terms::key(if is_safe { Scope::Read } else { Scope::Write });
        let Some(route) = route else {
            let is_open = self.open_prefixes.iter().any(|prefix| address.starts_with(prefix));
            return if is_open { Terms::open() } else { unserved };
        };
        let Some(methods) = self.routes.get(route) else { return Terms::key(Scope::Write) };
        let wanted = if *method == Method::HEAD { &Method::GET } else { method };
        if let Some((_, terms)) = methods.iter().find(|(method, _)| method == wanted) {
            return *terms;
        }
        if methods.iter().all(|(_, terms)| terms.access == Access::Open) {
            methods.first().map_or(unserved, |(_, terms)| *terms)
        } else {
            unserved
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
        table.open_below("/live/");
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
        ] {
            assert_eq!(table.terms(route, &method, address), expected, "{method} {address}");
        }
    }
}
