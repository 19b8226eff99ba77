//! The event numbers, attempts and places of every transition.

use super::*;
use crate::jobs::options::JobOptions;
use crate::jobs::stage::Stage;
use crate::jobs::{FailureCode, FileInfo, JobId};
use crate::media::SourceInfo;

pub(in crate::lifecycle) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn failure() -> Failure {
    Failure { code: FailureCode::ProcessingFailed, message: "it broke".to_owned(), stage: None }
}

pub(in crate::lifecycle) fn queued() -> Job {
    let file = FileInfo { filename: "call.wav".to_owned(), size_bytes: 1, source: SourceInfo::unknown(), sha256: String::new() };
    made(Job {
        id: JobId::random(),
        file,
        metadata: serde_json::Map::new(),
        options: JobOptions::default(),
        priority: 5,
        created_at: at(0),
        sequence: 7,
        arrival: 7,
        attempts: 0,
        owner: None,
        idempotency: None,
        estimated_seconds: 1.0,
        last_event: 0,
        state: JobState::Queued,
    })
}

/// The numbers of the last event after each step.
fn numbers(jobs: &[&Job]) -> Vec<u64> {
    jobs.iter().map(|job| job.last_event).collect()
}

#[test]
fn every_transition_counts_the_events_that_announce_it() {
    let queued = queued();
    let running = started(&queued, at(1));
    let halfway = progressed(&running, at(1), Progress::at(Stage::Transcription));
    assert_eq!(numbers(&[&queued, &running, &halfway]), [1, 2, 3]);
    let waiting = put_back(&halfway);
    assert_eq!((waiting.last_event, waiting.attempts, waiting.arrival), (4, 0, 7));
    // Ended: the status and the outcome.
    let ends = [completed(&halfway, at(9)), failed(&halfway, at(9), failure()), cancelled(&halfway, at(9))];
    assert_eq!(numbers(&ends.each_ref()), [5, 5, 5]);
    assert_eq!(ends.each_ref().map(|job| job.state.started_at()), [Some(at(1)); 3]);
    for ended in &ends {
        let archived = archived(ended, at(20)).unwrap();
        assert_eq!((archived.last_event, archived.state.finished_at()), (7, Some(at(9))));
        let retried = retried(ended, 30);
        assert_eq!((retried.last_event, retried.attempts, retried.arrival), (6, 0, 30));
    }
    assert_eq!(archived(&halfway, at(20)), None);
    assert_eq!(cancelled(&queued, at(2)).last_event, 3);
    assert_eq!(made(Job { state: failed(&queued, at(0), failure()).state, ..queued }).last_event, 2);
}

#[test]
fn after_a_crash_numbering_continues_behind_all_events_of_the_run() {
    let running = started(&queued(), at(1));
    let record = claimed(&running);
    assert_eq!((record.last_event, &record.state), (running.last_event + EVENTS_OF_A_RUN, &running.state));
    let found = Job { state: JobState::Queued, ..record.clone() };
    let resumed = resumed(&found, 40);
    assert_eq!((resumed.last_event, resumed.attempts, resumed.arrival), (record.last_event + 1, 1, 40));
    // A cancellation noted during the run knows a smaller number than the record of the run; of an earlier run's, a greater.
    let noted = cancelled(&running, at(2));
    assert_eq!(cancelled_by_note(&found, noted.clone()).last_event, record.last_event + 2);
    let late = Job { last_event: 9_000, ..noted };
    let ended = cancelled_by_note(&found, late.clone());
    assert_eq!((ended.last_event, ended.state), (9_002, late.state));
}

#[test]
fn a_record_without_numbers_gets_them() {
    let old = Job { last_event: 0, ..queued() };
    assert_eq!(loaded(old.clone()).last_event, 1);
    assert_eq!(loaded(Job { state: completed(&old, at(1)).state, ..old }).last_event, 2);
    assert_eq!(loaded(Job { last_event: 40, ..queued() }).last_event, 40);
}
