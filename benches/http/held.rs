//! The real server with a diarizer that only holds its job and reports progress on command.

use std::io::BufRead;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, SystemTime};

use anyhow::Result;
use callannotate::app::{App, Shutdown};
use callannotate::audio::Audio;
use callannotate::audio::decode::DecodeLimits;
use callannotate::capabilities::ModelInfo;
use callannotate::clock::Clock;
use callannotate::config::Config;
use callannotate::context::JobContext;
use callannotate::diarize::{Diarization, Diarize, DiarizeError, SpeakerCount};
use callannotate::jobs::stage::Stage;
use callannotate::pipeline::{Pipeline, Slot, Stages};
use callannotate::telemetry;
use serde_json::json;

/// How often the held job checks its stop signal.
const STOP_POLL: Duration = Duration::from_millis(50);

/// The increase of the stage's progress per report: so much that the job's progress grows by a whole percent and is published.
pub(crate) const STEP_PERCENT: u8 = 4;

/// The command `tick COUNT MILLISECONDS`: how many reports, and the time between them.
struct Tick {
    count: u8,
    every: Duration,
}

/// Serves with the settings of the environment until standard input ends.
pub(crate) async fn serve() -> Result<()> {
    let config = Config::load(&std::env::vars().collect())?;
    let _written_to_the_end = telemetry::init(&config.log_filter, Clock::system());
    let shutdown = Shutdown::default();
    let stopping = shutdown.clone();
    let (ticks, asked_for) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            // The engine lives as long as the process.
            let _gone = parse(&line).map(|tick| ticks.send(tick));
        }
        stopping.soft.cancel();
        stopping.hard.cancel();
    });
    let limits = DecodeLimits {
        max_duration: config.files.max_duration,
        max_channels: config.files.max_channels,
        ..DecodeLimits::default()
    };
    let defaults = config.defaults.clone();
    let app = App::start(&config, Clock::system(), shutdown, move || {
        let stages = Stages {
            diarize: Slot::Ready(Box::new(Holding(asked_for))),
            transcribe: Slot::Missing("not in this measurement".to_owned()),
            recognize: Slot::Missing("not in this measurement".to_owned()),
        };
        Pipeline::new(stages, defaults, limits)
    });
    Ok(app.await?.serve().await?)
}

fn parse(line: &str) -> Option<Tick> {
    let mut words = line.split_whitespace();
    let (Some("tick"), Some(count), Some(milliseconds)) = (words.next(), words.next(), words.next()) else { return None };
    Some(Tick { count: count.parse().ok()?, every: Duration::from_millis(milliseconds.parse().ok()?) })
}

/// Microseconds since 1970: one clock for all processes of the machine.
pub(crate) fn now_micros() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

struct Holding(Receiver<Tick>);

impl Diarize for Holding {
    fn diarize(&mut self, ctx: &JobContext, _: &Audio, _: SpeakerCount) -> Result<Diarization, DiarizeError> {
        loop {
            ctx.check()?;
            match self.0.recv_timeout(STOP_POLL) {
                Ok(tick) => {
                    for percent in (1..=tick.count).map(|number| number.saturating_mul(STEP_PERCENT)) {
                        let at = now_micros();
                        ctx.report(Stage::Diarization, percent);
                        println!("{}", json!({ "event": "tick", "percent": percent, "at_micros": at }));
                        std::thread::sleep(tick.every);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(DiarizeError::Model("the caller is gone".to_owned())),
            }
        }
    }

    fn models(&self) -> Vec<ModelInfo> {
        vec![ModelInfo { name: "held".to_owned(), framework: "none", device: "cpu", license: None }]
    }
}
