//! Files with unusual names in the watched folder, and results named after their recordings.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use callannotate::volume::Volume;
use serde_json::{Value, json};

use super::support::app::{NOTHING, TestApp};
use super::support::audio::tone;
use super::support::dropping::watched;

/// Unusual names that are allowed.
fn strange_names() -> Vec<OsString> {
    let mut names: Vec<OsString> = [
        "two words.wav",
        "Звонок №5 (копия).wav",
        "📞 call.wav",
        "a\nb\tc.wav",
        "-rf.wav",
        "--help",
        "100%25.wav",
        "back\\slash.wav",
        "no ending",
        "'quoted' \"$(name)\".wav",
    ]
    .map(OsString::from)
    .to_vec();
    names.push(OsString::from(format!("{}.wav", "я".repeat(125))));
    names.push(OsString::from("x".repeat(255)));
    names.push(OsString::from_vec(b"\xff\xfe\x80.wav".to_vec()));
    names
}

#[tokio::test]
async fn files_of_any_name_become_jobs() {
    let app = TestApp::watching(&[]).await;
    for name in strange_names() {
        app.lay(&name, &tone(300));
    }
    let jobs = app.ended(strange_names().len()).await;
    assert!(jobs.iter().all(|job| job["status"] == "completed"), "{jobs:?}");
    assert_eq!((app.lying(), app.folders("temp")), (Vec::new(), Vec::new()));
    let mut labels: Vec<&str> = jobs.iter().map(|job| job["file_info"]["filename"].as_str().unwrap()).collect();
    labels.sort_unstable();
    for label in ["abc.wav", "--help", "slash.wav", "100%25.wav", "\u{fffd}\u{fffd}\u{fffd}.wav", "📞 call.wav"] {
        assert!(labels.contains(&label), "{label} is not in {labels:?}");
    }
}

#[tokio::test]
async fn a_start_gives_back_every_byte_of_a_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in strange_names() {
        half_taken(folder.path(), None, &name);
    }
    half_taken(folder.path(), Some("Отдел".as_ref()), OsStr::from_bytes(b"\xf0\x9f.wav"));
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let mut names = strange_names();
    names.push("Отдел".into());
    names.sort();
    assert_eq!((app.lying(), app.folders("temp")), (names, Vec::new()));
    for name in strange_names() {
        assert_eq!(std::fs::read(app.incoming(&name)).unwrap(), name.as_bytes());
    }
    assert_eq!(std::fs::read(app.incoming("Отдел").join(OsStr::from_bytes(b"\xf0\x9f.wav.json"))).unwrap(), b"{}");
    assert_eq!(std::fs::read_dir(app.incoming("Отдел")).unwrap().count(), 2);
}

#[tokio::test]
async fn a_long_name_that_was_given_away_is_given_back_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("{}.wav", "я".repeat(125));
    half_taken(folder.path(), None, name.as_ref());
    std::fs::write(folder.path().join("incoming").join(&name), b"newer").unwrap();
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    assert_eq!(std::fs::read(app.incoming(&name)).unwrap(), b"newer");
    let mut lying = app.lying();
    lying.retain(|lying| *lying != OsStr::new(&name));
    let [other] = lying.as_slice() else { panic!("{lying:?}") };
    let other = other.to_str().unwrap();
    assert!(other.ends_with("я.wav") && other.len() > 250, "{other}");
    assert_eq!(std::fs::read(app.incoming(other)).unwrap(), name.as_bytes());
}

/// The folder that a server leaves if it dies while taking a file; the recording contains its own name.
fn half_taken(volume: &Path, folder: Option<&OsStr>, name: &OsStr) {
    drop(Volume::open(volume).unwrap());
    let escaped = |name: &OsStr| name.as_bytes().iter().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let place = folder.map_or(escaped(name), |folder| format!("{}/{}", escaped(folder), escaped(name)));
    let id = uuid::Uuid::new_v4();
    let taken = volume.join(format!("temp/{id}"));
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("recording.wav"), name.as_bytes()).unwrap();
    let mut record = json!({
        "job_id": id.to_string(),
        "file": {
            "filename": "call.wav", "size_bytes": 4, "format": "wav", "codec": "pcm", "sample_rate": 8000, "channels": 1,
            "duration_seconds": 1.0, "sha256": "x"
        },
        "priority": 5, "created_at": "2026-11-20T12:00:00Z", "sequence": 1, "taken_from": place
    });
    if folder.is_some() {
        record["sidecar_from"] = json!(format!("{place}.json"));
        std::fs::write(taken.join("sidecar.json"), b"{}").unwrap();
    }
    std::fs::write(taken.join("job.json"), record.to_string()).unwrap();
}

/// The result that an entry in `completed/` contains or links to.
fn result_at(app: &TestApp, name: impl AsRef<Path>) -> Value {
    serde_json::from_slice(&std::fs::read(app.volume().join("completed").join(name)).unwrap()).unwrap()
}

#[tokio::test]
async fn results_are_found_by_name_and_the_names_go_with_them() {
    for (form, is_link) in [("symlink", true), ("copy", false)] {
        let folder = tempfile::tempdir().unwrap();
        let settings = watched(&[("CALLANNOTATE__INCOMING__NAME_RESULTS", form)]);
        let app = TestApp::spawn_on(folder.path(), &settings).await;
        let completed = folder.path().join("completed");
        // A user's file with that name is not changed.
        std::fs::write(completed.join("call.wav.json"), b"mine").unwrap();
        for count in 1..=10 {
            app.lay("call.wav", &tone(300));
            app.ended(count).await;
        }
        let jobs = app.ended(10).await;
        let ids: Vec<String> = jobs.iter().map(|job| job["job_id"].as_str().unwrap().to_owned()).collect();
        let mut names: Vec<String> = (2..=9).map(|number| format!("call.wav ({number}).json")).collect();
        names.extend([format!("call.wav {}.json", ids[8]), format!("call.wav {}.json", ids[9])]);
        for (name, id) in names.iter().zip(&ids) {
            assert_eq!(result_at(&app, name), app.get_json(&format!("/api/v1/jobs/{id}/result")).await, "{name}");
            assert_eq!(std::fs::symlink_metadata(completed.join(name)).unwrap().is_symlink(), is_link);
        }
        assert_eq!(app.folders("temp"), NOTHING);
        app.stop().await;

        // At a start the entries are not taken for jobs; they are removed with their jobs, even if naming is now disabled.
        let app = TestApp::spawn_on(folder.path(), &[]).await;
        assert_eq!(app.get_json("/api/v1/jobs?limit=100").await["data"].as_array().unwrap().len(), 10);
        // A file that replaced an entry is not removed.
        std::fs::remove_file(completed.join(&names[3])).unwrap();
        std::fs::write(completed.join(&names[3]), b"notes").unwrap();
        for id in &ids {
            assert_eq!(app.delete(id).await.status(), 204);
        }
        assert_eq!(app.folders("completed"), [names[3].as_str(), "call.wav.json"].map(str::to_owned));
        assert_eq!(std::fs::read(completed.join("call.wav.json")).unwrap(), b"mine");
        assert_eq!(app.folders("temp"), NOTHING);
    }
}

#[tokio::test]
async fn names_of_results_are_cut_at_a_character() {
    let app = TestApp::watching(&[("CALLANNOTATE__INCOMING__NAME_RESULTS", "symlink")]).await;
    let name = format!("{}.wav", "я".repeat(125));
    app.lay(&name, &tone(300));
    let id = app.ended(1).await[0]["job_id"].as_str().unwrap().to_owned();
    app.lay(&name, &tone(300));
    app.ended(2).await;
    let mut entries = app.folders("completed");
    entries.retain(|entry| entry.parse::<uuid::Uuid>().is_err());
    assert_eq!(entries, [format!("{} (2).json", "я".repeat(123)), format!("{}.json", "я".repeat(125))]);
    assert_eq!(result_at(&app, &entries[1])["job_id"], json!(id));
}

#[tokio::test]
async fn a_start_gives_a_result_its_name_that_a_server_that_died_had_not() {
    let folder = tempfile::tempdir().unwrap();
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    let id = app.create_job(tone(300), &[]).await;
    app.wait_until_finished(&id).await;
    app.stop().await;
    let temp = folder.path().join("temp");
    std::fs::write(temp.join(format!("{id}.naming")), "symlink").unwrap();
    // The note of an unpublished job, and a file that is not a note.
    std::fs::write(temp.join("3f2b8c1e-0000-4000-8000-000000000000.naming"), "copy").unwrap();
    std::fs::write(temp.join("x.naming"), "symlink").unwrap();
    let app = TestApp::spawn_on(folder.path(), &[]).await;
    assert_eq!(result_at(&app, "call.wav.json")["job_id"], json!(id));
    assert_eq!((app.folders("completed").len(), app.folders("temp")), (2, Vec::new()));
}

#[tokio::test]
async fn what_is_archived_has_no_name_and_no_sidecar_any_more() {
    let app = TestApp::watching(&[
        ("CALLANNOTATE__INCOMING__NAME_RESULTS", "copy"),
        ("CALLANNOTATE__RETENTION__RESULTS_MAX_AGE", "0.00001"),
        ("CALLANNOTATE__RETENTION__CHECK_INTERVAL", "1"),
    ])
    .await;
    app.lay("call.json", br#"{"metadata": {"caller": "anna"}}"#);
    app.lay("call.wav", &tone(300));
    app.until("the job is archived", |app| app.folders("archived").len() == 1).await;
    let archived = app.volume().join("archived").join(&app.folders("archived")[0]);
    let left: Vec<_> = std::fs::read_dir(archived).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!((left, app.folders("completed")), (vec!["job.json".into()], Vec::new()));
}
