//! The first start on a volume of version 1.0, with a fault at each operation: every job is there afterwards, once.

use std::path::Path;

use callannotate::volume::{Counted, Fault, Faults, Volume};
use serde_json::json;
use uuid::Uuid;

use super::CHANGES;

/// A volume as version 1.0 left it, with two waiting jobs and a failed one.
fn volume() -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let mut ids = Vec::new();
    for (sequence, state) in ["incoming", "incoming", "failed"].into_iter().enumerate() {
        let id = Uuid::new_v4().to_string();
        let path = folder.path().join(state).join(&id);
        std::fs::create_dir_all(&path).unwrap();
        let mut record = json!({
            "job_id": id,
            "file": {
                "filename": "call.wav", "size_bytes": 4, "format": "wav", "codec": "pcm_s16le", "sample_rate": 8000, "channels": 1,
                "duration_seconds": 1.0, "sha256": "x"
            },
            "priority": 5, "created_at": "2026-11-20T12:00:00Z", "sequence": sequence
        });
        if state == "failed" {
            record["finished_at"] = json!("2026-11-20T12:00:01Z");
            record["error"] = json!({ "code": "INTERNAL_ERROR", "message": "", "stage": null });
        }
        std::fs::write(path.join("job.json"), serde_json::to_vec_pretty(&record).unwrap()).unwrap();
        std::fs::write(path.join("recording.wav"), b"1234").unwrap();
        ids.push(id);
    }
    ids.sort();
    (folder, ids)
}

/// The jobs that a start finds, sorted, and how many folders it refuses.
fn found(volume: &Volume) -> std::io::Result<(Vec<String>, usize)> {
    let recovered = volume.recover()?;
    let mut ids: Vec<String> = recovered.jobs.iter().map(|found| found.job.id.to_string()).collect();
    ids.sort();
    Ok((ids, recovered.refused))
}

/// A start that a fault strikes; none if the fault stopped it.
fn struck(path: &Path, faults: &Faults) -> Option<(Vec<String>, usize)> {
    let found = Volume::open_with(path, faults.clone()).ok().and_then(|volume| found(&volume).ok());
    let is_dead = faults.dead().is_cancelled();
    // Releases the lock, as at the end of a process.
    faults.die();
    found.filter(|_| !is_dead)
}

#[test]
fn an_upgrade_loses_no_job_whatever_fails_and_wherever_the_server_dies() {
    let (folder, ids) = volume();
    let counted = Faults::none(Counted::Changes);
    assert_eq!(struck(folder.path(), &counted), Some((ids, 0)));
    let last = counted.count();
    assert!(last > 20, "{last}");
    let reads = (Counted::Reads, &[Fault::Broken][..]);
    for (counted, faults) in [(Counted::Changes, &CHANGES[..]), reads] {
        for number in 1..=last {
            for fault in faults {
                let (folder, ids) = volume();
                let met = struck(folder.path(), &Faults::at(counted, number, *fault));
                if let Some(met) = met {
                    assert_eq!(met, (ids.clone(), 0), "{counted:?} {number} {fault:?}");
                }
                for life in 0..2 {
                    let met = struck(folder.path(), &Faults::none(Counted::Changes));
                    assert_eq!(met, Some((ids.clone(), 0)), "{counted:?} {number} {fault:?}, life {life}");
                }
                assert!(folder.path().join("seal.secret").is_file() && !folder.path().join("seal.secret.new").exists());
                let temp: Vec<_> =
                    std::fs::read_dir(folder.path().join("temp")).unwrap().map(|e| e.unwrap().file_name()).collect();
                assert_eq!(temp, [".lock"], "{counted:?} {number} {fault:?}");
            }
        }
    }
}
