//! Submits recordings: translates a request for [`crate::intake`], for REST and WebSocket alike.

use crate::api::state::AppState;
use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::intake::{Admission, JobRequest, Origin, Sender, Submission};
use crate::lifecycle::Accepted;
use crate::media::Headerless;

/// The greatest number of characters of an idempotency key.
pub(crate) const MAX_KEY_CHARS: usize = 255;

/// Decides whether a recording may be sent. `size` is in bytes, as far as it is known.
pub(crate) fn admit(
    state: &AppState,
    requester: &Requester,
    size: Option<u64>,
    key: Option<String>,
) -> Result<Admission, ApiError> {
    if state.gate.stopping.is_cancelled() {
        return Err(ApiError::ShuttingDown);
    }
    let sender = Sender { owner: requester.caller.key(), client: &requester.client };
    Ok(state.intake.admit(sender, size, key)?)
}

/// Checks the form of an idempotency key.
pub(crate) fn checked_key(text: &str) -> Result<String, ApiError> {
    let length = text.chars().count();
    if (1..=MAX_KEY_CHARS).contains(&length) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        Ok(text.to_owned())
    } else {
        Err(ApiError::InvalidRequest(format!("an idempotency key has 1 to {MAX_KEY_CHARS} printable ASCII characters")))
    }
}

/// Reads the format of samples without a header from the media type of a recording.
pub(crate) fn declared(media_type: Option<&str>) -> Result<Option<Headerless>, ApiError> {
    let declared = media_type.map_or(Ok(None), Headerless::from_media_type);
    declared.map_err(|error| ApiError::InvalidRequest(error.to_string()))
}

/// Refuses a request that is known to fail before its recording is sent. A repeated request gets its first answer instead.
pub(crate) fn check(state: &AppState, admission: &Admission, request: &JobRequest) -> Result<(), ApiError> {
    if admission.is_new() { Ok(state.intake.check_models(&request.options)?) } else { Ok(()) }
}

/// Creates a job from a recording that was received, or that is in `incoming/`.
pub(crate) async fn submit(
    state: &AppState,
    requester: &Requester,
    admission: Admission,
    (origin, declared): (Origin, Option<Headerless>),
    request: JobRequest,
) -> Result<Accepted, ApiError> {
    let owner = requester.caller.key().cloned();
    Ok(state.intake.submit(Submission { admission, owner, origin, declared, request }).await?)
}
