//! How long jobs take, from how long earlier ones took.

use std::collections::VecDeque;

/// How many jobs back the measure goes.
const REMEMBERED: usize = 20;

/// Processing seconds for a second of audio before anything was measured: a two-party call with the tiny model on two
/// cores, rounded up.
const FIRST_GUESS: f64 = 0.25;

/// Seconds that any job takes, however short: opening, moving and writing files.
const FIXED_SECONDS: f64 = 0.5;

/// The measured speed of the last jobs.
#[derive(Debug, Default)]
pub(super) struct Speed {
    /// Seconds of audio and seconds of work.
    jobs: VecDeque<(f64, f64)>,
}

impl Speed {
    /// Learns from a finished job.
    pub(super) fn record(&mut self, audio_seconds: f64, processing_seconds: f64) {
        if self.jobs.len() == REMEMBERED {
            self.jobs.pop_front();
        }
        self.jobs.push_back((audio_seconds, processing_seconds));
    }

    /// How long a recording of this length will take, in seconds.
    pub(super) fn estimate(&self, audio_seconds: f64) -> f64 {
        let (audio, work) = self.jobs.iter().fold((0.0, 0.0), |(audio, work), job| (audio + job.0, work + job.1));
        let fixed = FIXED_SECONDS * self.jobs.len() as f64;
        let per_second = if audio > 0.0 { (work - fixed).max(0.0) / audio } else { FIRST_GUESS };
        audio_seconds.mul_add(per_second, FIXED_SECONDS)
    }

    /// The mean processing time of the last jobs in seconds; 0 before the first.
    pub(super) fn average(&self) -> f64 {
        if self.jobs.is_empty() { 0.0 } else { self.jobs.iter().map(|job| job.1).sum::<f64>() / self.jobs.len() as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_follows_the_measured_speed() {
        let mut speed = Speed::default();
        speed.record(100.0, 50.5);
        speed.record(300.0, 150.5);
        assert!((speed.estimate(10.0) - 5.5).abs() < 1e-9);
        assert!((speed.average() - 100.5).abs() < 1e-9);
    }
}
