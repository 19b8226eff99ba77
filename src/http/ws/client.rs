//! What a command may see and change of its session: who asks, the subscriptions, and the upload that is under way.

use std::pin::Pin;

use futures_util::stream::Stream;
use tokio_stream::StreamMap;

use super::answer::Reply;
use super::application::Application;
use super::close::Close;
use crate::http::error::ApiError;
use crate::http::gate::Gate;
use crate::http::requester::Requester;
use crate::http::visitor::Visitor;

/// Most topics that one session subscribes to.
const MAX_SUBSCRIPTIONS: usize = 100;

/// What a subscription brings.
pub(crate) enum Step {
    /// A message, as it is sent.
    Message(String),
    /// The topic has ended, and the subscription with it.
    Ended(Ended),
}

/// The end of a topic.
pub(crate) struct Ended {
    /// How a session ends that is bound to the topic.
    pub(crate) close: Close,
    /// What other sessions are sent.
    pub(crate) notice: Option<Reply>,
}

/// The messages of a topic.
pub(crate) type Steps = Pin<Box<dyn Stream<Item = Step> + Send>>;

/// The client of a session.
pub(crate) struct Client<A: Application> {
    pub(crate) app: A,
    pub(crate) gate: Gate,
    pub(crate) requester: Requester,
    /// Whose budget the commands are paid from.
    pub(super) visitor: Visitor,
    /// Takes the binary frames, while one is under way.
    pub(crate) upload: Option<A::Upload>,
    pub(super) subscriptions: StreamMap<A::Topic, Steps>,
    /// The topic that the session ends with.
    bound: Option<A::Topic>,
}

impl<A: Application> Client<A> {
    pub(super) fn new(app: A, gate: Gate, requester: Requester, visitor: Visitor) -> Self {
        Self { app, gate, requester, visitor, upload: None, subscriptions: StreamMap::new(), bound: None }
    }

    /// Whether there is room for a subscription; a topic that is subscribed to already needs none.
    ///
    /// # Errors
    /// When the session has as many subscriptions as it may.
    pub(crate) fn check_room(&self, topic: A::Topic) -> Result<(), ApiError> {
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS && !self.subscriptions.contains_key(&topic) {
            return Err(ApiError::InvalidRequest(format!("a session follows at most {MAX_SUBSCRIPTIONS} jobs")));
        }
        Ok(())
    }

    /// Subscribes to a topic, instead of an earlier subscription to it.
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

    /// Lets the session end with this topic.
    pub(crate) fn bind(&mut self, topic: A::Topic) {
        self.bound = Some(topic);
    }

    /// Whether the session ends with this topic.
    pub(crate) fn is_bound_to(&self, topic: A::Topic) -> bool {
        self.bound == Some(topic)
    }
}
