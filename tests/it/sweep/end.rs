//! How a play ended: what the server tells of the jobs, and what lies on the volume.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use serde_json::Value;

use super::world::World;

/// How a play ended.
#[derive(Debug, PartialEq, Eq, Clone)]
pub struct End {
    /// Of each job, by the name that the client gave it: where it stands, and what came out.
    jobs: Vec<(String, String, String)>,
    /// Every file and empty folder of the volume, with the jobs' names for their ids.
    files: Vec<String>,
}

impl World {
    /// How it ended: as the last server tells it, and as one that starts anew tells it; the two must agree.
    pub async fn end(&mut self) -> End {
        self.ensure_running().await;
        let told = match self.jobs().await {
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
        if let Some(told) = told {
            assert_eq!(told, jobs, "before and after a restart");
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
        // How long jobs took is a convenience; a fault costs no more than an estimate.
        files.retain(|file| file != "speed.json");
        files.sort();
        End { jobs, files }
    }

    /// Every job with its outcome; none when the server died meanwhile.
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
            // A read that a fault struck is asked again by the one who looks at the end.
            if self.faults.dead().is_cancelled() || (job["status"] == "completed" && result["result"].is_null()) {
                return None;
            }
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            // A job that failed because of its sidecar has only its file's name.
            let name = job["metadata"]["external_id"].as_str().or(job["file_info"]["filename"].as_str()).unwrap();
            jobs.push((name.to_owned(), text(&job["status"]), outcome));
        }
        jobs.sort();
        Some(jobs)
    }
}

/// Enough to tell two texts apart, and short where an end is shown.
fn hash(value: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

/// Every file and every empty folder below, from the root on.
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
