//! Estimates: exact on a line, near it in disorder, sane on anything.

use super::*;
use proptest::prelude::*;

const MONO: Kind = Kind { several_channels: false, diarize: None, translate: false };
const STEREO: Kind = Kind { several_channels: true, ..MONO };

fn equipment() -> Equipment {
    Equipment { threads: 1, models: vec![(Stage::Transcription, "ggml-tiny.en-q8_0".to_owned())] }
}

fn speed(jobs: &[(f64, f64, Kind)]) -> Speed {
    let job = |&(audio_seconds, processing_seconds, kind): &(f64, f64, Kind)| JobTime { audio_seconds, processing_seconds, kind };
    Speed::from(Measured { equipment: equipment(), jobs: jobs.iter().map(job).collect() })
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() < 1e-6
}

#[test]
fn before_anything_was_measured_the_models_and_threads_decide() {
    let guess = |threads, model: &str| {
        let models = vec![(Stage::Transcription, model.to_owned())];
        Speed::from(Measured { equipment: Equipment { threads, models }, jobs: Vec::new() }).estimate(100.0, MONO)
    };
    assert!(near(guess(1, "ggml-tiny.en-q8_0"), 4.3));
    assert!(guess(1, "ggml-large-v3") > guess(1, "ggml-large-v3-turbo"));
    assert!(guess(1, "ggml-small") > guess(2, "ggml-small"));
}

#[test]
fn jobs_on_a_line_give_that_line() {
    let measured = speed(&[(100.0, 51.0, MONO), (300.0, 151.0, MONO), (20.0, 11.0, MONO), (200.0, 101.0, MONO)]);
    assert!(near(measured.estimate(10.0, MONO), 6.0), "{}", measured.estimate(10.0, MONO));
    assert!(near(measured.average(), 78.5));
}

#[test]
fn an_odd_job_does_not_matter() {
    let mut jobs = vec![(100.0, 51.0, MONO), (300.0, 151.0, MONO), (20.0, 11.0, MONO), (200.0, 101.0, MONO), (50.0, 26.0, MONO)];
    jobs.push((600.0, 1.0, MONO));
    assert!(near(speed(&jobs).estimate(10.0, MONO), 6.0));
}

#[test]
fn a_kind_that_takes_longer_is_known_after_a_few_jobs() {
    let mut jobs: Vec<_> = [40.0, 100.0, 300.0, 20.0, 200.0, 60.0].map(|length| (length, 1.0 + length, MONO)).into();
    jobs.extend([40.0, 100.0, 300.0].map(|length| (length, 2.0 * (1.0 + length), STEREO)));
    let measured = speed(&jobs);
    assert!(near(measured.estimate(99.0, MONO), 100.0), "{}", measured.estimate(99.0, MONO));
    assert!(near(measured.estimate(99.0, STEREO), 200.0), "{}", measured.estimate(99.0, STEREO));
}

#[test]
fn the_last_jobs_count_more_than_the_first() {
    let then = [100.0, 300.0, 20.0, 200.0, 50.0, 70.0, 90.0, 10.0].map(|length| (length, length, MONO));
    let now = [100.0, 300.0, 20.0, 200.0, 50.0, 70.0, 90.0, 10.0, 30.0].map(|length| (length, 3.0 * length, MONO));
    let jobs: Vec<_> = then.into_iter().chain(now).collect();
    let found = speed(&jobs).estimate(100.0, MONO);
    assert!(near(found, 300.0), "{found}");
}

#[test]
fn what_cannot_be_is_not_believed() {
    let impossible = [(f64::NAN, 1.0, MONO), (1.0, f64::INFINITY, MONO), (-1.0, 1.0, MONO), (1.0, -1.0, MONO)];
    assert_eq!(speed(&impossible).measured().jobs, []);
}

#[test]
fn no_more_is_kept_than_is_remembered() {
    let mut measured = speed(&[]);
    for length in 0..100 {
        measured.record(JobTime { audio_seconds: f64::from(length), processing_seconds: 1.0, kind: MONO });
    }
    let lengths: Vec<f64> = measured.measured().jobs.iter().map(|job| job.audio_seconds).collect();
    assert_eq!(lengths, (68..100).map(f64::from).collect::<Vec<_>>());
}

#[test]
fn what_is_left_comes_from_the_estimate_first_and_from_the_progress_later() {
    assert!(near(left(100.0, 0.0, 0), 100.0));
    assert!(near(left(100.0, 30.0, 0), 70.0));
    assert!(near(left(100.0, 500.0, 0), 10.0), "an overdue job is not done");
    assert!(near(left(100.0, 50.0, 50), 50.0));
    let late = left(100.0, 270.0, 90);
    assert!((20.0..=30.0).contains(&late), "{late} of 30 s");
    assert!(near(left(100.0, 300.0, 100), 0.0));
}

fn anything() -> impl Strategy<Value = f64> {
    prop_oneof![proptest::num::f64::ANY, 0.0..20_000.0, 0.0..1.0]
}

prop_compose! {
    fn kinds()(several_channels: bool, diarize in proptest::option::of(any::<bool>()), translate: bool) -> Kind {
        Kind { several_channels, diarize, translate }
    }
}

proptest! {
    #[test]
    fn an_estimate_is_a_time_and_grows_with_the_length(
        jobs in proptest::collection::vec((anything(), anything(), kinds()), 0..40),
        lengths in (anything(), anything()),
        kind in kinds(),
    ) {
        let measured = speed(&jobs);
        let (one, other) = (measured.estimate(lengths.0, kind), measured.estimate(lengths.1, kind));
        for seconds in [one, other, measured.average()] {
            prop_assert!((0.0..=LONGEST_SECONDS).contains(&seconds));
        }
        if lengths.0 <= lengths.1 {
            prop_assert!(one <= other);
        }
    }

    #[test]
    fn what_is_left_is_a_time(estimated in 0.0..LONGEST_SECONDS, elapsed in 0.0..LONGEST_SECONDS, percent: u8) {
        let seconds = left(estimated, elapsed, percent);
        prop_assert!(seconds.is_finite() && seconds >= 0.0);
    }
}
