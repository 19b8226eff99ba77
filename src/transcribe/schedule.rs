//! Several windows at once, and how far they are.
//!
//! A window is worked on by one thread: two windows with a thread each cost less than one window with two, and ggml's threads
//! spin while they wait for each other, which on a busy machine costs ten times the work. Which worker takes which window
//! depends on chance; that the result does not is the work's duty (a fresh decoder state for each window).

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does `count` pieces of work on at most `workers` threads, and returns their results in order. After the first error no new
/// piece is begun, and `give_up` is set so that those in progress can end early; the error that is returned is the one of the
/// first piece that failed on its own.
pub(super) fn run<T: Send, E: Send>(
    count: usize,
    workers: usize,
    give_up: &AtomicBool,
    work: impl Fn(usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let first_error = Mutex::new(None);
    let worker = || {
        let mut done = Vec::new();
        while !give_up.load(Ordering::Acquire) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            match work(index) {
                Ok(result) => done.push((index, result)),
                Err(error) => {
                    // Set last: whoever ends because of it comes after this error.
                    first_error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    give_up.store(true, Ordering::Release);
                }
            }
        }
        done
    };
    let mut results: Vec<(usize, T)> = thread::scope(|scope| {
        let others: Vec<_> = (1..workers.min(count)).map(|_| scope.spawn(worker)).collect();
        let mut all = worker();
        for other in others {
            // A panic goes on in the caller's thread, where one job ends by it.
            all.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        all
    });
    if let Some(error) = first_error.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    results.sort_unstable_by_key(|&(index, _)| index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// How far pieces of different weight are together; tells it only when it grows.
pub(super) struct Progress<'a> {
    state: Mutex<(Vec<u8>, u8)>,
    weights: Vec<usize>,
    tell: &'a (dyn Fn(u8) + Sync),
}

impl<'a> Progress<'a> {
    pub(super) fn new(weights: Vec<usize>, tell: &'a (dyn Fn(u8) + Sync)) -> Self {
        Self { state: Mutex::new((vec![0; weights.len()], 0)), weights, tell }
    }

    /// Says that one piece is so many percent done.
    pub(super) fn report(&self, piece: usize, percent: u8) {
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

    #[test]
    fn results_come_in_order_whoever_did_the_work() {
        let give_up = AtomicBool::new(false);
        let results: Result<Vec<usize>, ()> = run(50, 3, &give_up, |index| Ok(index * 2));
        assert_eq!(results.unwrap(), (0..50).map(|index| index * 2).collect::<Vec<_>>());
        assert_eq!(run(0, 3, &give_up, Ok::<usize, ()>), Ok(Vec::new()));
    }

    #[test]
    fn after_an_error_nothing_new_is_begun() {
        let give_up = AtomicBool::new(false);
        let begun = AtomicUsize::new(0);
        let result = run(1000, 2, &give_up, |index| {
            begun.fetch_add(1, Ordering::Relaxed);
            if index == 0 {
                return Err("broken");
            }
            while !give_up.load(Ordering::Acquire) {
                thread::yield_now();
            }
            Ok(())
        });
        assert_eq!(result, Err("broken"));
        assert!(begun.into_inner() <= 2);
    }

    #[test]
    fn progress_only_grows_and_weighs_the_pieces() {
        let told = Mutex::new(Vec::new());
        let tell = |percent| told.lock().unwrap().push(percent);
        let progress = Progress::new(vec![300, 100], &tell);
        for (piece, percent) in [(0, 0), (1, 100), (0, 50), (0, 10), (7, 100), (0, 100), (1, 100)] {
            progress.report(piece, percent);
        }
        assert_eq!(*told.lock().unwrap(), [25, 62, 100]);
    }
}
