//! Model files that are made to harm: the server starts, says what is wrong with them, and works without them.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::support::app::{DEADLINE, TestApp};
use super::support::models::{self, shared};
use super::support::observed::Observed;
use super::support::onnx::{attribute, field, integers, node, single, speaker};
use super::support::process::callannotate;
use super::support::sound::fixture;

const BUILT_IN: &str = "voiceprint-stats-lda48";

fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A folder of models with this speaker model.
fn with_speaker(model: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("speaker")).unwrap();
    std::fs::write(folder.path().join("speaker/mine.onnx"), model).unwrap();
    folder
}

/// The operations that the embedding is made of here, with one of them in between.
fn around(operation: Vec<Vec<u8>>) -> Vec<u8> {
    let mean = node("ReduceMean", &["large"], &["mean"], &[attribute("axes", &[1]), single("keepdims", 0)]);
    let more = [integers("zero", &[0]), integers("eight", &[8]), integers("one", &[1])];
    let joined = node("Slice", &["mean", "zero", "eight", "one"], &["part"], &[]);
    let whole = node("Concat", &["mean", "part"], &["embedding"], &[single("axis", 1)]);
    speaker(&[operation, more.to_vec(), vec![mean, joined, whole]].concat())
}

/// A model that repeats its input as often as the value `many` says, which these operations make from the number of `frames`.
fn repeated(operations: Vec<Vec<u8>>) -> Vec<u8> {
    let size = vec![
        node("Shape", &["mfcc"], &["sizes"], &[]),
        integers("which", &[1]),
        node("Gather", &["sizes", "which"], &["frames"], &[]),
    ];
    let tiled = vec![
        integers("outer", &[1]),
        integers("inner", &[1]),
        node("Concat", &["outer", "many", "inner"], &["often"], &[single("axis", 0)]),
        node("Tile", &["mfcc", "often"], &["huge"], &[]),
        node("ReduceMean", &["huge"], &["large"], &[attribute("axes", &[1])]),
    ];
    around([size, operations, tiled].concat())
}

/// The peak memory of a server's process that has only read its models, in MiB.
fn peak_mib(server: &Observed) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

async fn get(server: &Observed, path: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
    client.get(format!("{}{path}", server.url)).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn models_that_overflow_the_stack_or_the_memory_or_never_end_are_refused_with_the_reason() {
    let chain: Vec<Vec<u8>> = (0..16_000)
        .map(|place| {
            let name = |place: usize| if place == 0 { "mfcc".to_owned() } else { format!("v{place}") };
            node("Identity", &[&name(place)], &[&name(place + 1)], &[])
        })
        .chain([node("ReduceMean", &["v16000"], &["embedding"], &[attribute("axes", &[1])])])
        .collect();
    let mut subgraph = field(1, b"inner");
    for _ in 0..3_000 {
        subgraph = field(1, &[field(4, b"If"), field(5, &[field(1, b"then_branch"), field(6, &subgraph)].concat())].concat());
    }
    let body = [field(5, b""), field(12, &field(1, b"go"))].concat();
    let forever = node("Loop", &["", "go", "mfcc"], &["embedding"], &[[field(1, b"body"), field(6, &body)].concat()]);
    let tile = around(vec![integers("often", &[1, 1_000_000_000, 1]), node("Tile", &["mfcc", "often"], &["large"], &[])]);
    assert!(tile.len() < 700);
    let expand = vec![integers("size", &[1 << 20, 1 << 20, 40]), node("Expand", &["mfcc", "size"], &["large"], &[])];
    let zeros = vec![integers("size", &[1 << 16, 1 << 16, 40]), node("ConstantOfShape", &["size"], &["large"], &[])];
    let padded =
        vec![integers("pads", &[0, 2_000_000_000, 0, 0, 2_000_000_000, 0]), node("Pad", &["mfcc", "pads"], &["large"], &[])];
    let resize = vec![node("Resize", &["mfcc", "", "x"], &["large"], &[])];
    let by_data =
        vec![node("Cast", &["mfcc"], &["whole"], &[single("to", 7)]), node("Tile", &["mfcc", "whole"], &["large"], &[])];
    for (model, reason) in [
        (speaker(&chain), "more than 4096 operations follow from each other"),
        (speaker(&[subgraph]), "control flow"),
        (speaker(&[forever]), "control flow"),
        (tile, "Tile (large): a value of the impossible shape [1, 200000000000, 40]"),
        (around(expand), "Expand (large): "),
        (around(zeros), "ConstantOfShape (large): a value of 171798691840 elements"),
        (around(padded), "Pad (large): a value of the impossible shape [1, 4000000200, 40]"),
        (around(resize), "the operation Resize is not one that models may use"),
        (around(by_data), "Tile (large): a size in it depends on what is recorded"),
        (speaker(&vec![b"\x0a\x00".to_vec(); 1_000_000]), "too many parts"),
    ] {
        let (volume, models) = (tempfile::tempdir().unwrap(), with_speaker(&model));
        let settings = [("CALLANNOTATE__MODELS__DIRS", models.path().to_str().unwrap())];
        let server = Observed::start(volume.path(), &settings).expect(reason);
        let info = get(&server, "/info").await;
        let health = get(&server, "/health").await;
        assert_eq!(info["engines"][2]["models"][0]["name"], BUILT_IN, "{reason}");
        assert_eq!(health["passed_over_models"], json!([]), "{reason}");
        let peak = peak_mib(&server);
        assert!(peak < 128, "{peak} MiB: {reason}");
        server.signal(Signal::TERM);
        // Only then: the files of the log are made with its first lines.
        assert!(server.end().success());
        let logs = volume.path().join("logs").read_dir().unwrap().map(|entry| entry.unwrap().path());
        let log: String = logs.map(|path| std::fs::read_to_string(path).unwrap()).collect();
        let said = log.lines().find(|line| line.contains("model_unusable")).unwrap_or_default();
        assert!(said.contains("the model mine cannot be used") && said.contains(reason), "{reason}: {said}");
    }
}

#[tokio::test]
async fn a_model_that_grows_with_the_recording_fails_its_stage_and_not_the_server() {
    // The cube of the number of frames: too much even for the usual input.
    let model = repeated(vec![node("Mul", &["frames", "frames"], &["many"], &[])]);
    let refused = with_speaker(&model);
    let app = TestApp::spawn_engines(refused.path()).await;
    assert_eq!(app.get("/info").await.json::<Value>().await.unwrap()["engines"][2]["models"][0]["name"], BUILT_IN);
    // Its square times four is allowed up to six seconds of speech.
    let model = repeated(vec![integers("four", &[4]), node("Mul", &["frames", "four"], &["many"], &[])]);
    let allowed = with_speaker(&model);
    let app = TestApp::spawn_engines(allowed.path()).await;
    let info = app.get("/info").await.json::<Value>().await.unwrap();
    assert_eq!(info["engines"][2]["models"][0]["name"], "mine");
    let id = app.create_job(std::fs::read(fixture("support-mono.flac")).unwrap(), &[]).await;
    let job = app.wait_until_finished(&id).await;
    assert_eq!(job["status"], "completed");
    let result = app.get(&format!("/api/v1/jobs/{id}/result")).await.json::<Value>().await.unwrap();
    let diarization = &result["result"]["processing"]["diarization"];
    let reason = diarization["reason"].as_str().unwrap();
    assert!(diarization["status"] == "failed" && reason.contains("Tile (huge): a value of"), "{diarization}");
}

#[tokio::test]
async fn a_model_that_ends_the_server_is_passed_over_until_it_is_replaced_or_the_notes_are_deleted() {
    let (volume, models) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(models.path().join("speaker")).unwrap();
    let (best, next) = (models.path().join("speaker/speaker_lda48.onnx"), models.path().join("speaker/mine.onnx"));
    for path in [&best, &next] {
        std::fs::copy(own("assets/voiceprint-stats-lda48.onnx"), path).unwrap();
    }
    for (fault, when) in
        [("abort-on-load:speaker_lda48.onnx", "loaded"), ("abort-on-use:speaker_lda48.onnx", "used for the first time")]
    {
        let settings = [("CALLANNOTATE__MODELS__DIRS", models.path().to_str().unwrap()), ("CALLANNOTATE_FAULTS", fault)];
        let in_use = |info: &Value| info["engines"][2]["models"][0]["name"].clone();
        let ended = match Observed::start(volume.path(), &settings) {
            Err(ended) => ended,
            Ok(server) => {
                assert_eq!(in_use(&get(&server, "/info").await), "speaker_lda48");
                send(&server).await;
                server.end()
            }
        };
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(Signal::ABORT.as_raw()), "{fault}");
        // The next best takes its place, at every start from now on.
        for _ in 0..2 {
            let server = Observed::start(volume.path(), &settings).unwrap();
            assert_eq!(in_use(&get(&server, "/info").await), "mine");
            let health = get(&server, "/health").await;
            let reason = format!(
                "the server ended while it was {when}; to try it again, replace it, or delete models/trials.json in the volume"
            );
            let passed = json!([{ "kind": "speaker", "file": best.to_str().unwrap(), "reason": reason }]);
            assert_eq!(health["passed_over_models"], passed);
            let problems = ["stages_missing", "stages_limited", "models_passed_over"];
            assert_eq!((&health["status"], &health["problems"]), (&json!("degraded"), &json!(problems)));
            server.kill();
        }
        let list = callannotate(volume.path()).envs(settings).args(["models", "list"]).output().unwrap();
        let list = String::from_utf8(list.stdout).unwrap();
        assert!(
            list.lines().any(|line| line.contains("speaker_lda48") && line.contains("not usable: the server ended")),
            "{list}"
        );
        std::fs::remove_file(volume.path().join("models/trials.json")).unwrap();
        let server = Observed::start(volume.path(), &settings[..1]).unwrap();
        assert_eq!(in_use(&get(&server, "/info").await), "speaker_lda48");
        assert_eq!(get(&server, "/health").await["passed_over_models"], json!([]));
        server.kill();
        std::fs::remove_file(volume.path().join("models/trials.json")).unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_killed_later_than_a_models_first_use_passes_over_nothing() {
    let (volume, models) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(models.path().join("speaker")).unwrap();
    std::fs::copy(own("assets/voiceprint-stats-lda48.onnx"), models.path().join("speaker/mine.onnx")).unwrap();
    let settings = [("CALLANNOTATE__MODELS__DIRS", models.path().to_str().unwrap())];
    for (state, uses) in [("loaded", false), ("proven", true)] {
        let server = Observed::start(volume.path(), &settings).unwrap();
        assert_eq!(get(&server, "/health").await["passed_over_models"], json!([]));
        if uses {
            send(&server).await;
            assert!(server.next("job_completed").is_some());
        }
        server.kill();
        let notes: Value = serde_json::from_slice(&std::fs::read(volume.path().join("models/trials.json")).unwrap()).unwrap();
        assert_eq!(notes[0]["state"], state);
    }
}

async fn send(server: &Observed) {
    let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
    let part = reqwest::multipart::Part::bytes(std::fs::read(fixture("voicemail.flac")).unwrap()).file_name("call.flac");
    let form = reqwest::multipart::Form::new().part("file", part);
    // The server may end before it has answered.
    let _ended = client.post(format!("{}/api/v1/jobs", server.url)).multipart(form).send().await;
}

#[test]
fn every_model_that_works_is_still_used() {
    let Some(shared) = shared() else { return };
    for folder in [Some(shared.join("models")), models::defaults()].into_iter().flatten() {
        let files = folder.join("speaker").read_dir().unwrap().chain(folder.join("segmentation").read_dir().unwrap());
        let models =
            files.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|found| found == "onnx"));
        for model in models {
            let lanes = callannotate::inference::Lanes::new(1);
            let loaded = callannotate::inference::Session::load(&model, &lanes);
            assert!(loaded.is_ok(), "{}: {}", model.display(), loaded.unwrap_err());
        }
    }
}
