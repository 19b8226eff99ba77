//! Several chunks at once, and how far they are.
//!
//! A chunk is worked on by one thread: two chunks with a thread each cost less than one chunk with two, and ggml's threads
//! spin while they wait for each other, which on a busy machine costs ten times the work. Which chunk is done first depends on
//! chance; that the result does not is the work's duty (a decoder state of its own for each chunk).
//!
//! The threads own what they work on. whisper.cpp can't be interrupted inside an encoder pass, which takes a second with the
//! smallest model and half a minute with a large one; a job that is told to stop waits for it only so long, and then leaves: the
//! thread ends by itself when its pass does.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::TranscribeError;
use crate::stop::StopSignal;

/// How often a stop is looked for while threads work.
const POLL: Duration = Duration::from_millis(50);
/// How long a stopped job waits for its threads, so that as a rule none is left behind.
const GRACE: Duration = Duration::from_millis(1200);

/// Does `count` pieces of work, at most `workers` at once, and returns their results in order. `prepare` is called here, in
/// order, just before a piece begins. `give_up` is set when nothing more is wanted: after the first error, or when told to stop.
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
                // The receiver is gone when the job has left: then nobody wants the result.
                let _nobody_waits = sender.send((index, catch_unwind(AssertUnwindSafe(work))));
            });
            match spawned {
                Ok(_runs_by_itself) => begun += 1,
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
                // It goes on in the caller's thread, where one job ends by it.
                resume_unwind(panic);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                if leave_at.is_some_and(|instant| Instant::now() >= instant) {
                    break;
                }
            }
        }
    }
    // An aborted chunk reports some error: the stop signal knows better.
    stop.check()?;
    match failure {
        Some(error) => Err(error),
        None => Ok(results.into_iter().flatten().collect()),
    }
}

/// How far pieces of different weight are together; tells it only when it grows, and to nobody once the job has left.
pub(super) struct Progress {
    state: Mutex<(Vec<u8>, u8)>,
    weights: Vec<usize>,
    give_up: Arc<AtomicBool>,
    tell: Box<dyn Fn(u8) + Send + Sync>,
}

impl Progress {
    pub(super) fn new(weights: Vec<usize>, give_up: Arc<AtomicBool>, tell: Box<dyn Fn(u8) + Send + Sync>) -> Self {
        Self { state: Mutex::new((vec![0; weights.len()], 0)), weights, give_up, tell }
    }

    /// Says that one piece is so many percent done.
    pub(super) fn report(&self, piece: usize, percent: u8) {
        if self.give_up.load(Ordering::Acquire) {
            return;
        }
        // Held while telling, so that what is told never goes down.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (parts, told) = &mut *state;
        let Some(part) = parts.get_mut(piece) else { return };
        *part = percent.min(100).max(*part);
        let done: usize = parts.iter().zip(&self.weights).map(|(&part, &weight)| usize::from(part) * weight).sum();
        let total: usize = self.weights.iter().sum();
        let percent = u8::try_from(done.checked_div(total).unwrap_or(100)).unwrap_or(100);
        if percent > *told {
            *told = percent;
            (self.tell)(percent);
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
    fn results_come_in_order_whoever_was_first() {
        let stop = StopSignal::new();
        assert_eq!(
            run_all(50, &stop, |index| move || Ok(index * 2)).unwrap(),
            (0..50).map(|index| index * 2).collect::<Vec<_>>()
        );
        assert!(run_all(0, &stop, |index| move || Ok(index)).unwrap().is_empty());
    }

    #[test]
    fn after_an_error_nothing_new_is_begun() {
        let mut begun = 0;
        let result: Result<Vec<()>, _> = run_all(1000, &StopSignal::new(), |index| {
            begun += 1;
            move || if index == 0 { Err(TranscribeError::Engine("broken".to_owned())) } else { Ok(()) }
        });
        assert!(matches!(result, Err(TranscribeError::Engine(reason)) if reason == "broken"));
        assert!(begun < 1000, "{begun}");
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
    fn a_panic_goes_on_in_the_caller() {
        let result =
            catch_unwind(|| run_all(3, &StopSignal::new(), |index| move || if index == 1 { panic!("broken") } else { Ok(()) }));
        assert!(result.is_err());
    }

    #[test]
    fn progress_only_grows_and_weighs_the_pieces() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&told);
        let give_up: Arc<AtomicBool> = Arc::default();
        let progress =
            Progress::new(vec![300, 100], Arc::clone(&give_up), Box::new(move |percent| sink.lock().unwrap().push(percent)));
        for (piece, percent) in [(0, 0), (1, 100), (0, 50), (0, 10), (7, 100), (0, 100), (1, 100)] {
            progress.report(piece, percent);
        }
        assert_eq!(*told.lock().unwrap(), [25, 62, 100]);
    }
}
