//! Threads for long computations: reading recordings and running models.
//!
//! They have a lower priority than the threads that answer requests, so a client gets its answer at once although all cores
//! are busy. On an idle machine they are as fast as without it. `make soak` measures the effect.

use std::io;

/// What the nice value of these threads grows by: beside a thread of a request, a tenth of a core is theirs (sched(7)).
const NICE: i32 = 10;

/// Lowers the priority of the calling thread, and of the threads that it starts from now on. It cannot be raised again.
pub(crate) fn lower_priority() {
    // Where this is forbidden, everything works as before.
    let _forbidden = rustix::process::nice(NICE);
}

/// Runs a computation on a separate thread with a lower priority. When the process ends, the runtime waits for it.
///
/// # Errors
/// When the thread cannot be started, or the computation panics.
pub(crate) async fn compute<T: Send + 'static>(name: &'static str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    // The threads of the runtime are used for other work afterwards, and a priority cannot be raised again. But the runtime waits
    // for them when the process ends, so that no recording is left in the middle of its examination and charged for a death.
    let waiting = tokio::task::spawn_blocking(move || {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            lower_priority();
            work()
        })?;
        thread.join().map_err(|_| io::Error::other("the computation panicked"))
    });
    waiting.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nice value of the calling thread.
    fn nice() -> i32 {
        rustix::process::getpriority_process(None).unwrap()
    }

    #[tokio::test]
    async fn a_computation_has_a_lower_priority_and_the_threads_of_requests_keep_theirs() {
        let before = nice();
        let expected = (before + NICE).min(19);
        assert_eq!(compute("test", nice).await.unwrap(), expected);
        let of_the_runtime = tokio::task::spawn_blocking(nice).await.unwrap();
        assert_eq!((nice(), of_the_runtime), (before, before));
    }

    #[tokio::test]
    async fn a_panic_of_a_computation_is_an_error() {
        let panics: fn() = || panic!("on purpose");
        assert_eq!(compute("test", panics).await.unwrap_err().to_string(), "the computation panicked");
    }
}
