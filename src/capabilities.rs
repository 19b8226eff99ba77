//! What this server can do, and whether its engine is alive: which stages can run, with which models, in which languages.
//!
//! The pipeline describes its stages, the engine publishes the description when it has started, and the worker's watchdog sets
//! the stalled flag; all others only read. This module must not import anything that runs or loads a model, so that the HTTP
//! interface, the watched folder and intake can ask what is available without depending on the models.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::jobs::stage::Stage;

/// A model as results and `GET /info` name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelInfo {
    /// The file's name without extension, for example `ggml-tiny.en-q8_0`.
    pub name: String,
    /// The library that runs it, for example `whisper.cpp` or `rten`.
    pub framework: &'static str,
    /// The device that it runs on; always `cpu` today.
    pub device: &'static str,
    /// SPDX identifier, or none when the file does not say.
    pub license: Option<&'static str>,
}

/// Whether a stage can run, and with which models.
#[derive(Debug, Clone)]
pub struct StageInfo {
    pub stage: Stage,
    /// Why the stage cannot run; none when it can.
    pub missing: Option<String>,
    /// Why the stage runs with worse results than it could, in English; none when it does not.
    pub limitation: Option<String>,
    /// The models in use; empty when the stage cannot run.
    pub models: Vec<ModelInfo>,
}

/// A model file that is passed over because it ended the process before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HarmfulModel {
    /// The kind of model, such as `whisper`.
    pub kind: &'static str,
    /// Path of the file.
    pub file: String,
    /// What happened, and how to try it again; in English.
    pub reason: String,
}

/// The engine's capabilities and its current state. Clones share the state.
#[derive(Debug, Clone)]
pub struct EngineStatus(Arc<Status>);

#[derive(Debug)]
struct Status {
    stages: Vec<StageInfo>,
    languages: Vec<String>,
    identity: String,
    harmful: Vec<HarmfulModel>,
    alive: AtomicBool,
    stalled: AtomicBool,
}

impl EngineStatus {
    /// The status of an engine that has just started: alive and not stalled. For the parameters see the getters.
    pub(crate) fn new(stages: Vec<StageInfo>, languages: Vec<String>, identity: String) -> Self {
        let (alive, stalled) = (AtomicBool::new(true), AtomicBool::new(false));
        Self(Arc::new(Status { stages, languages, identity, harmful: Vec::new(), alive, stalled }))
    }

    /// The same with the model files that are passed over.
    pub(crate) fn with_harmful_models(self, harmful: Vec<HarmfulModel>) -> Self {
        Arc::try_unwrap(self.0).map_or_else(Self, |status| Self(Arc::new(Status { harmful, ..status })))
    }

    /// The model files that are passed over because they ended the process before.
    pub fn harmful_models(&self) -> &[HarmfulModel] {
        &self.0.harmful
    }

    /// The stages that use models, in pipeline order.
    pub fn stages(&self) -> &[StageInfo] {
        &self.0.stages
    }

    /// The languages that can be transcribed, as ISO 639-1 codes.
    pub fn languages(&self) -> &[String] {
        &self.0.languages
    }

    /// Identifies the engine's configuration: results depend on it, the recording and the job's options alone. It covers the
    /// model files and the settings, and is part of the fingerprint of checkpoints.
    pub fn identity(&self) -> &str {
        &self.0.identity
    }

    /// Whether the engine's thread is running and not stalled.
    pub fn is_alive(&self) -> bool {
        self.0.alive.load(Ordering::Acquire) && !self.is_stalled()
    }

    /// Whether the engine's thread seems to hang in a native call that cannot be interrupted.
    pub fn is_stalled(&self) -> bool {
        self.0.stalled.load(Ordering::Acquire)
    }

    /// Sets or clears the stalled flag; only the worker's watchdog calls this.
    pub fn set_stalled(&self, stalled: bool) {
        self.0.stalled.store(stalled, Ordering::Release);
    }

    /// Records that the engine's thread has ended. It never comes back to life.
    pub(crate) fn set_ended(&self) {
        self.0.alive.store(false, Ordering::Release);
    }
}
