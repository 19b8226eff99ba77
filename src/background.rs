//! Threads for long computations: reading recordings and running models.
//!
//! They have a lower priority than the threads that answer requests, so a client gets its answer at once although all cores
//! are busy. On an idle machine they are as fast as without it. `make soak` measures the effect.

use std::io;

use tokio::sync::oneshot;

/// What the nice value of these threads grows by: beside a thread of a request, a tenth of a core is theirs (sched(7)).
const NICE: i32 = 10;

/// Lowers the priority of the calling thread, and of the threads that it starts from now on. It cannot be raised again.
pub(crate) fn lower_priority() {
    // Where this is forbidden, everything works as before.
    let _forbidden = rustix::process::nice(NICE);
}

/// Runs a computation on a thread of its own, with a lower priority.
///
/// # Errors
/// When the thread cannot be started, or the computation panics.
pub(crate) async fn compute<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        lower_priority();
        // The receiver is gone when nobody waits for the result any more.
        let _receiver_gone = sender.send(work());
    })?;
    receiver.await.map_err(|_| io::Error::other("the computation panicked"))
}
