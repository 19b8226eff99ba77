//! How long jobs take, from how long earlier ones took.
//!
//! A line through the measured jobs: so many seconds for any job, and so many more for each second of the recording. Errors
//! are taken as ratios and in absolute value, so that short recordings count as much as long ones and a few odd ones (music,
//! silence) do not matter. Jobs of one kind then share a factor: two channels, or no diarization, cost more or less. The
//! line is found when a job ends, so that an estimate is a multiplication. Before anything was measured, the models and
//! the number of threads say where the line lies, and weigh less with every job.

use super::options::{ChannelMode, JobOptions};
use super::stage::Stage;
use super::{FileInfo, Job};

/// How many jobs back the measure goes. It bounds the file on the volume and the search for the line.
pub const REMEMBERED: usize = 32;

/// After so many further jobs a job counts half: the machine, its load and the recordings change.
const HALF_LIFE_JOBS: f64 = 8.0;

/// Seconds that any job takes, however short, before anything was measured: opening, moving and writing files.
const FIXED_SECONDS: f64 = 0.3;

/// Lengths, in seconds, at which the first guess stands beside the measured jobs: it holds the line where no job was.
const FIRST_GUESS_AT: [f64; 3] = [0.0, 60.0, 3600.0];

/// What the first guess counts at each of these lengths; a job that has just ended counts 1. After `n` jobs it is divided by
/// `(n + 1)²`: it soon matters where no job was, and nowhere else.
const FIRST_GUESS_WEIGHT: f64 = 0.5;

/// The longest time that is believed or told, in seconds: a month. Keeps sums and dates finite.
const LONGEST_SECONDS: f64 = 30.0 * 86_400.0;

/// What a second of audio costs in processor seconds, by a word in the name of the model that transcribes it: the first
/// measured on two-party calls, the others in proportion to their size. The last is for any other name.
const TRANSCRIPTION_COSTS: [(&str, f64); 7] =
    [("turbo", 0.9), ("tiny", 0.04), ("base", 0.08), ("small", 0.3), ("medium", 0.9), ("large", 1.7), ("", 0.3)];

/// The same for the models of diarization.
const DIARIZATION_COSTS: [(&str, f64); 2] = [("segmentation", 0.015), ("", 0.002)];

/// What the work is done with. Times measured with other equipment say nothing about this one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Equipment {
    /// Threads of the models.
    pub threads: usize,
    /// The names of the models, by the stage that runs them.
    pub models: Vec<(Stage, String)>,
}

impl Equipment {
    /// Seconds of work for a second of audio, before anything was measured.
    fn first_guess(&self) -> f64 {
        let cost = |(stage, name): &(Stage, String)| {
            let costs: &[(&str, f64)] = match stage {
                Stage::Transcription => &TRANSCRIPTION_COSTS,
                Stage::Diarization => &DIARIZATION_COSTS,
                Stage::Validation | Stage::Preprocessing | Stage::Recognition | Stage::CarddavLookup | Stage::Annotation => &[],
            };
            costs.iter().find(|(word, _)| name.contains(word)).map_or(0.0, |(_, cost)| *cost)
        };
        // Decoding costs something even where no model is there.
        let processor_seconds = self.models.iter().map(cost).sum::<f64>().max(0.001);
        // More threads help less than in proportion: two do 1.7 times the work of one.
        processor_seconds / (self.threads.max(1) as f64).powf(0.8)
    }
}

/// What else than its length decides how long a job takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kind {
    /// Several channels that are not to be mixed.
    pub several_channels: bool,
    /// What the job says of diarization; without it the silences are transcribed as well.
    pub diarize: Option<bool>,
    /// Into English.
    pub translate: bool,
}

impl Kind {
    /// The kind of a job.
    pub fn of(job: &Job) -> Self {
        Self::new(&job.file, &job.options)
    }

    /// The kind of a job with this recording and these options.
    pub fn new(file: &FileInfo, options: &JobOptions) -> Self {
        Self {
            several_channels: file.source.channels > 1 && options.channels != ChannelMode::Mix,
            diarize: options.diarize,
            translate: options.translate,
        }
    }
}

/// A job that was completed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobTime {
    /// Length of the recording.
    pub audio_seconds: f64,
    /// What it took.
    pub processing_seconds: f64,
    /// What else decides that.
    pub kind: Kind,
}

/// What was measured, and with what: enough to go on from after a restart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// What the work was done with.
    pub equipment: Equipment,
    /// The last jobs, the oldest first; at most [`REMEMBERED`].
    pub jobs: Vec<JobTime>,
}

/// The measured speed of the last jobs.
#[derive(Debug)]
pub(crate) struct Speed {
    measured: Measured,
    line: Line,
}

impl Default for Speed {
    fn default() -> Self {
        Self::from(Measured::default())
    }
}

impl From<Measured> for Speed {
    fn from(mut measured: Measured) -> Self {
        measured.jobs.retain(is_possible);
        measured.jobs.drain(..measured.jobs.len().saturating_sub(REMEMBERED));
        let line = Line::through(&measured);
        Self { measured, line }
    }
}

fn is_possible(job: &JobTime) -> bool {
    let possible = |seconds: f64| (0.0..=LONGEST_SECONDS).contains(&seconds);
    possible(job.audio_seconds) && possible(job.processing_seconds)
}

impl Speed {
    /// Learns from a completed job.
    pub(crate) fn record(&mut self, job: JobTime) {
        self.measured.jobs.push(job);
        *self = Self::from(std::mem::take(&mut self.measured));
    }

    /// What was measured so far.
    pub(crate) fn measured(&self) -> &Measured {
        &self.measured
    }

    /// How long a recording of this length and kind will take, in seconds.
    pub(crate) fn estimate(&self, audio_seconds: f64, kind: Kind) -> f64 {
        let length = if audio_seconds.is_nan() { 0.0 } else { audio_seconds.clamp(0.0, LONGEST_SECONDS) };
        let seconds = self.line.at(length);
        (seconds * self.factor(kind)).min(LONGEST_SECONDS)
    }

    /// How much longer than the line says jobs of this kind take: the middle one of their ratios, among them two that say 1, so
    /// that it takes three jobs to be believed.
    fn factor(&self, kind: Kind) -> f64 {
        let alike = weighted(&self.measured.jobs).filter(|(job, _)| job.kind == kind);
        let mut ratios: Vec<(f64, f64)> =
            alike.map(|(job, weight)| (seconds_of(job) / self.line.at(job.audio_seconds), weight)).collect();
        ratios.push((1.0, 2.0));
        middle(ratios)
    }

    /// The mean processing time of the last jobs in seconds; 0 before the first.
    pub(crate) fn average(&self) -> f64 {
        let jobs = &self.measured.jobs;
        if jobs.is_empty() { 0.0 } else { jobs.iter().map(|job| job.processing_seconds).sum::<f64>() / jobs.len() as f64 }
    }
}

/// Seconds that are left of a job of which so much was done in so much time: what was estimated at its start, and the more
/// is done, what its progress says. A job that takes longer than it should is never said to be done already.
pub(crate) fn left(estimated_seconds: f64, elapsed_seconds: f64, percent: u8) -> f64 {
    let done = f64::from(percent.min(100)) / 100.0;
    let projected = if done > 0.0 { elapsed_seconds / done } else { estimated_seconds };
    // Early on, the share that is done is a guess by itself: stages differ in length from call to call.
    let trust = done * done;
    let total = (1.0 - trust) * estimated_seconds + trust * projected;
    (total - elapsed_seconds).max((1.0 - done) * total * if done > 0.0 { 1.0 } else { 0.1 }).max(0.0)
}

/// Seconds for any job, and for each second of its recording; neither is negative.
#[derive(Debug, Clone, Copy)]
struct Line {
    fixed: f64,
    per_second: f64,
}

/// A length, the time it took, and how much it counts.
type Point = (f64, f64, f64);

impl Line {
    /// The line with the smallest error of all that go through two of the points.
    fn through(measured: &Measured) -> Self {
        let guess = Self { fixed: FIXED_SECONDS, per_second: measured.equipment.first_guess() };
        let weight = FIRST_GUESS_WEIGHT / (measured.jobs.len() as f64 + 1.0).powi(2);
        let mut points: Vec<Point> = FIRST_GUESS_AT.into_iter().map(|length| (length, guess.at(length), weight)).collect();
        points.extend(weighted(&measured.jobs).map(|(job, weight)| (job.audio_seconds, seconds_of(job), weight)));
        let pairs = points.iter().enumerate().flat_map(|(index, one)| points[..index].iter().map(move |other| (one, other)));
        let lines = pairs.filter_map(|(one, other)| Self::between(*one, *other));
        lines
            .map(|line| (line.error(&points), line))
            .min_by(|one, other| one.0.total_cmp(&other.0))
            .map_or(guess, |(_, line)| line)
    }

    /// The line through two points, when it neither falls nor begins below zero.
    fn between(one: Point, other: Point) -> Option<Self> {
        let per_second = (one.1 - other.1) / (one.0 - other.0);
        let fixed = per_second.mul_add(-one.0, one.1);
        // Two points of one length have no line: the slope is then infinite or no number.
        (per_second.is_finite() && per_second >= 0.0 && fixed >= 0.0).then_some(Self { fixed, per_second })
    }

    /// Never 0, so that ratios to it are finite.
    fn at(self, audio_seconds: f64) -> f64 {
        audio_seconds.mul_add(self.per_second, self.fixed).max(SHORTEST_SECONDS)
    }

    /// The sum of the ratios' logarithms: twice as long is as wrong as half.
    fn error(self, points: &[Point]) -> f64 {
        points.iter().map(|(length, seconds, weight)| (self.at(*length) / seconds).ln().abs() * weight).sum()
    }
}

/// The shortest time that is told apart from none, in seconds: the clock's step.
const SHORTEST_SECONDS: f64 = 0.001;

fn seconds_of(job: &JobTime) -> f64 {
    job.processing_seconds.max(SHORTEST_SECONDS)
}

/// The jobs and how much each counts, 1 for the last.
fn weighted(jobs: &[JobTime]) -> impl Iterator<Item = (&JobTime, f64)> {
    jobs.iter().rev().enumerate().map(|(age, job)| (job, 0.5f64.powf(age as f64 / HALF_LIFE_JOBS)))
}

/// The value with as much weight below it as above it.
fn middle(mut values: Vec<(f64, f64)>) -> f64 {
    values.sort_by(|one, other| one.0.total_cmp(&other.0));
    let half = values.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    let reached = values.iter().find(|(_, weight)| {
        below += weight;
        below >= half
    });
    reached.map_or(1.0, |(value, _)| *value)
}

#[cfg(test)]
mod tests;
