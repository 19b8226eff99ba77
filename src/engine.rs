//! The one thread that owns the models.
//!
//! Models keep scratch buffers, so running one needs `&mut`. Instead of a lock around each, this thread owns them all and
//! takes one recording at a time; the rest of the program holds an [`Engine`], which is only a channel. A panic on this
//! thread must fail one job, never the process.

use std::any::Any;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::{mpsc, oneshot};
use tracing::{Span, error};

use crate::background;
use crate::capabilities::EngineStatus;
use crate::context::JobContext;
use crate::document::Document;
use crate::jobs::FileInfo;
use crate::jobs::options::JobOptions;
use crate::pipeline::{Pipeline, PipelineError, Task};
use crate::redact::unquoted;

/// A recording to be annotated.
#[derive(Debug)]
pub struct Work {
    /// The recording, open for reading.
    pub recording: File,
    pub file: FileInfo,
    pub options: JobOptions,
}

struct Request {
    work: Work,
    context: JobContext,
    span: Span,
    answer: oneshot::Sender<Result<Document, PipelineError>>,
}

/// A handle to the engine. Clones send to the same thread.
#[derive(Clone)]
pub struct Engine {
    requests: mpsc::Sender<Request>,
    status: EngineStatus,
}

/// Why the engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The operating system did not start a thread.
    #[error("the engine's thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
    /// The thread ended while it was loading its models.
    #[error("the engine ended while it loaded its models")]
    Ended,
}

impl Engine {
    /// Starts the thread and blocks until it has built its pipeline; loading models takes seconds.
    ///
    /// # Errors
    /// When the thread cannot be started, or ends while it loads the models.
    pub fn start(build: impl FnOnce() -> Pipeline + Send + 'static) -> Result<Self, StartError> {
        let (requests, mut receiver) = mpsc::channel::<Request>(1);
        let (ready, is_ready) = std::sync::mpsc::channel();
        std::thread::Builder::new().name("engine".to_owned()).spawn(move || {
            // Before the models are loaded: their threads are started from here.
            background::lower_priority();
            let mut pipeline = build();
            let status = EngineStatus::new(pipeline.stages(), pipeline.languages(), pipeline.identity())
                .with_harmful_models(pipeline.harmful_models().to_vec());
            let _ended_when_dropped = EndedWhenDropped(status.clone());
            if ready.send(status).is_err() {
                return;
            }
            while let Some(request) = receiver.blocking_recv() {
                let _in_job = request.span.entered();
                let result = run(&mut pipeline, &request.work, &request.context);
                // The receiver is gone when the process is shutting down.
                let _receiver_gone = request.answer.send(result);
            }
        })?;
        let status = is_ready.recv().map_err(|_| StartError::Ended)?;
        Ok(Self { requests, status })
    }

    /// The engine's capabilities and state.
    pub fn status(&self) -> &EngineStatus {
        &self.status
    }

    /// Annotates one recording.
    ///
    /// # Errors
    /// When a mandatory stage fails, when the job is stopped, or when the engine's thread is gone.
    pub async fn annotate(&self, work: Work, context: JobContext) -> Result<Document, PipelineError> {
        let (answer, answered) = oneshot::channel();
        let request = Request { work, context, span: Span::current(), answer };
        let gone = || PipelineError::Internal { stage: None, cause: "the engine's thread is gone".to_owned() };
        self.requests.send(request).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// Records the end of the engine's thread, also when it panics.
struct EndedWhenDropped(EngineStatus);

impl Drop for EndedWhenDropped {
    fn drop(&mut self) {
        self.0.set_ended();
    }
}

fn run(pipeline: &mut Pipeline, work: &Work, context: &JobContext) -> Result<Document, PipelineError> {
    let task = Task::of(&work.recording, &work.file, &work.options);
    // A stage that panicked may leave its scratch buffers in any state; they are always overwritten before they are read.
    let result = catch_unwind(AssertUnwindSafe(|| pipeline.run(context, &task)));
    result.unwrap_or_else(|panic| {
        let cause = message(panic.as_ref());
        error!(event = "engine_panic", cause, "A stage panicked");
        Err(PipelineError::Internal { stage: pipeline.current_stage(), cause: format!("panic: {cause}") })
    })
}

/// The text that a panic was raised with, without what it quotes.
fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .map_or_else(|| "without a message".to_owned(), |text| unquoted(&text))
}
