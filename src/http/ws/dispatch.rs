//! From a command to its answer: each is handed to the function that serves its REST counterpart.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::Answer;
use super::command::Command;
use super::handshake::welcome;
use super::session::{End, MAX_FRAME_BYTES, Session};
use super::uploading::{Announced, Upload};
use crate::http::bodies::job::{JobBody, uuid};
use crate::http::error::ApiError;
use crate::http::fields::Source;
use crate::http::operations::jobs::{self, Cancelled};
use crate::http::operations::{admission, create, list, queue, result};
use crate::http::parameters::list_request;
use crate::http::query::Parameters;
use crate::http::{health, info};
use crate::intake::{JobRequest, Origin};
use crate::jobs::JobId;
use crate::lifecycle::Accepted;

/// The key under which a client names its command.
const REQUEST_ID: &str = "request_id";

impl Session {
    /// Reads a command and answers it.
    pub(super) async fn command(&mut self, text: &str) -> Result<(), End> {
        let message: Value = match crate::http::json::parse(text.as_bytes()) {
            Ok(message) => message,
            Err(refusal) => return self.refuse(&refusal, None).await,
        };
        let request_id = message.get(REQUEST_ID).filter(|id| id.is_string() || id.is_number()).cloned();
        let command = match understand(&message) {
            Ok(command) => command,
            Err(refusal) => return self.refuse(&refusal, request_id.as_ref()).await,
        };
        match self.carry_out(command).await {
            Ok(answer) => self.answer(&answer, request_id.as_ref()).await,
            Err(refusal) => self.refuse(&refusal, request_id.as_ref()).await,
        }
    }

    async fn carry_out(&mut self, command: Command) -> Result<Answer, ApiError> {
        if let Some(budget) = command.budget() {
            self.state.limits.check(budget, &self.visitor.client())?;
        }
        if !self.state.access.still_knows(&self.requester.caller) {
            return Err(ApiError::Unauthorized);
        }
        if let Some(scope) = command.scope().filter(|scope| !self.requester.caller.may(*scope)) {
            return Err(ApiError::Forbidden { scope });
        }
        let (state, requester) = (self.state.clone(), self.requester.clone());
        Ok(match command {
            Command::Ping {} => Answer::Pong {},
            // A page that always shows its key may do so where it is known already, and where none is asked for.
            Command::Authenticate { key } => welcome(&state.access.authenticate(&key).ok_or(ApiError::Unauthorized)?),
            Command::SubscribeJob { job_id, last_seq } => {
                let id = parse(&job_id)?;
                Answer::Subscribed { job_id: uuid(id), last_seq: self.follow(id, last_seq)? }
            }
            Command::UnsubscribeJob { job_id } => {
                let id = parse(&job_id)?;
                self.unsubscribe(id);
                Answer::Unsubscribed { job_id: uuid(id) }
            }
            Command::CreateJob { filename, content_type, metadata, options, idempotency_key } => {
                let key = idempotency_key.as_deref().map(admission::checked_key).transpose()?;
                let admission = admission::admit(&state, &requester, None, key)?;
                let request = JobRequest::check(Source::Field(metadata.as_ref()), Source::Field(options.as_ref()))?;
                let name = filename.ok_or(ApiError::MissingFile)?;
                let recording = (Origin::Incoming(name), create::declared(content_type.as_deref())?);
                let accepted = create::create(&state, &requester, admission, recording, request).await?;
                self.accepted(&accepted)
            }
            Command::UploadStart { filename, content_type, size, metadata, options, idempotency_key } => {
                if self.upload.is_some() {
                    return Err(ApiError::InvalidRequest("an upload is going on already".to_owned()));
                }
                let announced = Announced {
                    filename: filename.as_deref(),
                    content_type: content_type.as_deref(),
                    size,
                    metadata: Source::Field(metadata.as_ref()),
                    options: Source::Field(options.as_ref()),
                    idempotency_key: idempotency_key.as_deref(),
                };
                let upload = Upload::begin(&state, &requester, announced).await?;
                let (upload_id, (_, granted_bytes)) = (uuid(upload.id()), upload.progress());
                self.upload = Some(upload);
                Answer::UploadReady { upload_id, max_frame_bytes: MAX_FRAME_BYTES, granted_bytes }
            }
            Command::UploadFinish {} => match self.upload.take() {
                None => return Err(ApiError::InvalidRequest("there is no upload to finish".to_owned())),
                Some(upload) if !upload.is_whole() => {
                    let (received, _) = upload.progress();
                    self.upload = Some(upload);
                    return Err(ApiError::InvalidRequest(format!("only {received} bytes have arrived yet")));
                }
                Some(upload) => {
                    let accepted = upload.finish(&state, &requester).await?;
                    self.accepted(&accepted)
                }
            },
            Command::UploadAbort {} => {
                self.upload = None;
                Answer::UploadAborted {}
            }
            Command::GetJob { job_id } => Answer::Job { job: Box::new(jobs::get(&state, &requester, parse(&job_id)?)?) },
            Command::ListJobs { parameters } => {
                let page = list::list(&state, &requester, &list_request(as_parameters(&parameters))?)?;
                Answer::Jobs { data: page.data, meta: page.meta }
            }
            Command::GetResult { job_id } => {
                let file = result::read(&state, &requester, parse(&job_id)?).await?;
                Answer::Result { job_id: uuid(file.job.id), status: file.job.state.name(), result: file.annotation()? }
            }
            Command::CancelJob { job_id } => match jobs::cancel(&state, &requester, parse(&job_id)?).await? {
                Cancelled::Done(job) | Cancelled::Stopping(job) => Answer::Job { job: Box::new(job) },
            },
            Command::RetryJob { job_id } => {
                Answer::Job { job: Box::new(jobs::retry(&state, &requester, parse(&job_id)?).await?) }
            }
            Command::DeleteJob { job_id } => {
                let id = parse(&job_id)?;
                jobs::delete(&state, &requester, id).await?;
                // This answer tells it; a session that ends with the job is closed.
                if !self.is_bound_to(id) {
                    self.leave(id);
                }
                Answer::JobDeleted { job_id: uuid(id) }
            }
            Command::GetQueueStatus {} => Answer::QueueStatus(queue::status(&state, &requester)),
            Command::GetHealth {} => Answer::Health { health: Box::new(health::measure(&state).await) },
            Command::GetInfo {} => Answer::Info { info: Box::new(info::describe(&state)) },
        })
    }

    fn accepted(&self, accepted: &Accepted) -> Answer {
        let (job, replayed) = match accepted {
            Accepted::New(job) => (job, false),
            Accepted::Replayed(job) => (job, true),
        };
        Answer::JobCreated { job: Box::new(JobBody::as_accepted(job, &self.requester)), replayed }
    }
}

/// The command that a message is.
fn understand(message: &Value) -> Result<Command, ApiError> {
    Command::deserialize(message).map_err(|error| ApiError::InvalidRequest(format!("the message is not understood: {error}")))
}

/// Reads a message as far as it can be read without a server.
#[cfg(fuzzing)]
pub(in crate::http) fn read(text: &str) {
    let Ok(message) = crate::http::json::parse::<Value>(text.as_bytes()) else { return };
    if let Ok(Command::ListJobs { parameters }) = understand(&message) {
        // Either way it was answered.
        let _answered = list_request(as_parameters(&parameters));
    }
}

/// The job that a text names. A text that is no job id names no job.
fn parse(text: &str) -> Result<JobId, ApiError> {
    text.parse().map_err(|_| ApiError::JobNotFound)
}

/// The fields of a message as the parameters of an address.
fn as_parameters(fields: &Map<String, Value>) -> Parameters {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.iter().filter(|(name, _)| *name != REQUEST_ID) {
        let values = if let Value::Array(items) = value { items.as_slice() } else { std::slice::from_ref(value) };
        for value in values {
            match value {
                Value::Null => {}
                Value::String(text) => {
                    query.append_pair(name, text);
                }
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    query.append_pair(name, &value.to_string());
                }
            }
        }
    }
    Parameters::read(&query.finish())
}
