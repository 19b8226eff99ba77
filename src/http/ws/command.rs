//! The commands that clients send. Each is declared once, with its name, scope, budget, fields, answer and function; the
//! session looks them up in one table, and the schema of the messages is made from it.

use std::future::Future;
use std::pin::Pin;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::answer::{Answer, Authenticated, Pong, Refused, Reply};
use super::application::Application;
use super::client::Client;
use crate::access::Scope;
use crate::access::limits::Budget;
use crate::http::error::ApiError;
use crate::http::openapi::schemas;

/// A command, read from the fields of its message. Unknown fields are ignored.
pub(crate) trait Command<A: Application>: DeserializeOwned + ToSchema + Send + 'static {
    /// The value of `type` in the message.
    const NAME: &'static str;
    /// The scope that the caller's key must have; `None` if anyone may send the command.
    const SCOPE: Option<Scope>;
    /// The rate limit budget that it is charged to; `None` if it costs nothing.
    const BUDGET: Option<Budget>;
    type Answer: Answer;

    /// Carries the command out.
    fn run(self, client: &mut Client<A>) -> impl Future<Output = Result<Self::Answer, ApiError>> + Send;
}

/// The commands of a session.
pub(crate) struct Commands<A> {
    entries: Vec<Entry<A>>,
    answers: Vec<Described>,
}

/// A row of the table of commands.
struct Entry<A> {
    name: &'static str,
    scope: Option<Scope>,
    budget: Option<Budget>,
    read: fn(&Value) -> serde_json::Result<Box<dyn Runnable<A>>>,
    described: Described,
}

/// The schema of a command or an answer.
#[derive(Clone, Copy)]
pub(super) struct Described {
    /// The value of `type` in the message.
    pub(super) name: &'static str,
    pub(super) schema: fn() -> Value,
    /// The schemas that `schema` refers to.
    pub(super) definitions: fn() -> Map<String, Value>,
}

/// A command that was read from a message.
pub(super) struct Understood<A> {
    pub(super) scope: Option<Scope>,
    pub(super) budget: Option<Budget>,
    pub(super) command: Box<dyn Runnable<A>>,
}

/// The future of a command that is carried out.
type Running<'a> = Pin<Box<dyn Future<Output = Result<Reply, ApiError>> + Send + 'a>>;

/// A command without its concrete type.
pub(super) trait Runnable<A>: Send {
    fn start(self: Box<Self>, client: &mut Client<A>) -> Running<'_>
    where
        A: Application;
}

impl<A: Application, C: Command<A>> Runnable<A> for C {
    fn start(self: Box<Self>, client: &mut Client<A>) -> Running<'_> {
        Box::pin(async move { Ok((*self).run(client).await?.into_reply()) })
    }
}

impl Described {
    const fn of<T: ToSchema>(name: &'static str) -> Self {
        Self { name, schema: schemas::own::<T>, definitions: schemas::definitions_of::<T> }
    }
}

impl<A: Application> Commands<A> {
    /// The commands that every session has.
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), answers: Vec::new() }.command::<Ping>().command::<Authenticate>().answer::<Refused>()
    }

    /// Adds a command and its answer.
    pub(crate) fn command<C: Command<A>>(mut self) -> Self {
        self.entries.push(Entry {
            name: C::NAME,
            scope: C::SCOPE,
            budget: C::BUDGET,
            read: |message| Ok(Box::new(C::deserialize(message)?)),
            described: Described::of::<C>(C::NAME),
        });
        self.answer::<C::Answer>()
    }

    /// Adds an answer that is sent unasked.
    pub(crate) fn answer<T: Answer>(mut self) -> Self {
        if self.answers.iter().all(|known| known.name != T::NAME) {
            self.answers.push(Described::of::<T>(T::NAME));
        }
        self
    }

    /// Whether there is a command of this name.
    #[cfg(test)]
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// Reads a message as a command.
    pub(super) fn understand(&self, message: &Value) -> Result<Understood<A>, ApiError> {
        let malformed = |reason: String| ApiError::InvalidRequest(format!("the message is not understood: {reason}"));
        let name = message.get("type").and_then(Value::as_str).ok_or_else(|| malformed("missing field `type`".to_owned()))?;
        let Some(entry) = self.entries.iter().find(|entry| entry.name == name) else {
            let known: Vec<String> = self.entries.iter().map(|entry| format!("`{}`", entry.name)).collect();
            return Err(malformed(format!("unknown variant `{name}`, expected one of {}", known.join(", "))));
        };
        let command = (entry.read)(message).map_err(|error| malformed(error.to_string()))?;
        Ok(Understood { scope: entry.scope, budget: entry.budget, command })
    }

    /// Reads a message as far as it can be read without a server.
    #[cfg(fuzzing)]
    pub(crate) fn check(&self, message: &Value) {
        // Both outcomes are fine: only a panic is a failure.
        let _answered = self.understand(message);
    }

    pub(super) fn messages(&self) -> impl Iterator<Item = Described> {
        self.entries.iter().map(|entry| entry.described)
    }

    pub(super) fn answers(&self) -> impl Iterator<Item = Described> {
        self.answers.iter().copied()
    }
}

/// Requests a `pong`, to test the connection.
#[derive(serde::Deserialize, ToSchema)]
struct Ping {}

impl<A: Application> Command<A> for Ping {
    const NAME: &'static str = "ping";
    const SCOPE: Option<Scope> = None;
    const BUDGET: Option<Budget> = None;
    type Answer = Pong;

    async fn run(self, _: &mut Client<A>) -> Result<Pong, ApiError> {
        Ok(Pong {})
    }
}

/// Authenticates the session with a key. Must be the first message if keys are required and the upgrade had none.
#[derive(serde::Deserialize, ToSchema)]
struct Authenticate {
    /// The secret API key, as `Authorization: Bearer` would carry it.
    key: String,
}

impl<A: Application> Command<A> for Authenticate {
    const NAME: &'static str = "authenticate";
    const SCOPE: Option<Scope> = None;
    const BUDGET: Option<Budget> = Some(Budget::Reads);
    type Answer = Authenticated;

    /// Also answers if the caller is already known and if no keys are required: a page may always send its key.
    async fn run(self, client: &mut Client<A>) -> Result<Authenticated, ApiError> {
        Ok(Authenticated::new(&client.gate.access.authenticate(&self.key).ok_or(ApiError::Unauthorized)?))
    }
}
