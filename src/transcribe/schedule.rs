//! Decodes several chunks in parallel, and combines their progress.
//!
//! Each chunk is decoded by one thread: two chunks with one thread each cost less than one chunk with two, and ggml's threads
//! spin while they wait for each other, which on a busy machine costs ten times the work. The order in which chunks finish is not
//! deterministic; the work itself must make sure that the result is (each chunk has a decoder state of its own).
//!
//! The threads own their data. whisper.cpp cannot be interrupted inside an encoder pass, which takes a second with the smallest
//! model and half a minute with a large one. A job that is stopped waits a short time for its threads and then abandons them; a
//! thread ends when its pass does.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::TranscribeError;
use crate::stop::StopSignal;

/// How often the stop signal is polled while threads work.
const POLL: Duration = Duration::from_millis(50);
/// How long a stopped job waits for its threads; usually long enough that none is abandoned.
const GRACE: Duration = Duration::from_millis(1200);

/// Runs `count` work items, at most `workers` at once, and returns their results in order. `prepare` is called on this thread, in
/// order, just before an item starts. `give_up` is set when no more results are needed: after the first error, or on a stop.
pub(super) fn run<T, W>(
    count: usize,
    workers: usize,
    stop: &StopSignal,
    give_up: &Arc<AtomicBool>,
    mut prepare: impl FnMut(usize) -> W,
) -> Result<Vec<T>, TranscribeError>
where
    T: Send + 'static,
    W: FnOnce() -> Result<T, TranscribeError> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel();
    let mut results: Vec<Option<T>> = (0..count).map(|_| None).collect();
    let (mut begun, mut ended) = (0, 0);
    let mut failure: Option<TranscribeError> = None;
    let mut leave_at: Option<Instant> = None;
    loop {
        if stop.is_raised() && leave_at.is_none() {
            give_up.store(true, Ordering::Release);
            leave_at = Some(Instant::now() + GRACE);
        }
        while begun < count && begun - ended < workers.max(1) && !give_up.load(Ordering::Acquire) {
            let (work, sender, index) = (prepare(begun), sender.clone(), begun);
            let thread = thread::Builder::new().name(format!("transcribe-{index}"));
            let spawned = thread.spawn(move || {
                // The receiver is gone when the job has abandoned its threads.
                let _receiver_gone = sender.send((index, catch_unwind(AssertUnwindSafe(work))));
            });
            match spawned {
                Ok(_detached) => begun += 1,
                Err(error) => {
                    failure.get_or_insert(error.into());
                    give_up.store(true, Ordering::Release);
                }
            }
        }
        if ended == begun {
            break;
        }
        match receiver.recv_timeout(POLL) {
            Ok((index, Ok(Ok(result)))) => {
                ended += 1;
                results[index] = Some(result);
            }
            Ok((_, Ok(Err(error)))) => {
                ended += 1;
                failure.get_or_insert(error);
                give_up.store(true, Ordering::Release);
            }
            Ok((_, Err(panic))) => {
                give_up.store(true, Ordering::Release);
                // The panic continues on the caller's thread, where it fails one job.
                resume_unwind(panic);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                if leave_at.is_some_and(|instant| Instant::now() >= instant) {
                    break;
                }
            }
        }
    }
    // An aborted chunk reports some error; the stop signal is the real reason.
    stop.check()?;
    match failure {
        Some(error) => Err(error),
        None => Ok(results.into_iter().flatten().collect()),
    }
}

/// The combined progress of work items of different weight. Reports only increases, and nothing once the job has given up.
pub(super) struct Progress {
    state: Mutex<State>,
    weights: Vec<usize>,
    give_up: Arc<AtomicBool>,
    sink: Box<dyn Fn(u8) + Send + Sync>,
}

struct State {
    /// Percent of each item.
    items: Vec<u8>,
    /// Percent of all items as last reported.
    reported: u8,
}

impl Progress {
    /// `sink` receives the combined progress in percent.
    pub(super) fn new(weights: Vec<usize>, give_up: Arc<AtomicBool>, sink: Box<dyn Fn(u8) + Send + Sync>) -> Self {
        Self { state: Mutex::new(State { items: vec![0; weights.len()], reported: 0 }), weights, give_up, sink }
    }

    /// Reports the progress of one item in percent.
    pub(super) fn report(&self, item: usize, percent: u8) {
        if self.give_up.load(Ordering::Acquire) {
            return;
        }
        // Held while reporting, so that the reported values never decrease.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(done) = state.items.get_mut(item) else { return };
        *done = percent.min(100).max(*done);
        let done: usize = state.items.iter().zip(&self.weights).map(|(&done, &weight)| usize::from(done) * weight).sum();
        let total: usize = self.weights.iter().sum();
        let percent = u8::try_from(done.checked_div(total).unwrap_or(100)).unwrap_or(100);
        if percent > state.reported {
            state.reported = percent;
            (self.sink)(percent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::StopReason;

    fn run_all<T: Send + 'static, W: FnOnce() -> Result<T, TranscribeError> + Send + 'static>(
        count: usize,
        stop: &StopSignal,
        prepare: impl FnMut(usize) -> W,
    ) -> Result<Vec<T>, TranscribeError> {
        run(count, 3, stop, &Arc::default(), prepare)
    }

    #[test]
    fn results_come_in_order_whichever_finishes_first() {
        let stop = StopSignal::new();
        assert_eq!(
            run_all(50, &stop, |index| move || Ok(index * 2)).unwrap(),
            (0..50).map(|index| index * 2).collect::<Vec<_>>()
        );
        assert!(run_all(0, &stop, |index| move || Ok(index)).unwrap().is_empty());
    }

    #[test]
    fn after_an_error_no_new_work_starts() {
        let mut started = 0;
        let result: Result<Vec<()>, _> = run_all(1000, &StopSignal::new(), |index| {
            started += 1;
            move || if index == 0 { Err(TranscribeError::Engine("broken".to_owned())) } else { Ok(()) }
        });
        assert!(matches!(result, Err(TranscribeError::Engine(reason)) if reason == "broken"));
        assert!(started < 1000, "{started}");
    }

    #[test]
    fn a_stopped_job_does_not_wait_for_work_that_cannot_be_interrupted() {
        let stop = StopSignal::new();
        let (release, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let begun = Instant::now();
        let result = run_all(9, &stop, |_| {
            stop.raise(StopReason::Cancelled);
            let held = Arc::clone(&held);
            move || {
                let _released = held.lock().unwrap().recv_timeout(Duration::from_mins(1));
                Ok(())
            }
        });
        assert!(matches!(result, Err(TranscribeError::Stopped(_))));
        assert!(begun.elapsed() < Duration::from_secs(10));
        drop(release);
    }

    #[test]
    fn a_panic_continues_in_the_caller() {
        let result =
            catch_unwind(|| run_all(3, &StopSignal::new(), |index| move || if index == 1 { panic!("broken") } else { Ok(()) }));
        assert!(result.is_err());
    }

    #[test]
    fn progress_only_increases_and_items_are_weighted() {
        let reported = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&reported);
        let give_up: Arc<AtomicBool> = Arc::default();
        let progress =
            Progress::new(vec![300, 100], Arc::clone(&give_up), Box::new(move |percent| sink.lock().unwrap().push(percent)));
        for (item, percent) in [(0, 0), (1, 100), (0, 50), (0, 10), (7, 100), (0, 100), (1, 100)] {
            progress.report(item, percent);
        }
        assert_eq!(*reported.lock().unwrap(), [25, 62, 100]);
    }
}
