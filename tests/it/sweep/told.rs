//! What the server answers to a step.

use serde_json::Value;

/// What became of a step.
pub(super) enum Told {
    Done,
    /// It made this job.
    Made(String),
    /// The server said that it could not.
    Refused(String),
    /// No answer.
    Died,
}

/// A request that makes a job.
pub(super) async fn made(request: reqwest::RequestBuilder) -> Told {
    let Ok(response) = request.send().await else { return Told::Died };
    let status = response.status().as_u16();
    let Ok(body) = response.json::<Value>().await else { return Told::Died };
    match body["job_id"].as_str() {
        Some(id) if status == 201 => Told::Made(id.to_owned()),
        Some(_) | None => Told::Refused(format!("{status} {}", body["error"]["code"].as_str().unwrap_or_default())),
    }
}

/// A request that is done when it is answered with one of these.
pub(super) async fn done(request: reqwest::RequestBuilder, fine: &[&str]) -> Told {
    let Ok(response) = request.send().await else { return Told::Died };
    let status = response.status().as_u16();
    let Ok(text) = response.bytes().await else { return Told::Died };
    let code = serde_json::from_slice::<Value>(&text).ok().and_then(|body| Some(body["error"]["code"].as_str()?.to_owned()));
    // A job that has no result has a code as well.
    let code = code.filter(|_| status >= 400);
    let answer = code.map_or_else(|| status.to_string(), |code| format!("{status} {code}"));
    if fine.contains(&answer.as_str()) { Told::Done } else { Told::Refused(answer) }
}
