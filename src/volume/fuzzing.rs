//! Entry point of the fuzz target for records; compiled only for fuzzing.

use super::record;

/// Reads a record; what was read can be written and is the same job when it is read again.
///
/// # Panics
/// When it is another one.
pub fn record(bytes: &[u8]) {
    let Ok(job) = record::decode(bytes) else { return };
    let again = record::decode(&record::encode(&job)).expect("what was written can be read");
    assert_eq!((&again.id, &again.options, &again.state), (&job.id, &job.options, &job.state));
    assert_eq!((again.priority, again.sequence, again.attempts), (job.priority, job.sequence, job.attempts));
    assert_eq!((again.created_at, again.file.size_bytes), (job.created_at, job.file.size_bytes));
}
