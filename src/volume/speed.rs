//! `speed.json` in the volume's root: how long the last jobs took, so that estimates survive a restart and the jobs' deletion.
//!
//! A missing or broken file only means that estimates start with guesses.

use std::io;

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::Volume;
use crate::jobs::estimate::{Equipment, JobTime, Kind, Measured, REMEMBERED};
use crate::jobs::stage::Stage;

const SPEED_FILE: &str = "speed.json";

/// The largest file that is read, in bytes: a remembered job takes about 150, the rest is room for the names of models.
const MAX_BYTES: u64 = 64 * 1024;

#[derive(Serialize, Deserialize)]
struct SpeedFile {
    threads: usize,
    models: Vec<(String, String)>,
    jobs: Vec<JobTimeFile>,
}

#[derive(Serialize, Deserialize)]
struct JobTimeFile {
    audio_seconds: f64,
    processing_seconds: f64,
    several_channels: bool,
    diarize: Option<bool>,
    translate: bool,
}

impl Volume {
    /// Writes how long the last jobs took.
    ///
    /// # Errors
    /// When the volume cannot be written to.
    pub fn keep_speed(&self, measured: &Measured) -> io::Result<()> {
        self.write_file(&self.0.path.join(SPEED_FILE), &encode(measured))
    }

    /// Reads how long the last jobs took before the restart; none when the file is missing or broken.
    pub fn read_speed(&self) -> Option<Measured> {
        let path = self.0.path.join(SPEED_FILE);
        let found = match self.disk().read(&path, MAX_BYTES) {
            Ok(bytes) => decode(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => Err(error.to_string()),
        };
        found
            .inspect_err(|cause| warn!(event = "speed_ignored", cause, "{SPEED_FILE} cannot be used; starting with guesses"))
            .ok()
    }
}

fn encode(measured: &Measured) -> Vec<u8> {
    let job = |job: &JobTime| JobTimeFile {
        audio_seconds: job.audio_seconds,
        processing_seconds: job.processing_seconds,
        several_channels: job.kind.several_channels,
        diarize: job.kind.diarize,
        translate: job.kind.translate,
    };
    let equipment = &measured.equipment;
    let file = SpeedFile {
        threads: equipment.threads,
        models: equipment.models.iter().map(|(stage, name)| (stage.name().to_owned(), name.clone())).collect(),
        jobs: measured.jobs.iter().map(job).collect(),
    };
    serde_json::to_vec_pretty(&file).expect("a record has string keys and finite numbers, so it is always JSON")
}

pub(super) fn decode(bytes: &[u8]) -> Result<Measured, String> {
    let file: SpeedFile = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if file.jobs.len() > REMEMBERED {
        return Err(format!("it holds {} jobs", file.jobs.len()));
    }
    let model = |(name, model): (String, String)| {
        Stage::from_name(&name).map(|stage| (stage, model)).ok_or(format!("{name} is no stage"))
    };
    let job = |job: JobTimeFile| JobTime {
        audio_seconds: job.audio_seconds,
        processing_seconds: job.processing_seconds,
        kind: Kind { several_channels: job.several_channels, diarize: job.diarize, translate: job.translate },
    };
    Ok(Measured {
        equipment: Equipment { threads: file.threads, models: file.models.into_iter().map(model).collect::<Result<_, _>>()? },
        jobs: file.jobs.into_iter().map(job).collect(),
    })
}
