//! A request for a job, translated for [`crate::intake`].

use crate::http::error::ApiError;
use crate::http::requester::Requester;
use crate::http::state::AppState;
use crate::intake::{Admission, JobRequest, Origin, Submission};
use crate::lifecycle::Accepted;
use crate::media::Headerless;

/// Reads what the media type of a recording says about samples without a header.
pub(in crate::http) fn declared(media_type: Option<&str>) -> Result<Option<Headerless>, ApiError> {
    let declared = media_type.map_or(Ok(None), Headerless::from_media_type);
    declared.map_err(|error| ApiError::InvalidRequest(error.to_string()))
}

/// Refuses a request that is known to fail before its recording is sent. A repeated request gets its first answer instead.
pub(in crate::http) fn check(state: &AppState, admission: &Admission, request: &JobRequest) -> Result<(), ApiError> {
    if admission.is_new() { Ok(state.intake.check_models(&request.options)?) } else { Ok(()) }
}

/// Makes a job of a recording that was received, or that lies in `incoming/`.
pub(in crate::http) async fn create(
    state: &AppState,
    requester: &Requester,
    admission: Admission,
    (origin, declared): (Origin, Option<Headerless>),
    request: JobRequest,
) -> Result<Accepted, ApiError> {
    let owner = requester.caller.key().cloned();
    Ok(state.intake.submit(Submission { admission, owner, origin, declared, request }).await?)
}
