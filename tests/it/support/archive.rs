//! Jobs that retention has archived.

use std::path::Path;

use serde_json::{Value, json};

use super::app::accept_changes;

const ARCHIVED_AT: &str = "2030-01-02T03:04:05.000Z";

/// Archives a completed job on a volume that no server uses, and returns the time in its record.
pub fn archive(volume: &Path, id: &str) -> &'static str {
    let (from, to) = (volume.join("completed").join(id), volume.join("archived").join(id));
    let mut job: Value = serde_json::from_slice(&std::fs::read(from.join("job.json")).unwrap()).unwrap();
    job["archived_at"] = json!(ARCHIVED_AT);
    std::fs::create_dir(&to).unwrap();
    std::fs::write(to.join("job.json"), job.to_string()).unwrap();
    std::fs::remove_dir_all(from).unwrap();
    accept_changes(volume);
    ARCHIVED_AT
}
