//! The four ways of sending a recording, and the answers to requests.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::client::{Client, Gone, Job};

impl Client {
    pub(super) async fn send(&self, address: &str, index: usize) -> Result<String, Gone> {
        let job = &self.jobs[index];
        let part = reqwest::multipart::Part::bytes(self.recordings[job.recording].clone()).file_name("call.wav");
        let form = reqwest::multipart::Form::new().text("metadata", metadata(job).to_string()).part("file", part);
        let request = self.http.post(format!("http://{address}/api/v1/jobs")).header("Idempotency-Key", &job.name);
        Ok(made(answer(request.multipart(form)).await?))
    }

    pub(super) async fn hand_over(&self, address: &str, index: usize, again: bool) -> Result<String, Gone> {
        let job = &self.jobs[index];
        // A name that the watched folder ignores.
        let filename = format!("{}.wav.part", job.name);
        if !again {
            std::fs::write(self.incoming.join(&filename), &self.recordings[job.recording]).unwrap();
        }
        let body = json!({ "filename": filename, "metadata": metadata(job) });
        let request = self.http.post(format!("http://{address}/api/v1/jobs")).header("Idempotency-Key", &job.name);
        Ok(made(answer(request.json(&body)).await?))
    }

    /// Drops a recording into the watched folder, and waits until it is a job.
    pub(super) async fn lay_down(&self, address: &str, index: usize, again: bool) -> Result<String, Gone> {
        let job = &self.jobs[index];
        if !again {
            let path = |extension: &str| self.incoming.join(format!("{}.{extension}", job.name));
            std::fs::write(path("json"), json!({ "metadata": metadata(job) }).to_string()).unwrap();
            std::fs::write(path("wav.part"), &self.recordings[job.recording]).unwrap();
            std::fs::rename(path("wav.part"), path("wav")).unwrap();
        }
        loop {
            let (status, page) = answer(self.http.get(format!("http://{address}/api/v1/jobs?external_id={}", job.name))).await?;
            assert_eq!(status, 200, "{page}");
            if let Some(made) = page["data"].as_array().unwrap().first() {
                return Ok(made["job_id"].as_str().unwrap().to_owned());
            }
        }
    }

    pub(super) async fn send_over_websocket(&self, address: &str, index: usize) -> Result<String, Gone> {
        let job = &self.jobs[index];
        let recording = &self.recordings[job.recording];
        let (mut socket, _) = tokio_tungstenite::connect_async(format!("ws://{address}/ws")).await.map_err(|_| Gone)?;
        let start = json!({
            "type": "upload_start", "filename": "call.wav", "size": recording.len(), "metadata": metadata(job),
            "idempotency_key": job.name,
        });
        let messages = [
            Message::text(start.to_string()),
            Message::binary(recording.clone()),
            Message::text(json!({ "type": "upload_finish" }).to_string()),
        ];
        for message in messages {
            socket.send(message).await.map_err(|_| Gone)?;
        }
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            let body: Value = serde_json::from_str(text.as_str()).unwrap();
            match body["type"].as_str() {
                Some("job_created") => return Ok(body["job"]["job_id"].as_str().unwrap().to_owned()),
                Some("upload_ready" | "upload_progress") => {}
                _ => panic!("{} is not made: {body}", job.name),
            }
        }
        Err(Gone)
    }
}

fn metadata(job: &Job) -> Value {
    json!({ "external_id": job.name })
}

/// Status and body; none if the server died.
pub(super) async fn answer(request: reqwest::RequestBuilder) -> Result<(u16, Value), Gone> {
    let response = request.send().await.map_err(|_| Gone)?;
    let status = response.status().as_u16();
    let text = response.bytes().await.map_err(|_| Gone)?;
    let body = if text.is_empty() { Value::Null } else { serde_json::from_slice(&text).unwrap() };
    Ok((status, body))
}

fn made((status, body): (u16, Value)) -> String {
    assert_eq!(status, 201, "{body}");
    body["job_id"].as_str().unwrap().to_owned()
}
