//! The server's answer to a step.

use serde_json::Value;

/// The outcome of a step.
pub(super) enum Answer {
    Done,
    /// The step created this job.
    Made(String),
    /// The server refused with this status and code.
    Refused(String),
    /// The server died before it answered.
    Died,
}

/// Sends a request that creates a job.
pub(super) async fn made(request: reqwest::RequestBuilder) -> Answer {
    let Ok(response) = request.send().await else { return Answer::Died };
    let status = response.status().as_u16();
    let Ok(body) = response.json::<Value>().await else { return Answer::Died };
    match body["job_id"].as_str() {
        Some(id) if status == 201 => Answer::Made(id.to_owned()),
        Some(_) | None => Answer::Refused(format!("{status} {}", body["error"]["code"].as_str().unwrap_or_default())),
    }
}

/// Sends a request; the answers in `fine` count as success.
pub(super) async fn done(request: reqwest::RequestBuilder, fine: &[&str]) -> Answer {
    let Ok(response) = request.send().await else { return Answer::Died };
    let status = response.status().as_u16();
    let Ok(text) = response.bytes().await else { return Answer::Died };
    let code = serde_json::from_slice::<Value>(&text).ok().and_then(|body| Some(body["error"]["code"].as_str()?.to_owned()));
    // The body of a failed job has an error code, too.
    let code = code.filter(|_| status >= 400);
    let answer = code.map_or_else(|| status.to_string(), |code| format!("{status} {code}"));
    if fine.contains(&answer.as_str()) { Answer::Done } else { Answer::Refused(answer) }
}
