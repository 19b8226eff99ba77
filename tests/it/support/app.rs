//! A server in this process: the real router, registry, volume and worker, on a free port and its own volume.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use callannotate::app::{App, AppError, Shutdown};
use callannotate::audio::decode::DecodeLimits;
use callannotate::clock::Clock;
use callannotate::config::Config;
use callannotate::jobs::stage::Stage;
use callannotate::pipeline::{Pipeline, Slot, Stages};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::audio::tone;
use super::scripted::{Act, Script};

/// The deadline of every wait.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The expected content of an empty folder.
pub const NOTHING: [String; 0] = [];

pub struct TestApp {
    pub address: String,
    pub client: reqwest::Client,
    pub script: Script,
    pub shutdown: Shutdown,
    volume: Volume,
    looks: Option<watch::Receiver<u64>>,
    server: Option<JoinHandle<Result<(), AppError>>>,
}

/// The volume of a server: its own, or one that outlives it.
enum Volume {
    Own(TempDir),
    Lent(PathBuf),
}

pub fn settings(volume: &Path, more: &[(&str, &str)]) -> Config {
    let mut environment: HashMap<String, String> = HashMap::from([
        ("VOLUME_PATH".to_owned(), volume.display().to_string()),
        ("CALLANNOTATE__SERVER__HOST".to_owned(), "127.0.0.1".to_owned()),
        ("CALLANNOTATE__SERVER__PORT".to_owned(), "0".to_owned()),
        // Tests of the watched folder enable it.
        ("CALLANNOTATE__INCOMING__WATCH".to_owned(), "false".to_owned()),
    ]);
    environment.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Config::load(&environment).unwrap()
}

/// Accepts records that a test has changed by hand, as an operator does, on a volume that no server uses.
pub fn accept_changes(volume: &Path) {
    let volume = callannotate::volume::Volume::open(volume).unwrap();
    volume.accept_refused(&callannotate::volume::Wanted::All).unwrap();
}

/// A pipeline whose stages follow the script.
pub fn scripted_pipeline(config: &Config, script: &Script) -> Pipeline {
    let stages = Stages {
        diarize: Slot::Ready(script.diarizer()),
        transcribe: Slot::Ready(script.transcriber()),
        recognize: Slot::Missing("not in this test".to_owned()),
    };
    let limits = DecodeLimits {
        max_duration: config.files.max_duration,
        max_channels: config.files.max_channels,
        ..DecodeLimits::default()
    };
    Pipeline::new(stages, config.job_defaults(), limits)
}

impl TestApp {
    pub async fn spawn() -> Self {
        Self::spawn_with(&[]).await
    }

    /// On a volume of the test, with a clock of the test.
    pub async fn spawn_at(volume: &Path, more: &[(&str, &str)], clock: Clock) -> Self {
        let config = settings(volume, more);
        let script = Script::default();
        let build = {
            let (config, script) = (config.clone(), script.clone());
            move || scripted_pipeline(&config, &script)
        };
        Self::start_at(&config, Volume::Lent(volume.to_path_buf()), script, build, clock).await
    }

    /// With settings given as environment variables.
    pub async fn spawn_with(more: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let config = settings(folder.path(), more);
        Self::start(&config, Volume::Own(folder)).await
    }

    /// With real engines instead of the scripted stages, and the models of this folder.
    pub async fn spawn_engines(models: &Path) -> Self {
        let folder = TempDir::new().unwrap();
        let config = settings(folder.path(), &[("CALLANNOTATE__MODELS__DIRS", &models.display().to_string())]);
        let build = callannotate::pipeline::builder(&config);
        Self::start_with(&config, Volume::Own(folder), Script::default(), build).await
    }

    /// On a volume of the test.
    pub async fn spawn_on(volume: &Path, more: &[(&str, &str)]) -> Self {
        Self::start(&settings(volume, more), Volume::Lent(volume.to_path_buf())).await
    }

    async fn start(config: &Config, volume: Volume) -> Self {
        let script = Script::default();
        let build = {
            let (config, script) = (config.clone(), script.clone());
            move || scripted_pipeline(&config, &script)
        };
        Self::start_with(config, volume, script, build).await
    }

    async fn start_with(
        config: &Config,
        volume: Volume,
        script: Script,
        build: impl FnOnce() -> Pipeline + Send + 'static,
    ) -> Self {
        Self::start_at(config, volume, script, build, Clock::system()).await
    }

    async fn start_at(
        config: &Config,
        volume: Volume,
        script: Script,
        build: impl FnOnce() -> Pipeline + Send + 'static,
        clock: Clock,
    ) -> Self {
        let shutdown = Shutdown::default();
        let app = App::start(config, clock, shutdown.clone(), build).await.unwrap();
        Self::serve(app, volume, script, shutdown)
    }

    fn serve(app: App, volume: Volume, script: Script, shutdown: Shutdown) -> Self {
        let address = app.address().to_string();
        let looks = app.looks();
        let server = Some(tokio::spawn(app.serve()));
        let client = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
        Self { address, client, script, shutdown, volume, looks, server }
    }

    /// With the test's settings, script and disk faults.
    #[cfg(feature = "faults")]
    pub async fn start_failing(
        config: &Config,
        script: &Script,
        faults: &callannotate::volume::Faults,
    ) -> Result<Self, AppError> {
        let shutdown = Shutdown::default();
        let volume = callannotate::volume::Volume::open_with(&config.volume.path, faults.clone())?;
        let build = {
            let (config, script) = (config.clone(), script.clone());
            move || scripted_pipeline(&config, &script)
        };
        let app = App::start_on(volume, config, Clock::system(), shutdown.clone(), build).await?;
        Ok(Self::serve(app, Volume::Lent(config.volume.path.clone()), script.clone(), shutdown))
    }

    /// A server with one job, held in its diarization.
    pub async fn held() -> (Self, String) {
        let app = Self::spawn().await;
        app.script.set(Stage::Diarization, Act::Hold);
        let id = app.create_job(tone(1000), &[]).await;
        app.script.reached(1).await;
        // The stage reports 50 percent once it holds the job.
        let mut job = app.job(&id).await;
        while job["progress"]["stage_progress"] != 50 {
            let seen = job["last_seq"].as_u64().unwrap();
            job = app.get_json(&format!("/api/v1/jobs/{id}?wait=10&last_seq={seen}")).await;
        }
        (app, id)
    }

    /// Waits for this number of complete scans of the watched folder.
    pub async fn looks(&self, count: u64) {
        let mut looks = self.looks.clone().expect("the folder is watched");
        // A scan may be running already, so one more is awaited.
        let enough = *looks.borrow() + count + 1;
        let looked = tokio::time::timeout(DEADLINE, looks.wait_for(|looks| *looks >= enough)).await;
        looked.expect("the folder is looked at in time").unwrap();
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn volume(&self) -> &Path {
        match &self.volume {
            Volume::Own(folder) => folder.path(),
            Volume::Lent(path) => path,
        }
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub async fn get_json(&self, path: &str) -> Value {
        self.get(path).await.json().await.unwrap()
    }

    /// Sends a recording with these further parts.
    pub async fn post(&self, file: Vec<u8>, parts: &[(&'static str, &str)]) -> reqwest::Response {
        let mut form = reqwest::multipart::Form::new();
        for (name, text) in parts {
            form = form.text(*name, (*text).to_owned());
        }
        form = form.part("file", reqwest::multipart::Part::bytes(file).file_name("call.wav"));
        self.client.post(self.url("/api/v1/jobs")).multipart(form).send().await.unwrap()
    }

    /// Sends a recording and returns the id of its job.
    pub async fn create_job(&self, file: Vec<u8>, parts: &[(&'static str, &str)]) -> String {
        let response = self.post(file, parts).await;
        assert_eq!(response.status(), 201, "{}", response.text().await.unwrap());
        response.json::<Value>().await.unwrap()["job_id"].as_str().unwrap().to_owned()
    }

    /// The code of a refused request.
    pub async fn refused(&self, request: reqwest::RequestBuilder) -> (u16, String) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        (status, body["error"]["code"].as_str().unwrap_or_else(|| panic!("no error: {body}")).to_owned())
    }

    /// Sends `cancel` or `retry` for a job, and returns status and body.
    pub async fn change(&self, id: &str, what: &str) -> (u16, Value) {
        let response = self.client.post(self.url(&format!("/api/v1/jobs/{id}/{what}"))).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// The current state of a job.
    pub async fn job(&self, id: &str) -> Value {
        self.get_json(&format!("/api/v1/jobs/{id}")).await
    }

    pub async fn delete(&self, id: &str) -> reqwest::Response {
        self.client.delete(self.url(&format!("/api/v1/jobs/{id}"))).send().await.unwrap()
    }

    /// Waits over a WebSocket until a job has finished, and returns its final state by REST.
    pub async fn wait_until_finished(&self, id: &str) -> Value {
        let messages = super::super::websocket::all_messages(self, id).await;
        assert!(!messages.is_empty());
        self.get_json(&format!("/api/v1/jobs/{id}")).await
    }

    /// The job folders in a state folder, sorted.
    pub fn folders(&self, state: &str) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.volume().join(state))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    }

    /// Stops softly and waits for the end.
    pub async fn stop(self) {
        self.shutdown.soft.cancel();
        self.end().await.unwrap();
    }

    /// Waits until the server has stopped on its own.
    pub async fn end(mut self) -> Result<(), AppError> {
        let server = self.server.take().unwrap();
        tokio::time::timeout(DEADLINE, server).await.expect("the server ends in time").unwrap()
    }

    /// The files in a job's folder, sorted.
    pub fn files(volume: &Path, state: &str, id: &str) -> Vec<String> {
        let folder = std::fs::read_dir(volume.join(state).join(id)).unwrap();
        let mut names: Vec<String> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.shutdown.soft.cancel();
        self.shutdown.hard.cancel();
    }
}
