//! The declaration of an operation: everything that its handler's types do not express.

use serde_json::Value;

use super::components::{Header, Parameter};
use super::table::{Access, Cost, Terms};
use crate::access::Scope;
use crate::access::limits::Budget;
use crate::http::error::Code;

/// The WebSocket counterpart of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counterpart {
    /// The commands with these names.
    Commands(&'static [&'static str]),
    /// There is none, for this reason.
    #[cfg_attr(not(test), expect(dead_code, reason = "the reason is for readers of the declaration"))]
    None(&'static str),
}

/// The declaration of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) terms: Terms,
    pub(crate) counterpart: Counterpart,
    pub(crate) parameters: &'static [Parameter],
    /// The error codes of this operation, besides those of every request.
    pub(crate) codes: &'static [Code],
    /// The headers of its answers, by status.
    pub(crate) headers: &'static [(&'static str, &'static [Header])],
    /// A second address of a `GET`.
    pub(crate) alias: Option<&'static str>,
    /// Completes the description, for example with links.
    pub(crate) finish: fn(&mut Value),
}

impl Operation {
    const fn with(terms: Terms, counterpart: Counterpart) -> Self {
        Self { terms, counterpart, parameters: &[], codes: &[], headers: &[], alias: None, finish: |_| {} }
    }

    /// Reads: needs a key with the scope `read`.
    pub(crate) const fn read(counterpart: Counterpart) -> Self {
        Self::with(Terms::key(Scope::Read), counterpart)
    }

    /// Changes something: needs a key with the scope `write`.
    pub(crate) const fn write(counterpart: Counterpart) -> Self {
        Self::with(Terms::key(Scope::Write), counterpart)
    }

    /// Submits a recording: needs a key with the scope `write`, and is charged to the budget of submissions.
    pub(crate) const fn submit(counterpart: Counterpart) -> Self {
        Self::with(Terms { access: Access::Key(Scope::Write), cost: Cost::One(Budget::Submissions) }, counterpart)
    }

    /// Needs no key: for orchestrators and people with a browser.
    pub(crate) const fn open(counterpart: Counterpart) -> Self {
        Self::with(Terms::open(), counterpart)
    }

    /// Needs no key and costs nothing: orchestrators probe every few seconds from one address.
    pub(crate) const fn probe(counterpart: Counterpart) -> Self {
        Self::with(Terms { access: Access::Open, cost: Cost::Nothing }, counterpart)
    }

    /// Declares the parameters that the handler reads.
    pub(crate) const fn parameters(mut self, parameters: &'static [Parameter]) -> Self {
        self.parameters = parameters;
        self
    }

    /// Declares the codes that the handler can refuse with.
    pub(crate) const fn codes(mut self, codes: &'static [Code]) -> Self {
        self.codes = codes;
        self
    }

    /// Declares the headers of its answers, by status.
    pub(crate) const fn headers(mut self, headers: &'static [(&'static str, &'static [Header])]) -> Self {
        self.headers = headers;
        self
    }

    /// Answers at this address as well.
    pub(crate) const fn also_at(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// Completes the description of the operation.
    pub(crate) const fn finish(mut self, finish: fn(&mut Value)) -> Self {
        self.finish = finish;
        self
    }
}
