//! `callannotate serve`: the process around the server. Log, runtime, file limit and signals are set up here; the server itself is
//! the library's.

use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::allocator;
use crate::app::{App, Shutdown};
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::volume::Volume;
use crate::{pipeline, telemetry};

/// How long file operations may still take when everything else has ended.
const LAST_STEPS: Duration = Duration::from_secs(2);

pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    allocator::bound_arenas();
    let log = telemetry::init(&config.logging.level, Clock::system());
    ensure!(clock::is_usable(), "the machine's clock is not between the years 1970 and 9999; set it, then start again");
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    let served = runtime.block_on(async {
        let shutdown = Shutdown::default();
        listen_for_signals(&shutdown)?;
        let volume = Volume::open(&config.volume.path)?;
        if let Some(limits) = config.logging.file_limits() {
            // Only now: the log files belong to the server that holds the volume's lock.
            log.also_to(volume.log_files(limits, Clock::system()));
        }
        let trials = volume.resume_trials();
        let build = pipeline::builder_with(config, trials.clone());
        let app = App::start_on(volume, config, Clock::system(), shutdown, build).await?;
        allocator::return_free_memory();
        app.serve().await?;
        // Not after an error: a model may be what the engine stands still in.
        trials.nothing_runs();
        Ok(())
    });
    // A file operation that hangs must not keep the process alive.
    runtime.shutdown_timeout(LAST_STEPS);
    served
}

/// Raises the limit of open files to the allowed maximum: each connection is an open file, and the default is often 1024.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
    {
        tracing::warn!(event = "file_limit", cause = %error, "The limit of open files stays at {:?}", limit.current);
    }
}

/// The first SIGTERM or SIGINT triggers the soft shutdown, the second the hard one.
fn listen_for_signals(shutdown: &Shutdown) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let tokens: [CancellationToken; 2] = [shutdown.soft.clone(), shutdown.hard.clone()];
    // Runs as long as the process, and owns nothing that needs cleaning up.
    let _detached = tokio::spawn(async move {
        for token in tokens {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            token.cancel();
        }
    });
    Ok(())
}
