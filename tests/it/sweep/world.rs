//! A volume, the servers that run on it one after another, and a client that repeats unanswered requests.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use callannotate::config::Config;
use callannotate::jobs::stage::Stage;
use callannotate::volume::{Counted, FULL_FOR, Fault, Faults, Operation};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::support::app::{TestApp, settings};
use super::super::support::audio::tone;
use super::super::support::scripted::{Act, Script};
use super::answer::{Answer, done, made};
use super::scenarios::{Scenario, Step};

/// The worker's poll interval while the volume fails: minimal, since the plays wait for it.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// The fault of a play.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub counted: Counted,
    /// The number of the operation to fail, and the fault.
    pub fault: Option<(usize, Fault)>,
}

impl Plan {
    /// A play without a fault.
    pub fn none(counted: Counted) -> Self {
        Self { counted, fault: None }
    }
}

pub struct World {
    pub(super) folder: TempDir,
    config: Config,
    script: Script,
    diarization: Act,
    pub(super) plan: Plan,
    /// The fault injector of the running server.
    pub(super) faults: Faults,
    /// The operations counted by the servers before.
    pub(super) before: usize,
    struck: Option<(Operation, PathBuf)>,
    pub(super) app: Option<TestApp>,
    pub(super) ids: BTreeMap<&'static str, String>,
    /// The recordings that were dropped into the watched folder.
    laid: RefCell<BTreeSet<&'static str>>,
}

impl World {
    pub fn new(scenario: &Scenario, plan: Plan) -> Self {
        let folder = folder();
        let attempts = scenario.max_attempts.to_string();
        let mut config = settings(
            folder.path(),
            &[
                ("CALLANNOTATE__QUEUE__MAX_ATTEMPTS", &attempts),
                ("CALLANNOTATE__QUEUE__SHUTDOWN_GRACE_SECONDS", "0"),
                ("CALLANNOTATE__RATE_LIMITS__ENABLED", "false"),
                ("CALLANNOTATE__INCOMING__WATCH", if scenario.watches { "true" } else { "false" }),
                ("CALLANNOTATE__INCOMING__NAME_RESULTS", if scenario.watches { "symlink" } else { "none" }),
                ("CALLANNOTATE__RETENTION__RESULTS_MAX_BYTES", if scenario.archives { "1" } else { "0" }),
            ],
        );
        config.queue.poll_interval = POLL_INTERVAL;
        if scenario.archives {
            config.retention.check_interval = POLL_INTERVAL;
        }
        Self {
            folder,
            config,
            script: Script::default(),
            diarization: Act::Succeed,
            plan,
            faults: Faults::none(plan.counted),
            before: 0,
            struck: None,
            app: None,
            ids: BTreeMap::new(),
            laid: RefCell::default(),
        }
    }

    /// The number of operations so far.
    pub fn operations(&self) -> usize {
        self.before
    }

    /// The operation that the fault hit.
    pub fn struck(&self) -> Option<&(Operation, PathBuf)> {
        self.struck.as_ref()
    }

    /// Plays a step, repeated until it succeeds.
    pub async fn play(&mut self, step: &Step) {
        let mut refusals = 0;
        let mut repeated = false;
        loop {
            self.ensure_running().await;
            match step {
                Step::Diarization(act) => {
                    self.diarization = *act;
                    self.script.set(Stage::Diarization, *act);
                    self.script.release(usize::from(*act != Act::Hold));
                    return;
                }
                Step::Stop => return self.stop().await,
                Step::Die => {
                    self.faults.die();
                    return self.bury();
                }
                Step::Upload(..)
                | Step::Take(_)
                | Step::Lay(..)
                | Step::Held(_)
                | Step::Ended(_)
                | Step::Archived(_)
                | Step::Cancel(_)
                | Step::Retry(_)
                | Step::Delete(_)
                | Step::Read(_) => {}
            }
            let dead = self.faults.dead();
            let answer = tokio::select! {
                answer = self.perform(step, repeated) => answer,
                () = dead.cancelled() => Answer::Died,
            };
            match answer {
                Answer::Done => return,
                Answer::Made(id) => {
                    let (Step::Upload(name, _) | Step::Take(name) | Step::Lay(name, _)) = step else {
                        panic!("{step:?} makes no job")
                    };
                    self.ids.insert(name, id);
                    return;
                }
                Answer::Died => self.bury(),
                Answer::Refused(_) if dead.is_cancelled() => self.bury(),
                Answer::Refused(answer) => {
                    assert!(self.faults.struck().is_some(), "{step:?}: {answer}");
                    let known = ["500 INTERNAL_ERROR", "503 STORAGE_FULL"];
                    assert!(known.contains(&answer.as_str()), "{step:?}: {answer}");
                    refusals += 1;
                    assert!(refusals <= FULL_FOR + 1, "{step:?} is refused again and again: {answer}");
                }
            }
            repeated = true;
        }
    }

    pub(super) async fn ensure_running(&mut self) {
        while self.app.is_none() {
            self.faults = match self.plan.fault {
                Some((number, fault)) if self.struck.is_none() && number > self.before => {
                    Faults::at(self.plan.counted, number - self.before, fault)
                }
                Some(_) | None => Faults::none(self.plan.counted),
            };
            self.script = Script::default();
            self.script.set(Stage::Diarization, self.diarization);
            match TestApp::start_failing(&self.config, &self.script, &self.faults).await {
                Ok(app) => self.app = Some(app),
                Err(error) => {
                    assert!(self.faults.struck().is_some(), "the server does not start: {error}");
                    self.bury();
                }
            }
        }
    }

    /// Stops the server in an orderly way.
    pub(super) async fn stop(&mut self) {
        if let Some(app) = self.app.take() {
            app.stop().await;
        }
        self.bury();
    }

    /// Removes a server that has died.
    pub(super) fn bury(&mut self) {
        self.app = None;
        self.before += self.faults.count();
        self.struck = self.struck.take().or_else(|| self.faults.struck());
        // Tasks that are still running must not write beside the next server.
        self.faults.die();
        self.faults = Faults::none(self.plan.counted);
    }

    async fn perform(&self, step: &Step, repeated: bool) -> Answer {
        let app = self.app.as_ref().unwrap();
        let job = |name: &&'static str| format!("/api/v1/jobs/{}", self.ids[name]);
        match step {
            Step::Diarization(_) | Step::Stop | Step::Die => unreachable!("is no request"),
            Step::Upload(name, options) => {
                let part = reqwest::multipart::Part::bytes(tone(200)).file_name("call.wav");
                let form = reqwest::multipart::Form::new()
                    .text("metadata", json!({ "external_id": name }).to_string())
                    .text("options", (*options).to_owned())
                    .part("file", part);
                made(app.client.post(app.url("/api/v1/jobs")).header("Idempotency-Key", *name).multipart(form)).await
            }
            Step::Take(name) => {
                let filename = format!("{name}.wav");
                if !repeated {
                    std::fs::write(app.volume().join("incoming").join(&filename), tone(200)).unwrap();
                }
                let body = json!({ "filename": filename, "metadata": { "external_id": name } });
                made(app.client.post(app.url("/api/v1/jobs")).header("Idempotency-Key", *name).json(&body)).await
            }
            Step::Lay(name, sidecar) => {
                let filename = format!("{name}.wav");
                // The fault may hit before the file is dropped.
                if self.laid.borrow_mut().insert(*name) {
                    let path = |name: String| app.volume().join("incoming").join(name);
                    std::fs::write(path(format!("{name}.json")), sidecar).unwrap();
                    std::fs::write(path(format!("{filename}.part")), tone(200)).unwrap();
                    std::fs::rename(path(format!("{filename}.part")), path(filename.clone())).unwrap();
                }
                loop {
                    let request = app.client.get(app.url(&format!("/api/v1/jobs?filename={filename}")));
                    let Ok(response) = request.send().await else { return Answer::Died };
                    let page = response.json::<Value>().await.unwrap();
                    if let Some(made) = page["data"].as_array().unwrap().first() {
                        return Answer::Made(made["job_id"].as_str().unwrap().to_owned());
                    }
                }
            }
            Step::Held(name) => self.wait(&job(name), |job| job["progress"]["stage_progress"] == 50).await,
            Step::Ended(name) => self.wait(&job(name), |_| false).await,
            Step::Archived(name) => loop {
                let request = app.client.get(app.url(&job(name)));
                let Ok(response) = request.send().await else { return Answer::Died };
                if response.json::<Value>().await.unwrap()["status"] == "archived" {
                    return Answer::Done;
                }
            },
            Step::Cancel(name) => done(app.client.post(app.url(&(job(name) + "/cancel"))), &["200", "202"]).await,
            Step::Retry(name) => {
                // A repeated retry may find the job finished.
                let fine: &[&str] = if repeated { &["202", "409 JOB_FINISHED"] } else { &["202"] };
                done(app.client.post(app.url(&(job(name) + "/retry"))), fine).await
            }
            Step::Delete(name) => {
                let fine: &[&str] = if repeated { &["204", "404 JOB_NOT_FOUND"] } else { &["204"] };
                done(app.client.delete(app.url(&job(name))), fine).await
            }
            Step::Read(name) => match done(app.client.get(app.url(&(job(name) + "/result"))), &["200"]).await {
                Answer::Done => done(app.client.get(app.url(&(job(name) + "/audio"))), &["200"]).await,
                other @ (Answer::Made(_) | Answer::Refused(_) | Answer::Died) => other,
            },
        }
    }

    /// Waits until a job has finished, or the predicate holds.
    async fn wait(&self, path: &str, is_there: impl Fn(&Value) -> bool) -> Answer {
        let app = self.app.as_ref().unwrap();
        let mut seen = 0;
        loop {
            let request = app.client.get(app.url(&format!("{path}?wait=15&last_seq={seen}")));
            let Ok(response) = request.send().await else { return Answer::Died };
            let (status, job) = (response.status(), response.json::<Value>().await.unwrap());
            assert_eq!(status, 200, "{job}");
            if is_there(&job) || !matches!(job["status"].as_str(), Some("queued" | "processing")) {
                return Answer::Done;
            }
            seen = job["last_seq"].as_u64().unwrap();
        }
    }
}

/// A folder in memory if possible: these tests need no disk, and flushing to one would take most of the time.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if has_room(memory) { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// Whether there is much more room than the server's reserve.
fn has_room(path: &Path) -> bool {
    let output = std::process::Command::new("df").args(["--output=avail", "-k"]).arg(path).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().nth(1).and_then(|line| line.trim().parse::<u64>().ok()).is_some_and(|free| free > 1024 * 1024)
}
