//! The final state of a play: the jobs as the server reports them, and the files on the volume.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use serde_json::Value;

use super::world::World;

/// The final state of a play.
#[derive(Debug, PartialEq, Eq, Clone)]
pub struct End {
    /// For each job: the client's name, the status, and the outcome.
    jobs: Vec<(String, String, String)>,
    /// All files and empty folders of the volume, with job ids replaced by names.
    files: Vec<String>,
}

impl World {
    /// The final state, as reported by the last server and by one restarted on the volume; both must agree.
    pub async fn end(&mut self) -> End {
        self.ensure_running().await;
        let reported = match self.jobs().await {
            Some(jobs) => Some(jobs),
            None => {
                self.bury();
                None
            }
        };
        self.stop().await;
        self.plan.fault = None;
        let counted = self.before;
        self.ensure_running().await;
        let jobs = self.jobs().await.expect("nothing goes wrong any more");
        if let Some(reported) = reported {
            assert_eq!(reported, jobs, "before and after a restart");
        }
        self.stop().await;
        self.before = counted;
        let mut files = Vec::new();
        list(self.folder.path(), self.folder.path(), &mut files);
        for (name, id) in &self.ids {
            for file in &mut files {
                *file = file.replace(id, &format!("<{name}>"));
            }
        }
        // The measured speed only improves estimates; losing it to a fault is harmless.
        files.retain(|file| file != "speed.json");
        files.sort();
        End { jobs, files }
    }

    /// All jobs with their outcomes; none if the server died meanwhile.
    async fn jobs(&self) -> Option<Vec<(String, String, String)>> {
        let app = self.app.as_ref()?;
        let ask = async |path: &str| app.client.get(app.url(path)).send().await.ok()?.json::<Value>().await.ok();
        let page = ask("/api/v1/jobs?limit=100&sort=created_at").await?;
        let mut jobs = Vec::new();
        for job in page["data"].as_array().unwrap() {
            let result = ask(&format!("/api/v1/jobs/{}/result", job["job_id"].as_str().unwrap())).await?;
            let outcome = match job["status"].as_str().unwrap() {
                "completed" => {
                    ["speakers", "segments", "transcription", "statistics"].map(|part| hash(&result["result"][part])).join(" ")
                }
                "failed" => job["error"].to_string(),
                _ => String::new(),
            };
            // A read that the fault hit is repeated by the caller.
            if self.faults.dead().is_cancelled() || (job["status"] == "completed" && result["result"].is_null()) {
                return None;
            }
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            // A job that failed because of its sidecar has no external id.
            let name = job["metadata"]["external_id"].as_str().or(job["file_info"]["filename"].as_str()).unwrap();
            jobs.push((name.to_owned(), text(&job["status"]), outcome));
        }
        jobs.sort();
        Some(jobs)
    }
}

/// A short fingerprint of a value, for readable failure messages.
fn hash(value: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

/// Lists all files and empty folders below a folder, relative to the root.
fn list(root: &Path, folder: &Path, found: &mut Vec<String>) {
    let mut is_empty = true;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        is_empty = false;
        if path.is_dir() {
            list(root, &path, found);
        } else {
            found.push(path.strip_prefix(root).unwrap().display().to_string());
        }
    }
    if is_empty {
        found.push(format!("{}/", folder.strip_prefix(root).unwrap().display()));
    }
}
