//! Following jobs over WebSocket: the commands to subscribe and unsubscribe, and the messages of a subscription.

use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::follower::{Follower, Next, write_event};
use crate::access::Scope;
use crate::access::limits::Budget;
use crate::api::jobs::answers::JobDeleted;
use crate::api::jobs::bodies::uuid;
use crate::api::jobs::commands::job_id;
use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::http::ws::{Answer, Client, Close, Command, Ended, Reply, Step, Steps};
use crate::jobs::JobId;

/// The job does not exist, or belongs to another key.
pub(crate) const UNKNOWN_JOB: Close = (4404, "there is no such job");
/// The job was deleted while a session was bound to it.
const DELETED: Close = (4404, "the job was deleted");
/// The job has ended, and all its events were sent.
const FINISHED: Close = (1000, "the job is finished");

/// Follows a job, starting after event `last_seq` or with its present state. Returns the number after which events are sent.
///
/// # Errors
/// When the requester may not see the job, or the session follows too many jobs.
pub(crate) fn follow(client: &mut Client<AppState>, id: JobId, last_seq: Option<u64>) -> Result<u64, ApiError> {
    client.check_room(id)?;
    let follower = Follower::new(&client.app, &client.requester, id, last_seq)?;
    let last = follower.last();
    client.subscribe(id, steps(client.app.clone(), client.requester.clone(), follower));
    Ok(last)
}

/// The messages of a job. Each event is written here, since a result has to be read from the volume.
fn steps(state: AppState, requester: Requester, follower: Follower) -> Steps {
    Box::pin(stream::unfold(Some((state, requester, follower)), |following| async move {
        let (state, requester, mut follower) = following?;
        match follower.next(&state).await {
            Next::Event(event) => {
                let message = write_event(&state, &requester, follower.id(), &event).await;
                Some((Step::Message(message.text), Some((state, requester, follower))))
            }
            Next::Ended => Some((Step::Ended(Ended { close: FINISHED, notice: None }), None)),
            Next::Gone => {
                let notice = Reply::new(&JobDeleted { job_id: uuid(follower.id()) });
                Some((Step::Ended(Ended { close: DELETED, notice: Some(notice) }), None))
            }
        }
    }))
}

/// Subscribes to a job: the session gets its present state, or all events after `last_seq`, and then every new event.
#[derive(Deserialize, ToSchema)]
pub(super) struct SubscribeJob {
    /// The id of the job, a UUID.
    job_id: String,
    /// The number of the last event that the client has received. Without it, events start with the job's present state.
    #[serde(default)]
    last_seq: Option<u64>,
}

impl Command<AppState> for SubscribeJob {
    const NAME: &'static str = "subscribe_job";
    const SCOPE: Option<Scope> = Some(Scope::Read);
    const BUDGET: Option<Budget> = Some(Budget::Reads);
    type Answer = Subscribed;

    async fn run(self, client: &mut Client<AppState>) -> Result<Subscribed, ApiError> {
        let id = job_id(&self.job_id)?;
        Ok(Subscribed { job_id: uuid(id), last_seq: follow(client, id, self.last_seq)? })
    }
}

/// Ends the subscription to a job; no more of its events are sent.
#[derive(Deserialize, ToSchema)]
pub(super) struct UnsubscribeJob {
    /// The id of the job, a UUID.
    job_id: String,
}

impl Command<AppState> for UnsubscribeJob {
    const NAME: &'static str = "unsubscribe_job";
    const SCOPE: Option<Scope> = Some(Scope::Read);
    const BUDGET: Option<Budget> = Some(Budget::Reads);
    type Answer = Unsubscribed;

    async fn run(self, client: &mut Client<AppState>) -> Result<Unsubscribed, ApiError> {
        let id = job_id(&self.job_id)?;
        client.unsubscribe(id);
        Ok(Unsubscribed { job_id: uuid(id) })
    }
}

/// The session follows the job.
#[derive(Serialize, ToSchema)]
pub(super) struct Subscribed {
    /// The id of the job.
    job_id: Uuid,
    /// Events with a number greater than this one are sent.
    last_seq: u64,
}

/// The session no longer follows the job.
#[derive(Serialize, ToSchema)]
pub(super) struct Unsubscribed {
    /// The id of the job.
    job_id: Uuid,
}

impl Answer for Subscribed {
    const NAME: &'static str = "subscribed";
}

impl Answer for Unsubscribed {
    const NAME: &'static str = "unsubscribed";
}
