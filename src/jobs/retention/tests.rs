//! The rules of retention: what goes, what stays, and in which order.

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::jobs::options::JobOptions;
use crate::jobs::{FileInfo, JobId};
use crate::media::SourceInfo;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn ended(days_ago: i64, recording_bytes: u64, result_bytes: u64) -> Kept {
    let finished_at = now() - TimeDelta::days(days_ago);
    let file = FileInfo {
        filename: "call.wav".to_owned(),
        size_bytes: recording_bytes,
        source: SourceInfo::unknown(),
        sha256: String::new(),
    };
    let job = Job {
        id: JobId::random(),
        file,
        metadata: serde_json::Map::new(),
        options: JobOptions::default(),
        priority: 5,
        created_at: finished_at,
        sequence: 1,
        arrival: 1,
        attempts: 1,
        owner: None,
        idempotency: None,
        estimated_seconds: 1.0,
        last_event: 1,
        state: JobState::Completed { started_at: finished_at, finished_at },
    };
    Kept { job: Arc::new(job), recording_bytes, result_bytes }
}

/// What goes, by number: `r` for a recording, `a` for an archived job.
fn due(rules: &Retention, kept: &[Kept]) -> Vec<String> {
    let number = |job: &Job| kept.iter().position(|kept| kept.job.id == job.id).unwrap();
    let told = |due: &Due| match due {
        Due::Recording(job) => format!("r{}", number(job)),
        Due::Result(job) => format!("a{}", number(job)),
    };
    rules.due(kept, now()).iter().map(told).collect()
}

fn days(days: u64) -> Duration {
    Duration::from_hours(24 * days)
}

#[test]
fn without_rules_everything_is_kept() {
    assert_eq!(due(&Retention::default(), &[ended(4000, 10, 10)]), [""; 0]);
}

#[test]
fn age_counts_from_the_end_and_reaches_the_limit() {
    let rules = Retention { results: Rule { max_age: Some(days(7)), max_bytes: None }, ..Retention::default() };
    assert_eq!(due(&rules, &[ended(8, 10, 10), ended(7, 10, 10), ended(6, 10, 10)]), ["a0", "a1"]);
}

#[test]
fn recordings_go_earlier_than_results_and_only_once() {
    let recordings = Rule { max_age: Some(days(1)), max_bytes: None };
    let rules = Retention { recordings, results: Rule { max_age: Some(days(7)), max_bytes: None }, forget_after: None };
    assert_eq!(due(&rules, &[ended(8, 10, 10), ended(3, 0, 10), ended(2, 10, 10), ended(0, 10, 10)]), ["a0", "r2"]);
}

#[test]
fn all_that_is_older_than_what_does_not_fit_goes() {
    let rules = Retention { results: Rule { max_age: None, max_bytes: Some(25) }, ..Retention::default() };
    // The newest two take 20; the third does not fit, and the fourth would, but is older.
    assert_eq!(due(&rules, &[ended(4, 0, 1), ended(3, 0, 10), ended(2, 0, 10), ended(1, 0, 10)]), ["a0", "a1"]);
}

#[test]
fn an_archived_job_is_forgotten_after_its_time() {
    let rules = Retention { forget_after: Some(days(30)), ..Retention::default() };
    let archived = |days_ago| Job {
        state: JobState::Archived { started_at: None, finished_at: now(), archived_at: now() - TimeDelta::days(days_ago) },
        ..(*ended(100, 0, 0).job).clone()
    };
    assert!(rules.forgets(&archived(30), now()) && !rules.forgets(&archived(29), now()));
    assert!(!rules.forgets(&ended(100, 0, 0).job, now()));
}

proptest! {
    #[test]
    fn what_is_kept_fits_and_is_the_newest(sizes in proptest::collection::vec(0u64..100, 0..40), most in 1u64..500) {
        let rules = Retention { recordings: Rule { max_age: None, max_bytes: Some(most) }, ..Retention::default() };
        let kept: Vec<Kept> = (0..100).rev().zip(&sizes).map(|(days_ago, size)| ended(days_ago, *size, 1)).collect();
        let gone = rules.due(&kept, now()).len();
        let occupied: Vec<u64> = sizes.iter().copied().filter(|size| *size > 0).collect();
        prop_assert!(occupied[gone..].iter().sum::<u64>() <= most);
        // And no more went than had to.
        prop_assert!(gone == 0 || occupied[gone - 1..].iter().sum::<u64>() > most);
    }
}
