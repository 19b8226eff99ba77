//! What the server answers to a step.

use serde_json::Value;

/// What became of a step.
pub(super) enum Answer {
    Done,
    /// It made this job.
    Made(String),
    /// The server said that it could not.
    Refused(String),
    /// No answer.
    Died,
}

/// A request that makes a job.
pub(super) async fn made(request: reqwest::RequestBuilder) -> Answer {
    let Ok(response) = request.send().await else { return Answer::Died };
    let status = response.status().as_u16();
    let Ok(body) = response.json::<Value>().await else { return Answer::Died };
    match body["job_id"].as_str() {
        Some(id) if status == 201 => Answer::Made(id.to_owned()),
        Some(_) | None => Answer::Refused(format!("{status} {}", body["error"]["code"].as_str().unwrap_or_default())),
    }
}

/// A request that is done when it is answered with one of these.
pub(super) async fn done(request: reqwest::RequestBuilder, fine: &[&str]) -> Answer {
    let Ok(response) = request.send().await else { return Answer::Died };
    let status = response.status().as_u16();
    let Ok(text) = response.bytes().await else { return Answer::Died };
    let code = serde_json::from_slice::<Value>(&text).ok().and_then(|body| Some(body["error"]["code"].as_str()?.to_owned()));
    // A job that has no result has a code as well.
    let code = code.filter(|_| status >= 400);
    let answer = code.map_or_else(|| status.to_string(), |code| format!("{status} {code}"));
    if fine.contains(&answer.as_str()) { Answer::Done } else { Answer::Refused(answer) }
}
