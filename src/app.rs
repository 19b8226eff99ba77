//! Wires all parts of the server, serves until it is stopped, and shuts down in order.

mod error;
mod keys;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::access::limits::Limits;
use crate::api::{self, AppState, Parts};
use crate::audio::decode::DecodeLimits;
use crate::capabilities::EngineStatus;
use crate::clock::Clock;
use crate::config::{Config, FileLimits, ServerSettings};
use crate::engine::Engine;
use crate::housekeeping::Housekeeping;
use crate::http::{self, ConnectionCounts, ConnectionTimeouts, Gate, GateParts, Pace};
use crate::inbox::{self, Inbox};
use crate::intake::{self, Intake};
use crate::jobs::estimate::Equipment;
use crate::lifecycle::{Lifecycle, QueueLimits};
use crate::pipeline::Pipeline;
use crate::stop::StopReason;
use crate::volume::{RoomLimits, Volume};
use crate::worker::{TimeLimits, Worker};
pub use error::AppError;
use keys::KeyWatch;

/// How long open requests may go on after the worker has ended.
const LAST_REQUESTS: Duration = Duration::from_secs(3);

/// Two tokens: soft stops taking work, hard stops the work that runs.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Raised by the first signal.
    pub soft: CancellationToken,
    /// Raised by the second signal.
    pub hard: CancellationToken,
}

/// A server that is ready: it listens, and works once [`App::serve`] is called.
pub struct App {
    listener: TcpListener,
    address: SocketAddr,
    state: AppState,
    worker: Worker,
    inbox: Option<Inbox>,
    lifecycle: Lifecycle,
    tasks: TaskTracker,
    shutdown: Shutdown,
    grace: Duration,
    keys: Option<KeyWatch>,
    housekeeping: Housekeeping,
    connections: (ConnectionTimeouts, ConnectionCounts),
    closing: CancellationToken,
    ending: CancellationToken,
}

impl App {
    /// Opens the volume, loads the models, takes up the jobs found, and binds the address.
    ///
    /// # Errors
    /// When one of these fails.
    pub async fn start(
        config: &Config,
        clock: Clock,
        shutdown: Shutdown,
        build: impl FnOnce() -> Pipeline + Send + 'static,
    ) -> Result<Self, AppError> {
        Self::start_on(Volume::open(&config.volume.path)?, config, clock, shutdown, build).await
    }

    /// The same on a volume that is open already.
    ///
    /// # Errors
    /// When one of the other steps fails.
    pub async fn start_on(
        volume: Volume,
        config: &Config,
        clock: Clock,
        shutdown: Shutdown,
        build: impl FnOnce() -> Pipeline + Send + 'static,
    ) -> Result<Self, AppError> {
        volume.divide_room(RoomLimits { reserve: config.storage.reserve, client_share: config.storage.client_share });
        let (access, keys) = keys::open(config)?;
        let tasks = TaskTracker::new();
        let incoming = volume.drop_folder();
        let queue = QueueLimits { max_queued: config.queue.max_length, client_share: config.queue.client_share };
        let lifecycle = Lifecycle::new(volume, queue, clock.clone(), tasks.clone());
        lifecycle.recover(config.queue.max_attempts).map_err(AppError::Recover)?;
        // Loading takes seconds; the runtime's threads stay free for the signals meanwhile.
        let engine = tokio::task::spawn_blocking(move || Engine::start(build))
            .await
            .map_err(|error| AppError::Serve(error.to_string()))??;
        for stage in engine.status().stages() {
            if let Some(reason) = &stage.missing {
                warn!(event = "stage_unavailable", stage = stage.stage.name(), reason, "A stage cannot run");
            }
            if let Some(reason) = &stage.limitation {
                warn!(event = "stage_limited", stage = stage.stage.name(), reason, "A stage gives worse results than it could");
            }
        }
        lifecycle.set_equipment(equipment(config, engine.status()));
        let intake = Intake::new(intake::Parts {
            lifecycle: lifecycle.clone(),
            incoming: incoming.clone(),
            engine: engine.status().clone(),
            limits: intake_limits(config),
        });
        let (closing, ending) = (CancellationToken::new(), CancellationToken::new());
        let may_start = CancellationToken::new();
        let watched = config.incoming.watch.then(|| inbox::Parts {
            incoming,
            intake: intake.clone(),
            lifecycle: lifecycle.clone(),
            clock: clock.clone(),
            poll_interval: config.queue.poll_interval,
            stopping: shutdown.soft.clone(),
            examined: may_start.clone(),
            tasks: tasks.clone(),
        });
        if watched.is_none() {
            may_start.cancel();
        }
        let state = AppState::new(Parts {
            lifecycle: lifecycle.clone(),
            intake,
            gate: Gate::new(GateParts {
                access,
                limits: Limits::new(config.rate_limits.limits()),
                proxies: config.server.trusted_proxies.clone(),
                hosts: config.server.allowed_hosts.clone().with(&rustix::system::uname().nodename().to_string_lossy()),
                origins: config.server.cors_origins.clone(),
                clock: clock.clone(),
                language: config.server.language,
                stopping: shutdown.soft.clone(),
                tasks: tasks.clone(),
            }),
            engine: engine.status().clone(),
            closing: closing.clone(),
            max_file_bytes: config.files.max_bytes,
            decode_limits: decode_limits(config),
            pace: Pace { idle_timeout: config.server.idle_timeout, min_rate: config.server.min_upload_rate },
        });
        let housekeeping = Housekeeping {
            lifecycle: lifecycle.clone(),
            clock,
            rules: config.retention.rules(),
            interval: config.retention.check_interval,
        };
        let worker = Worker {
            lifecycle: lifecycle.clone(),
            engine,
            limits: time_limits(config),
            poll_interval: config.queue.poll_interval,
            name_results: config.incoming.name_results,
            may_start,
            stopping: shutdown.soft.clone(),
            ending: ending.clone(),
        };
        let unbound = |source| AppError::Listen { address: config.server.address(), source };
        let listener = http::listen(config.server.address()).map_err(unbound)?;
        let address = listener.local_addr().map_err(unbound)?;
        info!(event = "listening", address = %address, "Listening on http://{address}");
        Ok(Self {
            listener,
            address,
            state,
            worker,
            inbox: watched.map(Inbox::new),
            lifecycle,
            tasks,
            shutdown,
            grace: config.queue.shutdown_grace,
            keys,
            housekeeping,
            connections: connections(config),
            closing,
            ending,
        })
    }

    /// The address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often the watched folder was looked at; none if it is not watched.
    pub fn looks(&self) -> Option<watch::Receiver<u64>> {
        self.inbox.as_ref().map(Inbox::looks)
    }

    /// Serves until the soft token is raised, then lets what runs come to its end within the grace time. Until then requests
    /// are still answered, but no recording is taken; after that the connections are closed.
    ///
    /// # Errors
    /// When the engine stands still, or the server ends without having been asked to.
    pub async fn serve(self) -> Result<(), AppError> {
        let soft = self.shutdown.soft.clone();
        let closing = self.closing;
        let gate = self.state.gate.clone();
        let server = http::serve(self.listener, api::router(self.state), gate, self.connections, closing.clone());
        let mut server = self.tasks.spawn({
            // If the server dies, the worker must not go on without it.
            let guard = soft.clone().drop_guard();
            async move {
                let _stop_everything = guard;
                server.await;
            }
        });
        if let Some(keys) = self.keys {
            self.tasks.spawn(keys.run(closing.clone()));
        }
        if let Some(inbox) = self.inbox {
            // If it dies, files would lie there for ever.
            let guard = soft.clone().drop_guard();
            self.tasks.spawn(async move {
                let _stop_everything = guard;
                inbox.run().await;
            });
        }
        self.tasks.spawn(self.housekeeping.run(closing.clone()));
        let worker = self.tasks.spawn({
            // If the worker dies, the server must not accept jobs that will never run.
            let guard = soft.clone().drop_guard();
            async move {
                let _stop_everything = guard;
                self.worker.run().await
            }
        });
        soft.cancelled().await;
        info!(event = "stopping", "Stopping: no further jobs are taken");
        tokio::pin!(worker);
        let hard = self.shutdown.hard.clone();
        let orderly = tokio::select! {
            ended = &mut worker => ended,
            () = tokio::time::sleep(self.grace) => {
                self.lifecycle.stop_running(StopReason::Shutdown);
                self.ending.cancel();
                worker.await
            }
            () = hard.cancelled() => {
                self.lifecycle.stop_running(StopReason::Shutdown);
                self.ending.cancel();
                worker.await
            }
        };
        if let Err(error) = &orderly {
            error!(event = "worker_died", cause = %error, "The worker ended unexpectedly");
        }
        closing.cancel();
        self.tasks.close();
        let ended = async {
            let served = (&mut server).await;
            self.tasks.wait().await;
            served
        };
        match tokio::time::timeout(LAST_REQUESTS, ended).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(AppError::Serve(error.to_string())),
            // Requests that are still open after that are broken off.
            Err(_) => server.abort(),
        }
        info!(event = "stopped", "Stopped");
        Ok(orderly.map_err(|error| AppError::Serve(error.to_string()))??)
    }
}

/// Timeouts and numbers of connections from the settings.
fn connections(config: &Config) -> (ConnectionTimeouts, ConnectionCounts) {
    let ServerSettings { header_timeout, keep_alive, write_timeout, max_connections, max_connections_per_client, .. } =
        config.server;
    let timeouts = ConnectionTimeouts { header_timeout, keep_alive, write_timeout };
    (timeouts, ConnectionCounts { max: max_connections, max_per_client: max_connections_per_client })
}

/// Limits of length and channels from the settings.
fn decode_limits(config: &Config) -> DecodeLimits {
    let FileLimits { max_duration, max_channels, .. } = config.files;
    DecodeLimits { max_duration, max_channels, ..DecodeLimits::default() }
}

/// Limits of a recording from the settings.
fn intake_limits(config: &Config) -> intake::Limits {
    let max_deaths = config.queue.max_attempts;
    intake::Limits { max_file_bytes: config.files.max_bytes, max_deaths, decode: decode_limits(config) }
}

/// Limits of time from the settings.
fn time_limits(config: &Config) -> TimeLimits {
    TimeLimits {
        task_timeout: config.queue.task_timeout,
        task_timeout_factor: config.queue.task_timeout_factor,
        stall_timeout: config.engine.stall_timeout,
    }
}

/// What the speed of the work depends on, for estimates.
fn equipment(config: &Config, engine: &EngineStatus) -> Equipment {
    let models = engine.stages().iter().flat_map(|stage| stage.models.iter().map(|model| (stage.stage, model.name.clone())));
    Equipment { threads: config.engine.threads, models: models.collect() }
}
