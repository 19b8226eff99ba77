//! The part of a session that commands may read and change: the caller, the subscriptions, and the current upload.

use std::pin::Pin;

use futures_util::stream::Stream;
use tokio_stream::StreamMap;

use super::answer::Reply;
use super::application::Application;
use super::close::Close;
use crate::access::Caller;
use crate::http::error::ApiError;
use crate::http::gate::Gate;
use crate::http::outgoing::Outgoing;
use crate::http::requester::Requester;
use crate::http::visitor::Visitor;

/// The greatest number of topics that one session subscribes to.
const MAX_SUBSCRIPTIONS: usize = 100;

/// An item of a subscription.
pub(crate) enum Step {
    /// The text of a message.
    Message(Outgoing),
    /// The topic has ended, and the subscription with it.
    Ended(Ended),
}

/// The end of a topic.
pub(crate) struct Ended {
    /// The close code of a session that is bound to the topic.
    pub(crate) close: Close,
    /// The message that other sessions receive.
    pub(crate) notice: Option<Reply>,
}

/// The messages of a topic.
pub(crate) type Steps = Pin<Box<dyn Stream<Item = Step> + Send>>;

/// The client of a session.
pub(crate) struct Client<A: Application> {
    pub(crate) app: A,
    pub(crate) gate: Gate,
    pub(crate) requester: Requester,
    /// The client whose rate limit budget is charged for the commands.
    pub(super) visitor: Visitor,
    /// The current upload, which receives the binary frames.
    pub(crate) upload: Option<A::Upload>,
    pub(super) subscriptions: StreamMap<A::Topic, Steps>,
    /// The topic that the session ends with.
    bound: Option<A::Topic>,
}

impl<A: Application> Client<A> {
    pub(super) fn new(app: A, gate: Gate, requester: Requester, visitor: Visitor) -> Self {
        Self { app, gate, requester, visitor, upload: None, subscriptions: StreamMap::new(), bound: None }
    }

    /// Notes the caller of the session.
    pub(super) fn is_called_by(&mut self, caller: Caller) {
        if let Some(connection) = &self.visitor.connection {
            connection.identify(caller.clone());
        }
        self.visitor.caller = Some(caller.clone());
        self.requester = Requester { caller, client: self.visitor.client(), language: self.requester.language };
    }

    /// Checks that the session may have one more subscription; a topic that it already follows counts once.
    ///
    /// # Errors
    /// When the session has the greatest number of subscriptions.
    pub(crate) fn check_room(&self, topic: A::Topic) -> Result<(), ApiError> {
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS && !self.subscriptions.contains_key(&topic) {
            return Err(ApiError::InvalidRequest(format!("a session follows at most {MAX_SUBSCRIPTIONS} {}", A::TOPICS)));
        }
        Ok(())
    }

    /// Subscribes to a topic; replaces an earlier subscription to it.
    pub(crate) fn subscribe(&mut self, topic: A::Topic, steps: Steps) {
        self.subscriptions.insert(topic, steps);
    }

    /// Ends a subscription; the session stays bound to its topic.
    pub(crate) fn drop_subscription(&mut self, topic: A::Topic) {
        self.subscriptions.remove(&topic);
    }

    /// Ends a subscription on request of the client: the session no longer ends with the topic.
    pub(crate) fn unsubscribe(&mut self, topic: A::Topic) {
        self.drop_subscription(topic);
        self.bound = self.bound.filter(|bound| *bound != topic);
    }

    /// Binds the session to this topic: it ends when the topic ends.
    pub(crate) fn bind(&mut self, topic: A::Topic) {
        self.bound = Some(topic);
    }

    /// Whether the session ends with this topic.
    pub(crate) fn is_bound_to(&self, topic: A::Topic) -> bool {
        self.bound == Some(topic)
    }
}
